# SPDX-License-Identifier: Apache-2.0
"""The wheel without ROS: what is in it, and that it works where there is none."""

import os
import subprocess
import sys
import sysconfig
import zipfile
from pathlib import Path

import cv2
import pytest
from source_files import REPOSITORY

from fer_ros.inference.shipped import SHIPPED
from fer_ros.sources.sample import Sample

pytestmark = [
    pytest.mark.ros,  # what is asked is what such a wheel is beside ROS, and without it
    pytest.mark.skipif(
        not Path(sysconfig.get_path("purelib"), "numpy").is_dir(),
        reason="NumPy was not installed by pip into this Python",
    ),
]
BORROWED = (
    "numpy",
    "cv2",
    "opencv",
    "ai_edge_litert",
    "flatbuffers",
    "tqdm",
    "backports",
    "ml_dtypes",
)
"""Beginnings of the names of what the library needs, and of the folders of their libraries."""
COMMANDS = {"fer_ros-predict", "fer_ros-evaluate_bag", "fer_ros-evaluate_bags"}


def without_ros(**variables) -> dict[str, str]:
    """The environment of a shell in which no ROS is sourced."""
    hidden = ("AMENT_", "CMAKE_PREFIX", "PYTHONPATH", "LD_LIBRARY_PATH", "ROS_", "_ROS")
    return {k: v for k, v in os.environ.items() if not k.startswith(hidden)} | variables


def run(*command, **options) -> subprocess.CompletedProcess:
    options = {"env": without_ros(), "cwd": "/", "text": True, "capture_output": True} | options
    return subprocess.run([str(word) for word in command], check=False, **options)


def done(*command, **options) -> str:
    """Standard output of a command that succeeds."""
    result = run(*command, **options)
    assert result.returncode == 0, result.stdout + result.stderr
    return result.stdout


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    """The pure wheel, built in a shell that has ROS."""
    folder = tmp_path_factory.mktemp("wheel")
    pip = [sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check", "wheel"]
    options = ["--no-deps", "--no-build-isolation", "--no-index", "-w", folder]
    environment = os.environ | {"FER_ROS_PURE": "1", "AMENT_PREFIX_PATH": sys.prefix}
    left = REPOSITORY / "build/lib/fer_ros/left_by_another_build.py"
    left.parent.mkdir(parents=True, exist_ok=True)
    left.touch()
    done(*pip, *options, REPOSITORY, env=environment)
    (path,) = folder.glob("*.whl")
    return path


@pytest.fixture(scope="module")
def python(wheel, tmp_path_factory):
    """A Python with the wheel, NumPy, OpenCV and LiteRT, and no ROS."""
    folder = tmp_path_factory.mktemp("environment")
    done(sys.executable, "-m", "venv", folder)
    python = folder / "bin/python"
    site = Path(
        done(python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))").strip()
    )
    for part in Path(sysconfig.get_path("purelib")).iterdir():
        if part.name.lower().startswith(BORROWED):
            (site / part.name).symlink_to(part)
    pip = [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    done(*pip, "--no-deps", "--no-index", wheel)
    return python


def test_what_is_in_it(wheel):
    assert wheel.name.endswith("-py3-none-any.whl")
    with zipfile.ZipFile(wheel) as packed:
        names = set(packed.namelist())
        (metadata,) = (n for n in names if n.endswith(".dist-info/METADATA"))
        text = packed.read(metadata).decode()
    assert {f"fer_ros/models/{name}" for name in SHIPPED} <= names
    assert {"fer_ros/py.typed", "fer_ros/models/emotion_mobilenet_v2.json"} <= names
    licences = [p.name for p in REPOSITORY.glob("LICENSES/*")]
    assert all(any(n.endswith(f"licenses/LICENSES/{file}") for n in names) for file in licences)
    assert "fer_ros/left_by_another_build.py" not in names
    required = [line for line in text.splitlines() if line.startswith("Requires-Dist")]
    (opencv,) = (line for line in required if "opencv" in line)
    assert opencv.startswith("Requires-Dist: opencv-python-headless>=")
    assert "<" not in opencv
    assert "fer_ros/msg/__init__.py" in names
    assert not (REPOSITORY / "fer_ros/msg").exists(), "there it would hide the generated package"


def test_it_reads_a_picture(python, tmp_path):
    cv2.imwrite(str(tmp_path / "face.png"), Sample()[0])
    program = (
        "import fer_ros; print(fer_ros.FaceReader().read('face.png').to_records()[0]['label'])"
    )
    assert done(python, "-c", program, cwd=tmp_path).strip() == "joy"
    table = done(python.with_name("fer_ros-predict"), "face.png", cwd=tmp_path)
    assert "joy" in table.splitlines()[1]
    assert "joy" in done(python, "-m", "fer_ros", "--csv", "face.png", cwd=tmp_path)


def test_every_command_in_it_starts(python):
    commands = {file.name for file in python.parent.glob("fer_ros*")}
    assert commands == COMMANDS
    for name in commands:
        assert "usage" in done(python.with_name(name), "--help")


def test_the_messages_say_what_they_need(python):
    for module in ("msg", "srv"):
        found = run(python, "-c", f"import fer_ros.{module}")
        last = found.stderr.strip().splitlines()[-1]
        assert last.startswith(f"ImportError: fer_ros.{module} needs ROS 2")


@pytest.mark.parametrize("source_first", [False, True])
def test_the_real_messages_are_found_before_the_stub(python, source_first):
    """That of the wheels before a pure one on the path, and the source tree before both."""
    pure = done(python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))").strip()
    real = sysconfig.get_path("purelib")
    path = [*([str(REPOSITORY)] if source_first else []), real, pure]
    program = "import fer_ros, fer_ros.msg as m; print(fer_ros.__file__); m.EmotionArray"
    environment = dict(os.environ, PYTHONPATH=os.pathsep.join(path))
    first = done(sys.executable, "-c", program, env=environment).splitlines()[-1]
    assert Path(first).parents[1] == Path(path[0])


def test_where_ros_is_a_build_that_fails_is_no_pure_wheel(tmp_path):
    """AMENT_PREFIX_PATH is set and nothing lies there."""
    pip = [sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check", "wheel"]
    options = ["--no-deps", "--no-build-isolation", "--no-index", "-w", tmp_path, REPOSITORY]
    environment = without_ros(AMENT_PREFIX_PATH="/nowhere", PATH="/nowhere")
    assert run(*pip, *options, env=environment).returncode != 0
    assert not list(tmp_path.iterdir())
