// SPDX-License-Identifier: Apache-2.0
// The camera's own image, turned upright, with the faces drawn over it.

const PLATE = "rgb(0 0 0 / .75)";
const AXES = [[1, 0, 0, "#ff6b6b", "x"], [0, 1, 0, "#6bff8a", "y"], [0, 0, 1, "#7ab8ff", "z"]];

export class Picture {
  colours = {};
  rotate = 0;

  constructor(canvas, word) {
    this.canvas = canvas;
    this.word = word;
    this.said = -Infinity;
  }

  // Decodes and draws; throws when the browser cannot read the file.
  async show(file, result) {
    const bitmap = await createImageBitmap(new Blob(withoutExif(file)));
    const { canvas } = this;
    const turned = this.rotate % 180 !== 0;
    const [width, height] = turned ? [bitmap.height, bitmap.width] : [bitmap.width, bitmap.height];
    if (canvas.width !== width || canvas.height !== height) Object.assign(canvas, { width, height });
    const pen = canvas.getContext("2d");
    pen.save();
    pen.translate(width / 2, height / 2);
    pen.rotate((this.rotate * Math.PI) / 180);
    pen.drawImage(bitmap, -bitmap.width / 2, -bitmap.height / 2);
    pen.restore();
    // Lines and letters keep their size on the screen, whatever that of the image.
    const unit = Math.max(width / (canvas.clientWidth || width), height / (canvas.clientHeight || height));
    const scale = bitmap.width / result.width;
    for (const face of result.faces) {
      const { x_offset, y_offset, width: w, height: h } = face.roi;
      const scaled = [x_offset, y_offset, w, h].map((v) => v * scale);
      const box = upright(scaled, bitmap.width, bitmap.height, this.rotate);
      this.drawFace(pen, face, box, unit);
    }
    bitmap.close();
  }

  drawFace(pen, face, [x, y, w, h], unit) {
    const colour = Object.hasOwn(this.colours, face.label) ? this.colours[face.label] : "#fff";
    for (const [stroke, thick] of [["#000", 5], [colour, 2.5]]) {
      pen.strokeStyle = stroke;
      pen.lineWidth = thick * unit;
      pen.strokeRect(x, y, w, h);
    }
    if (face.yaw !== null) drawAxes(pen, face, x + w / 2, y + h / 2, w * 0.6, unit);
    const percent = face.confidence === null ? "" : ` ${Math.round(face.confidence * 100)} %`;
    const text = `${face.track_id ? `${face.track_id}: ` : ""}${this.word(face.label)}${percent}`;
    const size = 15 * unit;
    pen.font = `600 ${size}px system-ui, sans-serif`;
    const wide = pen.measureText(text).width + size;
    const tall = size * 1.6;
    const left = Math.max(0, Math.min(x, pen.canvas.width - wide));
    let top = y - tall;
    if (top < 0) top = y + h + tall <= pen.canvas.height ? y + h : Math.max(0, y);
    pen.fillStyle = PLATE;
    pen.fillRect(left, top, wide, tall);
    pen.fillStyle = "#fff";
    pen.fillText(text, left + size / 2, top + size * 1.15);
    pen.fillStyle = colour;
    pen.fillRect(left, top, 4 * unit, tall);
  }

  // For those who cannot see it; not at every image.
  describe(result) {
    if (performance.now() - this.said < 2000) return;
    this.said = performance.now();
    const faces = (result?.faces ?? []).map((face) => `${this.word("face", { id: face.track_id })}: ${this.word(face.label)}`);
    const text = result ? faces.join("; ") || this.word("no_faces") : this.word("no_image_yet");
    this.canvas.setAttribute("aria-label", this.word("picture", { faces: text }));
  }
}

// A box of the camera's image in that image turned clockwise.
export function upright([x, y, w, h], width, height, rotate) {
  switch (((rotate % 360) + 360) % 360) {
    case 90: return [height - y - h, x, h, w];
    case 180: return [width - x - w, height - y - h, w, h];
    case 270: return [y, width - x - w, h, w];
    default: return [x, y, w, h];
  }
}

// Where the head's axes point in the image (REP 103's fixed axes; x out of the face, y to the
// person's left, z up): that which comes out of the image towards us is left out.
export function axes({ roll, pitch, yaw }) {
  const [cr, sr, cp, sp, cy, sy] = [roll, pitch, yaw].flatMap((a) => [Math.cos(a), Math.sin(a)]);
  return AXES.map(([x, y, z]) => {
    const [x1, y1, z1] = [x, y * cr - z * sr, y * sr + z * cr];
    const [x2, y2, z2] = [x1 * cp + z1 * sp, y1, -x1 * sp + z1 * cp];
    return [x2 * sy + y2 * cy, -z2];
  });
}

function drawAxes(pen, face, x, y, length, unit) {
  axes(face).forEach(([dx, dy], i) => {
    const [, , , colour, name] = AXES[i];
    const [endX, endY] = [x + dx * length, y + dy * length];
    for (const [stroke, thick] of [["#000", 5], [colour, 3]]) {
      pen.strokeStyle = stroke;
      pen.lineWidth = thick * unit;
      pen.beginPath();
      pen.moveTo(x, y);
      pen.lineTo(endX, endY);
      pen.stroke();
    }
    if (Math.hypot(dx, dy) * length < 12 * unit) return; // it points at us
    pen.font = `700 ${12 * unit}px system-ui, sans-serif`;
    pen.lineWidth = 3 * unit;
    pen.strokeStyle = "#000";
    pen.strokeText(name, endX + 3 * unit, endY - 3 * unit);
    pen.fillStyle = colour;
    pen.fillText(name, endX + 3 * unit, endY - 3 * unit);
  });
}

// A browser would turn a JPEG as its Exif says, which those who found the faces did not.
export function withoutExif(file) {
  const parts = [];
  let from = 0;
  if (file[0] !== 0xff || file[1] !== 0xd8) return [file];
  for (let at = 2; at + 4 <= file.length && file[at] === 0xff && file[at + 1] !== 0xda;) {
    const next = at + 2 + (file[at + 2] << 8) + file[at + 3];
    if (file[at + 1] === 0xe1) {
      parts.push(file.subarray(from, at));
      from = next;
    }
    at = next;
  }
  return [...parts, file.subarray(from)];
}
