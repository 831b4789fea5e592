# SPDX-License-Identifier: Apache-2.0
"""What the page is told of messages, and its words."""

import json
import math
import re
import struct
from pathlib import Path
from types import SimpleNamespace as Fields

import pytest

from fer_ros.emotions.classes import EMOTIONS
from fer_ros.images.codec import ImageError, encode_jpeg
from fer_ros.web import content
from fer_ros.web.pictures import as_it_is

PAGE = Path(content.__file__).parent / "page"
STAMP = Fields(sec=12, nanosec=500_000_000)


def face(**more):
    box = Fields(x_offset=1, y_offset=2, width=30, height=40)
    return Fields(
        track_id=4, roi=box, label="joy", confidence=0.75, probabilities=[0.75, *[0.05] * 5, 0.0],
        detection_score=0.9, emotion=3, raw_probabilities=[0.75, *[0.05] * 5, 0.0], **more,
    )  # fmt: skip


def array(*faces):
    return Fields(
        header=Fields(stamp=STAMP), image_width=640, image_height=480, model="m", faces=list(faces)
    )


def test_what_is_not_known_is_null():
    nan = math.nan
    new = face(roll=nan, pitch=nan, yaw=nan, facing=False, quality=nan, quality_flags=0,
               valence=nan, distance=nan, engagement=0)  # fmt: skip
    told = content.result(array(new))
    assert told["stamp"] == 12.5
    (one,) = told["faces"]
    assert one["roi"] == {"x_offset": 1, "y_offset": 2, "width": 30, "height": 40}
    unknown = ("roll", "pitch", "yaw", "facing", "quality", "valence", "distance", "engagement")
    assert [one[name] for name in unknown] == [None] * len(unknown)
    assert one["flags"] == []
    content.as_json(told)


def test_a_face():
    new = face(roll=0.1, pitch=-0.2, yaw=0.3, facing=True, quality=0.8, quality_flags=0b10000100,
               valence=0.5, distance=1.25, engagement=3)  # fmt: skip
    (one,) = content.result(array(new))["faces"]
    assert (one["roll"], one["pitch"], one["yaw"], one["facing"]) == (0.1, -0.2, 0.3, True)
    assert one["flags"] == ["small", "just_appeared"]
    assert (one["quality"], one["valence"], one["distance"]) == (0.8, 0.5, 1.25)
    assert one["engagement"] == "engaged"


@pytest.mark.ros
def test_numbers_of_the_message():
    message = pytest.importorskip("fer_ros.msg").FaceEmotion
    if not hasattr(message, "TURNED_AWAY"):
        pytest.skip("messages of version 1")
    assert [getattr(message, name.upper()) for name in content.FLAGS] == [1 << i for i in range(9)]
    for number, name in enumerate(content.ENGAGEMENT[1:], 1):
        assert getattr(message, name.upper()) == number


def test_event():
    event = Fields(header=Fields(stamp=STAMP), track_id=2, from_label="neutral", to_label="joy",
                   confidence=0.9, duration=0.5, facing=False, relative=True)  # fmt: skip
    told = content.event(event)
    assert (told["id"], told["from"], told["to"], told["facing"]) == (2, "neutral", "joy", False)
    assert told["relative"]


@pytest.mark.parametrize(
    ("level", "name"), [(0, "ok"), (1, "warn"), (2, "error"), (3, "stale"), (9, "stale")]
)
def test_health(level, name):
    values = [Fields(key="k", value="v")]
    status = Fields(level=bytes([level]), message="a: cure; b: cure", values=values)
    assert content.health(status) == {
        "level": name, "problems": ["a: cure", "b: cure"], "values": {"k": "v"},
    }  # fmt: skip


def test_frame():
    whole = content.frame({"a": "ü"}, b"picture")
    (length,) = struct.unpack_from("<I", whole)
    assert json.loads(whole[4 : 4 + length]) == {"a": "ü"}
    assert whole[4 + length :] == b"picture"


def test_parameters_are_offered_where_changes_are_allowed():
    assert content.hello(False)["parameters"] == []
    offered = content.hello(True)["parameters"]
    assert {"max_faces", "rotate", "hysteresis"} <= {s["name"] for s in offered}
    assert not {"autostart", "model"} & {s["name"] for s in offered}
    content.as_json(content.hello(True))


def test_words_in_both_languages():
    table = json.loads((PAGE / "words.json").read_text("utf-8"))
    english, german = table["en"], table["de"]
    assert english.keys() == german.keys()
    for name, text in english.items():
        assert text
        assert set(re.findall(r"{\w+}", text)) == set(re.findall(r"{\w+}", german[name])), name
    wanted = {*EMOTIONS, "uncertain", *content.FLAGS, *content.ENGAGEMENT[1:]}
    wanted |= {f"level_{level}" for level in content.DIAGNOSTIC_LEVELS}
    for file in PAGE.iterdir():
        text = file.read_text("utf-8")
        wanted |= set(re.findall(r'data-word="(\w+)"', text))
        wanted |= set(re.findall(r'\bword\(\s*"(\w+)"', text))
    assert wanted <= english.keys()


def test_page_asks_nothing_of_others():
    for file in PAGE.iterdir():
        text = file.read_text("utf-8").replace("http://www.w3.org/2000/svg", "")
        assert not re.search(r"(?:https?:)?//[a-z]+\.[a-z]", text), file.name
        assert "innerHTML" not in text, file.name
        assert "insertAdjacentHTML" not in text, file.name
        assert not re.search(r"<script(?! type=\"module\" src=)|\son\w+=|style=", text), file.name


def compressed(data, kind="jpeg"):
    return Fields(format=kind, data=data)


def test_compressed_images_are_not_touched():
    import numpy as np

    picture = encode_jpeg(np.zeros((40, 60, 3), np.uint8)).tobytes()
    assert as_it_is(compressed(picture), 3000, 10_000) == picture


@pytest.mark.parametrize(
    ("data", "kind", "reason"),
    [
        (b"GIF89a", "gif", "neither JPEG nor PNG"),
        (b"", "jpeg", "neither"),
        (b"<script>alert(1)</script>", "jpeg", "neither"),
        (b"\xff\xd8\xff\xe0", "jpeg", "no frame header"),
        (b"\x89PNG\r\n\x1a\n", "16UC1; compressedDepth png", "neither"),
        (b"\xff\xd8\xff" + bytes(20_000), "jpeg", "max_compressed_megabytes"),
    ],
)
def test_what_is_no_picture(data, kind, reason):
    with pytest.raises(ImageError, match=reason):
        as_it_is(compressed(data, kind), 3000, 10_000)


def test_too_many_pixels():
    import numpy as np

    picture = encode_jpeg(np.zeros((60, 60, 3), np.uint8)).tobytes()
    with pytest.raises(ImageError, match="max_image_megapixels"):
        as_it_is(compressed(picture), 3000, 10_000)
