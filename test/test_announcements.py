# SPDX-License-Identifier: Apache-2.0
"""Diagnostics on the console: what is new once, figures aside, and the end of a trouble."""

from fer_ros.nodes.announcements import REST, Announcements
from fer_ros.nodes.diagnostics import ERROR, WARN, Problem


class Log:
    def __init__(self):
        self.lines = []

    def info(self, text):
        self.lines.append(("info", text))

    def warning(self, text):
        self.lines.append(("warning", text))

    def error(self, text):
        self.lines.append(("error", text))


def said(*reports):
    """What is logged of reports, each a second after the one before: level and message."""
    log, now = Log(), [0.0]
    announcements = Announcements(log, lambda: now[0])
    for problems in reports:
        announcements.take(problems)
        now[0] += 1.0
    return log.lines


def silent(seconds):
    level = ERROR if seconds >= 10 else WARN
    return (
        Problem(
            level, f"no image for {seconds:.1f} s on /image: nobody publishes it, start the camera"
        ),
    )


def test_a_camera_that_is_absent_is_said_once_as_warning_and_once_as_error():
    lines = said(*(silent(s) for s in range(2, 30)))
    assert [kind for kind, _ in lines] == ["warning", "error"]
    assert lines[0][1] == silent(2)[0].text


def test_its_return_is_said_once():
    lines = said((), silent(2), (), ())
    assert [kind for kind, _ in lines] == ["warning", "info"]


def test_what_comes_and_goes_does_not_fill_the_log():
    lines = said(*[silent(2), ()] * int(REST / 2))
    assert [kind for kind, _ in lines] == ["warning", "info"]


def test_it_is_said_again_after_a_while():
    assert len(said(*[silent(12)] * int(REST + 1))) == 2


def test_another_trouble_is_said():
    never = Problem(WARN, "40% of the images were lost: raise net.core.rmem_max")
    lines = said(silent(2), (*silent(3), never))
    assert [text.split()[0] for _, text in lines] == ["no", "40%"]


def test_what_the_node_says_itself_is_passed_over():
    assert said((Problem(ERROR, "3 images left out", logged=True),)) == []
