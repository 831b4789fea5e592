# SPDX-License-Identifier: Apache-2.0
"""Recordings made before the messages' version 2."""

import numpy as np
import pytest
from bag_helpers import JPEG, START, STEP, evaluate, frames, header, image, messages, summary
from rosbags.rosbag2 import Reader, StoragePlugin, Writer
from rosbags.typesys import Stores, get_types_from_msg, get_typestore

from fer_ros.bags.types import qos, type_store

FACE = """
uint32 track_id
sensor_msgs/RegionOfInterest roi
float32 detection_score
uint8 emotion
string label
float32 confidence
float32[7] probabilities
float32[7] raw_probabilities
"""
ARRAY = """
std_msgs/Header header
uint32 image_width
uint32 image_height
string model
FaceEmotion[] faces
"""
EVENT = """
std_msgs/Header header
uint32 track_id
uint8 from_emotion
string from_label
uint8 to_emotion
string to_label
builtin_interfaces/Time onset
float32 confidence
float32 duration
"""
IMAGES = 12


def version_1():
    """The types of fer_ros 1.0.0."""
    store = get_typestore(Stores.ROS2_JAZZY)
    types = {}
    for name, text in (("FaceEmotion", FACE), ("EmotionArray", ARRAY), ("EmotionEvent", EVENT)):
        types |= get_types_from_msg(text, f"fer_ros/msg/{name}")
    store.register(types)
    return store


def record(path, storage):
    """A bag with images, results and events as fer_ros 1.0.0 recorded them."""
    store = version_1()
    types = store.types
    face = types["fer_ros/msg/FaceEmotion"](
        track_id=1,
        roi=types["sensor_msgs/msg/RegionOfInterest"](1, 2, 3, 4, False),
        detection_score=0.9,
        emotion=3,
        label="joy",
        confidence=0.9,
        probabilities=np.full(7, 1 / 7, np.float32),
        raw_probabilities=np.full(7, 1 / 7, np.float32),
    )
    with Writer(path, version=9, storage_plugin=StoragePlugin[storage.upper()]) as writer:
        topics = {
            name: writer.add_connection(name, kind, typestore=store, offered_qos_profiles=[qos()])
            for name, kind in (
                (JPEG, "sensor_msgs/msg/CompressedImage"),
                ("/emotions", "fer_ros/msg/EmotionArray"),
                ("/emotion_events", "fer_ros/msg/EmotionEvent"),
            )
        }
        for i, bgr in enumerate(frames(IMAGES)):
            time, stamp = START + i * STEP, header(i)
            array = types["fer_ros/msg/EmotionArray"](stamp, 640, 480, "old@00000000", [face])
            event = types["fer_ros/msg/EmotionEvent"](
                stamp, 1, 255, "uncertain", 3, "joy", stamp.stamp, 0.9, 0.5
            )
            writer.write(topics[JPEG], time, image(i, bgr, True)[1])
            for name, message in (("/emotions", array), ("/emotion_events", event)):
                data = store.serialize_cdr(message, topics[name].msgtype)
                writer.write(topics[name], time + 1000, data)
    return path


@pytest.mark.parametrize("storage", ["mcap", "sqlite3"])
def test_is_evaluated(tmp_path, storage):
    bag, out = record(tmp_path / "old", storage), tmp_path / "out"
    assert evaluate(bag, "--out", out) == 0
    assert summary(out)["images_read"] == IMAGES
    assert not summary(out)["damage"]
    found = messages(out)
    results = [message for topic, _, message in found if topic == "/emotions"]
    assert len(results) == IMAGES, "new results in the place of the old ones"
    assert all(result.model != "old@00000000" for result in results)
    assert results[0].faces[0].facing
    assert np.isfinite(results[0].faces[0].yaw)
    # What is copied keeps the definition that it was recorded with.
    events = [message for topic, _, message in found if topic == "/emotion_events"]
    assert [event.to_label for event in events] == ["joy"] * IMAGES
    assert events[0].duration == 0.5
    assert not hasattr(events[0], "facing")


def test_the_types_here_are_those_of_version_1(tmp_path):
    """They begin the present ones: nothing was renamed or moved."""
    old, new = version_1(), type_store()
    for name in ("FaceEmotion", "EmotionArray", "EmotionEvent"):
        fields = [[f for f, _ in s.fielddefs[f"fer_ros/msg/{name}"][1]] for s in (old, new)]
        assert fields[1][: len(fields[0])] == fields[0]
    with Reader(record(tmp_path / "old", "mcap")) as reader:
        (connection,) = (c for c in reader.connections if c.topic == "/emotions")
        assert connection.digest == old.hash_rihs01("fer_ros/msg/EmotionArray")
        assert connection.digest != new.hash_rihs01("fer_ros/msg/EmotionArray")
