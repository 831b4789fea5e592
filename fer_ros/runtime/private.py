# SPDX-License-Identifier: Apache-2.0
"""What shows faces is its owner's alone, unless it is to be shared."""

import argparse
import os
from collections.abc import Iterator
from contextlib import contextmanager


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


def add_shared(parser: argparse.ArgumentParser) -> None:
    """The option ``--shared`` of commands that write faces."""
    what = "let the umask decide who may read the results (default: you alone)"
    parser.add_argument("--shared", action="store_true", help=what)
