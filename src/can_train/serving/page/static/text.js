// Text into the page: always as text, never as HTML, whatever came over the bus or in a file name.

export const byId = (id) => document.getElementById(id);

export function put(element, text) {
  const said = String(text);
  if (element.textContent !== said) element.textContent = said;
}

export function made(tag, className, text) {
  const element = document.createElement(tag);
  if (className) element.className = className;
  if (text !== undefined) element.textContent = String(text);
  return element;
}

const whole = new Intl.NumberFormat("en");

export const count = (number) => whole.format(number);

export function counted(number, word) {
  return `${count(number)} ${word}${number === 1 ? "" : "s"}`;
}

export function figure(number) {
  if (number === null || number === undefined || !Number.isFinite(number)) return "–";
  const size = Math.abs(number);
  if (size !== 0 && (size < 0.001 || size >= 1e6)) return number.toExponential(1).replace("-", "−");
  return String(Number(number.toPrecision(3))).replace("-", "−");
}

export const seconds = (number) => `${number.toFixed(number < 10 ? 1 : 0)} s`;

// What is told of an event, for the live list and for that of a recording.
export function described(event) {
  if (!event.ids.length) return "unknown";
  const more = event.more_ids ? ` and ${count(event.more_ids)} more` : "";
  return `${event.ids.join(", ")}${more}`;
}

export function reasons(event) {
  return event.reasons.map((r) => `${r.id} (${r.feature.replaceAll("_", " ")})`).join(", ");
}
