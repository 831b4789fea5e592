# SPDX-License-Identifier: Apache-2.0
"""The evaluation against the running node: the same bag, the same probabilities and distances."""

import numpy as np
import pytest
from bag_helpers import INFO, JPEG, RAW, frames, make_bag
from fer_ros.msg import EmotionArray
from rclpy.serialization import deserialize_message
from sensor_msgs.msg import CameraInfo, CompressedImage, Image

from fer_ros.bags.reading import Bag
from fer_ros.evaluation.one_pass import Job, evaluate


def by_stamp(results) -> dict:
    return {(r.header.stamp.sec, r.header.stamp.nanosec): r for r in results}


def raw_probabilities(result) -> np.ndarray:
    return np.array([face.raw_probabilities for face in result.faces])


@pytest.mark.parametrize(
    ("topic", "kind", "transport"),
    [(RAW, Image, "raw"), (JPEG, CompressedImage, "compressed")],
    ids=["raw", "compressed"],
)
def test_the_node_says_the_same(bench, tmp_path, topic, kind, transport):
    """Each image of the bag is played into emotion_node once the one before has its result."""
    source = make_bag(tmp_path / "bag_in", frames(12), topics=(topic,), calibrated=True)
    evaluate(Job(source), tmp_path / "out", log=lambda _: None)
    with Bag(tmp_path / "out/bag") as bag:
        said = list(bag.messages())
    evaluated = by_stamp(
        deserialize_message(m.data, EmotionArray) for m in said if m.topic == "/emotions"
    )
    assert len(evaluated) == 12

    bench.start("-r", f"image_raw:={RAW}", image_transport=transport)
    publisher = bench.publisher(kind, topic)
    camera = bench.emotion_node.inputs.calibration
    info = bench.node.create_publisher(CameraInfo, INFO, 1)
    (calibration,) = (m.data for m in said if m.topic == INFO)
    bench.until(info.get_subscription_count, "a subscriber of camera_info")
    info.publish(deserialize_message(calibration, CameraInfo))
    bench.until(lambda: camera.model((480, 640)) is not None, "camera_info")
    for message in said:
        if message.topic == topic:
            bench.process(publisher, deserialize_message(message.data, kind))
    live = by_stamp(bench.results)
    assert live.keys() == evaluated.keys()
    assert sum(len(result.faces) for result in live.values()) >= 12
    for stamp, result in live.items():
        other = evaluated[stamp]
        assert result.model == other.model
        assert result.header == other.header
        assert [face.roi for face in result.faces] == [face.roi for face in other.faces]
        assert np.array_equal(raw_probabilities(result), raw_probabilities(other))
        for one, two in zip(result.faces, other.faces, strict=True):
            assert 0.3 < one.distance == two.distance < 3
            assert one.engagement == two.engagement > 0
