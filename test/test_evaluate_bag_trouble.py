# SPDX-License-Identifier: Apache-2.0
"""evaluate_bag with bags and words that are not as they should be."""

import sqlite3
import tracemalloc
from itertools import count

import cv2
import lz4.frame
import mcap.writer
import numpy as np
import pytest
import zstandard
from bag_helpers import (
    COMPRESSED,
    JPEG,
    RAW,
    START,
    STEP,
    Page,
    evaluate,
    frames,
    image,
    make_bag,
    messages,
    storage_file,
    summary,
    table,
)

from fer_ros.bags.reading import Bag
from fer_ros.bags.types import type_store
from fer_ros.cli import bag_options
from fer_ros.pipeline import EmotionPipeline


@pytest.fixture(scope="module")
def recording(tmp_path_factory):
    """Two seconds."""
    return make_bag(tmp_path_factory.mktemp("bags") / "visit", frames(20))


def test_an_unreadable_image_is_left_out_and_told(tmp_path, capsys):
    images = frames(4)
    path = make_bag(tmp_path / "bag_in", images)
    file = storage_file(path)
    data = bytearray(file.read_bytes())
    jpeg = cv2.imencode(".jpg", images[1])[1].tobytes()
    end = data.index(jpeg[-4000:]) + 4000
    data[end - 2 : end] = b"\0\0"  # without its end marker: torn
    file.write_bytes(data)
    assert evaluate(path, "--out", tmp_path / "out") == 3
    told = summary(tmp_path / "out")
    assert (told["images_read"], told["images"], told["images_unreadable"]) == (4, 3, 1)
    assert "left out: compressed image" in capsys.readouterr().err
    assert "left out" in Page(tmp_path / "out/report.html").text


def test_an_image_that_the_pipeline_fails_on_is_left_out_and_told(tmp_path, monkeypatch, capsys):
    """As the node does: the next one is looked at."""
    path = make_bag(tmp_path / "bag_in", frames(4))
    process = EmotionPipeline.process
    calls = []

    def failing(self, *arguments):
        calls.append(1)
        if len(calls) == 2:
            raise ArithmeticError("seven infinite logits")
        return process(self, *arguments)

    monkeypatch.setattr(EmotionPipeline, "process", failing)
    assert evaluate(path, "--out", tmp_path / "out") == 3
    told = summary(tmp_path / "out")
    assert (told["images_read"], told["images"], told["images_unreadable"]) == (4, 3, 1)
    assert "image at 0.100 s left out: seven infinite logits" in capsys.readouterr().err


def test_a_broken_compressed_message_does_not_end_the_evaluation(tmp_path, capsys):
    path = make_bag(tmp_path / "bag_in", frames(4), storage="sqlite3", compress="message")
    database = sqlite3.connect(storage_file(path))
    database.execute("UPDATE messages SET data = substr(data, 1, 900) WHERE id = 4")
    database.commit()
    database.close()
    assert evaluate(path, "--out", tmp_path / "out") == 3
    assert summary(tmp_path / "out")["images"] == 3
    errors = capsys.readouterr().err
    assert f"{JPEG} at 0.2 s left out" in errors
    assert "Traceback" not in errors


@pytest.mark.parametrize("kind", ["zstd", "lz4"])
def test_a_chunk_that_is_a_bomb_is_never_unpacked(tmp_path, monkeypatch, capsys, kind):
    """Its index is whole, and says it is small; the second chunk is what it says."""
    zeros = bytes(200_000_000)
    bomb = {
        "zstd": zstandard.ZstdCompressor(write_content_size=False).compress(zeros),
        "lz4": lz4.frame.compress(zeros, store_size=False),
    }[kind]
    del zeros
    whole = {"zstd": zstandard.compress, "lz4": lz4.frame.compress}[kind]
    bombs = [bomb]
    module = {"zstd": zstandard, "lz4": lz4.frame}[kind]
    path = tmp_path / "bag.mcap"
    with path.open("wb") as file, monkeypatch.context() as patch:
        patch.setattr(module, "compress", lambda data: bombs.pop() if bombs else whole(data))
        writer = mcap.writer.Writer(
            file, chunk_size=200_000, compression=mcap.writer.CompressionType[kind.upper()]
        )
        writer.start("ros2")
        schema = writer.register_schema(COMPRESSED, "ros2msg", b"")
        channel = writer.register_channel(JPEG, "cdr", schema)
        for i, bgr in enumerate(frames(12)):
            data, time = image(i, bgr, compressed=True)[1], START + i * STEP
            writer.add_message(channel, time, data, time)
        writer.finish()
    tracemalloc.start()
    with Bag(path) as bag:
        images = sum(1 for _ in bag.messages())
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert 0 < images < 12
    assert peak < 50_000_000
    assert "damaged" in capsys.readouterr().out


@pytest.mark.parametrize("storage", ["mcap", "sqlite3"])
def test_of_a_truncated_bag_what_can_be_read_is_evaluated(tmp_path, storage, capsys):
    file = storage_file(make_bag(tmp_path / "whole", frames(12), storage=storage, topics=(RAW,)))
    cut = tmp_path / f"cut{file.suffix}"
    cut.write_bytes(file.read_bytes()[: file.stat().st_size // 2])
    assert evaluate(cut, "--out", tmp_path / "out") == 3
    told = summary(tmp_path / "out")
    assert 3 <= told["images"] <= 7
    assert told["complete"]
    assert "damaged or not closed" in told["damage"][0]
    errors = capsys.readouterr().err
    assert "cut" in errors
    assert "Traceback" not in errors
    assert "damaged or not closed" in Page(tmp_path / "out/report.html").text
    assert {topic for topic, _, _ in messages(tmp_path / "out")} >= {RAW, "/emotions"}


def test_ctrl_c_keeps_what_was_evaluated(recording, tmp_path, monkeypatch, capsys):
    out = tmp_path / "out"
    process, images = EmotionPipeline.process, count()

    def interrupted(*arguments):
        if next(images) == 5:
            raise KeyboardInterrupt
        return process(*arguments)

    monkeypatch.setattr(EmotionPipeline, "process", interrupted)
    assert evaluate(recording, "--out", out) == 130
    assert capsys.readouterr().err.endswith("evaluate_bag: stopped\n")
    told = summary(out)
    assert (told["complete"], told["images"]) == (False, 5)
    assert sum(topic == "/emotions" for topic, _, _ in messages(out)) == 5
    assert "Stopped before the end" in Page(out / "report.html").text


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        (["BAG", "--topic", "/none"], f"no images on /none; image topics: {JPEG}"),
        (["BAG", "--start", "9"], "none between --start and --end; the bag lasts 1.9 s"),
        (["BAG", "--set", "hysteresis=5"], "hysteresis=5.0: expected 0 to 1"),
        (["BAG", "--compare", "no.yaml"], "no.yaml: No such file or directory"),
        (["BAG", "--model", "absent.tflite"], "no model file absent.tflite"),
        (["BAG", "--labels", "absent.csv"], "absent.csv: cannot be read"),
        (["absent"], "no such bag: absent"),
    ],
)
def test_refuses_in_one_line(recording, tmp_path, capsys, words, reason):
    words = [recording if word == "BAG" else word for word in words]
    assert evaluate(*words, "--out", tmp_path / "out") == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("evaluate_bag: ")
    assert reason in line


@pytest.mark.parametrize("names", [["report.html"], ["summary.json"], ["emotions.csv", "a.txt"]])
def test_never_writes_over_what_is_not_its_own(recording, tmp_path, capsys, names):
    for name in names:
        (tmp_path / name).write_text("years of work")
    assert evaluate(recording, "--out", tmp_path) == 1
    assert "holds other files: choose another --out" in capsys.readouterr().err
    assert [(tmp_path / name).read_text() for name in names] == ["years of work"] * len(names)


def test_takes_up_a_folder_where_it_was_killed(recording, tmp_path):
    out = tmp_path / "out"
    assert evaluate(recording, "--out", out, "--stride", 9) == 0
    for name in ("timing.json", "summary.json"):
        (out / name).rename(out / f"{name}.part")
    assert evaluate(recording, "--out", out, "--stride", 9) == 0
    assert summary(out)["complete"]


def test_never_writes_over_the_recording(tmp_path, capsys):
    source = make_bag(tmp_path / "bag", frames(2))
    before = storage_file(source).read_bytes()
    assert evaluate(source, "--out", tmp_path) == 1
    assert "the recording itself lies there" in capsys.readouterr().err
    assert storage_file(source).read_bytes() == before


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        (["--stride", "0"], "0: expected a whole number, 1 to 1e+09"),
        (["--stride", "1.5"], "1.5: expected a whole number"),
        (["--start", "-1"], "-1: expected a number, 0 to 1e+09"),
        (["--end", "noon"], "noon: expected a number"),
        (["--bag", "some"], "invalid choice: 'some'"),
        (["--out", ""], "got an empty name"),  # and not the current folder
    ],
)
def test_wrong_arguments(recording, capsys, words, reason):
    with pytest.raises(SystemExit) as end:
        evaluate(recording, *words)
    assert end.value.code == 2
    assert reason in capsys.readouterr().err


def test_what_cannot_be_read_is_not_said_to_be_written(capsys):
    with bag_options.failing("evaluate_bag"):
        raise PermissionError(13, "Permission denied", "visit")
    assert capsys.readouterr().err == "evaluate_bag: visit: Permission denied\n"


def test_recordings_with_dots_in_their_names_keep_apart(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in ("visit.1", "visit.2"):
        make_bag(tmp_path / name, frames(1))
        assert evaluate(name, "--bag", "none") == 0
    assert evaluate("visit.1/visit.1.mcap", "--bag", "none") == 0
    assert summary(tmp_path / "visit.1_emotions")["bag"] == "visit.1.mcap"
    assert summary(tmp_path / "visit.2_emotions")["bag"] == "visit.2"


def test_stamps_of_zero_do_not_freeze_time(tmp_path, monkeypatch):
    """Cameras that do not stamp: the time of recording moves the smoothing on."""
    types = type_store().types
    zero = types["builtin_interfaces/msg/Time"](sec=0, nanosec=0)
    unstamped = types["std_msgs/msg/Header"](stamp=zero, frame_id="")
    monkeypatch.setattr("bag_helpers.header", lambda _: unstamped)
    image = frames(1)[0]
    dark = cv2.LUT(image, (255 * np.linspace(0, 1, 256) ** 3).astype(np.uint8))
    path = make_bag(tmp_path / "bag_in", [image, dark, dark])
    assert evaluate(path, "--out", tmp_path / "out") == 0
    rows = [row for row in table(tmp_path / "out") if row["label"]]
    assert len(rows) == 3
    assert rows[2]["joy"] != rows[1]["joy"]
