"use strict";
const SVG = "http://www.w3.org/2000/svg";

for (const slider of document.querySelectorAll(".slider")) {
  const svg = slider.querySelector("svg");
  const box = svg.viewBox.baseVal;
  const rows = [...slider.querySelectorAll("tbody tr")];
  const told = [...slider.querySelectorAll(".readout dd")];
  const range = slider.querySelector("input");
  const mark = document.createElementNS(SVG, "circle");
  mark.setAttribute("r", "4.5");
  mark.setAttribute("class", "mark");
  mark.setAttribute("fill", "var(--paper)");
  mark.setAttribute("stroke", "var(--ink)");
  mark.setAttribute("stroke-width", "1.8");
  svg.append(mark);
  const move = () => {
    const row = rows[Number(range.value)];
    mark.setAttribute("cx", Number(row.dataset.x) * box.width);
    mark.setAttribute("cy", Number(row.dataset.y) * box.height);
    told.forEach((place, number) => { place.textContent = row.cells[number].textContent; });
    range.setAttribute("aria-valuetext", row.cells[0].textContent);
  };
  range.addEventListener("input", move);
  slider.querySelector("button").addEventListener("click", () => {
    range.value = slider.dataset.at;
    move();
  });
  slider.querySelector(".moves").hidden = false;
  move();
}

const valueOf = (row, column) => {
  const cell = row.cells[column];
  return cell.dataset.value === undefined ? cell.textContent.trim() : Number(cell.dataset.value);
};

const before = (a, b) => {
  if (typeof a === "number" && typeof b === "number") return a - b;
  if (typeof a === "number") return -1;
  if (typeof b === "number") return 1;
  return a.localeCompare(b, "en", { numeric: true });
};

for (const table of document.querySelectorAll("table[data-name]")) {
  const body = table.tBodies[0];
  if (body.querySelector("tr.head") || body.rows.length < 3) continue;
  [...table.tHead.rows[0].cells].forEach((head, column) => {
    const button = document.createElement("button");
    button.type = "button";
    button.className = "sorts";
    button.append(...head.childNodes);
    head.append(button);
    button.addEventListener("click", () => {
      const falls = head.getAttribute("aria-sort") === "ascending";
      for (const other of table.tHead.rows[0].cells) other.removeAttribute("aria-sort");
      head.setAttribute("aria-sort", falls ? "descending" : "ascending");
      const rows = [...body.rows].sort((a, b) => before(valueOf(a, column), valueOf(b, column)));
      body.append(...(falls ? rows.reverse() : rows));
    });
  });
}
for (const details of document.querySelectorAll("details")) {
  addEventListener("beforeprint", () => { details.open = true; });
}
