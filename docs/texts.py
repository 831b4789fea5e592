# SPDX-License-Identifier: Apache-2.0
"""Every text that users meet, by kind and place: to read them all, or before and after a change.

    python docs/texts.py > after.txt
    git worktree add ../before 1.0.0 && python docs/texts.py ../before > before.txt
    diff before.txt after.txt

Kinds: help (argparse), log (loggers and diagnostics), error (what is raised or printed to stderr),
parameter (descriptions), page (both languages of the web view).
"""

import argparse
import ast
import json
from collections.abc import Iterator
from pathlib import Path

CALLS = {
    "help": {"add_argument", "add_parser", "ArgumentParser"},
    "log": {"debug", "info", "warning", "warn", "error", "fatal", "problem", "failed"},
    "error": {"print", "exit", "SystemExit"},
    "parameter": {"Parameter", "Setting", "DeclareLaunchArgument"},
}
FOLDERS = ("fer_ros", "training/fer_training", "launch", "examples")


def text_of(node: ast.AST) -> str | None:
    """A string as written, what is put into it as {...}; None where it is none."""
    match node:
        case ast.Constant(value=str(text)):
            return text
        case ast.JoinedStr(values=parts):
            return "".join(
                text_of(p) or f"{{{ast.unparse(getattr(p, 'value', p))}}}" for p in parts
            )
        case ast.BinOp(left=left, op=ast.Add() | ast.Mod(), right=right):
            return "".join(filter(None, map(text_of, (left, right))))
    return None


def kind_of(call: ast.Call, raised: set[int]) -> str | None:
    """What a call does with its texts; None: nothing that users see."""
    name = getattr(call.func, "attr", getattr(call.func, "id", ""))
    if id(call) in raised:
        return "error"
    return next((kind for kind, names in CALLS.items() if name in names), None)


def texts(path: Path) -> Iterator[tuple[str, int, str]]:
    """Kind, line and text of each, in the order of the file."""
    tree = ast.parse(path.read_text("utf-8"))
    raised = {id(n.exc) for n in ast.walk(tree) if isinstance(n, ast.Raise)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and (kind := kind_of(node, raised)):
            for given in (*node.args, *(k.value for k in node.keywords)):
                if (text := text_of(given)) and " " in text.strip():
                    yield kind, node.lineno, " ".join(text.split())


def main() -> None:
    """Print them, a line each: kind, file, text."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    here = Path(__file__).resolve().parents[1]
    parser.add_argument("root", type=Path, nargs="?", default=here, help="another checkout")
    root = parser.parse_args().root
    found = set()
    for folder in FOLDERS:
        for path in sorted((root / folder).rglob("*.py")):
            name = path.relative_to(root)
            found |= {f"{kind}\t{name}\t{text}" for kind, _, text in texts(path)}
    for path in sorted(root.glob("fer_ros/**/words.json")):
        for language, words in json.loads(path.read_text("utf-8")).items():
            found |= {f"page\t{language}\t{text}" for text in words.values() if " " in text}
    print(*sorted(found), sep="\n")


if __name__ == "__main__":
    main()
