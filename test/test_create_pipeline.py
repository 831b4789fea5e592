# SPDX-License-Identifier: Apache-2.0
"""Parameters without ROS: from words and files, to the one pipeline."""

import numpy as np
import pytest

from fer_ros.faces.detectors import DetectorError
from fer_ros.observation import Observation
from fer_ros.parameters import (
    ANALYSIS,
    EMOTION_NODE,
    LOADED,
    PIPELINE,
    AnalysisOptions,
    ParameterError,
    analysis_options,
    build_pipeline,
    create_pipeline,
)
from fer_ros.parameters.files import options_from
from fer_ros.parameters.parameter import differences, taken_by
from fer_ros.sources.sample import Sample


def test_options_from_words_and_files(tmp_path):
    (tmp_path / "my.yaml").write_text(
        "/**/emotion_node:\n  ros__parameters:\n    hysteresis: 0.4\n    jpeg_quality: 5\n"
        "/**/video_source:\n  ros__parameters:\n    rate: 3.0\n"
    )
    got = options_from([str(tmp_path / "my.yaml"), "rotate=90", "max_faces=2"])
    assert differences(got, ANALYSIS) == {"hysteresis": 0.4, "rotate": 90, "max_faces": 2}
    assert differences(analysis_options(), ANALYSIS) == {}


def test_options_from_the_shipped_file(repository):
    assert options_from([str(repository / "config/emotion.yaml")]) == analysis_options()


@pytest.mark.parametrize(
    ("word", "words"),
    [
        ("colour=red", "no parameter colour: choose image_rectified, detector"),
        ("hysteresis=much", "hysteresis=much: expected a finite number"),
        ("hysteresis=nan", "hysteresis=nan: expected a finite number"),
        ("max_gap=inf", "max_gap=inf: expected a finite number"),
        (f"max_gap={'1' * 400}", "max_gap=1{60}...: expected a finite number"),
        (f"max_faces={'1' * 400}", "max_faces=1{60}...: expected 1 to 256"),
        (f"max_faces={'1' * 9999}", "max_faces=1{60}...: expected a whole number"),
        ("max_faces=2.7", "max_faces=2.7: expected a whole number"),
        ("relative_events=maybe", "relative_events=maybe: expected true or false"),
        ("max_facs=3", "no parameter max_facs: did you mean max_faces?"),
        ("hysteresis=2", "hysteresis=2.0: expected 0 to 1"),
        ("rotate=45", "rotate=45: choose 0, 90, 180, 270"),
        ("detector=eyes", "detector=eyes: choose auto, yunet"),
        ("nowhere.yaml", "nowhere.yaml: No such file or directory: expected NAME=VALUE"),
    ],
)
def test_refuses_words(word, words):
    with pytest.raises(ParameterError, match=words):
        options_from([word])


def test_refuses_a_file_of_something_else(tmp_path):
    (tmp_path / "other.yaml").write_text("- 1\n- 2\n")
    with pytest.raises(ParameterError, match="not a ROS parameter file"):
        options_from([str(tmp_path / "other.yaml")])


def test_the_pipeline_is_set_up():
    words = [
        "detector=haar", "max_faces=3", "max_gap=2", "rotate=180", "smoothing_time_constant=1",
        "hysteresis=0.2", "uncertain_threshold=0.7", "min_face_size=50",
    ]  # fmt: skip
    pipeline = build_pipeline(options_from(words))
    assert (pipeline.detector.name, pipeline.detector.min_face_size) == ("haar", 50)
    options = pipeline.options
    assert (options.max_faces, options.max_gap, options.rotate) == (3, 2, 180)


def test_what_is_smoothed_follows_the_values():
    image = Sample()[0]
    pipeline = create_pipeline(detector="haar", uncertain_threshold=1.0)
    (face,) = pipeline.process(Observation(image, 1.0)).faces
    assert face.label == "uncertain"
    pipeline = create_pipeline(detector="haar")
    (face,) = pipeline.process(Observation(image, 1.0)).faces
    assert face.label == "joy", "the model card's threshold"


def test_without_values_it_is_what_the_node_runs():
    pipeline = create_pipeline()
    everything = create_pipeline(**{row.name: row.default for row in PIPELINE})
    for one in (pipeline, everything):
        assert one.classifier.path == pipeline.classifier.path
        assert (one.detector.name, one.options.max_faces) == (pipeline.detector.name, 16)


def test_without_litert_everything_runs_by_opencv(without_litert):
    pipeline = create_pipeline()
    assert (pipeline.detector.name, pipeline.classifier.backend_name) == ("blazeface", "opencv")
    (face,) = pipeline.process(Observation(Sample()[0], 1.0)).faces
    assert face.label == "joy"
    assert face.facing


def test_the_face_mesh_can_be_turned_off():
    (face,) = create_pipeline(face_mesh="off").process(Observation(Sample()[0], 1.0)).faces
    assert np.isnan(face.pose).all()
    assert not face.facing
    assert face.points is None


def test_the_angle_of_facing():
    pipeline = create_pipeline(facing_angle=0.0)
    assert not pipeline.process(Observation(Sample()[0], 1.0)).faces[0].facing


def test_ids_go_on_when_the_way_of_finding_faces_changes():
    pipeline = create_pipeline()
    pipeline.process(Observation(Sample()[0], 1.0))
    pipeline.replace(create_pipeline(face_mesh="off"))
    (face,) = pipeline.process(Observation(Sample()[0], 1.03)).faces
    assert face.track_id == 2
    assert np.isnan(face.pose).all()


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"colour": "red"}, "no parameter colour: choose detector"),
        ({"smoothing_time": 1.0}, "did you mean smoothing_time_constant?"),
        ({"image_transport": "raw"}, "no parameter image_transport"),
        ({"event_hold": 1.0}, "no parameter event_hold"),
        ({"max_faces": True}, "max_faces=True: expected a whole number"),
        ({"max_faces": 2.7}, "max_faces=2.7: expected a whole number"),
        ({"max_gap": float("nan")}, "max_gap=nan: expected a finite number"),
        ({"max_gap": 10**400}, "max_gap=1.*: expected a finite number"),
        ({"max_faces": 10**9999}, "max_faces=a number of thousands of digits: expected 1 to 256"),
        ({"max_faces": float("inf")}, "max_faces=inf: expected a whole number"),
        ({"model": 3}, "model=3: expected a text"),
    ],
)
def test_refuses_what_it_does_not_take(values, words):
    with pytest.raises(ParameterError, match=words) as refused:
        create_pipeline(**values)
    assert "\n" not in str(refused.value)
    assert len(str(refused.value)) < 800


@pytest.mark.parametrize("text", ["false", "off", "no", "0", "False", "OFF"])
def test_texts_of_false_are_false(text):
    assert options_from([f"relative_events={text}"]).relative_events is False


@pytest.mark.parametrize("text", ["true", "on", "yes", "1", "True"])
def test_texts_of_true_are_true(text):
    assert options_from([f"relative_events={text}"]).relative_events is True


def test_a_file_with_a_misspelt_name_is_refused(tmp_path):
    (tmp_path / "my.yaml").write_text("emotion_node:\n  ros__parameters:\n    hysteresys: 0.4\n")
    with pytest.raises(ParameterError, match=r"my\.yaml: no parameter hysteresys: did you mean"):
        options_from([str(tmp_path / "my.yaml")])


def test_what_is_loaded_follows_from_the_rows():
    wanted = {"detector", "detector_model", "detection_threshold", "face_mesh", "model", "threads"}
    assert set(LOADED) == wanted
    assert taken_by(AnalysisOptions, EMOTION_NODE) == ANALYSIS


def test_a_file_of_other_nodes_is_refused(tmp_path):
    (tmp_path / "my.yaml").write_text("emotion_nod:\n  ros__parameters:\n    hysteresis: 0.4\n")
    with pytest.raises(ParameterError, match=r"its keys \(emotion_nod\) are not emotion_node's"):
        options_from([str(tmp_path / "my.yaml")])


def test_a_detectors_file_may_lie_at_home(monkeypatch):
    monkeypatch.setenv("HOME", "/home/nobody")
    with pytest.raises(DetectorError, match=r"/home/nobody/no\.onnx"):
        create_pipeline(detector="blazeface", detector_model="~/no.onnx")
