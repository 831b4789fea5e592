# SPDX-License-Identifier: Apache-2.0
"""One table of parameters: declared, described, checked and documented from it."""

import re
import subprocess
import sys

import pytest
import rclpy
import yaml
from rclpy.exceptions import InvalidParameterTypeException, InvalidParameterValueException
from rclpy.parameter import Parameter

from fer_ros.nodes.parameters import (
    EMOTION_NODE,
    EXPRESSION_NODE,
    VIDEO_SOURCE,
    WEB_VIEW,
    declare,
    markdown,
    read,
)

TABLES = {
    "emotion_node": EMOTION_NODE,
    "expression_node": EXPRESSION_NODE,
    "video_source": VIDEO_SOURCE,
    "web_view": WEB_VIEW,
}
SETTINGS = [pytest.param(s, id=f"{node}-{s.name}") for node, t in TABLES.items() for s in t]


@pytest.fixture(scope="module")
def context():
    context = rclpy.Context()
    rclpy.init(context=context)
    yield context
    rclpy.shutdown(context=context)


@pytest.fixture
def make(context):
    nodes = []

    def node(table=EMOTION_NODE, **values):
        overrides = [Parameter(name, value=value) for name, value in values.items()]
        nodes.append(rclpy.create_node("tables", context=context, parameter_overrides=overrides))
        declare(nodes[-1], table)
        return nodes[-1]

    yield node
    for node in nodes:
        node.destroy_node()


@pytest.mark.parametrize("setting", SETTINGS)
def test_entry(setting):
    assert setting.description.endswith(".")
    assert re.fullmatch(r"[a-z][a-z0-9_]*", setting.name)
    if setting.choices:
        assert setting.default in setting.choices
        assert all(type(c) is type(setting.default) for c in setting.choices)
    if setting.range:
        assert setting.range[0] <= setting.default <= setting.range[1]
    if type(setting.default) in (int, float):
        assert setting.range or setting.choices


@pytest.mark.parametrize("table", TABLES.values(), ids=TABLES)
def test_declared_with_defaults_and_descriptors(make, table):
    node = make(table)
    assert vars(read(node, table)) == {s.name: s.default for s in table}
    for setting in table:
        descriptor = node.describe_parameter(setting.name)
        assert descriptor.description == setting.description
        if setting.choices:
            for choice in setting.choices:
                assert str(choice) in descriptor.additional_constraints
        if setting.range:
            (limits,) = descriptor.floating_point_range or descriptor.integer_range
            assert (limits.from_value, limits.to_value) == setting.range


CHANGEABLE = [setting for setting in EMOTION_NODE if not setting.read_only]


@pytest.mark.parametrize("setting", CHANGEABLE, ids=lambda s: s.name)
def test_limits_are_kept_and_reached(make, setting):
    node = make()
    kind = type(setting.default)
    good = [*setting.choices, *map(kind, setting.range or ())]
    bad = []
    if setting.range:
        step = 1 if kind is int else 0.01
        bad = [kind(setting.range[0] - step), kind(setting.range[1] + step)]
    if setting.choices:
        bad = ["none of these"] if kind is str else [45, -90]
    for value in good:
        assert node.set_parameters([Parameter(setting.name, value=value)])[0].successful, value
    for value in bad:
        result = node.set_parameters([Parameter(setting.name, value=value)])[0]
        assert not result.successful, value
        assert setting.name in result.reason
    assert node.get_parameter(setting.name).value in (good or [setting.default])[-1:]


@pytest.mark.parametrize(
    ("values", "error"),
    [
        ({"max_faces": 0}, InvalidParameterValueException),
        ({"max_rate": -2.0}, InvalidParameterValueException),
        ({"detector": "nose"}, InvalidParameterValueException),
        ({"rotate": 45}, InvalidParameterValueException),
        ({"max_rate": 5}, InvalidParameterTypeException),
        ({"model": 3}, InvalidParameterTypeException),
    ],
)
def test_refused_at_start(make, values, error):
    with pytest.raises(error, match=next(iter(values))):
        make(**values)


def test_configuration_file_has_every_default(repository):
    content = yaml.safe_load((repository / "config/emotion.yaml").read_text())
    drivers = {"/**/usb_cam": "frame_id", "/**/v4l2_camera": "camera_frame_id"}
    for key, frame in drivers.items():  # the fixed frame of config/emotion.rviz
        assert content.pop(key)["ros__parameters"] == {frame: "camera"}
    assert {
        key.removeprefix("/**/"): list(value["ros__parameters"].items())
        for key, value in content.items()
    } == {node: [(s.name, s.default) for s in table] for node, table in TABLES.items()}


def test_markdown_has_a_row_for_each():
    head, rule, *rows = markdown(EMOTION_NODE).splitlines()
    columns = head.count("|")
    assert all(row.count("|") == columns for row in (rule, *rows))
    assert [row.split("`")[1] for row in rows] == [s.name for s in EMOTION_NODE]


@pytest.mark.parametrize("node", TABLES)
def test_page_has_the_table(repository, node):
    text = (repository / "docs/parameters.md").read_text()
    marked = re.search(rf"<!-- parameters: {node} -->\n(.*?)<!-- end -->", text, re.DOTALL)
    assert marked, f"docs/parameters.md lacks the markers of {node}"
    assert marked.group(1).strip() == markdown(TABLES[node])


def test_prints_the_tables(repository):
    text = subprocess.run(
        [sys.executable, "-m", "fer_ros.nodes.parameters"],
        cwd=repository, capture_output=True, text=True, check=True,
    ).stdout  # fmt: skip
    assert all(markdown(table) in text for table in TABLES.values())


def test_an_old_name_is_still_taken_with_one_warning(make, capfd):
    node = make(superseded_warn=0.25)
    assert node.get_parameter("dropped_warn").value == 0.25
    assert not node.has_parameter("superseded_warn")
    said = capfd.readouterr().err
    assert said.count("superseded_warn is called dropped_warn now") == 1
    assert "no parameter" not in said


@pytest.mark.parametrize("given", ["off", False])
def test_off_is_off_though_yaml_reads_it_as_false(make, given):
    """As `-p face_mesh:=off` and `face_mesh: off` in a file come."""
    node = make(face_mesh=given)
    assert read(node, EMOTION_NODE).face_mesh == "off"
    assert node.set_parameters([Parameter("face_mesh", value="auto")])[0].successful
    assert read(node, EMOTION_NODE).face_mesh == "auto"
    assert node.set_parameters([Parameter("face_mesh", value=False)])[0].successful
    for refused in (True, 1, "on"):
        assert not node.set_parameters([Parameter("face_mesh", value=refused)])[0].successful
