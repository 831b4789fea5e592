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
    site = (REPOSITORY / "docs/index.md").read_text().split()
    for page in REPOSITORY.glob("docs/*.md"):
        assert page.stem in (*site, "index"), page.name
        if page.name not in ("README.md", "index.md", "api.md"):  # the last two: of the site
            assert f"({page.name})" in index, page.name


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


@pytest.mark.parametrize(
    "file", [REPOSITORY / ".pre-commit-config.yaml", *REPOSITORY.glob(".github/workflows/*.yml")],
    ids=lambda p: p.name,
)  # fmt: skip
def test_yaml_can_be_read(file):
    assert yaml.safe_load(file.read_text())


def test_the_model_cards_head_says_what_its_text_says(repository):
    _, head, text = (repository / "MODEL_CARD.md").read_text().split("---\n", 2)
    card = yaml.safe_load(head)
    assert (repository / card["license_link"]).is_file()
    (result,) = card["model-index"][0]["results"]
    raw, deduplicated, macro_f1 = (str(metric["value"]) for metric in result["metrics"])
    assert f"accuracy, raw (3,589 faces) | **{raw}**" in text
    assert f"no Training row) | **{deduplicated}**" in text
    assert f"macro-F1 | {float(macro_f1):.3f} |" in text


def test_readme_is_short(repository):
    assert len((repository / "README.md").read_text().split()) <= 1200


@pytest.mark.ros
def test_pictures_are_those_of_the_code(repository, monkeypatch):
    monkeypatch.syspath_prepend(repository / "docs")
    import pictures

    for name, svg in ({"nodes.svg": pictures.nodes()} | pictures.badges()).items():
        assert (repository / "docs/images" / name).read_text() == svg, name
    moving = (repository / "docs/images/demo.webp").read_bytes()
    assert moving[8:12] == b"WEBP"
    assert len(moving) < 2_000_000


PHRASES = REPOSITORY / "test/phrases.txt"
TEXTS = [
    *PAGES, *(REPOSITORY / "fer_ros").rglob("*.py"), *REPOSITORY.glob("launch/*.py"),
    *(REPOSITORY / "fer_ros/web/page").glob("*"), *REPOSITORY.glob("training/fer_training/*.py"),
    *REPOSITORY.glob("msg/*.msg"), *REPOSITORY.glob("examples/*.py"), REPOSITORY / "MODEL_CARD.md",
]  # fmt: skip


@pytest.mark.parametrize("phrase", PHRASES.read_text().splitlines())
def test_plain_english(phrase):
    """The phrases, in whatever case and broken wherever, stand in no text that users read."""
    pattern = re.compile(re.sub(r"\\? ", r"[\\s#*]+", re.escape(phrase)), re.IGNORECASE)
    for path in TEXTS:
        if path.is_file() and path.suffix in {".py", ".md", ".js", ".html", ".json", ".msg"}:
            assert not pattern.search(path.read_text("utf-8")), path
