// SPDX-License-Identifier: Apache-2.0
// The last minute of each face: a row for each expression, by the stamps of the images.
import { keepSlots } from "./slots.js";

const LENGTH = 60; // seconds
const GAP = 1; // seconds without the face that leave a gap
const SHOWN = 1; // seconds that a face is followed before it gets a place
const MAX_FACES = 12;

export class Timelines {
  colours = {};
  emotions = [];

  constructor(place, word) {
    this.place = place;
    this.word = word;
    this.faces = new Map(); // id: [[stamp, label, probabilities]]
    this.now = 0;
  }

  // A new run numbers its faces anew: its first is nobody of the run before.
  clear() {
    this.faces.clear();
  }

  add(result) {
    if (result.stamp < this.now - 1) this.clear(); // the stamps begin anew
    this.now = result.stamp;
    for (const { track_id: id, label, probabilities } of result.faces) {
      if (!id) continue;
      if (!this.faces.has(id)) this.faces.set(id, []);
      this.faces.get(id).push([result.stamp, label, probabilities]);
    }
    for (const [id, points] of this.faces) {
      while (points.length && points[0][0] < this.now - LENGTH) points.shift();
      if (!points.length) this.faces.delete(id);
    }
    if (this.faces.size > MAX_FACES) {
      const eldest = [...this.faces].sort((a, b) => a[1].at(-1)[0] - b[1].at(-1)[0])[0][0];
      this.faces.delete(eldest);
    }
  }

  draw() {
    const lasting = [...this.faces].filter(([, p]) => p.at(-1)[0] - p[0][0] >= SHOWN);
    document.getElementById("no-timeline").hidden = lasting.length > 0;
    const figures = keepSlots(this.place, lasting.map(([id]) => String(id)), newFigure);
    lasting.forEach(([id, points], i) => {
      const [title, canvas] = figures[i].children;
      const text = this.word("face", { id });
      if (title.textContent !== text) title.textContent = text;
      const label = this.word(points.at(-1)[1]);
      canvas.setAttribute("aria-label", this.word("timeline_text", { id, label }));
      this.drawOne(canvas, points);
    });
  }

  drawOne(canvas, points) {
    const ratio = window.devicePixelRatio || 1;
    const [width, height] = [canvas.clientWidth, canvas.clientHeight];
    Object.assign(canvas, { width: width * ratio, height: height * ratio });
    const pen = canvas.getContext("2d");
    pen.scale(ratio, ratio);
    const style = getComputedStyle(document.documentElement);
    const [text, line, track] = ["--text", "--line", "--track"].map((name) => style.getPropertyValue(name));
    pen.font = "13px system-ui, sans-serif";
    const left = Math.max(...this.emotions.map((name) => pen.measureText(this.word(name)).width)) + 8;
    const row = (height - 18) / this.emotions.length;
    const at = (stamp) => left + ((stamp - this.now) / LENGTH + 1) * (width - left);
    this.emotions.forEach((name, i) => {
      const base = (i + 1) * row;
      const high = row - 4;
      pen.fillStyle = track;
      pen.fillRect(left, base - high, width - left, high);
      pen.fillStyle = this.colours[name];
      pen.strokeStyle = text;
      for (const run of runs(points)) {
        const way = run.map(([stamp, , values]) => [at(stamp), base - high * (values[i] ?? 0)]);
        pen.beginPath();
        pen.moveTo(way[0][0], base);
        for (const [x, y] of way) pen.lineTo(x, y);
        pen.lineTo(way.at(-1)[0], base);
        pen.fill();
        pen.beginPath();
        for (const [x, y] of way) pen.lineTo(x, y);
        pen.stroke();
      }
      pen.fillStyle = text;
      pen.fillText(this.word(name), 0, base - 4);
    });
    pen.strokeStyle = line;
    pen.strokeRect(left, 0.5, width - left - 0.5, height - 18);
    pen.fillStyle = text;
    const ticks = [["minute_ago", 0], ["half_minute_ago", 0.5], ["now", 1]];
    for (const [name, share] of ticks) {
      const text = this.word(name);
      const x = left + share * (width - left);
      pen.fillText(text, x - share * pen.measureText(text).width, height - 3);
      pen.strokeRect(x, 0, 0, height - 18);
    }
  }
}

function newFigure() {
  const figure = document.createElement("article");
  figure.className = "timeline";
  const canvas = document.createElement("canvas");
  canvas.setAttribute("role", "img");
  figure.append(document.createElement("h3"), canvas);
  return figure;
}

// The points without the gaps between them.
function runs(points) {
  const found = [];
  let last = -Infinity;
  for (const point of points) {
    if (point[0] - last > GAP) found.push([]);
    found.at(-1).push(point);
    last = point[0];
  }
  return found;
}
