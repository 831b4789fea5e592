# SPDX-License-Identifier: Apache-2.0
"""One table of parameters: declared, described, checked and documented from it."""

import re
from dataclasses import fields

import pytest
import rclpy
import yaml
from rclpy.exceptions import InvalidParameterTypeException, InvalidParameterValueException
from rclpy.parameter import Parameter

from fer_ros.nodes.declaration import declare, read
from fer_ros.parameters import EMOTION_NODE
from fer_ros.parameters.options import (
    EmotionNodeOptions,
    ExpressionNodeOptions,
    VideoSourceOptions,
    WebViewOptions,
)
from fer_ros.parameters.page import TABLES, main, markdown

OPTIONS = {
    "emotion_node": EmotionNodeOptions,
    "expression_node": ExpressionNodeOptions,
    "video_source": VideoSourceOptions,
    "web_view": WebViewOptions,
}
ROWS = [pytest.param(row, id=f"{node}-{row.name}") for node, t in TABLES.items() for row in t]


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


@pytest.mark.parametrize("row", ROWS)
def test_entry(row):
    assert re.fullmatch(r"[a-z][a-z0-9_]*", row.name)
    assert row.description.endswith(".")
    first = row.description.split()[0]
    assert first not in ("The", "A", "An", "By", "When", "What", "At", "Of"), "a noun or a verb"
    assert not re.search(r"\b([Tt]he same|these)\b", row.description), "understood alone"
    if isinstance(row.default, bool):
        assert not row.unit
    if row.choices:
        assert row.default in row.choices
        assert all(type(c) is type(row.default) for c in row.choices)
    if row.range:
        assert row.range[0] <= row.default <= row.range[1]
        if row.range[0] == -1:
            assert "-1: " in row.description
    if type(row.default) in (int, float):
        assert row.range or row.choices


@pytest.mark.parametrize("node", TABLES)
def test_options_are_the_rows(node):
    """Each row has its field in the part that it names, of its type; no field is without a row."""
    kinds = {field.name: field.type for field in fields(OPTIONS[node])}
    assert kinds == {row.name: type(row.default) for row in TABLES[node]}
    for row in TABLES[node]:
        assert issubclass(OPTIONS[node], row.part)
        assert row.name in row.part.__annotations__


@pytest.mark.parametrize("name", TABLES)
def test_declared_with_defaults_and_descriptors(make, name):
    table = TABLES[name]
    node = make(table)
    assert vars(read(node, table, OPTIONS[name])) == {row.name: row.default for row in table}
    for row in table:
        descriptor = node.describe_parameter(row.name)
        assert descriptor.description == row.described
        if row.choices:
            for choice in row.choices:
                assert str(choice) in descriptor.additional_constraints
        if row.range:
            (limits,) = descriptor.floating_point_range or descriptor.integer_range
            assert (limits.from_value, limits.to_value) == row.range


CHANGEABLE = [row for row in EMOTION_NODE if not row.read_only]


@pytest.mark.parametrize("row", CHANGEABLE, ids=lambda s: s.name)
def test_limits_are_kept_and_reached(make, row):
    node = make()
    kind = type(row.default)
    good = [*row.choices, *map(kind, row.range or ())]
    bad = []
    if row.range:
        step = 1 if kind is int else 0.01
        bad = [kind(row.range[0] - step), kind(row.range[1] + step)]
    if row.choices:
        bad = ["none of these"] if kind is str else [45, -90]
    for value in good:
        assert node.set_parameters([Parameter(row.name, value=value)])[0].successful, value
    for value in bad:
        result = node.set_parameters([Parameter(row.name, value=value)])[0]
        assert not result.successful, value
        assert row.name in result.reason
    assert node.get_parameter(row.name).value in (good or [row.default])[-1:]


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


def test_writes_the_page_and_prints_the_tables(repository, tmp_path, capsys):
    page = tmp_path / "page.md"
    text = (repository / "docs/parameters.md").read_text()
    page.write_text(text.replace("| `hysteresis` |", "| `old` |"))
    main(str(page))
    assert page.read_text() == text
    main()
    printed = capsys.readouterr().out
    assert all(markdown(table) in printed for table in TABLES.values())


def test_numbers_that_mean_nothing_are_refused(make):
    node = make()
    for name, value in [("max_rate", float("nan")), ("hysteresis", float("inf"))]:
        result = node.set_parameters([Parameter(name, value=value)])[0]
        assert not result.successful
        assert name in result.reason


@pytest.mark.parametrize("given", ["off", False])
def test_off_is_off_though_yaml_reads_it_as_false(make, given):
    """As `-p face_mesh:=off` and `face_mesh: off` in a file come."""
    node = make(face_mesh=given)
    assert read(node, EMOTION_NODE, EmotionNodeOptions).face_mesh == "off"
    assert node.set_parameters([Parameter("face_mesh", value="auto")])[0].successful
    assert read(node, EMOTION_NODE, EmotionNodeOptions).face_mesh == "auto"
    assert node.set_parameters([Parameter("face_mesh", value=False)])[0].successful
    for refused in (True, 1, "on"):
        assert not node.set_parameters([Parameter("face_mesh", value=refused)])[0].successful


@pytest.mark.parametrize(("given", "text"), [(True, "yes"), (False, "no"), ("yes", "yes")])
def test_yes_and_no_are_texts_though_yaml_reads_them_as_truth(make, given, text):
    node = make(image_rectified=given)
    assert read(node, EMOTION_NODE, EmotionNodeOptions).image_rectified == text
    refused = node.set_parameters([Parameter("image_rectified", value="perhaps")])[0]
    assert refused.reason == "image_rectified=perhaps: choose auto, yes, no"
