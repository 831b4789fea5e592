# SPDX-License-Identifier: Apache-2.0
"""The command ``fer-training``: inspect, train, evaluate, export and report."""

import argparse
import json
import sys
from pathlib import Path

import numpy as np

from fer_ros.emotions.model_card import ModelError
from fer_training import dataset, recipe
from fer_training.dataset import USAGES, DatasetError
from fer_training.recipe import Recipe, RecipeError

DESCRIPTION = """Train, evaluate and export the facial-expression model of fer_ros.

  fer-training inspect --csv fer2013.csv --votes fer2013new.csv
  fer-training summary --recipe paper
  fer-training train --recipe paper --csv fer2013.csv --out runs/paper
  fer-training evaluate --csv fer2013.csv --usage PublicTest --model runs/paper/last.keras
  fer-training ensemble --csv fer2013.csv --model runs/a/last.keras runs/b/last.keras --mirrored
  fer-training robustness --csv fer2013.csv --model runs/paper/last.keras
  fer-training export --model runs/paper/last.keras --csv fer2013.csv --out runs/paper/export

The data are Kaggle's fer2013.csv (plain, .xz, .gz or .zip), and for some commands FER+'s
fer2013new.csv. Kaggle's folders of pictures serve inspect and evaluate --usage PrivateTest."""


def main(argv=None) -> int:
    """Run one command; 1 after one line when something is missing or wrong."""
    try:
        arguments = _parser().parse_args(argv)
        arguments.run(arguments)
    except (DatasetError, RecipeError, ModelError, OSError) as error:
        print(f"fer-training: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt as stop:
        print(f"fer-training: stopped{stop}", file=sys.stderr)
        return 130
    return 0


def _parser():
    parser = argparse.ArgumentParser(
        prog="fer-training",
        description=DESCRIPTION,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    def command(run, help_):
        p = commands.add_parser(run.__name__.strip("_"), help=help_, description=help_)
        p.set_defaults(run=run)
        return p

    recipes = f"one of {', '.join(recipe.available())}, or a .toml file"
    csv = {"required": True, "metavar": "FILE", "help": "Kaggle's CSV or folder"}

    votes = {"metavar": "FILE", "help": "FER+'s fer2013new.csv, for the same rows"}
    model = {"type": _existing, "metavar": "MODEL"}

    def labelled(p):
        p.add_argument(
            "--labels", **model | {"metavar": "FILE"},
            help="TOML from a folder's names to the seven classes, or to none: left out",
        )  # fmt: skip
        p.add_argument(
            "--label-pattern", metavar="REGEX",
            help="where a picture's path has its label, in a group; the folder if not given",
        )  # fmt: skip

    p = command(_inspect, "count a data set's classes, repeats, leaks and doubtful labels")
    p.add_argument("--csv", **csv)
    p.add_argument("--votes", **votes)
    p.add_argument("--out", type=Path, metavar="FOLDER", help="write inspect.json and classes.png")
    p.add_argument("--exact-only", action="store_true", help="leave the nearly equal pictures out")

    p = command(_summary, "print a recipe's network and its parameters")
    p.add_argument("--recipe", default="paper", help=recipes)
    p.add_argument("--layers", action="store_true", help="every layer of it")

    p = command(_train, "train by a recipe, or go on with a run that was stopped")
    p.add_argument("--recipe", default="best", help=recipes)
    p.add_argument("--csv", **csv)
    labelled(p)
    p.add_argument("--out", type=Path, required=True, help="folder of the run")
    p.add_argument("--epochs", type=int, help="instead of the recipe's")
    p.add_argument("--input-size", type=int, help="pixels, instead of the recipe's")
    p.add_argument("--seed", type=int, help="instead of the recipe's")
    p.add_argument("--rows", type=int, help="train on so many rows (the paper's subset: 15958)")
    p.add_argument("--votes", **votes)
    p.add_argument("--teacher", **model, nargs="+", default=(), help="learn from these models too")
    p.add_argument(
        "--unlabelled", **model, help=".npz with images, uint8 [N, 48, 48]: faces without labels"
    )
    p.add_argument("--start", **model, help="go on from this .keras, or the .tflite that ships")
    p.add_argument(
        "--weights", type=_weights, default="imagenet",
        help="starting weights: a file; downloaded if not given",
    )  # fmt: skip

    p = command(_evaluate, "measure a .keras, .tflite or .onnx model on one split")
    p.add_argument("--csv", **csv)
    labelled(p)
    p.add_argument("--usage", choices=USAGES, help="PublicTest, or all of a folder without splits")
    p.add_argument("--model", **model, required=True)
    p.add_argument("--votes", **votes)
    p.add_argument(
        "--groups", **model | {"metavar": "FILE"},
        help="CSV from row or picture to group: figures of each, and the widest gap",
    )  # fmt: skip
    p.add_argument("--train-csv", metavar="FILE", help="Training rows, to leave out repeats of")
    p.add_argument("--json", type=Path, metavar="OUT", help="write the figures here too")

    p = command(_ensemble, "measure the mean answer of several models, beside each of them")
    p.add_argument("--csv", **csv)
    p.add_argument("--votes", **votes)
    p.add_argument("--model", **model, required=True, nargs="+")
    p.add_argument("--mirrored", action="store_true", help="ask for the mirrored face too")
    p.add_argument("--usage", default="PublicTest", choices=USAGES)
    p.add_argument(
        "--held-out", metavar="RECIPE", help="instead: the part of Training that it keeps aside"
    )
    p.add_argument("--json", type=Path, metavar="OUT", help="write the figures here too")

    p = command(_robustness, "measure a model under bad light, covering, blur, noise, bad boxes")
    p.add_argument("--csv", **csv)
    p.add_argument("--usage", default="PublicTest", choices=USAGES)
    p.add_argument("--model", **model, required=True)
    p.add_argument("--out", type=Path, metavar="FOLDER", help="write robustness.json and .png")

    p = command(_export, "write the files that fer_ros runs, and their card")
    p.add_argument("--model", **model, required=True, help="a .keras file")
    p.add_argument("--csv", **csv)
    labelled(p)
    p.add_argument("--out", type=Path, required=True, help="folder for the files")
    p.add_argument("--name", default="emotion_mobilenet_v2")
    p.add_argument(
        "--named-right",
        type=float,
        default=0.75,
        metavar="SHARE",
        help="a face is called uncertain so that this share of the others is right (%(default)s)",
    )

    p = command(_onnx, "write the .onnx of a .tflite model whose .keras file is gone")
    p.add_argument("--model", **model, required=True, help="a .tflite file, its card beside it")
    p.add_argument("--csv", **csv)

    p = command(_report, "write MODEL_CARD.md and its pictures, every figure measured anew")
    p.add_argument("--csv", **csv)
    p.add_argument("--votes", **votes)
    p.add_argument("--model", **model, required=True, help="the .tflite file, its card beside it")
    p.add_argument("--out", type=Path, default=Path(), help="folder for MODEL_CARD.md")
    return parser


def _existing(text):
    path = Path(text)
    if not path.is_file():  # not argparse's own error: one line, without the usage
        raise FileNotFoundError(f"no such file: {path}")
    return path


def _weights(text):
    return text if text == "imagenet" else str(_existing(text))


def _inspect(arguments):
    from fer_training import inspection, plots

    figures = inspection.inspect(_load(arguments), near=not arguments.exact_only)
    print(inspection.render(figures))
    if arguments.out:
        _write(arguments.out, "inspect.json", figures)
        plots.classes(figures["counts"], arguments.out / "classes.png")


def _summary(arguments):
    from fer_training.model import build_model

    chosen = recipe.load_recipe(arguments.recipe)
    model = build_model(chosen.input_size, scaling=chosen.scaling, dropout=chosen.dropout)
    if arguments.layers:
        model.summary(expand_nested=True)
    total = model.count_params()
    trainable = sum(int(np.prod(w.shape)) for w in model.trainable_weights)
    print(f"{chosen.name}: {chosen.description}")
    print(f"input {chosen.input_size}x{chosen.input_size}, {chosen.epochs} epochs")
    print(f"{total:,} total / {trainable:,} trainable / {total - trainable:,} other parameters")


def _train(arguments):
    from fer_training.train import train

    overrides = {k: getattr(arguments, k) for k in ("epochs", "input_size", "seed", "rows")}
    chosen = recipe.load_recipe(arguments.recipe, **overrides)
    faces = _load(arguments)
    try:
        result = train(
            chosen,
            faces.of("Training"),
            _judges(faces, chosen),
            arguments.out,
            imagenet=arguments.weights,
            start=arguments.start,
            teachers=arguments.teacher,
            unlabelled=arguments.unlabelled and dataset.load_unlabelled(arguments.unlabelled),
        )
    except KeyboardInterrupt:
        raise KeyboardInterrupt("; the same command goes on from here") from None
    judge = f"Training rows held out            {result['accuracy']:.2%}"
    if not chosen.held_out:
        judge = (
            f"PublicTest, raw               {result['accuracy']:.2%}\n"
            f"accuracy on PublicTest, deduplicated      {result['accuracy_deduplicated']:.2%}"
        )
    print(
        f"{chosen.name}, {chosen.epochs} epochs at {chosen.input_size}x{chosen.input_size}; "
        f"inference mode\n"
        f"accuracy on the rows trained on           {result['training_accuracy']:.2%} "
        f"({result['training_rows']} rows)\n"
        f"accuracy on {judge}\n"
        f"macro-F1 on the same                      {result['macro_f1']:.4f}\n"
        f"model: {arguments.out / 'last.keras'}; next: fer-training evaluate, export"
    )


def _judges(faces, chosen):
    """The split that judges; none of a folder without splits, of which a part is held out."""
    if chosen.held_out and "PublicTest" not in faces.usage:
        return faces.select(faces.usage == "PublicTest")
    return faces.of("PublicTest")


def _load(arguments):
    asked = {
        "labels": getattr(arguments, "labels", None),
        "pattern": getattr(arguments, "label_pattern", None),
    }
    faces = dataset.load(arguments.csv, **{k: v for k, v in asked.items() if v})
    votes = getattr(arguments, "votes", None)
    return dataset.with_votes(faces, votes) if votes else faces


def _evaluate(arguments):
    from fer_training.evaluate import evaluate
    from fer_training.groups import read_groups
    from fer_training.groups import render as render_groups
    from fer_training.metrics import render

    faces, usage = _load(arguments), arguments.usage
    if usage or "PublicTest" in faces.usage:
        faces = faces.of(usage := usage or "PublicTest")
    usage = usage or "all of it"
    group = read_groups(arguments.groups, faces) if arguments.groups else None
    figures = {"model": str(arguments.model), "usage": usage}
    figures |= evaluate(arguments.model, faces, _training_keys(arguments), group)
    print(f"{arguments.model} on {usage}\n{render(figures)}")
    if group is not None:
        print(f"\n{render_groups(figures)}")
    if arguments.json:
        arguments.json.write_text(json.dumps(figures, indent=2) + "\n")


def _ensemble(arguments):
    from fer_training.ensemble import ensemble, render

    faces = _load(arguments)
    keys = faces.of("Training").keys()
    if arguments.held_out:
        judges, keys = _held_out(faces, recipe.load_recipe(arguments.held_out)), None
        what = f"the part of Training that {arguments.held_out} holds out"
    else:
        judges, what = faces.of(arguments.usage), arguments.usage
    found = ensemble(arguments.model, judges, mirrored=arguments.mirrored, training_keys=keys)
    how = ", each face mirrored too" if arguments.mirrored else ""
    print(f"{len(judges)} faces: {what}{how}\n{render(found)}")
    if arguments.json:
        arguments.json.write_text(json.dumps(found, indent=2) + "\n")


def _held_out(faces, chosen):
    from fer_training.near import parts

    if not chosen.held_out:
        raise RecipeError(f"the recipe {chosen.name!r} holds nothing out (held_out = 0)")
    return parts(faces.of("Training"), faces.of("PublicTest"), chosen)[1]


def _robustness(arguments):
    from fer_training import plots, robustness

    faces = dataset.load(arguments.csv).of(arguments.usage)
    found = robustness.robustness(arguments.model, faces)
    print(f"{arguments.model} on {arguments.usage}\n{robustness.render(found)}")
    if arguments.out:
        _write(arguments.out, "robustness.json", found)
        plots.robustness(found["conditions"], found["clean"], arguments.out / "robustness.png")


def _training_keys(arguments):
    if arguments.train_csv:
        return dataset.load(arguments.train_csv).of("Training").keys()
    lists = sorted(arguments.model.parent.glob("*_training_keys.npy"))
    return np.load(lists[0], allow_pickle=False) if lists else None


def _export(arguments):
    from fer_training.export import export
    from fer_training.near import parts

    faces, chosen = _load(arguments), recipe.recipe_of_run(arguments.model.parent) or Recipe("")
    training, validation = faces.of("Training"), _judges(faces, chosen)
    keys = training.keys()
    if chosen.held_out:  # what chose the model sets its temperature too
        training, validation = parts(training, validation, chosen)
    name, share = arguments.name, arguments.named_right
    card = export(arguments.model, training, validation, arguments.out, name, share, keys)
    print(f"on {len(validation)} faces, {validation.usage[0]}")
    print(f"{'file':36} {'MB':>6} {'accuracy':>9} {'dedup.':>8} {'macro-F1':>9} {'ms':>6}")
    for file, f in card["files"].items():
        print(
            f"{file:36} {f['bytes'] / 1e6:6.2f} {f['accuracy']:9.2%} "
            f"{f['accuracy_deduplicated']:8.2%} {f['macro_f1']:9.4f} {f['ms_per_face']:6.2f}"
        )


def _onnx(arguments):
    from fer_training.dequantise import add_onnx

    faces = dataset.load(arguments.csv)
    keys = faces.of("Training").keys()
    entry = add_onnx(arguments.model, faces.of("PublicTest"), keys)
    print(
        f"{arguments.model.with_suffix('.onnx')}: {entry['accuracy']:.2%}, deduplicated "
        f"{entry['accuracy_deduplicated']:.2%}, macro-F1 {entry['macro_f1']:.4f}, "
        f"{entry['ms_per_face']:.2f} ms a face"
    )


def _report(arguments):
    from fer_training.model_report import write

    write(arguments.model, _load(arguments), arguments.out)
    print(f"wrote {arguments.out / 'MODEL_CARD.md'}")


def _write(folder, name, figures):
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_text(json.dumps(figures, indent=2) + "\n")


if __name__ == "__main__":
    sys.exit(main())
