# SPDX-License-Identifier: Apache-2.0
"""Command lines over the pipeline and the nodes."""
