# SPDX-License-Identifier: Apache-2.0
"""The front door: pictures and videos without ROS."""

import json
import subprocess
import sys

import cv2
import numpy as np
import pytest

import fer_ros
from fer_ros import EMOTIONS, FaceEmotion, FaceReader, Result, draw
from fer_ros.faces.detectors import DetectorError
from fer_ros.faces.quality import Flag
from fer_ros.parameters import ParameterError
from fer_ros.sources.sample import Sample

STEP = 1 / 30


@pytest.fixture(scope="module")
def reader():
    return FaceReader()


@pytest.fixture(scope="module")
def image():
    return Sample()[0]


def text(result):
    return json.dumps(result.to_dict(), allow_nan=False)


def test_a_still_is_read_by_itself(reader, image):
    result = reader.read(image)
    (face,) = result.faces
    assert (face.label, face.track_id, face.engagement) == ("joy", 0, 0)
    assert np.array_equal(face.probabilities, face.raw_probabilities)
    assert not face.quality_flags & (Flag.JUST_APPEARED | Flag.TALKING)
    assert np.isfinite(face.pose).all()
    for other in (Sample()[200], np.zeros((90, 160, 3), np.uint8)):
        reader.read(other)
    assert text(reader.read(image)) == text(result), "whatever was read before"


def test_two_stills_do_not_mix(reader):
    """One after the other with equal stamps, the second face had the first one's id and label."""
    sample = Sample()
    (first,) = reader.read(sample[0]).faces
    part = np.ascontiguousarray(sample[200][:, 330:])  # the other face alone, at another place
    (second,) = reader.read(part).faces
    (fresh,) = FaceReader().read(part).faces
    assert np.array_equal(second.probabilities, fresh.probabilities)
    assert not np.array_equal(second.probabilities, first.probabilities)


def test_stills_between_the_images_of_a_video_change_nothing(image):
    clip = [Sample()[i] for i in range(0, 20, 2)]
    plain, mixed = FaceReader(), FaceReader()
    for i, picture in enumerate(clip):
        mixed.read(clip[-1 - i])
        assert text(mixed.track(picture, i * STEP)) == text(plain.track(picture, i * STEP))


def test_a_video_is_followed_and_smoothed(image):
    reader = FaceReader()
    results = [reader.track(Sample()[i], i * STEP) for i in range(0, 30, 2)]
    assert {face.track_id for result in results for face in result.faces} == {1}
    (last,) = results[-1].faces
    assert not np.array_equal(last.probabilities, last.raw_probabilities)
    assert not last.quality_flags & Flag.JUST_APPEARED, "half a second by the stamps, from 0 on"


@pytest.mark.parametrize("stamp", [5.0, 4.9, -1.0, float("nan"), float("inf")])
def test_a_stamp_that_is_not_later(image, stamp):
    reader = FaceReader(face_mesh="off")
    reader.track(image, 5.0)
    with pytest.raises(ValueError, match=r"stamp .*expected finite seconds after 5\.0"):
        reader.track(image, stamp)
    (face,) = reader.track(image, 5.1).faces
    assert face.track_id == 1, "nothing was forgotten"
    reader.reset()
    (face,) = reader.track(image, 0.0).faces
    assert face.track_id == 2


def test_a_file_is_turned_as_its_exif_data_say(reader, image, tmp_path):
    path = tmp_path / "übung 1.jpg"
    lying = cv2.imencode(".jpg", cv2.rotate(image, cv2.ROTATE_90_COUNTERCLOCKWISE))[1].tobytes()
    orientation = b"Exif\0\0MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0\x06\0\0\0\0\0\0"
    segment = b"\xff\xe1" + (len(orientation) + 2).to_bytes(2, "big") + orientation
    path.write_bytes(lying[:2] + segment + lying[2:])
    result = reader.read(path)
    assert result.shape == image.shape
    assert [face.label for face in reader.read(str(path)).faces] == ["joy"]
    assert draw(path, result).shape == image.shape


def test_what_is_no_image(reader, tmp_path):
    with pytest.raises(FileNotFoundError, match=r"no such file: .*none\.jpg"):
        reader.read(tmp_path / "none.jpg")
    for name in ("", "a\0b"):
        with pytest.raises(FileNotFoundError, match="no such file"):
            reader.read(name)
    (tmp_path / "text.jpg").write_text("no picture")
    for path in (tmp_path / "text.jpg", tmp_path):
        with pytest.raises(ValueError, match="not a picture"):
            reader.read(path)
    for array in (np.zeros((9, 9), np.uint8), np.zeros((9, 9, 3)), np.zeros((0, 9, 3), np.uint8)):
        with pytest.raises(ValueError, match=r"not uint8 \[H, W, 3\] in BGR"):
            reader.read(array)
    with pytest.raises(ValueError, match="not list"):
        reader.track([1, 2], 1.0)


def test_the_way_out_is_told(reader):
    with pytest.raises(ValueError, match="COLOR_GRAY2BGR"):
        reader.read(np.zeros((48, 48), np.uint8))
    with pytest.raises(ValueError, match="COLOR_BGRA2BGR"):
        reader.read(np.zeros((48, 48, 4), np.uint8))
    with pytest.raises(FileNotFoundError, match=r"user:\*\*\*@.* is an address, not a file"):
        reader.read("https://user:secret@host/a.jpg")


def test_dicts_and_records_are_plain(image):
    result = FaceReader(face_mesh="off").read(image)
    content = json.loads(text(result))
    assert (content["image_width"], content["image_height"]) == (640, 480)
    assert content["faces"][0]["yaw"] is None
    assert content["faces"][0]["distance"] is None
    (row,) = result.to_records()
    assert row["label"] == "joy"
    assert sum(row[name] for name in EMOTIONS) == pytest.approx(1, abs=1e-5)
    assert (row["x"], row["width"]) == (result.faces[0].box.x, result.faces[0].box.width)
    assert all(isinstance(value, str | int | float | None) for value in row.values())


def test_the_repr_is_short_and_has_no_pixels(reader, image):
    result = reader.read(image)
    assert repr(result).startswith("Result(joy ")
    assert repr(result.faces[0]).startswith("FaceEmotion(joy ")
    assert len(repr(result)) + len(repr(result.faces)) < 200
    assert repr(reader.read(np.zeros_like(image))) == "Result(no face; 640x480)"


def test_drawing(reader, image):
    result = reader.read(image)
    before = image.copy()
    drawn = draw(image, result)
    assert drawn.shape == image.shape
    assert (drawn != image).any()
    assert (image == before).all()
    with pytest.raises(ValueError, match="the result belongs to one of"):
        draw(image[:100], result)


def test_parameters_are_those_of_the_node(image):
    assert FaceReader(rotate=180).read(image[::-1, ::-1].copy()).faces[0].label == "joy"
    for one in (1, np.int64(1), 1.0, "1"):
        assert len(FaceReader(max_faces=one).read(Sample()[210]).faces) == 1
    with pytest.raises(ParameterError, match=r"max_faces=1\.5: expected a whole number"):
        FaceReader(max_faces=np.float32(1.5))
    with pytest.raises(ParameterError, match="no parameter colour"):
        FaceReader(colour=3)


PROGRAM = """
import sys
import fer_ros
heavy = "cv2", "numpy", "ai_edge_litert", "onnxruntime", "fer_ros.pipeline", "fer_ros.reader"
found = [name for name in heavy if name in sys.modules]
assert not found, found
assert {"FaceReader", "draw"} <= set(dir(fer_ros))
if sys.argv[1:]:
    from fer_ros.msg import EmotionArray
    found = [name for name in heavy if name in sys.modules and name != "numpy"]
    assert not found, found  # NumPy is the messages' own
assert fer_ros.EMOTIONS[3] == "joy"
"""


@pytest.mark.parametrize(
    "arguments", [[], pytest.param(["messages"], marks=pytest.mark.ros)], ids=["alone", "messages"]
)
def test_importing_the_package_loads_nothing_heavy(repository, arguments):
    subprocess.run([sys.executable, "-c", PROGRAM, *arguments], cwd=repository, check=True)


def test_what_is_exported():
    assert (FaceReader, Result, FaceEmotion) == (
        fer_ros.FaceReader,
        fer_ros.Result,
        fer_ros.FaceEmotion,
    )
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        fer_ros.nothing  # noqa: B018


@pytest.mark.ros
def test_dicts_have_the_messages_fields(reader, image):
    from fer_ros import msg

    content = reader.read(image).to_dict()
    fields = set(msg.EmotionArray.get_fields_and_field_types()) - {"header"}
    assert set(content) == fields
    assert set(content["faces"][0]) == set(msg.FaceEmotion.get_fields_and_field_types())


@pytest.mark.parametrize("stamp", [None, "one", 10**400, [1.0]])
def test_a_stamp_that_is_no_number(reader, image, stamp):
    with pytest.raises(ValueError, match="expected finite seconds"):
        reader.track(image, stamp)


def test_names_of_no_file(reader):
    for name in ("~nobody-here/x.png", "a\0b"):
        with pytest.raises(FileNotFoundError, match="no such file"):
            reader.read(name)


def test_parameters_as_numpy_and_pathlib_have_them(tmp_path):
    options = FaceReader(
        max_faces=np.int64(1), min_quality=np.float32(0.5), pose_smoothing=np.bool_(True)
    )._video.options
    assert (options.max_faces, options.min_quality, options.pose_smoothing) == (1, 0.5, True)
    assert type(options.max_faces) is int
    with pytest.raises(DetectorError, match=r"none\.tflite"):
        FaceReader(detector="blazeface", detector_model=tmp_path / "none.tflite")
