# SPDX-License-Identifier: Apache-2.0
"""Camera images: from sensor_msgs fields to NumPy arrays and back, file headers, quarter turns."""
