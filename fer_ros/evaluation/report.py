# SPDX-License-Identifier: Apache-2.0
"""``report.html``, which stands alone: of an evaluation, of two side by side, of a live run."""

from base64 import b64encode
from collections import defaultdict
from collections.abc import Mapping, Sequence
from html import escape
from pathlib import Path
from string import Template

import fer_ros
from fer_ros.evaluation import charts, measures
from fer_ros.evaluation.charts import percent
from fer_ros.evaluation.criteria import MEASURES, measured
from fer_ros.evaluation.labels import Labels
from fer_ros.evaluation.measures import ObservedImage
from fer_ros.evaluation.one_pass import Evaluation
from fer_ros.lines import shown

MAX_TIMELINES = 12
MIN_IMAGES = 3
"""Faces with a timeline of their own: those seen most, and in so many images at least."""
STAGES = ("decode", "detect", "classify", "track", "total")


def write_report(path: Path, evaluations: list[Evaluation]) -> None:
    """Write the report. Raises OSError."""
    first = evaluations[0]
    body = [_origin(first)]
    if len(evaluations) == 2:
        same = measures.agreement(first.observed, evaluations[1].observed)
        body.append(
            f"<p>Both give the same label to <b>{percent(same['same'])}</b> of the "
            f"{same['faces']} faces that both found.</p>"
        )
    sides = "".join(f"<section>{_side(e, len(evaluations) > 1)}</section>" for e in evaluations)
    body.append(f"<div class='sides'>{sides}</div>")
    write_page(path, first.summary["bag"], "".join(body), len(evaluations))


def write_live_report(
    path: Path, title: str, summary: dict, observed: Sequence[ObservedImage]
) -> None:
    """Write the report of what a subscriber received. Raises OSError.

    ``summary`` has at least what ``measures.figures`` gives, ``model``, and ``latency_ms`` with
    the ``age`` of results.
    """
    body = [
        f"<p><code>{escape(summary['model'])}</code></p>",
        _cards(summary, summary["latency_ms"].get("age", {}), "median latency"),
        _shares(summary),
        _timelines(observed, summary["ids"], None),
    ]
    write_page(path, title, "".join(body))


def write_page(path: Path, title: str, body: str, columns: int = 1) -> None:
    """``body``, HTML, in the frame that all reports share. Raises OSError."""
    frame = Template(Path(__file__).with_name("report.html").read_text("utf-8"))
    page = frame.substitute(
        title=escape(shown(title)), body=body, columns=columns, version=fer_ros.__version__
    )
    draft = path.with_name(f"{path.name}.part")
    draft.write_text(page, "utf-8")
    draft.replace(path)


def _origin(evaluation: Evaluation) -> str:
    s = evaluation.summary
    cut = "" if s["complete"] else " <b>Stopped before the end.</b>"
    text = (
        f"<p class='dim'><code>{escape(s['topic'])}</code> ({escape(s['type'])}), "
        f"{s['duration_s']:.1f} s, {s['images_read']} images read, {s['images']} evaluated."
        f"{cut}</p>"
    )
    if s["damage"]:
        lines = "".join(f"<p>{escape(line)}</p>" for line in s["damage"])
        text += f"<div class='damage'>{lines}</div>"
    return text


def _side(evaluation: Evaluation, compared: bool) -> str:
    s, job = evaluation.summary, evaluation.job
    set_ = ", ".join(f"{k}={v}" for k, v in s["settings"].items()) or "defaults"
    parts = [
        f"<h2>{escape(set_)}</h2>" if compared else "",
        f"<p><code>{escape(s['model'])}</code>, faces by {escape(s['detector'])}"
        f"{'' if compared else ', ' + escape(set_)}</p>",
        _cards(s, evaluation.timing["latency_ms"].get("total", {}), "median per image"),
        _shares(s),
        _timelines(evaluation.observed, s["ids"], Labels(job.labels) if job.labels else None),
    ]
    if "labels" in s:
        parts.append(against_labels(s["labels"]))
    parts.append(table_of_measures(measured([s])))
    if job.thumbnails:
        parts.append(_thumbnails(evaluation))
    parts.append(_latency(evaluation.timing))
    return "".join(parts)


def _shares(summary: dict) -> str:
    shares = summary["shares"]
    bar = charts.share_bar(shares) if shares else "<p>No face was seen.</p>"
    return f"<h2>Share of each expression</h2>{bar}{charts.legend(shares)}"


def _cards(s: dict, latency: dict, median: str) -> str:
    flips = s["flips_per_minute"]
    cards = [
        (percent(s["detection_rate"]), "of the images show a face"),
        (str(len(s["ids"])), "faces followed"),
        ("-" if flips is None else f"{flips:.1f}", "label flips a minute"),
        (percent(s["shares"].get("uncertain")), "uncertain"),
        (
            f"{latency.get('p50', 0):.1f} ms",
            f"{median}, p99 {latency.get('p99', 0):.1f} ms",
        ),
    ]
    if "labels" in s:
        cards.insert(0, (percent(s["labels"]["accuracy"]), "accuracy"))
        cards.insert(1, (_decimal(s["labels"]["macro_f1"]), "macro F1"))
    return f"<div class='cards'>{''.join(f'<div><b>{v}</b>{t}</div>' for v, t in cards)}</div>"


def _timelines(observed: Sequence[ObservedImage], ids: dict, labels: Labels | None) -> str:
    tracks = measures.tracks(observed)
    often = [i for i, track in tracks.items() if len(track) >= MIN_IMAGES]
    often = sorted(often, key=lambda i: len(tracks[i]), reverse=True)[:MAX_TIMELINES]
    span = (observed[0].time, observed[-1].time) if observed else (0, 0)
    truth: dict[int, list[tuple[float, str]]] = defaultdict(list)
    for time, face, label in measures.labelled(observed, labels) if labels else ():
        if face:
            truth[face.id].append((time, label.expression))
    parts = ["<h2>Each face over time</h2>"]
    parts.append(
        "<p class='dim'>Smoothed probabilities; under them the published label"
        + (", and under that the label given by hand" if labels else "")
        + ". Seconds since the recording's start.</p>"
    )
    for number in sorted(often):
        about = ids[str(number)]
        parts.append(
            f"<h3>Face {number}: {about['dominant']} in {percent(about['share'])} of "
            f"{about['faces']} images</h3>"
        )
        parts.append(charts.timeline(tracks[number], span, truth[number]))
    if len(tracks) > len(often):
        parts.append(f"<p>Not drawn, seen more briefly: {len(tracks) - len(often)}.</p>")
    return "".join(parts)


def against_labels(scores: dict) -> str:
    """Accuracy, macro F1 and the confusion matrix as HTML; ``scores`` as measures gives them."""
    return (
        f"<h2>Against the labels</h2><p>{scores['labelled']} labelled faces: accuracy "
        f"{percent(scores['accuracy'])}, macro F1 {_decimal(scores['macro_f1'])}. "
        "<span class='dim'>uncertain and no face count as wrong.</span></p>"
        f"<div class='scroll'>{charts.confusion_table(scores)}</div>"
    )


def table_of_measures(found: Mapping[str, float | None]) -> str:
    """What ``--require`` can ask for and what it is here, as HTML; ``found``: as criteria gives
    it.
    """
    rows = "".join(
        f"<tr><th>{name}</th><td>{'-' if value is None else f'{value:g}'}</td>"
        f"<td class='dim'>{escape(MEASURES[name])}</td></tr>"
        for name, value in found.items()
    )
    return f"<h2>Figures for --require</h2><table class='measures'>{rows}</table>"


def _thumbnails(evaluation: Evaluation) -> str:
    figures = "".join(
        f"<figure><img alt='face {number}' src='data:image/jpeg;base64,"
        f"{b64encode(data).decode()}'><figcaption>{number}: {label}</figcaption></figure>"
        for (number, label), data in sorted(evaluation.pictures.items())
    )
    return f"<h2>Faces</h2><p>The surest of each face and label.</p>{figures}"


def _latency(timing: dict) -> str:
    stages = [s for s in STAGES if s in timing["latency_ms"]]
    names = list(timing["latency_ms"]["total"]) if stages else []
    head = "".join(f"<th>{'median' if n == 'p50' else n}</th>" for n in names)
    rows = "".join(
        f"<tr><th>{stage}</th>"
        + "".join(f"<td>{timing['latency_ms'][stage][n]:.2f}</td>" for n in names)
        + "</tr>"
        for stage in stages
    )
    return (
        f"<h2>Time for an image, ms</h2><table><tr><th></th>{head}</tr>{rows}</table>"
        f"<p class='dim'>{timing['images_per_second']} images a second, writing included, "
        f"on {timing['cpus']} cores ({escape(timing['machine'])}).</p>"
    )


def _decimal(value: float | None) -> str:
    return "-" if value is None else f"{value:.3f}"
