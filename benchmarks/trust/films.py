# SPDX-License-Identifier: Apache-2.0
"""Scenes through the pipeline, and what is right and wrong of what it says of them over time."""

from dataclasses import dataclass, replace

import numpy as np

from benchmarks.trust import acting
from fer_ros.emotions.classes import EMOTIONS, UNCERTAIN, label_of
from fer_ros.emotions.classifier import Classifier
from fer_ros.faces.quality import Flag, is_trusted
from fer_ros.interaction.events import SECOND, Event, EventDetector
from fer_ros.interaction.rules import DEFAULT, NUMBERS, Rule, read_rules
from fer_ros.observation import Observation
from fer_ros.result import FaceEmotion

MIN_QUALITY = Classifier("").card.uncertain_below  # the default
BEFORE = dict.fromkeys(NUMBERS.values(), Rule(hold=0.5, majority=1.0))
SETTLED = 0.5  # seconds of a scene that do not count as sitting, talking...
KINDS = ("wrong", "uncertain", "right")


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
        result = pipeline.process(Observation(image, 100 + stamp))
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
    """Shares of labels that are wrong, uncertain and right, of readings with the flag TALKING, and
    events a minute.
    """
    seen = [
        (film, face)
        for film in films
        for stamp, faces, _ in film.images
        for face in faces
        if stamp >= SETTLED or film.scene == "clip"
    ]
    named = [
        "uncertain" if label == "uncertain" else "right" if label in film.accepted else "wrong"
        for film, label in ((film, gated(face, least).label) for film, face in seen)
    ]
    talking = sum(bool(face.quality_flags & Flag.TALKING) for _, face in seen)
    told = [
        label_of(event.to_emotion) in {"uncertain", *film.accepted}
        for film in films
        for _, event in events(film, rules, least)
    ]
    minutes = max(sum(film.minutes for film in films), 1e-9)
    return {
        "readings": len(named),
        **{kind: named.count(kind) / max(len(named), 1) for kind in KINDS},
        "talking": talking / max(len(named), 1),
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
    """Float [N, 5] of each reading: whether its likeliest or held label is right, confidence,
    quality, flags, number of the film.
    """
    rows = []
    for number, film in enumerate(films):
        for _, faces, _ in film.images:
            for face in faces:
                held = face.probabilities.argmax() if face.emotion == UNCERTAIN else face.emotion
                right = EMOTIONS[held] in film.accepted
                rows.append((right, face.confidence, face.quality, face.quality_flags, number))
    return np.array(rows, float).reshape(-1, 5)


def shown(portrait, scene: str, seconds: float = acting.SECONDS):
    """Stamps and images of a portrait in a scene."""
    seed = sum(map(ord, portrait.name))
    return ((stamp, image) for stamp, _, image in acting.film(portrait, scene, seed, seconds))
