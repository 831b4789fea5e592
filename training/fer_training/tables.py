# SPDX-License-Identifier: Apache-2.0
"""CSV files as people have them: plain or packed, with commas, semicolons or tabs, UTF-8 or 16."""

import bz2
import codecs
import contextlib
import csv
import gzip
import io
import lzma
import zipfile
import zlib
from collections.abc import Iterator
from itertools import chain
from pathlib import Path
from typing import IO, Any

from fer_ros.lines import LineError

MAX_LINE = 100_000
MAX_UNPACKED = 2_000_000_000
"""Characters of a line and of all: FER-2013 has 9,224 and 301 million."""
UNREADABLE = (
    OSError,
    EOFError,
    UnicodeError,
    RuntimeError,  # an encrypted zip file
    NotImplementedError,  # a zip file of an unknown method
    OverflowError,
    KeyError,
    csv.Error,
    lzma.LZMAError,
    zlib.error,
    zipfile.BadZipFile,
)
"""What damaged or foreign files make the readers raise."""
_PACKED: dict[bytes, Any] = {b"\x1f\x8b": gzip.open, b"BZh": bz2.open, b"\xfd7zXZ": lzma.open}
_ZIP = b"PK\3\4"
_TAR = slice(257, 262), b"ustar"
_UTF_16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)


class DatasetError(LineError, ValueError):
    """The data cannot be read; the message is one line that says what was expected."""


@contextlib.contextmanager
def open_table(path: Path):
    """A csv.reader over the CSV file that ``path`` is or, packed by gzip, bzip2, xz or zip, holds.

    Raises DatasetError, and what ``UNREADABLE`` lists, for which ``why`` has words.
    """
    with contextlib.ExitStack() as stack:
        data: Any = stack.enter_context(path.open("rb"))
        begin = data.read(8)
        data.seek(0)
        if begin.startswith(_ZIP):
            data = stack.enter_context(_only_csv(path, data))
        for magic, unpack in _PACKED.items():
            if begin.startswith(magic):
                data = stack.enter_context(unpack(data))
        buffered = io.BufferedReader(data)
        begin = buffered.peek(512)
        if begin[_TAR[0]] == _TAR[1]:
            raise DatasetError(f"{path}: a tar archive: unpack it, and give the .csv in it")
        encoding = "utf-16" if begin.startswith(_UTF_16) else "utf-8-sig"
        lines = _lines(io.TextIOWrapper(buffered, encoding, newline=""), path)
        head = next(lines, "")
        yield csv.reader(chain([head], lines), delimiter=max(",;\t", key=head.count))


def why(error: Exception) -> str:
    """What one of ``UNREADABLE`` means."""
    if isinstance(error, UnicodeError):
        return "no text in UTF-8 or UTF-16; a CSV may be plain, or packed by gzip, bzip2, xz or zip"
    return str(error) or type(error).__name__


@contextlib.contextmanager
def _only_csv(path, data):
    with zipfile.ZipFile(data) as archive:
        inside = [n for n in archive.namelist() if "__MACOSX" not in n]
        names = [n for n in inside if n.lower().endswith(".csv")]
        if len(names) != 1:
            raise DatasetError(
                f"{path}: expected one .csv inside, found {len(names)}: unpack it, and give the "
                "one that holds the faces, or the folder of pictures"
            )
        with archive.open(names[0]) as file:
            yield file


def _lines(text: IO[str], path: Path) -> Iterator[str]:
    """The lines of a file, within limits that no real one comes near: archives may unpack to more
    than a memory holds.
    """
    left = MAX_UNPACKED
    while line := text.readline(MAX_LINE):
        left -= len(line)
        if len(line) == MAX_LINE or left < 0:
            what = f"a line of {MAX_LINE:,}" if left >= 0 else f"more than {MAX_UNPACKED:,}"
            raise DatasetError(f"{path}: {what} characters: not FER-2013")
        yield line
