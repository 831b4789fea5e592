# SPDX-License-Identifier: Apache-2.0
"""How images travel between processes: Fast DDS' transports, and what keeps images from coming."""

import re
import shutil
from collections.abc import Mapping
from pathlib import Path

TRANSPORTS = ("udp", "shm")
PROFILE_VARIABLES = ("FASTRTPS_DEFAULT_PROFILES_FILE", "FASTDDS_DEFAULT_PROFILES_FILE")
"""Fast DDS 2, so Jazzy, reads the first; Fast DDS 3 the second."""
SHARED_MEMORY = Path("/dev/shm")
SMALLEST, LARGEST = 4, 32  # MiB of a segment: four raw 640x480 images, five of 1920x1080
PROCESSES = 8  # that may each want a segment: camera, nodes, recorder, player, RViz, some more
_MIB = 1 << 20
_SEGMENT = re.compile(r"/fast(?:rtps|dds)_[0-9a-f]{16}$", re.MULTILINE)


class TransportError(RuntimeError):
    """The transport cannot be had; the message is one line that says why and the way out."""


def environment(
    transport: str,
    config: Path,
    work: Path,
    given: Mapping[str, str],
    shared_memory: Path = SHARED_MEMORY,
) -> dict[str, str]:
    """Variables for a process that sends or takes images.

    Args:
        transport: one of ``TRANSPORTS``.
        config: folder of the profiles.
        work: a folder for one made to measure.
        given: the environment as it is.
        shared_memory: where the system has it.

    Returns:
        What to add to the environment; nothing where the user has chosen a profile.

    Raises:
        TransportError: /dev/shm is too small.
    """
    if any(name in given for name in PROFILE_VARIABLES):
        return {}
    profile = config / "fastdds.xml"
    if transport == "shm":
        profile = work / "fastdds_shm.xml"
        size = segment_size(shutil.disk_usage(shared_memory).free)
        text = (config / profile.name).read_text("utf-8")
        text = re.sub(r"(?<=<segment_size>)\d+", str(size), text)
        profile.write_text(text, "utf-8")
    return dict.fromkeys(PROFILE_VARIABLES, str(profile))


def segment_size(free: int) -> int:
    """Bytes of one process's segment where ``free`` bytes of shared memory are free.

    Raises:
        TransportError: that is not enough for images.
    """
    size = min(free // _MIB // PROCESSES, LARGEST)
    if size < SMALLEST:
        raise TransportError(
            f"transport:=shm needs {SMALLEST * PROCESSES} MiB of {SHARED_MEMORY}, {free // _MIB} "
            "are free: start the container with --shm-size=256m, or leave out transport:=shm"
        )
    return size * _MIB


def void_profile(given: Mapping[str, str]) -> str:
    """Why a profile does nothing in this environment and what to do, in one line; else empty."""
    for name, value in (
        ("ROS_AUTOMATIC_DISCOVERY_RANGE", "LOCALHOST"),
        ("ROS_LOCALHOST_ONLY", "1"),
    ):
        if given.get(name, "").upper() == value:
            return (
                f"with {name}={value} Fast DDS keeps its own transports, so large raw images may "
                f"be lost: unset {name}, or use image_transport:=compressed"
            )
    return ""


def silence(maps: str | None = None) -> str:
    """Why a publisher that is matched may stay silent, and what to do; empty where unknown.

    Where this process and its peers share memory, their segments are mapped into it. With its own
    one alone, what a peer on the same network puts into another /dev/shm is never seen, without an
    error on either side. ``maps``: what /proc/self/maps says, unless given.
    """
    if maps is None:
        try:
            maps = Path("/proc/self/maps").read_text("utf-8")
        except OSError:
            return ""
    if len(set(_SEGMENT.findall(maps))) != 1:  # none: no shared memory in use
        return ""
    return (
        "its publisher shares no memory with this node: if it runs in another container, start "
        "both with --ipc=host, or both with the profile of config/fastdds.xml"
    )
