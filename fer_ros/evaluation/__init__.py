# SPDX-License-Identifier: Apache-2.0
"""What a recording says: one pass of the pipeline over it, measures, reports."""
