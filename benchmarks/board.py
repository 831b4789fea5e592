# SPDX-License-Identifier: Apache-2.0
"""The tables of the leaderboard: every model on every data set."""

from benchmarks.report import describe, table


def leaderboard_table(results: dict) -> str:
    """A line for each model on each data set, the best first."""
    head = ["data", "model", "faces", "accuracy", "95 % between", "dedup.", "macro-F1", "ECE"]
    rows = []
    for name, by_model in results["sets"].items():
        for model, f in sorted(by_model.items(), key=lambda row: -row[1]["accuracy"]):
            low, high = f["intervals"]["accuracy"]
            classes = f["per_class"].values()
            rows.append([
                name, model, f["n"], f"{f['accuracy']:.2%}", f"{low:.1%} to {high:.1%}",
                f["accuracy_deduplicated"] and f"{f['accuracy_deduplicated']:.2%}",
                f["macro_f1"], f["ece"],
                *(f"{c['recall']:.2f}" if c["support"] else None for c in classes),
                results["ms_per_face"][model],
            ])  # fmt: skip
    parts = [describe(results["machine"])]
    if rows:
        parts += ["Recall under each class.", table([*head, *f["per_class"], "ms"], rows)]
    if "elsewhere" in results:
        parts += ["Balanced recall, set by set.", elsewhere_table(results)]
    return "\n\n".join(parts)


def elsewhere_table(results: dict) -> str:
    """A line for each data set and model: balanced recall first, the best model first."""
    head = ["data", "model", "faces", "balanced recall", "95 % between", "accuracy", "ECE"]
    by_set: dict[str, dict] = {}
    for model, found in results["elsewhere"].items():
        for name, f in found.items():
            by_set.setdefault(name, {})[model] = f
    rows, classes = [], ()
    for name, by_model in by_set.items():
        for model, f in sorted(by_model.items(), key=lambda row: -row[1]["balanced"]):
            low, high = f["interval"]
            classes = f.get("recall") or classes
            recall = f.get("recall") or dict.fromkeys(classes)
            rows.append([
                name, model, f["n"], f"{f['balanced']:.3f}", f"{low:.3f} to {high:.3f}",
                f"{f['accuracy']:.2%}" if "accuracy" in f else None, f["ece"],
                *(None if v is None else f"{v:.2f}" for v in recall.values()),
            ])  # fmt: skip
    return table([*head, *classes], rows)
