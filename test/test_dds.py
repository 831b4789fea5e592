# SPDX-License-Identifier: Apache-2.0
"""Raw images over each transport, in namespaces, and what is said when none come."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

import pytest
from node_helpers import PYTHONPATH, REPOSITORY, WAIT

from fer_ros.runtime import dds

CONFIG = REPOSITORY / "config"
MIB = 1 << 20
OWN = "7f00 rw-s 0 0:1 1 /dev/shm/fastrtps_02d37e945b0020b8\n"
OWN += "7f01 rw-s 0 0:1 1 /dev/shm/fastrtps_port7411\n"
OTHER = "7f02 rw-s 0 0:1 1 /dev/shm/fastrtps_116d0f095bce0a19\n"


@pytest.mark.parametrize(
    ("free", "size"), [(32, 4), (64, 8), (250, 31), (24_000, 32)], ids=lambda n: f"{n}MiB"
)
def test_segment_fits_shared_memory(free, size):
    assert dds.segment_size(free * MIB) == size * MIB


def test_too_little_shared_memory_is_refused_with_the_cure():
    with pytest.raises(
        dds.TransportError, match=r"needs 32 MiB of /dev/shm, 31 are free.*shm-size"
    ):
        dds.segment_size(31 * MIB)


def test_udp_profile_is_the_shipped_one(tmp_path):
    path = str(CONFIG / "fastdds.xml")
    assert dds.environment("udp", CONFIG, tmp_path, {}) == dict.fromkeys(
        dds.PROFILE_VARIABLES, path
    )


def test_shm_profile_is_made_to_measure(tmp_path):
    (path,) = set(dds.environment("shm", CONFIG, tmp_path, {}, shared_memory=tmp_path).values())
    name = "{http://www.eprosima.com}segment_size"
    (size,) = (int(e.text) for e in ElementTree.parse(path).iter(name))
    assert size == dds.segment_size(shutil.disk_usage(tmp_path).free)


@pytest.mark.parametrize("name", dds.PROFILE_VARIABLES)
def test_a_profile_of_the_user_stays(tmp_path, name):
    assert dds.environment("shm", CONFIG, tmp_path, {name: "/my.xml"}) == {}


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({}, ""),
        ({"ROS_AUTOMATIC_DISCOVERY_RANGE": "SUBNET", "ROS_LOCALHOST_ONLY": "0"}, ""),
        ({"ROS_AUTOMATIC_DISCOVERY_RANGE": "localhost"}, "unset ROS_AUTOMATIC_DISCOVERY_RANGE"),
        ({"ROS_LOCALHOST_ONLY": "1"}, "unset ROS_LOCALHOST_ONLY"),
    ],
)
def test_an_environment_that_voids_a_profile_is_named(given, said):
    found = dds.void_profile(given)
    assert said in found
    assert bool(found) == bool(said)


@pytest.mark.parametrize(
    ("maps", "said"), [("", False), (OWN, True), (OWN + OWN, True), (OWN + OTHER, False)]
)
def test_memory_that_nobody_shares_is_named(maps, said):
    assert ("--ipc=host" in dds.silence(maps)) == said


# Over DDS: one process publishes ninety raw images, another counts them.

PUBLISH = """
import array, sys, time, rclpy
from rclpy.qos import QoSProfile, ReliabilityPolicy
from sensor_msgs.msg import Image
rclpy.init()
node = rclpy.create_node("publisher")
qos = QoSProfile(depth=5, reliability=ReliabilityPolicy.BEST_EFFORT)
publisher = node.create_publisher(Image, "image_raw", qos)
while not publisher.get_subscription_count():
    time.sleep(0.05)
print("matched", flush=True)
sys.stdin.readline()
image = Image(height=480, width=640, step=1920, encoding="bgr8")
image.data = array.array("B", bytes(1920 * 480))
for _ in range(90):
    publisher.publish(image)
    time.sleep(1 / 30)
print("sent", flush=True)
sys.stdin.readline()
"""
SUBSCRIBE = """
import json, sys, threading, rclpy
from rclpy.event_handler import SubscriptionEventCallbacks
from rclpy.qos import QoSProfile, ReliabilityPolicy
from sensor_msgs.msg import Image
from fer_ros.runtime import dds
rclpy.init()
node = rclpy.create_node("subscriber")
qos = QoSProfile(depth=5, reliability=ReliabilityPolicy.BEST_EFFORT)
count = 0
def take(message):
    global count
    count += 1
said = lambda info: info.current_count and print("matched", flush=True)
subscription = node.create_subscription(
    Image, "image_raw", take, qos, event_callbacks=SubscriptionEventCallbacks(matched=said))
done = threading.Event()
threading.Thread(target=lambda: (sys.stdin.readline(), done.set()), daemon=True).start()
while not done.is_set():
    rclpy.spin_once(node, timeout_sec=0.1)
before = -1
while count > before:  # what is on its way still
    before = count
    for _ in range(5):
        rclpy.spin_once(node, timeout_sec=0.1)
print(json.dumps([count, dds.silence()]), flush=True)
"""
BETWEEN = """
import json, subprocess, sys
publish, subscribe, mount, apart = json.load(sys.stdin)
for words in ("link set lo up", "link set lo multicast on", "route add 224.0.0.0/4 dev lo"):
    subprocess.run(["ip", *words.split()], check=True)
if mount:
    subprocess.run(f"mount -t tmpfs -o size={mount}m tmpfs /dev/shm", shell=True, check=True)
def start(program, environment, prefix=()):
    import os
    return subprocess.Popen([*prefix, sys.executable, "-c", program], text=True,
        env={**os.environ, **environment}, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
alone = "mount -t tmpfs tmpfs /dev/shm && exec \\"$@\\""
subscriber = start(*subscribe, ["unshare", "-m", "sh", "-c", alone, "-"] if apart else [])
publisher = start(*publish)
for process in (publisher, subscriber):
    assert process.stdout.readline() == "matched\\n"
publisher.stdin.write("\\n"); publisher.stdin.flush()
assert publisher.stdout.readline() == "sent\\n"
subscriber.stdin.write("\\n"); subscriber.stdin.flush()
print(subscriber.stdout.readline())
publisher.stdin.write("\\n"); publisher.stdin.flush()
for process in (publisher, subscriber):
    process.wait()
"""


@pytest.fixture(scope="module")
def namespaces():
    """The command that gives a process a network and mounts of its own."""
    command = ["unshare", "--net", "--mount"]
    script = "ip link set lo up && mount -t tmpfs tmpfs /dev/shm"
    try:
        subprocess.run([*command, "sh", "-c", script], check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("no namespaces: unshare, ip and mount take root")
    return command


def needs_large_buffers():
    if int(Path("/proc/sys/net/core/rmem_max").read_text()) < 4 * MIB:
        pytest.skip("net.core.rmem_max is below 4 MiB")


def received(namespaces, publisher, subscriber, mount=0, apart=False):
    """How many of the ninety came, and what silence() says of it."""
    environment = {k: v for k, v in os.environ.items() if k != "ROS_AUTOMATIC_DISCOVERY_RANGE"}
    ran = subprocess.run(
        [*namespaces, sys.executable, "-c", BETWEEN],
        input=json.dumps([[PUBLISH, publisher], [SUBSCRIBE, subscriber], mount, apart]),
        env=environment | {"PYTHONPATH": PYTHONPATH},
        capture_output=True, text=True, timeout=WAIT, check=True,
    )  # fmt: skip
    return json.loads(ran.stdout)


@pytest.mark.parametrize("transport", dds.TRANSPORTS)
def test_every_raw_image_arrives(namespaces, tmp_path, transport):
    if transport == "udp":
        needs_large_buffers()
    both = dds.environment(transport, CONFIG, tmp_path, {})
    count, said = received(namespaces, both, both)
    assert count >= 88
    assert said == ""


def test_every_raw_image_arrives_by_the_little_memory_of_a_container(namespaces, tmp_path):
    made = subprocess.run(
        [*namespaces, "sh", "-c", f"mount -t tmpfs -o size=64m tmpfs /dev/shm && {sys.executable} "
         "-c 'import shutil; print(shutil.disk_usage(\"/dev/shm\").free)'"],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    text = (CONFIG / "fastdds_shm.xml").read_text()
    profile = tmp_path / "profile.xml"
    profile.write_text(text.replace("33554432", str(dds.segment_size(int(made.stdout)))))
    both = dict.fromkeys(dds.PROFILE_VARIABLES, str(profile))
    count, _ = received(namespaces, both, both, mount=64)
    assert count >= 88


@pytest.mark.parametrize("profile", [True, False])
def test_memory_that_is_not_shared_brings_nothing_and_is_named(namespaces, tmp_path, profile):
    """Two containers on one network, each with its own /dev/shm; Fast DDS' default is no better."""
    both = dds.environment("shm", CONFIG, tmp_path, {}) if profile else {}
    count, said = received(namespaces, both, both, apart=True)
    assert count == 0
    assert "--ipc=host" in said


def test_udp_needs_no_shared_memory(namespaces, tmp_path):
    needs_large_buffers()
    both = dds.environment("udp", CONFIG, tmp_path, {})
    count, said = received(namespaces, both, both, apart=True)
    assert count >= 88
    assert said == ""
