# SPDX-License-Identifier: Apache-2.0
"""Images that were published and never came in are counted."""

import time

import pytest
from node_helpers import blank, stamped
from rclpy.qos import ReliabilityPolicy

from fer_ros.nodes.inputs.image_subscription import ImageSubscription


@pytest.fixture
def heard(bench):
    """What an ImageSubscription hands on: (second of the stamp, how many were missed before)."""
    found = []
    images = ImageSubscription(
        bench.node,
        "raw",
        "reliable",
        lambda message, missed: found.append((message.header.stamp.sec, missed)),
    )
    yield found
    images.close()


def send(bench, heard, publisher, seconds):
    """Publish an image for each second, faster than they are taken; wait for the last one."""
    for second in seconds:
        publisher.publish(stamped(blank(), second))
    time.sleep(0.3)
    bench.until(lambda: heard and heard[-1][0] == seconds[-1], "the last image")


def test_images_written_over_are_counted(bench, heard):
    publisher = bench.publisher()
    send(bench, heard, publisher, [1000])
    send(bench, heard, publisher, range(1001, 1010))
    assert heard == [(1000, 0), (1009, 8)]


def test_a_new_publisher_begins_anew(bench, heard):
    publisher = bench.publisher()
    for second in range(1000, 1005):
        send(bench, heard, publisher, [second])
    bench.node.destroy_publisher(publisher)
    publisher = bench.publisher()
    for second in range(2000, 2010):
        send(bench, heard, publisher, [second])
    assert [missed for _, missed in heard] == [0] * 15


def test_two_publishers_number_each_for_himself(bench, heard):
    one, other = bench.publisher(), bench.publisher()
    for second in range(1000, 1005):
        send(bench, heard, one, [second])
    for second in range(2000, 2005):
        send(bench, heard, one if second % 2 else other, [second])
    assert {missed for _, missed in heard} == {0}


def test_a_subscription_that_cannot_be_replaced_stays(bench, monkeypatch):
    """The node goes on hearing by the old one, says why, and tries again."""
    found = []
    images = ImageSubscription(bench.node, "raw", "auto", lambda m, _: found.append(m))
    create = bench.node.create_subscription

    def refuse(*_, **__):
        raise RuntimeError("no\nroom")

    monkeypatch.setattr(bench.node, "create_subscription", refuse)
    publisher = bench.publisher()
    bench.until(lambda: images.failure)
    assert images.failure == "RuntimeError: no room"
    assert images.policy == ReliabilityPolicy.BEST_EFFORT, "as before anybody published"

    def arrived():
        publisher.publish(stamped(blank(), 1000))
        return found

    bench.until(arrived)
    monkeypatch.setattr(bench.node, "create_subscription", create)
    images.check()
    assert (images.failure, images.policy) == ("", ReliabilityPolicy.RELIABLE)
    found.clear()
    bench.until(arrived)
    images.close()
