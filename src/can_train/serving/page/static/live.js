// The stream as the server tells it: some ten small messages a second, whatever comes over the bus.
import { MarginLine } from "./line.js";
import { IdTable } from "./ids.js";
import { EventList } from "./events.js";
import { byId, count, counted, figure, made, put } from "./text.js";

const MOST_POINTS = 600;
const ANNOUNCED_EVERY_MS = 5000;
const WORDS_EVERY_MS = 5000;
const AGAIN_MS = 3000;
const CALM_MS = 1000;
const LEVELS = { quiet: "Quiet", notice: "Notice", alarm: "Alarm" };
const calm = matchMedia("(prefers-reduced-motion: reduce)");

const line = new MarginLine(byId("line"));
const table = new IdTable();
const events = new EventList();
let about = {};
let paused = false;
let points = [];
let status = null;
let drawnAt = 0;
let wordsAt = 0;
let announcedAt = -ANNOUNCED_EVERY_MS;

const heard = {
  hello(message) {
    about = message;
    points = message.points;
    line.threshold = message.threshold ?? null;
    events.clear();
    message.events.forEach((event) => events.show(event));
    marks();
    heard.status(message.status);
    const last = points.at(-1);
    if (last) put(byId("margin"), figure(last[1]));
    put(byId("p-value"), figure(message.p_value));
    say(last ? "quiet" : "waiting");
    draw(true);
    connection("");
  },
  margin(message) {
    points.push(message.point);
    if (points.length > MOST_POINTS) points.shift();
    put(byId("margin"), figure(message.point[1]));
    put(byId("p-value"), figure(message.p_value));
    say(message.severity);
    draw();
  },
  alarm(event) {
    events.show(event);
    marks();
    announce(`Alarm: margin ${figure(event.peak_score)}, ${event.kind}, ${counted(event.ids.length, "ID")} involved.`);
  },
  over(event) {
    events.show(event);
    announce(`The alarm is over after ${(event.end_s - event.start_s).toFixed(1)} seconds.`);
  },
  status(message) {
    status = message;
    const ends = message.state === "over" && about.state !== "over";
    about.state = message.state;
    line.threshold = message.threshold ?? null;
    for (const name of ["frames", "windows", "alarms", "notices", "dropped"]) put(byId(name), count(message[name]));
    put(byId("rate"), count(Math.round(message.rate)));
    put(byId("left-out"), count(message.left_out));
    byId("left-out-tile").hidden = !message.left_out;
    put(byId("threshold"), figure(message.threshold));
    notes(message.notes);
    if (!paused) table.show(message.ids, message.untold_frames);
    say();
    draw(ends);
  },
  missed(message) {
    put(byId("missed"), count(message.total));
    message.events.forEach((event) => events.show(event));
    marks();
  },
  bye() {
    source.close();
    connection("The server was stopped. What you see is how it ended.");
  },
};

let level = "waiting";

// What stands at the top: the state of the stream, else the severity of its latest window.
function say(latest) {
  if (latest) level = latest;
  const state = about.state;
  const silent = state === "running" && status !== null && status.windows > 0 && status.rate === 0;
  let [shown, title, detail] = [level, LEVELS[level] ?? "Waiting", `from ${about.source}`];
  if (state === "calibrating") [shown, title, detail] = ["waiting", "Calibrating", `on the first ${about.calibrating_s} s of ${about.source}`];
  else if (state === "over") [shown, title, detail] = ["over", "Over", `${about.source} has ended: ${status.alarms ? counted(status.alarms, "alarm") : "no alarm"}`];
  else if (silent && level !== "alarm") [shown, title, detail] = ["silent", "No frames", `come from ${about.source}`];
  else if (level === "waiting") detail = `for the first window of ${about.source}`;
  else if (level === "quiet") detail = `no alarm on ${about.source}`;
  else if (level === "alarm") detail = `windows of ${about.source} are above the threshold`;
  else detail = `single windows of ${about.source} are above the threshold`;
  byId("verdict").dataset.level = shown;
  put(byId("level"), title);
  put(byId("detail"), detail);
  document.title = `${shown === "alarm" ? "⚠ Alarm" : title} · can-train`;
}

function draw(now = false) {
  if (paused) return;
  const at = performance.now();
  if (!now && calm.matches && at - drawnAt < CALM_MS) return;
  drawnAt = at;
  line.points = points;
  line.show();
  if (now || at - wordsAt > WORDS_EVERY_MS) {
    wordsAt = at;
    put(byId("line-text"), line.words());
  }
}

function marks() {
  line.marks = events.alarmTimes();
  if (!paused) line.show();
}

function announce(text) {
  const at = performance.now();
  if (at - announcedAt < ANNOUNCED_EVERY_MS) return;
  announcedAt = at;
  put(byId("announcement"), text);
}

function notes(list) {
  byId("notes-title").hidden = !list.length;
  byId("notes").replaceChildren(...list.map((note) => made("li", "", note.text)));
}

function connection(text) {
  const banner = byId("connection");
  banner.hidden = !text;
  put(banner, text);
}

byId("pause").addEventListener("click", (event) => {
  paused = !paused;
  event.target.setAttribute("aria-pressed", String(paused));
  put(event.target, paused ? "Go on" : "Pause");
  if (paused) line.points = [...points];
  else {
    draw(true);
    if (status) table.show(status.ids, status.untold_frames);
  }
});

let source = null;

function listen() {
  source = new EventSource("/events");
  for (const [name, take] of Object.entries(heard)) {
    source.addEventListener(name, (event) => take(JSON.parse(event.data)));
  }
  source.addEventListener("error", () => {
    connection("The connection is lost. Trying again …");
    if (source.readyState === EventSource.CLOSED) setTimeout(listen, AGAIN_MS);
  });
}

listen();
