# SPDX-License-Identifier: Apache-2.0
"""The gate that lets no test be skipped unseen."""

import os
import subprocess
import sys

import pytest
from skips import LIST, PLACES, ROS, places_here, read_list, remedy
from source_files import REPOSITORY

CONFTEST = """
import sys
from pathlib import Path
sys.path.append({folder!r})
from skips import SkipGate

def pytest_configure(config):
    config.pluginmanager.register(SkipGate(Path(__file__).with_name("listed.txt")))
"""
TESTS = """
import pytest

@pytest.mark.parametrize("number", [1, 2])
def test_one(number):
    pytest.skip("no camera")

@pytest.mark.xfail(reason="known")
def test_known():
    assert False

def test_runs():
    pass
"""
FILE = """
import pytest
pytest.importorskip("no_such_package", reason="no robot")
"""


@pytest.fixture
def run(tmp_path):
    """Runs tests of which three are skipped, with that list."""

    def run(*lines):
        (tmp_path / "conftest.py").write_text(CONFTEST.format(folder=str(LIST.parent)))
        (tmp_path / "test_robot.py").write_text(FILE)
        (tmp_path / "test_camera.py").write_text(TESTS)
        (tmp_path / "listed.txt").write_text("\n".join(["# a comment", "", *lines]))
        command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", str(tmp_path)]
        environment = os.environ | {"PYTEST_ADDOPTS": ""}
        return subprocess.run(
            command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
        )

    return run


HERE = next(iter(places_here() & set(ROS)))
ELSEWHERE = next(iter(set(ROS) - {HERE}))


def test_passes_what_is_listed_and_shows_it(run):
    done = run(f"{HERE} | test_camera.py::test_one | no cam*", f"{HERE} | test_robot.py | no robot")
    assert done.returncode == 0, done.stdout
    assert "  2  test_camera.py::test_one  no camera\n" in done.stdout
    assert "  1  test_robot.py             no robot\n" in done.stdout
    assert "NOT ALLOWED" not in done.stdout
    assert "known" not in done.stdout


@pytest.mark.parametrize(
    ("line", "culprit"),
    [
        ("", "no camera"),
        (f"{ELSEWHERE} | test_camera.py::test_one | no camera", "no camera"),
        (f"{HERE} | test_camera.py::test_two | no camera", "no camera"),
        (f"{HERE} | test_camera.py::test_one | no light", "no camera"),
        (f"{HERE} | test_camera.py::* | no camera", "no robot"),
    ],
)
def test_fails_on_what_is_not_listed_for_here(run, line, culprit):
    done = run(line)
    assert done.returncode == 1, done.stdout
    assert f"{culprit}  NOT ALLOWED HERE" in done.stdout
    assert "test/allowed_skips.txt" in done.stdout


CHROMIUM = "import pytest\ndef test_page():\n    pytest.skip('chromium is not installed')\n"


@pytest.mark.parametrize("all_installed", [False, True])
def test_what_a_machine_lacks_is_named_with_its_package(run, tmp_path, monkeypatch, all_installed):
    """And fails the run where everything was installed."""
    monkeypatch.setenv("FER_ROS_NO_SKIPS", "1" if all_installed else "")
    (tmp_path / "test_page.py").write_text(CHROMIUM)
    others = f"{HERE} | test_camera.py::test_one | *", f"{HERE} | test_robot.py | *"
    done = run(*others, f"{HERE} | test_page.py::* | chromium is not installed")
    assert done.returncode == all_installed, done.stdout
    wanted = "1 tests, or files of them, want more of this machine: sudo apt install chromium\n"
    assert wanted in done.stdout


def test_pythons_own_packages_are_pips_where_there_is_an_environment():
    missing = {"chromium", "python3-aiohttp", "python3-opencv"}
    assert remedy(missing, False) == "sudo apt install chromium python3-aiohttp python3-opencv"
    wanted = "sudo apt install chromium python3-opencv; .venv/bin/pip install aiohttp"
    assert remedy(missing, True) == wanted


def test_list_names_places_and_files_that_exist():
    for places, tests, _ in read_list(LIST):
        assert places <= PLACES
        file = tests.partition("::")[0]
        assert list(REPOSITORY.glob(file)), f"{file} of {LIST.name} does not exist"
