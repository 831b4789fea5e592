# SPDX-License-Identifier: Apache-2.0
"""The command ``fer-training``: train, evaluate and export."""

import argparse
import json
import sys
from pathlib import Path

import numpy as np

from fer_ros.model_card import ModelError
from fer_training import dataset, recipe
from fer_training.dataset import USAGES, DatasetError
from fer_training.recipe import RecipeError

DESCRIPTION = """Train, evaluate and export the facial-expression model of fer_ros.

  fer-training summary --recipe paper
  fer-training train --recipe best --csv fer2013.csv --out runs/best
  fer-training evaluate --csv fer2013.csv --usage PublicTest --model runs/best/last.keras
  fer-training export --model runs/best/last.keras --csv fer2013.csv --out runs/best/export

The data are Kaggle's fer2013.csv (plain, .xz, .gz or .zip) or Kaggle's folders of pictures."""


def main(argv=None) -> int:
    """Run one command; 1 after one line when something is missing or wrong."""
    arguments = _parser().parse_args(argv)
    try:
        arguments.run(arguments)
    except (DatasetError, RecipeError, ModelError, OSError) as error:
        print(f"fer-training: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("fer-training: stopped; the same command goes on from here", file=sys.stderr)
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

    p = command(_summary, "print a recipe's network and its parameters")
    p.add_argument("--recipe", default="paper", help=recipes)
    p.add_argument("--layers", action="store_true", help="every layer of it")

    p = command(_train, "train by a recipe, or go on with a run that was stopped")
    p.add_argument("--recipe", default="best", help=recipes)
    p.add_argument("--csv", **csv)
    p.add_argument("--out", type=Path, required=True, help="folder of the run")
    p.add_argument("--epochs", type=int, help="instead of the recipe's")
    p.add_argument("--input-size", type=int, help="pixels, instead of the recipe's")
    p.add_argument("--seed", type=int, help="instead of the recipe's")
    p.add_argument(
        "--weights", default="imagenet", help="starting weights: a file; downloaded if not given"
    )

    p = command(_evaluate, "measure a .keras, .tflite or .onnx model on one split")
    p.add_argument("--csv", **csv)
    p.add_argument("--usage", default="PublicTest", choices=USAGES)
    p.add_argument("--model", type=Path, required=True)
    p.add_argument("--train-csv", metavar="FILE", help="Training rows, to leave out repeats of")
    p.add_argument("--json", type=Path, metavar="OUT", help="write the figures here too")

    p = command(_export, "write the files that fer_ros runs, and their card")
    p.add_argument("--model", type=Path, required=True, help="a .keras file")
    p.add_argument("--csv", **csv)
    p.add_argument("--out", type=Path, required=True, help="folder for the files")
    p.add_argument("--name", default="emotion_mobilenet_v2")
    p.add_argument(
        "--uncertain-below", type=float, default=0.4, help="confidence to name a class at"
    )
    return parser


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

    overrides = {k: getattr(arguments, k) for k in ("epochs", "input_size", "seed")}
    chosen = recipe.load_recipe(arguments.recipe, **overrides)
    faces = dataset.load(arguments.csv)
    train(
        chosen,
        faces.of("Training"),
        faces.of("PublicTest"),
        arguments.out,
        imagenet=arguments.weights,
    )
    print(f"trained: {arguments.out / 'last.keras'}; next: fer-training evaluate, export")


def _evaluate(arguments):
    from fer_training.evaluate import evaluate
    from fer_training.metrics import render

    faces = dataset.load(arguments.csv).of(arguments.usage)
    figures = {"model": str(arguments.model), "usage": arguments.usage}
    figures |= evaluate(arguments.model, faces, _training_keys(arguments))
    print(f"{arguments.model} on {arguments.usage}\n{render(figures)}")
    if arguments.json:
        arguments.json.write_text(json.dumps(figures, indent=2) + "\n")


def _training_keys(arguments):
    if arguments.train_csv:
        return dataset.load(arguments.train_csv).of("Training").keys()
    lists = sorted(arguments.model.parent.glob("*_training_keys.npy"))
    return np.load(lists[0], allow_pickle=False) if lists else None


def _export(arguments):
    from fer_training.export import export

    faces = dataset.load(arguments.csv)
    card = export(
        arguments.model,
        faces.of("Training"),
        faces.of("PublicTest"),
        arguments.out,
        arguments.name,
        arguments.uncertain_below,
    )
    print(f"{'file':36} {'MB':>6} {'accuracy':>9} {'dedup.':>8} {'macro-F1':>9} {'ms':>6}")
    for file, f in card["files"].items():
        print(
            f"{file:36} {f['bytes'] / 1e6:6.2f} {f['accuracy']:9.2%} "
            f"{f['accuracy_deduplicated']:8.2%} {f['macro_f1']:9.4f} {f['ms_per_face']:6.2f}"
        )


if __name__ == "__main__":
    sys.exit(main())
