# SPDX-License-Identifier: Apache-2.0
"""Builds message packages that no wheel has, for the tests of what is optional.

``python test/build_messages.py PREFIX PACKAGE...``: each PACKAGE is a folder that is named as its
package and holds ``msg/``, or the name of one whose definitions rosbags ships (tf2_msgs);
afterwards ``FER_ROS_MESSAGES=PREFIX`` lets the tests use them. On an apt ROS they are packages:
ros-jazzy-hri-msgs, ros-jazzy-vision-msgs, ros-jazzy-tf2-msgs.
"""

import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

CMAKE = """
cmake_minimum_required(VERSION 3.20)
project({name})
find_package(ament_cmake REQUIRED)
find_package(rosidl_default_generators REQUIRED)
foreach(package IN ITEMS {needs})
  find_package(${{package}} REQUIRED)
endforeach()
get_directory_property(imported_targets IMPORTED_TARGETS)
foreach(target IN LISTS imported_targets)
  get_target_property(directories ${{target}} INTERFACE_INCLUDE_DIRECTORIES)
  if(directories)
    list(FILTER directories EXCLUDE REGEX "^/opt/python/")
    set_target_properties(${{target}} PROPERTIES INTERFACE_INCLUDE_DIRECTORIES "${{directories}}")
  endif()
endforeach()
set(CMAKE_INSTALL_RPATH "$ORIGIN;{prefix}/lib")
rosidl_generate_interfaces({name} {files} DEPENDENCIES {needs})
ament_package()
"""
PACKAGE = """<package format="3"><name>{name}</name><version>0.0.0</version>
<description>Messages</description><license>BSD</license>
<maintainer email="none@example.org">none</maintainer>
<buildtool_depend>ament_cmake</buildtool_depend>
<member_of_group>rosidl_interface_packages</member_of_group>
<export><build_type>ament_cmake</build_type></export></package>"""


def build(prefix: Path, folder: Path) -> None:
    """Build and install the messages of one package."""
    files = sorted(f"msg/{file.name}" for file in folder.glob("msg/*.msg"))
    text = "".join((folder / file).read_text() for file in files)
    found = set(re.findall(r"^(\w+)/\w+", text, re.MULTILINE)) - {folder.name}
    needs = " ".join(sorted(found | ({"std_msgs"} if re.search(r"^Header", text, re.M) else set())))
    with tempfile.TemporaryDirectory() as name:
        source = Path(name)
        shutil.copytree(folder / "msg", source / "msg")
        words = {"name": folder.name, "files": " ".join(files), "needs": needs}
        (source / "CMakeLists.txt").write_text(CMAKE.format(prefix=prefix, **words))
        (source / "package.xml").write_text(PACKAGE.format(**words))
        environment = dict(os.environ)
        environment.setdefault("AMENT_PREFIX_PATH", sys.prefix)
        environment.setdefault("CMAKE_PREFIX_PATH", environment["AMENT_PREFIX_PATH"])
        configure = f"-DPython3_EXECUTABLE={sys.executable}", f"-DCMAKE_INSTALL_PREFIX={prefix}"
        for command in (
            ["cmake", "-S", source, "-B", source / "build", "-DBUILD_TESTING=OFF", *configure],
            ["cmake", "--build", source / "build", "--parallel"],
            ["cmake", "--install", source / "build"],
        ):
            subprocess.run(command, check=True, env=environment)


def write_definitions(folder: Path) -> None:
    """Write the messages of the package that the folder is named as, from rosbags' definitions."""
    from rosbags.typesys import Stores, get_typestore

    store = get_typestore(Stores.ROS2_JAZZY)
    kinds = [kind for kind in store.fielddefs if kind.startswith(f"{folder.name}/msg/")]
    if not kinds:
        sys.exit(f"{folder.name}: no such folder, nor such a package in rosbags")
    (folder / "msg").mkdir(parents=True)
    for kind in kinds:
        definition, _ = store.generate_msgdef(kind, ros_version=2)  # with those it refers to
        own = definition.partition("=" * 80)[0]
        (folder / "msg" / f"{kind.rpartition('/')[2]}.msg").write_text(own)


def main(prefix: Path, packages: list[str]) -> None:
    """Build the packages, folders or names, into the prefix."""
    for package in packages:
        with tempfile.TemporaryDirectory() as name:
            folder = Path(package).resolve()
            if not folder.is_dir():
                folder = Path(name, package)
                write_definitions(folder)
            build(prefix, folder)


if __name__ == "__main__":
    main(Path(sys.argv[1]).resolve(), sys.argv[2:])
