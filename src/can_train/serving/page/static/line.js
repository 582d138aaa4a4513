// The margin over time as a line, with the threshold and what is above it.
import { figure } from "./text.js";

const SVG = "http://www.w3.org/2000/svg";
const EDGE = { top: 12, right: 14, bottom: 22, left: 54 };
const LEAST_SPAN = 5;
const LADDER = [1, 3];
const STEPS = [1, 2, 5, 10];
const NEAR = 6;

function drawn(parent, tag, attributes, text) {
  const element = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  if (text !== undefined) element.textContent = text;
  parent.append(element);
  return element;
}

export class MarginLine {
  // since: whether times count from the first point, as in a recording, or back from now.
  constructor(svg, { since = false } = {}) {
    this.svg = svg;
    this.since = since;
    this.points = [];
    this.marks = [];
    this.threshold = null;
    this.width = 0;
    this.waiting = false;
    new ResizeObserver(() => this.show()).observe(svg);
  }

  // Draws once per picture of the screen, however often it is asked for.
  show() {
    if (this.waiting) return;
    this.waiting = true;
    requestAnimationFrame(() => {
      this.waiting = false;
      this.draw();
    });
  }

  draw() {
    const box = this.svg.getBoundingClientRect();
    if (!box.width) return;
    this.svg.setAttribute("viewBox", `0 0 ${box.width} ${box.height}`);
    this.svg.replaceChildren();
    this.inner = { width: box.width - EDGE.left - EDGE.right, height: box.height - EDGE.top - EDGE.bottom };
    this.scale();
    this.axes();
    if (this.points.length) this.curve();
  }

  // Margins have no bound: near the threshold the scale is linear, far from it logarithmic.
  scale() {
    const values = this.points.map((point) => point[1]);
    const limit = this.threshold ?? 1;
    this.unit = Math.max(Math.abs(limit) / 2, 0.1);
    const low = Math.min(limit - this.unit, ...values);
    const high = Math.max(limit + this.unit, ...values);
    const bent = (value) => Math.asinh((value - limit) / this.unit);
    const room = (bent(high) - bent(low)) * 0.05;
    const [from, to] = [bent(low) - room, bent(high) + room];
    this.y = (value) => EDGE.top + this.inner.height * (1 - (bent(value) - from) / (to - from || 1));
    this.range = [low, high];
    const first = this.points.length ? this.points[0][0] : 0;
    const last = this.points.length ? this.points[this.points.length - 1][0] : LEAST_SPAN;
    this.span = [this.since ? first : Math.min(first, last - LEAST_SPAN), Math.max(last, first + (this.since ? 1e-3 : 0))];
    const length = this.span[1] - this.span[0] || 1;
    this.x = (time) => EDGE.left + (this.inner.width * (time - this.span[0])) / length;
  }

  axes() {
    const right = EDGE.left + this.inner.width;
    const bottom = EDGE.top + this.inner.height;
    const taken = this.threshold === null ? [] : [this.y(this.threshold)];
    for (const value of this.levels()) {
      const y = this.y(value);
      if (taken.some((other) => Math.abs(other - y) < 18)) continue;
      taken.push(y);
      drawn(this.svg, "line", { class: "grid", x1: EDGE.left, x2: right, y1: y, y2: y });
      drawn(this.svg, "text", { class: "tick", x: EDGE.left - 6, y: y + 4, "text-anchor": "end" }, figure(value));
    }
    const steps = this.inner.width < 420 ? 2 : 4;
    for (let step = 0; step <= steps; step += 1) {
      const time = this.span[0] + ((this.span[1] - this.span[0]) * step) / steps;
      const anchor = step === 0 ? "start" : step === steps ? "end" : "middle";
      drawn(this.svg, "text", { class: "tick", x: this.x(time), y: bottom + 16, "text-anchor": anchor }, this.moment(time));
    }
    if (this.threshold === null) return;
    const y = this.y(this.threshold);
    drawn(this.svg, "line", { class: "limit", x1: EDGE.left, x2: right, y1: y, y2: y });
    drawn(this.svg, "text", { class: "tick limit-text", x: EDGE.left - 6, y: y + 4, "text-anchor": "end" }, figure(this.threshold));
  }

  moment(time) {
    if (this.since) return `${(time - this.span[0]).toFixed(this.span[1] - this.span[0] < 20 ? 1 : 0)} s`;
    const ago = this.span[1] - time;
    return ago < 0.05 ? "now" : `−${ago.toFixed(ago < 10 ? 1 : 0)} s`;
  }

  // Values at the left: even steps while all is near the threshold, else powers of ten.
  levels() {
    const [low, high] = this.range;
    if (high - low < NEAR * this.unit) {
      const size = 10 ** Math.floor(Math.log10((high - low) / 4));
      const step = size * STEPS.find((each) => each * size * 4 >= high - low);
      const first = Math.ceil(low / step);
      return Array.from({ length: Math.floor(high / step) - first + 1 }, (_, at) => (first + at) * step);
    }
    const found = [0];
    for (let decade = -3; decade < 9; decade += 1) {
      for (const part of LADDER) {
        const value = part * 10 ** decade;
        found.push(value, -value);
      }
    }
    return found.filter((value) => value >= low && value <= high);
  }

  curve() {
    const at = this.points.map(([time, value]) => [this.x(time), this.y(value)]);
    for (const time of this.marks) {
      if (time < this.span[0] || time > this.span[1]) continue;
      const x = this.x(time);
      drawn(this.svg, "line", { class: "alarm-line", x1: x, x2: x, y1: EDGE.top, y2: EDGE.top + this.inner.height });
      drawn(this.svg, "path", { class: "alarm-mark", d: `M${x - 5} ${EDGE.top - 9}h10l-5 8z` });
    }
    const path = at.map(([x, y], index) => `${index ? "L" : "M"}${x.toFixed(1)} ${y.toFixed(1)}`).join("");
    if (this.threshold !== null) {
      const limit = this.y(this.threshold).toFixed(1);
      const over = at.map(([x, y]) => `L${x.toFixed(1)} ${Math.min(y, limit).toFixed(1)}`).join("");
      drawn(this.svg, "path", { class: "over", d: `M${at[0][0].toFixed(1)} ${limit}${over}L${at[at.length - 1][0].toFixed(1)} ${limit}Z` });
    }
    drawn(this.svg, "path", { class: "curve", d: path });
    const [x, y] = at[at.length - 1];
    if (!this.since) drawn(this.svg, "circle", { class: "tip", cx: x, cy: y, r: 3.5 });
  }

  // The same in words.
  words() {
    if (!this.points.length) return "No margin yet.";
    const [first, last] = [this.points[0], this.points[this.points.length - 1]];
    const highest = this.points.reduce((a, b) => (b[1] > a[1] ? b : a));
    const above = this.points.filter((point) => point[1] > (this.threshold ?? Infinity)).length;
    const share = above ? `above it in ${Math.max(1, Math.round((100 * above) / this.points.length))} % of the points` : "never above it";
    const when = this.since ? `, ${(highest[0] - first[0]).toFixed(1)} s after the beginning` : `, ${(last[0] - highest[0]).toFixed(0)} s ago`;
    const span = this.since ? "" : `Last ${Math.max(1, Math.round(last[0] - first[0]))} s: margin now ${figure(last[1])}, `;
    return `${span}${this.since ? "Highest" : "highest"} ${figure(highest[1])}${when}; threshold ${figure(this.threshold)}, ${share}.`;
  }
}
