# SPDX-License-Identifier: Apache-2.0
"""The node: camera images in, EmotionArray and annotated images out."""

if __name__ == "__main__":  # before the imports below: they take a second, and signals are obeyed
    from fer_ros.start import emotion_node

    raise SystemExit(emotion_node())

import time
from dataclasses import replace
from typing import Any

from rclpy.callback_groups import MutuallyExclusiveCallbackGroup
from std_srvs.srv import Trigger

from fer_ros.inference import advice
from fer_ros.nodes.inputs.camera_inputs import CameraInputs
from fer_ros.nodes.loading import LoadError, load, load_aside
from fer_ros.nodes.managed_node import ManagedNode
from fer_ros.nodes.outputs import Outputs
from fer_ros.nodes.run import run_node
from fer_ros.nodes.status_marker import StatusMarker
from fer_ros.parameters import EMOTION_NODE, LOADED
from fer_ros.parameters.options import EmotionNodeOptions
from fer_ros.pipeline import EmotionPipeline
from fer_ros.runtime import dds

SILENT = 1.0
"""Seconds without an image from which it is worth while to look for the reason."""


class EmotionNode(ManagedNode[EmotionPipeline, EmotionNodeOptions]):
    """``emotion_node``; topics, services and parameters are in docs/.

    Args:
        **options: rclpy's for a node.
    """

    def __init__(self, **options):
        super().__init__("emotion_node", EMOTION_NODE, EmotionNodeOptions, **options)
        self.inputs = CameraInputs(self, self._take_in)
        self._loaded: dict[str, object] = {}
        self._outputs = Outputs(self, lambda name, e: self._log_error(name, e, self._health.error))
        self._status = StatusMarker(self, self._values.diagnostics_period)
        # A group of its own: while it waits, images are to be taken in.
        alone = MutuallyExclusiveCallbackGroup()
        self.create_service(Trigger, "~/reload", self._reload, callback_group=alone)
        self._follow_parameters()

    # Executor's thread

    def _load(self, values: EmotionNodeOptions) -> EmotionPipeline:
        pipeline = load(values)
        self._note_loaded(pipeline, values)
        return pipeline

    def _open(self, values: EmotionNodeOptions) -> str:
        self._outputs.open(values)
        return self.inputs.open(values)

    def _close(self):
        self.inputs.close()
        self._outputs.close()

    def _forget(self):
        self._outputs.reset()
        if self._engine:
            self._worker.call("reset", self._engine.reset)

    def _limits(self):
        return self._values

    def _take_in(self, message, missed):
        self._health.note_received(missed)
        self._worker.put((message, time.monotonic()))

    def _note_loaded(self, pipeline, values):
        """Note what was loaded, and say so."""
        self._loaded = {name: getattr(values, name) for name in LOADED}
        self._health.reload_failure = ""
        self.get_logger().info(
            f"model {pipeline.classifier.identity} by {pipeline.classifier.backend_name}, "
            f"faces by {pipeline.detector.name}"
        )
        if faster := advice(pipeline.classifier.backend_name):
            self.get_logger().info(faster)

    async def _reload(self, request, response):
        """Load what the parameters name now, and take it up between two images."""
        values, pipeline = self._values, self._engine
        new = await load_aside(self, values) if pipeline else LoadError("configure first")
        if pipeline is not self._engine:
            new = LoadError("configured anew meanwhile")
        if isinstance(new, LoadError):
            self._health.reload_failure = f"not reloaded: {new}" if self._engine else ""
            response.message = f"not reloaded: {new}"
            self._health.error(response.message)
            self.get_logger().error(response.message)
            return response
        assert pipeline  # else there is nothing new

        def take_up():
            pipeline.replace(new)
            pipeline.tune(values)
            self._outputs.reset()  # what the old model said is no history of the new one's
            self._note_loaded(pipeline, values)

        self._worker.call("reload", take_up)
        response.success, response.message = True, new.classifier.identity
        return response

    def _describe(self, situation):
        pipeline, images = self._engine, self.inputs.images
        facts: dict[str, Any] = {}
        if pipeline:
            facts = {
                "model": pipeline.classifier.identity,
                "backend": pipeline.classifier.backend_name,
                "detector": pipeline.detector.name,
                "proposals refused": pipeline.finder.refused,
            }
            changed = [n for n, v in self._loaded.items() if getattr(self._values, n) != v]
            if changed:
                facts["changed, to be loaded by ~/reload"] = ", ".join(changed)
        if images:
            silence = self._health.silence()
            images.check()
            facts["topic"] = images.topic
            situation = replace(
                situation,
                topic=images.topic,
                reliabilities=images.reliabilities(),
                wanted=images.policy,
                mismatch=images.mismatch(),
                compressed=images.is_compressed,
                other_topic=images.other_topic(),
                subscription_failure=images.failure,
                no_way="" if images.has_received or silence < SILENT else dds.silence(),
            )
        return situation, facts, self.inputs.problems()

    def _report(self):
        report = super()._report()
        self._status.publish(report, self._values.rotate)
        return report

    # Worker's thread

    def _tune(self, values: EmotionNodeOptions) -> None:
        self._worker.max_rate = values.max_rate
        self.inputs.values = values
        self._outputs.tune(values)
        if self._engine:
            self._engine.tune(values)

    def _process(self, item):
        message, receipt = item
        era, pipeline = self._era, self._engine
        assert pipeline  # while the worker works
        began = time.perf_counter()
        observation = self.inputs.observe(message, receipt)
        decoded = time.perf_counter()
        result = pipeline.process(observation)
        with self._going_out:
            if era != self._era:
                return  # forgotten meanwhile
            done = time.perf_counter()
            emotions, *others = self._outputs.publish(message.header, result).values()
        self._status.frame_id = message.header.frame_id or self._status.frame_id
        age = self.get_clock().now().nanoseconds * 1e-9 - observation.stamp
        self._health.processed(
            observation.stamp,
            age - sum(others),
            result.restart,
            stages={
                "decode": decoded - began,
                **result.timings,
                "total": done + emotions - began,
                "others": sum(others),
            },
        )


def main(args=None) -> int:
    """Run the node until it is told to stop."""
    return run_node("emotion_node", EmotionNode, args)
