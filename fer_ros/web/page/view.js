// SPDX-License-Identifier: Apache-2.0
// The page: connects, shows what comes, says what does not.
import { Picture } from "./picture.js";
import { number, showFaces } from "./cards.js";
import { Timelines } from "./timeline.js";
import { ParameterPanel } from "./parameters.js";

const STALE = 3; // seconds without an image until the page says so
const SILENT = 5; // seconds without a word from a server that speaks each second
const RETRY = [500, 1000, 2000, 4000]; // ms, the last one again and again
const $ = (id) => document.getElementById(id);

const view = { words: {}, table: {}, hello: null, status: null, events: [], result: null, lost: "connecting", run: null };
let socket = null;
let tries = 0;
let lastImage = 0;
let lastWord = 0;
let unreadable = false;
const began = performance.now();

export function word(name, values = {}) {
  // A label is whatever another node says: also "constructor", which each object has.
  const text = Object.hasOwn(view.words, name) ? view.words[name] : String(name);
  return text.replace(/\{(\w+)\}/g, (_, key) => values[key] ?? "");
}

const picture = new Picture($("picture"), word);
const timelines = new Timelines($("timelines"), word);
const panel = new ParameterPanel($("parameters"), word, (name, value) => send({ set: [name, value] }));

// Words

function chooseLanguage(language) {
  view.words = view.table[language];
  document.documentElement.lang = language;
  $("language").value = language;
  for (const element of document.querySelectorAll("[data-word]")) {
    element.textContent = word(element.dataset.word);
  }
  showEvents();
  showAll();
}

function setText(element, text) {
  if (element.textContent !== text) element.textContent = text; // else a screen reader says it again
}

// What comes

function send(what) {
  if (socket?.readyState === WebSocket.OPEN) socket.send(JSON.stringify(what));
}

function connect() {
  const scheme = location.protocol === "https:" ? "wss" : "ws";
  socket = new WebSocket(`${scheme}://${location.host}/live`);
  socket.binaryType = "arraybuffer";
  let opened = false;
  let frames = Promise.resolve();
  socket.onopen = () => { opened = true; };
  socket.onmessage = ({ data }) => {
    tries = 0;
    view.lost = "";
    lastWord = performance.now();
    if (typeof data === "string") takeNote(JSON.parse(data));
    else frames = frames.then(() => takeFrame(data));
  };
  socket.onclose = async ({ code }) => {
    view.lost = code === 1013 ? "too_many_viewers" : "disconnected";
    if (!opened) view.lost = await whyRefused();
    showAll();
    setTimeout(connect, RETRY[Math.min(tries++, RETRY.length - 1)]);
  };
}

// A browser does not tell a page why its WebSocket was refused: a file of the same server does.
async function whyRefused() {
  try {
    const { status } = await fetch("icon.svg", { cache: "no-store" });
    return { 401: "refused_no_token", 403: "refused_host", 429: "refused_too_many" }[status] ?? "disconnected";
  } catch {
    return "disconnected";
  }
}

function takeNote(note) {
  if (note.kind === "hello") {
    view.hello = note;
    timelines.clear();
    picture.colours = timelines.colours = note.colours;
    timelines.emotions = note.emotions;
    panel.offer(note.parameters);
  } else if (note.kind === "status") {
    view.status = note;
    picture.rotate = note.rotate;
    if (note.health) follow(note.health.values);
    panel.show(note.values);
    showStatus();
  } else if (note.kind === "events") {
    view.events = note.events;
    showEvents();
  } else if (note.kind === "answer") {
    panel.answer(note);
  }
}

// A new run is told by the node's own counts: it forgot its faces, or it is another process.
export function newRun(before, { forgotten, received }) {
  return before !== null && (before.forgotten !== forgotten || Number(received) < before.received);
}

function follow(values) {
  if (newRun(view.run, values)) timelines.clear();
  view.run = { forgotten: values.forgotten, received: Number(values.received) };
}

async function takeFrame(data) {
  const length = new DataView(data).getUint32(0, true);
  const result = JSON.parse(new TextDecoder().decode(new Uint8Array(data, 4, length)));
  view.result = result;
  timelines.add(result);
  const file = new Uint8Array(data, 4 + length);
  if (file.length) {
    try {
      await picture.show(file, result);
      lastImage = performance.now();
      unreadable = false;
    } catch {
      unreadable = true;
    }
  }
  showResult();
  if (document.hidden) await new Promise((shown) => {
    document.addEventListener("visibilitychange", shown, { once: true });
  });
  send("shown");
}

// What is seen

function showResult() {
  const faces = view.result?.faces ?? [];
  const stale = isStale();
  $("no-faces").hidden = stale || faces.length > 0 || !view.result;
  showFaces($("cards"), faces, view.hello, word);
  const age = view.result?.age;
  setText($("age"), age == null || stale ? "–" : `${Math.round(age * 1000)} ms`);
}

function showAll() {
  showConnection();
  showStatus();
  showResult();
}

function secondsSince(time) {
  return (performance.now() - time) / 1000;
}

// Whether what was said last is of the past: nothing of it is shown as if it were so now.
function isLost() {
  return view.lost !== "";
}

function isStale() {
  return isLost() || secondsSince(Math.max(lastImage, began)) >= STALE;
}

function showConnection() {
  // Where the network is gone, no socket closes.
  if (!isLost() && secondsSince(lastWord) >= SILENT) view.lost = "disconnected";
  setText($("connection"), word(view.lost || "connected"));
  const since = Math.floor(secondsSince(lastImage || began));
  const lines = [];
  if (!lastImage) lines.push(word("no_image_yet"));
  else if (isStale() && since) lines.push(word("stale", { seconds: since }));
  if (isStale()) lines.push(reason());
  document.body.classList.toggle("is-stale", isStale());
  const shown = lines.filter(Boolean);
  const stale = $("stale");
  while (stale.children.length > shown.length) stale.lastChild.remove();
  while (stale.children.length < shown.length) stale.append(document.createElement("span"));
  shown.forEach((line, i) => setText(stale.children[i], line));
}

function reason() {
  const { lost, status } = view;
  if (lost) return word(lost);
  if (unreadable) return word("why_unreadable");
  if (!status) return "";
  if (!status.images) return status.topic && word("why_no_images", { topic: status.topic });
  return word(status.results ? "why_no_pairs" : "why_no_results");
}

function showStatus() {
  const { status } = view;
  if (!status) return;
  const lost = isLost();
  setText($("rate"), lost ? "–" : word("per_second", { value: number(status.results, 1) }));
  setText($("viewers"), lost ? "–" : word("of", { value: status.viewers, whole: status.max_viewers }));
  $("fields").inert = lost;
  const health = lost ? null : status.health;
  const level = $("level");
  const problems = health ? health.problems : [];
  const unknown = lost ? word("not_known") : word("no_diagnostics", { node: status.node });
  setText(level, health ? word(`level_${health.level}`) : unknown);
  level.className = health ? health.level.replace("stale", "stale-level") : "error";
  const list = $("problems");
  if (list.dataset.text !== JSON.stringify(problems)) {
    list.dataset.text = JSON.stringify(problems);
    list.replaceChildren(...problems.map((text) => Object.assign(document.createElement("li"), { textContent: text })));
  }
  const values = Object.entries(health?.values ?? {}).flatMap(([key, value]) => [
    Object.assign(document.createElement("dt"), { textContent: key }),
    Object.assign(document.createElement("dd"), { textContent: value }),
  ]);
  $("values").replaceChildren(...values);
  $("ssh").textContent = `ssh -L ${status.port}:localhost:${status.port} ${status.machine}`;
}

function showEvents() {
  $("no-events").hidden = view.events.length > 0;
  const list = $("events");
  const language = document.documentElement.lang;
  const known = new Map([...list.children].map((item) => [item.dataset.key, item]));
  const items = view.events.map((event) => {
    const key = `${language} ${event.stamp} ${event.id} ${event.to} ${event.relative}`;
    if (known.has(key)) return known.get(key); // not said again
    const item = document.createElement("li");
    item.dataset.key = key;
    const time = document.createElement("time");
    time.textContent = new Date(event.stamp * 1000).toLocaleTimeString(language);
    const names = { id: event.id, from: word(event.from), to: word(event.to) };
    const usual = event.to === "uncertain" ? "event_usual" : "event_relative";
    item.append(time, word(event.relative ? usual : "event", names));
    return item;
  });
  list.replaceChildren(...items.reverse());
}

// Begin

view.table = await (await fetch("words.json", { cache: "no-store" })).json();
const wanted = localStorage.getItem("language") ?? navigator.language.slice(0, 2);
chooseLanguage(wanted in view.table ? wanted : "en");
$("language").onchange = (event) => {
  localStorage.setItem("language", event.target.value);
  chooseLanguage(event.target.value);
  panel.offer(view.hello?.parameters ?? []);
};
picture.describe(null);
picture.said = -Infinity; // so that the first image is told at once
connect();
setInterval(() => {
  if (isStale()) showAll();
  else showConnection();
  timelines.draw();
  picture.describe(isStale() ? null : view.result);
}, 500);
