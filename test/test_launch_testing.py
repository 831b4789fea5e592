# SPDX-License-Identifier: Apache-2.0
"""emotion.launch.py under launch_testing: run, heard while it runs, and ended."""

import os
import unittest
from pathlib import Path

import pytest

pytest.importorskip("launch_testing", reason="launch is not installed: it does not come as a wheel")

import launch_testing
import rclpy
from launch import LaunchDescription
from launch.actions import (
    IncludeLaunchDescription,
    PopEnvironment,
    PushEnvironment,
    SetEnvironmentVariable,
)
from launch.launch_description_sources import PythonLaunchDescriptionSource
from node_helpers import PYTHONPATH, Bench

REPOSITORY = Path(__file__).parents[1]
BEFORE = os.environ.get("PYTHONPATH")


@pytest.mark.launch_test
def generate_test_description():
    return LaunchDescription(
        [
            # Launch changes the environment of this very process, where other tests run later.
            PushEnvironment(),
            SetEnvironmentVariable("PYTHONPATH", PYTHONPATH),
            IncludeLaunchDescription(
                PythonLaunchDescriptionSource(str(REPOSITORY / "launch/emotion.launch.py")),
                launch_arguments={"camera": "video", "source": "sample"}.items(),
            ),
            PopEnvironment(),
            launch_testing.actions.ReadyToTest(),
        ]
    )


class TestWhileItRuns(unittest.TestCase):
    def test_environment_of_the_tests_is_left_alone(self):
        assert os.environ.get("PYTHONPATH") == BEFORE

    def test_results(self, proc_output):
        proc_output.assertWaitFor("listening to /image_raw", timeout=20)
        context = rclpy.Context()
        context.init()
        bench = Bench(context)
        try:
            bench.until(lambda: any(r.faces for r in bench.results))
        finally:
            bench.close()
            context.try_shutdown()


@launch_testing.post_shutdown_test()
class TestAfterItsEnd(unittest.TestCase):
    def test_exit_status(self, proc_info):
        launch_testing.asserts.assertExitCodes(proc_info)
