# SPDX-License-Identifier: Apache-2.0
"""What the node says of its health: levels, values, and what can be done."""

import itertools
import re
from types import SimpleNamespace

import pytest
from diagnostic_msgs.msg import DiagnosticStatus
from rclpy.qos import ReliabilityPolicy

from fer_ros.nodes.diagnostics import Problem, Situation, status
from fer_ros.parameters import EMOTION_NODE
from fer_ros.runtime import health as health_module
from fer_ros.runtime.health import Health

OK, WARN, ERROR = DiagnosticStatus.OK, DiagnosticStatus.WARN, DiagnosticStatus.ERROR
RELIABLE, BEST_EFFORT = ReliabilityPolicy.RELIABLE, ReliabilityPolicy.BEST_EFFORT
rising = itertools.count(100)  # stamps, in seconds
DEFAULTS = {s.name: s.default for s in EMOTION_NODE}


class Clock:
    """A time.monotonic that stands still until it is moved."""

    def __init__(self):
        self.now = 1000.0

    def monotonic(self):
        return self.now


@pytest.fixture
def clock(monkeypatch):
    clock = Clock()
    monkeypatch.setattr(health_module, "time", clock)
    return clock


@pytest.fixture
def health(clock):
    return Health()


def report(health, clock, counts=(0, 0, 0), facts=None, limits=None, **situation):
    """The status a second later, and its values."""
    clock.now += 1
    values = {"node": "/emotion_node", "state": "active", "topic": "/image_raw"}
    values |= {"reliabilities": (RELIABLE,), "wanted": RELIABLE}
    limits = SimpleNamespace(**DEFAULTS | (limits or {}))
    found, _ = status(Situation(**values | situation), health, counts, limits, **(facts or {}))
    return found, {v.key: v.value for v in found.values}


def process(health, count=10, age=0.02, stamps=rising, **stages):
    for _, stamp in zip(range(count), stamps, strict=False):
        health.note_received()
        health.processed(float(stamp), age, stages=stages)


def test_times_counts_and_rates(health, clock):
    for number, age in enumerate((0.010, 0.030, 0.020)):
        health.processed(1.0 + number, age, stages={"detect": age / 2})
    facts = {"model": "model@1", "topic": "/image_raw"}
    found, values = report(health, clock, (5, 3, 2), facts)
    assert (found.level, found.message) == (OK, "processing")
    assert (found.name, found.hardware_id) == ("emotion_node", "model@1")
    assert [values[k] for k in ("received", "processed", "dropped")] == ["5", "3", "2"]
    assert (values["image rate (Hz)"], values["rate (Hz)"]) == ("5.0", "3.0")
    assert values["dropped share"] == "0.40"
    assert values["age median (ms)"] == "20.0"
    assert values["age maximum (ms)"] == "30.0"
    assert values["detect (ms)"] == "10.00"
    assert values["topic"] == "/image_raw"


def test_each_report_begins_anew(health, clock):
    process(health)
    report(health, clock, (10, 10, 0))
    _, values = report(health, clock, (10, 10, 0))
    assert values["rate (Hz)"] == "0.0"
    assert "age median (ms)" not in values
    assert values["received"] == "10"


@pytest.mark.parametrize("state", ["inactive", "unconfigured"])
def test_rest_is_no_fault(health, clock, state):
    """Also without images, and after errors."""
    health.error("torn")
    clock.now += 100
    found, values = report(health, clock, state=state)
    assert (found.level, found.message, values["state"]) == (OK, state, state)
    assert values["last error"] == "torn"


@pytest.mark.parametrize(
    ("state", "transition"), [("inactive", "activate"), ("unconfigured", "configure")]
)
def test_failed_transition(health, clock, state, transition):
    health.failure = "not configured: no model file x.tflite"
    found, _ = report(health, clock, state=state)
    assert found.level == ERROR
    assert found.message.startswith(health.failure)
    assert found.message.endswith(f"ros2 lifecycle set /emotion_node {transition}")


def test_failed_reload(health, clock):
    health.reload_failure = "not reloaded: no model file x.tflite"
    process(health)
    found, _ = report(health, clock, (10, 10, 0))
    assert found.level == WARN
    assert "x.tflite" in found.message
    assert "call ~/reload" in found.message


def test_no_image(health, clock):
    """OK, then WARN, then ERROR, and OK again."""
    health.note_received()
    levels = []
    for _ in range(11):
        found, values = report(health, clock)
        levels.append(found.level)
    assert levels == [OK] + [WARN] * 8 + [ERROR] * 2
    assert values["last image ago (s)"] == "11.0"
    assert re.match(r"no image for 11\.0 s on /image_raw: .*look at the camera", found.message)
    health.note_received()
    assert report(health, clock)[0].level == OK


def test_thresholds_are_parameters_and_zero_means_never(health, clock):
    clock.now += 100
    limits = {"no_image_warn": 200.0, "no_image_error": 50.0}
    assert report(health, clock, limits=limits)[0].level == ERROR
    limits = {"no_image_warn": -1.0, "no_image_error": -1.0}
    assert report(health, clock, limits=limits)[0].level == OK


@pytest.mark.parametrize(
    ("situation", "advice"),
    [
        ({"reliabilities": ()}, "start the camera or remap image_raw"),
        (
            {"reliabilities": (), "other_topic": "/image_raw/compressed"},
            "set image_transport to compressed",
        ),
        (
            {"reliabilities": (), "topic": "/a/compressed", "other_topic": "/a"},
            "set image_transport to raw",
        ),
        ({"reliabilities": (BEST_EFFORT,)}, "set image_reliability to auto"),
        ({"reliabilities": (BEST_EFFORT,), "wanted": BEST_EFFORT}, "look at the camera"),
    ],
)
def test_why_there_is_no_image(health, clock, situation, advice):
    clock.now += 5
    found, _ = report(health, clock, **situation)
    assert found.level == WARN
    assert advice in found.message


def test_hanging_worker(health, clock):
    health.note_received()
    assert report(health, clock, busy=9.0)[0].level == OK
    found, _ = report(health, clock, busy=12.0)
    assert found.level == ERROR
    assert "in work for 12 s" in found.message
    assert "deactivate and activate" in found.message


def test_two_publishers(health, clock):
    found, values = report(health, clock, reliabilities=(RELIABLE, RELIABLE))
    assert (found.level, values["publishers"]) == (WARN, "2")
    assert "2 publishers on /image_raw" in found.message
    assert "a node for each camera" in found.message


@pytest.mark.parametrize(("good", "level"), [(7, WARN), (0, ERROR)])
def test_images_left_out(health, clock, good, level):
    process(health, good)
    health.note_received()
    for _ in range(3):
        health.failed("ImageError: torn")
    found, values = report(health, clock, (good + 3, good + 3, 0))
    assert found.level == level
    assert f"3 of {good + 3} images left out (ImageError: torn)" in found.message
    assert (values["errors"], values["last error count"]) == ("3", "3")
    assert values["last error ago (s)"] == "1"
    health.note_received()
    found, values = report(health, clock, (good + 3, good + 3, 0))
    assert found.level == OK
    assert values["last error"] == "ImageError: torn", "told until there is another"


def test_dropped(health, clock):
    process(health, 4, detect=0.045, classify=0.002, total=0.05)
    found, _ = report(health, clock, (10, 4, 6))
    assert found.level == WARN
    assert found.message.startswith("60% of the images dropped (detect takes 45 ms)")
    assert "max_rate" in found.message


def test_images_that_never_came(health, clock):
    health.note_received(missed=3)
    process(health, 6)
    found, values = report(health, clock, (7, 7, 0))
    assert (found.level, values["missed"]) == (WARN, "3")
    assert found.message.startswith("30% of the images were lost: raise net.core.rmem_max")
    process(health, 6)
    assert report(health, clock, (13, 13, 0))[0].level == OK


def test_nothing_is_advised_that_is_so_already(health, clock):
    """With compressed images, larger buffers and compressed images are no cure."""
    health.note_received(missed=3)
    process(health, 6, age=2.0)
    found, _ = report(
        health, clock, (7, 7, 0), compressed=True, topic="/a/compressed", reliabilities=(RELIABLE,)
    )
    assert "30% of the images were lost: network or machine are too slow" in found.message
    assert "results are 2000 ms old" in found.message
    clock.now += 60
    found, _ = report(
        health, clock, compressed=True, topic="/a/compressed", reliabilities=(RELIABLE,)
    )
    assert "sends nothing, look at the camera" in found.message
    for advice in ("rmem_max", "set image_transport", "take compressed"):
        assert advice not in found.message


def test_a_problem_and_its_cure_stay_together(health, clock):
    """Whoever parts the problems at "; " gets whole ones."""
    health.failure = "no file a; b; c"
    health.reload_failure = "no model"
    clock.now += 1
    counts, limits = (0, 0, 0), SimpleNamespace(**DEFAULTS)
    situation = Situation("/emotion_node", "inactive")
    found, _ = status(situation, health, counts, limits, [Problem(WARN, "x; y: z")])
    problems = found.message.split("; ")
    assert len(problems) == 3
    assert problems[0].startswith("no file a, b, c: correct the parameters")


def test_dropped_by_wish(health, clock):
    process(health, 4)
    assert report(health, clock, (10, 4, 6), limits={"max_rate": 4.0})[0].level == OK
    process(health, 4)
    assert report(health, clock, (20, 8, 12), limits={"dropped_warn": -1.0})[0].level == OK


@pytest.mark.parametrize(
    ("age", "level", "words"),
    [
        (0.2, OK, "processing"),
        (0.5, WARN, "500 ms old: lower the rate"),
        (1.5, ERROR, "1500 ms old: lower the rate"),
        (-0.5, WARN, "0.5 s ahead of .* synchronise the clocks"),
        (-50.0, WARN, "50.0 s ahead of"),
        (1e9, WARN, "behind the clock .* use_sim_time"),
    ],
)
def test_age(health, clock, age, level, words):
    process(health, age=age)
    found, _ = report(health, clock)
    assert found.level == level
    assert re.search(words, found.message)


def test_a_paused_bag_is_no_fault(health, clock):
    """Nor does what it was paused for count when it goes on."""
    process(health)
    for _ in range(30):
        found, values = report(health, clock, is_simulated=True, is_paused=True)
    assert (found.level, found.message) == (OK, "paused, since /clock stands still")
    assert values["last image ago (s)"] == "30.0"
    found, _ = report(health, clock, is_simulated=True)
    assert (found.level, found.message) == (OK, "processing")
    clock.now += 2
    assert report(health, clock, is_simulated=True)[0].level == WARN


def test_of_a_bag_that_is_played_no_camera_is_spoken_of(health, clock):
    process(health, age=-50.0, decode=0.02)
    found, _ = report(health, clock, (20, 8, 12), is_simulated=True)
    clock.now += 5
    silent, _ = report(health, clock, (20, 8, 12), is_simulated=True, wanted=BEST_EFFORT)
    absent, _ = report(health, clock, (20, 8, 12), is_simulated=True, reliabilities=())
    words = "; ".join([found.message, silent.message, absent.message])
    assert "ahead of /clock: let images and /clock come from one bag" in words
    assert "play the bag slower, or set max_rate" in words
    assert "sends nothing, look at the bag and its player" in words
    assert "nobody publishes it, play the bag or remap image_raw" in words
    assert "camera" not in words
    assert "set use_sim_time" not in words


def test_simulated_time_without_a_clock(health, clock):
    process(health, age=-1000.0)
    found, _ = report(health, clock, clock_missing=True)
    assert (found.level, found.message.count(";")) == (WARN, 0)
    assert "--clock" in found.message


@pytest.mark.parametrize(
    ("stamps", "words", "key"),
    [
        ([0.0] * 5, "stamps are zero", "stamps zero"),
        ([7.0] * 5, "stamps stand still", "stamps repeated"),
    ],
)
def test_stamps(health, clock, stamps, words, key):
    process(health, 5, stamps=stamps)
    found, values = report(health, clock)
    assert found.level == WARN
    assert words in found.message
    assert int(values[key]) >= 1
    process(health, 5)
    assert report(health, clock)[0].level == OK


def test_a_new_beginning_is_told_with_its_reason(health, clock):
    health.processed(8.0, 0.02)
    health.processed(3.0, 0.02, "stamps went back by 5.0 s")
    found, values = report(health, clock)
    assert found.level == WARN
    assert "stamps went back by 5.0 s, 1 times, and faces were forgotten" in found.message
    assert values["stamps back"] == "1"


def test_the_worst_comes_first(health, clock):
    health.reload_failure = "not reloaded: bad"
    clock.now += 20
    found, _ = report(health, clock)
    assert found.level == ERROR
    assert found.message.index("no image") < found.message.index("not reloaded")


def test_no_way_for_what_a_publisher_sends(health, clock):
    clock.now += 5
    found, _ = report(health, clock, reliabilities=(RELIABLE,), no_way="shares no memory")
    assert "s on /image_raw: shares no memory" in found.message
