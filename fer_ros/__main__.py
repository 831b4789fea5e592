# SPDX-License-Identifier: Apache-2.0
"""``python -m fer_ros``: ``fer_ros-predict``."""

import sys

from fer_ros.cli.predict import main

if __name__ == "__main__":
    sys.exit(main())
