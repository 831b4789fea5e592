// SPDX-License-Identifier: Apache-2.0
// A card for each face: the seven probabilities, and what else is known.
import { keepSlots } from "./slots.js";

const make = (name, className = "", text = "") => {
  const element = document.createElement(name);
  element.className = className;
  element.textContent = text; // never HTML
  return element;
};

export function showFaces(place, faces, hello, word) {
  if (!hello) return;
  const ids = faces.map((face, i) => String(face.track_id || `untracked ${i}`));
  const cards = keepSlots(place, ids, (id) => newCard(id, hello));
  cards.forEach((card, i) => fill(card, faces[i], hello, word));
}

function newCard(id, hello) {
  const card = make("article");
  const title = make("h3");
  title.id = `face-title-${id.replace(" ", "-")}`;
  card.setAttribute("aria-labelledby", title.id);
  const list = make("ul", "bars");
  for (const name of hello.emotions) {
    const item = make("li");
    const bar = make("div", "bar");
    bar.setAttribute("aria-hidden", "true"); // the number beside it says the same
    const length = make("span");
    length.style.background = hello.colours[name];
    bar.append(length);
    item.append(make("span", "name"), bar, make("span", "percent"));
    list.append(item);
  }
  card.append(title, list, make("dl", "facts"));
  return card;
}

function fill(card, face, hello, word) {
  const [title, list, facts] = card.children;
  const name = face.track_id ? word("face", { id: face.track_id }) : word("face_untracked");
  setText(title, `${name}: ${word(face.label)}`);
  hello.emotions.forEach((emotion, i) => {
    const [label, bar, percent] = list.children[i].children;
    const value = face.probabilities[i] ?? 0;
    list.children[i].classList.toggle("is-label", emotion === face.label);
    setText(label, word(emotion));
    bar.firstChild.style.width = `${value * 100}%`;
    setText(percent, `${Math.round(value * 100)} %`);
  });
  const rows = described(face, word);
  while (facts.children.length < 2 * rows.length) facts.append(make("dt"), make("dd"));
  rows.forEach(([name, text], i) => {
    const [term, value] = [facts.children[2 * i], facts.children[2 * i + 1]];
    setText(term, word(name));
    setText(value, text);
    value.title = text; // a line each, however long: the card keeps its height
    const help = word(`${name}_help`);
    if (help !== `${name}_help`) term.title = help;
  });
}

// What there is to say of a face beside the bars, always the same rows; null is not known.
function described(face, word) {
  const rows = [];
  const add = (name, value, text) => {
    rows.push([name, value === null || value === undefined ? "\u2013" : text(value)]);
  };
  const percent = (value) => `${Math.round(value * 100)} %`;
  add("confidence", face.confidence, percent);
  const flags = face.flags.map((flag) => word(flag)).join(", ");
  add("quality", face.quality ?? (flags ? 0 : null), () =>
    [face.quality === null ? "" : percent(face.quality), flags].filter(Boolean).join(": "));
  add("facing", face.facing, (yes) => word(yes ? "facing_yes" : "facing_no"));
  const degrees = (angle) => Math.round((angle * 180) / Math.PI);
  add("angles", face.yaw, () => word("angles_text", {
    roll: degrees(face.roll), pitch: degrees(face.pitch), yaw: degrees(face.yaw),
  }));
  add("distance", face.distance, (value) => word("metres", { value: number(value, 1) }));
  add("engagement", face.engagement, word);
  add("valence", face.valence, (value) => (value > 0 ? "+" : "") + number(value, 2));
  return rows;
}

// As the page's language writes it: a decimal comma in German.
export function number(value, digits) {
  const options = { minimumFractionDigits: digits, maximumFractionDigits: digits };
  return value.toLocaleString(document.documentElement.lang, options);
}

function setText(element, text) {
  if (element.textContent !== text) element.textContent = text;
}
