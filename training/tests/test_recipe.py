# SPDX-License-Identifier: Apache-2.0
import re

import numpy as np
import pytest
from fer_training.augment import Augmentation
from fer_training.model import SCALINGS
from fer_training.recipe import (
    CHOICES,
    Recipe,
    RecipeError,
    available,
    learnt_from,
    load_recipe,
    recipe_of_run,
)

NAMES = [
    *("attention", "best", "by_face", "by_labels", "by_votes", "fine_tune", "paper"),
    *("small", "small_by_labels"),
    *("teacher_contrast", "teacher_face", "teacher_mobilenet", "teacher_resnet", "teacher_vgg"),
]


def test_every_recipe_that_comes_along_is_sound():
    assert available() == NAMES
    for name in available():
        recipe = load_recipe(name)
        assert recipe.name == name
        assert recipe.description


def test_paper_is_the_papers():
    recipe = load_recipe("paper")
    assert (recipe.input_size, recipe.scaling, recipe.epochs) == (224, "unit", 25)
    assert (recipe.optimizer, recipe.label_smoothing, recipe.deduplicate) == ("adam", 0, False)
    assert recipe.augment == Augmentation()


def test_overrides():
    recipe = load_recipe("best", epochs=3, input_size=None)
    assert recipe.epochs == 3
    assert recipe.input_size == load_recipe("best").input_size
    assert {phase.epochs for phase in recipe.start.start.phases} == {3}
    assert {p.epochs for t in recipe.teachers for p in (t, *t.phases)} == {3}


def test_phases_hold_to_the_head_where_they_say_nothing():
    labels, votes = load_recipe("by_labels"), load_recipe("by_votes")
    assert [p.mixup for p in labels.phases] == [0.3, 0.0, 0.0, 0.3, 0.0]
    assert [p.balance for p in labels.phases] == [0.15, 0.15, *[labels.balance] * 3]
    assert {p.teacher for p in labels.phases} == {labels.teacher}
    assert labels.start.name == "teacher_mobilenet"
    assert votes.start == labels
    assert [p.teacher for p in votes.phases] == [0.0, votes.teacher]
    assert [t.name for t in load_recipe("small_by_labels").teachers][-1] == "by_labels"


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("epoch = 3", "no setting 'epoch'"),
        ("epochs = 'many'", "epochs = 'many' is not int"),
        ("cosine = 1", "cosine = 1 is not bool"),
        ("epochs = true", "epochs = True is not int"),
        ("[augment]\nmirrors = 1.0", "no setting 'mirrors'"),
        ("epochs = ", "recipe.toml"),
        ("optimizer = 'sgd'", "optimizer = 'sgd': expected one of adam, adamw"),
        ("scaling = 'foo'", "scaling = 'foo': expected one of unit, imagenet"),
        ("votes = 0.6\nteacher = 0.5", "votes = 0.6 and teacher = 0.5 are not shares"),
        ("average = 1.0", "average = 1.0 is not from 0"),
        ("epochs = 0", "epochs = 0 is not 1 or more"),
        ("learning_rate = nan", "learning_rate = nan is not 0 or more"),
        ("seed = -1", "seed = -1 is not from 0 to 4294967295"),
        ("[[phase]]\nbatch_size = 0", "batch_size = 0 is not 1 or more"),
        ("teachers = ['recipe']", "not a list of other recipes"),
        ("teachers = 'best'", "not a list of other recipes"),
        ("teachers = ['worst']", "unknown recipe 'worst'"),
        ("start = 'recipe'", "start = 'recipe' is not another recipe"),
        ("start = 3", "start = 3 is not another recipe"),
        ("start = 'worst'", "unknown recipe 'worst'"),
        ("augment = 3", "augment = 3 is not a table"),
        ("phase = 3", "phase = 3 is not a list of tables"),
        ("phase = [3]", r"phase = \[3\] is not a list of tables"),
        ("[[phase]]\naugment = 'much'", "augment = 'much' is not a table"),
        ("votes = -0.1", "votes = -0.1 is not from 0 to 1"),
    ],
)
def test_a_wrong_recipe(tmp_path, text, why):
    (tmp_path / "recipe.toml").write_text(text)
    with pytest.raises(RecipeError, match=why):
        load_recipe(str(tmp_path / "recipe.toml"))


def test_the_scalings_of_recipes_are_the_models():
    assert set(CHOICES["scaling"]) == set(SCALINGS)


def test_the_recipe_of_a_run(tmp_path):
    assert recipe_of_run(tmp_path) is None
    (tmp_path / "recipe.json").write_text('{"name": "old", "augment": {"mirror": 0.5}}')
    assert recipe_of_run(tmp_path) == Recipe("old", augment=Augmentation(mirror=0.5))
    (tmp_path / "recipe.json").write_text('{"name": "to')
    with pytest.raises(RecipeError, match=r"recipe\.json"):
        recipe_of_run(tmp_path)


def test_a_recipe_that_begins_with_a_byte_order_mark(tmp_path):
    path = tmp_path / "mine.toml"
    path.write_text("\ufeffepochs = 3\n", "utf-8")
    assert load_recipe(str(path)).epochs == 3


@pytest.mark.parametrize("text", ["[" * 5000, "7", '{"a": ' + "9" * 5000 + "}", "\0", "[1]"])
def test_a_run_whose_files_are_damaged(tmp_path, text):
    (tmp_path / "recipe.json").write_text(text)
    with pytest.raises(RecipeError) as error:
        recipe_of_run(tmp_path)
    assert "\n" not in str(error.value)
    (tmp_path / "result.json").write_text(text)
    try:
        assert learnt_from(tmp_path) == {}
    except RecipeError as error:
        assert "\n" not in str(error)  # noqa: PT017 - either is as good


@pytest.mark.parametrize("text", [b"a = \xff", b"a = " + b"[" * 5000, b"#" * (5 << 20)])
def test_a_file_that_is_no_recipe(tmp_path, text):
    path = tmp_path / "mine.toml"
    path.write_bytes(text)
    with pytest.raises(RecipeError, match=re.escape(f"{path}: ")) as error:
        load_recipe(str(path))
    assert "\n" not in str(error.value)


def test_a_missing_recipe_names_those_there_are():
    with pytest.raises(RecipeError, match=", ".join(NAMES)):
        load_recipe("worst")


def test_no_augmentation_leaves_the_picture(training):
    image = training.images[0]
    varied = Augmentation()(image, np.random.default_rng(0))
    np.testing.assert_array_equal(varied, image)


@pytest.mark.parametrize(
    "what",
    [
        *("mirror", "shift", "rotation", "zoom", "light", "contrast", "blur", "noise", "erase"),
        *("coarse", "compress", "tone", "shade"),
    ],
)
def test_each_variation_changes_the_picture_and_repeats(training, what):
    image = training.images[0]
    augment = Augmentation(
        **{
            what: 10.0
            if what == "rotation"
            else 1.0
            if what in ("mirror", "blur", "noise", "erase", "light", "coarse", "compress")
            else 0.2
        }
    )
    before = image.copy()
    one = augment(image, np.random.default_rng(5))
    two = augment(image, np.random.default_rng(5))
    other = augment(image, np.random.default_rng(6))
    assert one.shape == image.shape
    assert one.dtype == np.uint8
    np.testing.assert_array_equal(one, two)
    np.testing.assert_array_equal(image, before)
    assert (one != image).any()
    assert what == "mirror" or (one != other).any()


def test_mirror_is_exact(training):
    image = training.images[0]
    mirrored = Augmentation(mirror=1.0)(image, np.random.default_rng(0))
    np.testing.assert_array_equal(mirrored, image[:, ::-1])
