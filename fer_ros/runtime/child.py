# SPDX-License-Identifier: Apache-2.0
"""Python once more, for a module of this package, with nothing of the current folder.

``python -m`` and ``-c`` look into the folder that the command was typed in before all others, so
that a ``tqdm.py`` among somebody's recordings would be run.
"""

import os
import site
import sys
from multiprocessing import util
from pathlib import Path

_BEFORE_3_11 = (
    "import sys; del sys.path[0]; import runpy; "
    "runpy.run_module(sys.argv.pop(1), run_name='__main__', alter_sys=True)"
)
_ROOT = str(Path(__file__).resolve().parents[2])


def python_command(module: str, *arguments: str) -> list[str]:
    """The command that runs ``module`` of this package as ``python -m`` does."""
    if sys.version_info >= (3, 11):
        return [sys.executable, "-P", "-m", module, *arguments]
    return [sys.executable, "-c", _BEFORE_3_11, module, *arguments]


def safe_environment() -> dict[str, str]:
    """The environment for that command: this process's, where nothing in PYTHONPATH means the
    current folder, and this very package is found.
    """
    given = os.environ.get("PYTHONPATH", "").split(os.pathsep)
    path = [entry for entry in given if Path(entry).is_absolute()]
    if _ROOT not in (*path, *site.getsitepackages(), site.getusersitepackages()):
        path.insert(0, _ROOT)
    environment = {**os.environ, "PYTHONSAFEPATH": "1", "PYTHONPATH": os.pathsep.join(path)}
    if not path:
        del environment["PYTHONPATH"]
    return environment


def shield_children() -> None:
    """From now on what multiprocessing starts finds nothing in the current folder either: its
    children begin by ``-c``, with modules of the standard library.
    """
    os.environ["PYTHONSAFEPATH"] = "1"
    if sys.version_info < (3, 11):  # which does not know it; a child is handed this sys.path
        flags = [*util._args_from_interpreter_flags(), "-I"]  # type: ignore[attr-defined]
        util._args_from_interpreter_flags = lambda: flags  # type: ignore[attr-defined]
