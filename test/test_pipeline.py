# SPDX-License-Identifier: Apache-2.0
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

from fer_ros.emotions.classes import EMOTIONS, UNCERTAIN
from fer_ros.emotions.model_card import GREY
from fer_ros.faces.detectors import Detection, Framing
from fer_ros.faces.quality import STEADY, Flag, Reading
from fer_ros.images.rotation import rotate_image
from fer_ros.observation import Observation
from fer_ros.parameters import analysis_options, create_pipeline
from fer_ros.pipeline import EmotionPipeline
from fer_ros.result import Box, FaceEmotion
from fer_ros.sources.sample import Sample

JOY, SADNESS = EMOTIONS.index("joy"), EMOTIONS.index("sadness")
FRAME = np.full((480, 640, 3), 200, np.uint8)
FRAMING = Framing(0.99, 0.01)
OPTIONS = analysis_options(min_quality=0.0)  # squares are too flat and too dark to be trusted


class BlobDetector:
    """Finds each dark square on a bright image: a real, if simple, detector."""

    framing = FRAMING

    def detect(self, bgr):
        import cv2

        _, _, stats, _ = cv2.connectedComponentsWithStats((bgr[..., 0] < 128).astype(np.uint8))
        return [Detection(Box(*map(float, row[:4])), score=0.9) for row in stats[1:]]


class BrightnessClassifier:
    """Joy on crops with a light centre, sadness on dark ones."""

    card = SimpleNamespace(margin=1.0, uncertain_below=0.4, crop=GREY)
    identity = "brightness@00000000"

    def probabilities(self, crop):
        assert crop.shape == (48, 48)
        result = np.full(7, 0.05, np.float32)
        result[JOY if crop[20:28, 20:28].mean() > 60 else SADNESS] = 0.7
        return result


@pytest.fixture
def pipeline():
    return EmotionPipeline(BlobDetector(), BrightnessClassifier(), OPTIONS)


def tune(pipeline, **changes):
    pipeline.tune(replace(OPTIONS, **changes))


def frame(*squares):
    """A bright image with dark squares (x, y, side, value)."""
    image = FRAME.copy()
    for x, y, side, value in squares:
        image[y : y + side, x : x + side] = value
    return image


def test_no_face_no_result(pipeline):
    assert pipeline.process(Observation(FRAME, 1.0)).faces == ()


def test_faces_come_largest_first_with_their_expression(pipeline):
    result = pipeline.process(Observation(frame((50, 60, 80, 100), (300, 100, 150, 20)), 1.0))
    large, small = result.faces
    assert large.box == (300, 100, 150, 150)
    assert (large.label, small.label) == ("sadness", "joy")
    assert {large.track_id, small.track_id} == {1, 2}
    assert large.confidence == pytest.approx(0.7)
    np.testing.assert_array_equal(large.probabilities, large.raw_probabilities)
    assert set(result.timings) == {"detect", "classify", "track"}
    assert (result.model, result.followed) == ("brightness@00000000", {1, 2})


def test_smoothed_and_raw_part_when_the_face_changes(pipeline):
    pipeline.process(Observation(frame((300, 100, 150, 100)), 1.0))
    (face,) = pipeline.process(Observation(frame((300, 100, 150, 20)), 1.03)).faces
    assert face.raw_probabilities.argmax() == SADNESS
    assert face.label == "joy"
    assert face.track_id == 1


@pytest.mark.parametrize(
    ("flags", "time_constant"),
    [(Flag(0), 0.3), (Flag.TALKING, STEADY)],
)
def test_who_talks_is_read_by_the_mean_of_two_seconds(pipeline, monkeypatch, flags, time_constant):
    monkeypatch.setattr(pipeline._meter, "read", lambda *_: Reading(flags, False))
    pipeline.process(Observation(frame((300, 100, 150, 100)), 1.0))
    (face,) = pipeline.process(Observation(frame((300, 100, 150, 20)), 1.1)).faces
    share = 1 - np.exp(-0.1 / time_constant)
    assert face.probabilities[SADNESS] == pytest.approx(0.05 + 0.65 * share, abs=1e-4)


def test_only_faces_of_this_image_are_given(pipeline):
    pipeline.process(Observation(frame((300, 100, 150, 20)), 1.0))
    assert pipeline.process(Observation(FRAME, 1.1)).faces == ()
    (face,) = pipeline.process(Observation(frame((305, 100, 150, 20)), 1.2)).faces
    assert face.track_id == 1


FACE = (300, 100, 150)


def follow(pipeline, *stamps, receipts=None):
    """The id in each image of a face that stays where it is."""
    receipts = receipts or [None] * len(stamps)
    return [
        pipeline.process(Observation(frame((*FACE, 20)), stamp, receipt)).faces[0].track_id
        for stamp, receipt in zip(stamps, receipts, strict=True)
    ]


def test_stamps_that_go_far_back_start_anew_and_that_is_told(pipeline):
    pipeline.process(Observation(frame((*FACE, 100)), 4.0))
    result = pipeline.process(Observation(frame((*FACE, 20)), 1.0))
    assert (result.faces[0].track_id, result.faces[0].label) == (2, "sadness")
    assert result.restart == "stamps went back by 3.0 s"
    assert pipeline.process(Observation(frame((*FACE, 20)), 1.1)).restart == ""


def test_a_stamp_a_little_back_changes_nothing(pipeline):
    assert follow(pipeline, 1.0, 1.033, 1.032, 1.066, 0.7, 1.1) == [1] * 6


def test_who_is_unseen_for_long_is_somebody_new(pipeline):
    assert follow(pipeline, 1.0, 1.1, 1.2, 9.0, 9.1) == [1, 1, 1, 2, 2]


@pytest.mark.parametrize("period", [0.4, 2.0, 7.0])
@pytest.mark.parametrize("max_gap", [0.0, 1.0])
def test_slow_cameras_keep_their_faces(pipeline, period, max_gap):
    tune(pipeline, max_gap=max_gap)
    stamps = [1 + i * period for i in range(6)]
    ids = follow(pipeline, *stamps)
    assert len(set(ids[1:])) == 1, "from the second image on it is known how slow"
    for stamp in (stamps[-1] + period, stamps[-1] + 2 * period):
        pipeline.process(Observation(FRAME, stamp))
    gone = stamps[-1] + max(3 * period, 1.1)
    assert follow(pipeline, gone)[0] > ids[-1], "two images without it, and a second"


@pytest.mark.parametrize("stamp", [0.0, 5.0])
def test_stamps_that_say_nothing_leave_it_to_the_receipt(pipeline, stamp):
    for i in range(31):
        value = 100 if i == 0 else 20
        image = frame((300, 100, 150, value))
        (face,) = pipeline.process(Observation(image, stamp, receipt=100 + i / 30)).faces
    assert face.track_id == 1
    assert face.probabilities[SADNESS] == pytest.approx(0.7 - 0.65 * np.exp(-1 / 0.3), abs=1e-3)
    (face,) = pipeline.process(Observation(frame((300, 100, 150, 20)), stamp, receipt=150.0)).faces
    assert face.track_id == 2


def test_receipt_does_not_matter_where_stamps_are_good(pipeline):
    twin = EmotionPipeline(BlobDetector(), BrightnessClassifier(), OPTIONS)
    for i in range(5):
        image = frame((300, 100, 150, 20 if i % 2 else 100))
        (a,) = pipeline.process(Observation(image, 1 + i / 30, receipt=i * 100.0)).faces
        (b,) = twin.process(Observation(image, 1 + i / 30)).faces
        np.testing.assert_array_equal(a.probabilities, b.probabilities)


def test_limits(pipeline):
    tune(pipeline, max_faces=1)
    image = frame((50, 60, 80, 100), (300, 100, 150, 20))
    (face,) = pipeline.process(Observation(image, 1.0)).faces
    assert face.box[2] == 150


@pytest.mark.parametrize("degrees", [0, 90, 180, 270])
def test_boxes_stay_in_the_pixels_of_the_image_given(pipeline, degrees):
    tune(pipeline, rotate=degrees)
    image = rotate_image(frame((300, 100, 150, 20)), -degrees)
    (face,) = pipeline.process(Observation(image, 1.0)).faces
    x, y, w, h = face.box
    assert image[y : y + h, x : x + w].max() == 20
    assert (w, h) == (150, 150)


def test_boxes_are_clipped(pipeline):
    pipeline.finder.detector = SimpleNamespace(
        framing=FRAMING, detect=lambda _: [Detection(Box(-20.0, 400.0, 100.0, 200.0), 0.8)]
    )
    (face,) = pipeline.process(Observation(FRAME, 1.0)).faces
    assert face.box == (0, 400, 80, 80)


def test_largest_is_what_is_seen_largest(pipeline):
    boxes = [(-300.0, 100.0, 350.0, 350.0), (200.0, 100.0, 200.0, 200.0)]
    pipeline.finder.detector = SimpleNamespace(
        framing=FRAMING, detect=lambda _: [Detection(Box(*box), score=0.8) for box in boxes]
    )
    assert [f.box for f in pipeline.process(Observation(FRAME, 1.0)).faces] == [
        (200, 100, 200, 200),
        (0, 100, 50, 350),
    ]


def test_boxes_wholly_outside_are_left_out(pipeline):
    pipeline.finder.detector = SimpleNamespace(
        framing=FRAMING, detect=lambda _: [Detection(Box(700.0, 10.0, 50.0, 50.0), 0.8)]
    )
    assert pipeline.process(Observation(FRAME, 1.0)).faces == ()


def test_reset_forgets_but_never_gives_an_id_again(pipeline):
    pipeline.process(Observation(frame((300, 100, 150, 100)), 1.0))
    pipeline.reset()
    (face,) = pipeline.process(Observation(frame((300, 100, 150, 20)), 1.03)).faces
    assert (face.track_id, face.label) == (2, "sadness")


def test_uncertain_keeps_the_largest_confidence():
    p = np.array([0.2, 0.1, 0.1, 0.3, 0.1, 0.1, 0.1], np.float32)
    face = FaceEmotion(1, Box(0, 0, 1, 1), 0.5, UNCERTAIN, p, p)
    assert face.label == "uncertain"
    assert face.confidence == pytest.approx(0.3)
    assert FaceEmotion(1, Box(0, 0, 1, 1), 0.5, 0, p, p).confidence == pytest.approx(0.2)


@pytest.mark.parametrize(
    ("threshold", "label"),
    [(-1.0, "uncertain"), (0.0, "neutral"), (0.2, "neutral"), (0.26, "uncertain")],
)
def test_a_threshold_may_be_zero(pipeline, threshold, label):
    """Nothing is too little then; -1 leaves it to the model card."""

    def evenly(crop):
        return np.array([1, 1, 1, 1, 1, 1, 2], np.float32) / 8

    pipeline.classifier.probabilities = evenly
    pipeline.classifier.card = SimpleNamespace(margin=1.0, uncertain_below=0.3, crop=GREY)
    tune(pipeline, uncertain_threshold=threshold)
    (face,) = pipeline.process(Observation(frame((300, 100, 150, 20)), 1.0)).faces
    assert face.label == label


def test_the_very_first_image_is_read_as_any_other():
    """The mesh frames a new face in it too, not the detector."""
    image = Sample()[0]
    fresh, used = create_pipeline(), create_pipeline()
    used.process(Observation(np.full_like(image, 127), 1.0))
    (first,), (other,) = (p.process(Observation(image, 2.0)).faces for p in (fresh, used))
    assert first.box == other.box
    assert np.array_equal(first.raw_probabilities, other.raw_probabilities)
