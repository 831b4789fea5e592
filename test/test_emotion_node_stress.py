# SPDX-License-Identifier: Apache-2.0
"""emotion_node under load, with bad images, on other clocks; and what it says of them."""

import time

import pytest
from builtin_interfaces.msg import Time
from diagnostic_msgs.msg import DiagnosticStatus
from node_helpers import (
    all_done,
    astronaut,
    blank,
    header,
    holding,
    jpeg,
    pouring,
    raw,
    slowed,
    stamped,
)
from rosgraph_msgs.msg import Clock
from sensor_msgs.msg import CompressedImage, Image

from fer_ros.nodes import managed_node
from fer_ros.nodes.inputs import image_subscription

# Load


def test_overload(bench):
    """More images than can be processed: the newest win, none is late, all are counted."""
    bench.start()
    publisher = bench.publisher()
    with slowed(0.05):
        for _ in range(60):
            message = bench.now(blank())
            publisher.publish(message)
            bench.spin(0.005)
        received, processed, dropped = bench.counts(all_done)
    assert 0 < processed < received
    assert dropped > 0
    bench.until(lambda: len(bench.results) == processed)
    stamps = [r.header.stamp.sec + r.header.stamp.nanosec * 1e-9 for r in bench.results]
    assert stamps == sorted(stamps)
    assert bench.results[-1].header.stamp == message.header.stamp, "the newest wins"


def test_none_but_the_newest_waits(bench):
    """However long an image takes: what comes meanwhile is never a queue."""
    bench.start()
    publisher = bench.publisher()
    with holding() as inside:
        for number in range(10):
            publisher.publish(stamped(blank(), 1000 + number))
            bench.counts(lambda received, *_: received == number + 1)  # noqa: B023
            bench.until(inside.is_set)
    bench.until(lambda: len(bench.results) == 2)
    assert [r.header.stamp.sec for r in bench.results] == [1000, 1009]
    assert bench.counts(all_done) == (10, 2, 8)


def test_max_rate(bench):
    bench.start(max_rate=10.0)
    publisher = bench.publisher()
    began = time.monotonic()
    with pouring(lambda: publisher.publish(raw(header(), blank())), 0.01):
        bench.until(lambda: len(bench.results) >= 6)
    assert time.monotonic() - began >= (6 - 1) / 10


# Bad images


def torn(kind="bgr8"):
    message = raw(header(), blank(), kind)
    message.data = message.data[: len(message.data) // 2]
    return message


def with_encoding(encoding):
    message = raw(header(), blank())
    message.encoding = encoding
    return message


def torn_jpeg():
    message = jpeg(header(), astronaut())
    message.data = message.data[: len(message.data) // 2]
    return message


@pytest.mark.parametrize(
    ("transport", "bad", "reason"),
    [
        ("raw", with_encoding("cmyk8"), "cmyk8"),
        ("raw", with_encoding(""), "encoding ''"),
        ("raw", Image(header=header(), encoding="bgr8"), "0x0"),
        ("raw", torn(), "torn"),
        ("compressed", torn_jpeg(), "end marker"),
        ("compressed", CompressedImage(header=header(), format="jpeg"), "without data"),
        ("compressed", CompressedImage(format="jpeg", data=b"no picture"), "not a readable"),
    ],
    ids=["unknown", "unnamed", "zero-size", "torn", "torn-jpeg", "empty", "garbage"],
)
def test_bad_images(bench, capfd, transport, bad, reason):
    """Said once, counted, and the next good image is processed."""
    bench.start(image_transport=transport)
    kind, topic, good = (
        (Image, "image_raw", raw) if transport == "raw"
        else (CompressedImage, "image_raw/compressed", jpeg)
    )  # fmt: skip
    publisher = bench.publisher(kind, topic)
    for number in range(3):
        publisher.publish(bad)
        bench.counts(lambda _, processed, __: processed == number + 1)  # noqa: B023 - called at once
    assert not bench.results
    assert len(bench.process(publisher, good(header(), astronaut())).faces) == 1
    _, values = bench.report()
    assert values["errors"] == "3"
    assert reason in values["last error"]
    said = [line for line in capfd.readouterr().err.splitlines() if "ERROR" in line]
    assert len(said) == 1
    assert reason in said[0]


# Words, clocks


def test_silent_about_single_images(bench, capfd):
    bench.start(age_warn=-1.0, age_error=-1.0)  # the stamps are of 1970
    publisher = bench.publisher()
    bench.process(publisher, raw(header(), astronaut()))
    capfd.readouterr()
    for number in range(5):
        bench.process(publisher, stamped(astronaut(), 1001, number * 10**8))
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize(("limit", "warnings"), [("212992", 1), ("4194304", 0), ("?", 0)])
def test_small_socket_buffers(bench, capfd, monkeypatch, tmp_path, limit, warnings):
    (tmp_path / "rmem_max").write_text(limit)
    monkeypatch.setattr(image_subscription, "RECEIVE_LIMIT", tmp_path / "rmem_max")
    bench.start()
    publisher = bench.publisher()
    for _ in range(3):
        bench.process(publisher, raw(header(), blank(480, 640)))
    assert capfd.readouterr().err.count("net.core.rmem_max") == warnings


def test_simulated_time(bench, monkeypatch):
    """Ages follow /clock; the node speaks also before there is one."""
    monkeypatch.setattr(managed_node, "CLOCK_PATIENCE", 1.0)
    bench.start(use_sim_time=True, no_image_warn=0.2)
    assert bench.report()[0].message == "paused, since /clock stands still"  # it has a second yet
    status, _ = bench.report(lambda s, v: s.level == DiagnosticStatus.WARN)
    assert "/clock is silent" in status.message
    publisher = bench.publisher()
    clock = bench.node.create_publisher(Clock, "/clock", 1)
    now = Clock(clock=Time(sec=1001, nanosec=250_000_000))

    def arrived():
        clock.publish(now)
        return bench.emotion_node.get_clock().now().nanoseconds == 1001_250_000_000

    bench.until(arrived)
    bench.report(lambda s, v: s.message == "paused, since /clock stands still")
    bench.set("no_image_warn", -1.0)  # the next report may come late
    publisher.publish(stamped(blank(), 1001))
    status, values = bench.report(lambda s, v: "age median (ms)" in v)
    assert float(values["age median (ms)"]) == pytest.approx(250, abs=1)
    assert status.level == DiagnosticStatus.OK
