# SPDX-License-Identifier: Apache-2.0
"""The command ``fer-training``: inspect, train, tune, evaluate, export and report."""

import argparse
import contextlib
import faulthandler
import os
import sys
from pathlib import Path

from fer_ros import start
from fer_ros.command_line import number, to_path
from fer_ros.emotions.model_card import ModelError
from fer_training import __version__, commands, dataset, recipe
from fer_training.dataset import USAGES, DatasetError
from fer_training.recipe import RecipeError

DESCRIPTION = """Train, evaluate and export the facial-expression model of fer_ros.

  fer-training inspect --csv fer2013.csv --votes fer2013new.csv
  fer-training crop photographs --out faces
  fer-training summary --recipe paper
  fer-training train --recipe paper --csv fer2013.csv --out runs/paper
  fer-training evaluate --csv fer2013.csv --usage PublicTest --model runs/paper/last.keras
  fer-training ensemble --csv fer2013.csv --model runs/a/last.keras runs/b/last.keras --mirrored
  fer-training robustness --csv fer2013.csv --model runs/paper/last.keras
  fer-training export --model runs/paper/last.keras --csv fer2013.csv --out runs/paper/export
  fer-training tune --recipe best --csv fer2013.csv --votes fer2013new.csv --out runs/tune
  fer-training compare --recipe attention --csv fer2013.csv --votes fer2013new.csv --out runs/twins

The data are Kaggle's fer2013.csv (plain, .gz, .bz2, .xz or .zip), and for some commands FER+'s
fer2013new.csv. Kaggle's folders of pictures serve inspect and evaluate --usage PrivateTest."""

TUNING = """.

Optuna varies learning rate, dropout, batch size and how strong the augmentation is; each trial
learns from the labels and votes alone, for a few epochs, and is judged by the part of Training that
the recipe holds out (a tenth where it holds nothing out): PublicTest is not looked at. A trial that
falls behind the others is cut short. The first trial is the recipe as it is.

OUT gets NAME_tuned.toml, to train with, history.png, importance.png and tuning.json. The same
command goes on with a search that was stopped; several at once, on one machine or (with --storage)
on several, share one search. Differences of less than a point are noise: train a promising recipe
to its end before you believe it."""

RESUMED = (commands.train, commands.compare, commands.tune)


def run() -> int:
    """``main``, with what libraries write by themselves in a log, so that an error is one line."""
    with _libraries_in(dataset.cache_folder() / "libraries.log"):
        return main()


@contextlib.contextmanager
def _libraries_in(log: Path):
    """Lines that C code writes to the standard error go to ``log``; Python's own stay there."""
    with contextlib.suppress(OSError):  # nowhere to write a log to: they stay too
        log.parent.mkdir(parents=True, exist_ok=True)
        with log.open("wb") as file:
            kept = os.dup(2)
            os.dup2(file.fileno(), 2)
        sys.stderr = os.fdopen(kept, "w", buffering=1)
        faulthandler.enable(sys.stderr)
    yield
    sys.stderr.flush()


def main(argv=None) -> int:
    """Run one command; 1 after one line when something is missing or wrong."""
    arguments = argparse.Namespace(run=None)
    start.interrupt()
    try:
        _parser().parse_args(argv, arguments)
        arguments.run(arguments)
    except (DatasetError, RecipeError, ModelError, OSError, MemoryError) as error:
        print(f"fer-training: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        more = "; the same command goes on from here" if arguments.run in RESUMED else ""
        print(f"fer-training: stopped{more}", file=sys.stderr)
        return 130
    return 0


def _parser():
    parser = argparse.ArgumentParser(
        prog="fer-training",
        description=DESCRIPTION,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parsers = parser.add_subparsers(required=True, metavar="COMMAND")

    def command(run):
        text = run.__doc__.partition("\n")[0].rstrip(".")
        p = parsers.add_parser(run.__name__, help=text[0].lower() + text[1:], description=text)
        p.set_defaults(run=run)
        return p

    recipes = f"one of {', '.join(recipe.available())}, or a .toml file"
    csv = {"required": True, "metavar": "FILE", "help": "Kaggle's CSV or folder"}

    votes = {"metavar": "FILE", "help": "FER+'s fer2013new.csv, for the same rows"}
    model = {"type": _existing, "metavar": "MODEL"}
    weights = {
        "type": _weights,
        "default": "imagenet",
        "help": "starting weights: a file; downloaded if not given",
    }

    def labelled(p):
        p.add_argument(
            "--labels", **model | {"metavar": "FILE"},
            help="TOML file: the class of each folder name, or none to leave it out",
        )  # fmt: skip
        p.add_argument(
            "--label-pattern", metavar="REGEX",
            help="regular expression whose group is the label in a path (default: the folder)",
        )  # fmt: skip

    def others(p):
        p.add_argument(
            "--elsewhere", **model | {"metavar": "FILE"}, nargs="+", default=(),
            help=".npz files, images and labels (0 to 6): balanced recall on each, and the mean",
        )  # fmt: skip
        p.add_argument(
            "--people", metavar="REGEX",
            help="with --elsewhere: regular expression with a group, the person in a face's name",
        )  # fmt: skip

    p = command(commands.inspect)
    p.add_argument("--csv", **csv)
    p.add_argument("--votes", **votes)
    p.add_argument(
        "--out", type=to_path, metavar="FOLDER", help="write inspect.json and classes.png"
    )
    p.add_argument(
        "--exact-only",
        action="store_true",
        help="find exact repeats only, not nearly equal pictures",
    )

    p = command(commands.crop)
    p.add_argument("folder", type=to_path, help="folder of photographs, nested as you like")
    p.add_argument(
        "--out", type=to_path, required=True, help="folder for the faces, nested in the same way"
    )
    p.add_argument(
        "--all", action="store_true", help="every face of a picture, not only the largest"
    )

    p = command(commands.summary)
    p.add_argument("--recipe", default="paper", help=recipes)
    p.add_argument("--layers", action="store_true", help="list every layer")

    p = command(commands.train)
    p.add_argument("--recipe", default="best", help=recipes)
    p.add_argument("--csv", **csv)
    labelled(p)
    p.add_argument("--out", type=to_path, required=True, help="folder for the run")
    p.add_argument("--epochs", type=int, help="instead of the recipe's")
    p.add_argument("--input-size", type=int, help="input size in pixels, instead of the recipe's")
    p.add_argument("--seed", type=int, help="instead of the recipe's")
    p.add_argument(
        "--rows", type=int, help="number of rows to train on (the paper's subset: 15958)"
    )
    p.add_argument("--votes", **votes)
    p.add_argument(
        "--teacher",
        **model,
        nargs="+",
        default=(),
        help="teachers: learn from the answers of these models too",
    )
    p.add_argument(
        "--unlabelled",
        **model,
        help=".npz file with images, uint8 [N, 48, 48]: faces without labels",
    )
    p.add_argument(
        "--others", **model, nargs="+", default=(),
        help=".npz files with images and labels (0 to 6): faces of other origins",
    )  # fmt: skip
    p.add_argument(
        "--start", **model, help="start from this .keras file, or from the .tflite that ships"
    )
    p.add_argument("--weights", **weights)

    p = command(commands.compare)
    p.add_argument("--recipe", default="attention", help=recipes)
    p.add_argument(
        "--but", default='attention = "none"', metavar="SETTING",
        help="the setting in which the twin differs, as a line of a recipe (%(default)s)",
    )  # fmt: skip
    p.add_argument(
        "--seeds", type=int, nargs="+", default=(1, 2, 3), help="seeds of the runs (default: 1 2 3)"
    )
    p.add_argument("--csv", **csv)
    p.add_argument("--votes", **votes)
    p.add_argument("--out", type=to_path, required=True, help="folder for all runs")
    p.add_argument("--epochs", type=int, help="instead of the recipe's")
    p.add_argument("--input-size", type=int, help="input size in pixels, instead of the recipe's")
    p.add_argument("--rows", type=int, help="number of rows to train on")
    p.add_argument("--weights", **weights)

    p = command(commands.tune)
    p.description += TUNING
    p.formatter_class = argparse.RawDescriptionHelpFormatter
    p.add_argument("--recipe", default="best", help=recipes)
    p.add_argument("--csv", **csv)
    p.add_argument("--votes", **votes)
    p.add_argument("--out", type=to_path, required=True, help="folder for the results")
    p.add_argument(
        "--trials", type=number(int, 1), default=30, help="number of trials (%(default)s)"
    )
    p.add_argument("--epochs", type=int, default=3, help="epochs per trial (%(default)s)")
    p.add_argument("--rows", type=int, help="rows per trial (default: a third)")
    p.add_argument("--input-size", type=int, help="input size in pixels, instead of the recipe's")
    p.add_argument("--seed", type=int, help="instead of the recipe's")
    p.add_argument(
        "--storage", metavar="URL",
        help="where the trials are stored, such as sqlite:///tune.db (default: OUT/journal.log)",
    )  # fmt: skip
    p.add_argument("--weights", **weights)

    p = command(commands.evaluate)
    p.add_argument("--csv", **csv)
    labelled(p)
    p.add_argument(
        "--usage",
        choices=USAGES,
        help="split to evaluate (default: PublicTest, or all of a folder without splits)",
    )
    p.add_argument("--model", **model, required=True)
    p.add_argument("--votes", **votes)
    p.add_argument(
        "--groups", nargs="+", metavar="FILE",
        help="CSV that maps rows or pictures to groups: figures of each, and the widest gap; "
        "for an .npz data set its own columns, such as gender age",
    )  # fmt: skip
    others(p)
    p.add_argument(
        "--train-csv", metavar="FILE", help="Training rows; faces that repeat them are left out"
    )
    p.add_argument(
        "--json", type=to_path, metavar="OUT", help="also write the figures to this file"
    )

    p = command(commands.ensemble)
    p.add_argument("--csv", **csv)
    p.add_argument("--votes", **votes)
    p.add_argument("--model", **model, required=True, nargs="+")
    p.add_argument("--mirrored", action="store_true", help="average with the mirrored face")
    p.add_argument("--usage", default="PublicTest", choices=USAGES)
    p.add_argument(
        "--held-out",
        metavar="RECIPE",
        help="evaluate on the part of Training that this recipe holds out instead",
    )
    p.add_argument(
        "--json", type=to_path, metavar="OUT", help="also write the figures to this file"
    )

    p = command(commands.robustness)
    p.add_argument("--csv", **csv)
    p.add_argument("--usage", default="PublicTest", choices=USAGES)
    p.add_argument("--model", **model, required=True)
    p.add_argument("--out", type=to_path, metavar="FOLDER", help="write robustness.json and .png")

    p = command(commands.export)
    p.add_argument("--model", **model, required=True, help="a .keras file")
    p.add_argument("--csv", **csv)
    p.add_argument("--votes", **votes)
    labelled(p)
    p.add_argument("--out", type=to_path, required=True, help="folder for the files")
    p.add_argument("--name", default="emotion_mobilenet_v2")
    p.add_argument(
        "--version", default=__version__, help="version in the model's card (%(default)s)"
    )
    p.add_argument(
        "--usage",
        choices=["PublicTest"],
        help="split for measuring and calibrating, even if the recipe held out a part of Training",
    )
    p.add_argument(
        "--named-right",
        type=number(float, 0, 1),
        default=0.75,
        metavar="SHARE",
        help="share of right labels among the faces that are not `uncertain` (%(default)s)",
    )

    p = command(commands.onnx)
    p.add_argument("--model", **model, required=True, help="a .tflite file with its card beside it")
    p.add_argument("--csv", **csv)

    p = command(commands.report)
    p.add_argument("--csv", **csv)
    p.add_argument("--votes", **votes)
    p.add_argument(
        "--model", **model, required=True, help="the .tflite file with its card beside it"
    )
    others(p)
    p.add_argument(
        "--groups", **model | {"metavar": "FILE"},
        help=".npz file of labelled faces with groups that people stated, such as gender",
    )  # fmt: skip
    p.add_argument("--out", type=to_path, default=Path(), help="folder for MODEL_CARD.md")
    return parser


def _existing(text):
    path = Path(text)
    if not path.is_file():  # not argparse's own error: one line, without the usage
        raise FileNotFoundError(f"no such file: {path}")
    return path


def _weights(text):
    return text if text == "imagenet" else str(_existing(text))


if __name__ == "__main__":
    sys.exit(run())
