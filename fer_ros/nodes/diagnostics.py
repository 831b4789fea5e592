# SPDX-License-Identifier: Apache-2.0
"""What the node says of its health, as one diagnostic_msgs/DiagnosticStatus (REP 107).

Each warning and error says what can be done about it. Thresholds are parameters.
"""

import statistics
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from diagnostic_msgs.msg import DiagnosticStatus, KeyValue
from rclpy.qos import ReliabilityPolicy

from fer_ros.parameters.options import HealthLimits
from fer_ros.runtime.health import Health

OK, WARN, ERROR = DiagnosticStatus.OK, DiagnosticStatus.WARN, DiagnosticStatus.ERROR
MANY = 0.5  # share of the images from which a fault of the stamps is said to be the camera's
OTHER_CLOCK = 3600.0  # seconds; no image takes so long, so the clocks differ


class Problem(NamedTuple):
    """A fault and its cure in words.

    Attributes:
        level: ``WARN`` or ``ERROR``.
        text: fault, colon, remedy.
        logged: the node has logged it already.
    """

    level: bytes
    text: str
    logged: bool = False


@dataclass(frozen=True)
class Situation:
    """What the node knows of its surroundings when it reports.

    Attributes:
        node: its full name.
        state: the lifecycle's, such as "active" or "finalized".
        topic: what it subscribes to.
        reliabilities: what each publisher of the topic offers.
        wanted: the reliability subscribed with.
        mismatch: what to type where the topic's publishers send another type.
        compressed: what it subscribes to is JPEG or PNG.
        other_topic: the topic of the other image transport where someone publishes that.
        busy: seconds that the image in work has taken so far.
        is_simulated: time is that of /clock.
        clock_missing: simulated time is asked for, and nobody gives it.
        is_paused: simulated time stands still, as when a bag's player is paused.
        subscription_failure: why the subscription could not be made to suit its publishers.
        no_way: why what a matched publisher sends may never arrive.
    """

    node: str
    state: str
    topic: str = ""
    reliabilities: tuple[ReliabilityPolicy, ...] = ()
    wanted: ReliabilityPolicy | None = None
    mismatch: str = ""
    compressed: bool = False
    other_topic: str = ""
    busy: float = 0.0
    is_simulated: bool = False
    clock_missing: bool = False
    is_paused: bool = False
    subscription_failure: str = ""
    no_way: str = ""


def status(
    situation: Situation,
    health: Health,
    counts,
    limits: HealthLimits,
    problems: Sequence[Problem] = (),
    **facts: str,
) -> tuple[DiagnosticStatus, list[Problem]]:
    """What goes to /diagnostics, and the problems in it, the worst first.

    Args:
        situation: the node's surroundings.
        health: the node's memory; its period ends with this.
        counts: received, processed, dropped since the start.
        limits: from where to warn.
        problems: further ones of the node's.
        **facts: further values, in their order; ``model`` is the hardware id.
    """
    received, processed, dropped = counts
    period = health.take(received, dropped)
    if situation.is_paused:
        health.note_pause()
    silence = health.silence()
    values = {
        "state": situation.state,
        **facts,
        "received": received,
        "missed": health.missed,
        "processed": processed,
        "dropped": dropped,
        "image rate (Hz)": f"{period.received / period.seconds:.1f}",
        "rate (Hz)": f"{period.processed / period.seconds:.1f}",
        "dropped share": f"{_share(period.dropped, period.received):.2f}",
        "errors": health.errors.total(),
        "forgotten": health.forgotten,
    }
    if health.last_error:
        values["last error"] = health.last_error
        values["last error count"] = health.count_of_last_error()
        values["last error ago (s)"] = f"{health.since_error():.0f}"
    if situation.state == "active":
        values["publishers"] = len(situation.reliabilities)
        values["last image ago (s)"] = f"{silence:.1f}"
    if period.ages:
        values["age median (ms)"] = f"{statistics.median(period.ages) * 1e3:.1f}"
        values["age maximum (ms)"] = f"{max(period.ages) * 1e3:.1f}"
    values |= {f"{k} (ms)": f"{_median_ms(v):.2f}" for k, v in period.stages.items()}
    values |= {f"stamps {kind}": count for kind, count in sorted(health.stamps.items())}
    found = [*problems, *_problems(situation, health, period, limits)]
    found.sort(key=lambda problem: problem.level, reverse=True)
    rest = "paused, since /clock stands still" if situation.is_paused else "processing"
    rest = rest if situation.state == "active" else situation.state
    report = DiagnosticStatus(
        level=found[0].level if found else OK,
        name=situation.node.lstrip("/"),
        hardware_id=facts.get("model", ""),
        # Who shows them one by one parts them there, so nothing else does.
        message="; ".join(problem.text.replace("; ", ", ") for problem in found) or rest,
        values=[KeyValue(key=k, value=str(v)) for k, v in values.items()],
    )
    return report, found


def _problems(situation, health, period, limits) -> Iterator[Problem]:
    """Each fault, with what can be done about it."""
    if health.failure:
        transition = "activate" if situation.state == "inactive" else "configure"
        remedy = f"correct the parameters, then: ros2 lifecycle set {situation.node} {transition}"
        yield Problem(ERROR, f"{health.failure}: {remedy}", logged=True)
    if health.reload_failure:
        remedy = "the model loaded before goes on, correct the parameters and call ~/reload again"
        yield Problem(WARN, f"{health.reload_failure}: {remedy}", logged=True)
    if situation.state != "active":
        return
    silence = health.waiting()
    level = _level(silence, limits.no_image_warn, limits.no_image_error)
    if level != OK:
        fault = f"no image for {silence:.1f} s on {situation.topic}"
        yield Problem(level, f"{fault}: {_cause(situation)}")
    if _reaches(situation.busy, limits.no_image_error):
        fault = f"an image has been in work for {situation.busy:.0f} s"
        yield Problem(ERROR, f"{fault}: detector or model hangs, deactivate and activate the node")
    if situation.subscription_failure:
        fault = f"cannot subscribe as its publishers ask: {situation.subscription_failure}"
        yield Problem(WARN, f"{fault}: look at qos_overrides, set image_reliability")
    if len(situation.reliabilities) > 1:
        fault = f"{len(situation.reliabilities)} publishers on {situation.topic}"
        yield Problem(WARN, f"{fault}: stop one, or run a node for each camera")
    if period.failed:
        whole = period.failed + period.processed
        fault = f"{period.failed} of {whole} images left out ({health.last_error})"
        remedy = "look at the settings of the camera driver and at the network"
        level = ERROR if period.failed == whole else WARN
        yield Problem(level, f"{fault}: {remedy}", logged=True)
    yield from _missed(situation, period, limits)
    yield from _dropped(situation, period, limits)
    yield from _old(situation, period, limits)
    yield from _stamps(health, period)


def _cause(situation) -> str:
    if situation.mismatch:
        return situation.mismatch
    if not situation.reliabilities and situation.other_topic:
        transport = "compressed" if situation.other_topic.endswith("/compressed") else "raw"
        return f"only {situation.other_topic} is published, set image_transport to {transport}"
    if not situation.reliabilities:
        start = "play the bag" if situation.is_simulated else "start the camera"
        return f"nobody publishes it, {start} or remap image_raw"
    unreliable = ReliabilityPolicy.BEST_EFFORT in situation.reliabilities
    if unreliable and situation.wanted == ReliabilityPolicy.RELIABLE:
        return "its publisher is best effort, set image_reliability to auto"
    if situation.no_way:
        return situation.no_way
    source = "the bag and its player" if situation.is_simulated else "the camera"
    what = f"its publisher sends nothing, look at {source}"
    return what if situation.compressed else f"{what} and at net.core.rmem_max"


def _missed(situation, period, limits) -> Iterator[Problem]:
    share = _share(period.missed, period.missed + period.received)
    if _reaches(share, limits.missed_warn):
        remedy = "raise net.core.rmem_max, or set image_transport to compressed"
        if situation.compressed:
            remedy = f"network or machine are too slow for them, {_relief(situation)}"
        yield Problem(WARN, f"{share:.0%} of the images were lost: {remedy}")


def _relief(situation) -> str:
    if situation.is_simulated:
        return "play the bag slower"
    return "lower the rate or size of the camera's images"


def _dropped(situation, period, limits) -> Iterator[Problem]:
    share = _share(period.dropped, period.received)
    # With max_rate set, leaving images out is what was asked for.
    if _reaches(share, limits.dropped_warn) and limits.max_rate <= 0:
        stages = {k: _median_ms(v) for k, v in period.stages.items() if k != "total"}
        slowest = max(stages, key=stages.__getitem__, default="")
        why = f" ({slowest} takes {stages[slowest]:.0f} ms)" if slowest else ""
        remedy = f"{_relief(situation)}, or set max_rate"
        yield Problem(WARN, f"{share:.0%} of the images dropped{why}: {remedy}")


def _old(situation, period, limits) -> Iterator[Problem]:
    if situation.clock_missing:
        yield Problem(WARN, "use_sim_time is set but /clock is silent: play the bag with --clock")
        return
    if not period.ages:
        return
    age = statistics.median(period.ages)
    level = _level(abs(age), limits.age_warn, limits.age_error)
    if level != OK and 0 <= age < OTHER_CLOCK:
        relief = _relief(situation)
        remedy = relief if situation.compressed else f"{relief}, or take compressed ones"
        yield Problem(level, f"results are {age * 1e3:.0f} ms old: {remedy}")
    elif level != OK:
        side = "ahead of" if age < 0 else "behind"
        clock = "the clock of this machine"
        remedy = "synchronise the clocks, or set use_sim_time for a bag"
        if situation.is_simulated:
            clock, remedy = "/clock", "let images and /clock come from one bag or simulator"
        yield Problem(WARN, f"stamps are {abs(age):.1f} s {side} {clock}: {remedy}")


def _stamps(health, period) -> Iterator[Problem]:
    if _share(period.stamps["zero"], period.processed) > MANY:
        fault = "stamps are zero, so no ages and no events"
        yield Problem(WARN, f"{fault}: let the camera driver set them")
    if _share(period.stamps["repeated"], period.processed) > MANY:
        yield Problem(WARN, "stamps stand still: look at the camera driver, or at /clock")
    if period.stamps["back"]:
        fault = f"{health.last_restart}, {period.stamps['back']} times, and faces were forgotten"
        remedy = "expected when a bag begins anew, else two cameras on one topic"
        yield Problem(WARN, f"{fault}: {remedy}")


def _level(value: float, warn: float, error: float) -> bytes:
    """The level of a value by two limits."""
    if _reaches(value, error):
        return ERROR
    return WARN if _reaches(value, warn) else OK


def _reaches(value: float, limit: float) -> bool:
    """Whether a value is at a limit or over; a negative limit is none, and nothing reaches it."""
    return value > 0 and 0 <= limit <= value


def _share(part: int, whole: int) -> float:
    return part / whole if whole else 0.0


def _median_ms(seconds: list[float]) -> float:
    return statistics.median(seconds) * 1e3
