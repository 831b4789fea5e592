# SPDX-License-Identifier: Apache-2.0
"""What the demo and the view have in common: nodes of their own, out of others' way."""

import os
import random
import secrets

from fer_ros.sources.address import is_live
from fer_ros.sources.live import Live
from fer_ros.sources.recorded import open_recorded

MIDDLEWARE = ("ROS_DOMAIN_ID", "ROS_AUTOMATIC_DISCOVERY_RANGE")
"""The environment that nodes meet in."""


class NodesError(RuntimeError):
    """The nodes cannot go on; the message is one line that says why."""


def length_of(source) -> int:
    """How many images will come; 0: not known. Raises SourceError before anything is started or
    an earlier run's results are removed.
    """
    if is_live(source):
        Live(source).close()
        return 0
    return len(open_recorded(source, log=lambda _: None))


def choose_middleware():
    """Keep to this machine and out of others' way, unless the user has set up more."""
    # Over 101 the ports of a domain run into those that Linux hands out.
    os.environ.setdefault("ROS_DOMAIN_ID", str(random.randint(1, 101)))
    os.environ.setdefault("ROS_AUTOMATIC_DISCOVERY_RANGE", "LOCALHOST")


def own_namespace(name: str) -> str:
    """A namespace that nobody else has: in a domain that others share, no topic is theirs."""
    return f"/{name}_{secrets.token_hex(3)}"
