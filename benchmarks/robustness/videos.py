# SPDX-License-Identifier: Apache-2.0
"""Damaged videos, as ``source`` and fer_ros-predict read them.

python -m benchmarks.robustness.videos [--seconds 60] [--seed 1]
"""

import sys
from itertools import islice

import av
import cv2

from benchmarks.robustness.rounds import Round, damaged, one_line, run
from fer_ros.sources.address import SourceError
from fer_ros.sources.recorded import open_recorded
from fer_ros.sources.sample import Sample

KINDS = (("mp4", "libx264"), ("mkv", "libx264"), ("avi", "mjpeg"), ("webm", "libvpx"))
IMAGES = 12
MOST = 500  # a file may promise any number


def _write(path, codec):
    sample = Sample()
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=30)
        stream.width, stream.height = 160, 120
        stream.pix_fmt = "yuvj420p" if codec == "mjpeg" else "yuv420p"
        for i in range(IMAGES):
            image = cv2.resize(sample[i * 20], (160, 120))
            container.mux(stream.encode(av.VideoFrame.from_ndarray(image, "bgr24")))
        container.mux(stream.encode())
    return path.read_bytes()


def video(folder, stack, suffix, codec):
    """A file of that kind, damaged."""
    data = _write(folder / f"x.{suffix}", codec)

    def once(number, random):
        path = folder / f"damaged.{suffix}"
        path.write_bytes(damaged(data, random))
        try:
            source = open_recorded(str(path), log=lambda line: one_line(ValueError(line)))
            seen = sum(1 for _ in islice(source, MOST))
        except SourceError as error:
            return one_line(error)
        return "used" if seen == IMAGES else "used in part"

    return once


ROUNDS = [Round(f"{suffix} ({codec})", video, (suffix, codec)) for suffix, codec in KINDS]

if __name__ == "__main__":
    sys.exit(run("videos", __doc__, ROUNDS))
