# SPDX-License-Identifier: Apache-2.0
"""A rosbag played into emotion_node, on the bag's own clock.

``ros2 launch fer_ros replay.launch.py bag:=PATH image_topic:=/camera/image_raw``; every argument
of emotion.launch.py but camera, source and use_sim_time may be given too. For figures, and for
the same result each time, evaluate the bag instead: ``ros2 run fer_ros evaluate_bag PATH``.
"""

import os
from pathlib import Path

from ament_index_python.packages import PackageNotFoundError, get_package_prefix
from launch import LaunchDescription
from launch.actions import (
    DeclareLaunchArgument,
    EmitEvent,
    ExecuteProcess,
    IncludeLaunchDescription,
    OpaqueFunction,
    TimerAction,
)
from launch.events import Shutdown
from launch.launch_description_sources import (
    PythonLaunchDescriptionSource,
    load_python_launch_file_as_module,
)
from launch.substitutions import LaunchConfiguration

LAUNCH = Path(__file__).with_name("emotion.launch.py")
EMOTION = load_python_launch_file_as_module(str(LAUNCH))


def generate_launch_description():
    """emotion_node first, then the bag; the launch ends when the bag does."""
    return LaunchDescription(
        [
            DeclareLaunchArgument("bag", description="Folder or file of the bag."),
            DeclareLaunchArgument("rate", default_value="1.0", description="Speed of playing."),
            DeclareLaunchArgument(
                "loop",
                default_value="false",
                choices=["true", "false"],
                description="Begin again at the bag's end.",
            ),
            OpaqueFunction(function=_check),
            IncludeLaunchDescription(
                PythonLaunchDescriptionSource(str(LAUNCH)),
                launch_arguments={"camera": "none", "use_sim_time": "true"}.items(),
            ),
            OpaqueFunction(function=_play),
        ]
    )


def _check(context):
    """Before anything is started."""
    bag = LaunchConfiguration("bag").perform(context)
    if not Path(bag).exists():
        raise RuntimeError(f"bag: no file or folder {bag}")
    try:
        get_package_prefix("ros2bag")
    except PackageNotFoundError:
        apt = f"ros-{os.environ.get('ROS_DISTRO', 'jazzy')}-ros2bag"
        raise RuntimeError(f"ros2bag is not installed: apt install {apt}") from None


def _play(context):
    bag, rate, loop = (
        LaunchConfiguration(name).perform(context) for name in ("bag", "rate", "loop")
    )
    command = ["ros2", "bag", "play", bag, "--clock", "--rate", rate]
    play = ExecuteProcess(
        cmd=[*command, "--loop"] if loop == "true" else command,
        output="screen",
        additional_env=EMOTION.environment(context),
        on_exit=_ended,
    )
    # Images of the time before emotion_node listens would be lost.
    return [TimerAction(period=2.0, actions=[play])]


def _ended(event, context):
    """The launch ends with the bag; a failure becomes the launch's own."""
    if context.is_shutdown:
        return None
    if event.returncode:
        raise RuntimeError(f"ros2 bag play ended with exit status {event.returncode}; see above")
    # The last results are still on their way.
    return TimerAction(period=1.0, actions=[EmitEvent(event=Shutdown(reason="bag ended"))])
