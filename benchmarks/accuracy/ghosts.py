# SPDX-License-Identifier: Apache-2.0
"""Faces where there are none, and faces that are missed: each detector with and without the mesh.

- Made scenes without a face (scenes.py, 8 minutes at 10 images a second), and clips of CLIPS
  whose names are given as face-free: false faces a minute and in how many images.
- Clips with faces: images with a face, ids, and how often a face has another id than what lay at
  its place in the image before.
- PHOTOS, one face each, at full size, 1/2, 1/4, 1/8, alone and in the middle of a grey 640x480
  image (as detectors.py has it): faces found and false boxes, each picture by itself; then the
  same faces rolled, narrow, covered, dark, and those of the data set CSV, enlarged: by
  expression, turned away and with an open mouth.

    python -m benchmarks.accuracy.ghosts --clips FOLDER --photos FOLDER [--csv fer2013.csv.xz]
"""

import argparse
import itertools
import json
import lzma
import time
from pathlib import Path

import cv2
import numpy as np
from tqdm import tqdm

from benchmarks.accuracy.detectors import views
from benchmarks.accuracy.scenes import RATE, scenes
from benchmarks.report import RESULTS
from fer_ros.faces.detectors import Detection, create_detector
from fer_ros.faces.mesh import FaceMesh, square_of
from fer_ros.faces.pose import head_pose
from fer_ros.observation import Observation
from fer_ros.parameters import create_pipeline
from fer_ros.result import Box

FACE_FREE = ("bottle-detection", "car-detection", "one-by-one-person-detection")
WIDTH = 640  # pixels to which clips are reduced
ROLLS = (30, 45, 60, 75, 90)  # degrees, both ways
WIDTHS = (16, 20, 24, 28)  # pixels of BlazeFace's box
DARKNESS = (0.3, 0.15, 0.08)  # of the light
OPEN = 0.35  # height of the open mouth over its width
EXPRESSIONS = ("anger", "disgust", "fear", "joy", "sadness", "surprise", "neutral")


def variants(yunet: str) -> dict[str, dict]:
    """Parameters of emotion_node by the row's name."""
    detectors = {"blazeface": {"detector": "blazeface"}, "haar": {"detector": "haar"}}
    if yunet:
        detectors["yunet"] = {"detector": "yunet", "detector_model": yunet}
    return {
        f"{name}{' + mesh' if mesh == 'auto' else ''}": values | {"face_mesh": mesh}
        for name, values in detectors.items()
        for mesh in ("off", "auto")
    }


def clip_images(path: Path):
    """Stamps in seconds and images of a clip, WIDTH wide."""
    capture = cv2.VideoCapture(str(path))
    rate = capture.get(cv2.CAP_PROP_FPS) or 30
    for number in itertools.count():
        ok, image = capture.read()
        if not ok:
            return
        scale = WIDTH / image.shape[1]
        if scale < 1:
            image = cv2.resize(image, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
        yield number / rate, image


def follow(pipeline, images) -> dict:
    """What a pipeline says of stamps and images in their order."""
    shown, faces, ids, switches, before, stamp, count = 0, 0, set(), 0, (), 0.0, 0
    for stamp, image in images:
        found = pipeline.process(Observation(image, 1.0 + stamp)).faces
        count += 1
        shown += bool(found)
        faces += len(found)
        ids |= {face.track_id for face in found}
        for face in found:
            there = [old.track_id for old in before if old.box.overlap(face.box) >= 0.5]
            switches += bool(there) and face.track_id not in there
        before = found
    return {"images": count, "seconds": stamp, "with_face": shown, "faces": faces,
            "ids": len(ids), "switches": switches}  # fmt: skip


def made(pipelines, seed, limit) -> dict[str, dict]:
    """False faces in the made scenes, by the row's name; the scenes are made once for all."""
    nothing = {"images": 0, "with_face": 0, "faces": 0, "ids": 0}
    total = {name: nothing | {"scenes": {}} for name in pipelines}
    for scene, images in tqdm(itertools.islice(scenes(seed), limit), desc="made scenes"):
        kept = list(images)
        for name, pipeline in pipelines.items():
            pipeline.reset()
            seen = follow(pipeline, ((n / RATE, image) for n, image in enumerate(kept)))
            for key in ("images", "with_face", "faces", "ids"):
                total[name][key] += seen[key]
            if seen["faces"]:
                total[name]["scenes"][scene] = seen["faces"]
    for row in total.values():
        row["seconds"] = row["images"] / RATE
    return total


def found_and_false(pipeline, image, place: Box) -> tuple[bool, int]:
    """Whether a face of one image by itself overlaps the place by half, and the other faces."""
    pipeline.reset()
    faces = pipeline.process(Observation(image, 1.0)).faces
    hits = [face.box.overlap(place) >= 0.5 for face in faces]
    return any(hits), len(hits) - any(hits)


def photographs(pipelines, folder: Path) -> dict[str, dict]:
    """Found and false in the views of each photograph, and found under hard conditions."""
    finder = create_detector("blazeface")
    total = {name: {} for name in pipelines}
    for path in tqdm(sorted(folder.glob("*.jpg")), desc="photographs"):
        photo = cv2.imread(str(path))
        face = finder.detect(photo)[0].box
        all_views = itertools.chain(plain_views(photo, face), hard_views(photo, face))
        for kind, image, place in all_views:
            for name, pipeline in pipelines.items():
                found, false = found_and_false(pipeline, image, place)
                row = total[name].setdefault(kind, [0, 0, 0])
                row[0] += found
                row[1] += 1
                row[2] += false
    return total


def plain_views(photo, face: Box):
    """The 84 views of docs/detectors.md."""
    for _, image, reduction, left, top in views(photo):
        x, y, w, h = (side / reduction for side in face)
        yield "views", image, Box(x + left, y + top, w, h)


def hard_views(photo, face: Box):
    """Rolled, narrow, covered and dark."""
    middle = face.centre
    for degrees in ROLLS:
        for sign in (1, -1):
            turn = cv2.getRotationMatrix2D(middle, sign * degrees, 100 / face.width)
            turn[:, 2] += np.array([320, 240]) - middle
            image = cv2.warpAffine(
                photo, turn, (640, 480), flags=cv2.INTER_AREA, borderValue=(127, 127, 127)
            )
            yield f"roll {degrees}", image, Box(270, 190, 100, 100)
    for width in WIDTHS:
        scale = width / face.width
        small = cv2.resize(photo, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
        image = np.full((480, 640, 3), 127, np.uint8)
        image[: small.shape[0], : small.shape[1]] = small[:480, :640]
        yield f"{width} px", image, Box(*(side * scale for side in face))
    yield from covered_views(photo, face)
    noise = np.random.default_rng(0).normal(0, 3, photo.shape)
    for light in DARKNESS:
        dark = np.clip(photo * light + noise, 0, 255).astype(np.uint8)
        yield f"light {light}", dark, face


def covered_views(photo, face: Box):
    """A mask over nose and mouth, sunglasses, and a flat hand over one half."""
    x, y, w, h = (round(side) for side in face)
    skin = tuple(int(n) for n in np.median(photo[y : y + h, x : x + w], axis=(0, 1)))
    parts = {
        "mask": ((x, y + h // 2), (x + w, y + h), (200, 190, 180)),
        "sunglasses": ((x + w // 20, y + h // 8), (x + w - w // 20, y + 2 * h // 5), (20, 20, 20)),
        "half": ((x + w // 2, y - h // 5), (x + w + w // 5, y + h + h // 5), skin),
    }
    for name, (start, end, colour) in parts.items():
        image = photo.copy()
        cv2.rectangle(image, start, end, colour, -1)
        yield name, image, face


def traits(mesh: FaceMesh, image: np.ndarray, place: Box) -> list[str]:
    """What of "turned 30", "turned 45" (degrees of yaw), "open mouth" the mesh says of a face."""
    square = square_of(Detection(place, 1.0))
    for _ in range(3):
        look = mesh.look(image, square)
        square = look.square
    yaw = abs(np.degrees(head_pose(look).yaw))
    upper, lower, left, right = look.points[[13, 14, 78, 308], :2]
    gape = np.linalg.norm(upper - lower) / np.linalg.norm(left - right)
    named = {"turned 30": 30 < yaw <= 45, "turned 45": yaw > 45, "open mouth": gape > OPEN}
    return [name for name, holds in named.items() if holds]


def data_set(pipelines, csv: str, rows: int) -> dict[str, dict]:
    """Found among PublicTest's pictures, four times enlarged with their border repeated."""
    opener = lzma.open if csv.endswith(".xz") else open
    with opener(csv, "rt") as file:
        lines = [line.rstrip().split(",") for line in file if line.rstrip().endswith("PublicTest")]
    mesh, place = FaceMesh(), Box(107, 111, 170, 170)
    total = {name: {} for name in pipelines}
    for emotion, pixels, _ in tqdm(lines[:: max(1, len(lines) // rows)], desc="data set"):
        small = np.array(pixels.split(), np.uint8).reshape(48, 48)
        large = cv2.resize(small, (192, 192), interpolation=cv2.INTER_CUBIC)
        large = cv2.copyMakeBorder(large, 96, 96, 96, 96, cv2.BORDER_REPLICATE)
        image = cv2.cvtColor(large, cv2.COLOR_GRAY2BGR)
        kinds = [EXPRESSIONS[int(emotion)], *traits(mesh, image, place)]
        for name, pipeline in pipelines.items():
            found, false = found_and_false(pipeline, image, place)
            for kind in kinds:
                row = total[name].setdefault(kind, [0, 0, 0])
                row[0] += found
                row[1] += 1
                row[2] += false
    return total


def print_shares(title: str, results: dict[str, dict]) -> None:
    """A table of found/all (false) by kind."""
    kinds = list(dict.fromkeys(kind for row in results.values() for kind in row))
    print(f"\n| {title} | {' | '.join(kinds)} |\n|---|{'---|' * len(kinds)}")
    for name, row in results.items():
        cells = [f"{row[k][0]}/{row[k][1]}" + f" ({row[k][2]})" * bool(row[k][2]) for k in kinds]
        print(f"| {name} | {' | '.join(cells)} |")


def parse():
    """The command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--clips", type=Path, help="folder of .mp4 clips")
    parser.add_argument("--face-free", nargs="*", default=FACE_FREE, help="clips without a face")
    parser.add_argument("--photos", type=Path, help="folder of .jpg, one face each")
    parser.add_argument("--csv", help="fer2013.csv or .csv.xz")
    parser.add_argument("--rows", type=int, default=600, help="of the data set")
    parser.add_argument("--yunet", default="", help="YuNet's model file")
    parser.add_argument("--seed", type=int, default=0, help="of the made scenes")
    parser.add_argument("--scenes", type=int, help="so many of them alone")
    parser.add_argument("--only", nargs="+", help="rows by name, such as 'blazeface + mesh'")
    out = RESULTS / "ghosts.json"
    parser.add_argument("--out", type=Path, default=out)
    return parser.parse_args()


def clips(pipelines, folder: Path) -> dict[str, dict]:
    """What each pipeline says of each clip."""
    found = {}
    for path in sorted(folder.glob("*.mp4")):
        for name, pipeline in pipelines.items():
            pipeline.reset()
            began = time.perf_counter()
            row = follow(pipeline, tqdm(clip_images(path), desc=f"{path.stem} {name}"))
            row["ms"] = 1e3 * (time.perf_counter() - began) / max(row["images"], 1)
            found.setdefault(path.stem, {})[name] = row
    return found


def print_sequences(result: dict, face_free) -> None:
    """The tables of made scenes and clips."""
    print("\n| without a face | images | false faces a minute | images with one | ids |")
    print("|---|---|---|---|---|")
    sequences = {"made scenes": result["made"]} | result["clips"]
    free = {k: v for k, v in sequences.items() if k in ("made scenes", *face_free)}
    for clip, by_name in free.items():
        for name, row in by_name.items():
            rate = 60 * row["faces"] / max(row["seconds"], 1e-9)
            cells = row["images"], f"{rate:.1f}", row["with_face"], row["ids"]
            print(f"| {clip}, {name} | {' | '.join(map(str, cells))} |")
    print("\n| with faces | images | with a face | ids | switches |\n|---|---|---|---|---|")
    for clip in sequences.keys() - free.keys():
        for name, row in sequences[clip].items():
            cells = row["images"], row["with_face"], row["ids"], row["switches"]
            print(f"| {clip}, {name} | {' | '.join(map(str, cells))} |")


def main():
    """Measure, print and write JSON."""
    options = parse()
    cv2.setNumThreads(1)
    rows = variants(options.yunet)
    pipelines = {n: create_pipeline(**v) for n, v in rows.items() if n in (options.only or rows)}
    result = {
        "made": made(pipelines, options.seed, options.scenes),
        "clips": clips(pipelines, options.clips) if options.clips else {},
    }
    print_sequences(result, options.face_free)
    if options.photos:
        result["photographs"] = photographs(pipelines, options.photos)
    if options.csv:
        result["data set"] = data_set(pipelines, options.csv, options.rows)
    for title in ("photographs", "data set"):
        if title in result:
            print_shares(f"{title}: found (false)", result[title])
    options.out.parent.mkdir(parents=True, exist_ok=True)
    options.out.write_text(json.dumps(result, indent=1), encoding="utf-8")


if __name__ == "__main__":
    main()
