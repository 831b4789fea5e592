# SPDX-License-Identifier: Apache-2.0
"""Which code a benchmark ran is noted as it is imported, and a change of it is told."""

import importlib
import json
import os
import subprocess
import sys

import pytest
from source_files import REPOSITORY


@pytest.fixture
def provenance(monkeypatch, tmp_path):
    monkeypatch.syspath_prepend(REPOSITORY)
    module = importlib.import_module("benchmarks.provenance")
    monkeypatch.setattr(module, "RESULTS", tmp_path)
    return module


@pytest.fixture
def stamped(provenance, tmp_path):
    """A result of a process that imported `fer_ros.stamp_clock` late, and was killed then."""
    code = "import subprocess, sys; subprocess.run([sys.executable, '-c', sys.argv[1]])"
    child = "def late():\n import fer_ros.stamp_clock\nlate()\nimport os; os.kill(os.getpid(), 9)"
    log = tmp_path / "imports"
    subprocess.run(
        [sys.executable, "-c", code, child],
        cwd=REPOSITORY,
        env=os.environ | provenance.environment(log),
        check=True,
    )
    result = tmp_path / "mine.json"
    result.write_text(json.dumps({"machine": {"commit": "abc"}, "found": 1}))
    provenance.stamp("mine", log)
    return result


def test_what_was_imported_is_noted_with_the_models(stamped):
    code = json.loads(stamped.read_text())["code"]
    assert {"fer_ros/__init__.py", "fer_ros/stamp_clock.py"} <= code.keys()
    assert "fer_ros/models/emotion_mobilenet_v2.tflite" in code
    assert "fer_ros/pipeline.py" not in code


def test_what_has_not_changed_is_said(provenance, stamped, capsys):
    assert provenance.main() == 0
    assert "mine: 0 of " in capsys.readouterr().out


def test_what_has_changed_or_gone_is_named_with_the_command(provenance, stamped, capsys):
    content = json.loads(stamped.read_text())
    content["code"] |= {"fer_ros/stamp_clock.py": "0" * 8, "fer_ros/gone.py": "1" * 8}
    stamped.write_text(json.dumps(content))
    assert provenance.main() == 1
    said = capsys.readouterr().out
    assert "mine: 2 of " in said
    assert "changed since abc\n    fer_ros/stamp_clock.py\n    fer_ros/gone.py\n" in said
    assert "run again: python -m benchmarks.bench --only mine" in said
