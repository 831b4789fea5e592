# SPDX-License-Identifier: Apache-2.0
"""The tables of MODEL_CARD.md, as Markdown."""

from fer_ros.emotions.classes import EMOTIONS
from fer_training import elsewhere, errors, plots
from fer_training.dataset import load_labelled
from fer_training.evaluate import opened, predict
from fer_training.groups import by_group, stated_groups


def _table(head, rows):
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(map(str, line))} |" for line in lines)


def per_class(figures):
    """Precision, recall and F1 of each class."""
    rows = [
        (name, *(f"{figures['per_class'][name][k]:.3f}" for k in ("precision", "recall", "f1")),
         figures["per_class"][name]["support"])
        for name in EMOTIONS
    ]  # fmt: skip
    return _table(("", "precision", "recall", "F1", "faces"), rows)


def files(rows):
    """Every model file that ships: size, accuracy, calibration, time."""
    head = ("file", "MB", "accuracy", "deduplicated", "macro-F1", "ECE", "ms a face")
    return _table(
        head,
        [
            (
                f"`{file.name}`",
                f"{entry['bytes'] / 1e6:.2f}",
                f"{f['accuracy']:.2%}",
                f"{f['accuracy_deduplicated']:.2%}",
                f"{f['macro_f1']:.3f}",
                f"{f['ece']:.3f}",
                f"{f['ms_per_face']:.2f}",
            )
            for file, entry, f in rows
        ],
    )


def read_elsewhere(model, entry, sets, people, logits, held_out, keys):
    """The table of balanced recall, set by set; a line where nothing else was measured."""
    found = elsewhere.on_fer_2013(logits, held_out, entry["temperature"], keys)
    answer = opened(model, entry["input_size"])
    others = [load_labelled(path)[0] for path in sets]
    found |= elsewhere.on_sets(answer, others, entry["temperature"], people)
    rows = []
    for name, f in found.items():
        low, high = f["interval"]
        recall = f.get("recall", dict.fromkeys(EMOTIONS)).values()
        rows.append((
            name, f["n"], f"{f['balanced']:.3f}", f"{low:.3f} to {high:.3f}", f"{f['ece']:.3f}",
            *("-" if v is None else f"{v:.2f}" for v in recall),
        ))  # fmt: skip
    head = ("faces of", "faces", "balanced recall", "95 % between", "ECE", *EMOTIONS)
    return _table(head, rows) + ("" if sets else "\n\nFaces of other origins were not measured.")


def whose_errors(logits, held_out, pictures, folder):
    """Whose fault the errors are, with a picture and examples; a line without votes."""
    found = errors.errors(logits.argmax(axis=1), held_out)
    if found is None or not found["n"]:
        return "Whose fault the errors are was not measured: no votes."
    plots.errors(found["with"], pictures / "errors.png")
    shares = {name: f"{count / found['n']:.0%}" for name, count in found["with"].items()}
    rows = [(e["row"], e["label"], e["votes"], f"**{e['answer']}**") for e in found["examples"]]
    return (
        f"Of {found['n']:,} answers that are not the label of the data set, the majority of ten "
        f"annotators gives the model's answer in {shares['the model']}, the label in "
        f"{shares['the label']}, and neither in {shares['neither']}.\n\n"
        f"![Whom the annotators are with]({folder}/errors.png)\n\n"
        + _table(("row of fer2013.csv", "label", "annotators", "model"), rows)
    )


def recalls_of_groups(model, entry, path):
    """Recall by what people said of themselves, with intervals."""
    if path is None:
        return "How well the model does by age, sex or skin has not been measured."
    faces, said = load_labelled(path)
    logits = predict(model, faces.images, entry["input_size"])
    parts = []
    for name, group in stated_groups(path, sorted(said)).items():
        found = by_group(logits, faces, group, entry["temperature"])["groups"]
        present = [e for e in EMOTIONS if any(e in f["recall_wilson"] for f in found.values())]
        rows = []
        for value, f in found.items():
            cells = []
            for emotion in present:
                low, high = f["recall_wilson"].get(emotion, (None, None))
                own = f["per_class"][emotion]
                cell = f"{own['recall']:.0%} ({low:.0%} to {high:.0%})" if low is not None else "-"
                cells.append(f"{cell} of {own['support']}")
            rows.append((value.replace("_", " "), *cells))
        parts.append(_table((name, *(f"recall of {e} (95 % between)" for e in present)), rows))
    return "\n\n".join(parts)


def under_disturbance(found):
    """Accuracy after each disturbance, and the points lost."""
    return _table(
        ("", *[""] * max(map(len, found["conditions"].values()))),
        [
            (
                kind,
                *(
                    f"{level}: {accuracy:.1%} ({(accuracy - found['clean']) * 100:+.1f})"
                    for level, accuracy in levels.items()
                ),
            )
            for kind, levels in found["conditions"].items()
        ],
    )


def data(data):
    """What is wrong with FER-2013, as ``inspection.inspect`` counts it."""
    exact, near = data["exact"], data["near"]
    across = exact["across"]
    lines = [
        f"- {exact['within']['Training']:,} Training rows repeat an earlier one byte for byte; "
        f"{across['Training rows also in PublicTest']:,} also stand in PublicTest, where "
        f"{across['PublicTest rows also in Training']:,} rows are so known from Training. "
        f"{exact['pictures with two labels or more']} pictures bear several labels.",
        f"- {near['across']['PublicTest pictures near one in Training']:,} further pictures of "
        "PublicTest are nearly equal to one in Training (perceptual hashes within "
        f"{near['bits']} of 64 bits).",
    ]
    if "votes" in data:
        votes = data["votes"]["Training"]
        lines.append(
            "- The majority of FER+'s ten annotators gives the label of the data set on "
            f"{votes['label is the majority']:.0%} of the Training rows."
        )
    counts = data["counts"]["PublicTest"]
    lines.append(
        f"- Disgust is rare: {data['counts']['Training']['disgust']} Training rows and "
        f"{counts['disgust']} of PublicTest."
    )
    return "\n".join(lines)
