# SPDX-License-Identifier: Apache-2.0
"""The pictures of README.md that are made of the code: ``python docs/pictures.py [FOLDER]``.

``demo.webp``: the sample clip as emotion_node annotates it. ``nodes.svg``: who sends what to whom,
from the tables of topics. ``badge_*.svg``: what package.xml and setup.cfg say.
"""

import configparser
import re
import sys
from html import escape
from pathlib import Path

import cv2

import fer_ros
from fer_ros.nodes.topics import EMOTION_NODE_TOPICS, SERVICES
from fer_ros.sources.sample import Sample

REPOSITORY = Path(__file__).resolve().parents[1]
STYLE = """
  text { font: 14px system-ui, sans-serif; fill: #1f2328 }
  .topic { font: 13px ui-monospace, monospace }
  .kind { font-size: 12px; fill: #59636e }
  rect { fill: #f6f8fa; stroke: #818b98 }
  rect.node { fill: #ddf4ff; stroke: #0969da }
  path { fill: none; stroke: #818b98; stroke-width: 1.5 }
  marker path { fill: #818b98; stroke: none }
  @media (prefers-color-scheme: dark) {
    text { fill: #f0f6fc }
    .kind { fill: #9198a1 }
    rect { fill: #151b23; stroke: #656c76 }
    rect.node { fill: #0c2d6b; stroke: #4493f8 }
    path { stroke: #9198a1 }
    marker path { fill: #9198a1 }
  }
"""


def demo(path: Path, width: int = 420, rate: int = 8) -> None:
    """An animated WebP of the sample, its faces followed and drawn in."""
    from PIL import Image

    reader, clip, pictures = fer_ros.FaceReader(), Sample(), []
    step = round(clip.rate / rate)
    for number, image in enumerate(clip):
        result = reader.track(image, number / clip.rate)
        if number % step == 0:
            drawn = fer_ros.draw(image, result)
            height = round(drawn.shape[0] * width / drawn.shape[1])
            small = cv2.resize(drawn, (width, height), interpolation=cv2.INTER_AREA)
            pictures.append(Image.fromarray(small[..., ::-1]))
    pictures[0].save(
        path, save_all=True, append_images=pictures[1:], duration=1000 // rate, loop=0, quality=55
    )


def nodes() -> str:
    """The diagram as SVG: inputs, emotion_node, outputs by what they are for."""
    row, out = 22, []

    def text(x, y, words, kind="", anchor="start"):
        out.append(f'<text x="{x}" y="{y}" class="{kind}" text-anchor="{anchor}">{words}</text>')

    def box(x, y, width, height, kind=""):
        out.append(
            f'<rect x="{x}" y="{y}" width="{width}" height="{height}" rx="6" class="{kind}"/>'
        )

    def arrow(x, y, to_x, to_y):
        middle = (x + to_x) / 2
        out.append(
            f'<path d="M{x} {y} C{middle} {y} {middle} {to_y} {to_x - 9} {to_y}" '
            'marker-end="url(#head)"/>'
        )

    inputs = [t for t in EMOTION_NODE_TOPICS if t.is_input]
    plain = [t for t in EMOTION_NODE_TOPICS if not t.is_input and not t.needs]
    looks = [t for t in plain if "mark" in t.name or "image" in t.name or "diag" in t.name]
    results = [t for t in plain if t not in looks]
    optional = [t for t in EMOTION_NODE_TOPICS if not t.is_input and t.needs]
    groups = [
        ("for the robot", [(t.name, t.kind) for t in results]),
        ("to look at: RViz, Foxglove, web_view", [(t.name, t.kind) for t in looks]),
        ("on request", [(t.name, t.kind) for t in optional]),
        ("services", [(s.name, s.kind) for s in SERVICES]),
    ]
    y, places = 16, []
    for title, rows in groups:
        height = 30 + row * len(rows)
        box(470, y, 480, height)
        text(484, y + 20, title, "kind")
        for number, (name, kind) in enumerate(rows, 1):
            text(484, y + 20 + row * number, escape(name), "topic")
            text(938, y + 20 + row * number, escape(kind), "kind", "end")
        places.append(y + height / 2)
        y += height + 14
    middle = (y - 14) / 2 + 8
    height = 30 + row * len(inputs)
    top = middle - height / 2
    box(16, top, 220, height)
    text(30, top + 20, "camera driver or video_source", "kind")
    for number, topic in enumerate(inputs, 1):
        text(30, top + 20 + row * number, escape(topic.name), "topic")
    box(290, middle - 34, 130, 68, "node")
    text(355, middle - 4, "emotion_node", "", "middle")
    text(355, middle + 16, "one result an image", "kind", "middle")
    arrow(236, middle, 290, middle)
    for place in places:
        arrow(420, middle, 470, place)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 966 {y}" role="img" '
        f'aria-label="Topics and services of emotion_node"><style>{STYLE}</style>\n'
        '<defs><marker id="head" markerWidth="8" markerHeight="8" refX="1" refY="4" '
        'orient="auto"><path d="M0 0 L8 4 L0 8 z"/></marker></defs>\n'
        + "\n".join(out)
        + "\n</svg>\n"
    )


def badges() -> dict[str, str]:
    """The badges by their files' names."""
    config = configparser.ConfigParser()
    config.read(REPOSITORY / "setup.cfg")
    licence = re.search("<license[^>]*>(.+)</license>", (REPOSITORY / "package.xml").read_text())
    python = config["options"]["python_requires"].replace(">=", "") + "+"
    said = {"licence": licence[1] if licence else "", "ROS 2": "Jazzy and newer", "Python": python}
    return {
        f"badge_{name.replace(' ', '').lower()}.svg": _badge(name, v) for name, v in said.items()
    }


def _badge(name: str, value: str) -> str:
    left, right = (round(7.2 * len(words)) + 16 for words in (name, value))
    font = 'font-family="system-ui, sans-serif" font-size="12" text-anchor="middle"'
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{left + right}" height="22" role="img" '
        f'aria-label="{escape(name)}: {escape(value)}">\n'
        f'<rect width="{left + right}" height="22" rx="4" fill="#1f6feb"/>\n'
        f'<path d="M4 0h{left - 4}v22H4a4 4 0 0 1-4-4V4a4 4 0 0 1 4-4z" fill="#444c56"/>\n'
        f'<g fill="#fff" {font}><text x="{left / 2}" y="15">{escape(name)}</text>'
        f'<text x="{left + right / 2}" y="15">{escape(value)}</text></g>\n</svg>\n'
    )


def main() -> None:
    """Write them all."""
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else REPOSITORY / "docs" / "images"
    for name, svg in ({"nodes.svg": nodes()} | badges()).items():
        (folder / name).write_text(svg, "utf-8")
    demo(folder / "demo.webp")


if __name__ == "__main__":
    main()
