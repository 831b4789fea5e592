# SPDX-License-Identifier: Apache-2.0
"""Python files in the folder that a command is typed in are data, as the recordings beside them."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest
from bag_helpers import frames, make_bag
from node_helpers import PYTHONPATH, REPOSITORY

from fer_ros.runtime.child import python_command, safe_environment

NAMES = (
    "tqdm", "numpy", "cv2", "json", "socket", "random", "typing", "multiprocessing", "struct",
    "distributed", "dask", "rclpy", "yaml", "fer_ros", "mcap", "rosbags", "usercustomize",
    "sitecustomize", "runpy", "signal", "resource",
)  # fmt: skip
NODE = """
import sys, time
from pathlib import Path
from fer_ros.cli.node_process import NodeProcess
if __name__ == "__main__":
    with NodeProcess(sys.argv[1], {}, Path(sys.argv[2])) as node:
        end = time.monotonic() + 60
        while "sample" not in (said := node.log.read_text()) and "shown at" not in said:
            assert node.status is None and time.monotonic() < end, said
            time.sleep(0.1)
"""
SPAWN = """
import sys
sys.path.append(sys.argv[1])
import multiprocessing
from fer_ros.runtime.child import shield_children
if __name__ == "__main__":
    shield_children()
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        print(pool.map(abs, [-1, 4]))
"""
STARTED_WITH = ("fer_ros", "usercustomize", "sitecustomize", "runpy", "signal", "typing")
"""What Python's own ``-m`` imports before any module of ours."""


def write_photographs(folder: Path, count: int) -> None:
    for number in range(count):
        cv2.imwrite(str(folder / f"{number}.jpg"), np.zeros((32, 32, 3), np.uint8))


@pytest.fixture
def trapped(tmp_path):
    """A folder in which each module that is asked for leaves a trace when it is run."""
    folder = tmp_path / "trapped"
    folder.mkdir()
    for name in NAMES:
        code = f"open({str(tmp_path / 'trace')!r}, 'a').write({name!r})\n"
        (folder / f"{name}.py").write_text(code)
    yield folder
    trace = tmp_path / "trace"
    assert not trace.exists(), trace.read_text()


def run(script: Path, *words, cwd):
    return subprocess.run(
        [sys.executable, str(script), *map(str, words)],
        cwd=cwd, env={**os.environ, "PYTHONPATH": PYTHONPATH},
        capture_output=True, text=True, timeout=240, check=False,
    )  # fmt: skip


def test_evaluate_bags_and_its_workers(tmp_path, trapped):
    pytest.importorskip("distributed", reason="dask.distributed is not installed")
    pytest.importorskip("cryptography", reason="cryptography is not installed")
    make_bag(trapped / "visit", frames(2))
    script = tmp_path / "evaluate_bags"
    script.write_text("from fer_ros.cli.evaluate_bags import main\n\nraise SystemExit(main())\n")
    words = (".", "--out", tmp_path / "out", "--workers", 1, "--bag", "none")
    done = run(script, *words, cwd=trapped)
    assert done.returncode == 0, done.stderr


def test_predict_and_the_processes_that_read_many(tmp_path, trapped):
    write_photographs(trapped, 24)
    script = tmp_path / "predict"
    script.write_text(
        "from fer_ros.start import predict\n\n"
        "if __name__ == '__main__':\n    raise SystemExit(predict())\n"
    )
    done = run(script, ".", cwd=trapped)
    assert done.returncode == 0, done.stderr


def test_python_m(trapped):
    for name in STARTED_WITH:
        (trapped / f"{name}.py").unlink()
    write_photographs(trapped, 1)
    done = subprocess.run(
        [sys.executable, "-m", "fer_ros", "."], cwd=trapped,
        env={**os.environ, "PYTHONPATH": PYTHONPATH}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr


def test_what_multiprocessing_starts(tmp_path, trapped):
    """Also of Python 3.10, where no variable of the environment says so."""
    script = tmp_path / "start"
    script.write_text(SPAWN)
    for python in {sys.executable, *filter(None, [shutil.which("python3.10")])}:
        if subprocess.run([python, "-V"], capture_output=True, check=False).returncode:
            continue  # the name alone is there
        done = subprocess.run(
            [python, "-S", str(script), str(REPOSITORY)], cwd=trapped,
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert done.stdout == "[1, 4]\n", done.stderr


@pytest.mark.parametrize("node", ["video_source", "web_view"])
def test_the_nodes_of_demo_and_view(tmp_path, trapped, node):
    if node == "web_view":
        pytest.importorskip("aiohttp", reason="aiohttp is not installed")
    script = tmp_path / "node"
    script.write_text(NODE)
    done = run(script, node, tmp_path, cwd=trapped)
    assert done.returncode == 0, done.stderr


def test_an_empty_entry_of_pythonpath_is_not_handed_on(trapped, monkeypatch):
    monkeypatch.setenv("PYTHONPATH", f"{PYTHONPATH}::relative:")
    assert safe_environment()["PYTHONPATH"].split(":") == PYTHONPATH.split(":")
    done = subprocess.run(
        python_command("fer_ros.nodes.video_source", "--help"), cwd=trapped,
        env=safe_environment(), capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr


def test_no_command_of_ours_starts_python_by_m_or_c_alone():
    """But for what is run in the repository, where the current folder is the program."""
    for folder in ("fer_ros", "launch", "examples", "training/fer_training"):
        for path in (REPOSITORY / folder).rglob("*.py"):
            if path.name != "child.py":
                assert not re.search(r"sys\.executable, *\"-[mc]\"", path.read_text("utf-8")), path


def test_what_we_tell_to_type_leaves_no_empty_entry():
    pages = [*REPOSITORY.glob("*.md"), *(REPOSITORY / "docs").rglob("*.md")]
    pages += [*(REPOSITORY / ".github").rglob("*.yml"), *(REPOSITORY / "training").glob("*.md")]
    for page in pages:
        if page.is_file():
            text = page.read_text("utf-8", "replace")
            for found in re.finditer(r"(\$\w*PATH:|[^+]:\$\{?\w*PATH\b)", text):
                assert ":$PATH" in found[0], f"{page}: {found[0]}"
