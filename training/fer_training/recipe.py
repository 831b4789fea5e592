# SPDX-License-Identifier: Apache-2.0
"""A recipe: everything that decides a training run, in one small TOML file."""

import json
import sys
from dataclasses import dataclass, field, fields, replace
from math import inf, isfinite
from pathlib import Path
from typing import Any

from fer_ros.lines import LineError
from fer_ros.runtime.settings_files import SettingsError, load, parsed
from fer_training.augment import Augmentation

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

FOLDER = Path(__file__).parent / "recipes"
CHOICES = {
    "network": ("mobilenet_v2", "resnet", "vgg", "contrast", "face_resnet"),
    "attention": ("none", "eca"),
    "scaling": ("unit", "imagenet"),
    "optimizer": ("adam", "adamw"),
    "precision": ("float32", "mixed_bfloat16"),
    "shipped": ("", "emotion_mobilenet_v2", "emotion_mobilenet_v2_small"),
}
LIMITS = {
    "input_size": (32, 1024),  # below, MobileNetV2 has nothing left to look at
    "batch_norm_momentum": (0, 1),
    "dropout": (0, 1),
    "epochs": (1, inf),
    "batch_size": (1, inf),
    "learning_rate": (0, inf),
    "weight_decay": (0, inf),
    "cosine_epochs": (0, inf),
    "warmup_epochs": (0, inf),
    "label_smoothing": (0, 1),
    "votes": (0, 1),
    "doubt": (0, inf),
    "logit_adjustment": (0, 2),
    "others": (0, 10),
    "teacher": (0, 1),
    "mixup": (0, inf),
    "balance": (0, inf),
    "average": (0, 0.9999),
    "keep": (0, 1),
    "held_out": (0, 0.5),
    "unlabelled": (0, inf),
    "rows": (0, inf),
    "seed": (0, 2**32 - 1),
}


class RecipeError(LineError, ValueError):
    """The recipe is missing or wrong; the message is one line."""


@dataclass(frozen=True)
class Recipe:
    """The settings of one run.

    ``learning_rate`` falls along a cosine to zero when ``cosine`` is set, after a linear rise over
    ``warmup_epochs``, at most half of it all; the cosine is ``cosine_epochs`` long where that is
    not 0, so that its end can be left to a next round. ``deduplicate`` drops Training rows that
    repeat or that stand in the validation split; ``rows`` keeps that many of them, drawn by
    ``seed`` (0: all). ``votes`` and ``teacher``, 0 to 1, are the shares of the target that FER+'s
    annotators and a model trained before have (Hinton et al., 2015, arXiv:1503.02531); the label
    has the rest. Of that rest a label keeps its share of the votes, over the majority's, to the
    power of ``doubt``; what it loses the votes get (0: it keeps all). ``logit_adjustment`` is tau:
    while it learns, the network is told the frequencies of the classes in what it is to learn, to
    the power of tau, so that its own logits do not hold them (Menon et al., 2021, arXiv:2007.07314;
    0: no such thing, 1: each class as likely as any other). ``others`` is how many labelled faces
    of other origins (``--others``) are shown for each one of FER-2013, each origin as often as any
    other. What the teacher says is of the plain face, or with ``consistent_teacher`` of the varied
    picture itself (Beyer et al., 2022, arXiv:2106.05237); with ``mirrored_teacher`` the mean of
    that and of what it says of its mirror image. ``mixup`` is the alpha by which faces are mixed
    (Zhang et al., 2018, arXiv:1710.09412), 0: not at all. A class that is n times rarer than the
    mean weighs n to the power of ``balance``. ``network`` is ``mobilenet_v2`` or one of
    ``networks.NETWORKS``, which see 48x48 as it is; ``attention`` is that of ``model.backbone``;
    ``precision`` is what it is trained in, by Keras' names; what a run leaves is float32.
    ``average``, 0 to 1, is the momentum of a moving average of the weights, a step at a time, that
    takes their place at the end (Izmailov et al., 2018, arXiv:1803.05407; 0: none). ``keep`` is the
    share that the weights of the start have in what the run of all phases leaves (Wortsman et al.,
    2022, arXiv:2109.01903). ``held_out`` is the share of Training that is kept aside to judge by,
    with whatever is nearly equal to it (``near.hold_out``); 0: PublicTest judges. ``unlabelled`` is
    what a face without a label weighs beside one with (``--unlabelled``), of which the teachers'
    answers are learnt alone. ``phases`` follow one another, each a recipe of its own that goes on
    from the one before: what a ``[[phase]]`` table does not say holds from the recipe's head.
    ``start`` is the recipe of the model to go on from, ``teachers`` are those of models to learn
    from, made on the way where they are not there yet; ``shipped`` is a model that comes with
    fer_ros, to go on from in place of a ``start``.
    """

    name: str
    description: str = ""
    network: str = "mobilenet_v2"
    attention: str = "none"
    input_size: int = 224
    scaling: str = "unit"
    precision: str = "float32"
    pretrained: bool = True
    batch_norm_momentum: float = 0.999
    dropout: float = 0.0
    epochs: int = 25
    batch_size: int = 32
    optimizer: str = "adam"
    learning_rate: float = 1e-3
    weight_decay: float = 0.0
    cosine: bool = False
    cosine_epochs: int = 0
    warmup_epochs: float = 0.0
    label_smoothing: float = 0.0
    votes: float = 0.0
    doubt: float = 0.0
    logit_adjustment: float = 0.0
    others: float = 0.0
    teacher: float = 0.0
    consistent_teacher: bool = False
    mirrored_teacher: bool = False
    mixup: float = 0.0
    balance: float = 0.0
    deduplicate: bool = False
    average: float = 0.0
    keep: float = 0.0
    held_out: float = 0.0
    unlabelled: float = 0.0
    shipped: str = ""
    rows: int = 0
    seed: int = 0
    augment: Augmentation = field(default_factory=Augmentation)
    phases: tuple["Recipe", ...] = ()
    start: "Recipe | None" = None
    teachers: tuple["Recipe", ...] = ()

    def __post_init__(self):
        for name, choices in CHOICES.items():
            if (value := getattr(self, name)) not in choices:
                raise self._error(f"{name} = {value!r}: expected one of {', '.join(choices)}")
        for name, (least, most) in LIMITS.items():
            value = getattr(self, name)
            if not (least <= value <= most and isfinite(value)):
                wanted = f"from {least} to {most}" if most < inf else f"{least} or more"
                raise self._error(f"{name} = {value!r} is not {wanted}")
        votes, teacher = self.votes, self.teacher
        if votes + teacher > 1:
            raise self._error(f"{votes = } and {teacher = } are not shares of 1")
        if self.attention != "none" and self.network != "mobilenet_v2":
            raise self._error(f"attention is only for mobilenet_v2, not for {self.network}")

    def _error(self, why):
        return RecipeError(f"the recipe {self.name!r}: {why}")


def available() -> list[str]:
    """Names of the recipes that come with the package."""
    return sorted(p.stem for p in FOLDER.glob("*.toml"))


def load_recipe(name_or_path: str, *, within: tuple[str, ...] = (), **overrides) -> Recipe:
    """Read a recipe by name or path; ``overrides`` that are not None replace its settings, those
    of its phases and those of the recipes it stands on.

    Raises RecipeError for a missing file, wrong TOML, a setting or value that does not exist, or a
    recipe that stands on itself; ``within`` are those that stand on this one.
    """
    path = Path(name_or_path)
    if path.suffix != ".toml":
        path = FOLDER / f"{name_or_path}.toml"
    try:
        settings = load(path, tomllib.loads)
    except OSError:
        raise RecipeError(
            f"unknown recipe {name_or_path!r}: give a .toml file or one of {', '.join(available())}"
        ) from None
    except SettingsError as error:
        raise RecipeError(f"{path}: {error}") from None
    overrides = {k: v for k, v in overrides.items() if v is not None}
    start, teachers = settings.pop("start", ""), settings.pop("teachers", [])
    recipe = _made(path, {"name": path.stem} | settings, overrides)
    if not isinstance(teachers, list) or path.stem in teachers:
        raise RecipeError(f"{path}: teachers = {teachers!r} is not a list of other recipes")
    if not isinstance(start, str) or start == path.stem:
        raise RecipeError(f"{path}: start = {start!r} is not another recipe")
    if path.stem in within:
        raise RecipeError(f"{path}: depends on itself: {' -> '.join((*within, path.stem))}")
    below = {"within": (*within, path.stem), **overrides}
    return replace(
        recipe,
        start=load_recipe(start, **below) if start else None,
        teachers=tuple(load_recipe(str(t), **below) for t in teachers),
    )


def as_toml(recipe: Recipe) -> str:
    """A recipe file that ``load_recipe`` makes ``recipe`` of, but for its name."""
    names = [teacher.name for teacher in recipe.teachers]
    lines = _differing(recipe, Recipe(""))
    if recipe.start:
        lines.append(f"start = {json.dumps(recipe.start.name)}")
    if names:
        lines.append(f"teachers = {json.dumps(names)}")
    lines += ["", "[augment]", *_differing(recipe.augment, Augmentation())]
    for phase in recipe.phases:
        lines += ["", "[[phase]]", *_differing(phase, recipe)]
        if varied := _differing(phase.augment, recipe.augment):
            lines += ["", "[phase.augment]", *varied]
    return "\n".join(lines) + "\n"


def _differing(own, from_) -> list[str]:
    """A line for each plain setting of ``own`` that is another in ``from_``."""
    return [
        f"{name} = {json.dumps(value)}"
        for name, value in vars(own).items()
        if isinstance(value, bool | int | float | str)
        and name != "name"
        and value != getattr(from_, name)
    ]


def settings_of(line: str) -> dict[str, Any]:
    """The settings in a text like ``attention = "none"``; RecipeError where it is no TOML."""
    try:
        return parsed(line, tomllib.loads)
    except SettingsError as error:
        raise RecipeError(f"{line!r} is not a line of a recipe: {error}") from None


def recipe_of_run(folder: Path) -> Recipe | None:
    """The recipe of the run in ``folder``; None where there is no run.

    A setting that is younger than the run has its default. Raises RecipeError for a damaged file.
    """
    path = folder / "recipe.json"
    try:
        settings = load(path, json.loads)
    except FileNotFoundError:
        return None
    except (OSError, SettingsError) as error:
        raise RecipeError(f"{path}: {error}") from None
    if not isinstance(settings, dict):
        raise RecipeError(f"{path}: not a run's recipe")
    return _made(path, settings)


def learnt_from(folder: Path) -> dict[str, Any]:
    """What the run in ``folder`` learnt from beside labels, by its result.json: ``teachers``, their
    names, and ``unlabelled``, the number of such faces; empty where it does not say.
    """
    path = folder / "result.json"
    try:
        result = load(path, json.loads)
    except FileNotFoundError:
        return {}
    except (OSError, SettingsError) as error:
        raise RecipeError(f"{path}: {error}") from None
    return result.get("learnt_from", {}) if isinstance(result, dict) else {}


def _made(path, settings, overrides=None):
    overrides = overrides or {}
    augment = settings.pop("augment", {})
    phases = settings.pop("phase", [])
    if not isinstance(augment, dict):
        raise RecipeError(f"{path}: augment = {augment!r} is not a table")
    if not isinstance(phases, list) or not all(isinstance(phase, dict) for phase in phases):
        raise RecipeError(f"{path}: phase = {phases!r} is not a list of tables")
    for of_others in ("phases", "start", "teachers"):  # each has a folder of its own, in a run
        settings.pop(of_others, None)
    settings |= overrides
    _check(path, settings, Recipe)
    _check(path, augment, Augmentation)
    recipe = Recipe(**settings, augment=Augmentation(**augment))
    for number, phase in enumerate(phases, 1):
        own = settings | {"name": f"{recipe.name}_{number}"} | phase
        varied = phase.get("augment", {})
        own["augment"] = augment | varied if isinstance(varied, dict) else varied
        recipe = replace(recipe, phases=(*recipe.phases, _made(path, own, overrides)))
    return recipe


def _check(path, settings, kind):
    known: dict[str, Any] = {f.name: f.type for f in fields(kind)}
    for name, value in settings.items():
        if name not in known:
            raise RecipeError(f"{path}: no setting {name!r}; there are: {', '.join(known)}")
        wanted = (int, float) if known[name] is float else known[name]
        if not isinstance(value, wanted) or isinstance(value, bool) != (known[name] is bool):
            raise RecipeError(f"{path}: {name} = {value!r} is not {known[name].__name__}")
