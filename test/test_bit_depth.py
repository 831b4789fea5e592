# SPDX-License-Identifier: Apache-2.0
"""Grey of 8 to 16 bits in use, live and from bags; pictures that show nothing."""

from types import SimpleNamespace

import cv2
import numpy as np
import pytest

from fer_ros.bags.decoder import Decoder
from fer_ros.images.bit_depth import DECIDING, BitDepth, is_dark
from fer_ros.images.codec import decode_compressed, decode_image
from fer_ros.images.topic_names import IMAGE
from fer_ros.sources.sample import Sample

GREY = cv2.cvtColor(Sample()[0], cv2.COLOR_BGR2GRAY)


def image(values, encoding="mono16", big=False):
    data = values.astype(">u2" if big else "<u2").tobytes()
    height, width = values.shape
    return SimpleNamespace(
        height=height, width=width, encoding=encoding, step=0, is_bigendian=big, data=data
    )


def png(values, kind="mono16; png compressed"):
    return SimpleNamespace(format=kind, data=cv2.imencode(".png", values)[1].tobytes())


def scaled(bits):
    """The sample's first image with so many bits in use."""
    return (GREY.astype(np.uint32) * (2**bits - 1) // 255).astype(np.uint16)


@pytest.mark.parametrize("bits", [8, 10, 12, 14, 16])
@pytest.mark.parametrize("form", ["little", "big", "png", "bayer_rggb16"])
def test_bits_in_use(bits, form):
    values, depth = scaled(bits), BitDepth()
    if form == "png":
        found = decode_compressed(png(values), bit_depth=depth)
    else:
        encoding = form if form.startswith("bayer") else "mono16"
        found = decode_image(image(values, encoding, form == "big"), bit_depth=depth)
    assert found.dtype == np.uint8
    difference = np.abs(found[2:-2, 2:-2, 1].astype(int) - GREY[2:-2, 2:-2])
    assert difference.mean() < 2
    assert not is_dark(found)


def test_decided_once_and_kept():
    depth = BitDepth()
    first = decode_image(image(scaled(10)), bit_depth=depth)
    for _ in range(DECIDING):
        decode_image(image(scaled(10)), bit_depth=depth)
    dim = scaled(10) // 4
    assert decode_image(image(dim), bit_depth=depth).max() <= 64, "not brightened by itself"
    hot = scaled(10)
    hot[0, 0] = 65535
    assert np.abs(decode_image(image(hot), bit_depth=depth)[1:].astype(int) - first[1:]).max() <= 1


def test_a_dark_start_decides_nothing():
    depth = BitDepth()
    for _ in range(3 * DECIDING):
        assert is_dark(decode_image(image(np.full_like(scaled(12), 5)), bit_depth=depth))
    assert decode_image(image(scaled(12)), bit_depth=depth).max() >= 250


def test_never_depth():
    """16UC1 is in mm: what is read of it does not go by the nearest wall."""
    depth = BitDepth()
    assert decode_image(image(scaled(10), "16UC1"), bit_depth=depth).max() <= 4
    assert decode_compressed(png(scaled(10), "16UC1; png"), bit_depth=depth).max() <= 4


def test_a_bag_counts_the_depth_in_the_place_of_pictures():
    for kind, message in ((IMAGE, image(scaled(10), "16UC1")), ("", png(scaled(10), "16UC1; png"))):
        decode = Decoder(kind)
        decode(message)
        assert (decode.depth, decode.dark) == (1, 1)
    decode = Decoder(IMAGE)
    decode(image(scaled(10)))
    assert (decode.depth, decode.dark) == (0, 0)


def test_without_a_camera_all_bits_count():
    assert decode_image(image(scaled(10))).max() <= 4
    assert decode_image(image(scaled(16))).max() >= 250
