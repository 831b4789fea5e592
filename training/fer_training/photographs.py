# SPDX-License-Identifier: Apache-2.0
"""Pictures that are whole photographs, where crops of faces are wanted: squeezed to 48x48, they
are learnt from and judged as if they were faces.
"""

from collections.abc import Sequence
from pathlib import Path

from fer_ros.images.picture import read_picture
from fer_ros.lines import shown
from fer_ros.observation import Observation
from fer_ros.parameters import create_pipeline
from fer_training.dataset import SIZE

ASPECT = 1.3
"""Longer over shorter side from which a picture is no crop of a face."""
LARGE = 256
"""Pixels a side from which a square picture may be a whole photograph."""
LOOKED_AT = 20
"""Of smaller square pictures so many are searched for a face."""
SMALL_FACE = 0.5
"""Share of a picture's side that the face of a crop takes at least."""
CUT = (
    "are they whole photographs? Faces have to be cut out as the node cuts them: "
    "fer-training crop FOLDER --out FACES"
)


def suspicions(files: Sequence[Path], shapes: Sequence[tuple[int, int]]) -> list[str]:
    """What to tell of picture files of which ``shapes``, [H, W] in pixels, are known."""
    whole, squares = [], []
    for file, shape in zip(files, shapes, strict=True):
        short, long = sorted(shape)
        if long > ASPECT * short or short > LARGE:
            whole.append(file)
        elif short > 2 * SIZE:
            squares.append(file)
    told = []
    if whole:
        which = f"{len(whole)} of {len(files)} pictures are not square or large"
        told.append(f"{which}, such as {shown(whole[0])}: {CUT}")
    if small := _with_small_faces(squares):
        told.append(f"pictures hold a small face, such as {shown(small[0])}: {CUT}")
    return told


def _with_small_faces(files: Sequence[Path]) -> list[Path]:
    """Those of some whose face is small, if most are."""
    if not files:
        return []
    pipeline, small, seen = create_pipeline(max_faces=1), [], 0
    for file in files[:: len(files) // LOOKED_AT + 1]:
        picture = read_picture(file)
        pipeline.reset()
        for face in pipeline.process(Observation(picture)).faces:
            seen += 1
            if max(face.box.width, face.box.height) < SMALL_FACE * max(picture.shape[:2]):
                small.append(file)
    return small if len(small) > seen / 2 else []
