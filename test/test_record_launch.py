# SPDX-License-Identifier: Apache-2.0
"""``record:=`` of the launch file: the recorder beside the nodes, in their namespace."""

import pytest

pytest.importorskip("launch_ros", reason="launch is not installed: it does not come as a wheel")

from test_launch import EMOTION, launch  # noqa: F401 - a fixture

from fer_ros.bags.reading import Bag


@pytest.mark.parametrize("what", ["emotions", "all"])
def test_records_in_the_namespace(launch, meet, tmp_path, what):  # noqa: F811
    running = launch(
        EMOTION, "camera:=video", "namespace:=robot", "image_transport:=compressed",
        "image_topic:=front/image", f"record:={what}", f"record_to:={tmp_path / 'bag'}",
    )  # fmt: skip
    running.wait_for("recording into")
    bench = meet("/robot")
    # The bench, and the recorder.
    bench.until(lambda: bench.node.count_subscribers("emotions") >= 2, "the recorder")
    if what == "all":
        image = "front/image/compressed"
        bench.until(lambda: bench.node.count_subscribers(image) >= 2, "the recorder of images")
    bench.results.clear()
    bench.until(lambda: len(bench.results) >= 5, "results")
    assert running.interrupt() == 0
    assert "Traceback" not in running.words()
    assert ("Tell the people concerned" in running.words()) == (what == "all")
    with Bag(tmp_path / "bag") as bag:
        assert not bag.damage
        assert bag.topics["/robot/emotions"].count >= 4
        topics = set(bag.topics)
    wanted = {"/robot/emotions", "/robot/emotion_events", "/diagnostics"}
    if what == "all":
        wanted |= {"/robot/front/image/compressed", "/robot/front/camera_info"}
    assert topics == wanted


def test_nothing_is_recorded_unless_asked_for(launch, tmp_path):  # noqa: F811
    running = launch(EMOTION, "camera:=none")
    running.wait_for("listening to")
    assert running.interrupt() == 0
    assert "recording into" not in running.words()
    assert not (tmp_path / "recordings").exists()
