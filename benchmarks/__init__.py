# SPDX-License-Identifier: Apache-2.0
"""Measurements of fer_ros; README.md says which. Run from the repository, by ``python -m``."""
