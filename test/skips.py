# SPDX-License-Identifier: Apache-2.0
"""What was skipped, in one table at the end; a skip that allowed_skips.txt does not list for this
place fails the run.
"""

import os
from collections import Counter
from fnmatch import fnmatchcase
from importlib.util import find_spec
from pathlib import Path

import pytest

LIST = Path(__file__).with_name("allowed_skips.txt")
ROS = ("wheels", "apt", "no-ros")
DISTRIBUTIONS = ("jazzy", "kilted", "lyrical", "rolling")
PLACES = {*ROS, *DISTRIBUTIONS, "no-shared"}


needs_litert = pytest.mark.skipif(
    not find_spec("ai_edge_litert"), reason="ai-edge-litert is not installed"
)
needs_onnxruntime = pytest.mark.skipif(
    not find_spec("onnxruntime"), reason="onnxruntime is not installed"
)


def places_here() -> set[str]:
    """The words of allowed_skips.txt that hold here."""
    rclpy = find_spec("rclpy")
    if rclpy is None:
        here = {"no-ros"}
    elif str(rclpy.origin).startswith("/opt/ros/"):
        here = {"apt", os.environ.get("ROS_DISTRO", "")}
    else:
        here = {"wheels"}
    shared = os.environ.get("FER_ROS_SHARED", Path(__file__).parents[2] / "shared")
    return here | (set() if Path(shared).is_dir() else {"no-shared"})


def read_list(file: Path) -> list[tuple[set[str], str, str]]:
    """The list's lines: places, pattern of the tests, pattern of the reason."""
    lines = [line.split("|") for line in file.read_text().splitlines() if line.strip()[:1] != "#"]
    rows = [[word.strip() for word in line] for line in lines if line != [""]]
    return [(set(places.split()), tests, reason) for places, tests, reason in rows]


INSTALL = {
    "chromium is not installed": "chromium",
    "chromedriver is not installed": "chromium-driver",
    "Debian's python3-opencv is not installed": "python3-opencv",
    "cryptography is not installed": "python3-cryptography",
    "dask.distributed is not installed": "python3-distributed",
    "aiohttp is not installed": "python3-aiohttp",
    "selenium is not installed": "python3-selenium",
    "colcon is not installed": "python3-colcon-common-extensions",
}
"""What to install with apt, by the reason of a skip; with FER_ROS_NO_SKIPS=1, as .ci/run sets it,
such a skip fails the run.
"""
PREFIX = "python3-"  # of a package that .venv has of its own


def remedy(missing: set[str], in_environment: bool) -> str:
    """What to type for packages of INSTALL; Python's own are pip's in an environment."""
    own = {n for n in missing if in_environment and n.startswith(PREFIX) and n != "python3-opencv"}
    lines = [f"sudo apt install {' '.join(sorted(missing - own))}"] if missing - own else []
    if own:
        names = " ".join(sorted(name.removeprefix(PREFIX) for name in own))
        lines.append(f".venv/bin/pip install {names}")
    return "; ".join(lines)


class SkipGate:
    """A pytest plug-in, registered by the conftest.py of each folder of tests."""

    def __init__(self, listed: Path = LIST):
        self._here = places_here()
        self._rows = [row for row in read_list(listed) if row[0] & self._here]
        self._skipped: Counter[tuple[str, str]] = Counter()

    def is_listed(self, test: str, reason: str) -> bool:
        """Whether the test may be skipped for that reason here."""
        if reason in INSTALL and os.environ.get("FER_ROS_NO_SKIPS") == "1":
            return False
        return any(
            fnmatchcase(test, tests) and fnmatchcase(reason, why) for _, tests, why in self._rows
        )

    def _remedy(self):
        missing = {INSTALL[reason] for _, reason in self._skipped if reason in INSTALL}
        count = sum(n for (_, reason), n in self._skipped.items() if reason in INSTALL)
        what = remedy(missing, "wheels" in self._here)
        return f"{count} tests, or files of them, want more of this machine: {what}"

    def pytest_collectreport(self, report):
        """A whole file may skip itself."""
        self.pytest_runtest_logreport(report)

    def pytest_runtest_logreport(self, report):
        """Count a test, or a file, that was skipped."""
        if report.skipped and not hasattr(report, "wasxfail"):
            _, _, reason = report.longrepr
            self._skipped[report.nodeid.partition("[")[0], reason.removeprefix("Skipped: ")] += 1

    def pytest_sessionfinish(self, session, exitstatus):
        """Let the run fail that was green but for a skip."""
        if exitstatus == 0 and not all(self.is_listed(*skip) for skip in self._skipped):
            session.exitstatus = 1

    def pytest_terminal_summary(self, terminalreporter):
        """Print the table."""
        if not self._skipped:
            return
        terminalreporter.section(f"skipped ({', '.join(sorted(self._here))})")
        width = max(len(test) for test, _ in self._skipped)
        for (test, reason), count in sorted(self._skipped.items()):
            listed = self.is_listed(test, reason)
            verdict = "" if listed else "  NOT ALLOWED HERE"
            line = f"{count:3d}  {test:{width}}  {reason}{verdict}"
            terminalreporter.write_line(line, red=not listed)
        if any(reason in INSTALL for _, reason in self._skipped):
            terminalreporter.write_line(self._remedy())
        if not all(self.is_listed(*skip) for skip in self._skipped):
            line = f"Install what is missing, or list what may be skipped here in test/{LIST.name}"
            terminalreporter.write_line(line, red=True)
