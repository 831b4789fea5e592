# SPDX-License-Identifier: Apache-2.0
"""The models' multiply-adds at the peak of one core: how fast LiteRT could be at best.

The peak is measured, not looked up: a 1x1 convolution of 256 to 256 channels on 32x32 points, the
kindest work there is, run by LiteRT on one thread in float32 and in int8. A model's floor is its
multiply-adds over the peak of the type it computes in; convolutions and dense layers are counted.

    .venv-bench/bin/python -m benchmarks.speed.arithmetic [--quick] [--model a.tflite b.tflite ...]
"""

import argparse
import contextlib
import io
import os
import time
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf
from ai_edge_litert.interpreter import Interpreter
from tqdm import tqdm

from benchmarks.report import machine, refuse_namesakes, save
from benchmarks.tables import arithmetic_table
from fer_ros.emotions.classifier import default_model
from fer_ros.inference.shipped import MODELS

BLAZEFACE = MODELS / "face_detection_back.tflite"
SIDE, CHANNELS = 32, 256
COUNTED = {"CONV_2D", "DEPTHWISE_CONV_2D", "FULLY_CONNECTED"}


def kindest(int8: bool) -> bytes:
    """The LiteRT flatbuffer of the convolution that the peak is measured with."""
    points = keras.Input((SIDE, SIDE, CHANNELS), batch_size=1)
    model = keras.Model(points, keras.layers.Conv2D(CHANNELS, 1)(points))
    converter = tf.lite.TFLiteConverter.from_keras_model(model)
    if int8:
        random = np.random.default_rng(0)
        shape = (1, SIDE, SIDE, CHANNELS)
        converter.optimizations = [tf.lite.Optimize.DEFAULT]
        converter.representative_dataset = lambda: (
            [random.standard_normal(shape, np.float32)] for _ in range(8)
        )
        converter.inference_input_type = converter.inference_output_type = tf.int8
    with contextlib.redirect_stdout(io.StringIO()):  # a line for each variable, of no use here
        return converter.convert()


def multiply_adds(net: Interpreter) -> tuple[int, int]:
    """How many a model does in one call, in int8 and in float32."""
    shapes = {t["index"]: (t["shape"], t["dtype"]) for t in net.get_tensor_details()}
    counts = {np.int8: 0, np.float32: 0}
    for op in net._get_ops_details():  # LiteRT has no public way to the graph
        if op["op_name"] not in COUNTED:
            continue
        weights, _ = shapes[op["inputs"][1]]
        output, kind = shapes[op["outputs"][0]]
        if op["op_name"] == "DEPTHWISE_CONV_2D":  # weights [1, height, width, channels]
            each = weights[1] * weights[2]
        else:  # [outputs, height, width, inputs] or [outputs, inputs]
            each = np.prod(weights[1:])
        counts[kind] += int(np.prod(output)) * int(each)
    return counts[np.int8], counts[np.float32]


def milliseconds(net: Interpreter, rounds: int) -> list[float]:
    """Time of each of `rounds` calls."""
    times = []
    for _ in range(rounds):
        began = time.perf_counter()
        net.invoke()
        times.append(1e3 * (time.perf_counter() - began))
    return times


def open_net(**source) -> Interpreter:
    """A LiteRT interpreter on one thread, its input zero."""
    net = Interpreter(num_threads=1, **source)
    net.allocate_tensors()
    return net


def main():
    """Measure, print and write results/arithmetic.json."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--model", type=Path, nargs="+", default=[default_model(), BLAZEFACE], metavar="FILE",
        help=".tflite files (default: the built-in classifier and BlazeFace)",
    )  # fmt: skip
    parser.add_argument("--quick", action="store_true", help="a fifth of the rounds")
    parser.add_argument("--rounds", type=int, default=30, help="default: %(default)s")
    parser.add_argument("--name", default="arithmetic", help="of the JSON in results/")
    options = parser.parse_args()
    refuse_namesakes(parser, options.model)
    rounds = max(1, options.rounds // 5 if options.quick else options.rounds)
    found = machine(options.quick)
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    nets = {
        "peak float32": open_net(model_content=kindest(int8=False)),
        "peak int8": open_net(model_content=kindest(int8=True)),
    } | {path.name: open_net(model_path=str(path)) for path in options.model}
    times = {name: [] for name in nets}
    for _ in tqdm(range(rounds), desc="models and peak in turns"):
        for name, net in nets.items():
            times[name] += milliseconds(net, 10)[2:]
    medians = {name: float(np.median(values)) for name, values in times.items()}
    work = SIDE**2 * CHANNELS**2
    peak_int8, peak_float = (work / medians[f"peak {t}"] / 1e6 for t in ("int8", "float32"))
    models = {}
    for path in options.model:
        int8, floats = multiply_adds(nets[path.name])
        floor = (int8 / peak_int8 + floats / peak_float) / 1e6
        models[path.name] = {
            "million_int8": round(int8 / 1e6, 1),
            "million_float32": round(floats / 1e6, 1),
            "floor_ms": round(floor, 3),
            "measured_ms": round(medians[path.name], 3),
            "share_of_peak": round(floor / medians[path.name], 3),
        }
    peaks = {"int8": round(peak_int8, 1), "float32": round(peak_float, 1)}
    results = {"machine": found, "peak_giga_multiply_adds": peaks, "models": models}
    save(options.name, results)
    print(arithmetic_table(results))


if __name__ == "__main__":
    main()
