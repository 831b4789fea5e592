# SPDX-License-Identifier: Apache-2.0
"""What comes in to emotion_node: images, the camera's calibration, depth; joined into one."""
