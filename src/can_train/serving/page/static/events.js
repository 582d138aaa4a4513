// Alarms, newest first: one entry each, which says when it is over.
import { byId, counted, described, figure, made, reasons } from "./text.js";

const MOST = 50;

export class EventList {
  constructor() {
    this.list = byId("events");
    this.entries = new Map();
    this.times = new Map();
  }

  clear() {
    this.entries.clear();
    this.times.clear();
    this.list.replaceChildren();
  }

  alarmTimes() {
    return [...this.times.values()];
  }

  show(event) {
    const entry = filled(event);
    const before = this.entries.get(event.number);
    if (before && before.told >= event.told) return;
    if (before) before.entry.replaceWith(entry);
    else this.list.prepend(entry);
    this.entries.set(event.number, { entry, told: event.told });
    if (event.type === "alarm") this.times.set(event.number, event.at_s);
    while (this.entries.size > MOST) {
      const oldest = Math.min(...this.entries.keys());
      this.entries.get(oldest).entry.remove();
      this.entries.delete(oldest);
      this.times.delete(oldest);
    }
    this.list.hidden = false;
    byId("no-events").hidden = true;
    byId("events-count").textContent = counted(this.entries.size, "alarm");
  }
}

function filled(event) {
  const over = event.type === "over";
  const entry = made("li", over ? "event over" : "event");
  const top = made("p", "when");
  top.append(made("span", "state", over ? `over after ${(event.end_s - event.start_s).toFixed(1)} s` : "going on"));
  top.firstChild.dataset.state = over ? "seen" : "alarming";
  top.append(made("time", "", event.moment));
  entry.append(top, made("p", "what", `${event.kind}, margin ${figure(event.peak_score)}, p ${figure(event.p_value)}`));
  const more = made("dl", "facts");
  const facts = [["IDs", described(event)], ["Because of", reasons(event) || "–"], ["Frames", `${event.frames[0].toLocaleString("en")} to ${(event.frames[1] - 1).toLocaleString("en")}`]];
  for (const [name, value] of facts) {
    const row = made("div");
    row.append(made("dt", "", name), made("dd", "", value));
    more.append(row);
  }
  entry.append(more);
  return entry;
}
