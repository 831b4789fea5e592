# SPDX-License-Identifier: Apache-2.0
"""Markers stay as long as the next is awaited, and no longer: RViz shows no dead node's state."""

import pytest
from node_helpers import astronaut, stamped
from sensor_msgs.msg import CameraInfo
from visualization_msgs.msg import Marker, MarkerArray

from fer_ros.nodes.lifetime import Lifetime


def seconds(duration):
    return duration.sec + duration.nanosec * 1e-9


def lifetimes(least, *times):
    lifetime, found = Lifetime(least), []
    for time in times:
        lifetime.note(time)
        found.append(pytest.approx(seconds(lifetime.duration()), abs=1e-6))
    return found


def test_three_periods_and_never_less_than_asked():
    assert lifetimes(0.5, 10, 10.1, 10.2) == [0.5, 0.5, 0.5]
    assert lifetimes(0.5, 10, 11, 12) == [0.5, 3, 3]


def test_a_pause_is_no_new_rate():
    assert lifetimes(0.5, 1, 2, 3, 63, 64) == [0.5, 3, 3, 3, 3]


def test_time_that_goes_back_begins_anew():
    assert lifetimes(0.5, 100, 102, 1, 2) == [0.5, 6, 0.5, 3]


def test_state_outlives_the_node_by_three_reports(bench):
    bench.start(diagnostics_period=0.2)
    found = []
    bench.node.create_subscription(Marker, "status_marker", found.append, 1)
    bench.until(lambda: found)
    assert 0.6 <= seconds(found[0].lifetime) < 2


def test_boxes_of_a_slow_camera_stay_till_the_next_image(bench):
    bench.start()
    found = []
    bench.node.create_subscription(MarkerArray, "emotion_markers", found.append, 1)
    bench.until(lambda: bench.listeners("emotion_markers"))
    publisher = bench.publisher()
    k = [600.0, 0.0, 320.0, 0.0, 600.0, 240.0, 0.0, 0.0, 1.0]
    info = bench.node.create_publisher(CameraInfo, "camera_info", 1)
    bench.until(info.get_subscription_count)
    info.publish(CameraInfo(width=640, height=480, k=k))
    for second in range(1, 30, 2):  # half an image a second
        bench.process(publisher, stamped(astronaut(), 1000 + second))
        if found and found[-1].markers and found[-1].markers[0].lifetime.sec:
            break
    assert {seconds(marker.lifetime) for marker in found[-1].markers} == {6.0}
