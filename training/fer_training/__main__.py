# SPDX-License-Identifier: Apache-2.0
"""``fer-training``, which obeys signals before TensorFlow is imported."""

import sys

from fer_ros import start


def main() -> int:
    """Run the command; see ``--help``."""
    return start.command("fer_training.cli", "run")


if __name__ == "__main__":
    sys.exit(main())
