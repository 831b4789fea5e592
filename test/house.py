# SPDX-License-Identifier: Apache-2.0
"""The house as it stands: which room of fer_ros imports which, read from the code.

``python test/house.py`` prints the map that CONTRIBUTING.md shows, with ``--files`` that of the
single modules; test_house.py holds both to the rules: arrows point downwards alone, in no circle,
and no two modules bear one name.
"""

import ast
import re
import sys
from collections.abc import Iterator
from pathlib import Path

PACKAGE = Path(__file__).parents[1] / "fer_ros"
FLOORS = (
    ("images", "sources", "inference", "runtime", "start", "lines"),
    ("emotions.classes", "stamp_clock", "command_line"),
    ("result",),
    ("faces", "emotions", "observation", "face_geometry"),
    ("interaction", "drawing", "emotion_message"),
    ("pipeline",),
    ("parameters",),
    ("reader", "bags"),
    ("evaluation", "nodes", "launching"),
    ("web",),
    ("cli",),
    ("__main__",),
)
"""The rooms of each floor, the ground floor first: what a room imports lies below it or beside."""
MADE = ("msg", "srv")  # by the build
ROS = re.compile(
    r"^ *(from|import) (rclpy|rcl_|\w+_msgs|std_srvs|builtin_interfaces|ament_index|launch)", re.M
)


def modules() -> list[str]:
    """The modules' names within fer_ros, such as ``nodes.sinks.base``."""
    paths = (p.relative_to(PACKAGE).with_suffix("") for p in PACKAGE.rglob("*.py"))
    return sorted(".".join(p.parts).removesuffix(".__init__") for p in paths)


def room_of(module: str) -> str:
    """The room of a module of fer_ros; empty for the package itself and what the build makes.

    Raises LookupError for one that no floor names.
    """
    if module in ("", "__init__", "__version__") or module.partition(".")[0] in MADE:
        return ""
    rooms = {room for floor in FLOORS for room in floor}
    if module in rooms:
        return module
    room = module.partition(".")[0]
    if room in rooms:
        return room
    raise LookupError(f"fer_ros.{module} is on no floor: see FLOORS in test/house.py")


def file_arrows() -> dict[str, set[str]]:
    """For each module the other modules that it imports, wherever in it."""
    known = set(modules())
    return {
        module: set(imports_of(path_of(module), known)) & known - {module}
        for module in known - {"__init__"}
    }


def arrows() -> dict[str, set[str]]:
    """For each room the other rooms that it imports."""
    found = {room: set() for floor in FLOORS for room in floor}
    for module, targets in file_arrows().items():
        for target in targets:
            if (room := room_of(target)) and room != room_of(module):
                found[room_of(module)].add(room)
    return found


def floor_of(room: str) -> int:
    """The number of a room's floor, 0 for the ground floor."""
    return next(n for n, floor in enumerate(FLOORS) if room in floor)


def render() -> str:
    """The map as a Markdown table, the top floor first."""
    found = arrows()
    lines = ["| floor | room | imports |", "|---|---|---|"]
    for number, floor in reversed(list(enumerate(FLOORS))):
        for room in floor:
            below = sorted(found[room], key=lambda r: (-floor_of(r), r))
            lines.append(f"| {number} | `{room}` | {', '.join(below)} |")
    return "\n".join(lines)


def render_files() -> str:
    """The map of the single modules, the top floor first: a line each, with what it imports."""
    found = file_arrows()
    order = sorted(found, key=lambda m: (-floor_of(room_of(m)), m))
    return "\n".join(f"{floor_of(room_of(m))} {m}: {' '.join(sorted(found[m]))}" for m in order)


def path_of(module: str) -> Path:
    """Its file."""
    path = PACKAGE.joinpath(*module.split("."))
    return path / "__init__.py" if path.is_dir() else path.with_suffix(".py")


def imports_ros(module: str) -> bool:
    """Whether it imports rclpy or messages itself."""
    return bool(ROS.search(path_of(module).read_text("utf-8")))


def imports_of(path: Path, known: set[str]) -> Iterator[str]:
    """What a file imports of fer_ros, wherever in it."""
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            yield from (a.name[8:] for a in node.names if a.name.startswith("fer_ros."))
        elif isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == "fer_ros":
            base = node.module[8:]
            for alias in node.names:
                inner = f"{base}.{alias.name}" if base else alias.name
                yield inner if inner in known or not base else base


if __name__ == "__main__":
    print(render_files() if "--files" in sys.argv else render())
