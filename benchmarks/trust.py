# SPDX-License-Identifier: Apache-2.0
"""How far readings and events can be trusted, before and after quality and rules came, in one run.

Portraits that sit, talk, laugh, shout, turn, lie in the dark and are covered (portraits.py: two
that ship, those of a folder, some of PublicTest that are read right while they sit), and clips:

- by scene: wrong labels, `uncertain` and right ones; false events and all a minute. Before: no
  min_quality, every expression after 0.5 s. After: the defaults.
- by flag: how many readings are right, and how many quality and confidence say are; area under
  the risk-coverage curve of both.
- of PublicTest's pictures by themselves the same, by flag and by the mesh's yaw.

Writes trust.json and pictures over time, trust_*.png.

    python benchmarks/trust.py [--photos FOLDER] [--clips FOLDER] [--csv fer2013.csv.xz]
"""

import argparse
import itertools
import json
import lzma
from dataclasses import dataclass, replace
from pathlib import Path

import cv2
import numpy as np
import portraits
from ghosts import clip_images
from tqdm import tqdm

from fer_ros.emotions.classes import COLOURS, EMOTIONS, UNCERTAIN, label_of
from fer_ros.emotions.classifier import Classifier
from fer_ros.faces.quality import Flag, is_trusted
from fer_ros.reactions.events import SECOND, Event, EventDetector
from fer_ros.reactions.rules import DEFAULT, NUMBERS, Rule, read_rules
from fer_ros.result import FaceEmotion
from fer_ros.settings import create_pipeline

CLIPS = {"talking": frozenset({"neutral", "joy", "surprise"})}
"""Clips and what their faces may be said to show; anything else is wrong."""
MIN_QUALITY = Classifier("").card.uncertain_below  # the default
BEFORE = dict.fromkeys(NUMBERS.values(), Rule(hold=0.5, majority=1.0))
SETTLED = 0.5  # seconds of a scene that do not count as sitting, talking...
KINDS = ("wrong", "uncertain", "right")
RISKS = {"confidence": 1, "quality": 2}  # columns of ``readings``
YAWS = (0, 10, 20, 30, 40, 90)  # degrees


@dataclass
class Film:
    """What the pipeline said of a scene: for each image its stamp (s), faces and ids that live."""

    name: str
    scene: str
    accepted: frozenset[str]
    images: list[tuple[float, tuple[FaceEmotion, ...], frozenset[int]]]
    stills: list[np.ndarray]

    @property
    def minutes(self) -> float:
        """How long it is."""
        return (self.images[-1][0] - self.images[0][0]) / 60 if self.images else 0.0


def play(pipeline, name, scene, accepted, images) -> Film:
    """A scene through the pipeline. ``images``: stamps in seconds, and BGR."""
    pipeline.reset()
    film = Film(name, scene, accepted, [], [])
    for number, (stamp, image) in enumerate(images):
        result = pipeline.process(image, 100 + stamp)
        film.images.append((stamp, result.faces, result.followed))
        if number % 15 == 0:
            film.stills.append(image)
    return film


def gated(face: FaceEmotion, least: float | None) -> FaceEmotion:
    """A face as it is published by a min_quality; None: as before there was one."""
    if least is None or is_trusted(face.quality, face.quality_flags, least):
        return face
    return replace(face, emotion=UNCERTAIN)


def events(film: Film, rules, least: float | None) -> list[tuple[float, Event]]:
    """Stamp and event, by rules and a min_quality."""
    detector = EventDetector(rules)
    return [
        (stamp, event)
        for stamp, faces, followed in film.images
        for event in detector.update(
            [gated(face, least) for face in faces], followed, round(stamp * SECOND)
        )
    ]


def scene_row(films: list[Film], rules, least: float | None) -> dict:
    """Shares of labels that are wrong, uncertain and right, and events a minute."""
    named = [
        "uncertain" if label == "uncertain" else "right" if label in film.accepted else "wrong"
        for film in films
        for stamp, faces, _ in film.images
        for label in (gated(face, least).label for face in faces)
        if stamp >= SETTLED or film.scene == "clip"
    ]
    told = [
        label_of(event.to_emotion) in {"uncertain", *film.accepted}
        for film in films
        for _, event in events(film, rules, least)
    ]
    minutes = max(sum(film.minutes for film in films), 1e-9)
    return {
        "readings": len(named),
        **{kind: named.count(kind) / max(len(named), 1) for kind in KINDS},
        "false_events_per_minute": told.count(False) / minutes,
        "events_per_minute": len(told) / minutes,
    }


def by_scene(films: list[Film], rules=None, least: float = MIN_QUALITY) -> dict:
    """Before and after, by scene."""
    found = {}
    for scene in dict.fromkeys(film.scene for film in films):
        some = [film for film in films if film.scene == scene]
        found[scene] = {
            "before": scene_row(some, BEFORE, None),
            "after": scene_row(some, rules or read_rules(DEFAULT), least),
        }
    return found


def by_rules(films: list[Film]) -> dict:
    """Quality and rules, each without the other: false events and all a minute, and of those who
    sit the share of whom something right was told, and after how long (median, s).
    """
    found = {}
    for name, rules, least in (
        ("before", BEFORE, None),
        ("rules alone", read_rules(DEFAULT), None),
        ("quality alone", BEFORE, MIN_QUALITY),
        ("after", read_rules(DEFAULT), MIN_QUALITY),
    ):
        row = scene_row(films, rules, least)
        sitting = [film for film in films if film.scene == "sit"]
        delays = [
            next(
                (t for t, e in events(f, rules, least) if label_of(e.to_emotion) in f.accepted),
                None,
            )
            for f in sitting
        ]
        told = [delay for delay in delays if delay is not None]
        found[name] = {
            "false": row["false_events_per_minute"],
            "events": row["events_per_minute"],
            "told": len(told) / max(len(sitting), 1),
            "after": float(np.median(told)) if told else float("nan"),
        }
    return found


def readings(films: list[Film]) -> np.ndarray:
    """Float [N, 4] of each reading: whether its likeliest or held label is right, confidence,
    quality, flags.
    """
    rows = []
    for film in films:
        for _, faces, _ in film.images:
            for face in faces:
                held = face.probabilities.argmax() if face.emotion == UNCERTAIN else face.emotion
                right = EMOTIONS[held] in film.accepted
                rows.append((right, face.confidence, face.quality, face.quality_flags))
    return np.array(rows, float).reshape(-1, 4)


def by_flag(rows: np.ndarray) -> dict:
    """Share right, mean confidence and mean quality, of readings with each flag, and with none."""
    flags = rows[:, 3].astype(int)
    groups = {str(flag.name).lower(): flags & flag > 0 for flag in Flag} | {"none": flags == 0}
    return summary(rows, groups)


def summary(rows: np.ndarray, groups: dict[str, np.ndarray]) -> dict:
    """Share right, mean confidence and mean quality of the rows of each group."""
    return {
        name: {"readings": int(those.sum())}
        | dict(zip(RISKS | {"right": 0}, rows[those][:, [1, 2, 0]].mean(axis=0), strict=True))
        for name, those in groups.items()
        if those.any()
    }


def risk_area(right: np.ndarray, score: np.ndarray) -> float:
    """Area under the risk-coverage curve: mean share of errors among the surest, for all shares."""
    errors = 1 - right[np.argsort(-score, kind="stable")]
    return float((np.cumsum(errors) / np.arange(1, len(errors) + 1)).mean())


def print_scenes(title: str, found: dict) -> None:
    """A table of before and after."""
    print(f"\n| {title} | wrong | uncertain | right | false events/min | events/min |")
    print("|---|---|---|---|---|---|")
    for scene, row in found.items():
        pairs = [
            " → ".join(f"{row[when][key]:{form}}" for when in ("before", "after"))
            for key, form in (
                ("wrong", ".1%"),
                ("uncertain", ".1%"),
                ("right", ".1%"),
                ("false_events_per_minute", ".1f"),
                ("events_per_minute", ".1f"),
            )
        ]
        print(f"| {scene} ({row['before']['readings']}) | {' | '.join(pairs)} |")


def print_flags(title: str, found: dict) -> None:
    """A table of calibration by flag."""
    print(f"\n| {title} | readings | right | quality | confidence |\n|---|---|---|---|---|")
    for name, row in found.items():
        cells = (f"{row[key]:.3f}" for key in ("right", "quality", "confidence"))
        print(f"| {name} | {row['readings']} | {' | '.join(cells)} |")


def report(title: str, films: list[Film]) -> dict:
    """All of some films, printed."""
    rows = readings(films)
    areas = {name: risk_area(rows[:, 0], rows[:, column]) for name, column in RISKS.items()}
    found = {"scenes": by_scene(films), "flags": by_flag(rows), "risk": areas}
    print_scenes(f"{title}: before → after", found["scenes"])
    found["rules"] = by_rules(films)
    print(f"\n| {title} | false events/min | events/min | of sitting ones told | after |")
    print("|---|---|---|---|---|")
    for name, row in found["rules"].items():
        cells = (
            f"{row['false']:.2f} | {row['events']:.1f} | {row['told']:.0%} | {row['after']:.1f} s"
        )
        print(f"| {name} | {cells} |")
    print_flags(f"{title}, by flag", found["flags"])
    print("\narea under risk-coverage:", ", ".join(f"{n} {a:.4f}" for n, a in areas.items()))
    return found


def draw(film: Film, path: Path) -> None:
    """A film over time: images, labels before and after, quality, flags and events."""
    from matplotlib import pyplot

    ids = [face.track_id for _, faces, _ in film.images for face in faces]
    if not ids:
        return
    who = max(set(ids), key=ids.count)
    stamps, faces = zip(
        *((t, f) for t, fs, _ in film.images for f in fs if f.track_id == who), strict=True
    )
    figure, axes = pyplot.subplots(
        4, 1, figsize=(11, 7), sharex=True, height_ratios=(3, 1.2, 2.4, 2.2), layout="constrained"
    )
    strip, names, curves, flags = axes
    begin, end = film.images[0][0], film.images[-1][0]
    shown = film.stills[:: max(1, len(film.stills) // 8)][:8]
    height, width = shown[0].shape[:2]
    half = height // 2 if film.scene == "clip" else height // 3
    rows, columns = (slice(max(n // 2 - half, 0), n // 2 + half) for n in (height, width))
    squares = [cv2.resize(still[rows, columns, ::-1], (160, 160)) for still in shown]
    strip.imshow(np.hstack(squares), extent=(begin, end, 0, (end - begin) / 11), aspect="auto")
    strip.set_yticks([])
    strip.set_title(f"{film.name}, {film.scene}: may be said to show {', '.join(film.accepted)}")
    times = [*stamps, end]
    for row, least in ((1, None), (0, MIN_QUALITY)):
        for i, face in enumerate(faces):
            label = face.label if least is None else gated(face, least).label
            colour = np.array(COLOURS[label]) / 255
            names.broken_barh([(times[i], times[i + 1] - times[i])], (row, 0.9), color=colour)
    for rules, least, row in ((BEFORE, None, 1.45), (read_rules(DEFAULT), MIN_QUALITY, 0.45)):
        for stamp, event in events(film, rules, least):
            if event.track_id == who:
                names.plot(stamp, row, "kv", ms=4)
                names.text(stamp, row, f" {label_of(event.to_emotion)}", fontsize=7, va="center")
    names.set_yticks([0.45, 1.45], ["after", "before"])
    curves.plot(stamps, [f.quality for f in faces], "k", label="quality")
    curves.plot(stamps, [f.confidence for f in faces], "tab:blue", lw=0.8, label="confidence")
    curves.axhline(MIN_QUALITY, color="k", ls=":", lw=0.8)
    curves.set_ylim(0, 1)
    curves.legend(loc="lower right", fontsize=7)
    for row, flag in enumerate(Flag):
        up = [t for t, face in zip(stamps, faces, strict=True) if face.quality_flags & flag]
        flags.plot(up, [row] * len(up), "s", ms=3)
    flags.set_yticks(range(len(Flag)), [str(flag.name).lower() for flag in Flag], fontsize=7)
    flags.set_ylim(-0.5, len(Flag) - 0.5)
    flags.set_xlabel("s")
    figure.savefig(path, dpi=100)
    pyplot.close(figure)


def public_test(path: str) -> tuple[np.ndarray, np.ndarray]:
    """PublicTest's pictures, uint8 [N, 48, 48], and classes."""
    opener = lzma.open if path.endswith(".xz") else open
    with opener(path, "rt") as file:
        lines = [line.rstrip().split(",") for line in file if line.rstrip().endswith("PublicTest")]
    images = np.array([np.array(pixels.split(), np.uint8) for _, pixels, _ in lines])
    return images.reshape(-1, 48, 48), np.array([int(emotion) for emotion, *_ in lines])


def stills(pipeline, images, classes) -> tuple[dict, dict]:
    """Of pictures, each by itself: accuracy, confidence and quality by the mesh's yaw in degrees,
    and by flag.
    """
    rows = []
    for small, number in zip(tqdm(images, desc="stills"), classes, strict=True):
        pipeline.reset()
        for face in pipeline.process(portraits.enlarged(small), 1.0).faces[:1]:
            right = int(face.probabilities.argmax()) == number
            yaw = abs(np.degrees(face.pose.yaw))
            rows.append((right, face.confidence, face.quality, face.quality_flags, yaw))
    table = np.array(rows, float)
    yaw = table[:, 4]
    groups = {f"{a} to {b}": (yaw >= a) & (yaw < b) for a, b in itertools.pairwise(YAWS)}
    return summary(table, groups), by_flag(table)


def moved(pipeline, images, classes, count: int) -> list[Film]:
    """Pictures of the data set that sit, talk and turn, of those that are read right while they
    sit: what is wrong then comes from talk and turn alone.
    """
    chosen = np.random.default_rng(0).permutation(len(images))[:count]
    films = []
    for portrait in portraits.of_rows(images[chosen], classes[chosen]):
        some = [
            play(pipeline, portrait.name, scene, portrait.accepted, shown(portrait, scene, 3.0))
            for scene in ("sit", "talk", "turn")
        ]
        if scene_row(some[:1], BEFORE, None)["right"] > 0.5:
            films += some
    return films


def shown(portrait, scene: str, seconds: float = portraits.SECONDS):
    """Stamps and images of a portrait in a scene."""
    seed = sum(map(ord, portrait.name))
    return ((stamp, image) for stamp, _, image in portraits.film(portrait, scene, seed, seconds))


def parse():
    """The command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--photos", type=Path, help="folder of .jpg and labels.csv")
    parser.add_argument("--clips", type=Path, help="folder of .mp4")
    parser.add_argument("--csv", help="fer2013.csv or .csv.xz")
    parser.add_argument("--rows", type=int, default=60, help="of it, that are made to move")
    parser.add_argument("--scenes", nargs="+", default=portraits.SCENES, help="of each portrait")
    out = Path(__file__).parent / "results"
    parser.add_argument("--out", type=Path, default=out, help="folder (default: %(default)s)")
    return parser.parse_args()


def main():
    """Measure, print, draw and write JSON."""
    options = parse()
    cv2.setNumThreads(1)
    options.out.mkdir(parents=True, exist_ok=True)
    pipeline = create_pipeline(min_quality=0.0)
    films = [
        play(pipeline, portrait.name, scene, portrait.accepted, shown(portrait, scene))
        for portrait in tqdm(portraits.portraits(options.photos), desc="portraits")
        for scene in options.scenes
    ]
    for name, accepted in CLIPS.items() if options.clips else ():
        images = tqdm(clip_images(options.clips / f"{name}.mp4"), desc=name)
        films.append(play(pipeline, name, "clip", accepted, images))
    result: dict = {"films": report("films", films)}
    for film in films:
        if film.name in ("astronaut", "hopper") or film.scene == "clip":
            draw(film, options.out / f"trust_{film.name}_{film.scene}.png")
    if options.csv:
        images, classes = public_test(options.csv)
        result["moved"] = report("PublicTest", moved(pipeline, images, classes, options.rows))
        result["yaw"], result["stills"] = stills(pipeline, images, classes)
        print_flags("PublicTest, stills, by yaw", result["yaw"])
        print_flags("PublicTest, stills, by flag", result["stills"])
    (options.out / "trust.json").write_text(json.dumps(result, indent=1), encoding="utf-8")


if __name__ == "__main__":
    main()
