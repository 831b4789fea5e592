# SPDX-License-Identifier: Apache-2.0
"""What shows faces is its owner's alone, unless it is to be shared."""

import argparse
import os
import stat
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path


@contextmanager
def private(shared: bool = False) -> Iterator[None]:
    """New files are 0600 and new folders 0700 meanwhile, those of child processes too; what is
    there keeps its mode. ``shared``: the umask decides.
    """
    before = os.umask(0o077)
    if shared:
        os.umask(before)
    try:
        yield
    finally:
        os.umask(before)


def lasting_folder(name: str) -> Path:
    """A folder of this user's own among the temporary files, the same one each time: for who has no
    home. Another one where somebody else was there first. Raises OSError.
    """
    folder = Path(tempfile.gettempdir(), f"{name}-{os.getuid()}")
    with suppress(FileExistsError):
        folder.mkdir(0o700)
    found = folder.lstat()
    others = stat.S_IWGRP | stat.S_IWOTH
    is_own = stat.S_ISDIR(found.st_mode) and found.st_uid == os.getuid()
    if is_own and not found.st_mode & others:
        return folder
    return Path(tempfile.mkdtemp(prefix=f"{name}-"))


def add_shared(parser: argparse.ArgumentParser) -> None:
    """The option ``--shared`` of commands that write faces."""
    what = "let the umask decide who may read the results (default: you alone)"
    parser.add_argument("--shared", action="store_true", help=what)
