# SPDX-License-Identifier: Apache-2.0
"""Faces cut out of photographs as the node cuts them, to learn from and to judge by."""

from pathlib import Path

from tqdm import tqdm

from fer_ros.images.picture import PictureError, read_picture, write_picture
from fer_ros.lines import shown
from fer_ros.parameters import create_pipeline
from fer_training.dataset import DatasetError
from fer_training.folders import pictures_in

WITHOUT = "no_face.txt"


def crop(root: Path, out: Path, *, all_faces: bool = False) -> dict[str, int]:
    """Cut the largest face of each picture under ``root``, or ``all_faces``, and write it to the
    same place under ``out``, as .png, 48x48 grey; pictures without a face, or that cannot be read,
    are listed in ``out``/no_face.txt. Returns how many ``pictures``, ``faces`` and ``without``.

    Raises DatasetError when there is no picture, or something lies in ``out`` already.
    """
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise DatasetError(f"{shown(out)} is not empty: choose another folder, or empty it")
    files = pictures_in(root)
    if not files:
        raise DatasetError(f"{shown(root)}: no pictures")
    pipeline = create_pipeline(max_faces=256 if all_faces else 1)
    faces, without = 0, []
    for file in tqdm(files, desc="cutting", unit=" pictures", delay=1):
        place = out / file.relative_to(root)
        try:
            crops = pipeline.crops(read_picture(file))
        except (PictureError, OSError) as error:
            without.append(str(error))
            continue
        if not crops:
            without.append(f"{shown(file)}: no face")
        for number, face in enumerate(crops, 1):
            name = f"{place.stem}_{number}" if number > 1 else place.stem
            place.parent.mkdir(parents=True, exist_ok=True)
            write_picture(place.with_name(f"{name}.png"), face)
        faces += len(crops)
    out.mkdir(parents=True, exist_ok=True)
    if without:
        (out / WITHOUT).write_text("\n".join(without) + "\n", "utf-8")
    return {"pictures": len(files), "faces": faces, "without": len(without)}
