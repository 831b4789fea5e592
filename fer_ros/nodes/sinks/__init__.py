# SPDX-License-Identifier: Apache-2.0
"""What emotion_node publishes, one file for each output."""
