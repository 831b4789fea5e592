# SPDX-License-Identifier: Apache-2.0
"""The pictures of the training package, each drawn from figures alone, as PNG."""

from pathlib import Path

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from fer_ros.emotions.classes import EMOTIONS

INK, SECOND, FAINT = "#0072b2", "#d55e00", "#bbbbbb"  # Okabe and Ito: told apart by everyone


def curves(epochs: list[dict], path: Path) -> None:
    """Accuracy and loss over the epochs of a log.csv, Training and PublicTest."""
    figure, axes = _figure(9, 3.6, 1, 2)
    number = [int(e["epoch"]) + 1 for e in epochs]
    for axis, name in zip(axes, ("accuracy", "loss"), strict=True):
        columns = (name, "Training", INK), (f"val_{name}", "PublicTest", SECOND)
        for column, label, colour in columns:
            axis.plot(number, [float(e[column]) for e in epochs], ".-", color=colour, label=label)
        axis.set(xlabel="epoch", title=name)
        axis.xaxis.set_major_locator(MaxNLocator(integer=True))
        axis.legend(frameon=False)
    figure.savefig(path, dpi=120)


def classes(counts: dict[str, dict[str, int]], path: Path) -> None:
    """How many faces of each class there are in each split."""
    figure, axes = _figure(8, 4)
    width = 0.8 / len(counts)
    for i, (usage, count) in enumerate(counts.items()):
        places = np.arange(len(EMOTIONS)) + (i - (len(counts) - 1) / 2) * width
        colour = (INK, SECOND, FAINT)[i]
        bars = axes.bar(places, list(count.values()), width, label=usage, color=colour)
        axes.bar_label(bars, fmt="{:,.0f}", fontsize=8)
    axes.set_xticks(range(len(EMOTIONS)), EMOTIONS)
    axes.set_ylabel("faces")
    axes.legend(frameon=False)
    figure.savefig(path, dpi=120)


def confusion(counts: list[list[int]], path: Path) -> None:
    """Confusion matrix, true class by row, coloured by the share of the row."""
    table = np.array(counts)
    shares = table / np.maximum(table.sum(axis=1, keepdims=True), 1)
    figure, axes = _figure(6.4, 5.6)
    axes.imshow(shares, cmap="Blues", vmin=0, vmax=1)
    for (row, column), count in np.ndenumerate(table):
        colour = "white" if shares[row, column] > 0.5 else "black"
        text = f"{shares[row, column]:.0%}\n{count}"
        axes.text(column, row, text, ha="center", va="center", fontsize=8, color=colour)
    axes.set_xticks(range(len(EMOTIONS)), EMOTIONS, rotation=45, ha="right")
    axes.set_yticks(range(len(EMOTIONS)), EMOTIONS)
    axes.set(xlabel="predicted", ylabel="label in the data set")
    axes.spines[:].set_visible(False)
    figure.savefig(path, dpi=120)


def reliability(bins: list[dict], ece: float, path: Path) -> None:
    """Accuracy against confidence in bins of confidence; the diagonal is a calibrated model."""
    figure, axes = _figure(5.2, 4.6)
    confidence = [b["confidence"] for b in bins]
    axes.plot([0, 1], [0, 1], "--", color=FAINT)
    axes.plot(confidence, [b["accuracy"] for b in bins], ".-", color=INK, label="accuracy")
    largest = max(b["n"] for b in bins)
    shares = [0.25 * b["n"] / largest for b in bins]
    axes.bar(confidence, shares, 0.04, color=FAINT, label="faces (share)")
    axes.set(xlim=(0, 1), ylim=(0, 1), xlabel="confidence", ylabel="accuracy")
    axes.set_title(f"calibration error {ece:.3f}")
    axes.legend(frameon=False, loc="upper left")
    figure.savefig(path, dpi=120)


def risk_coverage(curve: list[dict], threshold: float, path: Path) -> None:
    """Share of wrong labels among the named faces, against the share of faces named."""
    figure, axes = _figure(5.2, 4.6)
    coverage = [p["coverage"] for p in curve]
    axes.plot(coverage, [p["risk"] for p in curve], color=INK)
    chosen = min(curve, key=lambda p: abs(p["threshold"] - threshold))
    axes.plot(chosen["coverage"], chosen["risk"], "o", color=SECOND)
    axes.annotate(
        f"uncertain below {threshold:.2f}:\n{chosen['coverage']:.0%} named, "
        f"{1 - chosen['risk']:.0%} of them right",
        (chosen["coverage"], chosen["risk"]),
        (0.08, 0.8),
        textcoords="axes fraction",
        arrowprops={"arrowstyle": "-", "color": FAINT},
    )
    axes.set(xlim=(0, 1), ylim=(0, None), xlabel="faces named", ylabel="of them wrong")
    figure.savefig(path, dpi=120)


def robustness(conditions: dict[str, dict[str, float]], clean: float, path: Path) -> None:
    """Accuracy under each disturbance, a small chart for each kind of it."""
    columns = 5
    rows = -(-len(conditions) // columns)
    figure, axes = _figure(12, 2.5 * rows, rows, columns)
    for axis in axes.flat[len(conditions) :]:
        axis.set_visible(False)
    for axis, (kind, levels) in zip(axes.flat, conditions.items(), strict=False):
        axis.axhline(clean, ls="--", color=FAINT)
        axis.bar(list(levels), list(levels.values()), color=INK)
        axis.set(title=kind, ylim=(0, 0.8))
        axis.yaxis.set_major_formatter(lambda value, _: f"{value:.0%}")
        axis.tick_params(axis="x", labelrotation=30)
    figure.savefig(path, dpi=110)


def errors(sides: dict[str, int], path: Path) -> None:
    """Whom the annotators are with, of a model's errors by the labels."""
    figure, axes = _figure(7, 1.5)
    total, begun = sum(sides.values()), 0
    for (name, count), colour in zip(sides.items(), (INK, SECOND, FAINT), strict=True):
        axes.barh(0, count, left=begun, color=colour)
        axes.text(
            begun + count / 2, 0, f"{name}\n{count / total:.0%}", ha="center", va="center",
            color="black" if colour == FAINT else "white",
        )  # fmt: skip
        begun += count
    axes.set_yticks([])
    axes.spines["left"].set_visible(False)
    axes.set_xlabel(f"{total:,} errors by the labels of FER-2013: ten annotators are with ...")
    figure.savefig(path, dpi=120)


def tuning_history(trials: list[dict], as_it_is: float | None, path: Path) -> None:
    """Accuracy of each trial of tuning.json that came to its end, and the best so far."""
    figure, axes = _figure(7, 4)
    ended = [t for t in trials if t["accuracy"] is not None]
    number, accuracy = [t["number"] for t in ended], [t["accuracy"] for t in ended]
    cut = [t for t in trials if t["state"] == "pruned"]
    axes.plot(number, accuracy, "o", color=INK, label="trial")
    last = [t["epochs"][-1] for t in cut]
    axes.plot([t["number"] for t in cut], last, "x", color=FAINT, label="cut short")
    axes.step(number, np.maximum.accumulate(accuracy), where="post", color=SECOND, label="best")
    if as_it_is is not None:
        axes.axhline(as_it_is, ls="--", color=FAINT, label="the recipe as it is")
    axes.set(xlabel="trial", ylabel="accuracy, held out of Training")
    axes.yaxis.set_major_formatter(lambda value, _: f"{value:.0%}")
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.legend(frameon=False, ncols=4, loc="lower center", bbox_to_anchor=(0.5, 1.0))
    figure.savefig(path, dpi=120)


def importance(shares: dict[str, float], path: Path) -> None:
    """How much of the spread of accuracy each setting explains."""
    figure, axes = _figure(6, 0.8 + 0.4 * len(shares))
    names = [name.replace("_", " ") for name in shares]
    bars = axes.barh(names, list(shares.values()), color=INK)
    axes.bar_label(bars, fmt=lambda share: f" {share:.0%}")
    axes.invert_yaxis()
    axes.set_xlabel("share of the spread in accuracy")
    axes.xaxis.set_major_formatter(lambda value, _: f"{value:.0%}")
    figure.savefig(path, dpi=120)


def _figure(width, height, rows=1, columns=1):
    figure = Figure(figsize=(width, height), layout="constrained")
    axes = figure.subplots(rows, columns)
    for axis in np.atleast_1d(axes).flat:
        axis.spines[["top", "right"]].set_visible(False)
    return figure, axes
