# SPDX-License-Identifier: Apache-2.0
"""The demo's run: both nodes and the recorder, from the start to the last result."""

import time

from fer_ros import start
from fer_ros.cli.node_process import NodeProcess
from fer_ros.cli.own_nodes import NodesError
from fer_ros.cli.topic_recorder import TopicRecorder
from fer_ros.sources.address import is_live, masked

START, FIRST_IMAGE, LAST_RESULTS = 60.0, 20.0, 5.0  # seconds waited for each
LIVE_SECONDS = 20.0
IMAGES = "image_raw/compressed"  # what emotion_node works on is what the bag holds


class Run:
    """Both nodes and the recorder, from the start to the last result."""

    def __init__(self, options, folder, recorder, executor, stack):
        self._options, self._folder = options, folder
        self._recorder = recorder
        self._recording = recorder.recording
        self._executor = executor
        self._stack = stack
        self._nodes: list[NodeProcess] = []
        self._bag: TopicRecorder | None = None

    def play(self, length, bag):
        """Start both nodes; stay until the source's end or its time is up. Raises NodesError."""
        o = self._options
        live = is_live(o.source)
        seconds = o.seconds or (LIVE_SECONDS if live else None)
        print("Starting video_source and emotion_node", flush=True)
        # The source holds its images back until emotion_node is active, and that is made active
        # when all have found each other, which takes DDS seconds on a busy machine.
        given = {"source": o.source, "loop": False, "start_when_subscribed": True}
        source = self._start("video_source", given | ({"rate": o.rate} if o.rate else {}))
        self._wait(self._recorder.has_found_source, START, "video_source is silent: {last}")
        given = {"detector": o.detector, "model": o.model, "image_reliability": "reliable"}
        given |= {"autostart": False, "image_transport": "compressed"}
        self._start("emotion_node", given)
        self._wait(self._recorder.has_found_emotion_node, START, "emotion_node is mute: {last}")
        self._change_state("configure")
        # Not sooner: the source begins a second after it has a subscriber. Not later: the bag is to
        # have the first image too.
        self._bag = TopicRecorder(self._recorder, bag, self._recorder.get_namespace())
        for topic in (IMAGES, "emotions"):
            self._bag.add(self._recorder.resolve_topic_name(topic))
        self._change_state("activate")
        name = masked(o.source)
        print(f"Playing {name}" + (f" for {seconds:g} s" if seconds else ""), flush=True)
        silence = f"no image came from {name} within {FIRST_IMAGE:g} s"
        self._wait(lambda: self._recording.sent or source.status == 0, FIRST_IMAGE, silence)
        self._follow(source, seconds, length)
        source.stop()
        self._nodes.remove(source)
        seen = self._recorder.reports
        self._wait(lambda: self._is_complete(seen), LAST_RESULTS)
        if not self._recording.records:
            raise NodesError(f"no result came from emotion_node: {self._nodes[-1].last_line()}")

    def _start(self, name, parameters) -> NodeProcess:
        with start.uninterrupted():  # or nobody would end it
            namespace = self._recorder.get_namespace()
            node = NodeProcess(name, parameters, self._folder, namespace)
            self._nodes.append(self._stack.enter_context(node))
        return node

    def _change_state(self, step):
        answer = self._recorder.change_state(step)
        self._wait(answer.done, START, f"{step} hangs: {{last}}")
        if not answer.result().success:
            raise NodesError(f"emotion_node: {self._nodes[-1].last_line()}")

    def _follow(self, source, seconds, length):
        """Show progress until the source ends or its time is up."""
        from tqdm import tqdm

        end = time.monotonic() + (seconds or float("inf"))
        with tqdm(total=length or None, unit=" images", disable=None) as progress:
            while source.status is None and time.monotonic() < end:
                self._spin()
                progress.update(len(self._recording.records) - progress.n)

    def _is_complete(self, seen) -> bool:
        """Whether, by a report newer than ``seen``, every image's result has come."""
        counts = self._recording.counts
        return (
            self._recorder.reports > seen
            and counts["received"] == counts["processed"] + counts["dropped"]
            and len(self._recording.records) >= counts["processed"]
        )

    def _wait(self, done, seconds, failure=""):
        """Until ``done()``, or ``seconds`` have passed: then NodesError if there is a failure."""
        end = time.monotonic() + seconds
        while not done():
            self._spin()
            if time.monotonic() > end:
                if failure:
                    raise NodesError(failure.replace("{last}", self._nodes[-1].last_line()))
                return

    def _spin(self):
        self._executor.spin_once(timeout_sec=0.1)
        if self._recorder.problem:
            raise NodesError(f"emotion_node: {self._recorder.problem}")
        if self._bag and self._bag.failure:
            raise self._bag.failure
        for node in self._nodes:
            ended_well = node.status == 0 and node.name == "video_source"
            if node.status is not None and not ended_well:
                raise NodesError(f"{node.name} died: {node.last_line()}")
