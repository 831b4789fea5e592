# SPDX-License-Identifier: Apache-2.0
"""A camera (or video) and emotion_node: ``ros2 launch fer_ros emotion.launch.py --show-args``."""

from pathlib import Path

from launch import LaunchDescription
from launch.actions import OpaqueFunction
from launch.logging import get_logger, launch_config
from launch.substitutions import LaunchConfiguration
from launch_ros.actions import Node
from launch_ros.parameter_descriptions import ParameterValue

from fer_ros.faces.detectors import NAMES as DETECTORS
from fer_ros.launching import arguments, rviz
from fer_ros.launching.arguments import BOOL
from fer_ros.launching.ends import Ends
from fer_ros.launching.installed import require
from fer_ros.runtime import dds

SHARE = Path(__file__).parents[1]

ARGUMENTS = (
    # name, default, choices, description
    ("camera", "usb_cam", ("usb_cam", "v4l2_camera", "video", "none"),
     "Who publishes the images: a camera driver, fer_ros' own video_source, or none of these."),
    ("video_device", "/dev/video0", None, "Device of usb_cam or v4l2_camera."),
    ("pixel_format", "", None,
     "Format asked of the device, such as yuyv or mjpeg2rgb (usb_cam), YUYV (v4l2_camera); "
     "empty: the driver's default."),
    ("source", "", None,
     "With camera:=video: camera index, video file, folder of pictures, URL, or sample; empty: as "
     "params_file says."),
    ("frame_id", "", None,
     "Frame of the images, one for each camera; empty: as params_file says."),
    ("image_topic", "image_raw", None, "Topic of the raw images; compressed ones lie under it."),
    ("image_transport", "", ("", "raw", "compressed"),
     "What emotion_node subscribes to; empty: as params_file says."),
    ("transport", "udp", dds.TRANSPORTS,
     "How images travel: udp with large buffers, or shm, shared memory, in every process that "
     "takes part. Set for the nodes started here, unless you have a Fast DDS profile of your own."),
    ("namespace", "", None, "Namespace of all nodes and topics."),
    ("params_file", str(SHARE / "config" / "emotion.yaml"), None,
     "Parameters of the nodes: a copy of the default file with your changes."),
    ("detector", "", ("", *DETECTORS),
     "Face detector; empty: as params_file says."),
    ("detector_model", "", None,
     "File for the detector, such as YuNet's .onnx; empty: as params_file says."),
    ("model", "", None, "Expression model with its card, or small; empty: as params_file says."),
    ("depth_topic", "", None,
     "Depth images aligned to the camera's, that tell distances; empty: as params_file says."),
    ("ros4hri", "", ("", *BOOL),
     "Also publish the faces as REP 155 (ROS4HRI) has them, on humans/faces; needs hri_msgs; "
     "empty: as params_file says."),
    ("detections", "", ("", *BOOL),
     "Also publish the faces as vision_msgs/Detection2DArray on detections; needs vision_msgs; "
     "empty: as params_file says."),
    ("face_frames", "", ("", *BOOL),
     "Also publish a TF frame for each face; needs tf2_msgs and a calibrated camera; empty: as "
     "params_file says."),
    ("record", "none", ("none", "emotions", "all"),
     "Record a bag: emotions stores results and never images, all stores the images too (mind "
     "the people in them)."),
    ("record_to", "", None,
     "New folder for the bag; empty: recordings/emotions_DATE_TIME, the namespace behind it, "
     "where the launch was started."),
    ("respawn", "false", BOOL, "Start emotion_node, camera, web_view again 2 s after they ended."),
    ("exit_on_failure", "", ("", *BOOL),
     "Whether emotion_node ends when it cannot load its model or detector; empty: as params_file "
     "says."),
    ("on_exit", "ignore", ("ignore", "shutdown"),
     "Whether the end of emotion_node or of the camera ends the launch, and what includes it; a "
     "failure shows in the exit status in any case."),
    ("web", "false", BOOL,
     "Show it in a browser on http://127.0.0.1:8080/: see web_view in params_file."),
    ("rviz", "false", BOOL, "Open RViz with annotated image, markers and the node's state."),
    ("rviz_frame", "", None,
     "RViz' fixed frame, such as base_link, seen from behind the robot; empty: that of the first "
     "image, seen from the camera."),
    ("use_sim_time", "false", BOOL, "Take the time from /clock, as when a bag is played."),
    ("autostart", "", ("", *BOOL),
     "Whether emotion_node activates itself; empty: as params_file says."),
    ("log_level", "info", ("debug", "info", "warn", "error", "fatal"), "Level of the nodes' logs."),
)  # fmt: skip

CAMERAS = {  # argument: package, executable, the driver's parameter for the frame, node
    "usb_cam": ("usb_cam", "usb_cam_node_exe", "frame_id", "usb_cam"),
    "v4l2_camera": ("v4l2_camera", "v4l2_camera_node", "camera_frame_id", "v4l2_camera"),
    "video": ("fer_ros", "video_source", "frame_id", "video_source"),
}


def generate_launch_description():
    """Declare the arguments, then start the nodes that they ask for."""
    declared = map(arguments.declare, ARGUMENTS)
    return LaunchDescription([*declared, OpaqueFunction(function=_nodes)])


def environment(context):
    """What the argument ``transport`` adds to the environment of a process."""
    transport = LaunchConfiguration("transport").perform(context)
    work = Path(launch_config.log_dir)
    return dds.environment(transport, SHARE / "config", work, context.environment)


def _nodes(context):
    arguments.check(context, Path(__file__), ARGUMENTS)
    value = arguments.values(context, ARGUMENTS)
    if not Path(value["params_file"]).is_file():
        raise RuntimeError(f"params_file: no file {value['params_file']}")
    common = {
        "namespace": value["namespace"],
        "remappings": [("image_raw", value["image_topic"])],
        "arguments": ["--ros-args", "--log-level", value["log_level"]],
        "output": "screen",
        # On these nodes alone: a launch file that includes this one has nodes of its own.
        "additional_env": environment(context),
    }
    lasting = {"respawn": value["respawn"] == "true", "respawn_delay": 2.0}
    parameters = [value["params_file"], {"use_sim_time": value["use_sim_time"] == "true"}]

    # Only what was given: an argument left out must not hide what the file says.
    texts = ("image_transport", "detector", "detector_model", "model", "depth_topic")
    given = {k: value[k] for k in texts if value[k]}
    own = {k: ParameterValue(v, value_type=str) for k, v in given.items()}
    switches = ("autostart", "exit_on_failure", "ros4hri", "detections", "face_frames")
    own |= {k: value[k] == "true" for k in switches if value[k]}
    emotion = Node(
        package="fer_ros",
        executable="emotion_node",
        name="emotion_node",
        parameters=[*parameters, own],
        **common,
        **lasting,
    )
    ends = Ends(value["respawn"] == "true", value["on_exit"] == "shutdown")
    actions = [*ends.at_shutdown(), emotion, ends.of(emotion, "emotion_node")]
    if value["camera"] != "none":
        camera = _camera(value, parameters, common | lasting)
        actions += [camera, ends.of(camera, CAMERAS[value["camera"]][1])]
    if value["record"] != "none":
        recorder = _recorder(value, common)
        actions += [recorder, ends.of(recorder, "record", is_needed=False, is_lasting=False)]
    if value["web"] == "true":
        view = Node(
            package="fer_ros",
            executable="web_view",
            parameters=parameters,
            **common,
            **lasting,
        )
        actions += [view, ends.of(view, "web_view", is_needed=False)]
    if value["rviz"] == "true":
        require("rviz2", "or leave out rviz:=true")
        config = SHARE / "config" / "emotion.rviz"
        namespace = arguments.namespace(context, value["namespace"])
        actions += rviz.actions(value, namespace, config, common["additional_env"])
    void = dds.void_profile(context.environment)
    if void:
        get_logger("fer_ros").warning(void)
    return actions


def _camera(value, parameters, common):
    package, executable, frame, name = CAMERAS[value["camera"]]
    require(package, "or try camera:=video, which needs no driver")
    settings = {}
    if value["frame_id"]:
        settings[frame] = ParameterValue(value["frame_id"], value_type=str)
    device = value["video_device"]
    if value["camera"] != "video" and not Path(device).exists():
        found = ", ".join(sorted(map(str, Path("/dev").glob("video*")))) or "no camera"
        get_logger("fer_ros").warning(
            f"video_device {device} is absent ({found} found): plug the camera in, name another by "
            "video_device:=, or try camera:=video, which needs no camera"
        )
    if value["camera"] != "video":
        settings["video_device"] = device
        if value["pixel_format"]:
            settings["pixel_format"] = value["pixel_format"]
    elif value["source"]:
        settings["source"] = ParameterValue(value["source"], value_type=str)
    return Node(
        package=package,
        executable=executable,
        name=name,
        parameters=[*parameters, settings],
        **common,
    )


def _recorder(value, common):
    """A full disk ends this node alone; it says so and closes its bag."""
    if value["record_to"] and Path(value["record_to"]).exists():
        raise RuntimeError(f"record_to: {value['record_to']} exists: name a new folder")
    words = ["--all"] if value["record"] == "all" else []
    words += ["--out", value["record_to"]] if value["record_to"] else []
    return Node(
        package="fer_ros",
        executable="record",
        parameters=[{"use_sim_time": value["use_sim_time"] == "true"}],
        **common | {"arguments": words + common["arguments"]},
    )
