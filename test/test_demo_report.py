# SPDX-License-Identifier: Apache-2.0
"""The demo's files and figures, from messages made by hand; and what the demo refuses."""

import errno
import json
import math
import signal
import subprocess
import sys
import time
from types import SimpleNamespace

import av
import cv2
import numpy as np
import pytest
from bag_helpers import Page

from fer_ros.cli import demo, node_process
from fer_ros.cli.demo_recording import Recording, describe, observed_of, summarise
from fer_ros.cli.node_process import NodeProcess
from fer_ros.evaluation import measures
from fer_ros.evaluation.annotated_video import write_video
from fer_ros.evaluation.report import MAX_TIMELINES, write_live_report
from fer_ros.evaluation.result_folder import is_summary


def header(seconds):
    stamp = SimpleNamespace(sec=int(seconds), nanosec=round(seconds % 1 * 1e9))
    return SimpleNamespace(stamp=stamp, frame_id="camera")


def face(track_id=1, label="joy", emotion=3):
    probabilities = np.full(7, 0.05, np.float32)
    probabilities[emotion] = 0.7
    from fer_ros.msg import FaceEmotion
    from sensor_msgs.msg import RegionOfInterest

    return FaceEmotion(
        track_id=track_id,
        roi=RegionOfInterest(x_offset=10, y_offset=20, width=30, height=40),
        detection_score=0.87654,
        yaw=math.nan,
        emotion=emotion,
        label=label,
        confidence=0.7,
        probabilities=probabilities,
        raw_probabilities=probabilities,
    )


def result(seconds, *faces):
    return SimpleNamespace(
        header=header(seconds), image_width=64, image_height=48, model="net@01234567", faces=faces
    )


def annotated(seconds, shade):
    data = cv2.imencode(".jpg", np.full((48, 64, 3), shade, np.uint8))[1]
    return SimpleNamespace(header=header(seconds), data=data.tobytes())


@pytest.fixture
def recording(tmp_path):
    recording = Recording(tmp_path / "out")
    yield recording
    recording.close()


def fill(recording):
    """Two seconds at 10 Hz: face 1 throughout, face 2 in the second half."""
    for i in range(20):
        faces = [face()] if i < 10 else [face(), face(2, "anger" if i < 13 else "neutral", 6)]
        recording.add_result(result(100 + i / 10, *faces), receipt=100 + i / 10 + 0.02)
        recording.add_annotated(annotated(100 + i / 10, 10 * i))
        recording.add_sent(SimpleNamespace(header=header(100 + i / 10)))
    recording.counts = {"received": 20, "processed": 20, "dropped": 0}


def test_an_image_is_sent_whether_its_camera_info_or_its_result_says_so(recording):
    recording.add_sent(SimpleNamespace(header=header(1.0)))
    recording.add_result(result(1.0), receipt=1.1)
    recording.add_result(result(2.0), receipt=2.1)
    assert recording.sent == 2


def test_a_line_holds_the_message_by_its_field_names(recording):
    recording.add_result(result(100.25, face()), receipt=100.3)
    recording.add_result(result(100.5), receipt=100.6)
    first, second = map(json.loads, recording.path.read_text().splitlines())
    assert first["stamp"] == 100.25
    assert (first["image_width"], first["image_height"]) == (64, 48)
    assert first["frame_id"] == "camera"
    assert first["model"] == "net@01234567"
    (kept,) = first["faces"]
    assert kept["yaw"] is None, "NaN is no JSON"
    assert kept == kept | {
        "track_id": 1,
        "roi": {"x_offset": 10, "y_offset": 20, "width": 30, "height": 40},
        "detection_score": 0.8765,
        "emotion": 3,
        "label": "joy",
        "confidence": 0.7,
        "probabilities": [0.05, 0.05, 0.05, 0.7, 0.05, 0.05, 0.05],
        "raw_probabilities": [0.05, 0.05, 0.05, 0.7, 0.05, 0.05, 0.05],
    }
    assert second["faces"] == []


def test_a_line_has_every_field_of_the_message(recording):
    from fer_ros.msg import EmotionArray, FaceEmotion

    recording.add_result(EmotionArray(faces=[FaceEmotion(track_id=3)]), receipt=0.0)
    (record,) = recording.records
    fields = set(EmotionArray.get_fields_and_field_types()) - {"header"}
    assert set(record) == fields | {"stamp", "frame_id"}
    assert set(record["faces"][0]) == set(FaceEmotion.get_fields_and_field_types())


def test_the_summary_counts(recording):
    fill(recording)
    summary = summarise(recording)
    counts = {name: summary[f"images_{name}"] for name in ("sent", "received", "processed")}
    assert counts == {"sent": 20, "received": 20, "processed": 20}
    assert (summary["images_dropped"], summary["images_annotated"]) == (0, 20)
    assert (summary["images"], summary["faces"]) == (20, 30)
    assert summary["ids"]["2"] == {
        "faces": 10, "first_s": 1.0, "last_s": 1.9, "dominant": "neutral", "share": 0.7,
    }  # fmt: skip
    assert summary["images_per_second"] == pytest.approx(10)
    assert summary["latency_ms"]["age"]["p50"] == pytest.approx(20, abs=0.01)
    text = describe(summary)
    assert "20 sent, 20 received, 20 processed, 0 dropped" in text
    assert "neutral in 70% of 10" in text
    assert "median 20.0 ms, p99 20.0 ms" in text


def test_the_summary_has_the_names_of_an_evaluations(recording):
    """What reads the one reads the other."""
    fill(recording)
    summary = summarise(recording)
    assert summary.keys() >= measures.figures([], 1.0).keys() | {"model", "duration_s"}
    assert summary["shares"]["joy"] == pytest.approx(20 / 30, abs=1e-4)
    assert summary["label_flips"] == 1
    assert summary["detection_rate"] == 1


def test_the_summary_of_nothing(recording):
    summary = summarise(recording)
    assert summary["images"] == 0
    assert summary["latency_ms"] == {}
    json.dumps(summary, allow_nan=False)
    assert "latency" not in describe(summary)


def test_the_video_keeps_the_time_of_the_stamps(recording, tmp_path):
    fill(recording)
    recording.add_annotated(annotated(103.9, 230))  # after a silence of two seconds
    recording.add_annotated(annotated(99.0, 0))  # back in time: left out
    path = tmp_path / "annotated.mp4"
    assert write_video(path, recording.images()) == 21
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        assert stream.codec_context.name == "h264"
        frames = list(container.decode(stream))
    assert [f.time for f in frames] == pytest.approx([i / 10 for i in range(20)] + [3.9], abs=1e-3)
    assert frames[19].to_ndarray(format="gray").mean() == pytest.approx(190, abs=8)


def test_the_video_takes_odd_and_changing_sizes(tmp_path):
    sizes = [(49, 65), (49, 65), (30, 30)]
    images = [(i / 10, np.zeros((*size, 3), np.uint8)) for i, size in enumerate(sizes)]
    assert write_video(tmp_path / "a.mp4", images) == 3
    with av.open(str(tmp_path / "a.mp4")) as container:
        assert {(f.height, f.width) for f in container.decode(video=0)} == {(48, 64)}


@pytest.mark.parametrize("faces", [0, 1, 2, MAX_TIMELINES + 2])
def test_the_report_has_a_timeline_for_each_face(tmp_path, recording, faces):
    for i in range(3 * MAX_TIMELINES):
        seen = [face(n + 1, "uncertain") for n in range(faces) if i % (n // 2 + 1) == 0]
        recording.add_result(result(100 + i / 5, *seen), receipt=101 + i / 5)
    path = tmp_path / "report.html"
    write_live_report(path, "a <film>", summarise(recording), observed_of(recording.records))
    page = Page(path)
    shown = min(faces, MAX_TIMELINES)
    assert page.tags.count("svg") == shown + bool(faces)  # with the shares
    assert not page.loads
    assert ("No face was seen." in page.text) == (not faces)
    assert ("Not drawn, seen more briefly: 2." in page.text) == (faces > MAX_TIMELINES)
    assert "a <film>" in page.text
    assert "net@01234567" in page.text


@pytest.mark.parametrize("error", [KeyboardInterrupt(), OSError(errno.ENOSPC, "No space left")])
def test_where_it_is_cut_off_the_next_run_knows_its_own(tmp_path, recording, monkeypatch, error):
    def cut_off(path, images):
        path.write_bytes(b"half")
        raise error

    fill(recording)
    monkeypatch.setattr(demo, "write_video", cut_off)
    options = SimpleNamespace(out=tmp_path, source="sample")
    if isinstance(error, OSError):
        assert "No space left" in demo._write(options, tmp_path / "out", recording)
    else:
        with pytest.raises(KeyboardInterrupt):
            demo._write(options, tmp_path / "out", recording)
    assert is_summary(tmp_path / "out" / "summary.json")
    assert not (tmp_path / "out" / "annotated.mp4").exists()


def test_a_full_disk_is_told_once(tmp_path):
    (tmp_path / "emotions.jsonl").symlink_to("/dev/full")
    recording = Recording(tmp_path)
    with pytest.raises(OSError, match="No space left"):
        recording.add_result(result(1.0), receipt=1.1)
    recording.close()


def test_a_node_that_dies_leaves_its_last_line(tmp_path):
    with NodeProcess("video_source", {"source": "nowhere.mp4"}, tmp_path) as node:
        end = time.monotonic() + 20
        while node.status is None and time.monotonic() < end:
            time.sleep(0.05)
        assert node.status == 1
        assert node.last_line().startswith("fer_ros: no such file or folder: nowhere.mp4")


def test_a_node_that_will_not_end_is_killed(tmp_path, monkeypatch):
    deaf = (
        "import signal, time\n"
        "for number in (signal.SIGINT, signal.SIGTERM): signal.signal(number, signal.SIG_IGN)\n"
        "print('[INFO] [1.5] [n]: deaf', flush=True)\n"
        "time.sleep(60)"
    )
    start = subprocess.Popen
    monkeypatch.setattr(
        node_process.subprocess, "Popen", lambda _, **k: start([sys.executable, "-c", deaf], **k)
    )
    node = NodeProcess("deaf", {}, tmp_path)
    while "deaf" not in node.last_line():
        time.sleep(0.05)
    assert node.last_line() == "deaf"
    assert node.stop(patience=0.2) == -signal.SIGKILL


def test_refuses_a_source_that_is_not_there_before_it_starts_anything(tmp_path, capsys):
    assert demo.main(["--source", "nowhere.mp4", "--out", str(tmp_path / "out")]) == 1
    assert capsys.readouterr().err.startswith("demo: no such file or folder: nowhere.mp4")
    assert not (tmp_path / "out").exists()


def test_refuses_a_folder_that_cannot_be_written(tmp_path, capsys):
    (tmp_path / "file").write_text("")
    assert demo.main(["--out", str(tmp_path / "file" / "out")]) == 1
    assert "demo: cannot write to" in capsys.readouterr().err


@pytest.mark.parametrize("value", ["fast", "0", "nan"])
def test_refuses_a_rate_that_is_none(value, capsys):
    with pytest.raises(SystemExit):
        demo.main(["--rate", value])
    expected = f"--rate: {value}: expected a number, 0.001 to 1e+06\n"
    assert capsys.readouterr().err.endswith(expected)


def test_names_missing_packages(monkeypatch, capsys):
    monkeypatch.setattr(demo, "find_spec", lambda name: None if name == "av" else True)
    assert demo.main([]) == 1
    assert capsys.readouterr().err == "demo: missing: pip install av\n"
