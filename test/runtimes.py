# SPDX-License-Identifier: Apache-2.0
"""What a test needs to run networks with."""

from importlib.util import find_spec

import pytest

litert = pytest.mark.skipif(
    not find_spec("ai_edge_litert"), reason="ai-edge-litert is not installed"
)
