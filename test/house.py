# SPDX-License-Identifier: Apache-2.0
"""The house as it stands: which room of fer_ros imports which, read from the code.

``python test/house.py`` prints the map that CONTRIBUTING.md shows; test_house.py holds it to the
rules: arrows point downwards alone, in no circle, and no two modules bear one name.
"""

import ast
from pathlib import Path

PACKAGE = Path(__file__).parents[1] / "fer_ros"
FLOORS = (
    ("images", "sources", "emotions.classes", "result", "stamp_clock", "command_line"),
    ("faces", "emotions", "observation", "face_geometry"),
    ("pipeline", "drawing", "reactions", "emotion_message"),
    ("parameters", "bags"),
    ("evaluation", "nodes"),
    ("web",),
    ("cli",),
)
"""The rooms of each floor, the ground floor first: what a room imports lies below it or beside."""
MADE = ("msg", "srv")  # by the build


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


def arrows() -> dict[str, set[str]]:
    """For each room the other rooms that it imports."""
    found = {room: set() for floor in FLOORS for room in floor}
    known = set(modules())
    for module in known - {"__init__"}:
        for target in _imports(module, known):
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


def _imports(module, known):
    """What a module imports of fer_ros, wherever in it."""
    path = PACKAGE.joinpath(*module.split("."))
    path = path / "__init__.py" if path.is_dir() else path.with_suffix(".py")
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            yield from (a.name[8:] for a in node.names if a.name.startswith("fer_ros."))
        elif isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == "fer_ros":
            base = node.module[8:]
            for alias in node.names:
                inner = f"{base}.{alias.name}" if base else alias.name
                yield inner if inner in known or not base else base


if __name__ == "__main__":
    print(render())
