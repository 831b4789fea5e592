// SPDX-License-Identifier: Apache-2.0
// A card for each face: the seven probabilities, and what else is known.

const make = (name, className = "", text = "") => {
  const element = document.createElement(name);
  element.className = className;
  element.textContent = text; // never HTML
  return element;
};

export function showFaces(place, faces, hello, word) {
  if (!hello) return;
  const old = new Map([...place.children].map((card) => [card.dataset.id, card]));
  const cards = faces.map((face, i) => {
    const id = String(face.track_id || `untracked ${i}`);
    const card = old.get(id) ?? newCard(id, hello);
    fill(card, face, hello, word);
    return card;
  });
  // Not moved while they are the same, so that a reader's place in them stays.
  if (cards.length !== place.children.length || cards.some((card, i) => place.children[i] !== card)) {
    place.replaceChildren(...cards);
  }
}

function newCard(id, hello) {
  const card = make("article");
  card.dataset.id = id;
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
  const rows = known(face, word);
  while (facts.children.length > 2 * rows.length) facts.lastChild.remove();
  while (facts.children.length < 2 * rows.length) facts.append(make("dt"), make("dd"));
  rows.forEach(([term, text], i) => {
    setText(facts.children[2 * i], term);
    setText(facts.children[2 * i + 1], text);
  });
}

// What there is to say of a face beside the bars; null is not known.
function known(face, word) {
  const rows = [];
  const add = (name, value, text) => {
    if (value !== null && value !== undefined) rows.push([word(name), text(value)]);
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
  add("distance", face.distance, (value) => word("metres", { value: value.toFixed(1) }));
  add("engagement", face.engagement, word);
  add("valence", face.valence, (value) => (value > 0 ? "+" : "") + value.toFixed(2));
  return rows;
}

function setText(element, text) {
  if (element.textContent !== text) element.textContent = text;
}
