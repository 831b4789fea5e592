# SPDX-License-Identifier: Apache-2.0
"""One pass of the node's pipeline over a recording, without ROS: the same in, the same out.

``emotions.csv``, ``summary.json`` and the bag depend on the recording and the parameters alone;
what the clock says goes to ``timing.json``.
"""

import csv
import math
import os
import platform
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from fer_ros.bags.calibration import Calibration
from fer_ros.bags.decoder import Decoder
from fer_ros.bags.reading import Bag, BagError, BagTopic, Log
from fer_ros.bags.types import EMOTION_ARRAY, emotion_array_cdr, qos, type_store
from fer_ros.bags.writing import BagWriter
from fer_ros.emotions.classes import EMOTIONS
from fer_ros.evaluation import measures
from fer_ros.evaluation.labels import Labels
from fer_ros.evaluation.result_folder import write_json
from fer_ros.evaluation.thumbnails import Thumbnails
from fer_ros.images.codec import ImageError
from fer_ros.interaction.events import EventDetector
from fer_ros.interaction.rules import read_rules
from fer_ros.lines import fault
from fer_ros.observation import Observation
from fer_ros.parameters import ANALYSIS, AnalysisOptions, analysis_options, build_pipeline
from fer_ros.parameters.parameter import differences
from fer_ros.result import Result
from fer_ros.stamp_clock import nanoseconds_of, seconds_of

KEEP = ("all", "image", "emotions", "none")
"""Topics of the written bag: all of the source's and the result, or only these; or no bag."""
COLUMNS = (
    *("time", "stamp", "faces", "track_id", "x", "y", "width", "height", "detection_score"),
    *("label", "confidence", *EMOTIONS, *(f"raw_{name}" for name in EMOTIONS)),
)


@dataclass(frozen=True)
class Job:
    """What is to be evaluated and how. ``start`` and ``end``: seconds since the bag's first
    message; ``stride``: every so-manieth image; ``keep``: one of KEEP.
    """

    bag: Path
    topic: str = ""
    start: float = 0.0
    end: float = math.inf
    stride: int = 1
    labels: Path | None = None
    keep: str = "all"
    emotions_topic: str = "/emotions"
    thumbnails: bool = False
    parameters: AnalysisOptions = field(default_factory=analysis_options)


@dataclass
class Evaluation:
    """The result: ``observed`` for each image, ``summary`` and ``timing`` as in their files,
    ``pictures``: JPEG by (id, label). ``stopped``: by Ctrl-C, before the end.
    """

    job: Job
    observed: list[measures.ObservedImage]
    summary: dict
    timing: dict
    pictures: dict[tuple[int, str], bytes]
    stopped: bool = False


def evaluate(
    job: Job, folder: Path, log: Log = print, progress: Callable[[int, int], None] | None = None
) -> Evaluation:
    """Evaluate a recording into a new ``folder``: emotions.csv, bag/, summary.json, timing.json.

    ``progress`` is called with how many images were read, of how many. Raises BagError,
    LabelsError, DetectorError, ModelError, and OSError when something cannot be written.
    """
    labels = Labels(job.labels) if job.labels else None
    with Bag(job.bag, log) as bag:
        topic = bag.image_topic(job.topic)
        run = _Pass(job, bag, topic, log)
        folder.mkdir(parents=True, exist_ok=True)
        began, stopped = time.perf_counter(), False
        with (
            (folder / "emotions.csv").open("w", newline="", encoding="utf-8") as table,
            _open_bag(job, folder / "bag", bag, topic, log) as writer,
        ):
            rows = csv.writer(table, lineterminator="\n")
            rows.writerow(COLUMNS)
            try:
                run.play(rows, writer, progress)
            except KeyboardInterrupt:
                stopped = True
        seconds = time.perf_counter() - began
        if run.decode.depth:
            log(f"{job.bag}: {run.decode.depth} images of {topic.name} are depth, not pictures")
        if run.decode.dark:
            log(f"{job.bag}: {run.decode.dark} images are all dark")
        if not run.observed and not stopped:
            raise BagError(f"{job.bag}: no readable image on {topic.name}: {run.about_nothing()}")
        summary = run.summary(labels, complete=not stopped)
    timing = run.timing(seconds)
    write_json(folder / "summary.json", summary)
    write_json(folder / "timing.json", timing)
    return Evaluation(job, run.observed, summary, timing, run.thumbnails.pictures, stopped)


class _Pass:
    """The pipeline's way through one recording."""

    def __init__(self, job: Job, bag: Bag, topic: BagTopic, log: Log):
        self._job, self._bag, self._topic, self._log = job, bag, topic, log
        self._pipeline = build_pipeline(job.parameters)
        self._model = self._pipeline.classifier.identity
        self.decode = Decoder(topic.type)
        self._calibration = Calibration(topic.name, job.parameters.image_rectified)
        self._unreadable: list[str] = []
        self._read = 0
        self._seconds: dict[str, list[float]] = {}
        parameters = job.parameters
        rules = read_rules(parameters.event_rules, parameters.event_hold)
        self._event_detector, self._events = EventDetector(rules, parameters.relative_events), 0
        self.observed: list[measures.ObservedImage] = []
        self.thumbnails = Thumbnails(job.thumbnails)

    def play(self, rows, writer, progress):
        """Process every image in range, copying what is kept into the bag as it comes."""
        start, end, first = self._job.start, self._job.end, self._bag.start_time
        begin = first + round(start * 1e9) if start else None
        stop = None if math.isinf(end) else first + round(end * 1e9)
        for message in self._bag.messages(begin, stop):
            if message.topic in writer.topics and message.topic != self._job.emotions_topic:
                writer.write(message.topic, message.time, message.data)
            self._calibration.take(message)
            if message.topic != self._topic.name:
                continue
            if self._read % self._job.stride == 0:
                self._process(message, rows, writer)
            self._read += 1
            if progress:
                progress(self._read, self._topic.count)

    def _process(self, message, rows, writer):
        began = time.perf_counter()
        try:
            image: Any = type_store().deserialize_cdr(message.data, self._topic.type)
            bgr = self.decode(image)
            decoded = time.perf_counter()
            header = image.header
            stamp, camera = seconds_of(header.stamp), self._calibration.model(bgr.shape)
            observation = Observation(bgr, stamp, message.time * 1e-9, camera)
            result = self._pipeline.process(observation)
        except Exception as error:  # whatever one image brings, the next one is looked at
            self._leave_out(message, error)
            return
        faces = result.faces
        self._count_events(result, header.stamp)
        self._count_time(began, decoded, result.timings)
        seconds = (message.time - self._bag.start_time) / 1e9
        rows.writerows(_rows(seconds, header.stamp, result))
        if self._job.emotions_topic in writer.topics:
            data = emotion_array_cdr(header, result)
            writer.write(self._job.emotions_topic, message.time, data)
        seen = tuple(
            measures.ObservedFace(f.track_id, f.label, f.probabilities, f.box) for f in faces
        )
        self.observed.append(measures.ObservedImage(seconds, stamp, seen))
        self.thumbnails.add(result)

    def _leave_out(self, message, error):
        seconds = (message.time - self._bag.start_time) / 1e9
        reason = fault(error)
        self._unreadable.append(f"image at {seconds:.3f} s left out: {reason}")
        if len(self._unreadable) == 1 or not isinstance(error, ImageError):
            self._log(f"{self._bag.path}: {self._unreadable[-1]}")

    def _count_events(self, result, stamp):
        if result.restart:
            self._event_detector.reset()
        now = nanoseconds_of(stamp)
        events = self._event_detector.update(result.faces, result.followed, now)
        self._events += len(events)

    def _count_time(self, began, decoded, timings):
        stages = {"decode": decoded - began, **timings}
        stages["total"] = time.perf_counter() - began
        for stage, seconds in stages.items():
            self._seconds.setdefault(stage, []).append(seconds)

    def about_nothing(self) -> str:
        """Why no image was processed."""
        if self._unreadable:
            return self._unreadable[0]
        if not self._job.start and math.isinf(self._job.end):
            return f"none of the {self._topic.count} that its metadata state is in it"
        length = (self._bag.end_time - self._bag.start_time) / 1e9
        return f"none between --start and --end; the bag lasts {length:.1f} s"

    def summary(self, labels: Labels | None, complete: bool) -> dict:
        """What ``summary.json`` holds; nothing in it depends on the machine's speed."""
        job = self._job
        result = {
            "complete": complete,
            "bag": job.bag.name,
            "topic": self._topic.name,
            "type": self._topic.type,
            "model": self._model,
            "detector": self._pipeline.detector.name,
            "settings": differences(job.parameters, ANALYSIS),
            "duration_s": measures.rounded((self._bag.end_time - self._bag.start_time) / 1e9),
            "images_read": self._read,
            "images_unreadable": len(self._unreadable),
            **measures.figures(self.observed, job.parameters.max_gap, self._events),
            "damage": [*self._bag.damage, *self._unreadable[:10]],
        }
        if labels:
            result["labels"] = measures.against(self.observed, labels)
        return result

    def timing(self, seconds: float) -> dict:
        """What ``timing.json`` holds."""
        return {
            "images": len(self.observed),
            "seconds": round(seconds, 3),
            "images_per_second": round(len(self.observed) / seconds, 1),
            "latency_ms": measures.latencies(self._seconds),
            "machine": platform.machine(),
            "cpus": os.cpu_count(),
        }


class _NoBag:
    """In place of a bag where none is wanted."""

    topics: frozenset[str] = frozenset()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        pass


def _open_bag(job: Job, path: Path, bag: Bag, image: BagTopic, log: Log) -> BagWriter | _NoBag:
    """The bag to write, its topics added: those of the source first."""
    if job.keep == "none":
        return _NoBag()
    writer = BagWriter(path)
    try:
        wanted = {"all": bag.topics.values(), "image": [image], "emotions": []}[job.keep]
        for topic in wanted:
            if topic.name == job.emotions_topic:
                log(f"{topic.name}: the new result takes the place of the recorded one")
            elif not writer.add_topic(topic):
                log(f"{topic.name} is not copied: {topic.type} is not known here nor in the bag")
        writer.add_topic(BagTopic(job.emotions_topic, EMOTION_ARRAY, 0, "", [qos()]))
    except BaseException:
        writer.close()
        raise
    return writer


def _rows(seconds: float, stamp, result: Result) -> list[list]:
    """Lines of ``emotions.csv``: one for each face, or one without a face."""
    image = [f"{seconds:.6f}", f"{stamp.sec}.{stamp.nanosec:09d}", len(result.faces)]
    names = COLUMNS[len(image) :]
    return [
        [*image, *(_text(name, record[name]) for name in names)] for record in result.to_records()
    ] or [image + [""] * len(names)]


def _text(name: str, value):
    if isinstance(value, float):
        return f"{value:.4f}" if name == "detection_score" else f"{value:.6f}"
    return value
