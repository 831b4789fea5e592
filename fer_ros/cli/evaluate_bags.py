# SPDX-License-Identifier: Apache-2.0
"""``evaluate_bags``: every recording in a folder, on all cores of this machine or of many.

Uses dask.distributed. Run again, it takes up where it was stopped. Exit status: 0; 1 when a bag
could not be evaluated or after one line that says what failed; 2 for wrong arguments; 3 when a bag
is damaged and only a part could be evaluated; 4 when something required is not met over all bags;
130 after Ctrl-C, 143 after SIGTERM.
"""

if __name__ == "__main__":  # before the imports below: they take a second, and signals are obeyed
    from fer_ros.start import evaluate_bags

    raise SystemExit(evaluate_bags())

import contextlib
import hashlib
import json
import os
import sys
from importlib.util import find_spec
from pathlib import Path

import fer_ros
from fer_ros import start
from fer_ros.cli.bag_options import (
    COMMON,
    REQUIRED,
    failing,
    make_parameters,
    make_parser,
    unmet,
)
from fer_ros.cli.cluster import ClusterError, connected
from fer_ros.command_line import number, to_path
from fer_ros.emotions.model_card import sha256_of
from fer_ros.evaluation.criteria import parse
from fer_ros.lines import fault, shown
from fer_ros.parameters import ANALYSIS, build_pipeline
from fer_ros.parameters.parameter import differences
from fer_ros.runtime.child import python_command, safe_environment
from fer_ros.runtime.private import private
from fer_ros.runtime.replacing import HIDDEN, locked, replacing
from fer_ros.runtime.settings_files import SettingsError, load

EXAMPLES = f"""examples:
  %(prog)s recordings                             every bag under that folder
  %(prog)s recordings --labels labels             with labels/NAME.csv for the bag NAME
  %(prog)s recordings --workers 2 --stride 5
  %(prog)s recordings --require "coverage>=0.6"   a test: exit status 4 when missed
  %(prog)s recordings --scheduler tls://host:8786 \\
      --tls-ca ca.pem --tls-cert my.pem --tls-key my_key.pem
                                                  on a cluster whose workers see the same files

leaves in the folder given by --out:
  report.html    one table for all, with a link to the report of each
  summary.csv    the same table
  NAME/          for each bag what evaluate_bag leaves

A bag that the same fer_ros, model, detector and parameters evaluated is not evaluated again.
Exit status 3: a bag is damaged, and what is whole in it was evaluated.

{REQUIRED}"""


NEEDED = {"complete", "bag", "images", "faces", "ids", "shares", "damage", "duration_s"}
"""Without these it is no summary."""
TLS = {
    "ca": "who vouches for scheduler and workers",
    "cert": "this machine's certificate",
    "key": "its key",
}


def main(argv=None) -> int:
    """Evaluate many bags; see ``--help``."""
    if argv is None and sys.modules["__main__"].__spec__ is None:
        # Worker processes import the main module again: it must not be a script that starts this.
        command = python_command("fer_ros.cli.evaluate_bags", *sys.argv[1:])
        os.execve(sys.executable, command, safe_environment())
    parser = make_parser("fer_ros-evaluate_bags", __doc__.partition("\n")[0], EXAMPLES)
    add = parser.add_argument
    add("folder", type=to_path, metavar="DIR", help="folder of recordings, at any depth")
    add(
        "--labels", type=to_path, metavar="DIR", help="folder of labels by hand, NAME.csv for a bag"
    )
    add("--scheduler", default="", metavar="ADDRESS",
        help="a running dask scheduler, tls://HOST:8786 (default: this machine)")  # fmt: skip
    for name, what in TLS.items():
        add(f"--tls-{name}", default="", metavar="FILE", help=f"for tls://: {what}, PEM")
    add("--workers", type=number(int, 1), default=os.cpu_count(), help="processes (%(default)s)")
    options = parser.parse_args(argv)
    if find_spec("distributed") is None:
        print('evaluate_bags: missing: pip install "dask[distributed]"', file=sys.stderr)
        return 1
    start.interrupt()
    with private(options.shared), failing("evaluate_bags", ClusterError) as outcome:
        outcome.status = _evaluate(options)
    return outcome.status


REUSED = "reused"
"""Set in the summary of a bag whose earlier results hold still; not written."""


def find_bags(folder: Path) -> dict[str, Path]:
    """Every recording under ``folder`` by its path in it, as a name: folders with metadata.yaml,
    and files outside of such. What demo and evaluate_bag have left in folders of their own is none.
    Raises BagError when there is none, or when two have one name.
    """
    from fer_ros.bags.reading import SUFFIXES, BagError
    from fer_ros.evaluation.result_folder import is_summary

    paths = []
    for place, folders, files in os.walk(folder):
        folders[:] = [name for name in folders if not name.startswith(HIDDEN)]
        if Path(place) != folder and is_summary(Path(place, "summary.json")):
            folders.clear()  # of results
        elif "metadata.yaml" in files:
            paths.append(Path(place))
            folders.clear()
        else:
            paths += [Path(place, f) for f in files if Path(f).suffix in SUFFIXES]
    if not paths:
        raise BagError(f"{folder}: no bag in it: no metadata.yaml, {', '.join(SUFFIXES)}")
    found: dict[str, Path] = {}
    for path in sorted(paths):
        name = "__".join(path.relative_to(folder).parts or [path.resolve().name])
        if name in found:
            raise BagError(f"{found[name]} and {path} both become {name}: rename one of them")
        found[name] = path
    return dict(sorted(found.items()))


def evaluate_one(job, folder: Path, inputs: dict, shared: bool = False) -> dict:
    """One bag into ``folder``, on a worker; its summary with ``inputs``, or ``{"failure": ...}``.

    What is there already and was made of the same inputs is taken as it is.
    """
    from fer_ros.evaluation.one_pass import evaluate
    from fer_ros.evaluation.report import write_report
    from fer_ros.evaluation.result_folder import RESULTS, check_folder, write_json

    path = folder / "summary.json"
    if known := _known(path, inputs):
        return known | {REUSED: True}
    try:
        check_folder(folder, job.bag)
        with private(shared), replacing(folder, RESULTS) as draft:
            evaluation = evaluate(job, draft.path, log=lambda _: None)
            write_report(draft.path / "report.html", [evaluation])
            summary = evaluation.summary | {"inputs": inputs}
            write_json(draft.path / "summary.json", summary)
            draft.commit()
    except Exception as error:  # one bag that fails, whatever it is, must not end the others
        return {"failure": fault(error)}
    return summary


def _known(path: Path, inputs: dict) -> dict:
    """The summary that an earlier run made of the same inputs; empty where there is none."""
    with contextlib.suppress(OSError, SettingsError):
        known = load(path, json.loads)
        if isinstance(known, dict) and known.get("inputs") == inputs and known.keys() >= NEEDED:
            return known
    return {}


def _evaluate(options) -> int:
    from tqdm import tqdm

    from fer_ros.bags.reading import BagError
    from fer_ros.evaluation.labels import LabelsError
    from fer_ros.evaluation.one_pass import Job
    from fer_ros.evaluation.overview import write_overview

    criteria = parse(options.require, labels=options.labels is not None)
    parameters = make_parameters(options)
    pipeline = build_pipeline(parameters)  # fails now, not on every worker
    made_by = {
        "version": fer_ros.__version__,
        "code": _digest_of_code(),
        "model": pipeline.classifier.card.sha256,
        "detector": pipeline.detector.name,
        "detector_file": sha256_of(pipeline.detector.model_path),
    }
    if not options.folder.is_dir():
        raise BagError(f"no such folder: {options.folder}")
    if options.labels and not options.labels.is_dir():
        raise LabelsError(f"no such folder of labels: {options.labels}")
    out = options.out or Path(f"{options.folder.resolve().name}_emotions")
    jobs = {}
    for name, bag in find_bags(options.folder).items():
        if bag.resolve().is_relative_to(out.resolve()):
            continue  # of an earlier run
        labels = options.labels and options.labels / f"{name}.csv"
        jobs[name] = Job(
            bag=bag.resolve(),
            labels=labels.resolve() if labels and labels.is_file() else None,
            parameters=parameters,
            **{key: getattr(options, key) for key in COMMON},
        )
    if options.labels:
        count = sum(job.labels is not None for job in jobs.values())
        print(f"{count} of {len(jobs)} bags have labels")
    summaries: dict[str, dict] = {}
    inputs = _all_inputs(jobs, made_by, summaries)
    certificates = options.tls_ca, options.tls_cert, options.tls_key
    connection = connected(options.scheduler, options.workers, certificates)
    with locked(out), connection as client:
        from distributed import as_completed

        futures = {
            client.submit(
                evaluate_one, jobs[name], out.resolve() / name, given, options.shared, pure=False
            ): name
            for name, given in inputs.items()
        }
        bar = tqdm(total=len(futures), unit=" bags", disable=None)
        try:
            for future in as_completed(futures):
                name = futures[future]
                summaries[name] = _result(future)
                bar.update()
                bar.write(_line(name, summaries[name]))
                write_overview(out, options.folder.resolve().name, dict(sorted(summaries.items())))
        finally:
            bar.close()
    good = [s for s in summaries.values() if "failure" not in s]
    failed = len(summaries) - len(good)
    print(f"\n{len(good)} of {len(jobs)} bags evaluated")
    print(f"Look at {shown(out / 'report.html')}\n        {shown(out / 'summary.csv')}")
    missed = unmet("evaluate_bags", criteria, good)
    if failed:
        return 1
    if missed:
        return 4
    return 3 if any(s["damage"] for s in good) else 0


def _result(future) -> dict:
    """What the worker gave; a worker that died under a bag is that bag's failure."""
    error = future.exception()
    return {"failure": f"its worker died: {error}"} if error else future.result()


def _all_inputs(jobs: dict, made_by: dict, summaries: dict[str, dict]) -> dict[str, dict]:
    """What each job works on and how; one that cannot be looked at is a failure in ``summaries``,
    and does not end the others.
    """
    from fer_ros.bags.reading import BagError

    found = {}
    for name, job in jobs.items():
        try:
            found[name] = _inputs(job) | made_by
        except (BagError, OSError) as error:
            summaries[name] = {"failure": fault(error)}
    return found


def _inputs(job) -> dict:
    """What a job works on and how."""
    from fer_ros.bags.reading import bag_files

    files = (*bag_files(job.bag), *([job.labels] if job.labels else []))
    return {
        "files": {f.name: [f.stat().st_size, f.stat().st_mtime_ns] for f in files},
        "settings": differences(job.parameters, ANALYSIS),
        **{key: str(getattr(job, key)) for key in COMMON},
    }


def _digest_of_code() -> str:
    """Hexadecimal sha256 of every module of fer_ros and its name."""
    root = Path(fer_ros.__file__).parent
    digest = hashlib.sha256()
    for path in sorted(root.rglob("*.py")):
        digest.update(f"{path.relative_to(root)} {sha256_of(path)}\n".encode())
    return digest.hexdigest()


def _line(name: str, summary: dict) -> str:
    name = shown(name)
    if "failure" in summary:
        return f"{name}: {summary['failure']}"
    damaged = ", damaged" if summary["damage"] else ""
    reused = "; reused, as nothing has changed" if REUSED in summary else ""
    return f"{name}: {summary['images']} images, {summary['faces']} faces{damaged}{reused}"
