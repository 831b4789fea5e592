# SPDX-License-Identifier: Apache-2.0
"""The tables of docs/parameters.md.

``python -m fer_ros.parameters.page docs/parameters.md`` writes those of that page anew; without a
page it prints them.
"""

import sys
from collections.abc import Sequence
from pathlib import Path

from fer_ros.parameters import EMOTION_NODE, EXPRESSION_NODE, VIDEO_SOURCE, WEB_VIEW, Parameter

TABLES = {
    "emotion_node": EMOTION_NODE,
    "expression_node": EXPRESSION_NODE,
    "video_source": VIDEO_SOURCE,
    "web_view": WEB_VIEW,
}


def markdown(table: Sequence[Parameter]) -> str:
    """The table as docs/parameters.md has it."""
    lines = ["| parameter | default | values | live | |", "|---|---|---|---|---|"]
    for row in table:
        default = str(row.default).lower() if isinstance(row.default, bool) else str(row.default)
        if row.choices:
            values = ", ".join(f"`{c}`" for c in row.choices)
        elif row.range:
            values = f"{row.range[0]} to {row.range[1]}"
            values += f" {row.unit}" if row.unit else ""
        else:
            values = {bool: "`true`, `false`", str: "text"}.get(type(row.default), "")
        live = "yes" if row.live else "at the start alone" if row.read_only else ""
        lines.append(f"| `{row.name}` | `{default}` | {values} | {live} | {row.description} |")
    return "\n".join(lines)


def main(page: str = "") -> None:
    """Write the tables between the marks of a page, or print them."""
    text = Path(page).read_text("utf-8") if page else ""
    for node, rows in TABLES.items():
        if not page:
            print(f"### {node}\n\n{markdown(rows)}\n")
        before, mark, rest = text.partition(f"<!-- parameters: {node} -->\n")
        text = f"{before}{mark}{markdown(rows)}\n{rest[rest.find('<!-- end -->') :]}"
    if page:
        Path(page).write_text(text, "utf-8")


if __name__ == "__main__":
    main(*sys.argv[1:2])
