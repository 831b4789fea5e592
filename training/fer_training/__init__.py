# SPDX-License-Identifier: Apache-2.0
"""Train, evaluate and export the facial-expression model that fer_ros runs."""

__version__ = "1.0.0"
