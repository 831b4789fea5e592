# SPDX-License-Identifier: Apache-2.0
"""A rosbag played into emotion_node, on the bag's own clock.

``ros2 launch fer_ros replay.launch.py bag:=PATH image_topic:=/camera/image_raw``; every argument
of emotion.launch.py but camera, source and use_sim_time may be given too.
"""

from pathlib import Path

from ament_index_python.packages import get_package_share_directory
from launch.actions import (
    DeclareLaunchArgument,
    EmitEvent,
    ExecuteProcess,
    IncludeLaunchDescription,
    OpaqueFunction,
    TimerAction,
)
from launch.events import Shutdown
from launch.launch_description_sources import PythonLaunchDescriptionSource
from launch.substitutions import LaunchConfiguration

from launch import LaunchDescription

LAUNCH = Path(get_package_share_directory("fer_ros")) / "launch" / "emotion.launch.py"


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
            IncludeLaunchDescription(
                PythonLaunchDescriptionSource(str(LAUNCH)),
                launch_arguments={"camera": "none", "use_sim_time": "true"}.items(),
            ),
            OpaqueFunction(function=_play),
        ]
    )


def _play(context):
    bag, rate, loop = (
        LaunchConfiguration(name).perform(context) for name in ("bag", "rate", "loop")
    )
    if not Path(bag).exists():
        raise RuntimeError(f"bag: no file or folder {bag}")
    command = ["ros2", "bag", "play", bag, "--clock", "--rate", rate]
    play = ExecuteProcess(
        cmd=[*command, "--loop"] if loop == "true" else command,
        output="screen",
        # The last results are still on their way when the bag has ended.
        on_exit=[TimerAction(period=1.0, actions=[EmitEvent(event=Shutdown(reason="bag ended"))])],
    )
    # Images of the time before emotion_node listens would be lost.
    return [TimerAction(period=2.0, actions=[play])]
