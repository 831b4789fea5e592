# SPDX-License-Identifier: Apache-2.0
"""One table over many evaluations: ``summary.csv`` and ``report.html``."""

import csv
import os
from html import escape
from pathlib import Path
from urllib.parse import quote

import numpy as np

from fer_ros.evaluation import charts, measures
from fer_ros.evaluation.criteria import measured
from fer_ros.evaluation.measures import LABELS
from fer_ros.evaluation.report import against_labels, table_of_measures, write_page
from fer_ros.lines import shown

_SHARES = {"detection_rate", "accuracy", *LABELS}
_FIGURES = ("duration_s", "images", "detection_rate", "faces", "flips_per_minute")
COLUMNS = ("bag", "status", *_FIGURES, "ids", *LABELS, "labelled", "accuracy", "macro_f1")


def write_overview(folder: Path, title: str, summaries: dict[str, dict]) -> None:
    """Write both files; ``summaries``: by name, as evaluate_one gives them. Raises OSError."""
    rows = [_row(name, summary) for name, summary in summaries.items()]
    draft = folder / "summary.csv.part"
    with draft.open("w", newline="", encoding="utf-8") as file:
        table = csv.DictWriter(file, COLUMNS, restval="", lineterminator="\n")
        table.writeheader()
        table.writerows(row | {"bag": shown(row["bag"])} for row in rows)
    draft.replace(folder / "summary.csv")
    head = "".join(f"<th>{escape(c.replace('_', ' '))}</th>" for c in COLUMNS)
    lines = "".join(_line(row) for row in rows)
    count = "1 recording" if len(rows) == 1 else f"{len(rows)} recordings"
    body = f"<p>{count}.</p>{_totals(summaries)}<h2>Each recording</h2>"
    body += f"<div class='scroll'><table class='many'><tr>{head}</tr>{lines}</table></div>"
    write_page(folder / "report.html", title, body)


def _row(name: str, summary: dict) -> dict:
    if "failure" in summary:
        return {"bag": name, "status": summary["failure"]}
    scores = summary.get("labels", {})
    return {
        "bag": name,
        "status": "damaged" if summary["damage"] else "whole",
        **{key: summary[key] for key in _FIGURES},
        "ids": len(summary["ids"]),
        **summary["shares"],
        **{key: scores.get(key, "") for key in ("labelled", "accuracy", "macro_f1")},
    }


def _line(row: dict) -> str:
    name = escape(shown(row["bag"]))
    is_there = row["status"] in ("whole", "damaged")
    link = f"{quote(os.fsencode(row['bag']))}/report.html"
    first = f"<a href='{link}'>{name}</a>" if is_there else name
    cells = "".join(f"<td>{_text(column, row.get(column))}</td>" for column in COLUMNS[1:])
    return f"<tr><td>{first}</td>{cells}</tr>"


def _text(column: str, value) -> str:
    if value is None or value == "":
        return ""
    if column in _SHARES:
        return charts.percent(value)
    return escape(f"{value:.3g}" if isinstance(value, float) else str(value))


def _totals(summaries: dict[str, dict]) -> str:
    """Shares over all faces, and all labels against all answers."""
    good = [s for s in summaries.values() if "failure" not in s]
    faces = sum(s["faces"] for s in good)
    shares = {
        name: sum(s["shares"].get(name, 0) * s["faces"] for s in good) / faces
        for name in (LABELS if faces else ())
    }
    text = "<h2>Share of each expression</h2>" + charts.share_bar(shares) + charts.legend(shares)
    counts = [np.array(s["labels"]["confusion"]) for s in good if "labels" in s]
    text += against_labels(measures.scores(np.sum(counts, axis=0))) if counts else ""
    return text + table_of_measures(measured(good))
