# SPDX-License-Identifier: Apache-2.0
"""The password of a stream's address is nowhere that anything is printed, logged or written."""

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from fer_ros.sources.address import SourceError, is_live, masked, source_of
from fer_ros.sources.live import Live
from fer_ros.sources.recorded import open_recorded

SECRET = "s3cr3t-Pa55"
URL = f"rtsp://user:{SECRET}@127.0.0.1:9/stream"  # where nobody listens
PLAIN = [
    "rtsp://host/stream", "rtsp://host:554/a", "http://[::1]:8080/x?size=3", "sample", "0",
    "a b: c@d", "/dev/video0", "user@host", "http://h/?keyframe=1&author=a", "['a://b:1', 'c@d']",
    "http://h/?side=left",
]  # fmt: skip


@pytest.mark.parametrize(
    "url",
    [
        "rtsp://user:{}@host:554/a", "http://{}", "rtsp://:{}@host", "rtsp://u:{}/x@host/",
        "rtsp://u:{}@p@host/", "rtsp://u:{}?x@host", "RTSP://u:{}#x@host", "rtsp://u:{}%40@host/a",
        "http://host/video?user=a&password={}", "http://host/v?pwd={}&x=1", "http://h/?token={}",
        "http://h/?API_KEY={}#x", "no images from rtsp://u:{}@h: is the address right?",
        "rtsp://u:1{}@h, http://u:{}@h", "rtsp://h:554/user=admin_password={}_channel=1_stream=0.sdp",
        "rtsp://h/user=admin&password={}&channel=1", "http://h/v;password={}", "http://h/?sig={}",
        "http://h/?loginuse=a&loginpas={}", "srt://h:9000?passphrase={}", "http://h/?sessionId={}",
        "http://h/?jwt={}", "http://h/?password%5B%5D={}", "http://h/?a=1&amp;token={}",
        "no such file: https:/u:{}@h", "mms://u:p<{}>d@h", "rtsp://u:'{}'@h", 'rtsp://u:sec"{}@h',
    ],
)  # fmt: skip
def test_masked(url):
    text = url.replace("{}", SECRET) if "://{}" not in url else f"http://u:{SECRET}@h"
    assert SECRET not in masked(text)
    assert "***" in masked(text)


@pytest.mark.parametrize("text", PLAIN)
def test_what_holds_no_password_stays(text):
    assert masked(text) == text


def test_a_file_may_hold_the_source(tmp_path):
    file = tmp_path / "camera"
    file.write_text(f"{URL}\n")
    assert source_of(f"@{file}") == URL
    assert is_live(f"@{file}")
    file.write_text("sample\n")
    assert not is_live(f"@{file}")
    assert len(open_recorded(f"@{file}")) > 0
    for wrong in ("", "\n", "a\nb", "x" * 5000, "@other", "\xff"):
        file.write_text(wrong, "latin-1")
        with pytest.raises(SourceError):
            source_of(f"@{file}")
    for absent in (f"@{tmp_path}/none", "@", f"@{tmp_path}", "@~nobody/x", "@\0"):
        with pytest.raises(SourceError):
            is_live(absent)


def test_a_stream_that_gives_nothing(tmp_path, capfd):
    for source in (URL, f"@{_file(tmp_path)}"):
        with pytest.raises(SourceError) as error:
            Live(source)
        assert SECRET not in str(error.value)
    told = capfd.readouterr()
    assert SECRET not in told.out + told.err


def _file(folder) -> Path:
    file = folder / "camera"
    file.write_text(URL)
    file.chmod(0o600)
    return file


@pytest.mark.parametrize("words", [
    ["fer_ros.cli.view", "--no-browser", "--source"], ["fer_ros.cli.demo", "--source"],
    ["fer_ros.cli.predict"], ["fer_ros.cli.predict", "--json"],
    ["fer_ros.nodes.video_source", "--ros-args", "-p", "source:="],
])  # fmt: skip
def test_commands(tmp_path, repository, words):
    for source in (URL, f"no/{URL}"):
        given = [*words[:-1], words[-1] + source] if words[-1].endswith("=") else [*words, source]
        if "predict" not in words[0] and "nodes" not in words[0]:
            given += ["--out", str(tmp_path / "out")]
        done = subprocess.run(
            [sys.executable, "-m", *given], cwd=repository, capture_output=True, text=True,
            env={**os.environ, "OPENCV_FFMPEG_LOGLEVEL": "56", "OPENCV_FFMPEG_DEBUG": "1"},
            timeout=100, check=False,
        )  # fmt: skip
        assert done.returncode == 1, done.stderr
        assert SECRET not in done.stdout + done.stderr
        for file in tmp_path.rglob("*"):
            assert not file.is_file() or SECRET not in file.read_text("utf-8", "replace")


@pytest.mark.ros
def test_no_other_user_reads_what_a_node_is_given(tmp_path):
    from fer_ros.cli import node_process

    with node_process.NodeProcess("video_source", {"source": URL}, tmp_path) as node:
        pid = node._process.pid
        while "--params-file" not in (
            words := Path(f"/proc/{pid}/cmdline").read_text().split("\0")
        ):  # between two programs it is empty
            assert node.status is None
        assert SECRET not in " ".join(words)
        own, number = words[words.index("--params-file") + 1].split("/fd/")
        assert own == "/proc/self"  # no file that could stay behind
        folder = Path(f"/proc/{pid}/fd")
        assert folder.stat().st_mode & 0o777 == 0o500
        assert SECRET in (folder / number).read_text()
        end = time.monotonic() + 60
        while node.status is None and time.monotonic() < end:
            time.sleep(0.1)
        assert node.status == 1
        assert "user:***@" in node.last_line()
        assert SECRET not in node.log.read_text()
