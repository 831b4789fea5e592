# SPDX-License-Identifier: Apache-2.0
"""The rooms of fer_ros: arrows downwards, no circle, every name once; and the map of them."""

import ast
from collections import Counter
from graphlib import TopologicalSorter

import house
import pytest

TWICE = {"base"}
"""What a family of modules in one folder has in common is in each called so."""


def test_arrows_point_downwards():
    upwards = [
        f"{room} -> {other}"
        for room, others in house.arrows().items()
        for other in others
        if house.floor_of(other) > house.floor_of(room)
    ]
    assert not upwards


@pytest.mark.parametrize("arrows", [house.arrows, house.file_arrows])
def test_no_circle(arrows):
    assert list(TopologicalSorter(arrows()).static_order())


def test_what_needs_no_ros_is_not_among_the_nodes():
    """Each module of nodes/ imports ROS, or one that does; a table says what they publish."""
    arrows = house.file_arrows()
    with_ros = {module for module in arrows if house.imports_ros(module)}
    while more := {m for m, below in arrows.items() if below & with_ros} - with_ros:
        with_ros |= more
    among = {m for m in arrows if m.startswith("nodes.")}
    by_name = {"nodes.optional"}  # imports the messages that it is asked for
    tables = {"nodes.inputs", "nodes.sinks", "nodes.topics"}
    assert among - with_ros <= by_name | tables


def test_training_imports_nothing_above_the_parameters(repository):
    top = house.floor_of("parameters")
    for path in (repository / "training/fer_training").rglob("*.py"):
        for target in house.imports_of(path, set(house.modules())):
            assert not house.room_of(target) or house.floor_of(house.room_of(target)) <= top, path


def test_every_name_once():
    names = Counter(module.rpartition(".")[2] for module in house.modules())
    assert {name for name, count in names.items() if count > 1} <= TWICE


def test_contributing_shows_the_map(repository):
    assert house.render() in (repository / "CONTRIBUTING.md").read_text()


def test_every_class_once():
    names = Counter(
        node.name
        for module in house.modules()
        for node in ast.walk(ast.parse(house.path_of(module).read_text("utf-8")))
        if isinstance(node, ast.ClassDef)
    )
    assert not {name for name, count in names.items() if count > 1}
