# SPDX-License-Identifier: Apache-2.0
"""A folder's results replaced as one, when the new ones are whole: until then the old ones stay.

All is written into a hidden folder inside, as the folder may be a mount point or the current one.
Renaming that is the moment from which the new results count: a command that is killed between then
and the last file's move leaves the rest to the next one.
"""

import errno
import fcntl
import os
import shutil
from collections.abc import Collection, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

HIDDEN = ".fer_ros-"
"""What the names of our hidden folders begin with."""
_NEW, _READY, _OLD = f"{HIDDEN}new", f"{HIDDEN}ready", f"{HIDDEN}old"
_GONE = ".gone"  # in them: names that the new results do not have


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Make the folder if need be, and keep other commands from writing there meanwhile.

    Raises OSError, BlockingIOError where another one does.
    """
    folder.mkdir(parents=True, exist_ok=True)
    lock = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            why = "another command is writing there: wait for it, or choose another --out"
            raise BlockingIOError(errno.EAGAIN, why, str(folder)) from None
        yield
    finally:
        os.close(lock)


class Draft:
    """New results on their way: written to ``path``, they count from ``commit`` on."""

    def __init__(self, folder: Path, names: Collection[str]):
        self.path = folder / _NEW
        self._folder, self._names = folder, names

    def commit(self) -> None:
        """Put them in the old ones' place; of the names, what is not there goes. Raises OSError."""
        gone = [name for name in self._names if not (self.path / name).exists()]
        (self.path / _GONE).write_text("\n".join(gone), "utf-8")
        self.path.rename(self._folder / _READY)
        _finish(self._folder)

    def keep(self, names: Collection[str]) -> None:
        """Put these alone in the old ones' place, such as logs of what failed. Raises OSError."""
        for name in names:
            if (self.path / name).exists():
                (self.path / name).replace(self._folder / name)


@contextmanager
def replacing(folder: Path, names: Collection[str]) -> Iterator[Draft]:
    """A draft of the results of these names; what is not committed at the end is thrown away.

    What lies in ``folder`` by other names stays. Raises OSError, as ``locked``.
    """
    is_new = not folder.exists()
    with locked(folder):
        try:
            _finish(folder)
            shutil.rmtree(folder / _NEW, ignore_errors=True)
            (folder / _NEW).mkdir()
            yield Draft(folder, names)
        finally:
            shutil.rmtree(folder / _NEW, ignore_errors=True)
            if is_new:
                with suppress(OSError):  # where nothing came of it
                    folder.rmdir()


def _finish(folder: Path) -> None:
    """Move what was committed to its place, also where a command was killed at that."""
    ready = folder / _READY
    _discard(folder / _OLD)
    if not ready.is_dir():
        return
    gone = (ready / _GONE).read_text("utf-8").split("\n") if (ready / _GONE).exists() else []
    for name in filter(None, gone):
        _remove(folder / name, folder / _OLD)
    for item in sorted(ready.iterdir()):
        if item.name != _GONE:
            if item.is_dir() or (folder / item.name).is_dir():
                _remove(folder / item.name, folder / _OLD)
            item.replace(folder / item.name)
    (ready / _GONE).unlink(missing_ok=True)
    ready.rmdir()


def _remove(path: Path, aside: Path) -> None:
    """At once, however much it is."""
    if path.exists():
        path.rename(aside)
        _discard(aside)


def _discard(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)
