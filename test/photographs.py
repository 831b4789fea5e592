# SPDX-License-Identifier: Apache-2.0
"""Photographs that scikit-image and matplotlib ship, whole; neither package is imported."""

from importlib.util import find_spec
from pathlib import Path

import cv2
import numpy as np

_DEBIAN_MATPLOTLIB = Path("/usr/share/matplotlib")


def photograph(package: str, path: str) -> np.ndarray:
    """A photograph out of a package's folder, BGR, uint8 [H, W, 3]."""
    spec = find_spec(package)
    folders = list(spec.submodule_search_locations or ()) if spec else []
    for folder in (*map(Path, folders), _DEBIAN_MATPLOTLIB):
        image = cv2.imread(str(folder / path)) if (folder / path).is_file() else None
        if image is not None:
            return image
    raise FileNotFoundError(f"{Path(path).name} of {package}: pip install scikit-image matplotlib")
