# SPDX-License-Identifier: Apache-2.0
"""The documentation points to what exists."""

import configparser
import re
from pathlib import Path

import pytest
import yaml

REPOSITORY = Path(__file__).parents[1]
PAGES = [*sorted(REPOSITORY.glob("docs/*.md")), REPOSITORY / "README.md",
         REPOSITORY / "CONTRIBUTING.md"]  # fmt: skip


def anchors(text):
    """The fragments under which a page's headings are linked to."""
    titles = re.findall(r"^#+ (.+)$", text, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


@pytest.mark.parametrize("page", PAGES, ids=lambda p: p.name)
def test_links_lead_somewhere(page):
    for target in re.findall(r"\]\(([^)\s]+)\)", page.read_text()):
        # What a benchmark leaves behind is on the machine that ran it, not in the repository.
        if target.startswith("https://"):
            continue
        path, _, fragment = target.partition("#")
        file = (page.parent / path) if path else page
        assert file.exists(), target
        assert not fragment or fragment in anchors(file.read_text()), target


def test_index_has_every_page():
    index = (REPOSITORY / "docs/README.md").read_text()
    for page in REPOSITORY.glob("docs/*.md"):
        assert page.name == "README.md" or f"({page.name})" in index, page.name


@pytest.mark.parametrize("page", PAGES, ids=lambda p: p.name)
def test_commands_exist(page):
    config = configparser.ConfigParser()
    config.read(REPOSITORY / "setup.cfg")
    scripts = set(re.findall(r"fer_ros-(\w+) =", config["options.entry_points"]["console_scripts"]))
    text = page.read_text()
    assert set(re.findall(r"(?:ros2 run fer_ros |fer_ros-)([a-z]\w*)", text)) <= scripts
    for launch in re.findall(r"ros2 launch fer_ros (\S+\.py)", text):
        assert (REPOSITORY / "launch" / launch).exists()
    targets = re.findall(r"^([a-z-]+):", (REPOSITORY / "Makefile").read_text(), re.MULTILINE)
    assert set(re.findall(r"^make ([a-z-]+)", text, re.MULTILINE)) <= set(targets)


@pytest.mark.parametrize("page", PAGES, ids=lambda p: p.name)
def test_launch_arguments_exist(page):
    known = set()
    for file in REPOSITORY.glob("launch/*.py"):
        known |= set(re.findall(r'^ {4}\("(\w+)", |DeclareLaunchArgument\(\s*"(\w+)"',
                                file.read_text(), re.MULTILINE))  # fmt: skip
    known = {name for pair in known for name in pair if name}
    for command in re.findall(r"ros2 launch fer_ros [^\n`]+", page.read_text()):
        assert set(re.findall(r"(\w+):=", command)) <= known, command


@pytest.mark.parametrize("name", [".pre-commit-config.yaml", ".github/workflows/ci.yml"])
def test_yaml_can_be_read(name):
    assert yaml.safe_load((REPOSITORY / name).read_text())
