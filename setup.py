# SPDX-License-Identifier: Apache-2.0
"""The pip road, with ROS or without.

Where ROS is, this runs the CMake project that colcon runs and packs what it installs into a wheel:
``pip install --no-deps --no-build-isolation .`` inside the environment that holds ROS 2, since the
messages are compiled against it. Elsewhere, or with ``FER_ROS_PURE=1``, the wheel is pure: the
library, its models and the commands that need no ROS.
"""

import os
import shutil
import subprocess
import sys
import zlib
from pathlib import Path

from setuptools import Distribution, Extension, find_packages, setup
from setuptools.command.build_ext import build_ext
from setuptools.command.build_py import build_py

SOURCE = Path(__file__).parent.resolve()
GENERATORS = Path(sys.prefix, "share", "rosidl_default_generators")
IS_PURE = os.environ.get("FER_ROS_PURE") == "1" or not (
    os.environ.get("AMENT_PREFIX_PATH") or GENERATORS.is_dir()
)
WITHOUT_ROS = ("predict", "evaluate_bag", "evaluate_bags")
"""The commands that start without ROS."""
REQUIRED = (
    "numpy>=1.23",
    "opencv-python-headless>=4.6",
    "tqdm",
    # Where it has wheels; elsewhere OpenCV, or ONNX Runtime, runs the networks.
    "ai-edge-litert>=2.0; python_version < '3.14' and ("
    "sys_platform == 'linux' and platform_machine in 'x86_64 aarch64' or "
    "sys_platform == 'darwin' and platform_machine == 'arm64')",
)
STUB = """# Written by setup.py into the wheel without ROS.
raise ImportError(
    "fer_ros.{name} needs ROS 2, and this fer_ros was installed without it: source ROS, then build "
    "fer_ros with colcon or pip (docs/install.md)"
)
"""


class CMakeBuild(build_ext):
    """Builds with CMake; its Python package becomes the wheel's, all else the wheel's data."""

    def run(self):
        environment = self._ros_environment()
        # One build directory for each set of ROS prefixes: kept, so that the next build is short.
        key = f"{zlib.crc32(environment['AMENT_PREFIX_PATH'].encode()):08x}"
        build = Path(self.build_temp).resolve() / key
        stage = build / "stage"
        shutil.rmtree(stage, ignore_errors=True)
        for command in (
            ["cmake", "-S", SOURCE, "-B", build, "-DBUILD_TESTING=OFF",
             "-DCMAKE_BUILD_TYPE=Release", f"-DCMAKE_INSTALL_PREFIX={stage}",
             f"-DPython3_EXECUTABLE={sys.executable}"],
            ["cmake", "--build", build, "--parallel", str(os.cpu_count())],
            ["cmake", "--install", build],
        ):  # fmt: skip
            subprocess.run(command, check=True, env=environment)

        package = next(stage.glob("**/fer_ros/msg/__init__.py")).parent.parent
        target = Path(self.build_lib) / "fer_ros"
        shutil.rmtree(target, ignore_errors=True)
        shutil.copytree(package, target, ignore=shutil.ignore_patterns("*.c"))
        shutil.rmtree(package.parent)  # site-packages: the package and rosidl's own egg-info
        self.distribution.data_files = [
            (os.path.relpath(folder, stage), [f"{folder}/{name}" for name in files])
            for folder, _, files in os.walk(stage)
            if files
        ]

    @staticmethod
    def _ros_environment():
        """The caller's environment; where no ROS was sourced, this Python's own prefix is ROS."""
        environment = dict(os.environ)
        environment.setdefault("AMENT_PREFIX_PATH", sys.prefix)
        environment.setdefault("CMAKE_PREFIX_PATH", environment["AMENT_PREFIX_PATH"])
        return environment


class PureBuild(build_py):
    """The Python files alone, and in the place of the messages what says that they are missing.

    That is written here and not kept among the sources, where it would hide the messages that a
    build with ROS generates.
    """

    def run(self):
        if self.editable_mode:  # the sources themselves, among which no stub may lie
            super().run()
            return
        shutil.rmtree(self.build_lib, ignore_errors=True)  # what another build left there
        super().run()
        for name in ("msg", "srv"):
            folder = Path(self.build_lib, "fer_ros", name)
            folder.mkdir()
            (folder / "__init__.py").write_text(STUB.format(name=name))


class StartedDistribution(Distribution):
    """Its executables begin in fer_ros.start, which imports the module that setup.cfg names."""

    def parse_config_files(self, *args, **kwargs):
        super().parse_config_files(*args, **kwargs)
        scripts = [script.partition(" =")[0] for script in self.entry_points["console_scripts"]]
        starts = [f"{name} = fer_ros.start:{name.removeprefix('fer_ros-')}" for name in scripts]
        self.entry_points["console_scripts"] = starts


class PureDistribution(StartedDistribution):
    """With those of setup.cfg's executables alone that start without ROS."""

    def parse_config_files(self, *args, **kwargs):
        super().parse_config_files(*args, **kwargs)
        wanted = tuple(f"fer_ros-{name} =" for name in WITHOUT_ROS)
        scripts = self.entry_points["console_scripts"]
        self.entry_points["console_scripts"] = [s for s in scripts if s.startswith(wanted)]


def pure():
    """What ``setup`` is told of the wheel without ROS."""
    files = [f.relative_to("fer_ros") for f in Path("fer_ros").rglob("*") if f.is_file()]
    data = [str(f) for f in files if f.suffix not in (".py", ".pyc")]
    definitions = [
        (f"share/fer_ros/{kind}", sorted(map(str, Path(kind).glob(f"*.{kind}"))))
        for kind in ("msg", "srv")
    ]
    return {
        "distclass": PureDistribution,
        "packages": find_packages(include=["fer_ros", "fer_ros.*"]),
        "package_data": {"fer_ros": data},
        "data_files": definitions,  # of bags that are read without ROS
        "install_requires": REQUIRED,
        "cmdclass": {"build_py": PureBuild},
    }


def with_ros():
    """What ``setup`` is told of the wheel with ROS."""
    return {
        "distclass": StartedDistribution,
        "packages": [],
        "ext_modules": [Extension("fer_ros.msg", sources=[])],
        "cmdclass": {"build_ext": CMakeBuild},
    }


setup(**pure() if IS_PURE else with_ros())
