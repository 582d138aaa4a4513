// A recording is sent as it is, and what the detector says about it is drawn here.
import { MarginLine } from "./line.js";
import { byId, count, counted, described, figure, made, put, reasons, seconds } from "./text.js";

const form = byId("form");
const file = byId("file");
const drop = byId("drop");
const send = byId("send");

function chosen() {
  const picked = file.files[0];
  put(byId("chosen"), picked ? `${picked.name}, ${(picked.size / 1e6).toFixed(1)} MB` : "or drop it here");
}

function problem(text) {
  byId("problem").hidden = !text;
  put(byId("problem"), text);
}

function busy(text, share) {
  byId("progress").hidden = !text;
  send.disabled = Boolean(text);
  if (!text) return;
  put(byId("doing"), text);
  if (share === undefined) byId("bar").removeAttribute("value");
  else byId("bar").value = share;
}

file.addEventListener("change", chosen);
for (const name of ["dragover", "dragenter"]) {
  drop.addEventListener(name, (event) => {
    event.preventDefault();
    drop.classList.add("over");
  });
}
for (const name of ["dragleave", "drop"]) drop.addEventListener(name, () => drop.classList.remove("over"));
drop.addEventListener("drop", (event) => {
  event.preventDefault();
  if (event.dataTransfer.files.length) file.files = event.dataTransfer.files;
  chosen();
});

form.addEventListener("submit", (event) => {
  event.preventDefault();
  const picked = file.files[0];
  if (!picked) return;
  problem("");
  byId("result").replaceChildren();
  const most = Number(form.dataset.mostMb);
  if (picked.size > most * 1e6) {
    problem(`${picked.name}: larger than ${most} MB. Give a shorter recording, or score it with can-train score.`);
    return;
  }
  const request = new XMLHttpRequest();
  request.open("POST", `/score?name=${encodeURIComponent(picked.name)}`);
  request.responseType = "json";
  request.upload.addEventListener("progress", (sent) => {
    if (sent.lengthComputable) busy(sent.loaded < sent.total ? "Sending" : "Scoring", sent.loaded < sent.total ? sent.loaded / sent.total : undefined);
  });
  request.addEventListener("load", () => {
    busy("");
    const answer = request.response;
    if (request.status === 200 && answer) show(answer);
    else problem(answer?.error ?? `The server refused it (${request.status}).`);
  });
  request.addEventListener("error", () => {
    busy("");
    problem("The connection broke: the recording may be larger than allowed, or the server was stopped.");
  });
  busy("Sending", 0);
  request.send(picked);
});

function show(answer) {
  const result = byId("result");
  result.replaceChildren(...answer.recordings.map((each, at) => section(answer, each, at)));
  if (answer.more_recordings) result.append(made("p", "caption", `and ${counted(answer.more_recordings, "further bus")}`));
  if (answer.notes.length) {
    const notes = made("section", "card");
    notes.append(made("h2", "", "Notes"), list("ul", "notes", answer.notes));
    result.append(notes);
  }
  result.focus();
}

function list(tag, className, texts) {
  const element = made(tag, className);
  element.append(...texts.map((text) => made("li", "", text)));
  return element;
}

function section(answer, recording, at) {
  const card = made("section", "card");
  const name = recording.bus ? `${answer.file}, bus ${recording.bus}` : answer.file;
  const title = made("h2", "file", name);
  title.id = `recording-${at}`;
  card.setAttribute("aria-labelledby", title.id);
  const found = recording.alarms ? counted(recording.alarms, "alarm") : "No alarm";
  const verdict = made("p", "found", recording.notices ? `${found}, ${counted(recording.notices, "notice")}` : found);
  verdict.dataset.level = recording.alarms ? "alarm" : "quiet";
  const facts = [
    counted(recording.frames, "frame"),
    seconds(recording.duration_s),
    counted(recording.windows, "window"),
    recording.labelled ? `${count(recording.attack_windows)} with an attack label` : "no labels",
    recording.format,
    `scored by ${answer.scorer}`,
  ];
  card.append(title, verdict, made("p", "quiet", facts.join(" · ")), plot(answer, recording, title.id, at));
  if (recording.events.length) card.append(table(recording, name));
  if (recording.more_events) card.append(made("p", "caption", `and ${counted(recording.more_events, "more event")}: can-train score shows them.`));
  return card;
}

function plot(answer, recording, titleId, at) {
  const box = made("div");
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  svg.setAttribute("class", "plot");
  svg.setAttribute("role", "img");
  const words = made("p", "caption");
  words.id = `words-${at}`;
  svg.setAttribute("aria-labelledby", `${titleId} ${words.id}`);
  box.append(svg, words);
  const line = new MarginLine(svg, { since: true });
  line.points = recording.points;
  line.threshold = answer.threshold;
  put(words, line.words());
  return box;
}

function table(recording, name) {
  const scroll = made("div", "scroll tall");
  scroll.tabIndex = 0;
  scroll.setAttribute("role", "region");
  scroll.setAttribute("aria-label", `Events of ${name}`);
  const element = made("table");
  const head = made("tr");
  for (const [text, kind] of [["Severity"], ["From", "number"], ["To", "number"], ["Peak", "number"], ["Suspected"], ["IDs"], ["Because of"]]) {
    const cell = made("th", kind ?? "", text);
    cell.scope = "col";
    head.append(cell);
  }
  const top = made("thead");
  top.append(head);
  const body = made("tbody");
  for (const event of recording.events) {
    const row = made("tr");
    const level = made("td");
    const word = made("span", "state", event.severity);
    word.dataset.state = event.severity === "alarm" ? "alarming" : "notice";
    level.append(word);
    row.append(level);
    const cells = [[`${event.from_s.toFixed(2)} s`, "number"], [`${event.to_s.toFixed(2)} s`, "number"], [figure(event.peak_score), "number"], [event.kind], [described(event), "ids"], [reasons(event) || "–"]];
    for (const [text, kind] of cells) row.append(made("td", kind ?? "", text));
    body.append(row);
  }
  element.append(top, body);
  scroll.append(element);
  return scroll;
}
