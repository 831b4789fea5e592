// SPDX-License-Identifier: Apache-2.0
// The parameters that may be changed here, where the node allows it.

export class ParameterPanel {
  constructor(section, word, set) {
    this.section = section;
    this.word = word;
    this.set = set;
    this.fields = new Map();
  }

  offer(parameters) {
    this.section.hidden = parameters.length === 0;
    this.fields = new Map(parameters.map((row) => [row.name, this.field(row)]));
    const rows = [...this.fields.values()].map(({ row }) => row);
    this.section.querySelector("#fields").replaceChildren(...rows);
  }

  show(values) {
    for (const [name, { input, kind }] of this.fields) {
      const value = values?.[name];
      input.disabled = value === undefined || value === null;
      if (input.disabled || document.activeElement === input) continue;
      if (kind === "bool") input.checked = value;
      else input.value = value;
    }
  }

  answer({ name, value, successful, reason }) {
    const text = this.word(successful ? "changed" : "refused_change", { name, value, reason });
    this.section.querySelector("#answer").textContent = text;
  }

  field({ name, kind, description, range, choices }) {
    const row = document.createElement("div");
    const input = document.createElement(choices.length ? "select" : "input");
    input.id = `parameter-${name}`;
    input.disabled = true;
    if (choices.length) {
      input.append(...choices.map((choice) => new Option(choice, choice)));
    } else if (kind === "bool") {
      input.type = "checkbox";
    } else if (kind !== "str") {
      input.type = "number";
      input.step = kind === "int" ? 1 : "any";
      if (range) [input.min, input.max] = range;
    }
    const label = document.createElement("label");
    label.htmlFor = input.id;
    label.textContent = name;
    const note = document.createElement("small");
    note.id = `${input.id}-note`;
    note.textContent = description.replaceAll("`", "") + (range ? ` (${range[0]} to ${range[1]})` : "");
    input.setAttribute("aria-describedby", note.id);
    input.onchange = () => {
      if (!input.checkValidity()) return void input.reportValidity();
      const number = kind === "int" || kind === "float";
      this.set(name, kind === "bool" ? input.checked : number ? Number(input.value) : input.value);
    };
    row.append(label, input, note);
    return { row, input, kind };
  }
}
