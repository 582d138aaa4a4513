// A part of the horizontal axis across the whole picture: lines are stretched, letters are not.
const CLOSEST = 50;
const TICKS = 6;

const stepOf = (span) => {
  const unit = 10 ** Math.floor(Math.log10(span / TICKS));
  return unit * [1, 2, 5, 10].find((factor) => factor * unit * TICKS >= span);
};

const seconds = (at, step) => {
  const digits = Math.max(0, -Math.floor(Math.log10(step) + 1e-9));
  return at.toLocaleString("en", { minimumFractionDigits: digits, maximumFractionDigits: digits });
};

const zoomable = (zooms) => {
  const svg = zooms.parentNode.querySelector("svg");
  const [left, right, begin, end] = ["left", "right", "begin", "end"].map(
    (name) => Number(svg.dataset[name]));
  const ticks = [...svg.querySelectorAll('[id*="-xtick_"]')];
  const axes = [...new Set(ticks.map((tick) => tick.parentNode))];
  const lines = [...svg.querySelectorAll("path[clip-path]")]
    .filter((path) => !path.closest('[id*="-xtick_"]'))
    .map((path) => [path, path.getAttribute("d")]);
  let [from, to] = [begin, end];

  const placeOf = (second) => left + ((second - from) / (to - from)) * (right - left);

  const addTick = (axis, second, text) => {
    const x = placeOf(second).toFixed(2);
    const tick = ticks.find((each) => each.parentNode === axis).cloneNode(true);
    const line = tick.querySelector("path[clip-path]");
    line.setAttribute("d", line.getAttribute("d").replaceAll(/([ML]) \S+/g, `$1 ${x}`));
    tick.querySelector("use").setAttribute("x", x);
    const label = tick.querySelector("text");
    if (label) {
      label.removeAttribute("transform");
      label.setAttribute("x", x);
      label.textContent = text;
    }
    for (const each of [tick, ...tick.querySelectorAll("[id]")]) each.removeAttribute("id");
    tick.setAttribute("class", "closer");
    tick.removeAttribute("display");
    axis.prepend(tick);
  };

  const draw = () => {
    const scale = (end - begin) / (to - from);
    const origin = left + ((from - begin) / (end - begin)) * (right - left);
    const moved = (_, letter, x) => `${letter} ${((x - origin) * scale + left).toFixed(2)}`;
    for (const [path, d] of lines) {
      path.setAttribute("d", scale === 1 ? d : d.replaceAll(/([ML]) (\S+)/g, moved));
    }
    for (const tick of svg.querySelectorAll(".closer")) tick.remove();
    for (const tick of ticks) {
      if (scale === 1) tick.removeAttribute("display");
      else tick.setAttribute("display", "none");
    }
    const step = stepOf(to - from);
    for (let n = Math.ceil(from / step); scale !== 1 && n * step <= to; n += 1) {
      for (const axis of axes) addTick(axis, n * step, seconds(n * step, step));
    }
    zooms.querySelector("output").textContent =
      `${seconds(from, step / 100)} to ${seconds(to, step / 100)} s`;
    for (const button of zooms.querySelectorAll("button")) {
      button.disabled = button.value === "closer" ? scale >= CLOSEST - 1e-6 : scale === 1;
    }
  };

  const show = (first, last) => {
    const span = Math.min(Math.max(last - first, (end - begin) / CLOSEST), end - begin);
    from = Math.min(Math.max((first + last - span) / 2, begin), end - span);
    to = from + span;
    if (span === end - begin) [from, to] = [begin, end];
    draw();
  };

  const moves = {
    closer: (span) => show(from + span / 4, to - span / 4),
    wider: (span) => show(from - span / 2, to + span / 2),
    earlier: (span) => show(from - span / 2, to - span / 2),
    later: (span) => show(from + span / 2, to + span / 2),
    all: () => show(begin, end),
  };
  zooms.addEventListener("click", (event) => moves[event.target.value]?.(to - from));
  dragOver(svg, (share) => {
    const x = share * svg.viewBox.baseVal.width;
    return from + ((x - left) / (right - left)) * (to - from);
  }, placeOf, show);
  zooms.hidden = false;
  draw();
};

// With a mouse a stretch is chosen by drawing over it; fingers scroll.
const dragOver = (svg, secondAt, placeOf, show) => {
  const band = document.createElementNS(SVG, "rect");
  band.setAttribute("class", "band");
  band.setAttribute("height", svg.viewBox.baseVal.height);
  let held = null;
  const under = (event) => {
    const box = svg.getBoundingClientRect();
    return secondAt((event.clientX - box.left) / box.width);
  };
  const chosen = (event) => [held, under(event)].sort((a, b) => a - b);
  svg.addEventListener("pointerdown", (event) => {
    if (event.pointerType !== "mouse" || event.button !== 0) return;
    held = under(event);
    svg.setPointerCapture(event.pointerId);
    event.preventDefault();
  });
  svg.addEventListener("pointermove", (event) => {
    if (held === null) return;
    const [a, b] = chosen(event).map(placeOf);
    band.setAttribute("x", a);
    band.setAttribute("width", b - a);
    svg.append(band);
  });
  svg.addEventListener("pointerup", (event) => {
    const isDrag = held !== null && Number(band.getAttribute("width")) > 3 && band.isConnected;
    const stretch = chosen(event);
    held = null;
    band.remove();
    if (isDrag) show(...stretch);
  });
  svg.addEventListener("pointercancel", () => {
    held = null;
    band.remove();
  });
};

for (const zooms of document.querySelectorAll(".zooms")) zoomable(zooms);
