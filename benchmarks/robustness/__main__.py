# SPDX-License-Identifier: Apache-2.0
"""Every hostile round, one after the other; 1 when any of them met a fault.

python -m benchmarks.robustness [--seconds 60] [--seed 1]
"""

import argparse
import sys
from importlib import import_module

from benchmarks.robustness.rounds import run

NAMES = ("images", "bags", "videos", "model_files", "web_requests", "messages")


def main() -> int:
    """See ``--help``."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.robustness", description=__doc__)
    parser.add_argument("--seconds", type=float, default=60.0, help="for each (%(default)g)")
    parser.add_argument("--seed", type=int, default=1, help="%(default)s")
    options = parser.parse_args()
    words = ["--seconds", str(options.seconds), "--seed", str(options.seed)]
    failed = False
    for name in NAMES:
        module = import_module(f"benchmarks.robustness.{name}")
        failed |= bool(run(name, module.__doc__, module.ROUNDS, words))
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
