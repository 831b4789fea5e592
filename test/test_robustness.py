# SPDX-License-Identifier: Apache-2.0
"""The hostile rounds: a few inputs of each kind; a fault, an end and a hang are counted."""

import os
import time
from importlib import import_module

import pytest

from benchmarks.robustness import rounds
from benchmarks.robustness.rounds import Round, play, run, table

# Bags and videos are made by packages that apt does not have.
NAMES = (
    "images",
    pytest.param("bags", marks=pytest.mark.ros),
    pytest.param("videos", marks=pytest.mark.ros),
    "web_requests",
)


@pytest.fixture(autouse=True)
def results(tmp_path, monkeypatch):
    monkeypatch.setattr("benchmarks.report.RESULTS", tmp_path)


@pytest.mark.parametrize("name", NAMES)
def test_a_few_of_each_kind(name, capsys, tmp_path):
    if name == "web_requests":
        pytest.importorskip("aiohttp", reason="aiohttp is not installed")
    kinds = import_module(f"benchmarks.robustness.{name}").ROUNDS
    words = ["--seconds", str(60 * len(kinds)), "--most", "12", "--seed", "7"]
    assert run(name, name, kinds, words) == 0
    said = capsys.readouterr().out
    assert "seed 7" in said
    for kind in kinds:
        assert kind.name in said
    assert (tmp_path / f"robustness_{name}.json").is_file()


def bad(folder, stack):
    def once(number, random):
        if number == 2:
            raise KeyError("a defect")
        if number == 4:
            os._exit(139)
        if number == 6:
            time.sleep(60)
        return "used"

    return once


def test_defects_ends_and_hangs_are_counted_and_gone_on_from(capsys):
    outcome = play(Round("bad", bad, patience=1.0), 120.0, 1, most=9)
    assert (outcome.inputs, len(outcome.faults), outcome.hangs) == (9, 2, 1)
    assert outcome.words == {"used": 6}
    said = capsys.readouterr().out
    assert "a defect" in said
    assert "died: bad 4" in said
    assert "hang: bad 6" in said


def test_the_same_seed_gives_the_same_damage():
    import numpy as np

    data = bytes(range(256)) * 20
    first, again = (rounds.damaged(data, np.random.default_rng([3, 5])) for _ in range(2))
    assert first == again != data


def test_table():
    row = {"inputs": 3, "crashes": 0, "hangs": 1, "slowest_ms": 2.5, "mb_grown": 0.1}
    lines = table({"kind": row | {"slowest_input": 2, "used": 2}}).splitlines()
    assert lines[0].split() == ["inputs", "crashes", "hangs", "slowest", "ms", "MB", "grown"]
    assert lines[1].split() == ["kind", "3", "0", "1", "2.5", "0.1", "2", "used"]
