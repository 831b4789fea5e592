# SPDX-License-Identifier: Apache-2.0
"""The pip road: runs the CMake project that colcon runs, and packs what it installs into a wheel.

Use ``pip install --no-deps --no-build-isolation .`` inside the environment that holds ROS 2: the
messages are compiled against it, so the wheel belongs to that environment's ROS and Python.
"""

import os
import shutil
import subprocess
import sys
import zlib
from pathlib import Path

from setuptools import Extension, setup
from setuptools.command.build_ext import build_ext

SOURCE = Path(__file__).parent.resolve()


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


setup(
    packages=[],
    ext_modules=[Extension("fer_ros.msg", sources=[])],
    cmdclass={"build_ext": CMakeBuild},
)
