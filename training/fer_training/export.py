# SPDX-License-Identifier: Apache-2.0
"""A trained Keras model to the files that fer_ros runs, and their card.

Runs under TensorFlow. LiteRT graphs take uint8 [1, 48, 48, 1] and hold their enlargement; the ONNX
graph takes float32 [1, 1, S, S] of 0 to 255, already enlarged, in opset 9, which OpenCV 4.6 reads.
"""

import contextlib
import csv
import io
import json
import shlex
import shutil
import subprocess
import sys
from datetime import datetime, timezone
from pathlib import Path

import numpy as np

from fer_ros.emotions.classes import EMOTIONS
from fer_ros.emotions.classifier import load_keras
from fer_ros.emotions.model_card import CROP_SIZE, sha256_of
from fer_training import __version__, calibration
from fer_training.dataset import Faces
from fer_training.evaluate import TIMED, judge, milliseconds_per_face, predict
from fer_training.recipe import Recipe, learnt_from, recipe_of_run

CALIBRATION_FACES = 200
INT8_MAY_LOSE = 0.005
NAMED_RIGHT = 0.75
POOR = 0.7
"""Error of an int8 layer, in steps of its scale, from which it stays float. Rounding alone makes
0.29; the threshold is that of TensorFlow's guide to its quantisation debugger."""
OPSET = 9
ARCHITECTURES = {
    "emotion_mobilenet_v2": "MobileNetV2 (ImageNet start), dense 128-64-7",
    "emotion_mobilenet_v2_eca": "MobileNetV2 (ImageNet start) with ECA, dense 128-64-7",
}
"""Network's name -> what the card calls it, where that is another."""


def export(
    model: Path,
    training: Faces,
    validation: Faces,
    out: Path,
    name: str,
    named_right: float = NAMED_RIGHT,
    keys: np.ndarray | None = None,
    version: str = __version__,
) -> dict:
    """Write every form of ``model`` (.keras), the card and the list of training pictures to
    ``out``; returns the card. Teachers of other families have no ONNX form.

    The list is ``keys``, uint64 [N], or those of ``training``; ``version`` is the model's own.

    The int8 form becomes ``<name>.tflite``, the one that is run by default, when it is within half
    a point of float32 on ``validation``. Temperatures, and the confidence under which a face is
    ``uncertain``, come from the rows of ``validation`` that do not stand in ``training``: the
    lowest confidence at which a share of ``named_right`` of the named faces is right. Of a model
    that ``is_balanced`` each class weighs alike there, and FER+'s majority says what is right.
    """
    recipe = recipe_of_run(model.parent)
    out.mkdir(parents=True, exist_ok=True)
    trained = load_keras(model)
    network, parameters = one_channel(trained), trained.count_params()
    input_size = _input_size(network)
    learnt = np.unique(training.keys())
    unseen = ~np.isin(validation.keys(), learnt)
    judges = calibration.judges(validation, unseen, balanced := is_balanced(recipe))

    forms = {
        f"{name}_float32.tflite": to_litert(network),
        f"{name}_float16.tflite": to_litert(network, "float16"),
        # A network that makes its own contrast has roots and squares, which 8 bits do not serve.
        f"{name}_int8.tflite": to_litert(
            network, "int8", training.images if _resizing(network) else None
        ),
    }
    if _backbone(network):
        forms[f"{name}.onnx"] = to_onnx(network, input_size)
    files, confidences = {}, {}
    for file, content in forms.items():
        (out / file).write_bytes(content)
        logits = predict(out / file, validation.images, input_size)
        files[file], confidences[file] = card_entry(
            out / file, logits, validation, judges, learnt, input_size
        )
    best, int8 = files[f"{name}_float32.tflite"], files[f"{name}_int8.tflite"]
    default = "int8" if best["accuracy"] - int8["accuracy"] <= INT8_MAY_LOSE else "float16"
    shutil.copyfile(out / f"{name}_{default}.tflite", out / f"{name}.tflite")
    files[f"{name}.tflite"] = files[f"{name}_{default}.tflite"] | {"form": default}

    probabilities = confidences[f"{name}_{default}.tflite"]
    curve = calibration.risk_coverage(probabilities, judges.labels, judges.weights)
    threshold = calibration.threshold_for(curve, named_right)
    (chosen,) = (p for p in curve if p["threshold"] == threshold)
    card = {
        "name": name,
        "version": version,
        "architecture": ARCHITECTURES.get(network.name, network.name),
        "parameters": parameters,
        "recipe": recipe.name if recipe else "unknown",
        "learnt_from": learnt_from(model.parent),
        "labels": list(EMOTIONS),
        "framing": {"size": CROP_SIZE, "margin": 1.0},
        "input_size": input_size,
        "uncertain_below": threshold,
        "files": files,
        "calibration": {
            "faces": f"{validation.usage[0]} without repeats of Training, cross-fitted",
            "balanced": balanced,
            "named": round(chosen["coverage"], 4),
            "of them right": round(1 - chosen["risk"], 4),
            "reliability": [
                {k: round(v, 4) for k, v in b.items()}
                for b in calibration.reliability(
                    probabilities, judges.labels, weights=judges.weights
                )
            ],
        },
        "figures": {
            "split": str(validation.usage[0]),
            "commit": commit(),
            "command": shlex.join(["fer-training", *sys.argv[1:]]),
            "date": datetime.now(timezone.utc).date().isoformat(),
        },
    }
    np.save(out / f"{name}_training_keys.npy", learnt if keys is None else np.unique(keys))
    (out / f"{name}.json").write_text(json.dumps(card, indent=2) + "\n", "utf-8")
    return card


def is_balanced(recipe: Recipe | None) -> bool:
    """Whether what the recipe makes was not told how frequent the classes are."""
    last = recipe.phases[-1] if recipe and recipe.phases else recipe
    return bool(last and last.logit_adjustment)


def card_entry(
    file: Path,
    logits: np.ndarray,
    faces: Faces,
    judges: calibration.Judges,
    keys: np.ndarray,
    size: int,
) -> tuple[dict, np.ndarray]:
    """What a card says of a model file, and its probabilities, cross-fitted, float [M, 7].

    ``logits``: float [N, 7], its answers to ``faces``; ``judges``: the M of them that calibrate,
    whose pictures are not among ``keys``, those trained on; ``size``: pixels, the ONNX graph's
    input.
    """
    own, labels, weights = logits[judges.rows], judges.labels, judges.weights
    temperature = round(calibration.best_temperature(own, labels, weights), 4)
    confidences = calibration.cross_fitted(own, labels, weights=weights)
    error = calibration.expected_calibration_error(confidences, labels, weights=weights)
    return {
        "sha256": sha256_of(file),
        "bytes": file.stat().st_size,
        "temperature": temperature,
        **_chosen(judge(logits, faces, temperature, keys)),
        "ece_cross_fitted": round(error, 4),
        "ms_per_face": round(milliseconds_per_face(file, faces.images[:TIMED], size), 3),
    }, confidences


def one_channel(network):
    """The same network without its three equal channels: the first convolution's kernels, summed
    over them, see one. The logits are the same but for rounding, an eighth of the time is saved. A
    network that sees one already is given back.
    """
    import keras

    from fer_training.model import attention_of, backbone

    if not any(isinstance(layer, keras.layers.Concatenate) for layer in network.layers):
        return network

    def seeing_one(layer):
        if not isinstance(layer, keras.Model):
            return layer
        grey = backbone(layer.input_shape[1], 1, attention=attention_of(layer))
        kernels, *others = layer.get_weights()  # [height, width, 3, out]
        grey.set_weights([kernels.sum(axis=2, keepdims=True), *others])
        return grey

    face = x = keras.Input((CROP_SIZE, CROP_SIZE, 1), dtype="uint8", name="face")
    for layer in network.layers[1:]:
        if not isinstance(layer, keras.layers.Concatenate):
            x = seeing_one(layer)(x)
    return keras.Model(face, x, name=network.name)


def to_litert(network, form: str = "float32", images: np.ndarray | None = None) -> bytes:
    """LiteRT flatbuffer of a Keras model; ``images``, uint8 [N, 48, 48], calibrate int8, without
    them its weights alone are.
    """
    import keras
    import tensorflow as tf

    face = keras.Input((CROP_SIZE, CROP_SIZE, 1), batch_size=1, dtype="uint8", name="face")
    model = keras.Model(face, network(face))

    def converter():
        made = tf.lite.TFLiteConverter.from_keras_model(model)
        if form != "float32":
            made.optimizations = [tf.lite.Optimize.DEFAULT]
        if form == "float16":
            made.target_spec.supported_types = [tf.float16]
        return made

    with contextlib.redirect_stdout(io.StringIO()):  # a line for each variable, of no use here
        if form == "int8" and images is not None:
            return _to_int8(converter, images)
        return converter().convert()


def _to_int8(converter, images) -> bytes:
    """Weights and activations in int8, but for the layers that 8 bits serve poorly."""
    import tensorflow as tf

    rows = np.random.default_rng(0).permutation(len(images))[:CALIBRATION_FACES]

    def debugger(denied=()):
        made = converter()
        made.representative_dataset = faces
        options = tf.lite.experimental.QuantizationDebugOptions(denylisted_nodes=list(denied))
        return tf.lite.experimental.QuantizationDebugger(
            converter=made, debug_dataset=faces, debug_options=options
        )

    def faces():
        return ([images[row][None, ..., None]] for row in rows)

    all_int8 = debugger()
    all_int8.run()
    statistics = io.StringIO()
    all_int8.layer_statistics_dump(statistics)
    layers = csv.DictReader(io.StringIO(statistics.getvalue()))
    poor = [
        layer["tensor_name"]
        for layer in layers
        if float(layer["mean_squared_error"]) ** 0.5 > POOR * float(layer["scale"])
    ]
    return debugger(poor).get_nondebug_quantized_model()


def to_onnx(network, input_size: int) -> bytes:
    """ONNX of a Keras model without its enlargement, for OpenCV's DNN module."""
    import keras
    import tensorflow as tf
    import tf2onnx

    def forward(face):
        x = face
        for layer in network.layers[1:]:
            if not isinstance(layer, keras.layers.Resizing):
                x = layer(x, training=False)
        return x

    signature = [tf.TensorSpec([1, input_size, input_size, 1], tf.float32, "face")]
    proto, _ = tf2onnx.convert.from_function(
        tf.function(forward, input_signature=signature),
        signature,
        opset=OPSET,
        inputs_as_nchw=["face"],
    )
    _transpose_dense(proto.graph)
    return proto.SerializeToString()


def _transpose_dense(graph) -> None:
    """Store each Gemm's weights as [out, in]: OpenCV 4.6 takes the wrong side of the others."""
    from onnx import numpy_helper

    weights = {tensor.name: tensor for tensor in graph.initializer}
    for node in graph.node:
        if node.op_type == "Gemm":
            (side,) = (a for a in node.attribute if a.name == "transB")
            side.i = 1
            tensor = weights[node.input[1]]
            turned = np.ascontiguousarray(numpy_helper.to_array(tensor).T)
            tensor.CopyFrom(numpy_helper.from_array(turned, tensor.name))


def _backbone(network) -> list:
    import keras

    return [layer for layer in network.layers if isinstance(layer, keras.Model)]


def _resizing(network) -> list:
    import keras

    return [layer for layer in network.layers if isinstance(layer, keras.layers.Resizing)]


def _input_size(network) -> int:
    return int(_resizing(network)[0].width) if _resizing(network) else CROP_SIZE


def _chosen(figures: dict) -> dict:
    names = ("accuracy", "accuracy_deduplicated", "macro_f1", "ece")
    return {k: figures[k] and round(figures[k], 4) for k in names} | {
        "recall": {k: round(v["recall"], 4) for k, v in figures["per_class"].items()}
    }


def commit() -> str:
    """Short hash of the repository's commit, "-dirty" where it has changes; or "unknown"."""
    here = Path(__file__).parent
    run = subprocess.run(
        ["git", "describe", "--always", "--dirty"],
        cwd=here,
        capture_output=True,
        text=True,
        check=False,
    )
    return run.stdout.strip() or "unknown"
