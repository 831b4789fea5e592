# SPDX-License-Identifier: Apache-2.0
"""The examples in docstrings do what they show."""

import doctest
import importlib

import pytest
from source_files import REPOSITORY, SOURCES

MODULES = [
    ".".join(path.relative_to(REPOSITORY).with_suffix("").parts)
    for path in SOURCES
    if ">>> " in path.read_text("utf-8")
]


@pytest.mark.parametrize("name", MODULES)
def test_examples(name):
    found = doctest.testmod(importlib.import_module(name))
    assert found.attempted
    assert not found.failed


def test_there_are_some():
    assert {"fer_ros.reader", "fer_ros.pipeline"} <= set(MODULES)
