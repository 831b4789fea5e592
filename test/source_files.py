# SPDX-License-Identifier: Apache-2.0
"""What the tests read from the source tree."""

import ast
import configparser
from collections.abc import Iterator
from pathlib import Path

REPOSITORY = Path(__file__).parents[1]
TESTS = REPOSITORY / "test"
MADE = ("fer_ros.msg", "fer_ros.srv")  # by the build
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


def needs(file: Path, seen: set[Path] | None = None) -> set[str]:
    """The first names of all that a file imports as it is imported itself: those of the modules of
    fer_ros and of the tests that it goes through too.
    """
    seen = set() if seen is None else seen
    found: set[str] = set()
    for module in _imported_at_once(ast.parse(file.read_text())):
        path = REPOSITORY.joinpath(*module.split("."))
        for own in (path.with_suffix(".py"), path / "__init__.py", TESTS / f"{module}.py"):
            if own.is_file() and own not in seen:
                seen.add(own)
                found |= needs(own, seen)
        found.add("fer_ros.msg" if module.startswith(MADE) else module.partition(".")[0])
    return found


def _imported_at_once(tree: ast.AST) -> Iterator[str]:
    """The modules, and what may be modules of them, that are imported outside of functions."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)
        elif not isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            yield from _imported_at_once(node)
