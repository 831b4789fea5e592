# SPDX-License-Identifier: Apache-2.0
"""Nodes in processes of their own, over DDS: what a user starts, sees and ends."""

import signal
import time

import pytest
from lifecycle_msgs.msg import Transition
from lifecycle_msgs.srv import ChangeState
from node_helpers import REPOSITORY, astronaut, header, jpeg, parameters, raw
from sensor_msgs.msg import CameraInfo, CompressedImage


def ended_cleanly(process) -> bool:
    status = process.wait()
    assert "Traceback" not in process.words(), process.words()
    assert "[ERROR]" not in process.words(), process.words()
    return status == 0


@pytest.mark.parametrize("transport", ["raw", "compressed"])
def test_video_source_to_emotion_node(meet, start, transport):
    """Headers come through all three processes, and the astronaut is joyful."""
    # As launched: with less than its buffers, raw images crowd out what else is sent.
    profile = {"FASTRTPS_DEFAULT_PROFILES_FILE": str(REPOSITORY / "config/fastdds.xml")}
    source = start("video_source", *parameters(rate=10.0), **profile)
    node = start("emotion_node", *parameters(image_transport=transport), **profile)
    source.wait_for("image_raw")
    node.wait_for("listening")
    bench = meet()
    sent, drawn = [], []
    bench.node.create_subscription(CameraInfo, "camera_info", sent.append, 100)
    bench.node.create_subscription(CompressedImage, "image_annotated/compressed", drawn.append, 9)
    bench.until(lambda: sent and drawn and bench.results)
    bench.results.clear()
    bench.until(lambda: len(bench.results) >= 10)
    bench.until(lambda: any(r.header == s.header for r in bench.results for s in sent))
    assert {(r.image_width, r.image_height) for r in bench.results} == {(640, 480)}
    labels = [r.faces[0].label for r in bench.results if r.faces]
    assert labels.count("joy") > len(labels) / 2
    for process in (source, node):
        process.signal(signal.SIGINT)
        assert ended_cleanly(process)


def test_a_camera_that_is_absent_is_said_on_the_console(start):
    node = start("emotion_node", *parameters(no_image_warn=0.5, diagnostics_period=0.2))
    node.wait_for("no image for")


def test_camera_that_comes_and_goes(meet, start):
    """emotion_node goes on with the next camera."""
    node = start("emotion_node")
    node.wait_for("listening")
    bench = meet()
    for _ in range(2):
        camera = start("video_source", *parameters(rate=20.0))
        before = len(bench.results)
        bench.until(lambda: len(bench.results) > before + 3)  # noqa: B023 - called at once
        camera.signal(signal.SIGTERM)
        assert ended_cleanly(camera)
    node.signal(signal.SIGTERM)
    assert ended_cleanly(node)


def test_namespaces_keep_two_cameras_apart(meet, start):
    namespaces = ("/left", "/right")
    nodes = [start("emotion_node", "--ros-args", "-r", f"__ns:={name}") for name in namespaces]
    for node in nodes:
        node.wait_for("listening")
    benches = [meet(name) for name in namespaces]
    for number, bench in enumerate(benches):
        result = bench.process(bench.publisher(), raw(header(number), astronaut()))
        assert result.header == header(number)
    assert {r.header.frame_id for r in benches[0].results} == {"optical 0"}
    for node in nodes:
        node.signal(signal.SIGINT)
        assert ended_cleanly(node)


@pytest.mark.parametrize(
    "signals",
    [[signal.SIGINT], [signal.SIGTERM], [signal.SIGINT] * 20, [signal.SIGTERM] * 20],
    ids=["ctrl-c", "terminate", "ctrl-c-again", "terminate-again"],
)  # fmt: skip
def test_ends_cleanly(meet, start, signals):
    """In the middle of work, however often it is told."""
    node = start("emotion_node")
    node.wait_for("listening")
    bench = meet()
    publisher = bench.publisher()
    bench.process(publisher, raw(header(), astronaut()))
    for _ in range(3):
        publisher.publish(raw(header(), astronaut()))
    for number in signals:
        node.signal(number)
        time.sleep(0.002)
    assert ended_cleanly(node)


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (parameters(max_faces=0), "max_faces"),
        (parameters(detector="nose"), "choose auto"),
        (parameters(threads=2.5), "INTEGER"),
        (["--ros-args", "--no-such-flag"], "--no-such-flag"),
        (["--ros-args", "-r", "__node:=a-b"], "remap"),
        (["--ros-args", "--params-file", "/no/such.yaml"], "/no/such.yaml"),
    ],
    ids=["range", "choice", "type", "flag", "name", "file"],
)
def test_refuses_to_start(start, arguments, reason):
    """One line of its own, and exit status 1."""
    node = start("emotion_node", *arguments)
    assert node.wait() == 1
    (line,) = [line for line in node.words().splitlines() if line.startswith("fer_ros: ")]
    assert reason in line
    assert "Traceback" not in node.words()


def test_words_do_not_grow_with_images(meet, start):
    """But for what /diagnostics has to say: here nothing, since nothing is too old or too late."""
    limits = dict.fromkeys(("age_warn", "age_error", "no_image_warn", "no_image_error"), -1.0)
    node = start("emotion_node", *parameters(image_transport="compressed", **limits))
    node.wait_for("listening")
    bench = meet()
    publisher = bench.publisher(CompressedImage, "image_raw/compressed")
    bench.process(publisher, jpeg(header(), astronaut()))
    before = node.words()
    for number in range(2, 12):
        bench.process(publisher, jpeg(header(number), astronaut()))
    assert node.words() == before


def test_survives_a_model_that_is_missing(meet, start):
    node = start("emotion_node", *parameters(model="/no/such.tflite", diagnostics_period=0.2))
    node.wait_for("not configured: no model file /no/such.tflite")
    bench = meet()
    bench.report(lambda status, values: "/no/such.tflite" in status.message)
    assert bench.set("model", "").successful
    assert bench.transition("configure")
    assert bench.transition("activate")
    bench.process(bench.publisher(), raw(header(), astronaut()))
    node.signal(signal.SIGINT)
    assert node.wait() == 0


def test_a_transition_out_of_turn_is_refused_and_the_node_lives_on(meet, start):
    node = start("emotion_node", *parameters(autostart=False))
    bench = meet()
    bench.report()
    number = Transition.TRANSITION_ACTIVATE  # while it is unconfigured
    client = bench.node.create_client(ChangeState, "/emotion_node/change_state")
    bench.until(client.service_is_ready)
    client.call_async(ChangeState.Request(transition=Transition(id=number)))
    node.wait_for("No transition matching 3")  # rcl; what rclpy makes of it differs
    assert bench.transition("configure")
    assert bench.transition("activate")
    node.signal(signal.SIGINT)
    assert node.wait() == 0
