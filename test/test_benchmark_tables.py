# SPDX-License-Identifier: Apache-2.0
"""The benchmarks' aims and tables, from results made by hand."""

import importlib
import re
import sys

import pytest

MACHINE = {"cpu": "C", "cores": 2, "load": 0.5, "date": "today", "commit": "abc"}
ECHO = {"latency_ms": {"median": 1.0, "p99": 2.0}}
STARTUP = {
    "machine": MACHINE,
    "seconds": {"emotion_node to first result": {"median": 1.5, "p99": 1.9}},
    "imports_ms": {"rclpy": 300.0},
    "heavy": [],
}
STAGES = {
    "machine": MACHINE,
    "images": {"640x480, 1 faces": {"pipeline": {"median": 10.0, "p99": 12.0}}},
}


@pytest.fixture(autouse=True)
def benchmarks(repository, tmp_path, monkeypatch):
    """Gives the modules of benchmarks/ by name; results are read from, and written to, a folder
    that is empty.
    """
    monkeypatch.syspath_prepend(repository)
    report = importlib.import_module("benchmarks.report")
    monkeypatch.setattr(report, "RESULTS", tmp_path / "results")
    return lambda name: importlib.import_module(f"benchmarks.{name}")


def node_results(**changes):
    """Every scenario just as well as aimed at, but for ``changes``."""
    found = {
        "latency_ms": {"median": 14.0, "p99": 22.0},
        "cpu": 0.5,
        "rss_mb": 250.0,
        "results_per_s": 25.0,
        "received": 9,
        "processed": 9,
        "dropped": 0,
        "lost": 0,
    }
    names = ("640x480, raw, 30 Hz", "640x480, raw, 120 Hz", "1920x1080, JPEG, 30 Hz")
    names += ("640x480, raw, 30 Hz, 8 faces",)
    scenarios = {name: {"echo": ECHO, "node": found | changes} for name in names}
    return {"machine": MACHINE, "scenarios": scenarios, "idle": {"inactive": {"cpu": 0.01}}}


@pytest.mark.parametrize(
    ("value", "least", "met"),
    [
        (1.9, False, "yes"), (2, False, "yes"), (2.1, False, "NO"),
        (1.9, True, "NO"), (2, True, "yes"), (2.1, True, "yes"),
        (None, False, "-"), (None, True, "-"),
    ],
)  # fmt: skip
def test_whether_an_aim_is_met(benchmarks, value, least, met):
    assert benchmarks("aims").Aim("this", value, 2, least).met == met


@pytest.mark.parametrize(
    ("changes", "missed"),
    [
        ({}, []),
        ({"lost": 1}, ["images not processed"]),
        ({"dropped": 1}, ["images not processed", "received less processed and dropped"]),
        ({"received": 10}, ["received less processed and dropped"]),
        ({"latency_ms": {"median": 14.1, "p99": 22.1}}, ["latency, median", "p99, ms"]),
        ({"cpu": 0.51}, ["CPU, cores"]),
        ({"rss_mb": 251.0}, ["resident, MB"]),
        ({"results_per_s": 19.0}, ["results/s", "results/s"]),
        ({"results_per_s": 20.0}, ["results/s"]),
    ],
)
def test_each_aim_can_be_missed(benchmarks, changes, missed):
    aims = benchmarks("aims").aims(node_results(**changes), STARTUP, STAGES)
    assert {aim.met for aim in aims} <= {"yes", "NO"}
    for aim, words in zip([a for a in aims if a.met == "NO"], missed, strict=True):
        assert words in aim.name


def test_a_start_can_be_too_slow_or_too_heavy(benchmarks):
    slow = {"emotion_node to first result": {"median": 2.1}}
    startup = {"seconds": slow, "heavy": ["tensorflow"]}
    aims = benchmarks("aims").aims(node_results(), startup, STAGES)
    missed = [aim.name for aim in aims if aim.met == "NO"]
    assert missed == ["first result, s", "heavy libraries imported"]


def test_what_a_quick_run_leaves_out_is_not_judged(benchmarks):
    node = node_results()
    quick = {s.name for s in benchmarks("speed.node").QUICK}
    node["scenarios"] = {n: s for n, s in node["scenarios"].items() if n in quick}
    aims = benchmarks("aims").aims(node, STARTUP, STAGES)
    assert [aim.value for aim in aims if aim.met == "-"] == [None, None]


@pytest.mark.parametrize("left", [None, "640x480, raw, 30 Hz", "1920x1080, JPEG, 30 Hz"])
def test_what_a_run_cut_short_leaves_out_is_not_judged(benchmarks, left):
    node = node_results()
    node["scenarios"] = {n: s for n, s in node["scenarios"].items() if n == left}
    for scenario in node["scenarios"].values():
        for key in ("received", "processed", "dropped", "lost"):  # it never reported
            scenario["node"].pop(key)
    aims = benchmarks("aims").aims(node, STARTUP, STAGES)
    met = {aim.name.strip(): aim.met for aim in aims}
    assert met["640x480, raw, 30 Hz: images not processed"] == "-"
    assert met["CPU, cores"] == ("yes" if left == "640x480, raw, 30 Hz" else "-")
    assert met["first result, s"] == "yes"


def test_the_scenarios_of_the_aims_are_measured(benchmarks):
    measured = {scenario.name for scenario in benchmarks("speed.node").SCENARIOS}
    assert node_results()["scenarios"].keys() <= measured


def test_the_page_has_a_place_for_every_table(benchmarks, repository):
    page = (repository / "docs/benchmarks.md").read_text()
    places = re.findall(r"<!-- table (\w+) -->\n.*?<!-- end -->", page, re.DOTALL)
    assert set(places) == {"aims", *benchmarks("tables").TABLES}


PAGE = """# Mine
<!-- table aims -->
Not measured yet: `make bench`.
<!-- end -->
between
<!-- table startup -->
Not measured yet: `make bench`.
<!-- end -->
after
"""


@pytest.fixture
def write(benchmarks, tmp_path, monkeypatch):
    """Runs ``tables.py --write`` on a page and gives what the page says then."""
    page = tmp_path / "page.md"
    page.write_text(PAGE)
    monkeypatch.setattr(benchmarks("tables"), "DOCUMENT", page)
    monkeypatch.setattr(sys, "argv", ["tables.py", "--write"])

    def run():
        benchmarks("tables").main()
        return page.read_text()

    return run


def test_without_results_the_page_still_says_what_to_run(write):
    assert write() == PAGE


def test_only_what_stands_between_the_markers_is_replaced(benchmarks, write):
    benchmarks("report").save("startup", STARTUP)
    head, end, tail = PAGE.rpartition("Not measured yet: `make bench`.")
    text = write()
    assert text.startswith(head)
    assert text.endswith(tail)
    assert end not in text.removeprefix(head)
    assert "| emotion_node to first result | 1.50 | 1.90 |" in text
    assert "C, 2 cores, load 0.5 at the start; today, commit abc" in text
    assert write() == text, "the same once more"


def test_new_results_take_the_place_of_old(benchmarks, write):
    benchmarks("report").save("startup", STARTUP | {"heavy": ["keras"]})
    assert "Heavy libraries imported: keras" in write()
    benchmarks("report").save("startup", STARTUP)
    text = write()
    assert "keras" not in text
    assert text.count("Heavy libraries imported: none") == 1


def test_results_without_a_place_are_not_lost_in_silence(benchmarks, write, tmp_path):
    (tmp_path / "page.md").write_text("an old page")
    benchmarks("report").save("startup", STARTUP)
    with pytest.raises(SystemExit, match="no place for the table startup"):
        write()
    assert (tmp_path / "page.md").read_text() == "an old page"


def test_aims_need_all_results(benchmarks, monkeypatch):
    tables = benchmarks("tables")
    found = {"node": node_results(cpu=0.7), "startup": STARTUP, "stages": STAGES}
    for absent in found:
        parts = {name: part for name, part in found.items() if name != absent}
        monkeypatch.setattr(tables, "load", parts.get)
        assert tables.aims_table() == ""
    monkeypatch.setattr(tables, "load", found.get)
    (cpu,) = [row for row in tables.aims_table().splitlines() if "CPU, cores" in row]
    assert [cell.strip() for cell in cpu.split("|")][2:5] == ["<= 0.5", "0.700", "NO"]


@pytest.mark.parametrize("change", [{"commit": "def"}, {"quick": True}])
def test_figures_of_different_runs_are_named(benchmarks, monkeypatch, change):
    tables = benchmarks("tables")
    found = {"node": node_results(), "startup": STARTUP, "stages": STAGES}
    monkeypatch.setattr(tables, "load", found.get)
    assert "different runs" not in tables.aims_table()
    found["stages"] = STAGES | {"machine": MACHINE | change}
    other = "commit def" if "commit" in change else "commit abc, --quick"
    assert f"node commit abc; startup commit abc; stages {other}\n" in tables.aims_table()


def test_charts_are_copied_beside_the_page(benchmarks, write, tmp_path):
    subject = {"latency_ms": {"median": 1.0, "p99": 2.0}, "results_per_s": 3.0, "cpu": 0.1}
    subjects = {"a node": subject | {"rss_mb": 5.0}}
    benchmarks("report").save("plain", {"machine": MACHINE, "subjects": subjects})
    (tmp_path / "page.md").write_text("<!-- table plain -->\n<!-- end -->\n")
    assert "images/" not in write()
    benchmarks("report").chart("plain").write_bytes(b"a picture")
    (tmp_path / "images").mkdir()
    text = write()
    assert text.endswith("\n\n![Age of each result over time](images/plain.png)\n<!-- end -->\n")
    assert (tmp_path / "images/plain.png").read_bytes() == b"a picture"
    assert write() == text, "the same once more"
