# SPDX-License-Identifier: Apache-2.0
"""Notes which modules of this repository a benchmark's processes import.

Python imports this file at its start where its folder is on PYTHONPATH; `benchmarks.bench` puts it
there.
"""

import os
import sys


class ImportLog:
    """Appends the name of each module of this repository to a file the moment it is looked for, so
    that a process which is killed has told all the same. Finds nothing itself.
    """

    def __init__(self, path: str):
        self._file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)

    def find_spec(self, name, path=None, target=None):
        """What the import system asks of each finder; None: go on with the next."""
        if name.partition(".")[0] in ("fer_ros", "fer_training", "benchmarks"):
            os.write(self._file, f"{name}\n".encode())


if path := os.environ.get("FER_ROS_LOADED"):
    sys.meta_path.insert(0, ImportLog(path))
