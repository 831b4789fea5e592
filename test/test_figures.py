# SPDX-License-Identifier: Apache-2.0
"""Every figure that the pages show stands in a result of one run, or in the model card."""

import importlib
import json
import re
import socket

import pytest
from source_files import REPOSITORY

RESULTS = sorted((REPOSITORY / "benchmarks" / "results").glob("*.json"))
BLOCK = re.compile(r"<!-- table \w+ -->.*?<!-- end -->|```.*?```", re.DOTALL)
FIGURE = re.compile(r"\d[\d.,]*(?= ?(?:%|(?:ms|MB|cores|results/s|images/s|Hz)\b))")
OF_OTHERS = {  # what others measured: people on FER-2013, 65 +- 5 % (Goodfellow et al., 2013)
    "README.md": {"5"},
    "docs/performance.md": set(),
}


@pytest.fixture
def tables(monkeypatch):
    monkeypatch.syspath_prepend(REPOSITORY)
    return importlib.import_module("benchmarks.tables")


def of(path):
    return json.loads(path.read_text("utf-8"))


def longest_list(content) -> int:
    """The length of the longest list anywhere in it."""
    if isinstance(content, dict):
        return max(map(longest_list, content.values()), default=0)
    if isinstance(content, list):
        return max([len(content), *map(longest_list, content)])
    return 0


def faults(text):
    """What is wrong with a result that is to be shown."""
    found, machine = json.loads(text), json.loads(text)["machine"]
    wrong = {
        "large": len(text.encode()) > 20_480,
        "a series": longest_list(found) > 30,
        "a path": re.search(r'"(/|~|[A-Z]:)', text),
        "the host's name": socket.gethostname() in text,
        "of no commit": machine["commit"].endswith("dirty"),
        "quick": machine["quick"],
        "of no machine": not {"cpu", "cores", "date"} <= machine.keys(),
    }
    return [name for name, there in wrong.items() if there]


def test_a_result_is_small_and_tells_nothing_of_the_machine_but_its_kind():
    assert {p.name: w for p in RESULTS if (w := faults(p.read_text("utf-8")))} == {}


@pytest.mark.parametrize(
    ("change", "wrong"),
    [
        ({}, []),
        ({"ages": [0.1] * 31}, ["a series"]),
        ({"log": "/tmp/x.log"}, ["a path"]),
        ({"note": f"on {socket.gethostname()}"}, ["the host's name"]),
        ({"words": "x" * 20_480}, ["large"]),
        (
            {"machine": {"commit": "a-dirty", "quick": True}},
            ["of no commit", "quick", "of no machine"],
        ),
    ],
)
def test_what_is_wrong_with_a_result_is_seen(change, wrong):
    machine = {"cpu": "C", "cores": 2, "date": "today", "commit": "abc", "quick": False}
    assert faults(json.dumps({"machine": machine} | change)) == wrong


def test_all_results_are_of_one_commit():
    assert len({of(path)["machine"]["commit"] for path in RESULTS}) <= 1


def test_the_pages_show_what_the_results_say(tables):
    for page, texts in tables.pages().items():
        text = page.read_text("utf-8")
        assert tables.filled(text, texts, page.name) == text, "python -m benchmarks.tables --write"


@pytest.mark.parametrize("page", OF_OTHERS)
def test_a_figure_in_the_text_is_of_the_model_card(page):
    card = set(FIGURE.findall((REPOSITORY / "MODEL_CARD.md").read_text("utf-8")))
    text = BLOCK.sub("", (REPOSITORY / page).read_text("utf-8"))
    found = set(FIGURE.findall(text))
    rounded = {f"{float(figure):.0f}" for figure in card if re.fullmatch(r"\d+\.\d+", figure)}
    assert found - card - rounded - OF_OTHERS[page] == set()


def test_the_card_and_the_leaderboard_measured_one_model():
    boards = [path for path in RESULTS if path.stem == "leaderboard"]
    card = (REPOSITORY / "MODEL_CARD.md").read_text("utf-8")
    for path in boards:
        found = of(path)["elsewhere"]["emotion_mobilenet_v2.tflite"]
        assert f"**{found['FER-2013']['accuracy']:.2%}**" in card
        assert f"| mean elsewhere | {found['mean elsewhere']['n']} | " in card
        assert f"{found['mean elsewhere']['balanced']:.3f}" in card
