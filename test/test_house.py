# SPDX-License-Identifier: Apache-2.0
"""The rooms of fer_ros: arrows downwards, no circle, every name once; and the map of them."""

from collections import Counter
from graphlib import TopologicalSorter

import house

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


def test_no_circle():
    assert list(TopologicalSorter(house.arrows()).static_order())


def test_every_name_once():
    names = Counter(module.rpartition(".")[2] for module in house.modules())
    assert {name for name, count in names.items() if count > 1} <= TWICE


def test_contributing_shows_the_map(repository):
    assert house.render() in (repository / "CONTRIBUTING.md").read_text()
