# SPDX-License-Identifier: Apache-2.0
"""YAML and JSON from elsewhere: whatever is in them, each reader says one line, or reads on."""

import json
import re
import time

import pytest
from bag_helpers import frames, make_bag

from fer_ros.bags.cameras import metadata_topics
from fer_ros.bags.image_topics import BagError
from fer_ros.bags.reading import Bag
from fer_ros.emotions.model_card import ModelError, load_card
from fer_ros.evaluation.result_folder import is_summary
from fer_ros.inference.shipped import MODELS
from fer_ros.parameters import ParameterError
from fer_ros.parameters.files import options_from
from fer_ros.runtime.parameter_files import dropped_files
from fer_ros.runtime.settings_files import SettingsError, load, parsed, yaml

LAUGHS = "a0: &a0 {x: 1}\n" + "\n".join(
    f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 12)
)
MERGES = "a0: &a0 {x: 1}\n" + "\n".join(
    f"a{n}: &a{n} {{<<: [{', '.join([f'*a{n - 1}'] * 10)}]}}" for n in range(1, 12)
)
HOSTILE = {
    "nothing": "",
    "deep": "[" * 5000,
    "deep and closed": "[" * 200 + "]" * 200,
    "deep names": "".join("  " * n + "a:\n" for n in range(300)),
    "a date that is none": "when: 2024-13-45\n",
    "a tag that is none": "a: !!timestamp x\n",
    "a truth that is none": "a: !!bool x\n",
    "an object": "a: !!python/object/apply:os.system ['true']\n",
    "digits": f"a: {'9' * 5000}\n",
    "itself": "&a [*a]\n",
    "laughs": LAUGHS,
    "merges": MERGES,
    "a list as a name": "? [a, b]\n: c\n",
    "a nul": "a: \0\n",
    "half a character": b"a: \xc3\n",
    "utf-16": "a: b\n".encode("utf-16"),
    "two documents": "a: 1\n---\nb: 2\n",
    "a list": "[1, 2]\n",
    "a number": "7\n",
    "too much": "#" * (5 << 20),
}
TEXTS = pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)


def write(path, text):
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def one_line(error):
    text = str(error.value)
    assert "\n" not in text
    assert len(text) < 1000
    return text


@TEXTS
def test_parameter_files(tmp_path, text):
    path = write(tmp_path / "my.yaml", text)
    began = time.process_time()
    with pytest.raises(ParameterError, match=re.escape(f"{path}: ")) as error:
        options_from([str(path)])
    one_line(error)
    assert not list(dropped_files(["--params-file", str(path)], "/emotion_node"))
    assert time.process_time() - began < 10


@TEXTS
def test_model_cards(tmp_path, text):
    model = tmp_path / "model.tflite"
    model.write_bytes(b"x")
    write(tmp_path / "model.json", text)
    with pytest.raises(ModelError) as error:
        load_card(model)
    one_line(error)


@TEXTS
def test_summaries(tmp_path, text):
    assert not is_summary(write(tmp_path / "summary.json", text))


@pytest.fixture(scope="module")
def bag(tmp_path_factory):
    return make_bag(tmp_path_factory.mktemp("bags") / "bag", frames(3))


@TEXTS
def test_bags(bag, text):
    """What the messages say is read; of the metadata one line."""
    path = bag / "metadata.yaml"
    was = path.read_bytes()
    lines = []
    try:
        write(path, text)
        topics = metadata_topics(bag)
        with Bag(bag, lines.append) as opened:
            assert {n: (t.type, t.count) for n, t in opened.topics.items()} == topics
            assert sum(1 for _ in opened.messages()) == sum(count for _, count in topics.values())
    finally:
        path.write_bytes(was)
    assert lines
    assert not any("\n" in line for line in lines)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (r"message_count: \d+", "message_count: .inf"),
        (r"message_count: \d+", "message_count: many"),
        (r"message_count: \d+", "message_count: -1"),
        (r"message_count: \d+", "message_count: 99999999999999999999"),
        (r"nanoseconds: \d+", "nanoseconds: .nan"),
        (r"nanoseconds_since_epoch: \d+", "nanoseconds_since_epoch: 2024-01-01"),
        (r"name: /\w+", "name: 7"),
        (r"name: /\w+", "name: [7]"),
        (r"type: \S+", "type: 2024-13-45"),
        (r"type: \S+", "type: null"),
        (r"- (\S+\.mcap)", "- ../../etc/passwd"),
        (r"- (\S+\.mcap)", "- bomb.dat"),
        (r"- (\S+\.mcap)", r"- \1\n  - \1"),
        (r"- (\S+\.mcap)", "- 7"),
        (r"topics_with_message_count:", "topics: "),
        (r"(?s)\A.*\Z", "rosbag2_bagfile_information: 7"),
    ],
)
def test_what_no_recorder_writes_into_metadata(bag, old, new):
    path = bag / "metadata.yaml"
    was = path.read_text()
    lines = []
    try:
        changed = re.sub(old, new, was)
        assert changed != was
        path.write_text(changed)
        topics = metadata_topics(bag)
        with Bag(bag, lines.append) as opened:
            assert {n: (t.type, t.count) for n, t in opened.topics.items()} == topics
            assert all(isinstance(name, str) for name in topics)
            assert all(type(count) is int for _, count in topics.values())
            assert sum(1 for _ in opened.messages())
    finally:
        path.write_text(was)
    assert "reading on" in lines[0]


def test_a_file_that_begins_with_a_byte_order_mark(tmp_path, bag):
    path = write(tmp_path / "my.yaml", "\ufeff/**:\n  ros__parameters:\n    rotate: 90\n")
    assert options_from([str(path)]).rotate == 90
    assert not list(dropped_files(["--params-file", str(path)], "/emotion_node"))
    for name in ("emotion_mobilenet_v2_small.tflite", "emotion_mobilenet_v2_small.json"):
        (tmp_path / name).write_bytes((MODELS / name).read_bytes())
    card = tmp_path / "emotion_mobilenet_v2_small.json"
    card.write_text(f"\ufeff{card.read_text()}")
    assert load_card(tmp_path / "emotion_mobilenet_v2_small.tflite")
    assert is_summary(write(tmp_path / "summary.json", '\ufeff{"complete": true}'))


@pytest.mark.parametrize("key", ["/**", "/*", "/**/emotion_node", "emotion_node"])
def test_a_name_that_is_no_parameter_is_told(tmp_path, key):
    path = write(tmp_path / "my.yaml", f'"{key}":\n  ros__parameters: {{hysteresys: 0.3}}\n')
    lines = []
    if key.endswith("*"):
        assert options_from([str(path)], log=lines.append) == options_from([])
    else:
        with pytest.raises(ParameterError) as error:
            options_from([str(path)])
        lines.append(str(error.value))
    assert lines == [f"{path}: no parameter hysteresys: did you mean hysteresis?"]


def test_what_is_of_other_nodes_or_of_rclpy_is_no_fault(tmp_path):
    text = """
    /**: {ros__parameters: {use_sim_time: true, jpeg_quality: 80, source: sample, rotate: 180,
          qos_overrides: {/image_raw: {subscription: {depth: 3}}}}}
    usb_cam: {ros__parameters: {anything: 1}}
    left: {emotion_node: {ros__parameters: {max_faces: 3}}}
    """
    lines = []
    options = options_from([str(write(tmp_path / "my.yaml", text))], log=lines.append)
    assert (options.rotate, options.max_faces, lines) == (180, 3, [])


@pytest.mark.parametrize("given", ["[rotate, 90]", "7", "null", "{7: {8: 9}}", "[[rotate, 90]]"])
def test_parameters_that_are_none(tmp_path, given):
    path = write(tmp_path / "my.yaml", f"emotion_node: {{ros__parameters: {given}}}\n")
    with pytest.raises(ParameterError) as error:
        options_from([str(path)])
    one_line(error)


def test_limits():
    assert parsed("[1]", json.loads) == [1]
    with pytest.raises(SettingsError, match="nested too deeply"):
        parsed("[" * 60 + "]" * 60, json.loads)
    with pytest.raises(SettingsError, match="over 100000 values"):
        parsed(str([0] * 100_001), json.loads)
    with pytest.raises(SettingsError, match="expected"):
        parsed("[1", yaml)


def test_a_file_of_any_length(tmp_path):
    with pytest.raises(SettingsError, match="over 10 bytes"):
        load(write(tmp_path / "x", "1" * 11), json.loads, 10)
    with pytest.raises(OSError, match="directory"):
        load(tmp_path, yaml)


def test_a_folder_without_a_bag(tmp_path):
    write(tmp_path / "metadata.yaml", "[" * 5000)
    with pytest.raises(BagError) as error:
        metadata_topics(tmp_path)
    one_line(error)
