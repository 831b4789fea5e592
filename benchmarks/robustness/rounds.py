# SPDX-License-Identifier: Apache-2.0
"""Hostile rounds: inputs without end, one after the other in a process that must not die.

A round's ``start`` makes, in that process, what is called with the number of each input and the
random numbers that belong to it. It returns a word for what became of the input; an exception is a
fault, as are the end of the process and an input that takes longer than ``patience``.
"""

import argparse
import multiprocessing
import os
import sys
import tempfile
import time
import traceback
from collections import Counter
from collections.abc import Callable
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from benchmarks.processes import REPOSITORY
from benchmarks.report import machine, save

Once = Callable[[int, np.random.Generator], str]
judged: list[int | str] = ["self"]
"""The processes whose memory counts, in the process that tries the inputs."""
WARM = 30  # inputs until a process has what it needs; it grows from there on
SHOWN = 12  # faults that are printed in full
LOG = REPOSITORY / "out" / "fuzz.log"


@dataclass(frozen=True)
class Round:
    """One kind of input.

    Attributes:
        name: in the table.
        start: makes, in a folder of its own and with a stack that is closed in the end, what tries
            an input; with ``arguments`` after them.
        patience: seconds that one input may take.
    """

    name: str
    start: Callable[..., Once]
    arguments: tuple = ()
    patience: float = 20.0


@dataclass
class Outcome:
    """What became of a round's inputs."""

    words: Counter = field(default_factory=Counter)
    faults: list[str] = field(default_factory=list)
    hangs: int = 0
    slowest: float = 0.0
    slowest_number: int = 0
    megabytes: float = 0.0

    @property
    def inputs(self) -> int:
        """How many there were."""
        return self.words.total() + len(self.faults) + self.hangs


def play(one: Round, seconds: float, seed: int, most: int = 1 << 62) -> Outcome:
    """Try inputs for so many seconds, ``most`` at most; where the process ends, another goes on."""
    outcome, number, end = Outcome(), 0, time.monotonic() + seconds
    context = multiprocessing.get_context("spawn")
    while time.monotonic() < end and number < most:
        ours, theirs = context.Pipe()
        child = context.Process(target=_serve, args=(theirs, one, number, seed, end, most))
        child.start()
        theirs.close()
        number = _follow(one, ours, outcome, number)
        if child.is_alive():
            child.join(10.0)
            child.kill()
        child.join()
        if number < 0:
            break
        number += 1
    return outcome


def _follow(one: Round, ours, outcome: Outcome, number: int) -> int:
    """Take a process's answers; the input that it ended with, -1 when it came to its proper end.

    Raises RuntimeError for one that does not begin.
    """
    if not ours.poll(120.0) or ours.recv() != "begun":
        raise RuntimeError(f"{one.name} does not begin: see {LOG}")
    patience = one.patience
    while True:
        try:
            if not ours.poll(patience):
                outcome.hangs += 1
                print(f"  hang: {one.name} {number}", flush=True)
                return number
            number, word, seconds, grown = ours.recv()
        except EOFError:
            outcome.faults.append(f"{number}: the process died")
            print(f"  died: {one.name} {number}", flush=True)
            return number
        outcome.megabytes = max(outcome.megabytes, grown)
        if word == "end":
            return -1
        if word == "begin":
            continue
        if seconds > outcome.slowest:
            outcome.slowest, outcome.slowest_number = seconds, number
        if word.startswith("fault"):
            outcome.faults.append(f"{number}: {word}")
            if len(outcome.faults) <= SHOWN:
                print(f"  {one.name} {number}: {word}", flush=True)
        else:
            outcome.words[word] += 1


def _serve(answers, one: Round, number: int, seed: int, end: float, most: int) -> None:
    """The process that must not die."""
    first, before = number, 0.0
    LOG.parent.mkdir(parents=True, exist_ok=True)
    with LOG.open("a") as log:  # what libraries print of what they are given
        os.dup2(log.fileno(), 1)
        os.dup2(log.fileno(), 2)
    with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
        once = one.start(Path(folder), stack, *one.arguments)
        answers.send("begun")
        while time.monotonic() < end and number < most:
            answers.send((number, "begin", 0.0, 0.0))
            began = time.monotonic()
            try:
                word = once(number, np.random.default_rng([seed, number]))
            except Exception:
                word = f"fault: {traceback.format_exc(limit=-3)}"
            seconds = time.monotonic() - began
            now = sum(map(resident, judged))
            if number - first == WARM:
                before = now
            grown = now - before if before else 0.0
            answers.send((number, word, seconds, grown))
            number += 1
        answers.send((number, "end", 0.0, 0.0))


def resident(pid: int | str = "self") -> float:
    """A process's resident memory, MB; 0 where it has ended."""
    with suppress(OSError):
        return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * 4096 / 1e6
    return 0.0


def damaged(data: bytes, random: np.random.Generator) -> bytes:
    """A file after a fall: bits or bytes of it changed, its end cut off, a stretch copied.

    Half of the changes lie in the first or the last 4 KB, where a format's structure is.
    """
    changed = bytearray(data)
    for _ in range(1 + int(random.integers(4) ** 2 * random.random())):
        at = int(random.integers(len(changed)))
        if random.random() < 0.5:
            near = int(random.integers(min(4096, len(changed))))
            at = near if random.random() < 0.5 else len(changed) - 1 - near
        match int(random.integers(4)):
            case 0:
                changed[at] ^= 1 << int(random.integers(8))
            case 1:
                changed[at] = int(random.choice([0, 1, 127, 128, 255]))
            case 2:
                length = int(random.integers(1, 64))
                other = int(random.integers(len(changed)))
                changed[at : at + length] = changed[other : other + length]
            case 3 if random.random() < 0.1:
                del changed[at:]
                changed += b"\0" * (not changed)
    return bytes(changed)


def one_line(error: Exception, longest: int = 700) -> str:
    """The word for an error that is as it should be. Raises AssertionError for one that is not."""
    text = str(error)
    assert text.isprintable(), f"not one line: {text!r:.500}"
    assert 0 < len(text) < longest, f"{len(text)} characters: {text:.200}"
    return "refused"


def run(name: str, description: str, rounds: list[Round], argv=None, seconds: float = 60.0) -> int:
    """A command: the rounds one after the other, a table, results/NAME.json; 1 with a fault."""
    parser = argparse.ArgumentParser(
        prog=f"python -m benchmarks.robustness.{name}",
        description=description,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    add("--seconds", type=float, default=seconds, help="for all of them (%(default)g)")
    add("--seed", type=int, default=1, help="%(default)s")
    add("--most", type=int, default=1 << 62, metavar="N", help="inputs of each kind")
    options = parser.parse_args(argv)
    print(f"{name}: seed {options.seed}, {options.seconds:g} s", flush=True)
    rows, faults = {}, 0
    for one in rounds:
        outcome = play(one, options.seconds / len(rounds), options.seed, options.most)
        rows[one.name] = {
            "inputs": outcome.inputs,
            "crashes": len(outcome.faults),
            "hangs": outcome.hangs,
            "slowest_ms": round(outcome.slowest * 1e3, 1),
            "mb_grown": round(outcome.megabytes, 1),
            "slowest_input": outcome.slowest_number,
            **outcome.words,
        }
        faults += len(outcome.faults) + outcome.hangs
    print(table(rows), flush=True)
    content = {"machine": machine(), "seed": options.seed, "seconds": options.seconds}
    save(f"robustness_{name}", content | {"rounds": rows})
    return 1 if faults else 0


def table(rows: dict[str, dict]) -> str:
    """The rounds as people read them."""
    head = f"{'':28}{'inputs':>8}{'crashes':>9}{'hangs':>7}{'slowest ms':>12}{'MB grown':>10}"
    lines = [head]
    for name, row in rows.items():
        figures = f"{row['inputs']:8}{row['crashes']:9}{row['hangs']:7}"
        figures += f"{row['slowest_ms']:12.1f}{row['mb_grown']:10.1f}"
        words = ", ".join(f"{count} {word}" for word, count in list(row.items())[6:])
        lines.append(f"{name:28}{figures}  {words}")
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit("this is what the rounds share: python -m benchmarks.robustness runs all")
