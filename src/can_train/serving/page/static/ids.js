// The IDs of the bus as a table whose rows stay where they are while their numbers change.
import { byId, count, counted, made, put } from "./text.js";

const ORDER = { alarming: 0, silent: 1, seen: 2 };
const BY = {
  id: (a, b) => (a.id < b.id ? -1 : 1),
  rate: (a, b) => b.rate - a.rate,
  frames: (a, b) => b.frames - a.frames,
  state: (a, b) => ORDER[a.state] - ORDER[b.state],
};

function said(each) {
  if (each.state === "silent") return `silent for ${each.quiet_s.toFixed(0)} s`;
  return each.state === "seen" && each.quiet_s >= 2 ? `seen ${each.quiet_s.toFixed(0)} s ago` : each.state;
}

export class IdTable {
  constructor() {
    this.rows = new Map();
    this.body = byId("ids");
    this.by = "state";
    this.latest = [];
    for (const button of document.querySelectorAll("[data-sort]")) {
      button.addEventListener("click", () => this.sort(button.dataset.sort));
    }
  }

  sort(by) {
    this.by = by;
    for (const button of document.querySelectorAll("[data-sort]")) {
      const mine = button.dataset.sort === by;
      const down = by === "rate" || by === "frames";
      button.closest("th").setAttribute("aria-sort", mine ? (down ? "descending" : "ascending") : "none");
    }
    this.show(this.latest, this.untold);
  }

  show(list, untold) {
    this.latest = list;
    this.untold = untold;
    const sorted = [...list].sort((a, b) => BY[this.by](a, b) || BY.id(a, b));
    const known = new Set(list.map((each) => each.id));
    for (const [id, row] of this.rows) {
      if (known.has(id)) continue;
      row.element.remove();
      this.rows.delete(id);
    }
    sorted.forEach((each, at) => {
      const row = this.rows.get(each.id) ?? this.added(each.id);
      put(row.rate, each.rate >= 10 ? each.rate.toFixed(0) : each.rate.toFixed(1));
      put(row.frames, count(each.frames));
      put(row.state, said(each));
      row.state.dataset.state = each.state;
      row.element.dataset.state = each.state;
      if (this.body.children[at] !== row.element) this.body.insertBefore(row.element, this.body.children[at] ?? null);
    });
    const silent = list.filter((each) => each.state === "silent").length;
    byId("no-ids").hidden = list.length > 0;
    put(byId("ids-count"), list.length ? `${counted(list.length, "ID")}${silent ? `, ${silent} silent` : ""}` : "");
    byId("untold").hidden = !untold;
    put(byId("untold"), `${counted(untold ?? 0, "frame")} of further IDs, for which there is no room here.`);
  }

  added(id) {
    const element = made("tr");
    const head = made("th", "id", id);
    head.scope = "row";
    const [rate, frames, cell] = [made("td", "number"), made("td", "number"), made("td")];
    const state = made("span", "state");
    cell.append(state);
    element.append(head, rate, frames, cell);
    const row = { element, rate, frames, state };
    this.rows.set(id, row);
    return row;
  }
}
