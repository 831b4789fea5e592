# SPDX-License-Identifier: Apache-2.0
"""A rosbag played into emotion_node, on the bag's own clock: every image of it.

``ros2 launch fer_ros replay.launch.py bag:=PATH``. Of the bag, the camera's images and CameraInfo
are played and nothing else, so that results in it do not mix with new ones. As with a camera, an
image that the machine cannot keep up with gives way to a newer one: ``rate:=0.5`` plays slower. For
figures, and the same result each time, evaluate the bag: ``ros2 run fer_ros evaluate_bag PATH``.
"""

import asyncio
import math
from contextlib import suppress
from pathlib import Path

from diagnostic_msgs.msg import DiagnosticArray
from launch import LaunchDescription
from launch.actions import (
    EmitEvent,
    ExecuteProcess,
    IncludeLaunchDescription,
    OpaqueCoroutine,
    OpaqueFunction,
    TimerAction,
)
from launch.events import Shutdown
from launch.launch_description_sources import (
    PythonLaunchDescriptionSource,
    load_python_launch_file_as_module,
)
from launch.logging import get_logger
from launch_ros.ros_adapters import get_ros_node

from fer_ros.bags.cameras import camera, metadata_topics
from fer_ros.launching import arguments, rviz
from fer_ros.launching.arguments import BOOL
from fer_ros.launching.installed import require

LAUNCH = Path(__file__).with_name("emotion.launch.py")
EMOTION = load_python_launch_file_as_module(str(LAUNCH))
SETTLE = 1.0  # seconds in which those who publish, too, have found each other's listeners
PATIENCE = 20.0  # seconds after which waiting is worth a word
PLAYER, RECORDER = "rosbag2_player", "recorder"
ACKNOWLEDGED = "5000"  # ms that the player waits at its end for the last images to be taken

ARGUMENTS = (
    # name, default (None: to be given), choices, description
    ("bag", None, None, "Folder or file of the bag."),
    ("image_topic", "", None, "The camera's topic; empty: the only camera in the bag."),
    ("image_transport", "", ("", "raw", "compressed"),
     "Which images to play where both are recorded; empty: raw, or what there is."),
    ("topics", "", None, "Further topics to play, separated by spaces, such as '/tf /tf_static'."),
    ("rate", "1.0", None, "Speed of playing."),
    ("loop", "false", BOOL, "Begin again at the bag's end."),
)  # fmt: skip
# What a replay leaves no choice of.
SETTLED = {
    "camera": "none", "use_sim_time": "true", "exit_on_failure": "true", "on_exit": "shutdown",
}  # fmt: skip
IDLE = {"video_device", "pixel_format", "source"}  # arguments of cameras
INHERITED = tuple(
    argument
    for argument in EMOTION.ARGUMENTS
    if argument[0] not in {*SETTLED, *IDLE, *(own[0] for own in ARGUMENTS)}
)


def generate_launch_description():
    """emotion_node first, then the bag; the launch ends when the bag does."""
    declared = map(arguments.declare, (*ARGUMENTS, *INHERITED))
    return LaunchDescription([*declared, OpaqueFunction(function=_replay)])


def _replay(context):
    arguments.check(context, Path(__file__), (*ARGUMENTS, *INHERITED))
    value = arguments.values(context, (*ARGUMENTS, *INHERITED))
    bag = Path(value["bag"])
    if not bag.exists():
        raise RuntimeError(f"bag: no file or folder {bag}")
    rate = _rate(value["rate"])
    images = camera(bag, value["image_topic"], value["image_transport"])
    further = [f"/{topic.lstrip('/')}" for topic in value["topics"].split()]
    recorded = metadata_topics(bag) if further else {}
    if absent := [topic for topic in further if topic not in recorded]:
        get_logger("fer_ros").warning(f"topics: the bag has no {', '.join(absent)}")
    resume = _resume_service()
    passed = {a[0]: value[a[0]] for a in INHERITED}
    passed |= {"image_topic": images.base, "image_transport": images.transport, **SETTLED}
    if value["rviz"] == "true" and not value["rviz_frame"]:
        # RViz is to be there before the first image is.
        passed["frame_id"] = rviz.recorded_frame(bag, images.topic, images.transport)
    include = IncludeLaunchDescription(
        PythonLaunchDescriptionSource(str(LAUNCH)), launch_arguments=passed.items()
    )
    topic = images.topic
    command = ["ros2", "bag", "play", str(bag), "--clock", "--rate", rate]
    command += ["--start-paused", "--disable-keyboard-controls"]
    command += ["--wait-for-all-acked", ACKNOWLEDGED]
    if images.transport == "compressed":
        topic = f"{images.base}/compressed"
    if topic != images.topic:
        command += ["--remap", f"{images.topic}:={topic}"]
    command += ["--loop"] * (value["loop"] == "true")
    wanted = [images.topic, images.info, *further]
    play = ExecuteProcess(
        cmd=[*command, "--topics", *filter(None, wanted)],
        output="screen",
        additional_env=EMOTION.environment(context),
        on_exit=_ended,
    )
    emotions = arguments.namespace(context, value["namespace"]).rstrip("/") + "/emotions"
    awaited = {"none": [], "emotions": [emotions], "all": [emotions, topic]}[value["record"]]
    begin = OpaqueCoroutine(coroutine=_begin, args=[topic, resume, awaited])
    return [include, play, begin]


def _rate(word):
    """The word, where it is a speed. The player would say so beside its usage, and start first."""
    with suppress(ValueError):
        if 0 < float(word) < math.inf:
            return word
    raise RuntimeError(f"rate: {word} is not a number above 0")


def _resume_service():
    require("ros2bag")
    from rosbag2_interfaces.srv import Resume  # comes with it

    return Resume


async def _begin(context, topic, resume, recorded):
    """Let the player go when emotion_node listens, and the recorder to all of ``recorded``: what is
    sent sooner is lost.
    """
    node = get_ros_node(context)
    log = get_logger("fer_ros")
    now = asyncio.get_running_loop().time
    last_report = -math.inf

    def report(message):
        nonlocal last_report
        for status in message.status:
            values = {v.key: v.value for v in status.values}
            if values.get("topic") == topic and int(values.get("publishers", 0)):
                last_report = now()

    def absent():
        """Who does not listen to what yet; empty when all do."""
        if last_report < 0:
            return f"emotion_node to listen to {topic}"
        for each in recorded:
            found = node.get_subscriptions_info_by_topic(each)
            if all(info.node_name != RECORDER for info in found):
                return f"the recorder to listen to {each}"
        return ""

    node.create_subscription(DiagnosticArray, "/diagnostics", report, 10)
    client = node.create_client(resume, f"/{PLAYER}/resume")
    patient_until = now() + PATIENCE
    ready = math.inf
    with suppress(asyncio.CancelledError):  # launch ends; it takes a cancelled task for a fault
        # A report after the pause shows that it was long enough for a machine as busy as this.
        while last_report < ready + SETTLE or not client.service_is_ready():
            await asyncio.sleep(0.1)
            who = absent()
            ready = math.inf if who else min(ready, now())
            if who and now() > patient_until:
                patient_until = math.inf
                log.warning(f"the bag waits for {who}; the lines above say why")
        client.call_async(resume.Request())


def _ended(event, context):
    """The launch ends with the bag; a failure becomes the launch's own."""
    if context.is_shutdown:
        return None
    if event.returncode:
        raise RuntimeError(f"ros2 bag play ended with exit status {event.returncode}; see above")
    # The last results are still on their way.
    return TimerAction(period=1.0, actions=[EmitEvent(event=Shutdown(reason="bag ended"))])
