# SPDX-License-Identifier: Apache-2.0
"""Expressions of a face: the classes, the model and its card, smoothing over time."""
