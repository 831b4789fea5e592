# SPDX-License-Identifier: Apache-2.0
import copy
import json

import numpy as np
import pytest

from fer_ros.emotions.classes import EMOTIONS, SYNONYMS
from fer_ros.emotions.model_card import (
    MAX_CARD_BYTES,
    Crop,
    ModelError,
    NoCardError,
    load_card,
    sha256_of,
)


@pytest.fixture
def content():
    return {
        "name": "tiny",
        "version": "1.2.3",
        "labels": list(EMOTIONS),
        "framing": {"size": 48, "margin": 1.1},
        "input_size": 96,
        "uncertain_below": 0.35,
        "files": {},
    }


@pytest.fixture
def model(tmp_path, content):
    """A model file with a true card beside it."""
    path = tmp_path / "tiny.tflite"
    path.write_bytes(b"weights")
    content["files"]["tiny.tflite"] = {"sha256": sha256_of(path), "temperature": 1.25}
    write(path, content)
    return path


def write(model, content):
    text = content if isinstance(content, str) else json.dumps(content)
    model.with_suffix(".json").write_text(text)


def test_reads_what_the_run_time_needs(model):
    card = load_card(model)
    assert (card.name, card.version) == ("tiny", "1.2.3")
    assert (card.margin, card.input_size) == (1.1, 96)
    assert (card.temperature, card.uncertain_below) == (1.25, 0.35)
    assert card.identity == f"tiny@{sha256_of(model)[:8]}"
    assert (card.crop, card.crop.shape) == (Crop(48, 1, None), (48, 48))


@pytest.mark.parametrize(
    ("framing", "scaling", "crop"),
    [
        ({"size": 64}, None, Crop(64)),
        ({"size": 112, "channels": 3}, None, Crop(112, 3)),
        ({"channels": 3}, {"mean": 127.5, "std": 128}, Crop(48, 3, ((127.5,), (128,)))),
        ({"channels": 3}, {"mean": [1, 2, 3], "std": 9}, Crop(48, 3, ((1, 2, 3), (9,)))),
    ],
)
def test_another_crop(model, content, framing, scaling, crop):
    content["framing"] |= framing
    write(model, content | {"scaling": scaling})
    assert load_card(model).crop == crop


def test_scaling_is_of_each_channel():
    crop = Crop(2, 3, ((0, 10, 20), (1, 2, 4)))
    scaled = crop.scaled(np.full(crop.shape, 30, np.uint8))
    assert scaled.dtype == np.float32
    assert scaled[1, 1].tolist() == [30, 10, 2.5]
    grey = Crop(2, 1, ((0.0,), (255.0,)))
    assert (grey.scaled(np.full((2, 2), 255, np.uint8)) == 1).all()


@pytest.mark.parametrize(
    "labels",
    [
        EMOTIONS[::-1],
        ("Angry", "HAPPY", "Neutral", "sad", "Surprised", "Fearful", "disgusted"),
        ("neutral", "happiness", "sadness", "surprise", "fear", "disgust", "anger", "contempt"),
    ],
)
def test_labels_in_any_order_and_by_other_names(model, content, labels):
    write(model, content | {"labels": list(labels)})
    card = load_card(model)
    assert card.classes == len(labels)
    found = [labels[place].lower() for place in card.places]
    assert [SYNONYMS.get(word, word) for word in found] == list(EMOTIONS)


def test_a_prior_is_read(model, content):
    assert load_card(model).prior == pytest.approx([1 / 7] * 7)
    prior = [0.1, 0.1, 0.1, 0.3, 0.1, 0.1, 0.2]
    write(model, content | {"prior": prior})
    assert load_card(model).prior == tuple(prior)


def test_one_card_may_describe_several_files(model, content):
    other = model.with_name("tiny_float32.tflite")
    other.write_bytes(b"others")
    content["files"][other.name] = {"sha256": sha256_of(other), "temperature": 2.0}
    write(model, content)
    assert load_card(other).temperature == 2.0
    assert load_card(model).temperature == 1.25


def test_missing_model(tmp_path):
    with pytest.raises(ModelError, match=r"no model file .*none\.tflite"):
        load_card(tmp_path / "none.tflite")


def test_missing_card(model):
    model.with_suffix(".json").unlink()
    with pytest.raises(NoCardError, match="no card beside it"):
        load_card(model)


def test_damaged_model(model):
    model.write_bytes(b"weightz")
    with pytest.raises(ModelError, match=r"sha256.*damaged"):
        load_card(model)


@pytest.mark.parametrize(
    ("key", "value", "why"),
    [
        ("labels", list(EMOTIONS[:6]), "labels"),
        ("labels", [*EMOTIONS, "anger"], "labels"),
        ("labels", [*EMOTIONS[1:], "angry", "happy"], "labels"),
        ("labels", [*EMOTIONS, "contempt", "boredom"], "labels"),
        ("labels", None, "wrong"),
        ("prior", [0.2] * 7, "prior"),
        ("prior", [0.25] * 4, "prior"),
        ("prior", "uniform", "not a number"),
        ("framing", {"size": 513, "margin": 1.0}, "not a number from 1 to 512"),
        ("framing", {"size": 48.5, "margin": 1.0}, "no crop of 48.5 pixels"),
        ("framing", {"size": 48, "margin": 1.0, "channels": 2}, "and 2 channels"),
        ("framing", {"size": 48, "margin": 1.0, "channels": None}, "and None channels"),
        ("scaling", "tf", "wrong"),
        ("scaling", {"mean": 0}, "lacks 'std'"),
        ("scaling", {"mean": 0, "std": 0}, "not a number from"),
        ("scaling", {"mean": [1, 2, 3], "std": 1}, "is not a number, or 1"),
        ("scaling", {"mean": [], "std": 1}, "is not a number, or 1"),
        ("framing", {"size": 48}, "lacks 'margin'"),
        ("framing", [], "wrong"),
        ("framing", {"size": 48, "margin": -1}, "not a number from"),
        ("input_size", "96", "not a number from"),
        ("input_size", float("nan"), "not a number from"),
        ("input_size", 96.5, "not a whole number"),
        ("uncertain_below", 2, "not a number from 0 to 1"),
        ("uncertain_below", True, "not a number from 0 to 1"),
        ("name", "", "not a text"),
        ("files", {}, "lacks 'tiny.tflite'"),
        ("files", [], "wrong"),
        ("files", {"tiny.tflite": {"sha256": 5, "temperature": 1}}, "not a text"),
        ("files", {"tiny.tflite": {"sha256": "abc"}}, "lacks 'temperature'"),
        ("files", {"tiny.tflite": {"sha256": "abc", "temperature": 0}}, "not a number from"),
    ],
)
def test_a_card_that_disagrees(model, content, key, value, why):
    changed = copy.deepcopy(content) | {key: value}
    write(model, changed)
    with pytest.raises(ModelError, match=why) as error:
        load_card(model)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("key", ["name", "version", "labels", "framing", "input_size", "files"])
def test_a_card_that_lacks_something(model, content, key):
    del content[key]
    write(model, content)
    with pytest.raises(ModelError, match=f"lacks '{key}'"):
        load_card(model)


@pytest.mark.parametrize(
    "text", ["", "{", "[]", "5", '"files"', "[" * 100_000, "\0"], ids=lambda t: t[:9]
)
def test_a_card_that_is_no_card(model, text):
    write(model, text)
    with pytest.raises(ModelError, match=r"tiny\.json") as error:
        load_card(model)
    assert "\n" not in str(error.value)


def test_a_card_that_is_too_large(model):
    write(model, " " * (MAX_CARD_BYTES + 1))
    with pytest.raises(ModelError, match="too large"):
        load_card(model)
