# SPDX-License-Identifier: Apache-2.0
"""Both roads into an installation, colcon and pip, and what their descriptions promise."""

import ast
import os
import re
import shutil
import subprocess
import sys
import xml.etree.ElementTree as ElementTree
from importlib.util import find_spec
from pathlib import Path

import pytest
from source_files import REPOSITORY, SOURCES, console_scripts, imported_packages

import fer_ros

# Imports that package.xml declares under the name of rosdep's key.
ROSDEP_KEYS = {
    "aiohttp": "python3-aiohttp",
    "cv2": "python3-opencv",
    "numpy": "python3-numpy",
    "tqdm": "python3-tqdm",
    "yaml": "python3-yaml",
}
# From PyPI, where they are wished for: LiteRT, the demo's video, what reads and writes bags.
PYPI = {"ai_edge_litert", "av", "dask", "distributed", "lz4", "mcap", "rosbags", "zstandard"}
# Used where they are installed, never required.
OPTIONAL = {"hri_msgs", "keras", "onnxruntime", "tensorflow", "vision_msgs"}
# Declared, though no Python module imports them.
RUNTIME_ONLY = {"python3-cryptography", "ros2bag", "rosidl_default_runtime", "usb_cam"}

USE_THE_INSTALLATION = """
import rclpy
from ament_index_python.packages import get_package_share_directory
from fer_ros.msg import EmotionArray, FaceEmotion
rclpy.init()
node = rclpy.create_node("packaging_test")
node.create_publisher(EmotionArray, "packaging_test", 1)  # loads the compiled type support
print(get_package_share_directory("fer_ros"))
"""


def run(*command, **variables) -> str:
    """Standard output of a command that must succeed; it runs outside the source tree."""
    environment = {**os.environ, **variables}
    environment.setdefault("AMENT_PREFIX_PATH", sys.prefix)
    environment.setdefault("CMAKE_PREFIX_PATH", environment["AMENT_PREFIX_PATH"])
    result = subprocess.run(
        [str(word) for word in command],
        env=environment,
        cwd="/",
        text=True,
        capture_output=True,
        check=False,  # the assertion below shows what the command said
    )
    assert result.returncode == 0, result.stdout + result.stderr
    return result.stdout


def check_installation(prefix: Path):
    """Looks for everything that ros2 run, ros2 launch and ros2 interface look for."""
    executables = prefix / "lib/fer_ros"
    assert {file.name for file in executables.iterdir()} == set(console_scripts())
    assert all(os.access(file, os.X_OK) for file in executables.iterdir())

    share = prefix / "share/fer_ros"
    assert (prefix / "share/ament_index/resource_index/packages/fer_ros").is_file()
    assert (share / "package.xml").is_file()
    for file in (*REPOSITORY.glob("msg/*.msg"), *REPOSITORY.glob("srv/*.srv")):
        assert (share / file.relative_to(REPOSITORY)).read_bytes() == file.read_bytes()
    assert names(share / "launch") == names(REPOSITORY / "launch")
    assert names(share / "config") == names(REPOSITORY / "config")
    assert names(share / "examples") == names(REPOSITORY / "examples")
    package = next(prefix.glob("lib/**/fer_ros/msg")).parent
    source = REPOSITORY / "fer_ros"
    for file in source.rglob("*"):
        if file.is_file() and "__pycache__" not in file.parts:
            assert (package / file.relative_to(source)).read_bytes() == file.read_bytes()


def names(folder: Path) -> set[str]:
    return {file.name for file in folder.glob("*.*") if file.suffix != ".pyc"}


@pytest.mark.ros
@pytest.mark.timeout(300)
def test_colcon(tmp_path):
    beside_python = Path(sys.executable).with_name("colcon")
    colcon = beside_python if beside_python.exists() else shutil.which("colcon")
    if colcon is None:
        pytest.skip("colcon is not installed")
    run(
        colcon, "--log-base", tmp_path / "log", "build", "--symlink-install",
        "--base-paths", REPOSITORY, "--packages-select", "fer_ros",
        "--build-base", tmp_path / "build", "--install-base", tmp_path / "install",
        "--cmake-args", "-DBUILD_TESTING=OFF", f"-DPython3_EXECUTABLE={sys.executable}",
    )  # fmt: skip
    prefix = tmp_path / "install/fer_ros"
    check_installation(prefix)
    module = next(prefix.glob("lib/**/site-packages/fer_ros/pipeline.py"))
    assert module.resolve() == REPOSITORY / "fer_ros/pipeline.py", "edits should take effect"

    share = run(
        "bash", "-c", 'source "$0/setup.bash" && exec "$1" -c "$2"',
        tmp_path / "install", sys.executable, USE_THE_INSTALLATION,
    )  # fmt: skip
    assert share.strip() == str(prefix / "share/fer_ros")


@pytest.mark.ros
@pytest.mark.timeout(300)
def test_wheel(tmp_path):
    pip = (sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check")
    run(*pip, "wheel", "--no-deps", "--no-build-isolation", "-w", tmp_path, REPOSITORY)
    (wheel,) = tmp_path.glob("fer_ros-*.whl")
    prefix = tmp_path / "prefix"
    run(*pip, "install", "--no-deps", "--ignore-installed", "--prefix", prefix, wheel)
    check_installation(prefix)
    assert {file.name for file in (prefix / "bin").iterdir()} == {
        f"fer_ros-{name}" for name in console_scripts()
    }

    site_packages = next(prefix.glob("lib/**/fer_ros/msg")).parents[1]
    share = run(
        sys.executable, "-c", USE_THE_INSTALLATION,
        PYTHONPATH=str(site_packages),
        AMENT_PREFIX_PATH=f"{prefix}:{os.environ.get('AMENT_PREFIX_PATH', sys.prefix)}",
        LD_LIBRARY_PATH=f"{prefix}/lib:{os.environ.get('LD_LIBRARY_PATH', '')}",
    )  # fmt: skip
    assert share.strip() == str(prefix / "share/fer_ros")


@pytest.mark.parametrize(("name", "target"), console_scripts().items())
def test_executable_exists(name, target):
    module, function = target.split(":")
    file = REPOSITORY / (module.replace(".", "/") + ".py")
    defined = {node.name for node in ast.parse(file.read_text()).body if hasattr(node, "name")}
    assert function in defined


def test_dependencies_are_those_imported():
    declared = {
        element.text
        for element in ElementTree.parse(REPOSITORY / "package.xml").getroot()
        if element.tag in ("depend", "exec_depend")
    }
    files = [*SOURCES, *REPOSITORY.glob("launch/*.py")]
    imported = set().union(*map(imported_packages, files)) - sys.stdlib_module_names - {"fer_ros"}
    needed = {ROSDEP_KEYS.get(name, name) for name in imported - PYPI - OPTIONAL}
    assert needed == declared - RUNTIME_ONLY


def test_one_version():
    package = ElementTree.parse(REPOSITORY / "package.xml").getroot()
    assert package.findtext("version") == fer_ros.__version__


@pytest.mark.ros
def test_bloom_can_read_the_changelog():
    from catkin_pkg.changelog import get_changelog_from_path

    version, date, items = next(get_changelog_from_path(REPOSITORY).foreach_version(reverse=True))
    assert version == fer_ros.__version__
    assert date is not None
    assert len(items[0].bullets) > 5
    titles = re.findall(r"^(\S.*)\n-+$", (REPOSITORY / "CHANGELOG.rst").read_text(), re.MULTILINE)
    assert titles.index(f"{version} ({date:%Y-%m-%d})") == int(titles[0] == "Forthcoming")


def test_the_repositorys_address_stands_where_a_release_replaces_it():
    address = ElementTree.parse(REPOSITORY / "package.xml").getroot().findtext("url")
    files = [f for p in ("*", "docs/*", ".github/**/*") for f in REPOSITORY.glob(p) if f.is_file()]
    named = {f.name for f in files if address in f.read_text(errors="ignore")}
    assert named == {"package.xml", "README.md", "release.md"}


@pytest.mark.ros
def test_messages_come_with_the_source_tree():
    assert Path(fer_ros.__file__).parent == REPOSITORY / "fer_ros"
    assert find_spec("fer_ros.msg") is not None
