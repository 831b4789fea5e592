# SPDX-License-Identifier: Apache-2.0
"""Results and images to ROS messages, field by field."""

import numpy as np
import pytest
from node_helpers import header
from result_helpers import result_of

from fer_ros import msg
from fer_ros.emotions.classes import EMOTIONS, UNCERTAIN
from fer_ros.images.codec import WRITABLE_ENCODINGS, decode_compressed, decode_image
from fer_ros.nodes.messages import emotion_array, image_message, jpeg_message
from fer_ros.result import Box, FaceEmotion

PROBABILITIES = np.array([0.05, 0.05, 0.1, 0.5, 0.1, 0.1, 0.1], np.float32)
RAW = np.array([0.02, 0.03, 0.05, 0.7, 0.1, 0.05, 0.05], np.float32)


def face(emotion=3):
    return FaceEmotion(7, Box(10, 20, 30, 40), 0.9, emotion, PROBABILITIES, RAW)


def test_constants_are_the_classes():
    constants = [getattr(msg.FaceEmotion, name.upper()) for name in EMOTIONS]
    assert constants == list(range(7))
    assert msg.FaceEmotion.UNCERTAIN == UNCERTAIN


def test_every_field():
    message = emotion_array(header(), result_of(face(), model="model@12345678"))
    assert message.header == header()
    assert (message.image_width, message.image_height) == (640, 480)
    assert message.model == "model@12345678"
    (found,) = message.faces
    assert found.track_id == 7
    roi = found.roi
    assert (roi.x_offset, roi.y_offset, roi.width, roi.height) == (10, 20, 30, 40)
    assert not roi.do_rectify
    assert found.detection_score == pytest.approx(0.9)
    assert (found.emotion, found.label) == (msg.FaceEmotion.JOY, "joy")
    assert found.confidence == pytest.approx(0.5)
    np.testing.assert_array_equal(found.probabilities, PROBABILITIES)
    np.testing.assert_array_equal(found.raw_probabilities, RAW)


def test_uncertain_has_the_largest_probability():
    (found,) = emotion_array(header(), result_of(face(UNCERTAIN))).faces
    assert (found.emotion, found.label) == (255, "uncertain")
    assert found.confidence == pytest.approx(0.5)


def test_no_faces():
    assert emotion_array(header(), result_of()).faces == []


@pytest.mark.parametrize("encoding", WRITABLE_ENCODINGS)
def test_image_and_back(encoding):
    image = np.random.default_rng(0).integers(0, 256, (9, 7, 3), np.uint8)
    message = image_message(header(), image, encoding)
    assert message.header == header()
    assert (message.height, message.width, message.encoding) == (9, 7, encoding)
    assert len(message.data) == message.height * message.step
    if encoding != "mono8":
        np.testing.assert_array_equal(decode_image(message), image)


def test_image_of_a_view():
    image = np.arange(9 * 14 * 3, dtype=np.uint8).reshape(9, 14, 3)[:, ::2]
    np.testing.assert_array_equal(decode_image(image_message(header(), image)), image)


def test_jpeg_and_back():
    image = np.full((16, 24, 3), (30, 120, 200), np.uint8)
    message = jpeg_message(header(), image, 95)
    assert message.header == header()
    assert message.format == "bgr8; jpeg compressed bgr8"  # as image_transport writes it
    np.testing.assert_allclose(decode_compressed(message), image, atol=3)
