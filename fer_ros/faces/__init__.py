# SPDX-License-Identifier: Apache-2.0
"""Faces in an image: detectors, the crop for the classifier, ids over time."""
