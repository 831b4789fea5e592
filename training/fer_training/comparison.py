# SPDX-License-Identifier: Apache-2.0
"""Whether one recipe is better than another, beyond what the seed makes of it."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from scipy import stats

from fer_training.dataset import Faces
from fer_training.recipe import Recipe
from fer_training.train import train


def compare(
    variants: Mapping[str, Sequence[Recipe]],
    training: Faces,
    validation: Faces,
    out: Path,
    *,
    imagenet: str = "imagenet",
) -> dict:
    """Train two variants, by name the recipes of each that differ in their seed alone; what is
    finished in ``out`` already is taken from there.

    Returns by name, and by figure of ``train.measure``, the values in the order of the seeds.
    """
    found: dict[str, dict] = {name: {} for name in variants}
    for pair in zip(*variants.values(), strict=True):  # in turns: half of it is a comparison too
        for number, (name, recipe) in enumerate(zip(variants, pair, strict=True), 1):
            run = out / f"{number}_seed_{recipe.seed}"
            result = train(recipe, training, validation, run, imagenet=imagenet)
            for key, value in result.items():
                found[name].setdefault(key, []).append(value)
    return found


def render(found: dict) -> str:
    """Each variant's figures as mean and standard deviation over the seeds, and the difference of
    the first from the second, seed by seed, with its 95 % interval (Student's t).
    """
    width = max(map(len, [*found, "difference, in points"]))
    lines = [f"{'':{width}}  seeds  accuracy on others    macro-F1              on its own rows"]
    for name, figures in found.items():
        cells = [_spread(figures["accuracy"], ".2%"), _spread(figures["macro_f1"], ".4f"),
                 _spread(figures["training_accuracy"], ".2%")]  # fmt: skip
        lines.append(f"{name:{width}}  {len(figures['accuracy']):5}  {'    '.join(cells)}")
    first, second = (np.array(figures["accuracy"]) * 100 for figures in found.values())
    gain = first - second
    if len(gain) > 1:
        reach = stats.t.ppf(0.975, len(gain) - 1) * stats.sem(gain)
        verdict = "beyond the noise" if abs(gain.mean()) > reach else "within the noise"
        lines.append(
            f"{'difference, in points':{width}}  {len(gain):5}  {gain.mean():+.2f} "
            f"({gain.mean() - reach:+.2f} to {gain.mean() + reach:+.2f}): {verdict}"
        )
    return "\n".join(lines)


def _spread(values, form) -> str:
    deviation = f" +- {np.std(values, ddof=1):6{form}}" if len(values) > 1 else " " * 10
    return f"{np.mean(values):7{form}}{deviation}"
