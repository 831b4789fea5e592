# SPDX-License-Identifier: Apache-2.0
"""What the tests read from the source tree."""

import ast
import configparser
from pathlib import Path

REPOSITORY = Path(__file__).parents[1]
SOURCES = sorted(REPOSITORY.glob("fer_ros/**/*.py"))


def console_scripts() -> dict[str, str]:
    """{"emotion_node": "fer_ros.nodes.emotion_node:main", ...} as setup.cfg lists them."""
    config = configparser.ConfigParser()
    config.read(REPOSITORY / "setup.cfg")
    lines = config["options.entry_points"]["console_scripts"].split("\n")
    scripts = dict(line.split(" = ") for line in lines if line)
    assert all(name.startswith("fer_ros-") for name in scripts), "bin/ is shared: name the package"
    return {name.removeprefix("fer_ros-"): target for name, target in scripts.items()}


def imported(file: Path) -> set[str]:
    """All absolute imports of a file, wherever in it they stand."""
    modules = set()
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Import):
            modules.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            modules.add(node.module)
    return modules


def imported_packages(file: Path) -> set[str]:
    """Their first names."""
    return {module.partition(".")[0] for module in imported(file)}
