# SPDX-License-Identifier: Apache-2.0
"""What the node remembers of its work."""

from fer_ros.runtime.health import MAX_REASON, MAX_REASONS, Health, one_line


def test_a_period_has_what_came_since_the_last():
    health = Health()
    health.processed(1.0, 0.02, stages={"detect": 0.01})
    health.failed("torn")
    first = health.take(received=10, dropped=4)
    assert (first.received, first.dropped, first.processed, first.failed) == (10, 4, 1, 1)
    assert (first.ages, first.stages) == ([0.02], {"detect": [0.01]})
    assert first.seconds > 0
    second = health.take(received=12, dropped=5)
    assert (second.received, second.dropped, second.processed, second.failed) == (2, 1, 0, 0)
    assert (second.ages, second.stages) == ([], {})


def test_stamps():
    """An image without a stamp has no age."""
    health = Health()
    for stamp in (0.0, 0.0, 5.0, 5.0, 4.9, 5.2):
        health.processed(stamp, 0.1)
    health.processed(1.0, 0.1, "stamps went back by 4.2 s")
    assert health.stamps == {"zero": 2, "repeated": 1, "late": 1, "back": 1}
    assert health.last_restart == "stamps went back by 4.2 s"
    period = health.take()
    assert period.stamps == health.stamps
    assert len(period.ages) == 5
    assert not health.take().stamps
    assert health.stamps.total() == 5


def test_said_once_counted_always():
    health = Health()
    assert [health.error("torn"), health.error("torn"), health.error("empty")] == [1, 0, 1]
    assert (health.errors.total(), health.last_error) == (3, "empty")


def test_errors_that_differ_in_a_number_are_of_a_kind():
    health = Health()
    said = [health.error(f"torn after {n} bytes") for n in range(1000)]
    assert sum(said) == 1
    assert health.last_error == "torn after 999 bytes"
    assert health.count_of_last_error() == 1000


def test_endless_kinds_of_errors_stay_bounded():
    health = Health()
    said = [health.error("torn " * n) for n in range(1000)]
    assert sum(said) == MAX_REASONS
    assert len(health.errors) == MAX_REASONS + 1
    assert health.errors.total() == 1000


def test_any_error_fits_one_line():
    line = one_line(ValueError("two\nlines \udcff\0" + "x" * 1_000_000))
    assert line.startswith("ValueError: two lines ??xxx")
    assert line.isprintable()
    assert len(line) <= MAX_REASON


def test_long_errors_are_cut():
    health = Health()
    health.error("x" * 1_000_000)
    assert len(health.last_error) <= MAX_REASON
    assert health.count_of_last_error() == 1
