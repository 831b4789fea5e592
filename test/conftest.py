# SPDX-License-Identifier: Apache-2.0
"""Fixtures shared by all tests."""

import ctypes
import fcntl
import os
import signal
import sys
import tempfile
from importlib.util import find_spec
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from skips import SkipGate
from source_files import REPOSITORY, TESTS, needs

# On a Python without ROS, such as Debian's own, the tests run that need none.
WITH_ROS = find_spec("rclpy") is not None
RUNTIMES = ("ai_edge_litert", "onnxruntime")
if not WITH_ROS:
    collect_ignore = [
        str(file)
        for file in TESTS.glob("test_*.py")
        if needs(file) & {"rclpy", "rosbags", "av", "selenium"}
    ]


def own_domain() -> int:
    """A DDS domain that no other run of the tests has, locked until this process ends."""
    for domain in range(1, 101):
        path = Path(tempfile.gettempdir(), f"fer_ros_tests_domain_{domain}.lock")
        try:
            lock = os.open(path, os.O_CREAT | os.O_WRONLY, 0o600)
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:  # another run's, or another user's
            continue
        return domain
    raise RuntimeError(f"all fer_ros_tests_domain_*.lock in {path.parent} are held: remove them")


# A shell has what it runs in the background ignore Ctrl-C, and the tests' processes inherit that.
signal.signal(signal.SIGINT, signal.default_int_handler)
# The tests' nodes meet nobody else's: a domain for each run, and this machine alone.
os.environ["ROS_DOMAIN_ID"] = str(own_domain())
os.environ["ROS_AUTOMATIC_DISCOVERY_RANGE"] = "LOCALHOST"

# The same examples on each machine, however slow it is; --hypothesis-profile=default searches on.
settings.register_profile(
    "same", derandomize=True, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("same")


def pytest_configure(config):
    """Let nothing be skipped unseen."""
    config.pluginmanager.register(SkipGate())


def pytest_collection_modifyitems(config, items):
    """Leave out what is marked to need ROS where there is none."""
    if not WITH_ROS:
        needy = [item for item in items if item.get_closest_marker("ros")]
        items[:] = [item for item in items if item not in needy]
        config.hook.pytest_deselected(items=needy)


def use_messages(prefix: Path) -> None:
    """Let this process and its children use the message packages that build_messages.py made."""
    (site_packages,) = map(str, prefix.glob("lib/python*/site-packages"))
    sys.path.append(site_packages)
    for name, folder in (("PYTHONPATH", site_packages), ("LD_LIBRARY_PATH", str(prefix / "lib"))):
        os.environ[name] = os.pathsep.join(filter(None, (os.environ.get(name), folder)))
    # The loader read LD_LIBRARY_PATH when this process began; what is loaded it finds by name.
    for library in prefix.glob("lib/*__rosidl_typesupport_*_c.so"):
        ctypes.CDLL(str(library))


# `make test` makes those that it can.
os.environ.setdefault("FER_ROS_MESSAGES", str(Path(sys.prefix, "messages")))
if Path(os.environ["FER_ROS_MESSAGES"]).is_dir():
    use_messages(Path(os.environ["FER_ROS_MESSAGES"]))


@pytest.fixture(autouse=True)
def own_signals():
    """What a command that runs within a test does to signals ends with the test: processes that
    later ones start inherit it.
    """
    handlers = {
        number: signal.getsignal(number)
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT)
    }
    yield
    for number, handler in handlers.items():
        signal.signal(number, handler)


@pytest.fixture(scope="session")
def message_package():
    """Gives the messages of an optional package; skips by its name where it is not installed."""

    def get(name):
        if find_spec(name) is None:
            pytest.skip(f"{name} is not installed (test/build_messages.py, FER_ROS_MESSAGES)")
        return __import__(f"{name}.msg").msg

    return get


@pytest.fixture(scope="session")
def repository() -> Path:
    """The root of the source tree."""
    return REPOSITORY


@pytest.fixture(scope="session")
def shared() -> Path:
    """Folder of photographs, data set and model files that are not part of the repository."""
    folder = Path(os.environ.get("FER_ROS_SHARED", REPOSITORY.parent / "shared"))
    if not folder.is_dir():
        pytest.skip(f"no shared data: {folder} (set FER_ROS_SHARED)")
    return folder


@pytest.fixture(scope="module")
def context():
    """A ROS context for the tests of a file."""
    import rclpy

    context = rclpy.Context()
    context.init()
    yield context
    context.try_shutdown()


@pytest.fixture
def bench(context):
    """A node that publishes to emotion_node, listens to it and calls its services."""
    from node_helpers import Bench

    bench = Bench(context)
    yield bench
    bench.close()


@pytest.fixture
def start(tmp_path):
    """Starts nodes as processes of their own, which end with the test."""
    from node_helpers import Process

    processes = []

    def run(node, *arguments, **environment):
        processes.append(Process(tmp_path, node, *arguments, **environment))
        return processes[-1]

    yield run
    for process in processes:
        process.close()


@pytest.fixture
def meet():
    """Makes a bench for nodes in other processes, which must have started before: while discovery
    keeps to this machine, an elder participant may hear of a younger one only seconds later.
    """
    import rclpy
    from node_helpers import Bench

    benches = []

    def make(namespace=""):
        context = rclpy.Context()
        context.init()
        benches.append(Bench(context, namespace))
        return benches[-1]

    yield make
    for bench in benches:
        bench.close()
        bench.context.try_shutdown()


@pytest.fixture(autouse=True)
def children_find_the_package(monkeypatch):
    """Where a command ran in this very process, it shielded its children from the current folder;
    those of the next test find fer_ros there.
    """
    monkeypatch.delenv("PYTHONSAFEPATH", raising=False)


@pytest.fixture
def without_litert(monkeypatch):
    """As on a machine where neither LiteRT nor ONNX Runtime is installed: OpenCV runs all."""
    import importlib.util

    real = importlib.util.find_spec
    monkeypatch.setitem(sys.modules, "ai_edge_litert.interpreter", None)
    monkeypatch.setattr(
        importlib.util,
        "find_spec",
        lambda name, *rest: None if name in RUNTIMES else real(name, *rest),
    )
