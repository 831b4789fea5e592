# SPDX-License-Identifier: Apache-2.0
"""expression_node: its lifecycle, its diagnostics, and its bounds."""

import numpy as np
import pytest
from lifecycle_msgs.msg import Transition
from lifecycle_msgs.srv import ChangeState, GetState
from node_helpers import astronaut, header, parameters, pouring
from sensor_msgs.msg import Image
from std_srvs.srv import Trigger

from fer_ros.nodes.messages import image_message

SLOW = """
import sys, time
from fer_ros.emotions.classifier import Classifier
from fer_ros.nodes.expression_node import main
probabilities = Classifier.probabilities
Classifier.probabilities = lambda *given: time.sleep(0.2) or probabilities(*given)
sys.exit(main())
"""


@pytest.fixture
def hri(message_package):
    return message_package("hri_msgs")


@pytest.fixture
def run(start, meet, hri):
    """Starts the node with these parameters; gives it, a bench and a publisher of tracked faces."""

    def begin(**values):
        node = start("expression_node", *parameters(**{"diagnostics_period": 0.1} | values))
        bench = meet()
        return node, bench, bench.node.create_publisher(hri.IdsList, "humans/faces/tracked", 10)

    return begin


def transition(bench, name) -> bool:
    number = getattr(Transition, f"TRANSITION_{name.upper()}")
    request = ChangeState.Request(transition=Transition(id=number))
    return bench.call(ChangeState, "expression_node/change_state", request).success


def state(bench) -> str:
    answer = bench.call(GetState, "expression_node/get_state", GetState.Request())
    return answer.current_state.label


def looked_at(bench) -> set[str]:
    """The faces whose pictures somebody subscribes to."""
    names = (name.split("/") for name, _ in bench.node.get_topic_names_and_types())
    faces = {n[3] for n in names if n[1:3] == ["humans", "faces"] and n[-1] == "cropped"}
    return {f for f in faces if bench.node.count_subscribers(f"/humans/faces/{f}/cropped")}


def test_lifecycle(run, hri):
    node, bench, tracked = run(autostart=False)
    bench.report(lambda status, values: values["state"] == "unconfigured")
    assert transition(bench, "configure")
    assert transition(bench, "activate")
    ids = hri.IdsList(ids=["one"])
    bench.until(lambda: tracked.publish(ids) or looked_at(bench) == {"one"})
    assert transition(bench, "deactivate")
    bench.until(lambda: not looked_at(bench), "that the face is let go of")
    assert not bench.node.count_subscribers("/humans/faces/tracked")
    bench.report(lambda status, values: values["state"] == "inactive")
    assert transition(bench, "activate")
    assert state(bench) == "active"
    assert "Traceback" not in node.words()


def test_a_model_that_cannot_be_used_is_mended_later(run):
    node, bench, _ = run(model="/no/model.tflite")
    node.wait_for("not configured: no model file")
    bench.report(lambda status, values: "not configured: no model file" in status.message)
    assert state(bench) == "unconfigured"
    assert not bench.node.count_subscribers("/humans/faces/tracked")


def test_exit_on_failure(run):
    node, *_ = run(model="/no/model.tflite", exit_on_failure=True)
    assert node.wait() == 1
    assert "Traceback" not in node.words()


def test_says_that_nobody_finds_faces(run):
    _, bench, tracked = run()
    bench.report(lambda status, values: status.message == "processing" and values["faces"] == "0")
    bench.node.destroy_publisher(tracked)
    status, _ = bench.report(lambda status, values: "nobody publishes" in status.message)
    assert "/humans/faces/tracked: start the node that finds the faces" in status.message
    assert status.level == status.WARN


def test_no_more_faces_than_asked_for(run, hri):
    _, bench, tracked = run(max_faces=2)
    ids = [f"f{i}" for i in range(50)]
    many = hri.IdsList(ids=ids)
    _, values = bench.report(
        lambda status, values: tracked.publish(many) or "48 of 50 faces" in status.message
    )
    assert values["faces"] == "2"
    bench.until(lambda: looked_at(bench) == {"f0", "f1"})
    fewer = hri.IdsList(ids=ids[1:])
    bench.until(lambda: tracked.publish(fewer) or looked_at(bench) == {"f1", "f2"}, "the next one")
    assert bench.node.count_publishers("/humans/faces/f1/expression") == 1


def test_counts_and_names_what_it_leaves_out(run, hri):
    node, bench, tracked = run(age_warn=-1.0, age_error=-1.0)
    cropped = [bench.node.create_publisher(Image, f"humans/faces/{i}/cropped", 1) for i in "ab"]
    good = image_message(header(), astronaut()[60:260, 220:420])
    torn = Image(header=header(), encoding="bgr8", width=9, height=9, step=27)

    def show(*pictures):
        tracked.publish(hri.IdsList(ids=["a", "b"]))
        for publisher, picture in zip(cropped, pictures, strict=True):
            publisher.publish(picture)

    _, values = bench.report(
        lambda status, values: show(good, good) or int(values["processed"]) > 4
    )
    assert values["model"].startswith("emotion_mobilenet_v2@")
    assert "classify (ms)" in values
    bench.report(lambda status, values: show(good, torn) or "images left out" in status.message)
    assert node.words().count("face left out") == 1


def test_two_faces_of_one_image_are_no_clock_that_stands_still(run, hri):
    _, bench, tracked = run(age_warn=-1.0, age_error=-1.0)
    cropped = [bench.node.create_publisher(Image, f"humans/faces/{i}/cropped", 1) for i in "abc"]
    number = iter(range(10**6))

    def show():
        head = header(next(number))
        tracked.publish(hri.IdsList(ids=["a", "b", "c"]))
        for publisher in cropped:
            publisher.publish(image_message(head, astronaut()[60:260, 220:420]))

    status, values = bench.report(lambda status, values: show() or int(values["processed"]) > 60)
    assert "stand still" not in status.message
    assert "stamps repeated" not in values


def test_faces_of_a_slow_model_take_turns_and_are_not_mixed(start, meet, hri, tmp_path):
    """Ten times as many pictures as it can take: each face is looked at, as often as the others."""
    program = tmp_path / "slow.py"
    program.write_text(SLOW)
    node = start(str(program), *parameters(diagnostics_period=0.1))
    node.wait_for("listening")
    bench = meet()
    tracked = bench.node.create_publisher(hri.IdsList, "humans/faces/tracked", 10)
    cropped = {i: bench.node.create_publisher(Image, f"humans/faces/{i}/cropped", 1) for i in "abc"}
    found = {i: [] for i in "abc"}
    for i, heard in found.items():
        topic = f"humans/faces/{i}/expression"
        bench.node.create_subscription(hri.Expression, topic, heard.append, 100)
    pictures = {i: bench.now(astronaut()[60:260, 220:420]) for i in "abc"}

    def publish():
        tracked.publish(hri.IdsList(ids=list("abc")))
        for i, publisher in cropped.items():
            pictures[i].header.stamp = bench.node.get_clock().now().to_msg()
            pictures[i].header.frame_id = f"camera of {i}"
            publisher.publish(pictures[i])

    with pouring(publish, 0.02):
        bench.until(lambda: all(found.values()), "each face's expression")
        for heard in found.values():
            heard.clear()
        bench.until(lambda: max(map(len, found.values())) == 6)
        assert min(map(len, found.values())) >= 4
        _, values = bench.report(lambda status, values: int(values["dropped"]) > 10)
        assert float(values["age maximum (ms)"]) < 4000, "none waits for more than a turn"
    for i, heard in found.items():
        assert {message.header.frame_id for message in heard} == {f"camera of {i}"}


@pytest.fixture
def say(run, hri):
    """Gives what is said of a picture with a stamp, s."""
    _, bench, tracked = run(smoothing_time_constant=60.0, uncertain_threshold=0.0)
    cropped = bench.node.create_publisher(Image, "humans/faces/a/cropped", 1)
    found = []
    bench.node.create_subscription(hri.Expression, "humans/faces/a/expression", found.append, 10)

    def show(picture, sec):
        head = header(sec)

        def told():
            tracked.publish(hri.IdsList(ids=["a"]))
            cropped.publish(image_message(head, picture))
            bench.spin(0.05)
            return next((m.expression for m in found if m.header == head), None)

        return bench.until(told, "an expression")

    show.bench = bench
    return show


JOY = astronaut()[60:260, 220:420]
GREY = np.full_like(JOY, 90)


def test_reset_forgets_what_was_smoothed(say):
    assert say(JOY, 1) == say(GREY, 2) == "happy"
    assert say.bench.call(Trigger, "expression_node/reset", Trigger.Request()).success
    assert say(GREY, 3) != "happy"


def test_stamps_that_go_back_are_another_time(say):
    """A bag that is played again: what was smoothed is forgotten, and it is said."""
    assert say(JOY, 100) == say(GREY, 101) == "happy"
    assert say(GREY, 50) != "happy"
    _, values = say.bench.report(lambda status, values: "stamps back" in values)
    assert values["stamps back"] == "1"
