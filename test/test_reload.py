# SPDX-License-Identifier: Apache-2.0
"""The model is replaced while the node runs, and a bad one is not taken."""

import json
import shutil
import threading
from itertools import count

import pytest
from diagnostic_msgs.msg import DiagnosticStatus
from node_helpers import astronaut, blank, header, pouring, raw, stamped
from std_srvs.srv import Trigger

from fer_ros.emotions.classifier import default_model
from fer_ros.nodes import loading


def copy_model(folder, name="other"):
    """The shipped model under another name."""
    for suffix in (default_model().suffix, ".json"):
        shutil.copy(default_model().with_suffix(suffix), folder)
    path = folder / default_model().name
    card = path.with_suffix(".json")
    card.write_text(json.dumps(json.loads(card.read_text()) | {"name": name}))
    return path


def reload(bench):
    return bench.call(Trigger, "emotion_node/reload", Trigger.Request())


def test_another_model(bench, tmp_path):
    """The next image is seen by the new model; faces keep their ids; the change was announced."""
    bench.start()
    publisher = bench.publisher()
    first = bench.process(publisher, stamped(astronaut(), 1000))
    assert bench.set("model", str(copy_model(tmp_path))).successful
    _, values = bench.report(lambda status, values: "changed, to be loaded by ~/reload" in values)
    assert values["changed, to be loaded by ~/reload"] == "model"
    result = bench.process(publisher, stamped(astronaut(), 1000, 10**8))
    assert result.model == first.model, "not before it is told"
    answer = reload(bench)
    assert answer.success
    assert answer.message.startswith("other@")
    after = bench.process(publisher, stamped(astronaut(), 1000, 2 * 10**8))
    assert after.model == answer.message
    assert after.faces[0].track_id == first.faces[0].track_id
    assert after.faces[0].probabilities.tolist() == after.faces[0].raw_probabilities.tolist(), (
        "what the other model said is not smoothed into it"
    )
    _, values = bench.report(lambda status, values: values["model"] == answer.message)
    assert "changed, to be loaded by ~/reload" not in values


def test_another_detector(bench):
    bench.start(detector="haar", min_face_size=30)
    publisher = bench.publisher()
    bench.process(publisher, stamped(astronaut(), 1000))
    bench.set("detector", "blazeface")
    assert reload(bench).success
    assert bench.process(publisher, stamped(astronaut(), 1001)).faces
    assert bench.report()[1]["detector"] == "blazeface"
    bench.set("min_face_size", 400)
    assert reload(bench).success
    assert not bench.process(publisher, stamped(astronaut(), 1002)).faces, "live parameters hold"


def missing(path):
    path.unlink()
    return "no model file"


def damaged(path):
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    return "sha256"


def foreign_labels(path):
    card = path.with_suffix(".json")
    card.write_text(card.read_text().replace('"joy"', '"bliss"'))
    return "labels"


@pytest.mark.parametrize("fault", [missing, damaged, foreign_labels])
def test_a_bad_model_is_not_taken(bench, tmp_path, capfd, fault):
    """One line, the old one goes on, a warning until a reload succeeds."""
    bench.start()
    publisher = bench.publisher()
    first = bench.process(publisher, stamped(astronaut(), 1000))
    path = copy_model(tmp_path)
    reason = fault(path)
    bench.set("model", str(path))
    answer = reload(bench)
    assert not answer.success
    assert reason in answer.message
    assert "\n" not in answer.message
    said = [line for line in capfd.readouterr().err.splitlines() if "ERROR" in line]
    assert len(said) == 1
    assert reason in said[0]
    result = bench.process(publisher, stamped(astronaut(), 1000, 10**8))
    assert result.model == first.model
    assert result.faces[0].track_id == first.faces[0].track_id
    status, values = bench.report(lambda status, values: "not reloaded" in status.message)
    assert status.level == DiagnosticStatus.WARN
    assert "goes on" in status.message
    assert values["errors"] == "1"
    assert reason in values["last error"]
    bench.set("model", "")
    assert reload(bench).success
    bench.report(lambda status, values: "not reloaded" not in status.message)


def test_a_library_that_throws_something_else(bench, monkeypatch):
    bench.start()

    def fail(*_):
        raise OSError("disk\non fire")

    monkeypatch.setattr("fer_ros.parameters.Classifier", fail)
    answer = reload(bench)
    assert (answer.success, answer.message) == (False, "not reloaded: OSError: disk on fire")
    bench.process(bench.publisher(), stamped(astronaut(), 1000))


@pytest.mark.parametrize("configured", [False, True])
def test_while_at_rest(bench, configured):
    bench.start(autostart=False)
    if configured:
        assert bench.transition("configure")
    answer = reload(bench)
    assert answer.success == configured
    assert configured or "configure first" in answer.message
    assert bench.state() == ("inactive" if configured else "unconfigured")
    assert bench.report()[0].level == DiagnosticStatus.OK


def slow_load(monkeypatch):
    """Loading takes until the event is set."""
    go_on, load = threading.Event(), loading.load

    def slowly(values):
        assert go_on.wait(60)
        return load(values)

    monkeypatch.setattr(loading, "load", slowly)
    return go_on


def ask(bench):
    """A reload that is asked for and not waited for."""
    client = bench.node.create_client(Trigger, "emotion_node/reload")
    bench.until(client.service_is_ready)
    return client.call_async(Trigger.Request())


def test_results_go_on_while_it_loads(bench, monkeypatch):
    bench.start()
    go_on = slow_load(monkeypatch)
    publisher = bench.publisher()
    answer = ask(bench)
    bench.until(lambda: any(t.name == "reload" for t in threading.enumerate()))
    for number in range(5):
        bench.process(publisher, stamped(blank(), 1000, number + 1))
    assert not answer.done()
    go_on.set()
    bench.until(answer.done)
    assert answer.result().success
    bench.process(publisher, stamped(blank(), 1001))
    bench.until(lambda: not any(t.name == "reload" for t in threading.enumerate()))


def test_cleaned_up_while_it_loads(bench, monkeypatch):
    bench.start()
    go_on = slow_load(monkeypatch)
    answer = ask(bench)
    bench.until(lambda: any(t.name == "reload" for t in threading.enumerate()))
    assert bench.transition("deactivate")
    assert bench.transition("cleanup")
    go_on.set()
    bench.until(answer.done)
    assert not answer.result().success
    assert bench.state() == "unconfigured"
    assert bench.report()[0].level == DiagnosticStatus.OK
    assert bench.transition("configure")
    assert bench.transition("activate")
    bench.process(bench.publisher(), stamped(blank(), 1001))


def test_under_load(bench, tmp_path):
    """Back and forth while images pour in: each result is of one model, none is an error."""
    bench.start()
    publisher = bench.publisher()
    models = ["", str(copy_model(tmp_path))]
    stamps = count(10**6, 10**6)
    with pouring(lambda: publisher.publish(stamped(astronaut(), 1000, next(stamps))), 0.02):
        named = set()
        for number in range(10):
            bench.set("model", models[number % 2])
            answer = reload(bench)
            assert answer.success
            named.add(answer.message)
            bench.until(lambda: bench.results and bench.results[-1].model == answer.message)  # noqa: B023
    assert len(named) == 2
    assert {r.model for r in bench.results} == named
    assert bench.report()[1]["errors"] == "0"
    bench.process(publisher, raw(header(999), astronaut()))
