# SPDX-License-Identifier: Apache-2.0
"""From parameters to a pipeline, at once or beside the work."""

import threading
from types import SimpleNamespace

from rclpy.node import Node
from rclpy.task import Future

from fer_ros.emotions.model_card import ModelError
from fer_ros.faces.detectors import DetectorError
from fer_ros.nodes.health import one_line
from fer_ros.pipeline import EmotionPipeline
from fer_ros.settings import create_pipeline

LOADED = ("detector", "detector_model", "detection_threshold", "face_mesh", "model", "threads")
"""The parameters that name what is loaded."""


class LoadError(RuntimeError):
    """Detector or model cannot be loaded; the message is one line that says why."""


def load(values: SimpleNamespace) -> EmotionPipeline:
    """The pipeline that the parameters ask for, emotion_node's by their names.

    Raises:
        LoadError: whatever is wrong, in one line.
    """
    try:
        return create_pipeline(**vars(values))
    except (DetectorError, ModelError) as error:
        raise LoadError(str(error)) from None
    except Exception as error:  # what the libraries raise on a file that they did not foresee
        raise LoadError(one_line(error)) from error


def load_aside(node: Node, values: SimpleNamespace) -> Future:
    """``load`` on a thread of its own, beside the node's work.

    Returns:
        A future, to be awaited in a callback of the node; it gives the pipeline or the LoadError.
    """
    future, executor = Future(), node.executor

    def run():
        try:
            future.set_result(load(values))
        except LoadError as error:
            future.set_result(error)
        if executor and node.context.ok():  # not told to end meanwhile
            executor.wake()

    threading.Thread(target=run, name="reload", daemon=True).start()
    return future
