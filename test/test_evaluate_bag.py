# SPDX-License-Identifier: Apache-2.0
"""evaluate_bag as a user starts it: what it leaves, twice the same."""

import csv
import json
import re

import cv2
import numpy as np
import pytest
from bag_helpers import (
    CHATTER,
    DELAY,
    JPEG,
    RAW,
    START,
    STEP,
    Page,
    evaluate,
    frames,
    make_bag,
    messages,
    summary,
    table,
)
from rosbags.rosbag2 import Reader

from fer_ros.evaluation import one_pass
from fer_ros.evaluation.one_pass import COLUMNS

LABELS = "start,end,id,expression\n0,2,,joy\n1,2,3,neutral\n"


@pytest.fixture(scope="module")
def recording(tmp_path_factory):
    """Two seconds: one face, then two; the tenth and the twentieth image show none."""
    return make_bag(tmp_path_factory.mktemp("bags") / "visit", frames(20))


@pytest.fixture(scope="module")
def evaluated(recording, tmp_path_factory):
    """The recording evaluated once, with labels and thumbnails."""
    folder = tmp_path_factory.mktemp("evaluated")
    (folder / "labels.csv").write_text(LABELS)
    out = folder / "out"
    words = ["--labels", str(folder / "labels.csv"), "--thumbnails"]
    assert evaluate(recording, "--out", out, *words) == 0
    return out


def test_a_line_for_each_face_of_each_image(evaluated):
    rows = table(evaluated)
    assert list(rows[0]) == list(COLUMNS)
    stamps = [row["stamp"] for row in rows]
    assert len(set(stamps)) == 20
    assert stamps[0] == "1700000000.000000000"
    empty = [row for row in rows if not row["label"]]
    assert [row["time"] for row in empty] == ["0.900000", "1.900000"]
    assert {row["faces"] for row in empty} == {"0"}
    first = rows[0]
    assert (first["label"], first["track_id"]) == ("joy", "1")
    for kind in ("", "raw_"):
        names = ("anger", "disgust", "fear", "joy", "sadness", "surprise", "neutral")
        assert sum(float(first[kind + name]) for name in names) == pytest.approx(1, abs=1e-5)
    assert first["raw_joy"] == first["joy"] == first["confidence"]


def test_the_bag_holds_the_source_and_the_result(evaluated, recording):
    found = messages(evaluated)
    topics = {topic for topic, _, _ in found}
    assert topics == {JPEG, CHATTER, "/emotions"}
    results = [(time, m) for topic, time, m in found if topic == "/emotions"]
    assert [time for time, _ in results] == [START + i * STEP + DELAY for i in range(20)]
    for i, (_, message) in enumerate(results):
        stamp = message.header.stamp
        assert stamp.sec * 10**9 + stamp.nanosec == START + i * STEP
        assert message.header.frame_id == "camera"
        assert (message.image_width, message.image_height) == (640, 480)
    rows = [row for row in table(evaluated) if row["label"]]
    faces = [face for _, message in results for face in message.faces]
    assert [f.label for f in faces] == [row["label"] for row in rows]
    assert [f.track_id for f in faces] == [int(row["track_id"]) for row in rows]
    for face, row in zip(faces, rows, strict=True):
        assert face.raw_probabilities[3] == pytest.approx(float(row["raw_joy"]), abs=1e-6)
    with Reader(recording) as source, Reader(evaluated / "bag") as written:
        for topic in (JPEG, CHATTER):
            before, after = (
                [
                    (time, bytes(data))
                    for _, time, data in r.messages(connections=r.topics[topic].connections)
                ]
                for r in (source, written)
            )
            assert after == before
            assert [c.ext.offered_qos_profiles for c in written.topics[topic].connections] == [
                c.ext.offered_qos_profiles for c in source.topics[topic].connections
            ]


@pytest.mark.parametrize(("storage", "topic"), [("sqlite3", JPEG), ("mcap", RAW)])
def test_twice_the_same_bytes(tmp_path, storage, topic):
    """Of both storages, of raw and compressed images; the clock goes to timing.json alone."""
    path = make_bag(tmp_path / "bag_in", frames(6), storage=storage, topics=(topic,))
    outs = [tmp_path / "first", tmp_path / "second"]
    for out in outs:
        assert evaluate(path, "--out", out) == 0
    files = ("emotions.csv", "summary.json", "bag/bag.mcap", "bag/metadata.yaml")
    for file in files:
        first, second = ((out / file).read_bytes() for out in outs)
        assert first == second, file
    assert len(table(outs[0])) >= 6
    timing = json.loads((outs[0] / "timing.json").read_text())
    assert timing["images"] == 6
    assert set(timing["latency_ms"]) == {"decode", "detect", "classify", "track", "total"}
    total = timing["latency_ms"]["total"]
    assert 0 < total["p50"] <= total["p90"] <= total["p99"] <= total["max"]


def test_against_labels(evaluated, capsys):
    """The frames are labelled: one joyful face, then two, and two images in which there is none."""
    scores = summary(evaluated)["labels"]
    assert scores["labelled"] == 10 + 20
    matrix = dict(zip(one_pass.EMOTIONS, scores["confusion"], strict=True))
    joy = dict(zip(scores["answers"], matrix["joy"], strict=True))
    assert joy["no face"] == 2
    assert joy["joy"] >= 15
    neutral = dict(zip(scores["answers"], matrix["neutral"], strict=True))
    assert neutral["no face"] == 1
    assert neutral["neutral"] >= 7
    assert scores["accuracy"] == pytest.approx((joy["joy"] + neutral["neutral"]) / 30, abs=1e-4)
    with capsys.disabled():
        print(f"\n  against labels: accuracy {scores['accuracy']:.0%}, "
              f"macro F1 {scores['macro_f1']:.3f}, joy {joy}")  # fmt: skip


def letterboxed(bgr: np.ndarray, side=640) -> np.ndarray:
    """The whole picture in the middle of a grey square."""
    scale = side / max(bgr.shape[:2])
    picture = cv2.resize(bgr, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    square = np.full((side, side, 3), 90, np.uint8)
    height, width = picture.shape[:2]
    top, left = (side - height) // 2, (side - width) // 2
    square[top : top + height, left : left + width] = picture
    return square


def test_the_photographs_against_their_labels(tmp_path, shared, capsys):
    """Three images of each photograph, labelled with what an onlooker would call it first."""
    folder = shared / "data/photos"
    rows = list(csv.DictReader((folder / "labels.csv").open(newline="")))
    images, lines = [], ["start,end,expression"]
    for i, row in enumerate(rows):
        images += [letterboxed(cv2.imread(str(folder / row["file"])))] * 3
        first = row["acceptable"].split("|")[0]
        lines.append(f"{3 * i * STEP / 1e9 - 0.01},{3 * (i + 1) * STEP / 1e9 - 0.01},{first}")
    (tmp_path / "labels.csv").write_text("\n".join(lines))
    path = make_bag(tmp_path / "photos", images)
    for out in ("first", "second"):
        words = ("--labels", tmp_path / "labels.csv", "--bag", "emotions")
        unsmoothed = ("--set", "smoothing_time_constant=0", "hysteresis=0")  # each on its own
        assert evaluate(path, "--out", tmp_path / out, *words, *unsmoothed) == 0
    for file in ("emotions.csv", "bag/bag.mcap"):
        first, second = ((tmp_path / out / file).read_bytes() for out in ("first", "second"))
        assert first == second
    scores = summary(tmp_path / "first")["labels"]
    assert scores["labelled"] == len(images)
    with capsys.disabled():
        print(f"\n  photographs against labels: accuracy {scores['accuracy']:.0%}, "
              f"macro F1 {scores['macro_f1']:.3f}")  # fmt: skip


def test_the_report_stands_alone(evaluated):
    page = Page(evaluated / "report.html")
    assert "script" not in page.tags
    assert "link" not in page.tags
    assert all(load.startswith("data:image/jpeg;base64,") for load in page.loads)
    assert not re.search(r"url\(|@import", (evaluated / "report.html").read_text())
    for words in ("Face 1: joy", "Against the labels", "macro F1", "label flips a minute", "p99"):
        assert words in page.text
    assert page.tags.count("svg") == 4  # shares, and a timeline for each of three ids
    assert "polygon" in page.tags


def test_faces_are_shown_only_on_request(recording, evaluated, tmp_path):
    assert "img" in Page(evaluated / "report.html").tags
    assert evaluate(recording, "--out", tmp_path / "out", "--stride", 5) == 0
    assert "img" not in Page(tmp_path / "out/report.html").tags


def test_time_range_and_stride(recording, tmp_path):
    out = tmp_path / "out"
    assert evaluate(recording, "--out", out, "--start", 0.5, "--end", 1.5, "--stride", 3) == 0
    times = sorted({row["time"] for row in table(out)})
    assert times == ["0.500000", "0.800000", "1.100000", "1.400000"]
    told = summary(out)
    assert (told["images_read"], told["images"]) == (10, 4)
    assert min(time for _, time, _ in messages(out)) == START + 5 * STEP + DELAY


@pytest.mark.parametrize(
    ("keep", "topics"),
    [("image", {JPEG, "/robot/emotions"}), ("emotions", {"/robot/emotions"}), ("none", None)],
)
def test_what_the_bag_keeps(recording, tmp_path, keep, topics):
    out = tmp_path / "out"
    words = ("--bag", keep, "--emotions-topic", "/robot/emotions", "--stride", 6)
    assert evaluate(recording, "--out", out, *words) == 0
    assert (out / "bag").exists() == bool(topics)
    if topics:
        assert {topic for topic, _, _ in messages(out)} == topics


def test_a_result_that_was_recorded_is_replaced(evaluated, tmp_path, capsys):
    """The written bag can be evaluated again, and gives the same."""
    out = tmp_path / "out"
    assert evaluate(evaluated / "bag", "--out", out) == 0
    assert "the new result takes the place of the recorded one" in capsys.readouterr().err
    assert (out / "emotions.csv").read_bytes() == (evaluated / "emotions.csv").read_bytes()
    assert (out / "bag/bag.mcap").read_bytes() == (evaluated / "bag/bag.mcap").read_bytes()


def test_compare(recording, tmp_path, capsys):
    out = tmp_path / "out"
    words = ("--compare", "detector=haar", "smoothing_time_constant=0", "--bag", "none")
    for _ in range(2):  # the second time over the first
        assert evaluate(recording, "--out", out, "--stride", 3, *words) == 0
    assert "settings" in capsys.readouterr().out
    assert summary(out / "second")["detector"] == "haar"
    assert summary(out / "first")["settings"] == {}
    page = Page(out / "report.html")
    assert "Both give the same label to" in page.text
    assert "detector=haar, smoothing_time_constant=0.0" in page.text
    assert page.tags.count("section") == 2
    (out / "notes.txt").write_text("mine")
    assert evaluate(recording, "--out", out, "--stride", 9, *words) == 0
    assert (out / "notes.txt").read_text() == "mine"
    (out / "first/notes.txt").write_text("mine")
    assert evaluate(recording, "--out", out, *words) == 1


def test_what_is_required_decides_the_exit_status(recording, tmp_path, capsys):
    """Half of the images show one face, half show two, one in ten none; two seconds."""
    labels = tmp_path / "labels.csv"
    labels.write_text("start,end,expression\n0,0.9,joy\n0.9,0.95,no face\n1,1.5,no face\n")
    words = (recording, "--out", tmp_path / "out", "--bag", "none", "--labels", labels)
    met = ("flips_per_minute<9", "faces_per_image > 1", "new_ids_per_minute<=120", "accuracy>=0.9")
    assert evaluate(*words, "--require", *met) == 0
    assert capsys.readouterr().err == ""
    missed = ("coverage<0.5", "false_faces_per_minute<1", "macro_f1>0.5", "id_switches>0")
    assert evaluate(*words, "--require", *missed) == 4
    lines = capsys.readouterr().err.splitlines()
    assert [line.partition(" is required, and it is ")[0] for line in lines] == [
        "evaluate_bag: coverage<0.5",
        "evaluate_bag: false_faces_per_minute<1",
        "evaluate_bag: id_switches>0",
    ]
    told = summary(tmp_path / "out")
    assert f"it is {told['coverage']:g}" in lines[0]
    assert told["events"] >= 1
    assert told["labels"]["false_faces"] == 2
    page = Page(tmp_path / "out/report.html").text
    assert "Figures for --require" in page
    assert f"events_per_minute{told['events_per_minute']:g}changes of expression" in page
    assert (
        f"false_faces_per_minute{told['labels']['false_faces_per_minute']:g}track ids seen" in page
    )


def test_both_sides_must_meet_what_is_required(recording, tmp_path, capsys):
    words = ("--stride", 2, "--bag", "none", "--out", tmp_path / "out")
    words = (recording, *words, "--compare", "uncertain_threshold=1")
    assert evaluate(*words, "--require", "coverage>0.5") == 4
    assert capsys.readouterr().err.splitlines() == [
        "evaluate_bag: second: coverage>0.5 is required, and it is 0"
    ]


@pytest.mark.parametrize(
    ("word", "reason"),
    [
        ("beauty>1", "unknown measure beauty: choose flips_per_minute, coverage, "),
        ("coverage=1", "coverage=1: expected a form such as flips_per_minute<4"),
        ("macro_f1>0.7", "macro_f1 needs labels: give --labels"),
    ],
)
def test_what_cannot_be_required_is_a_wrong_argument(recording, tmp_path, capsys, word, reason):
    assert evaluate(recording, "--out", tmp_path / "out", "--require", word) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith(f"evaluate_bag: {reason}")
    assert not (tmp_path / "out").exists()
