# SPDX-License-Identifier: Apache-2.0
"""What nobody should give as a source: one line each, in a process that lives on to say it."""

import subprocess
import sys

import pytest

from fer_ros.bags.writing import BagWriter
from fer_ros.cli import prediction_sources
from fer_ros.cli.own_nodes import NodesError
from fer_ros.cli.view import _free_port
from fer_ros.sources.address import SourceError
from fer_ros.sources.live import Live
from fer_ros.sources.recorded import open_recorded

ODD = {
    "a stream not in UTF-8": b"rtsp://127.0.0.1:1/\xe9",
    "a password not in UTF-8": b"rtsp://a:\xe9secret@127.0.0.1:1/",
    "a device not in UTF-8": b"/dev/video\xe9",
    "a camera of any number": b"9" * 30,
    "a number too long": b"1" * 5000,
    "a name too long": b"x" * 5000,
    "an address too long": b"rtsp://127.0.0.1:1/" + b"x" * 5000,
    "a home of nobody": b"~nobody-at-all/x.mp4",
    "another script's digit": "\u0663".encode(),
    "a superscript": "\u00b2".encode(),
}


@pytest.mark.parametrize("source", ODD.values(), ids=ODD)
def test_predict_says_one_line(source):
    command = [sys.executable, "-m", "fer_ros.cli.predict", source]
    done = subprocess.run(command, capture_output=True, timeout=60, check=False)
    assert done.returncode == 1, done.stderr
    said = done.stderr.decode()
    assert said.startswith("fer_ros-predict: ")
    assert said.count("\n") == 1
    assert "secret" not in said


@pytest.mark.parametrize("source", [s.decode(errors="surrogateescape") for s in ODD.values()])
def test_sources_refuse_it(source):
    for make in (lambda: Live(source), lambda: open_recorded(source)):
        with pytest.raises(SourceError) as error:
            make()
        assert str(error.value).isprintable()


@pytest.mark.parametrize("host", ["x" * 70, "\udce9", "a..b", "1" * 400])
def test_hosts_that_are_none(host):
    server = pytest.importorskip("fer_ros.web.server", reason="aiohttp is not installed")
    with pytest.raises(OSError, match=r"."):
        server.listen(host, 0)
    with pytest.raises(NodesError, match="cannot listen on"):
        _free_port(host, [8080])


def test_record_says_that_a_name_is_not_utf_8(tmp_path):
    command = [sys.executable, "-m", "fer_ros.cli.record", "--out", bytes(tmp_path) + b"/\xe9"]
    done = subprocess.run(command, capture_output=True, timeout=60, check=False)
    assert done.returncode == 1
    assert done.stderr == b"record: all arguments have to be UTF-8: name another folder\n"


def test_a_bag_whose_name_is_not_utf_8_is_refused_at_once(tmp_path):
    with pytest.raises(OSError, match="has to be UTF-8"):
        BagWriter(tmp_path / "visit\udce9")
    assert not list(tmp_path.iterdir())
    (tmp_path / "visit\udce9").mkdir()
    with BagWriter(tmp_path / "visit\udce9" / "bag"):
        pass


def test_a_folder_that_vanishes_while_it_is_looked_through(tmp_path, monkeypatch):
    (tmp_path / "a").mkdir()
    (tmp_path / "a/1.jpg").write_bytes(b"x")
    walk = prediction_sources.os.walk

    def vanishing(folder):
        for place in walk(folder):
            for file in (tmp_path / "a").glob("*"):
                file.unlink()
            yield place

    monkeypatch.setattr(prediction_sources.os, "walk", vanishing)
    work = prediction_sources.find([str(tmp_path)])
    assert work.problems or work.pictures
