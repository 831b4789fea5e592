# SPDX-License-Identifier: Apache-2.0
"""The demo as a user starts it: both nodes in processes of their own, over DDS."""

import csv
import json
import signal
import subprocess
import sys
import time
from collections import defaultdict
from pathlib import Path

import av
import cv2
import pytest
import rclpy
from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus, KeyValue
from fer_ros.msg import EmotionArray
from rclpy.executors import SingleThreadedExecutor
from sensor_msgs.msg import CameraInfo, CompressedImage, Image

from fer_ros.bags.reading import Bag
from fer_ros.evaluation.one_pass import Job, evaluate
from fer_ros.result import Box
from fer_ros.runtime.replacing import locked
from fer_ros.sources.sample import Sample

REPOSITORY = Path(__file__).parents[1]
WAIT = 120.0  # seconds; only a broken demo comes near it


def start(out, *arguments):
    return subprocess.Popen(
        [sys.executable, "-m", "fer_ros.cli.demo", "--out", str(out), *arguments],
        cwd=REPOSITORY,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


@pytest.fixture
def pictures(tmp_path):
    """Forty images out of the part of the sample that shows two faces."""
    folder = tmp_path / "pictures"
    folder.mkdir()
    sample = Sample()
    for i in range(40):
        cv2.imwrite(str(folder / f"{i}.jpg"), sample[240 + i])
    return folder


def test_records_what_the_nodes_publish(tmp_path, pictures):
    out = tmp_path / "out"
    demo = start(out, "--source", f"file://{pictures}", "--rate", "10")
    said, failure = demo.communicate(timeout=WAIT)
    assert demo.returncode == 0, failure
    records = [json.loads(line) for line in (out / "emotions.jsonl").read_text().splitlines()]
    summary = json.loads((out / "summary.json").read_text())
    assert summary["images_sent"] == 40
    assert summary["images_received"] == summary["images_processed"] + summary["images_dropped"]
    # However busy it is.
    assert len(records) == summary["images"] == summary["images_processed"] >= 3
    main = [r["faces"][0] for r in records if r["faces"]]
    assert sum(f["label"] == "joy" for f in main) > len(main) / 2
    assert len(summary["ids"]) >= 2
    with av.open(str(out / "annotated.mp4")) as container:
        assert sum(1 for _ in container.decode(video=0)) == summary["images_annotated"] > 0
    assert (out / "report.html").read_text().count("<svg") >= 2
    for word in ("40 sent", "latency", "emotions.jsonl", "report.html"):
        assert word in said
    check_bag(out, records)


def test_beside_a_robot_in_the_same_domain_neither_hears_the_other(tmp_path, pictures):
    """As in a lab, where ROS_DOMAIN_ID is set: a robot's camera and emotion_node have the same
    names.
    """
    out = tmp_path / "out"
    rclpy.init()
    robot = rclpy.create_node("robot")
    heard = []
    for kind, topic in ((CompressedImage, "image_raw/compressed"), (EmotionArray, "emotions")):
        robot.create_subscription(kind, topic, heard.append, 10)
    sends = {
        robot.create_publisher(Image, "image_raw", 5): Image(),
        robot.create_publisher(CompressedImage, "image_raw/compressed", 5): CompressedImage(),
        robot.create_publisher(CameraInfo, "camera_info", 5): CameraInfo(),
        robot.create_publisher(EmotionArray, "emotions", 5): EmotionArray(model="robot's"),
        robot.create_publisher(DiagnosticArray, "/diagnostics", 5): robots_diagnostics(),
    }
    executor = SingleThreadedExecutor()
    executor.add_node(robot)
    demo = start(out, "--source", str(pictures), "--rate", "10")
    end = time.monotonic() + WAIT
    own = 0
    while demo.poll() is None and time.monotonic() < end:
        for publisher, message in sends.items():
            if hasattr(message, "header"):
                message.header.stamp = robot.get_clock().now().to_msg()
            publisher.publish(message)
            own += publisher.topic_name in ("/image_raw/compressed", "/emotions")
        executor.spin_once(0.05)
    _, failure = demo.communicate(timeout=WAIT)
    for _ in range(40):  # what may still be under way
        executor.spin_once(0.05)
    robot.destroy_node()
    rclpy.shutdown()
    assert demo.returncode == 0, failure
    summary = json.loads((out / "summary.json").read_text())
    assert summary["images_sent"] == 40
    assert summary["images_received"] <= 40
    records = [json.loads(line) for line in (out / "emotions.jsonl").read_text().splitlines()]
    assert 3 <= len(records) <= 40
    assert {r["model"] for r in records} == {summary["model"]} != {"robot's"}
    with Bag(out / "bag") as bag:
        assert set(bag.topics) == {"/image_raw/compressed", "/emotions"}
        assert bag.topics["/emotions"].count == len(records)
    assert all(getattr(m, "model", "robot's") == "robot's" for m in heard)
    assert len(heard) <= own


def robots_diagnostics():
    """Of another emotion_node, which cannot work."""
    values = [KeyValue(key=k, value="5000") for k in ("received", "processed", "dropped")]
    values.append(KeyValue(key="state", value="unconfigured"))
    error = DiagnosticStatus.ERROR
    status = DiagnosticStatus(level=error, name="emotion_node", message="bad", values=values)
    return DiagnosticArray(status=[status])


def check_bag(out, records):
    """It holds the images and the results, and evaluate_bag says of them what the node said: to the
    digit where the node saw every image, else nearly, since the mesh follows from image to image.
    """
    job = Job(out / "bag", keep="none")
    with Bag(out / "bag") as bag:
        assert not bag.damage
        assert bag.topics["/emotions"].count == len(records)
        images = bag.image_topic().count
        assert 3 <= images <= 40
    evaluate(job, out / "evaluated", log=lambda _: None)
    evaluated = defaultdict(list)
    with (out / "evaluated/emotions.csv").open(newline="") as file:
        for row in csv.DictReader(file):
            if row["label"]:
                box = Box(*(int(row[name]) for name in ("x", "y", "width", "height")))
                evaluated[round(float(row["stamp"]), 6)].append((box, row))
    agreed = []
    for record in records:
        for face in record["faces"] if record["stamp"] in evaluated else ():
            roi = Box(*(face["roi"][n] for n in ("x_offset", "y_offset", "width", "height")))
            box, row = max(evaluated[record["stamp"]], key=lambda found: found[0].overlap(roi))
            agreed.append(row["label"] == face["label"] and box.overlap(roi) > 0.8)
            if images == len(records):
                assert box == roi
                raw = face["raw_probabilities"][3]
                assert float(row["raw_joy"]) == pytest.approx(raw, abs=1e-4)
    assert sum(agreed) >= 0.95 * len(agreed) > 0


def test_ctrl_c_ends_both_nodes_and_keeps_what_came(tmp_path):
    out = tmp_path / "out"
    demo = start(out)
    while "Playing" not in demo.stdout.readline():
        assert demo.poll() is None, demo.stderr.read()
    children = Path(f"/proc/{demo.pid}/task/{demo.pid}/children").read_text().split()
    assert len(children) == 2
    demo.send_signal(signal.SIGINT)
    _, failure = demo.communicate(timeout=WAIT)
    assert demo.returncode == 130
    assert failure.splitlines()[-1] == "demo: stopped"
    assert (out / "emotions.jsonl").exists()
    assert not [pid for pid in children if Path(f"/proc/{pid}").exists()]


def test_keeps_what_an_earlier_run_left_when_there_is_no_camera(tmp_path):
    left = tmp_path / "summary.json"
    left.write_text("{}")
    demo = start(tmp_path, "--source", "97")
    _, failure = demo.communicate(timeout=WAIT)
    assert demo.returncode == 1
    assert "/dev/video97 is absent" in failure
    assert list(tmp_path.iterdir()) == [left]


def test_shows_why_emotion_node_cannot_work(tmp_path):
    demo = start(tmp_path / "out", "--model", "absent.tflite")
    _, failure = demo.communicate(timeout=WAIT)
    assert demo.returncode == 1
    assert "no model file absent.tflite" in failure.splitlines()[-1]
    assert "Traceback" not in failure
    assert (tmp_path / "out" / "emotion_node.log").exists()


def test_a_demo_that_fails_keeps_an_earlier_result(tmp_path):
    (tmp_path / "summary.json").write_text('{"images_sent": 5}')
    for name in ("report.html", "annotated.mp4", "emotions.jsonl", "notes.txt"):
        (tmp_path / name).write_text("of before")
    before = {file.name: file.read_text() for file in tmp_path.iterdir()}
    demo = start(tmp_path, "--model", "absent.tflite")
    _, failure = demo.communicate(timeout=WAIT)
    assert demo.returncode == 1
    assert "no model file absent.tflite" in failure
    after = {file.name: file.read_text() for file in tmp_path.iterdir()}
    assert before.items() <= after.items()
    assert set(after) - set(before) == {"emotion_node.log", "video_source.log"}


def test_two_demos_do_not_write_to_one_folder(tmp_path):
    with locked(tmp_path):
        demo = start(tmp_path)
        _, failure = demo.communicate(timeout=WAIT)
    assert demo.returncode == 1
    assert "another command is writing there" in failure.splitlines()[-1]
    assert not list(tmp_path.iterdir())


def test_a_report_of_somebody_elses_is_not_replaced(tmp_path):
    (tmp_path / "report.html").write_text("years of work")
    demo = start(tmp_path)
    _, failure = demo.communicate(timeout=WAIT)
    assert demo.returncode == 1
    assert "holds other files" in failure.splitlines()[-1]
    assert (tmp_path / "report.html").read_text() == "years of work"
