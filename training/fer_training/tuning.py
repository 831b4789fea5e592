# SPDX-License-Identifier: Apache-2.0
"""Better settings for a recipe, looked for in many short trials with Optuna (Akiba et al., 2019,
doi:10.1145/3292500.3330701).

Every trial is in the storage as soon as it ends: a search goes on where it was stopped, and several
processes can share one.
"""

import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import keras
import numpy as np

from fer_training import plots
from fer_training.augment import Augmentation
from fer_training.batches import Batches
from fer_training.callbacks import FollowEpoch, Progress
from fer_training.dataset import Faces
from fer_training.near import parts
from fer_training.preparation import judged_by, ready
from fer_training.recipe import Recipe, RecipeError, as_toml

HELD_OUT = 0.1
"""Of Training, to judge by, where the recipe holds out less."""
STRENGTHS = {
    "geometry": ("shift", "rotation", "zoom"),
    "light": ("light", "contrast", "blur", "noise"),
    "erase": ("erase",),
}
"""What is made stronger or weaker together, as a factor on the recipe's own amounts."""
UNBOUNDED = ("rotation", "light")
"""The amounts that are no share of one."""


def tune(
    recipe: Recipe,
    training: Faces,
    validation: Faces,
    out: Path,
    *,
    trials: int,
    epochs: int,
    rows: int | None = None,
    storage: str | None = None,
    imagenet: str = "imagenet",
) -> dict:
    """Search until ``trials`` have come to their end or been cut short, by whatever process; write
    NAME_tuned.toml, history.png, importance.png and tuning.json into ``out``.

    A trial learns for ``epochs`` from ``rows`` of ``training`` (a third if None) by the recipe's
    first phase, from labels and votes alone, and is worth its accuracy on the part held out. What
    stands in ``validation`` is left out where the recipe wants that, and else not looked at.
    ``storage`` is an SQLAlchemy URL; None: out/journal.log. Returns what is in tuning.json.

    Raises RecipeError without Optuna, without votes that the recipe wants, for a number that is out
    of its limits, or for a storage that cannot be used.
    """
    try:
        import optuna
        from optuna.trial import TrialState
    except ImportError:
        line = 'tune needs Optuna: pip install "training[tune]", in the folder that holds training/'
        raise RecipeError(line) from None
    if recipe.votes and training.votes is None:
        raise RecipeError(f"the recipe {recipe.name!r} learns from FER+'s votes: give --votes FILE")
    first = recipe.phases[0] if recipe.phases else recipe
    short = replace(
        first,
        epochs=epochs,
        rows=rows or len(training) // 3,
        held_out=max(recipe.held_out, HELD_OUT),
        teacher=0.0,
        unlabelled=0.0,
        average=0.0,
    )
    learnt, judges = parts(training, validation, short)
    draw = np.random.default_rng(short.seed).permutation(len(learnt))
    learnt = learnt.select(np.sort(draw[: short.rows]))
    out.mkdir(parents=True, exist_ok=True)

    optuna.logging.set_verbosity(optuna.logging.WARNING)
    study = optuna.create_study(
        storage=_storage(storage, out),
        # Another budget is another search: its trials are not comparable.
        study_name=f"{recipe.name}, {short.input_size} px, {epochs} epochs, {len(learnt)} rows",
        direction="maximize",
        sampler=optuna.samplers.TPESampler(multivariate=True),
        pruner=optuna.pruners.MedianPruner(n_startup_trials=5, n_warmup_steps=1),
        load_if_exists=True,
    )
    ended = (TrialState.COMPLETE, TrialState.PRUNED)
    begun = study.get_trials(states=(*ended, TrialState.RUNNING))
    if (own := _as_it_is(short)) not in [t.params for t in begun]:
        study.enqueue_trial(own)

    def objective(trial):
        tried = applied(short, _choice(trial, short))
        keras.utils.clear_session()
        keras.utils.set_random_seed(tried.seed)
        batches = Batches(learnt, tried)
        model = ready(tried, len(batches), imagenet)
        progress = Progress(f"trial {trial.number + 1}", tried.epochs, len(batches))
        try:
            model.fit(
                batches,
                epochs=tried.epochs,
                shuffle=False,
                verbose=0,
                validation_data=judged_by(judges),
                validation_batch_size=128,
                callbacks=[FollowEpoch(batches), progress, Pruning(trial)],
            )
        finally:
            progress.on_train_end()
        return model.history.history["val_accuracy"][-1]

    if len(study.get_trials(states=ended)) < trials:
        stop = optuna.study.MaxTrialsCallback(trials, states=ended)
        study.optimize(objective, callbacks=[_tell, stop])
    return _write(study, recipe, own, out)


class Pruning(keras.callbacks.Callback):
    """Tells Optuna how each epoch went, and ends a trial that falls behind."""

    def __init__(self, trial):
        super().__init__()
        self.trial = trial

    def on_epoch_end(self, epoch, logs=None):
        import optuna

        self.trial.report(logs["val_accuracy"], epoch)
        if epoch + 1 < self.params["epochs"] and self.trial.should_prune():
            raise optuna.TrialPruned


def applied(recipe: Recipe, choice: Mapping[str, Any]) -> Recipe:
    """``recipe`` and its phases with what a trial chose: each phase's rate by the same factor."""
    first = recipe.phases[0] if recipe.phases else recipe
    factor = choice["learning_rate"] / first.learning_rate

    def changed(own):
        return replace(
            own,
            learning_rate=_three_digits(own.learning_rate * factor),
            dropout=_three_digits(choice["dropout"]),
            batch_size=choice["batch_size"],
            augment=_scaled(own.augment, choice),
            phases=tuple(map(changed, own.phases)),
        )

    return changed(recipe)


def _scaled(augment: Augmentation, choice) -> Augmentation:
    amounts = {}
    for kind, names in STRENGTHS.items():
        for name in names:
            amount = _three_digits(getattr(augment, name) * choice.get(kind, 1.0))
            amounts[name] = amount if name in UNBOUNDED else min(amount, 1.0)
    return replace(augment, **amounts)


def _as_it_is(recipe) -> dict[str, Any]:
    own = {k: getattr(recipe, k) for k in ("learning_rate", "dropout", "batch_size")}
    return own | dict.fromkeys(_strengths(recipe), 1.0)


def _choice(trial, recipe) -> dict[str, Any]:
    rate, sizes = recipe.learning_rate, sorted({32, 64, 128, recipe.batch_size})
    return {
        "learning_rate": trial.suggest_float("learning_rate", rate / 5, rate * 5, log=True),
        "dropout": trial.suggest_float("dropout", 0.0, max(0.5, recipe.dropout)),
        "batch_size": trial.suggest_categorical("batch_size", sizes),
        **{k: trial.suggest_float(k, 0.0, 2.0) for k in _strengths(recipe)},
    }


def _strengths(recipe) -> list[str]:
    """Those of ``STRENGTHS`` that the recipe has anything of."""
    return [k for k, names in STRENGTHS.items() if any(getattr(recipe.augment, n) for n in names)]


def _storage(url, out):
    import optuna
    from optuna.storages.journal import JournalFileBackend

    if url is None:
        return optuna.storages.JournalStorage(JournalFileBackend(str(out / "journal.log")))
    try:
        return optuna.storages.get_storage(url)
    except Exception as error:  # SQLAlchemy's, a driver's, a server's
        raise RecipeError(f"--storage {url}: {str(error).splitlines()[0]}") from None


def _tell(study, trial):
    """A line for each trial that ended."""
    settings = ", ".join(f"{k} {v:.3g}" for k, v in trial.params.items())
    value = trial.value if trial.value is not None else max(trial.intermediate_values.values())
    cut = "cut short" if trial.state.name == "PRUNED" else f"best {study.best_value:.2%}"
    print(f"trial {trial.number + 1}: {value:.2%} ({cut}): {settings}", flush=True)


def _write(study, recipe, own, out) -> dict:
    trials = [
        {
            "number": t.number + 1,
            "state": t.state.name.lower(),
            "accuracy": t.value if t.state.name == "COMPLETE" else None,
            "epochs": list(t.intermediate_values.values()),
            "settings": t.params,
        }
        for t in study.get_trials()
        if t.state.is_finished()
    ]
    best = study.best_trial
    path = out / f"{recipe.name}_tuned.toml"
    as_it_is = next((t["accuracy"] for t in trials if t["settings"] == own), None)
    text = f"# The best of {len(trials)} trials ({study.study_name}): {best.value:.2%} held out"
    path.write_text(f"{text}\n{as_toml(applied(recipe, best.params))}", "utf-8")
    found = {
        "study": study.study_name,
        "recipe": str(path),
        "best": {"accuracy": best.value, "settings": best.params},
        "as it is": as_it_is,
        "importance": _importance(study),
        "trials": trials,
    }
    (out / "tuning.json").write_text(json.dumps(found, indent=2) + "\n")
    plots.tuning_history(trials, as_it_is, out / "history.png")
    if found["importance"]:
        plots.importance(found["importance"], out / "importance.png")
    return found


def _importance(study) -> dict[str, float]:
    """How much of the spread of accuracy each setting explains (fANOVA: Hutter et al., 2014); empty
    where too few trials came to their end to say.
    """
    from optuna.importance import FanovaImportanceEvaluator, get_param_importances

    try:
        return get_param_importances(study, evaluator=FanovaImportanceEvaluator(seed=0))
    except (RuntimeError, ValueError):
        return {}


def render(found: dict) -> str:
    """What was found, for a terminal."""
    ended = [t for t in found["trials"] if t["state"] != "fail"]
    cut = sum(t["state"] == "pruned" for t in ended)
    best = found["best"]
    lines = [
        f"{found['study']}: {len(ended)} trials, {cut} of them cut short",
        f"as it is  {found['as it is'] or float('nan'):.2%}",
        f"best      {best['accuracy']:.2%}: "
        + ", ".join(f"{k} {v:.3g}" for k, v in best["settings"].items()),
    ]
    lines += [f"  {share:4.0%} of the spread by {k}" for k, share in found["importance"].items()]
    return "\n".join([*lines, f"next: fer-training train --recipe {found['recipe']}"])


def _three_digits(value: float) -> float:
    return float(f"{value:.3g}")
