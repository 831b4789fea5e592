# SPDX-License-Identifier: Apache-2.0
"""From parameters to a pipeline, at once or beside the work."""

import threading

from rclpy.node import Node
from rclpy.task import Future

from fer_ros.emotions.model_card import ModelError
from fer_ros.faces.detectors import DetectorError
from fer_ros.parameters import build_pipeline
from fer_ros.parameters.options import LoadedPipelineOptions
from fer_ros.pipeline import EmotionPipeline
from fer_ros.runtime.health import one_line


class LoadError(RuntimeError):
    """Detector or model cannot be loaded; the message is one line that says why."""


def load(options: LoadedPipelineOptions) -> EmotionPipeline:
    """The pipeline that the parameters ask for.

    Raises:
        LoadError: whatever is wrong, in one line.
    """
    try:
        return build_pipeline(options)
    except (DetectorError, ModelError) as error:
        raise LoadError(str(error)) from None
    except Exception as error:  # what the libraries raise on a file that they did not foresee
        raise LoadError(one_line(error)) from error


def load_aside(node: Node, options: LoadedPipelineOptions) -> Future:
    """``load`` on a thread of its own, beside the node's work.

    Returns:
        A future, to be awaited in a callback of the node; it gives the pipeline or the LoadError.
    """
    future, executor = Future(), node.executor

    def run():
        try:
            future.set_result(load(options))
        except LoadError as error:
            future.set_result(error)
        if executor and node.context.ok():  # not told to end meanwhile
            executor.wake()

    threading.Thread(target=run, name="reload", daemon=True).start()
    return future
