# SPDX-License-Identifier: Apache-2.0
"""The face detectors on real faces, on bad input and on bad files."""

import logging
import sys

import cv2
import numpy as np
import pytest
from photographs import photograph
from skips import needs_litert

from fer_ros.faces.detectors import NAMES, DetectorError, blazeface, create_detector, haar, yunet
from fer_ros.inference import shipped as shipped_files
from fer_ros.inference.shipped import MODELS, shipped
from fer_ros.sources.sample import Sample

opencv_4_8 = pytest.mark.skipif(
    not yunet.is_supported(), reason=f"YuNet needs OpenCV 4.8, this is {cv2.__version__}"
)
DETECTORS = ["haar", pytest.param("yunet", marks=opencv_4_8), "blazeface"]
REFERENCE = (172, 68, 104, 104)  # the astronaut's face, x, y, width, height


@pytest.fixture(scope="module")
def astronaut():
    return photograph("skimage", "data/astronaut.png")


@pytest.fixture(scope="module")
def hopper():
    return photograph("matplotlib", "mpl-data/sample_data/grace_hopper.jpg")


@pytest.fixture(params=DETECTORS)
def name(request):
    return request.param


@pytest.fixture
def model_path(name, request):
    if name == "yunet":
        return str(request.getfixturevalue("shared") / "models" / "face_detection_yunet_n.onnx")
    return ""


@pytest.fixture
def detector(name, model_path):
    return create_detector(name, model_path=model_path)


def middle(detection):
    return detection.box.centre


def test_finds_the_face(detector, astronaut):
    (face,) = detector.detect(astronaut)
    x, y, width, height = REFERENCE
    assert middle(face) == pytest.approx((x + width / 2, y + height / 2), abs=width / 4)
    assert 0.6 * width < face.box.width < 1.4 * width
    assert 0.5 <= face.score <= 1


def test_finds_two_faces_best_first(detector, astronaut, hopper):
    hopper = cv2.resize(hopper, None, fx=0.85, fy=0.85, interpolation=cv2.INTER_AREA)
    both = np.zeros((600, astronaut.shape[1] + hopper.shape[1], 3), np.uint8)
    both[: astronaut.shape[0], : astronaut.shape[1]] = astronaut
    both[: hopper.shape[0], astronaut.shape[1] :] = hopper
    faces = detector.detect(both)
    assert len(faces) == 2
    assert faces[0].score >= faces[1].score
    assert {middle(face)[0] > astronaut.shape[1] for face in faces} == {True, False}


def test_eyes_are_left_to_right_and_level(detector, astronaut):
    (face,) = detector.detect(astronaut)
    if detector.name == "haar":
        assert face.eyes is None
        return
    (left_x, left_y), (right_x, right_y) = face.eyes
    assert (left_x, left_y) == pytest.approx((203, 103), abs=8)
    assert (right_x, right_y) == pytest.approx((248, 104), abs=8)


def test_mirrored_image_gives_mirrored_answer(detector, astronaut):
    (face,) = detector.detect(astronaut)
    (mirrored,) = detector.detect(np.ascontiguousarray(astronaut[:, ::-1]))
    assert astronaut.shape[1] - middle(mirrored)[0] == pytest.approx(middle(face)[0], abs=8)
    if face.eyes:
        assert mirrored.eyes[0][0] < mirrored.eyes[1][0]


@pytest.mark.parametrize("factor", [0.5, 3.0])
def test_coordinates_are_those_of_the_image_given(detector, astronaut, factor):
    (face,) = detector.detect(astronaut)
    scaled = detector.detect(cv2.resize(astronaut, None, fx=factor, fy=factor))[0]
    assert np.divide(middle(scaled), factor) == pytest.approx(middle(face), abs=8)
    assert scaled.box.width / factor == pytest.approx(face.box.width, rel=0.2)


def test_finds_nothing_where_nothing_is(detector):
    assert detector.detect(np.full((240, 320, 3), 127, np.uint8)) == []
    assert detector.detect(np.zeros((1, 1, 3), np.uint8)) == []


def test_image_that_changes_size_and_is_not_contiguous(detector, astronaut):
    assert detector.detect(astronaut[::2, ::2])
    assert detector.detect(astronaut[:300])


def test_min_face_size(name, model_path, astronaut):
    assert create_detector(name, model_path=model_path, min_face_size=50).detect(astronaut)
    assert not create_detector(name, model_path=model_path, min_face_size=200).detect(astronaut)


def test_score_threshold(name, model_path, astronaut):
    strict = create_detector(name, model_path=model_path, score_threshold=0.999)
    assert strict.detect(astronaut) == []
    lax = create_detector(name, model_path=model_path, score_threshold=0.3)
    assert len(lax.detect(astronaut)) >= 1


@pytest.mark.parametrize(
    "image",
    [
        np.zeros((10, 10), np.uint8),
        np.zeros((10, 10, 4), np.uint8),
        np.zeros((10, 10, 3), np.float32),
        np.zeros((0, 10, 3), np.uint8),
        [[1, 2, 3]],
    ],
    ids=["grey", "four channels", "float", "no rows", "list"],
)
def test_refuses_what_is_no_image(detector, image):
    with pytest.raises(ValueError, match="a detector needs"):
        detector.detect(image)


def test_finds_the_face_in_the_photographs(detector, shared):
    photos = sorted((shared / "data" / "photos").glob("photo_*.jpg"))
    assert len(photos) == 12
    assert [p.name for p in photos if not detector.detect(cv2.imread(str(p)))] == []


def test_unknown_name_names_the_choices():
    with pytest.raises(DetectorError, match=f"'dlib'.*{', '.join(NAMES)}"):
        create_detector("dlib")


def one_line(error) -> str:
    message = str(error.value)
    assert "\n" not in message
    return message


@pytest.mark.parametrize("bad", DETECTORS)
@pytest.mark.parametrize(
    "content",
    [None, b"", b"not a model", bytes(range(256)) * 40],
    ids=["missing", "empty", "text", "bytes"],
)
def test_missing_and_broken_files(bad, content, tmp_path):
    path = tmp_path / shipped("face_landmark").name
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(DetectorError) as error:
        create_detector(bad, model_path=str(path))
    assert bad in one_line(error)
    assert str(path) in one_line(error)


def test_a_file_that_is_another_network():
    other = shipped("face_landmark")
    with pytest.raises(DetectorError, match="not a BlazeFace model") as error:
        create_detector("blazeface", model_path=str(other))
    one_line(error)


@opencv_4_8
def test_torn_yunet(shared, tmp_path):
    whole = (shared / "models" / "face_detection_yunet_n.onnx").read_bytes()
    (tmp_path / "torn.onnx").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(DetectorError, match="not a YuNet model") as error:
        create_detector("yunet", model_path=str(tmp_path / "torn.onnx"))
    one_line(error)


@opencv_4_8
def test_yunet_without_file_says_where_to_get_it():
    with pytest.raises(DetectorError, match="face_detection_yunet_2023mar"):
        create_detector("yunet")


@pytest.mark.parametrize(
    ("version", "supported"), [("4.6.0", False), ("4.8.1-dev", True), ("4.10.0", True)]
)
def test_yunet_wants_opencv_4_8(monkeypatch, version, supported):
    monkeypatch.setattr(cv2, "__version__", version)
    assert yunet.is_supported() is supported
    if not supported:
        with pytest.raises(DetectorError, match="or newer, this is 4"):
            create_detector("yunet", model_path="any.onnx")


def test_haar_on_an_opencv_without_cascades(monkeypatch):
    monkeypatch.delattr(cv2, "CascadeClassifier")
    with pytest.raises(DetectorError, match="no cascades"):
        create_detector("haar")


def test_blazeface_without_litert(monkeypatch):
    monkeypatch.setitem(sys.modules, "ai_edge_litert.interpreter", None)
    with pytest.raises(DetectorError, match="pip install ai-edge-litert"):
        create_detector("blazeface", model_path=str(MODELS / f"{blazeface.FILE}.tflite"))


def test_blazeface_is_run_by_opencv_where_litert_is_not_installed(without_litert, astronaut):
    detector = create_detector()
    assert detector.name == "blazeface"
    (face,) = detector.detect(astronaut)
    assert middle(face) == pytest.approx((224, 124), abs=20)


@needs_litert
@pytest.mark.parametrize("name", [blazeface.FILE, blazeface.SHORT_RANGE])
def test_both_backends_give_the_same_boxes(name, astronaut, hopper):
    litert, opencv = (
        create_detector("blazeface", model_path=str(MODELS / f"{name}{suffix}"))
        for suffix in (".tflite", ".onnx")
    )
    for image in (astronaut, hopper, astronaut[::3, ::3]):
        pairs = zip(litert.detect(image), opencv.detect(image), strict=True)
        for one, other in pairs:
            assert one.score == pytest.approx(other.score, abs=1e-4)
            assert one.box == pytest.approx(other.box, abs=0.01)
            assert np.array(one.eyes) == pytest.approx(np.array(other.eyes), abs=0.01)
            assert middle(one)[0] > 0


def test_a_proposing_detector_says_more():
    image = Sample()[0]
    sure, proposing = (create_detector("blazeface", proposing=p) for p in (False, True))
    assert len(proposing.detect(image)) >= len(sure.detect(image)) >= 1
    strict = create_detector("blazeface", score_threshold=0.99, proposing=True)
    assert not strict.detect(image), "a threshold that is asked for counts"


@pytest.mark.parametrize("side", [128, 192, 256])
def test_anchors_lie_inside_the_input(side):
    anchors = blazeface.make_anchors(side)
    assert anchors.shape == ({128: 896, 192: 2304, 256: 896}[side], 2)
    assert anchors.min() > 0
    assert anchors.max() < side


def test_merge_averages_overlapping_boxes_by_score():
    boxes = np.array([[0, 0, 10, 10], [50, 50, 60, 60], [2, 0, 12, 10]], float)
    merged, scores = blazeface.merge(boxes, np.array([0.3, 0.5, 0.9]))
    assert scores.tolist() == [0.9, 0.5]
    assert merged[0] == pytest.approx([1.5, 0, 11.5, 10])
    assert merged[1] == pytest.approx([50, 50, 60, 60])


def test_haar_neighbours_follow_the_score():
    assert [haar.neighbours_for(score) for score in (0, 0.25, 0.5, 0.75, 0.9)] == [1, 1, 3, 9, 27]
    assert haar.neighbours_for(1.0) > 1000


@opencv_4_8
def test_auto_takes_yunet_where_its_file_is_given(shared, caplog):
    caplog.set_level(logging.INFO, "fer_ros")
    model = shared / "models" / "face_detection_yunet_n.onnx"
    assert create_detector(model_path=str(model)).name == "yunet"
    assert "face detector: yunet" in caplog.text


def test_auto_goes_on_to_the_next_that_is_present(monkeypatch, caplog, tmp_path):
    caplog.set_level(logging.INFO, "fer_ros")
    assert create_detector().name == "blazeface"
    monkeypatch.setattr(shipped_files, "MODELS", tmp_path)
    assert create_detector().name == "haar"
    assert "face detector: haar" in caplog.text


@opencv_4_8
def test_auto_warns_when_the_file_given_is_of_no_use(tmp_path, caplog):
    (tmp_path / "torn.onnx").write_bytes(b"torn")
    assert create_detector(model_path=str(tmp_path / "torn.onnx")).name == "blazeface"
    assert "torn.onnx: not a YuNet model" in caplog.text


@pytest.mark.parametrize("path", ["missing.onnx", "README.md"])
def test_auto_refuses_a_file_that_nobody_reads(path):
    with pytest.raises(DetectorError, match=path):
        create_detector(model_path=path)


def test_each_carries_its_framing(detector, astronaut):
    """The square that it leads to is about the same, whatever the habits of its boxes."""
    (face,) = detector.detect(astronaut)
    square = detector.framing.side * face.box.width
    assert square == pytest.approx(106, rel=0.15)
    assert middle(face)[1] + detector.framing.down * face.box.width == pytest.approx(120, abs=10)
