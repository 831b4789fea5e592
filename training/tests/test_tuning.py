# SPDX-License-Identifier: Apache-2.0
"""A search for better settings: stopped, gone on with, shared; and the recipe that it writes."""

import json
import sys
from dataclasses import asdict, replace

import pytest
from conftest import make_faces, write_csv
from fer_training import tuning
from fer_training.augment import Augmentation
from fer_training.cli import main
from fer_training.recipe import RecipeError, as_toml, available, load_recipe

optuna = pytest.importorskip("optuna")

RECIPE = """
network = "vgg"
pretrained = false
learning_rate = 1e-3
batch_size = 32
dropout = 0.2
held_out = 0.3
deduplicate = true
[augment]
shift = 0.1
erase = 0.4
[[phase]]
epochs = 5
[[phase]]
epochs = 2
learning_rate = 2e-4
"""
CHOICE = {"learning_rate": 2e-3, "dropout": 0.3, "batch_size": 64, "geometry": 0.5, "erase": 3.0}


@pytest.fixture
def command(tmp_path):
    csv = write_csv(
        tmp_path / "fer2013.csv",
        make_faces(84, "Training", seed=1),
        make_faces(14, "PublicTest", seed=2),
    )
    (tmp_path / "mine.toml").write_text(RECIPE)
    return [
        *("tune", "--recipe", str(tmp_path / "mine.toml"), "--csv", str(csv)),
        *("--epochs", "1", "--rows", "32", "--out", str(tmp_path / "tune")),
    ]


def states(folder):
    return [t["state"] for t in json.loads((folder / "tuning.json").read_text())["trials"]]


@pytest.mark.usefixtures("eager")
def test_goes_on_where_it_was_stopped_and_writes_what_it_found(
    command, tmp_path, monkeypatch, capsys
):
    out = tmp_path / "tune"
    ready, begun = tuning.ready, []

    def stopping(*arguments):
        begun.append(arguments)
        if len(begun) == 3:
            raise KeyboardInterrupt
        return ready(*arguments)

    monkeypatch.setattr(tuning, "ready", stopping)
    assert main([*command, "--trials", "4"]) == 130
    assert "the same command goes on from here" in capsys.readouterr().err
    assert main([*command, "--trials", "4"]) == 0
    assert len(begun) == 5, "what had come to its end was not tried again"
    assert "4 trials, 0 of them cut short" in capsys.readouterr().out
    assert sorted(states(out)) == [*["complete"] * 4, "fail"]
    found = json.loads((out / "tuning.json").read_text())
    own = {"learning_rate": 1e-3, "dropout": 0.2, "batch_size": 32, "geometry": 1.0, "erase": 1.0}
    assert found["trials"][0]["settings"] == own, "nothing of light is in the recipe"
    assert found["as it is"] == found["trials"][0]["accuracy"]
    assert found["best"]["accuracy"] == max(t["accuracy"] or 0 for t in found["trials"])
    assert all((out / f"{p}.png").stat().st_size > 5000 for p in ("history", "importance"))
    tuned = load_recipe(str(out / "mine_tuned.toml"))
    assert tuned.dropout == pytest.approx(found["best"]["settings"]["dropout"], abs=1e-3)
    assert [p.epochs for p in tuned.phases] == [5, 2]


@pytest.mark.usefixtures("eager")
def test_two_searches_share_one_storage(command, tmp_path, capsys):
    url = f"sqlite:///{tmp_path / 'shared.db'}"
    for trials, folder in (("1", "one"), ("2", "two"), ("2", "three")):
        words = [*command, "--storage", url, "--trials", trials]
        assert main([*words[:-5], str(tmp_path / folder), *words[-4:]]) == 0
    assert states(tmp_path / "two") == states(tmp_path / "three") == ["complete"] * 2
    assert "trial 2" not in capsys.readouterr().out.split("next:")[2], "there were enough"
    assert main([*command, "--storage", "nowhere://x"]) == 1
    assert capsys.readouterr().err.startswith("fer-training: --storage nowhere://x: ")


def test_a_trial_that_falls_behind_is_cut_short():
    study = optuna.create_study(
        direction="maximize", pruner=optuna.pruners.MedianPruner(n_startup_trials=1)
    )

    def run(trial, accuracy):
        callback = tuning.Pruning(trial)
        callback.set_params({"epochs": 2})
        callback.on_epoch_end(0, {"val_accuracy": accuracy})
        return accuracy

    study.optimize(lambda trial: run(trial, 0.6), n_trials=2)
    study.optimize(lambda trial: run(trial, 0.2), n_trials=1)
    assert [t.state.name for t in study.trials] == ["COMPLETE", "COMPLETE", "PRUNED"]


def test_a_choice_changes_each_phase_alike(tmp_path):
    (tmp_path / "mine.toml").write_text(RECIPE)
    changed = tuning.applied(load_recipe(str(tmp_path / "mine.toml")), CHOICE)
    assert [p.learning_rate for p in changed.phases] == [2e-3, 4e-4]
    for own in (changed, *changed.phases):
        assert (own.dropout, own.batch_size) == (0.3, 64)
        assert own.augment == Augmentation(shift=0.05, erase=1.0)  # a probability is no more than 1


@pytest.mark.parametrize("name", available())
def test_a_written_recipe_is_the_recipe(tmp_path, name):
    recipe = load_recipe(name)
    (tmp_path / f"{name}.toml").write_text(as_toml(recipe))
    assert asdict(load_recipe(str(tmp_path / f"{name}.toml"))) == asdict(recipe)


def test_wants_the_votes_that_the_recipe_learns_from(tmp_path, training, validation):
    recipe = replace(load_recipe("teacher_vgg"), votes=0.3)
    with pytest.raises(RecipeError, match="--votes"):
        tuning.tune(recipe, training, validation, tmp_path, trials=1, epochs=1)


@pytest.mark.parametrize("name", ["--epochs", "--rows"])
def test_a_number_out_of_its_limits(command, name, tmp_path, capsys):
    assert main([*command, name, "-1"]) == 1
    (said,) = capsys.readouterr().err.splitlines()
    assert "-1" in said
    assert not (tmp_path / "tune").exists()


def test_says_how_to_install_optuna(command, monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "optuna", None)
    assert main(command) == 1
    assert "tune needs Optuna: pip install" in capsys.readouterr().err
