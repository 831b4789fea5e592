# SPDX-License-Identifier: Apache-2.0
"""``python -m fer_ros``: ``fer_ros-predict``."""

import sys

from fer_ros.start import predict

if __name__ == "__main__":
    sys.exit(predict())
