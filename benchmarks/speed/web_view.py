# SPDX-License-Identifier: Apache-2.0
"""What the web view costs emotion_node: without it, with it and no viewer, with three viewers.

By turns, round after round, each in fresh processes: 640x480 at 30 Hz, one face. A viewer takes
each image and says that it is shown, as a page does. CPU is emotion_node's own, in cores; the
view's stands beside it. The spread is the smallest and the largest of the rounds.

    python -m benchmarks.speed.web_view [--quick] [--jpeg]
"""

import argparse
import asyncio
import contextlib
import sys
import time
from contextlib import ExitStack

from tqdm import tqdm

from benchmarks.processes import PATIENCE, Process, emotion_node, node, script
from benchmarks.report import machine, save
from benchmarks.speed.node import TAIL, Recording, Scenario, figures
from benchmarks.tables import web_view_table

STATES = {"without": None, "no viewer": 0, "three viewers": 3}
PORT = 8479


def record(scenario: Scenario, viewers: int | None) -> dict:
    """One turn: figures of the node, CPU of the view, images that each viewer got a second."""
    transport = "compressed" if scenario.jpeg else "raw"
    words = ["--rate", scenario.rate, "--seconds", scenario.seconds]
    words += ["--jpeg"] * scenario.jpeg
    with ExitStack() as stack:
        start = stack.enter_context
        listener = start(Process("listener", script("listener")))
        subject = start(Process("subject", emotion_node(image_transport=transport)))
        listener.wait_for("ready")
        view = looking = None
        if viewers is not None:
            view = start(Process("web_view", node("web_view", port=PORT)))
        if viewers:
            looking = start(Process("viewers", script("web_view", "--look", viewers)))
            looking.wait_for("looking", view)
        camera = start(Process("camera", script("camera", *words)))
        begin = camera.wait_for("measuring", subject)["stamp"]
        cpu, own = subject.cpu_seconds(), view.cpu_seconds() if view else 0.0
        done = camera.wait_for("done", subject, patience=2 * scenario.seconds + PATIENCE)
        seconds = time.time() - begin
        cpu = (subject.cpu_seconds() - cpu) / seconds
        own = (view.cpu_seconds() - own) / seconds if view else None
        time.sleep(TAIL)
        resident = subject.peak_resident()
        shown = None
        if looking:
            looking.ask_to_end()
            shown = looking.wait_for("seen")["images"]
        listener.ask_to_end()
        noted = listener.wait_for("noted")
    window = (begin, done["stamp"])
    found = figures(Recording(noted["results"], noted["reports"], done, window, cpu, resident))
    return found | {"view_cpu": own, "shown": shown}


async def look(viewers: int) -> None:
    """Be so many viewers until standard input is closed."""
    import json

    import aiohttp

    seen = [0] * viewers

    async def one(session, number):
        while True:
            with contextlib.suppress(aiohttp.ClientError):
                async with session.ws_connect(f"http://127.0.0.1:{PORT}/live") as socket:
                    async for message in socket:
                        if message.type is aiohttp.WSMsgType.BINARY:
                            seen[number] += 1
                            await socket.send_str('"shown"')
            await asyncio.sleep(0.1)

    async with aiohttp.ClientSession() as session:
        tasks = [asyncio.ensure_future(one(session, i)) for i in range(viewers)]
        print(json.dumps({"event": "looking"}), flush=True)
        await asyncio.to_thread(sys.stdin.read)
        for task in tasks:
            task.cancel()
    print(json.dumps({"event": "seen", "images": seen}), flush=True)


def main():
    """Measure, print, write results/web_view.json."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--quick", action="store_true", help="two rounds of 5 s")
    parser.add_argument("--jpeg", action="store_true", help="compressed images")
    parser.add_argument("--rounds", type=int, help="default: 5")
    parser.add_argument("--look", type=int, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.look:
        asyncio.run(look(options.look))
        return
    rounds = options.rounds or (2 if options.quick else 5)
    scenario = Scenario(jpeg=options.jpeg, seconds=5.0 if options.quick else 20.0)
    results = {
        "machine": machine(options.quick),
        "rounds": rounds,
        "seconds": scenario.seconds,
        "images": scenario.name,
        "states": {name: [] for name in STATES},
    }
    with tqdm(total=rounds * len(STATES), desc="web view") as progress:
        for _ in range(rounds):
            for name, viewers in STATES.items():
                progress.set_postfix_str(name)
                results["states"][name].append(record(scenario, viewers))
                save("web_view", results)
                progress.update()
    print(web_view_table(results))


if __name__ == "__main__":
    main()
