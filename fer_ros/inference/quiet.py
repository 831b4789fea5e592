# SPDX-License-Identifier: Apache-2.0
"""What C++ libraries say on stderr of themselves, for which they have no switch."""

import contextlib
import os
import tempfile
import threading
from collections.abc import Iterator

_ONE = threading.Lock()


@contextlib.contextmanager
def without_notes() -> Iterator[None]:
    """Leaves out the lines on stderr that begin with ``INFO: ``; all others follow at the end."""
    with _ONE, contextlib.ExitStack() as stack:
        try:
            said = stack.enter_context(tempfile.TemporaryFile())
            before = os.dup(2)
        except OSError:  # no place for files, or no stderr: then they are said
            yield
            return
        stack.callback(os.close, before)
        os.dup2(said.fileno(), 2)
        try:
            yield
        finally:
            os.dup2(before, 2)
            said.seek(0)
            for line in said:
                if not line.startswith(b"INFO: "):
                    os.write(2, line)
