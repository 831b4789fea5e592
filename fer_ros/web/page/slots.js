// SPDX-License-Identifier: Apache-2.0
// Elements that keep their place: what goes leaves a gap, and what comes fills the first one.

export function keepSlots(place, ids, make) {
  const wanted = new Set(ids);
  for (const child of [...place.children]) {
    if (child.dataset.id && !wanted.has(child.dataset.id)) child.replaceWith(gap());
  }
  const there = new Map([...place.children].map((child) => [child.dataset.id, child]));
  for (const id of wanted) {
    if (there.has(id)) continue;
    const element = make(id);
    element.dataset.id = id;
    there.set(id, element);
    const free = place.querySelector(":scope > .gap");
    if (free) free.replaceWith(element);
    else place.append(element);
  }
  while (place.lastElementChild?.className === "gap") place.lastElementChild.remove();
  return ids.map((id) => there.get(id));
}

function gap() {
  return Object.assign(document.createElement("div"), { className: "gap" });
}
