# SPDX-License-Identifier: Apache-2.0
"""Every model on every data set: one table, one chart, what `make leaderboard` writes.

Models: those that come with fer_ros, the PyPI package fer as it comes, and any .onnx, .tflite or
.keras file with a card beside it (--model). Data: PublicTest of FER-2013 (--csv), and pictures in
folders (--data): a folder for each expression, or a .toml file with `folder`, and `labels` and
`pattern` where `fer-training evaluate` would need --labels and --label-pattern.

All see the same crops, as the node would give them. "deduplicated" leaves out pictures that stand
in FER-2013's Training, byte for byte. Classes that a data set lacks are no answers on it either.
With --elsewhere, .npz files of images and labels, a second table tells balanced recall on each, and
its mean, which chooses what ships; there all seven are answers.
Times are of one face on one thread, taken in turns. A card that wants larger or coloured crops gets
these 48x48 grey faces enlarged, and their framing as it is: less than it was made for.

    .venv-bench/bin/python -m benchmarks.accuracy.leaderboard --csv fer2013.csv.xz --data ck.toml
"""

import argparse
import os
import time
from collections.abc import Callable
from datetime import datetime, timezone
from pathlib import Path

import cv2
import numpy as np
from fer_training import elsewhere
from fer_training.dataset import DatasetError, Faces, load, load_labelled, with_votes
from fer_training.evaluate import among_its_classes, judge
from fer_training.metrics import intervals
from fer_training.plots import INK
from fer_training.recipe import tomllib
from tqdm import tqdm

from benchmarks.report import chart, machine, refuse_namesakes, save
from benchmarks.tables import leaderboard_table
from fer_ros.emotions.classifier import Classifier, default_model, small_model
from fer_ros.emotions.model_card import ModelError
from fer_ros.inference.shipped import MODELS
from fer_ros.runtime.settings_files import SettingsError
from fer_ros.runtime.settings_files import load as load_settings

Answer = Callable[[np.ndarray], np.ndarray]
"""A crop, uint8 [48, 48], to probabilities [7] in FER-2013's order."""
KEYS = MODELS / "emotion_mobilenet_v2_training_keys.npy"
TIMED = 200  # faces
NAME = "leaderboard"
FER_2013 = "FER-2013 PublicTest"


def ours(path: Path) -> Answer:
    """A model file as the node runs it."""
    classifier = Classifier(path)
    crop = classifier.card.crop

    def answer(face):
        if face.shape != crop.shape:
            face = cv2.resize(face, (crop.size, crop.size), interpolation=cv2.INTER_LINEAR)
            face = face if crop.channels == 1 else cv2.cvtColor(face, cv2.COLOR_GRAY2RGB)
        return classifier.probabilities(face)

    return answer


def fers(faces: np.ndarray) -> tuple[str, Answer]:
    """The package fer by its own default, checked against its own call on a few ``faces``."""
    from benchmarks.accuracy.peers import fer_default

    contender = fer_default(faces)
    return contender.name, lambda face: contender.network(contender.prepare(face))


def read(source: Path) -> tuple[str, Faces]:
    """A data set's name and all its faces, of a folder or a .toml file that says where it is."""
    if source.suffix != ".toml":
        return source.name, load(source)
    try:
        said = load_settings(source, tomllib.loads)
    except SettingsError as error:
        raise DatasetError(f"{source}: {error}") from None
    if "folder" not in said or not said.keys() <= {"folder", "labels", "pattern"}:
        raise DatasetError(f"{source}: says {', '.join(said)}; not folder, labels and pattern")
    if "labels" in said:
        said["labels"] = source.parent / said["labels"]
    return source.stem, load(source.parent / said.pop("folder"), **said)


def figures(answer: Answer, name: str, faces: Faces, keys: np.ndarray) -> dict:
    """What a model is worth on a data set; ``keys``, uint64 [N], of the pictures trained on."""
    logits = among_its_classes(logarithms(answer, name, faces.images), faces.labels)
    found = judge(logits, faces, 1.0, keys)
    found["intervals"] = intervals(found["confusion"])
    return found


def logarithms(answer: Answer, name: str, images: np.ndarray) -> np.ndarray:
    """float64 [N, 7]: logits that stand for a model's probabilities of ``images``."""
    scores = np.stack([answer(face) for face in tqdm(images, desc=name, delay=1)])
    return np.log(np.maximum(scores, 1e-9))


def judged_elsewhere(answer: Answer, name: str, options, fer_2013, keys) -> dict:
    """``elsewhere.judged`` of a model by set: PublicTest by its several judges, then the others."""
    found = {}
    if fer_2013 is not None:
        logits = logarithms(answer, f"{name} on {FER_2013}", fer_2013.images)
        found |= elsewhere.on_fer_2013(logits, fer_2013, 1.0, keys)
    found |= elsewhere.on_sets(
        lambda images: logarithms(answer, name, images),
        [load_labelled(path)[0] for path in options.elsewhere],
        people=options.people,
    )
    return elsewhere.without_draws(found)


def milliseconds(models: dict[str, Answer], faces: np.ndarray) -> dict[str, float]:
    """Median time of a face by each model, the models in turns."""
    times: dict[str, list[float]] = {name: [] for name in models}
    for face in faces[:TIMED]:
        for name, answer in models.items():
            began = time.perf_counter()
            answer(face)
            times[name].append(1e3 * (time.perf_counter() - began))
    return {name: float(np.median(values)) for name, values in times.items()}


def draw(results: dict, path: Path) -> None:
    """Chart of accuracy with its 95 % interval, and deduplicated: a panel for each data set, a line
    for each model, the best on top.
    """
    from matplotlib.figure import Figure

    sets, times = results["sets"], results["ms_per_face"]
    height = sum(1.0 + 0.4 * len(by_model) for by_model in sets.values())
    figure = Figure(figsize=(8, height), layout="constrained")
    panels = np.atleast_1d(figure.subplots(len(sets)))
    for axes, (name, by_model) in zip(panels, sets.items(), strict=True):
        ranked = sorted(by_model.items(), key=lambda row: row[1]["accuracy"])
        for place, (_, f) in enumerate(ranked):
            low, high = f["intervals"]["accuracy"]
            axes.plot([low, high], [place, place], color=INK, lw=2)
            axes.plot(f["accuracy"], place, "o", color=INK)
            if f["accuracy_deduplicated"]:
                axes.plot(f["accuracy_deduplicated"], place, "o", mec=INK, mfc="white")
            axes.annotate(f" {f['accuracy']:.1%}", (high, place), va="center")
        axes.set_yticks(
            range(len(ranked)), [f"{model}\n{times[model]:.2f} ms" for model, _ in ranked]
        )
        axes.set_ylim(-0.6, len(ranked) - 0.4)
        axes.margins(x=0.12)
        axes.set_title(f"{name}, {ranked[0][1]['n']:,} faces", loc="left")
        axes.xaxis.set_major_formatter(lambda value, _: f"{value:.0%}")
        axes.spines[["top", "right"]].set_visible(False)
    panels[-1].set_xlabel("accuracy with its 95 % interval; hollow: deduplicated")
    figure.savefig(path, dpi=120)


def parse(argv=None):
    """The command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--csv", type=Path, help="fer2013.csv, .csv.xz or .zip")
    parser.add_argument(
        "--data", type=Path, nargs="+", default=[], metavar="SET", help="folders, .toml files"
    )
    parser.add_argument("--votes", type=Path, help="FER+'s fer2013new.csv, for the rows of --csv")
    parser.add_argument(
        "--elsewhere", type=Path, nargs="+", default=[], metavar="NPZ",
        help="labelled faces of other origins: balanced recall on each, and the mean",
    )  # fmt: skip
    parser.add_argument(
        "--people", default=r"(\d{3})", metavar="REGEX",
        help="where a face's name says whose it is, in a group, for intervals (%(default)s)",
    )  # fmt: skip
    parser.add_argument(
        "--model", type=Path, nargs="+", default=[], metavar="FILE",
        help="with a card beside it, beside the built-in ones",
    )  # fmt: skip
    parser.add_argument("--without-fer", action="store_true", help="where fer is not installed")
    options = parser.parse_args(argv)
    if not options.csv and not options.data and not options.elsewhere:
        parser.error("nothing to measure on: give --csv FILE, --data FOLDER or --elsewhere NPZ")
    options.model = [default_model(), small_model(), *options.model]
    refuse_namesakes(parser, options.model)
    return options


def measure(options) -> dict:
    """All figures: by data set and model, the times and the machine."""
    found = {"machine": machine()}
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})  # one thread, whatever a library thinks
    cv2.setNumThreads(1)
    sets, keys = {}, np.load(KEYS, allow_pickle=False)
    if options.csv:
        fer_2013 = load(options.csv)
        fer_2013 = with_votes(fer_2013, options.votes) if options.votes else fer_2013
        sets[FER_2013], keys = fer_2013.of("PublicTest"), fer_2013.of("Training").keys()
    sets |= dict(map(read, options.data))
    models = {path.name: ours(path) for path in options.model}
    first = next(iter(sets.values())) if sets else load(options.elsewhere[0])
    faces = first.images
    if not options.without_fer:
        models |= dict([fers(faces[:20])])
    found["ms_per_face"] = milliseconds(models, faces)
    found["sets"] = {
        name: {m: figures(answer, f"{m} on {name}", s, keys) for m, answer in models.items()}
        for name, s in sets.items()
    }
    if options.elsewhere:
        found["elsewhere"] = {
            m: judged_elsewhere(answer, m, options, sets.get(FER_2013), keys)
            for m, answer in models.items()
        }
    return found


def main(argv=None) -> int:
    """Measure, print, write the dated page, chart and JSON, and the newest without a date."""
    options = parse(argv)
    try:
        results = measure(options)
    except (DatasetError, ModelError, OSError) as error:
        print(f"leaderboard: {error}")
        return 1
    dated = f"{NAME}_{datetime.now(timezone.utc).date().isoformat()}"
    for name in (NAME, dated):  # the newest, for docs/benchmarks.md, and what stays
        save(name, results)
        draw(results, chart(name))
    text = leaderboard_table(results)
    page = chart(dated).with_suffix(".md")
    page.write_text(f"# Leaderboard\n\n{text}\n\n![Accuracy of each model]({dated}.png)\n")
    print(f"{text}\n\n{page}")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
