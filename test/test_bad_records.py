# SPDX-License-Identifier: Apache-2.0
"""One bad record never ends the whole, and no file becomes more than it is."""

import contextlib
import json
import shutil
import sqlite3

import pytest
import zstandard
from bag_helpers import CHATTER, JPEG, START, evaluate, frames, make_bag, storage_file, summary
from bag_helpers import table as rows_of
from rosbags.rosbag2 import Reader

from fer_ros.bags.reading import Bag, BagError
from fer_ros.bags.salvage import BagTopic
from fer_ros.bags.types import qos
from fer_ros.bags.writing import BagWriter
from fer_ros.cli import evaluate_bags
from fer_ros.emotions.model_card import ModelError
from fer_ros.evaluation.labels import LabelsError
from fer_ros.faces.detectors import DetectorError
from fer_ros.parameters import ParameterError
from fer_ros.sources.address import SourceError

DEFINITIONS = [
    "this is no definition", "int32 a\nno/Such b\n", "int32", "\0", "int32 a\n" * 3 + "===",
    "=" * 80 + "\nMSG: a/B\nint32 x", "own/msg/Other x", "string<=x a", "float64[<=] a", "\ud7ff",
]  # fmt: skip


def bag_with(path, definition):
    """A bag of four images and a topic of a type of its own, whose definition is this."""
    make_bag(path / "good", frames(4))
    writer = path / "bad"
    with Reader(path / "good") as reader, BagWriter(writer) as out:
        connections = {c.topic: c for c in reader.connections}
        for c in connections.values():
            out.add_topic(BagTopic(c.topic, c.msgtype, 0, c.msgdef.data, [qos()]))
        out._topics["/own"] = out._writer.add_connection(
            "/own", "own/msg/Own", msgdef=definition, rihs01="RIHS01_" + "0" * 64,
            offered_qos_profiles=[qos()],
        )  # fmt: skip
        for number, (connection, time, data) in enumerate(reader.messages()):
            out.write(connection.topic, time, bytes(data))
            if number % 2:
                out.write("/own", time, b"\0\1\0\0abcd")
    return writer


@pytest.mark.parametrize("definition", DEFINITIONS)
def test_a_definition_that_cannot_be_read(tmp_path, definition, capsys):
    bag = bag_with(tmp_path, definition)
    out = tmp_path / "out"
    assert evaluate(bag, "--out", out) in (0, 3)
    told = capsys.readouterr()
    assert "Traceback" not in told.err
    assert len(rows_of(out)) >= 4
    assert not list(out.rglob(".space*"))
    with Bag(out / "bag") as written:
        assert written.topics[JPEG].count == 4


ROWS = {
    "text as time": "UPDATE messages SET timestamp = 'noon' WHERE id = 2",
    "number as time": "UPDATE messages SET timestamp = 1.5 WHERE id = 2",
    "no time": "UPDATE messages SET timestamp = NULL WHERE id = 2",
    "before all time": "UPDATE messages SET timestamp = -5 WHERE id = 2",
    "bytes as time": "UPDATE messages SET timestamp = x'00ff' WHERE id = 2",
    "number as data": "UPDATE messages SET data = 90000000000 WHERE id = 2",
    "text as data": "UPDATE messages SET data = 'hello' WHERE id = 2",
    "no data": "UPDATE messages SET data = NULL WHERE id = 2",
    "no such topic": "UPDATE messages SET topic_id = 99 WHERE id = 2",
    "text as topic": "UPDATE messages SET topic_id = 'x' WHERE id = 2",
    "another topic's name": "INSERT INTO topics (id, name, type, serialization_format, "
    "offered_qos_profiles) VALUES (77, 5, x'00', 'cdr', 'odd: [')",
}


@pytest.mark.parametrize("as_file", [True, False], ids=["file", "folder"])
@pytest.mark.parametrize("statement", ROWS.values(), ids=ROWS)
def test_one_odd_row(tmp_path, statement, as_file, capsys):
    bag = make_bag(tmp_path / "bag", frames(6), storage="sqlite3")
    file = storage_file(bag)
    with (
        contextlib.closing(sqlite3.connect(file)) as database,
        contextlib.suppress(sqlite3.IntegrityError),
    ):
        with contextlib.suppress(sqlite3.OperationalError):
            database.execute("PRAGMA ignore_check_constraints = ON")
        database.execute(statement)
        database.commit()
    out = tmp_path / "out"
    assert evaluate(file if as_file else bag, "--out", out, "--bag", "none") in (0, 3)
    assert summary(out)["images"] >= 5
    assert "Traceback" not in capsys.readouterr().err


SCHEMAS = {
    "recursive view": "DROP TABLE messages; CREATE VIEW messages AS WITH RECURSIVE n(i) AS "
    "(SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT i AS id, 1 AS topic_id, i AS timestamp, "
    "zeroblob(1000) AS data FROM n",
    "recursive topics": "DROP TABLE topics; CREATE VIEW topics AS WITH RECURSIVE n(i) AS "
    "(SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT i AS id, 'a' || i AS name, "
    "'std_msgs/msg/String' AS type, 'cdr' AS serialization_format, '' AS offered_qos_profiles, "
    "'' AS type_description_hash FROM n",
    "recursive definitions": "DROP TABLE IF EXISTS message_definitions; CREATE VIEW "
    "message_definitions AS WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) "
    "SELECT i AS id, 'a' || i AS topic_type, 'ros2msg' AS encoding, 'x' AS "
    "encoded_message_definition, 'y' AS type_description_hash FROM n",
    "computed column": "CREATE TABLE old AS SELECT * FROM messages; DROP TABLE messages; "
    "CREATE TABLE messages (id INTEGER PRIMARY KEY, topic_id INTEGER, timestamp INTEGER, "
    "data BLOB AS (zeroblob(900000000))); "
    "INSERT INTO messages (id, topic_id, timestamp) SELECT id, topic_id, timestamp FROM old",
}


@pytest.mark.parametrize("script", SCHEMAS.values(), ids=SCHEMAS)
def test_a_database_whose_rows_are_made_up_is_not_read(tmp_path, script):
    bag = make_bag(tmp_path / "bag", frames(1), storage="sqlite3")
    with contextlib.closing(sqlite3.connect(storage_file(bag))) as database:
        database.executescript(script)
    for path in (storage_file(bag), bag):
        with pytest.raises(BagError, match="nothing in it can be read"):
            Bag(path, log=lambda _: None)


@pytest.mark.parametrize("known", [True, False], ids=["size told", "size not told"])
def test_a_packed_file_that_would_fill_the_disk(tmp_path, known, monkeypatch):
    bag = make_bag(tmp_path / "bag", frames(1), compress="file")
    packed = next(bag.glob("*.zstd"))
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    size = 300 << 20
    with packed.open("wb") as file:
        packer = zstandard.ZstdCompressor(level=19)
        with packer.stream_writer(file, size=size if known else -1) as out:
            for _ in range(size >> 20):
                out.write(bytes(1 << 20))
    with pytest.raises(BagError, match="times its size"):
        Bag(bag, log=lambda _: None)
    assert sum(f.stat().st_size for f in tmp_path.rglob("*") if f.is_file()) < 10 << 20


def test_a_packed_file_that_is_a_recording_is_read(tmp_path):
    bag = make_bag(tmp_path / "bag", frames(3), compress="file")
    with Bag(bag) as whole:
        assert whole.topics[JPEG].count == 3
        assert whole.topics[CHATTER].count == 1
        assert whole.start_time > START


@pytest.mark.parametrize(
    "text", ["[]", "1", "null", '"x"', "[" * 100_000, "{}", '{"inputs": 5}', "", "\xff", "INPUTS"]
)
def test_what_lies_in_the_place_of_a_summary_is_made_anew(tmp_path, text):
    job = object()
    inputs = {"a": 1}
    (tmp_path / "summary.json").write_text(
        json.dumps({"inputs": inputs}) if text == "INPUTS" else text, "latin-1"
    )
    answer = evaluate_bags.evaluate_one(job, tmp_path, inputs)
    assert "failure" in answer  # it was tried: the job is none


def test_one_that_is_no_bag_does_not_end_the_others(tmp_path, capsys):
    distributed = pytest.importorskip("distributed", reason="dask.distributed is not installed")
    folder = tmp_path / "recordings"
    make_bag(folder / "good", frames(2))
    (folder / "empty").mkdir()
    (folder / "empty/metadata.yaml").write_text("rosbag2_bagfile_information: []")
    (folder / "dangling.mcap").symlink_to(tmp_path / "nowhere")
    with distributed.LocalCluster(
        n_workers=1, processes=False, dashboard_address="127.0.0.1:0"
    ) as running:
        words = (folder, "--out", tmp_path / "out", "--scheduler", running.scheduler_address)
        assert evaluate_bags.main([*map(str, words), "--bag", "none"]) == 1
    told = capsys.readouterr()
    assert "1 of 3 bags evaluated" in told.out
    assert "Traceback" not in told.err
    assert "dangling.mcap" in (tmp_path / "out/report.html").read_text()
    shutil.rmtree(tmp_path / "out")


@pytest.mark.parametrize(
    "error", [BagError, ModelError, DetectorError, ParameterError, LabelsError, SourceError]
)
def test_what_an_error_quotes_commands_no_terminal(error):
    """Names, paths and libraries' words come out of files that anybody made."""
    line = str(error("bag: topic \x1b[2J\x07 of \nJos\udce9"))
    assert line.isprintable()
    assert line.startswith("bag: topic \\x1b[2J")
    line.encode()
