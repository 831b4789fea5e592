# SPDX-License-Identifier: Apache-2.0
"""Video without a face that can be made anywhere: what ghosts.py looks for faces in.

Pictures that scikit-image, scikit-learn and matplotlib ship, and pages of text and logos in every
installed font, textures and drawings, each moved and zoomed by a seeded path. The same seed gives
the same images.
"""

import importlib.util
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np

SIZE = (640, 480)
RATE = 10  # images a second
SECONDS = 10  # of each scene
PICTURES = {
    "skimage": "data/{}",
    "sklearn": "datasets/images/{}",
    "matplotlib": "mpl-data/sample_data/{}",
}
FILES = (
    ("skimage", "brick.png cell.png chelsea.png chessboard_GRAY.png clock_motion.png coffee.png "
     "coins.png color.png grass.png gravel.png horse.png hubble_deep_field.jpg ihc.png logo.png "
     "microaneurysms.png moon.png motorcycle_left.png motorcycle_right.png page.png phantom.png "
     "retina.jpg rocket.jpg text.png"),
    ("sklearn", "china.jpg flower.jpg"),
    ("matplotlib", "Minduka_Present_Blue_Pack.png logo2.png"),
)  # fmt: skip
WORDS = (
    *("EXIT", "NOTICE", "Robot", "2026", "quick", "brown", "fox", "Oo", "..", ":)", "0123", "&"),
    *("Café", "PUSH", "hello", "world", "QO8", "%@", "ROOM", "42", "Open", "Monday", "Closed"),
    *("(oo)", "Wet", "floor", "Please", "wait", "Lift", "B3", "WC"),
)


def scenes(seed: int = 0) -> Iterator[tuple[str, Iterator[np.ndarray]]]:
    """Name and images, uint8 [480, 640, 3], of each scene."""
    rng = np.random.default_rng(seed)
    for name, picture in pictures(rng):
        yield name, moved(picture, np.random.default_rng(rng.integers(1 << 32)))


def pictures(rng: np.random.Generator) -> Iterator[tuple[str, np.ndarray]]:
    """Name and picture, uint8 [H, W, 3]: the shipped ones, then the drawn ones."""
    for package, names in FILES:
        for name in names.split():
            picture = shipped_picture(package, name)
            if picture is not None:
                yield f"{package} {Path(name).stem}", picture
    fonts = _fonts()
    for number in range(8):
        yield f"text {number}", text_page(rng, fonts)
    for number in range(4):
        yield f"logos {number}", logos(rng, fonts)
    for number in range(6):
        yield f"drawing {number}", drawing(rng)
    for number in range(6):
        yield f"texture {number}", texture(rng)


def shipped_picture(package: str, name: str) -> np.ndarray | None:
    """A picture that a package ships, BGR, uint8 [H, W, 3]; None where it is not installed."""
    found = importlib.util.find_spec(package)
    if not found:
        return None
    path = Path(found.submodule_search_locations[0], PICTURES[package].format(name))
    return cv2.imread(str(path)) if path.is_file() else None


def moved(picture: np.ndarray, rng: np.random.Generator) -> Iterator[np.ndarray]:
    """A camera that pans, zooms and turns over the picture; noise and light vary a little."""
    height, width = picture.shape[:2]
    fit = min(width / SIZE[0], height / SIZE[1])  # source pixels for an image pixel, whole view
    count = RATE * SECONDS
    path = np.cumsum(rng.normal(0, 1, (count, 4)), axis=0)
    path = cv2.GaussianBlur(path, (1, 31), 0, borderType=cv2.BORDER_REPLICATE)
    path = path / max(np.abs(path).max(), 1e-9)
    for pan_x, pan_y, zoom, turn in path:
        scale = fit * 2 ** (zoom - 0.5)
        angle = 0.5 * turn
        cos, sin = scale * np.cos(angle), scale * np.sin(angle)
        x, y = width / 2 + 0.35 * width * pan_x, height / 2 + 0.35 * height * pan_y
        to_source = np.array(
            [
                [cos, -sin, x - cos * SIZE[0] / 2 + sin * SIZE[1] / 2],
                [sin, cos, y - sin * SIZE[0] / 2 - cos * SIZE[1] / 2],
            ]
        )
        image = cv2.warpAffine(
            picture,
            to_source,
            SIZE,
            flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
            borderMode=cv2.BORDER_REFLECT,
        ).astype(np.float32)
        image = image * (1 + 0.2 * turn) + rng.normal(0, 4, image.shape).astype(np.float32)
        yield np.clip(image, 0, 255).astype(np.uint8)


def text_page(rng, fonts) -> np.ndarray:
    """Words of many sizes, fonts and colours on one ground."""
    from PIL import Image, ImageDraw, ImageFont

    ground, ink = _colour(rng), _colour(rng)
    page = Image.new("RGB", (1280, 960), ground)
    pen = ImageDraw.Draw(page)
    for _ in range(60):
        font = ImageFont.truetype(str(rng.choice(fonts)), int(rng.choice([14, 24, 40, 80, 160])))
        place = tuple(int(n) for n in rng.integers(-40, (1240, 920)))
        pen.text(place, " ".join(rng.choice(WORDS, rng.integers(1, 4))), font=font, fill=ink)
    return np.asarray(page)[..., ::-1].copy()


def logos(rng, fonts) -> np.ndarray:
    """Round and square badges with letters, rings and dots."""
    from PIL import Image, ImageDraw, ImageFont

    page = Image.new("RGB", (1280, 960), _colour(rng))
    pen = ImageDraw.Draw(page)
    for row in range(4):
        for column in range(5):
            x, y, r = 130 + 255 * column, 120 + 240 * row, int(rng.integers(50, 115))
            shape = (pen.ellipse, pen.rectangle)[int(rng.integers(2))]
            area = (x - r, y - r, x + r, y + r)
            shape(area, fill=_colour(rng), outline=_colour(rng), width=6)
            for _ in range(int(rng.integers(0, 4))):
                dx, dy = rng.integers(-r // 2, r // 2, 2).tolist()
                s = int(rng.integers(4, r // 2))
                pen.ellipse((x + dx - s, y + dy - s, x + dx + s, y + dy + s), fill=_colour(rng))
            font = ImageFont.truetype(str(rng.choice(fonts)), r)
            pen.text((x, y), str(rng.choice(WORDS))[:3], font=font, fill=_colour(rng), anchor="mm")
    return np.asarray(page)[..., ::-1].copy()


def drawing(rng) -> np.ndarray:
    """Ellipses, lines and polygons."""
    page = np.full((960, 1280, 3), _colour(rng), np.uint8)
    for _ in range(70):
        x, y = (int(n) for n in rng.integers(0, (1280, 960)))
        axes = tuple(int(n) for n in rng.integers(5, 160, 2))
        turn = float(rng.uniform(0, 180))
        thickness = int(rng.choice([-1, 2, 6]))
        kind = rng.integers(3)
        if kind == 0:
            cv2.ellipse(page, (x, y), axes, turn, 0, 360, _colour(rng), thickness, cv2.LINE_AA)
        elif kind == 1:
            end = (x + axes[0] - 80, y + axes[1] - 80)
            cv2.line(page, (x, y), end, _colour(rng), int(rng.integers(1, 9)), cv2.LINE_AA)
        else:
            corners = np.array([x, y]) + rng.integers(-90, 90, (int(rng.integers(3, 7)), 2))
            cv2.fillPoly(page, [corners.astype(np.int32)], _colour(rng), cv2.LINE_AA)
    return page


def texture(rng) -> np.ndarray:
    """Noise of several scales: clouds, cloth, marble."""
    page = np.zeros((960, 1280, 3), np.float32)
    for octave in range(7):
        shape = [max(2, 960 >> octave), max(2, 1280 >> octave), int(rng.choice([1, 3]))]
        noise = rng.normal(0, 1, shape).astype(np.float32)
        grown = cv2.resize(noise, (1280, 960), interpolation=cv2.INTER_CUBIC)
        page += rng.uniform(0, 2**octave / 8) * grown.reshape(960, 1280, -1)
    page = 127 + 60 * page / page.std()
    return np.clip(page, 0, 255).astype(np.uint8)


def _colour(rng) -> tuple[int, int, int]:
    return tuple(int(n) for n in rng.integers(0, 256, 3))


def _fonts() -> list[str]:
    """Files of the fonts that show letters."""
    from matplotlib import font_manager

    symbols = ("cmex", "cmsy", "STIXSiz", "LastResort", "cmmi")
    return sorted(
        font.fname
        for font in font_manager.fontManager.ttflist
        if Path(font.fname).suffix.lower() in (".ttf", ".otf")
        and not any(s in Path(font.fname).name for s in symbols)
    )
