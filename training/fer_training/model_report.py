# SPDX-License-Identifier: Apache-2.0
"""MODEL_CARD.md and its pictures: every figure measured anew on the shipped files."""

import json
from collections.abc import Sequence
from datetime import datetime, timezone
from pathlib import Path
from string import Template

import numpy as np

from fer_ros.emotions.classifier import softmax
from fer_ros.emotions.model_card import load_card
from fer_ros.runtime.settings_files import SettingsError, load
from fer_training import calibration, card_tables, inspection, plots, recipe
from fer_training.dataset import Faces
from fer_training.evaluate import TIMED, judge, milliseconds_per_face, predict
from fer_training.export import commit
from fer_training.near import HELD_OUT
from fer_training.robustness import robustness

TEMPLATE = Path(__file__).with_name("MODEL_CARD.template.md")
PICTURES = "docs/images/model"
BALANCED = (
    " Both are fitted with each class weighing as much as any other, as the model is not told how\n"
    "frequent they are, and by the majority of FER+'s annotators."
)
TOUCHED = (
    "These faces\nwere not trained on, but they are not untouched: the recipe was chosen, and "
    "temperature and threshold\nwere fitted, with them."
)
UNTOUCHED = (
    "These faces\nwere not trained on, and recipe, temperature and threshold were chosen with "
    "others, held out of\nTraining; how often they were looked at meanwhile says the "
    "[ledger](training/LEDGER.md)."
)
FACE_NETWORK = (
    " What was\ntaught by `teacher_face` began with dlib's face recognition network too (Davis "
    "King, CC0); about\nhalf of the faces that this learnt from are of FaceScrub and VGG Face, "
    "which have terms of their own."
)
ORIGINS = {
    "rendered": "rendered faces of avatars (MakeHuman's assets, CC0, with the action units and "
    "emotions of FACSHuman: Gilbert, Demarchi, Urdapilleta, 2018)",
    "diffusionfer": "pictures made by Stable Diffusion (DiffusionFER of FER-Zoo, Daeha Kim, CC0), "
    "their labels looked through",
    "congress": "official portraits (US Government Publishing Office, public domain)",
}
"""What files of labelled faces hold, by their names."""
UNLABELLED = """
The faces without labels were cut from photographs of
[muxspace/facial_expressions](https://github.com/muxspace/facial_expressions) (from the web; the
repository declares Apache-2.0) by fer_ros' own detector and framing, each confirmed by the face
mesh, and none is nearly equal to a picture of FER-2013. What is said of them there was not used: of
each the teachers' answer alone was learnt.
"""
"""Of the models that ship: whoever trains on other faces says so in the template."""


def write(
    model: Path,
    faces: Faces,
    out: Path,
    *,
    sets: Sequence[Path] = (),
    people: str | None = None,
    stated: Path | None = None,
) -> None:
    """Write ``out``/MODEL_CARD.md and its pictures for ``model``, beside which its card lies.

    ``faces`` hold Training and PublicTest, with FER+'s votes if there are any; ``sets`` are .npz
    files of labelled faces of other origins, whose names tell people apart by the pattern
    ``people``; ``stated`` is one of them, whose people say of themselves to which groups they
    belong. Raises ModelError or DatasetError.
    """
    card = load_card(model)
    content = load(model.with_suffix(".json"), json.loads)
    learnt_from = content.get("learnt_from", {})
    training, held_out = faces.of("Training"), faces.of("PublicTest")
    keys = np.unique(training.keys())
    unseen = ~np.isin(held_out.keys(), keys)
    balanced = content.get("calibration", {}).get("balanced", False)
    judges = calibration.judges(held_out, unseen, balanced)
    labels, weights = judges.labels, judges.weights
    apart = content["figures"].get("split") == HELD_OUT

    def calibrated(logits, entry):
        """Probabilities of the unseen faces: by the card's temperature, unless they fitted it."""
        if apart:
            return softmax(logits[judges.rows] / entry["temperature"])
        return calibration.cross_fitted(logits[judges.rows], labels, weights=weights)

    rows, logits = [], {}
    for file, entry in _shipped(model.parent):
        logits[file] = predict(file, held_out.images, entry["input_size"])
        figures = judge(logits[file], held_out, entry["temperature"], keys)
        timed = held_out.images[:TIMED]
        figures["ms_per_face"] = milliseconds_per_face(file, timed, entry["input_size"])
        probabilities = calibrated(logits[file], entry)
        error = calibration.expected_calibration_error(probabilities, labels, weights=weights)
        figures["ece"] = error
        rows.append((file, entry, figures))
    ((entry, main),) = ((e, figures) for file, e, figures in rows if file == model)
    probabilities = calibrated(logits[model], entry)
    curve = calibration.risk_coverage(probabilities, labels, weights)
    named = min(curve, key=lambda p: abs(p["threshold"] - card.uncertain_below))
    disturbed = robustness(model, held_out)
    data = inspection.inspect(faces)

    pictures = out / PICTURES
    pictures.mkdir(parents=True, exist_ok=True)
    plots.confusion(main["confusion"], pictures / "confusion.png")
    bins = calibration.reliability(probabilities, labels, weights=weights)
    plots.reliability(bins, main["ece"], pictures / "reliability.png")
    plots.risk_coverage(curve, card.uncertain_below, pictures / "risk_coverage.png")
    plots.robustness(disturbed["conditions"], disturbed["clean"], pictures / "robustness.png")
    plots.classes(data["counts"], pictures / "classes.png")

    ferplus = main["accuracy_ferplus"]
    text = Template(TEMPLATE.read_text("utf-8")).substitute(
        name=card.name,
        version=card.version,
        architecture=content["architecture"],
        input_size=card.input_size,
        parameters=f"{content['parameters']:,}",
        recipe=content.get("recipe", "unknown"),
        left_out=_left_out(content.get("recipe", "unknown")),
        taught=_taught(learnt_from),
        untouched=UNTOUCHED if apart else TOUCHED,
        unlabelled=UNLABELLED if learnt_from.get("unlabelled") else "",
        others=_others(learnt_from.get("others", {})),
        face_network=FACE_NETWORK if "teacher_face" in learnt_from.get("teachers", ()) else "",
        export_commit=content["figures"]["commit"],
        export_date=content["figures"]["date"],
        export_command=content["figures"]["command"],
        file=model.name,
        n=f"{main['n']:,}",
        n_deduplicated=f"{main['n_deduplicated']:,}",
        accuracy=f"{main['accuracy']:.2%}",
        accuracy_deduplicated=f"{main['accuracy_deduplicated']:.2%}",
        accuracy_ferplus="not measured: no votes" if ferplus is None else f"{ferplus:.2%}",
        macro_f1=f"{main['macro_f1']:.3f}",
        ece=f"{main['ece']:.3f}",
        how="" if apart else f", cross-fitted in {calibration.FOLDS} folds",
        ms=f"{main['ms_per_face']:.2f}",
        per_class=card_tables.per_class(main),
        elsewhere=card_tables.read_elsewhere(
            model, entry, sets, people, logits[model], held_out, keys
        ),
        groups=card_tables.recalls_of_groups(model, entry, stated),
        errors=card_tables.whose_errors(logits[model], held_out, pictures, PICTURES),
        judged=BALANCED if balanced else "",
        files=card_tables.files(rows),
        uncertain_below=f"{card.uncertain_below:.0%}",
        named=f"{named['coverage']:.0%}",
        named_right=f"{1 - named['risk']:.0%}",
        clean=f"{disturbed['clean']:.2%}",
        robustness=card_tables.under_disturbance(disturbed),
        data=card_tables.data(data),
        commit=commit(),
        date=datetime.now(timezone.utc).date().isoformat(),
    )
    (out / "MODEL_CARD.md").write_text(text, "utf-8")


def _left_out(name):
    """Which rows a recipe that comes along leaves out."""
    left_out = name in recipe.available() and recipe.load_recipe(name).deduplicate
    return ", without pictures that repeat or that stand in PublicTest" if left_out else ""


def _taught(learnt_from):
    """By which models, and of how many faces without labels."""
    begun = f"; goes on from {learnt_from['start']}" if "start" in learnt_from else ""
    names = ", ".join(f"`{name}`" for name in learnt_from.get("teachers", ()))
    if not names:
        return begun
    more = learnt_from["unlabelled"]
    faces = f" on these and on {more:,} [faces without labels](#data-and-its-faults)" * bool(more)
    return f"{begun}; taught by the mean answer of {names}{faces}"


def _others(counts):
    """Of which other origins labelled faces were learnt from."""
    if not counts:
        return ""
    names = "; ".join(f"{count:,} {ORIGINS.get(name, name)}" for name, count in counts.items())
    return f"\nFurther labelled faces, each origin shown as often as any other: {names}.\n"


def _shipped(folder):
    """Each model file that a card in ``folder`` lists and that is there, with its entry."""
    for path in sorted(folder.glob("*.json")):
        try:
            content = load(path, json.loads)
            files = content["files"].items()
        except (OSError, SettingsError, KeyError, TypeError, AttributeError):
            continue  # something else than a card
        for name, entry in files:
            if (folder / name).is_file():
                yield folder / name, entry | {"input_size": content["input_size"]}
