# SPDX-License-Identifier: Apache-2.0
"""How far readings and events can be trusted, before and after quality and rules came, in one run.

Portraits that sit, talk, laugh, shout, turn, lie in the dark and are covered (portraits.py: two
that ship, those of a folder, some of PublicTest that are read right while they sit), and clips:

- by scene: wrong labels, `uncertain` and right ones; false events and all a minute. Before: no
  min_quality, every expression after 0.5 s. After: the defaults.
- of resting faces that become others: relative events, told and false.
- by flag: how many readings are right, and how many quality and confidence say are (of single
  pictures: calibration.py); area under the risk-coverage curve of both.

Writes trust.json and pictures over time, trust_*.png.

    python -m benchmarks.trust.flags [--photos FOLDER] [--clips FOLDER] [--csv fer2013.csv.xz]
"""

import argparse
import itertools
import json
from pathlib import Path

import cv2
import numpy as np
from tqdm import tqdm

from benchmarks.accuracy.ghosts import clip_images
from benchmarks.report import RESULTS
from benchmarks.trust import acting, portraits
from benchmarks.trust.calibration import SAID, by_flag, print_flags, public_test
from benchmarks.trust.films import (
    BEFORE,
    MIN_QUALITY,
    Film,
    by_rules,
    by_scene,
    events,
    gated,
    play,
    readings,
    scene_row,
    shown,
)
from fer_ros.emotions.classes import COLOURS, label_of
from fer_ros.faces.quality import Flag
from fer_ros.interaction.events import SECOND, EventDetector
from fer_ros.interaction.rules import DEFAULT, read_rules
from fer_ros.observation import Observation
from fer_ros.parameters import create_pipeline

CLIPS = {"talking": frozenset({"neutral", "joy", "surprise"})}
"""Clips and what their faces may be said to show; anything else is wrong."""
LIVELY = {"joy", "surprise"}  # what a resting face becomes
REST, SHOWN, BLEND = 14.0, 4.0, 0.4  # s: for which it rests, shows that, and takes to become it


def risk_area(right: np.ndarray, score: np.ndarray) -> float:
    """Area under the risk-coverage curve: mean share of errors among the surest, for all shares."""
    errors = 1 - right[np.argsort(-score, kind="stable")]
    return float((np.cumsum(errors) / np.arange(1, len(errors) + 1)).mean())


def print_scenes(title: str, found: dict) -> None:
    """A table of before and after."""
    print(f"\n| {title} | wrong | uncertain | right | false events/min | events/min | talking |")
    print("|---|---|---|---|---|---|---|")
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
        talking = f"{row['after']['talking']:.0%}"
        print(f"| {scene} ({row['before']['readings']}) | {' | '.join(pairs)} | {talking} |")


def report(title: str, films: list[Film]) -> dict:
    """All of some films, printed."""
    rows = readings(films)
    areas = {name: risk_area(rows[:, 0], rows[:, column]) for name, column in SAID.items()}
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
    stills = film.stills[:: max(1, len(film.stills) // 8)][:8]
    height, width = stills[0].shape[:2]
    half = height // 2 if film.scene == "clip" else height // 3
    rows, columns = (slice(max(n // 2 - half, 0), n // 2 + half) for n in (height, width))
    squares = [cv2.resize(still[rows, columns, ::-1], (160, 160)) for still in stills]
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


def moved(pipeline, images, classes) -> list[Film]:
    """Pictures of the data set that sit, talk and turn, of those that are read right while they
    sit: what is wrong then comes from talk and turn alone.
    """
    films = []
    for portrait in portraits.of_rows(images, classes):
        some = [
            play(pipeline, portrait.name, scene, portrait.accepted, shown(portrait, scene, 3.0))
            for scene in ("sit", "talk", "turn")
        ]
        if scene_row(some[:1], BEFORE, None)["right"] > 0.5:
            films += some
    return films


def changes(pipeline, films: list[Film], images, classes) -> dict:
    """Relative events: a resting face sits for REST s, becomes another one that shows joy or
    surprise for SHOWN s, and rests again.

    Of all changes the share that is told and the median delay, s; that of returns to the usual
    expression; what is told before anything has changed, plain (the resting face's own expression)
    and relative (false).
    """
    sitting = {film.name: min(film.accepted) for film in films if film.scene == "sit"}
    resting = [name for name, shows in sitting.items() if shows not in LIVELY]
    lively = [name for name, shows in sitting.items() if shows in LIVELY]
    known = {p.name: p for p in portraits.of_rows(images, classes) if p.name in sitting}
    counts = dict.fromkeys(("changes", "told", "returned", "plain before", "relative before"), 0)
    delays = []
    for name, other in zip(tqdm(resting, desc="changes"), itertools.cycle(lively)):
        length = REST + SHOWN + 4.0
        pairs = zip(*(acting.film(known[who], "sit", 0, length) for who in (name, other)),
                    strict=True)  # fmt: skip
        detector = EventDetector(read_rules(DEFAULT), relative=True)
        pipeline.reset()
        told = []
        for (stamp, _, rests), (_, _, shows) in pairs:
            share = np.clip((stamp - REST) / BLEND, 0, 1) - np.clip(
                (stamp - REST - SHOWN) / BLEND, 0, 1
            )
            image = cv2.addWeighted(shows, float(share), rests, 1 - float(share), 0)
            result = pipeline.process(Observation(image, 100 + stamp))
            faces = [gated(face, MIN_QUALITY) for face in result.faces]
            new = detector.update(faces, result.followed, round(stamp * SECOND))
            told += [(stamp, e.relative, label_of(e.to_emotion)) for e in new]
        before = [relative for stamp, relative, label in told if stamp < REST]
        rises = [t for t, relative, label in told if relative and label == sitting[other]]
        counts["changes"] += 1
        counts["plain before"] += before.count(False)
        counts["relative before"] += before.count(True)
        if rises and rises[0] > REST:
            counts["told"] += 1
            delays.append(rises[0] - REST)
            counts["returned"] += any(
                relative and label == "uncertain" and t > rises[0] for t, relative, label in told
            )
    return counts | {"delay": float(np.median(delays)) if delays else float("nan")}


def parse():
    """The command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--photos", type=Path, help="folder of .jpg and labels.csv")
    parser.add_argument("--clips", type=Path, help="folder of .mp4")
    parser.add_argument("--csv", help="fer2013.csv or .csv.xz")
    parser.add_argument("--rows", type=int, default=60, help="of it, that are made to move")
    parser.add_argument("--scenes", nargs="+", default=acting.SCENES, help="of each portrait")
    out = RESULTS
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
        chosen = np.random.default_rng(0).permutation(len(images))[: options.rows]
        images, classes = images[chosen], classes[chosen]
        films = moved(pipeline, images, classes)
        result["moved"] = report("PublicTest", films)
        result["changes"] = changes(pipeline, films, images, classes)
        print("\nrelative events:", ", ".join(f"{k} {v:g}" for k, v in result["changes"].items()))
    (options.out / "trust.json").write_text(json.dumps(result, indent=1), encoding="utf-8")


if __name__ == "__main__":
    main()
