# SPDX-License-Identifier: Apache-2.0
import http.server
import os
import subprocess
import sys
import threading
import time
from fractions import Fraction

import av
import cv2
import numpy as np
import pytest

from fer_ros.sources.address import SourceError, is_live
from fer_ros.sources.live import Live
from fer_ros.sources.recorded import open_recorded, resize


def grey(value, size=(48, 64)):
    return np.full((*size, 3), value, np.uint8)


def write_clip(path, count=20, rate=25):
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=Fraction(rate))
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        stream.options = {"g": "1"}
        for i in range(count):
            frame = av.VideoFrame.from_ndarray(grey(40 + 5 * i), format="bgr24")
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    return path


@pytest.fixture
def said():
    return []


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("0", True),
        ("/dev/video2", True),
        ("rtsp://camera/stream", True),
        ("http://camera/mjpeg", True),
        ("sample", False),
        ("a.mp4", False),
        ("file:///tmp/a.mp4", False),
        ("pictures/", False),
    ],
)
def test_tells_live_sources(source, expected):
    assert is_live(source) is expected


def test_opens_the_sample():
    source = open_recorded("sample")
    assert (len(source), source.rate) == (360, 30.0)


def test_plays_a_video_as_often_as_wanted(tmp_path, said):
    path = write_clip(tmp_path / "clip.mp4")
    source = open_recorded(str(path), said.append)
    assert (len(source), source.rate) == (20, 25.0)
    for _ in range(2):
        images = list(source)
        assert len(images) == 20
        assert np.diff([i.mean() for i in images]).min() > 2  # each brighter than the one before
        assert images[0].shape == (48, 64, 3)
    assert next(iter(open_recorded(f"file://{path}"))).dtype == np.uint8
    assert said == []


def test_says_once_that_a_video_breaks_off(tmp_path, said):
    path = write_clip(tmp_path / "clip.mkv", 40)
    data = path.read_bytes()
    path.write_bytes(data[: len(data) // 2])
    source = open_recorded(str(path), said.append)
    first, second = list(source), list(source)
    assert len(first) == len(second) < 36
    assert said == [f"{path} is damaged: it breaks off after {len(first)} of 40 images"]


@pytest.mark.parametrize("data", [b"", b"not a video at all" * 100])
def test_refuses_what_is_no_video(tmp_path, data):
    path = tmp_path / "clip.mp4"
    path.write_bytes(data)
    with pytest.raises(SourceError, match=r"cannot be read as a video.*ffmpeg") as error:
        open_recorded(str(path))
    assert "\n" not in str(error.value)


def test_plays_a_folder_in_the_order_of_its_numbers(tmp_path, said):
    for number in (10, 9, 1):
        cv2.imwrite(str(tmp_path / f"{number}.png"), grey(number))
    (tmp_path / "2.jpg").write_bytes(b"\xff\xd8 torn")
    (tmp_path / "notes.txt").write_text("no picture")
    source = open_recorded(str(tmp_path), said.append)
    for _ in range(2):
        assert [i[0, 0, 0] for i in source] == [1, 9, 10]
    assert len(source) == 4
    assert len(said) == 1
    assert "2.jpg" in said[0]
    assert "skipped" in said[0]


def test_a_single_picture_is_a_source(tmp_path):
    cv2.imwrite(str(tmp_path / "a.png"), grey(7))
    assert len(list(open_recorded(str(tmp_path / "a.png")))) == 1


@pytest.mark.parametrize(
    ("names", "message"), [([], "no picture in"), (["a.png", "b.jpg"], "no readable picture")]
)
def test_refuses_a_folder_without_pictures(tmp_path, names, message, said):
    for name in names:
        (tmp_path / name).write_bytes(b"torn")
    with pytest.raises(SourceError, match=message):
        open_recorded(str(tmp_path), said.append)


def test_refuses_what_is_not_there():
    with pytest.raises(SourceError, match=r"no such file.*camera index such as 0"):
        open_recorded("nowhere.mp4")


@pytest.mark.parametrize("index", ["97", "/dev/video97"])
def test_refuses_an_absent_camera(index, capfd):
    with pytest.raises(SourceError, match="/dev/video97 is absent"):
        Live(index)
    assert capfd.readouterr().err == ""


@pytest.mark.parametrize(
    ("size", "expected"),
    [((0, 0), (64, 48)), ((32, 0), (32, 24)), ((0, 96), (128, 96)), ((50, 50), (50, 50))],
)
def test_resizes_and_keeps_the_aspect_when_one_side_is_given(size, expected):
    image = grey(90)
    resized = resize(image, *size)
    assert resized.shape[1::-1] == expected
    assert (resized is image) == (size == (0, 0))


class FakeCapture:
    """A camera that gives as many images as it is told to, then fails."""

    def __init__(self, images):
        self.images = images
        self.given = {}

    def isOpened(self):  # noqa: N802 - OpenCV's name
        return self.images > 0

    def read(self):
        time.sleep(0.002)
        self.images -= 1
        return (True, grey(50)) if self.images >= 0 else (False, None)

    def set(self, key, value):
        self.given[key] = value

    def release(self):
        pass


def until(condition, seconds=5):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.005)


def test_a_camera_that_dies_is_opened_again(monkeypatch, said):
    captures = [FakeCapture(4), FakeCapture(0), FakeCapture(0), FakeCapture(10**6)]
    pending = list(captures)
    monkeypatch.setattr("cv2.VideoCapture", lambda *_: pending.pop(0))
    monkeypatch.setattr("fer_ros.sources.live.RETRY", 0.01)
    arrived = []
    live = Live("0", (320, 240), 15.0, lambda: arrived.append(1), said.append)
    until(lambda: len(arrived) > 10)
    image, age = live.take()
    live.close()
    assert image.shape == (48, 64, 3)
    assert 0 <= age < 1
    assert captures[0].given == {
        cv2.CAP_PROP_FRAME_WIDTH: 320,
        cv2.CAP_PROP_FRAME_HEIGHT: 240,
        cv2.CAP_PROP_FPS: 15.0,
    }
    assert len(said) == 2
    assert "no more images; trying again" in said[0]
    assert "images again" in said[1]


def test_an_image_is_taken_once(monkeypatch):
    monkeypatch.setattr("cv2.VideoCapture", lambda *_: FakeCapture(3))
    arrived = []
    live = Live("0", arrived=lambda: arrived.append(1), log=lambda _: None)
    until(lambda: len(arrived) == 2)
    assert live.take() is not None
    assert live.take() is None
    live.close()


def test_close_waits_for_a_read_and_lets_go_of_the_device(monkeypatch):
    class Slow(FakeCapture):
        released = False

        def read(self):
            if self.images < 10**6:
                time.sleep(1.5)
            return super().read()

        def release(self):
            self.released = True

    capture = Slow(10**6)
    monkeypatch.setattr("cv2.VideoCapture", lambda *_: capture)
    live = Live("0", log=lambda _: None)
    until(lambda: capture.images < 10**6)
    live.close()
    assert capture.released


class Mjpeg(http.server.BaseHTTPRequestHandler):
    """A network camera as many are: JPEG after JPEG in one answer."""

    def do_GET(self):
        self.send_response(200)
        self.send_header("Content-Type", "multipart/x-mixed-replace; boundary=frame")
        self.end_headers()
        data = cv2.imencode(".jpg", grey(120))[1].tobytes()
        head = f"--frame\r\nContent-Type: image/jpeg\r\nContent-Length: {len(data)}\r\n\r\n"
        try:
            while not self.server.stopped.is_set():
                self.wfile.write(head.encode() + data + b"\r\n")
                time.sleep(0.005)
        except OSError:
            pass  # the reader has left

    def log_message(self, *_):
        pass


def test_reads_a_network_stream_and_says_when_it_ends(said):
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Mjpeg)
    server.stopped = threading.Event()
    threading.Thread(target=server.serve_forever, daemon=True).start()
    url = f"http://127.0.0.1:{server.server_port}/stream"
    live = Live(url, log=said.append)
    until(lambda: (newest := live.take()) is not None and abs(newest[0].mean() - 120) < 2)
    server.stopped.set()
    server.shutdown()
    server.server_close()
    until(lambda: said)
    live.close()
    assert said == [f"{url}: no more images; trying again every second"]


def test_refuses_a_stream_that_nobody_sends():
    with pytest.raises(SourceError, match="is the address right"):
        Live("http://127.0.0.1:9/stream")


@pytest.mark.parametrize("open_it", ["open_recorded", "Live"])
def test_ffmpeg_has_no_lines_of_its_own(tmp_path, open_it):
    """In a process of its own, since FFmpeg asks once how much it may say."""
    (tmp_path / "clip.mp4").write_bytes(b"not a video at all")
    source = "http://127.0.0.1:9/stream" if open_it == "Live" else str(tmp_path / "clip.mp4")
    code = (
        "from fer_ros.sources.address import SourceError\n"
        "from fer_ros.sources.live import Live\n"
        "from fer_ros.sources.recorded import open_recorded\n"
        f"try: {open_it}({source!r})\n"
        "except SourceError: print('refused')\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert (done.stdout, done.stderr) == ("refused\n", "")


@pytest.mark.parametrize("source", ["", "file://", " ", "a\0b"])
def test_an_empty_name_is_no_folder(source):
    with pytest.raises(SourceError, match="no such file or folder"):
        open_recorded(source)


def test_files_are_what_the_file_system_says(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in ("rtsp:", "7"):
        (tmp_path / name).mkdir()
    (tmp_path / "rtsp:" / "x.mkv").write_bytes(b"")
    assert not is_live("rtsp://x.mkv")
    assert is_live("7")
    assert not is_live("./7")
    assert is_live("rtsp://camera/stream")
    assert is_live("/dev/video99")
    assert not is_live("/dev/shm/x.mkv")
    for none in ("/dev/null", "/dev/stdin", "\u0663"):  # no camera's device, no index
        assert not is_live(none)
        with pytest.raises(SourceError, match=r"no such file|neither a file nor a folder"):
            open_recorded(none)


def test_a_video_whose_name_is_not_utf_8(tmp_path):
    clip = tmp_path / "clip.avi"
    writer = cv2.VideoWriter(str(clip), cv2.VideoWriter_fourcc(*"MJPG"), 10, (32, 32))
    for _ in range(5):
        writer.write(np.full((32, 32, 3), 90, np.uint8))
    writer.release()
    odd = clip.rename(tmp_path / os.fsdecode(b"Jos\xe9.avi"))
    assert len(list(open_recorded(str(odd)))) == 5
    odd.write_bytes(b"no video")
    with pytest.raises(SourceError, match=r"Jos\\xe9\.avi"):
        open_recorded(str(odd))
