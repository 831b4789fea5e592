# SPDX-License-Identifier: Apache-2.0
"""Parameters without ROS: from words and files, to the one pipeline."""

import numpy as np
import pytest

from fer_ros.cli.arguments import settings_of
from fer_ros.settings import EMOTION_NODE, Settings, SettingsError, create_pipeline
from fer_ros.sources.sample import Sample


def test_settings_from_words_and_files(tmp_path):
    (tmp_path / "my.yaml").write_text(
        "/**/emotion_node:\n  ros__parameters:\n    hysteresis: 0.4\n    jpeg_quality: 5\n"
        "/**/video_source:\n  ros__parameters:\n    rate: 3.0\n"
    )
    got = settings_of([str(tmp_path / "my.yaml"), "rotate=90", "max_faces=2"])
    assert got.differences() == {"hysteresis": 0.4, "rotate": 90, "max_faces": 2}
    assert Settings().differences() == {}


def test_settings_from_the_shipped_file(repository):
    assert settings_of([str(repository / "config/emotion.yaml")]) == Settings()


@pytest.mark.parametrize(
    ("word", "words"),
    [
        ("colour=red", "no parameter colour: choose detector"),
        ("hysteresis=much", "hysteresis=much: expected float"),
        ("hysteresis=2", "hysteresis=2.0: expected 0 to 1"),
        ("rotate=45", "rotate=45: choose 0, 90, 180, 270"),
        ("detector=eyes", "detector=eyes: choose auto, yunet"),
        ("nowhere.yaml", "nowhere.yaml: No such file or directory: expected NAME=VALUE"),
    ],
)
def test_refuses_settings(word, words):
    with pytest.raises(SettingsError, match=words):
        settings_of([word])


def test_refuses_a_file_of_something_else(tmp_path):
    (tmp_path / "other.yaml").write_text("- 1\n- 2\n")
    with pytest.raises(SettingsError, match="not a ROS parameter file"):
        settings_of([str(tmp_path / "other.yaml")])


def test_the_pipeline_is_set_up():
    words = [
        "detector=haar", "max_faces=3", "max_gap=2", "rotate=180", "smoothing_time_constant=1",
        "hysteresis=0.2", "uncertain_threshold=0.7", "min_face_size=50",
    ]  # fmt: skip
    pipeline = create_pipeline(**vars(settings_of(words)))
    assert (pipeline.detector.name, pipeline.detector.min_face_size) == ("haar", 50)
    assert (pipeline.max_faces, pipeline.max_gap, pipeline.rotate) == (3, 2, 180)


def test_what_is_smoothed_follows_the_values():
    image = Sample()[0]
    (face,) = create_pipeline(detector="haar", uncertain_threshold=1.0).process(image, 1.0).faces
    assert face.label == "uncertain"
    pipeline = create_pipeline(detector="haar")
    (face,) = pipeline.process(image, 1.0).faces
    assert face.label == "joy", "the model card's threshold"


def test_without_values_it_is_what_the_node_runs():
    pipeline = create_pipeline()
    everything = create_pipeline(**{setting.name: setting.default for setting in EMOTION_NODE})
    for one in (pipeline, everything):
        assert one.classifier.path == pipeline.classifier.path
        assert (one.detector.name, one.max_faces) == (pipeline.detector.name, 16)


def test_without_litert_everything_runs_by_opencv(without_litert):
    pipeline = create_pipeline()
    assert (pipeline.detector.name, pipeline.classifier.backend_name) == ("blazeface", "opencv")
    (face,) = pipeline.process(Sample()[0], 1.0).faces
    assert face.label == "joy"
    assert face.facing


def test_the_face_mesh_can_be_turned_off():
    (face,) = create_pipeline(face_mesh="off").process(Sample()[0], 1.0).faces
    assert np.isnan(face.pose).all()
    assert not face.facing
    assert face.points is None


def test_the_angle_of_facing():
    pipeline = create_pipeline(facing_angle=0.0)
    assert not pipeline.process(Sample()[0], 1.0).faces[0].facing


def test_ids_go_on_when_the_way_of_finding_faces_changes():
    pipeline = create_pipeline()
    pipeline.process(Sample()[0], 1.0)
    pipeline.replace(create_pipeline(face_mesh="off"))
    (face,) = pipeline.process(Sample()[0], 1.03).faces
    assert face.track_id == 2
    assert np.isnan(face.pose).all()


def test_refuses_what_is_no_parameter():
    with pytest.raises(SettingsError, match="no parameter colour"):
        create_pipeline(colour="red")
