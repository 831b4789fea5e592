# SPDX-License-Identifier: Apache-2.0
"""Bags for the tests: drawn from the sample, written with rosbags; and what evaluate_bag leaves."""

import csv
import json
from html.parser import HTMLParser
from pathlib import Path

import cv2
import numpy as np
from mcap.reader import make_reader
from mcap_ros2.decoder import DecoderFactory
from node_helpers import astronaut, blank, two_faces
from rosbags.rosbag2 import CompressionFormat, CompressionMode, StoragePlugin, Writer

from fer_ros.bags.types import qos, type_store
from fer_ros.cli import evaluate_bag

START = 1_700_000_000_000_000_000  # ns
STEP = 100_000_000  # ns between two images
DELAY = 4_000_000  # ns from an image's stamp to its recording
RAW, JPEG = "/camera/image_raw", "/camera/image_raw/compressed"
CHATTER, INFO = "/chatter", "/camera/camera_info"
IMAGE, COMPRESSED = "sensor_msgs/msg/Image", "sensor_msgs/msg/CompressedImage"
CAMERA_INFO = "sensor_msgs/msg/CameraInfo"


def frames(count: int) -> list[np.ndarray]:
    """One joyful face, then an image in ten without any, then two faces."""
    one, both, none = astronaut(), two_faces(), blank(480, 640)
    return [none if i % 10 == 9 else one if i < count / 2 else both for i in range(count)]


def header(index: int):
    types = type_store().types
    stamp = START + index * STEP
    time = types["builtin_interfaces/msg/Time"](sec=stamp // 10**9, nanosec=stamp % 10**9)
    return types["std_msgs/msg/Header"](stamp=time, frame_id="camera")


def image(index: int, bgr: np.ndarray, compressed: bool) -> tuple[str, bytes]:
    """Type and CDR of an image."""
    types = type_store().types
    if compressed:
        data = cv2.imencode(".jpg", bgr)[1].reshape(-1)
        kind, fields = COMPRESSED, {"format": "jpeg", "data": data}
    else:
        height, width = bgr.shape[:2]
        size = {"height": height, "width": width, "step": width * 3, "is_bigendian": 0}
        kind, fields = IMAGE, {"encoding": "bgr8", "data": bgr.reshape(-1), **size}
    message = types[kind](header=header(index), **fields)
    return kind, bytes(type_store().serialize_cdr(message, kind))


def calibration():
    """Of images of 640x480, with a focal length of 600 pixels."""
    types = type_store().types
    region = types["sensor_msgs/msg/RegionOfInterest"](0, 0, 0, 0, False)
    k = np.array([600.0, 0, 320, 0, 600, 240, 0, 0, 1])
    return types[CAMERA_INFO](
        header=header(0), height=480, width=640, distortion_model="plumb_bob", d=np.zeros(5), k=k,
        r=np.eye(3).ravel(), p=np.zeros(12), binning_x=0, binning_y=0, roi=region,
    )  # fmt: skip


def make_bag(
    path: Path,
    images: list[np.ndarray],
    *,
    storage: str = "mcap",
    topics: tuple[str, ...] = (JPEG,),
    compress: str = "",
    calibrated: bool = False,
) -> Path:
    """A bag of ``images`` on each of the topics, at 10 Hz, and a word a second on CHATTER.

    ``storage``: "mcap" or "sqlite3"; ``compress``: "message" or "file"; ``calibrated``: with the
    camera_info of ``calibration`` before the first image.
    """
    store = type_store()
    writer = Writer(path, version=9, storage_plugin=StoragePlugin[storage.upper()])
    if compress:
        writer.set_compression(CompressionMode[compress.upper()], CompressionFormat.ZSTD)
    with writer:
        connections = {
            topic: writer.add_connection(
                topic,
                COMPRESSED if topic.endswith("compressed") else IMAGE,
                typestore=store,
                offered_qos_profiles=[qos()],
            )
            for topic in topics
        }
        words = writer.add_connection(CHATTER, "std_msgs/msg/String", typestore=store)
        if calibrated:
            info = writer.add_connection(INFO, CAMERA_INFO, typestore=store)
            writer.write(info, START, store.serialize_cdr(calibration(), CAMERA_INFO))
        for i, bgr in enumerate(images):
            time = START + i * STEP + DELAY
            for topic, connection in connections.items():
                data = image(i, bgr, topic.endswith("compressed"))[1]
                writer.write(connection, time, data)
            if i % 10 == 0:
                text = store.types["std_msgs/msg/String"](data=f"word {i}")
                writer.write(words, time, store.serialize_cdr(text, words.msgtype))
    return path


def storage_file(bag: Path) -> Path:
    """The one file of a bag's folder that holds its messages."""
    (file,) = (f for f in bag.iterdir() if f.suffix in (".mcap", ".db3"))
    return file


def evaluate(*words) -> int:
    """The exit status of evaluate_bag."""
    return evaluate_bag.main([str(word) for word in words])


def table(out) -> list[dict]:
    """The lines of emotions.csv."""
    with (out / "emotions.csv").open(newline="") as file:
        return list(csv.DictReader(file))


def summary(out) -> dict:
    """What summary.json holds."""
    return json.loads((out / "summary.json").read_text())


def messages(out):
    """(topic, ns, decoded message) of the written bag, by the mcap package's own reader."""
    with (out / "bag/bag.mcap").open("rb") as file:
        reader = make_reader(file, decoder_factories=[DecoderFactory()])
        return [(c.topic, m.log_time, d) for _, c, m, d in reader.iter_decoded_messages()]


class Page(HTMLParser):
    """What a report's tags are and what they would load."""

    def __init__(self, path):
        super().__init__()
        self.loads, self.tags, self.text = [], [], ""
        self.feed(path.read_text("utf-8"))

    def handle_starttag(self, tag, attributes):
        self.tags.append(tag)
        self.loads += [v for k, v in attributes if k in ("src", "href", "data", "srcset")]

    def handle_data(self, data):
        self.text += data
