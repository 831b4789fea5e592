# SPDX-License-Identifier: Apache-2.0
"""What a JPEG or PNG file says of itself, read before anything is decoded.

A file of a few kilobytes may unpack to gigabytes, or keep a decoder busy for minutes. Here is
looked at, in no more steps than a real picture takes, what a decoder would have to do. JPEG: ITU-T
T.81, annex B; PNG: W3C Portable Network Graphics, section 5.
"""

import re
import struct

JPEG = b"\xff\xd8\xff"
PNG = b"\x89PNG\r\n\x1a\n"
MAX_JPEG_SCANS = 100
"""A progressive JPEG has about ten; each costs a pass over all pixels."""

MAX_JPEG_SEGMENTS = 1000
"""Before the size: a colour profile and a large EXIF take about ten each."""
MAX_JPEG_GAP = 4096
"""Bytes of fill or garbage between two segments."""
MAX_PNG_CHUNKS = 20_000
"""Encoders cut pixels into chunks of 8 KB or more: that is 160 MB of them."""

_SCAN = b"\xff\xda"
_BEGINS, _ENDS = b"\xd8", b"\xd9"
_SEGMENTS = {bytes([n]) for n in (0xC4, 0xDA, 0xDB, 0xDC, 0xDD, *range(0xE0, 0xF0), 0xFE)}
"""Markers of segments behind the frame header: DHT, SOS, DQT, DNL, DRI, APP, COM."""
_FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}  # SOF0 to SOF15
_NO_FRAME = frozenset((0xD8, 0xD9, 0xDA))  # SOI again, EOI, SOS: no frame header came before
# One search, in C, over garbage, fill bytes and markers that have no segment (TEM, RST0 to RST7).
_MARKER = re.compile(rb"\xff([^\x00\x01\xd0-\xd7\xff])", re.DOTALL)
_PNG_CHUNKS = frozenset((b"IHDR", b"PLTE", b"tRNS", b"IDAT", b"IEND"))


class HeaderError(ValueError):
    """The file is not what it should be; the message is the reason in a few words."""


def jpeg_size(data: bytes) -> tuple[int, int]:
    """Width and height in pixels of a JPEG file. Raises HeaderError, also for too many scans or
    segments.
    """
    height, width = struct.unpack_from(">HH", data, _jpeg_frame(data) + 3)
    return width, height


def is_whole_jpeg(data: bytes) -> bool:
    """Whether a JPEG file comes to its end, whatever lies behind it: drivers send their whole
    buffer, zeros or what is left of an earlier image. The end of that one is not its own, nor is
    one within a segment, such as a thumbnail's. Raises HeaderError as ``jpeg_size``.
    """
    at = _jpeg_frame(data)
    at += _segment(data, at)
    for _ in range(MAX_JPEG_SEGMENTS):
        found = _MARKER.search(data, at)  # coded pixels hold none of these
        if not found or found[1] == _BEGINS:
            return False
        if found[1] == _ENDS:
            return True
        at = found.end()
        if found[1] in _SEGMENTS:
            at += _segment(data, at)
    return False


def _jpeg_frame(data: bytes) -> int:
    """Where the segment begins that says the image's size; that of a thumbnail lies before."""
    if data.count(_SCAN) > MAX_JPEG_SCANS:
        raise HeaderError(f"more than {MAX_JPEG_SCANS} scans")
    at = len(JPEG) - 1
    for _ in range(MAX_JPEG_SEGMENTS):
        found = _MARKER.search(data, at, at + MAX_JPEG_GAP)
        if not found or found[1][0] in _NO_FRAME or found.end() + 7 > len(data):
            raise HeaderError("no frame header")
        at = found.end()
        if found[1][0] in _FRAMES:
            return at
        at += _segment(data, at)
    raise HeaderError(f"no frame header in {MAX_JPEG_SEGMENTS} segments")


def _segment(data: bytes, at: int) -> int:
    """The bytes of the segment that begins there with its length; 2 where the data end."""
    return max(2, int.from_bytes(data[at : at + 2], "big"))


def png_size(data: bytes) -> tuple[int, int]:
    """Width and height in pixels of a PNG file. Raises HeaderError."""
    if data[len(PNG) : len(PNG) + 8] != b"\0\0\0\rIHDR" or len(data) < 24:
        raise HeaderError("no header chunk")
    width, height = struct.unpack_from(">II", data, 16)
    return width, height


def png_pixels(data: bytes) -> bytes:
    """A PNG file with only the chunks that make its pixels, up to its end.

    Texts and profiles may each unpack to megabytes, which decoders do although nobody reads them.
    Raises HeaderError where the chunks do not lead to the end, or are too many.
    """
    view, at = memoryview(data), len(PNG)
    kept: list[bytes | memoryview] = [PNG]
    for _ in range(MAX_PNG_CHUNKS):
        if at + 12 > len(data):
            break
        length, kind = struct.unpack_from(">I4s", data, at)
        end = at + 12 + length
        if end > len(data):
            break
        if kind in _PNG_CHUNKS:
            kept.append(view[at:end])
        if kind == b"IEND":
            return b"".join(kept)
        at = end
    else:
        raise HeaderError(f"no end in {MAX_PNG_CHUNKS} chunks")
    raise HeaderError("ends before its end marker")
