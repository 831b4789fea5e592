# SPDX-License-Identifier: Apache-2.0
"""Small files that would become large ones: looked at before they are opened or decoded.

Bags: test_bad_records.py; messages: test_hostile_input.py.
"""

import struct
import subprocess
import sys
import zlib

import cv2
import numpy as np
import pytest
from picture_files import png_chunk

from fer_ros.evaluation.charts import _ticks
from fer_ros.sources.address import SourceError
from fer_ros.sources.recorded import open_recorded

MEASURED = """
import resource, sys
from fer_ros.sources.address import SourceError
from fer_ros.sources.recorded import open_recorded
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
try:
    for image in open_recorded(sys.argv[1], log=lambda line: None):
        pass
    print("read")
except SourceError as error:
    print("refused", error)
print((resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) // 1024)
"""


def png(side: int) -> bytes:
    """A whole PNG, grey, that many pixels wide and high."""
    rows = zlib.compressobj(9)
    data = b"".join(rows.compress(bytes(side + 1)) for _ in range(side)) + rows.flush()
    head = struct.pack(">IIBBBBB", side, side, 8, 0, 0, 0, 0)
    chunks = png_chunk(b"IHDR", head) + png_chunk(b"IDAT", data) + png_chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + chunks


@pytest.mark.parametrize("name", ["bomb.png", "bomb.mp4", "bomb.mkv", "bomb", "bomb%02d.avi"])
def test_a_large_picture_under_any_name(tmp_path, repository, name):
    (tmp_path / name).write_bytes(png(20_000))
    done = subprocess.run(
        [sys.executable, "-c", MEASURED, str(tmp_path / name)],
        cwd=repository, capture_output=True, text=True, check=True,
    )  # fmt: skip
    told, grown = done.stdout.splitlines()
    assert told.startswith("refused")
    assert int(grown) < 150  # MB; it would be 400 and more


def test_a_picture_under_a_videos_name_is_one(tmp_path):
    image = np.full((40, 50, 3), 90, np.uint8)
    (tmp_path / "small.mp4").write_bytes(cv2.imencode(".png", image)[1].tobytes())
    assert [i.shape for i in open_recorded(str(tmp_path / "small.mp4"))] == [(40, 50, 3)]


@pytest.mark.parametrize(
    ("width", "height", "count"), [(1e5, 1e5, 3), (float("inf"), 1, 3), (float("nan"), 1, 3)]
)
def test_a_video_that_says_so_is_not_decoded(tmp_path, monkeypatch, width, height, count):
    (tmp_path / "film.avi").write_bytes(b"RIFF")

    class Capture:
        def __init__(self, *_):
            pass

        def isOpened(self):  # noqa: N802 - as OpenCV has it
            return True

        def get(self, key):
            return {cv2.CAP_PROP_FRAME_WIDTH: width, cv2.CAP_PROP_FRAME_HEIGHT: height}.get(
                key, count
            )

        def read(self):
            raise AssertionError("decoded")

    monkeypatch.setattr(cv2, "VideoCapture", Capture)
    with pytest.raises(SourceError, match="pixels"):
        open_recorded(str(tmp_path / "film.avi"))


@pytest.mark.parametrize("count", [float("nan"), float("inf"), -1.0, 1e300])
def test_a_count_of_images_that_is_none(tmp_path, monkeypatch, count):
    (tmp_path / "film.avi").write_bytes(b"RIFF")
    image = np.zeros((4, 4, 3), np.uint8)

    class Capture:
        def __init__(self, *_):
            self.images = [image, image]

        def isOpened(self):  # noqa: N802 - as OpenCV has it
            return True

        def get(self, key):
            sides = (cv2.CAP_PROP_FRAME_WIDTH, cv2.CAP_PROP_FRAME_HEIGHT)
            return 4.0 if key in sides else count

        def read(self):
            return (True, self.images.pop()) if self.images else (False, None)

    monkeypatch.setattr(cv2, "VideoCapture", Capture)
    film = open_recorded(str(tmp_path / "film.avi"))
    assert len(film) == 0
    assert len(list(film)) == 2


@pytest.mark.parametrize("seconds", [1, 3600, 86400, 1e6, 2**31, 2**33, 1e12])
def test_a_time_line_has_few_marks_however_long(seconds):
    assert 1 <= _ticks((0.0, float(seconds)), lambda t: t, 0).count("<line") <= 15
