# SPDX-License-Identifier: Apache-2.0
"""The site that `make docs` builds: the pages of the repository, and a reference of the modules.

Its source is the whole repository, so that a link reads the same there and where the files lie.
"""

import sys
from pathlib import Path

REPOSITORY = Path(__file__).parents[1]
sys.path.insert(0, str(REPOSITORY))

import fer_ros  # noqa: E402

project = "fer_ros"
author = "The fer_ros authors"
project_copyright = f"2026, {author}"
version = release = fer_ros.__version__

extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.autosummary", "sphinx.ext.napoleon",
              "sphinx_design"]  # fmt: skip
root_doc = "docs/index"
include_patterns = ["docs/*.md", "docs/_api/*", "*.md", "CHANGELOG.rst", "training/*.md",
                    "fer_ros/models/*.md"]  # fmt: skip
templates_path = ["docs/_templates"]
html_theme = "furo"
html_title = f"fer_ros {version}"
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_theme_options = {"source_edit_link": ""}

myst_heading_anchors = 4
myst_enable_extensions = ["colon_fence", "dollarmath"]
napoleon_use_rtype = False
napoleon_use_ivar = True

# What has a docstring of its own stands in the reference; types are read in the signatures.
autosummary_generate = True
autodoc_default_options = {"members": True, "ignore-module-all": True}
autodoc_member_order = "bysource"

# What is installed by wish is not imported to be described.
autodoc_mock_imports = ["ai_edge_litert", "av", "cv_bridge", "launch", "launch_ros"]


texts = {}  # docstrings under variables, which are text: their first colon ends no type


def note(app, what, name, target, options, lines):
    """Before Napoleon, whose priority is the default, 500."""
    if what in ("attribute", "data", "property"):
        texts[name] = list(lines)


def restore(app, what, name, target, options, lines):
    """After Napoleon."""
    lines[:] = texts.pop(name, lines)


def setup(app):
    """What Sphinx calls with the page's settings."""
    app.connect("autodoc-process-docstring", note, priority=400)
    app.connect("autodoc-process-docstring", restore, priority=600)
