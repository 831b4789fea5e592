# SPDX-License-Identifier: Apache-2.0
"""The page in a real Chromium: what is drawn where, what is said when nothing comes, who sees it.

FER_ROS_PICTURES=FOLDER keeps pictures of it, to be looked at.
"""

import base64
import os
import re
import shutil
import signal
import time
from pathlib import Path

import cv2
import numpy as np
import pytest

pytest.importorskip("aiohttp", reason="aiohttp is not installed")
pytest.importorskip("selenium", reason="selenium is not installed")

from fer_ros.msg import EmotionArray, FaceEmotion
from node_helpers import astronaut, blank, header, jpeg, parameters, pouring, two_faces
from selenium import webdriver
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from sensor_msgs.msg import CompressedImage
from web_helpers import until

from fer_ros.emotions.classes import COLOURS, EMOTIONS
from fer_ros.result import Box

pytestmark = [
    pytest.mark.skipif(not shutil.which(name), reason=f"{name} is not installed")
    for name in ("chromium", "chromedriver")
]
FLAGS = (
    "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
    "--disable-dev-shm-usage", "--lang=en",
)  # fmt: skip
WIDE, PHONE = (1360, 900), (390, 844)
UNKNOWN = "\N{EN DASH}"
TOKEN = "correct-horse-battery"
CONTRAST = """
const luminance = (rgb) => {
  const linear = (v) => v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4;
  const [r, g, b] = rgb.map((v) => linear(v / 255));
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
};
const parse = (text) => (text.match(/[\\d.]+/g) ?? []).map(Number);
const ground = (element) => {
  for (let e = element; e; e = e.parentElement) {
    const [r, g, b, a] = parse(getComputedStyle(e).backgroundColor);
    if (a !== 0) return [r, g, b];
  }
};
const poor = [];
for (const element of document.querySelectorAll("body *")) {
  const own = [...element.childNodes].some((n) => n.nodeType === 3 && n.textContent.trim());
  if (!own || !element.checkVisibility()) continue;
  const colour = parse(getComputedStyle(element).color).slice(0, 3);
  const [a, b] = [colour, ground(element)].map(luminance);
  const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
  if (ratio < 4.5) poor.push([element.tagName, element.className, element.textContent, ratio]);
}
return poor;
"""

TOO_WIDE = """
return [...document.querySelectorAll("*")]
  .filter((e) => e.getBoundingClientRect().right > screen.width + 1)
  .map((e) => e.outerHTML.slice(0, 80))
"""


@pytest.fixture(scope="module")
def chromium(tmp_path_factory):
    options = webdriver.ChromeOptions()
    options.binary_location = shutil.which("chromium")
    for flag in (*FLAGS, f"--user-data-dir={tmp_path_factory.mktemp('chromium')}"):
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    service = webdriver.ChromeService(shutil.which("chromedriver"))
    browser = webdriver.Chrome(options, service)
    yield browser
    browser.quit()


@pytest.fixture
def browser(chromium):
    chromium.delete_all_cookies()
    chromium.get_log("browser")
    size(chromium, WIDE)
    theme(chromium, "light")
    yield chromium
    chromium.get("about:blank")
    wrong = [line for line in chromium.get_log("browser") if "Content Security" in line["message"]]
    assert not wrong


def size(browser, wanted):
    width, height = wanted
    metrics = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 600}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)


def theme(browser, name):
    features = [{"name": "prefers-color-scheme", "value": name}]
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": features})


def keep(browser, name):
    """A picture of the page for people, where they asked for it."""
    if folder := os.environ.get("FER_ROS_PICTURES"):
        Path(folder).mkdir(parents=True, exist_ok=True)
        browser.save_screenshot(str(Path(folder) / f"{name}.png"))


def greyed(browser, selector):
    """Whether it is shown as a thing of the past."""
    script = "return getComputedStyle(document.querySelector(arguments[0])).filter"
    return browser.execute_script(script, selector) == "grayscale(1)"


def text(browser, selector):
    """What is written in the first such element; empty where there is none."""
    return browser.execute_script(f"return document.querySelector('{selector}')?.innerText ?? ''")


def drawn(browser):
    """The canvas: BGR, uint8 [H, W, 3]."""
    script = "return document.getElementById('picture').toDataURL('image/png')"
    data = base64.b64decode(browser.execute_script(script).partition(",")[2])
    return cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)


def module(browser, name, expression):
    """What an expression of a module of the page gives; ``m`` is the module."""
    script = f"const done = arguments[0]; import('/{name}').then((m) => done({expression}))"
    return browser.execute_async_script(script)


@pytest.fixture
def view(start):
    """web_view as a process; ``port`` is its."""

    def run(**values):
        node = start("web_view", *parameters(**{"port": 0} | values))
        node.wait_for("is shown at http://")
        node.port = int(re.findall(r"http://127.0.0.1:(\d+)/", node.words())[-1])
        node.address = f"http://127.0.0.1:{node.port}/"
        return node

    return run


class Camera:
    """Publishes one picture, compressed, again and again, each time with a new stamp."""

    def __init__(self, bench, bgr, results=()):
        self.message = jpeg(header(), bgr)
        self.results = results
        self._node = bench.node
        self._images = bench.node.create_publisher(CompressedImage, "image_raw/compressed", 1)
        self._results = None
        if results:
            self._results = bench.node.create_publisher(EmotionArray, "emotions", 10)

    def __call__(self):
        stamp = self._node.get_clock().now().to_msg()
        self.message.header.stamp = stamp
        self._images.publish(self.message)
        for result in self.results:
            result.header = self.message.header
            self._results.publish(result)


def face(**values):
    probabilities = np.array([0.02, 0.02, 0.02, 0.86, 0.02, 0.04, 0.02], np.float32)
    one = FaceEmotion(track_id=3, label="joy", emotion=3, confidence=0.86, **values)
    one.roi.x_offset, one.roi.y_offset, one.roi.width, one.roi.height = 40, 30, 50, 60
    one.probabilities = one.raw_probabilities = probabilities
    return one


def results(*faces):
    return [EmotionArray(image_width=160, image_height=120, model="m", faces=list(faces))]


def boxed(browser, bench, shape, rotate):
    """The canvas alone in a tuple, once it is ``shape`` and both sides of each box of the newest
    result are drawn in their label's colour; else an empty one.
    """
    bench.spin(0.3)
    image = drawn(browser)
    if image.shape != shape:
        return ()
    camera = shape[1::-1] if rotate else shape
    for one in bench.results[-1].faces:
        roi = one.roi
        box = Box(roi.x_offset, roi.y_offset, roi.width, roi.height)
        x, y, w, h = box.rotated(camera, rotate)
        colour = np.array(COLOURS[one.label][::-1])
        for edge in (x, x + w):
            line = image[y + 5 : y + h - 5, edge - 3 : edge + 4]
            nearest = np.abs(line.astype(int) - colour).sum(2).min(1)
            if not np.median(nearest) < 60:
                return ()
    return (image,)


@pytest.mark.parametrize("rotate", [0, 90])
def test_boxes_are_where_the_faces_are(browser, view, start, meet, rotate):
    """Against what emotion_node says of the same image, line by line of pixels."""
    given = {"image_transport": "compressed", "rotate": rotate, "detector": "blazeface"}
    start("emotion_node", *parameters(**given))
    page = view()
    bench = meet()
    upright = two_faces()
    turned = np.ascontiguousarray(np.rot90(upright, rotate // 90))  # as a camera mounted askew
    with pouring(Camera(bench, turned), 0.1):
        browser.get(page.address)
        bench.until(lambda: bench.results and len(bench.results[-1].faces) == 2)
        until(lambda: len(browser.find_elements(By.TAG_NAME, "article")) >= 2, "two cards")
        # Not at once: until the labels have settled and the node's rotation is known.
        (image,) = until(lambda: boxed(browser, bench, upright.shape, rotate), "the boxes")
        canvas = browser.find_element(By.ID, "picture")
        until(lambda: "Face" in canvas.get_attribute("aria-label"), "what a screen reader says")
    untouched = np.abs(image[:40, :40].astype(int) - upright[:40, :40])
    assert untouched.mean() < 12, "the camera's image stands as it is"


def test_the_sample_wide_and_on_a_phone(browser, view, start):
    """From source to page, as people see it."""
    start("video_source", *parameters(rate=10.0))
    start("emotion_node", *parameters(image_transport="compressed"))
    page = view(allow_changes="true")
    browser.get(page.address)
    until(lambda: "second" in text(browser, "#rate") and text(browser, "#level"), "the state")
    until(lambda: browser.find_elements(By.CSS_SELECTOR, "#cards article"), "a face")
    until(lambda: browser.find_elements(By.CSS_SELECTOR, "#timelines article"), "a timeline")
    until(lambda: browser.find_elements(By.CSS_SELECTOR, "#events li"), "an event")
    until(lambda: text(browser, "#level") == "OK" or text(browser, "#problems"))
    for name, wanted in (("wide", WIDE), ("phone", PHONE), ("narrow", (320, 640))):
        for colours in ("light", "dark"):
            size(browser, wanted)
            theme(browser, colours)
            time.sleep(0.7)
            keep(browser, f"{name}-{colours}")
            assert browser.execute_script(CONTRAST) == [], (name, colours)
            wide = browser.execute_script("return document.documentElement.scrollWidth")
            assert wide <= wanted[0], (name, browser.execute_script(TOO_WIDE))
    assert "recognised" in text(browser, "#notice")
    assert "ssh -L" in text(browser, "footer")


PLACES = """
return Object.fromEntries([...document.querySelectorAll("section, #cards article")].map((e) => {
  const { x, y, width, height } = e.getBoundingClientRect();
  return [e.dataset.id ? `face ${e.dataset.id}` : e.getAttribute("aria-labelledby"),
          [x, y, width, height].map(Math.round)];
}))
"""


@pytest.mark.parametrize("wanted", [WIDE, (1280, 720), (1920, 1080)])
def test_nothing_moves_when_a_face_comes_or_goes(browser, view, meet, wanted):
    """And image, faces, the last minute and the events are seen without scrolling."""
    size(browser, wanted)
    page = view()
    bench = meet()
    one, two, three = face(), face(distance=1.5, yaw=0.4), face()
    two.track_id, three.track_id = 5, 7
    seen = []
    browser.get(page.address)
    for faces in ([one], [one, two], [two], [two, three], []):
        names = {f"face {f.track_id}" for f in faces}
        with pouring(Camera(bench, blank(480, 640), results(*faces)), 0.1):
            until(lambda names=names: {n for n in found(browser) if "face " in n} == names)
        seen.append(found(browser))
        keep(browser, f"{wanted[0]}-faces-{len(seen)}")
    for places in seen[1:]:
        assert {n: p for n, p in places.items() if "title" in n} == {
            n: p for n, p in seen[0].items() if "title" in n
        }
    assert seen[0]["face 3"] == seen[1]["face 3"]
    assert seen[1]["face 5"] == seen[2]["face 5"] == seen[3]["face 5"]
    assert seen[3]["face 7"] == seen[1]["face 3"], "the free place is taken"
    for name in ("image-title", "faces-title", "timeline-title", "events-title"):
        _, y, _, height = seen[0][name]
        assert y + height <= wanted[1], name


def found(browser):
    return browser.execute_script(PLACES)


def test_a_new_run_begins_a_new_timeline(browser, view, meet):
    """As the node's own counts tell: another process has received less."""
    page = view()
    browser.get(page.address)
    script = (
        "const done = arguments[0]; import('/timeline.js').then(({ Timelines }) => {"
        "const lines = new Timelines(document.createElement('div'), (w) => w);"
        "lines.emotions = ['joy']; const one = (stamp) => "
        "lines.add({ stamp, faces: [{ track_id: 1, label: 'joy', probabilities: [1] }] });"
        "one(1); one(3); lines.draw(); const before = lines.place.children.length;"
        "lines.clear(); one(4); lines.draw(); done([before, lines.place.children.length]); })"
    )
    assert browser.execute_async_script(script) == [1, 0]
    counted = (
        "const done = arguments[0]; import('/view.js').then(({ newRun }) => done(["
        "newRun(null, { forgotten: '0', received: '9' }),"
        "newRun({ forgotten: '0', received: 9 }, { forgotten: '0', received: '10' }),"
        "newRun({ forgotten: '0', received: 9 }, { forgotten: '1', received: '10' }),"
        "newRun({ forgotten: '0', received: 9 }, { forgotten: '0', received: '3' })]))"
    )
    assert browser.execute_async_script(counted) == [False, False, True, True]


def test_says_that_images_stop_and_goes_on(browser, view, meet):
    page = view()
    bench = meet()
    camera = Camera(bench, blank(), results(face()))
    with pouring(camera, 0.1):
        browser.get(page.address)
        until(lambda: text(browser, "article h3") == "Face 3: joy", "the card")
        until(lambda: drawn(browser).shape == blank().shape, "an image; a result may come without")
        assert "86 %" in text(browser, "article")
    until(lambda: re.match(r"No image for \d+ s", text(browser, "#stale")), "the notice")
    keep(browser, "stale")
    assert greyed(browser, "#cards")
    assert "image_raw" in text(browser, "#stale")
    with pouring(camera, 0.1):
        until(lambda: text(browser, "#stale") == "", "images again")
        until(lambda: text(browser, "article h3") == "Face 3: joy")


def test_reconnects_after_the_node_was_killed(browser, view, meet):
    page = view()
    camera = Camera(meet(), blank(), results(face()))
    with pouring(camera, 0.1):
        browser.get(page.address)
        until(lambda: text(browser, "#connection") == "connected" and text(browser, "article h3"))
        until(lambda: drawn(browser).shape == blank().shape, "an image; a result may come without")
        page.signal(signal.SIGKILL)
        until(lambda: "trying again" in text(browser, "#connection"), "the loss to be said")
        until(lambda: "No image for" in text(browser, "#stale"))
        keep(browser, "lost")
        assert greyed(browser, "#cards")
        assert greyed(browser, "#timelines")
        assert {text(browser, f"#{name}") for name in ("rate", "viewers", "age")} == {UNKNOWN}
        assert text(browser, "#level").startswith("Not known")
        assert not browser.find_elements(By.CSS_SELECTOR, "#problems li, #values dd")
        view(port=page.port)
        until(lambda: text(browser, "#connection") == "connected", "the connection")
        until(lambda: text(browser, "#stale") == "", "images again")
        until(lambda: text(browser, "article h3") == "Face 3: joy")


def test_a_server_that_says_nothing_more_is_lost(browser, view, meet):
    """As when the network is gone: no socket closes."""
    page = view()
    with pouring(Camera(meet(), blank(), results(face())), 0.1):
        browser.get(page.address)
        until(lambda: text(browser, "#connection") == "connected" and text(browser, "article h3"))
        page.signal(signal.SIGSTOP)
        try:
            until(lambda: "trying again" in text(browser, "#connection"), "the loss to be said")
            assert text(browser, "#rate") == UNKNOWN
        finally:
            page.signal(signal.SIGCONT)
        until(lambda: text(browser, "#connection") == "connected", "words again")


def test_a_refusal_can_be_read_on_a_phone(browser, view, tmp_path):
    (tmp_path / "token").write_text(TOKEN)
    (tmp_path / "token").chmod(0o600)
    page = view(token_file=tmp_path / "token")
    for name, wanted in (("phone", PHONE), ("narrow", (320, 640))):
        for colours in ("light", "dark"):
            size(browser, wanted)
            theme(browser, colours)
            browser.get(page.address)
            keep(browser, f"refused-{name}-{colours}")
            assert "needs its token" in text(browser, "main")
            assert browser.execute_script("return innerWidth") == wanted[0]
            style = "return getComputedStyle(document.body)"
            assert browser.execute_script(f"{style}.fontFamily").startswith("system-ui")
            assert float(browser.execute_script(f"{style}.fontSize").removesuffix("px")) >= 16
            assert browser.execute_script(CONTRAST) == []


def test_labels_are_text(browser, view, meet):
    bad = "<img src=x onerror=document.title='broken'>"
    page = view()
    one = face()
    one.label = bad
    with pouring(Camera(meet(), blank(), results(one)), 0.1):
        browser.get(page.address)
        until(lambda: bad in text(browser, "article h3"))
    assert not browser.find_elements(By.CSS_SELECTOR, "main img")
    assert browser.title == "fer_ros"


def test_first_visit_with_the_token(browser, view, tmp_path):
    (tmp_path / "token").write_text(TOKEN)
    (tmp_path / "token").chmod(0o600)
    page = view(token_file=tmp_path / "token")
    browser.get(page.address)
    assert "token" in text(browser, "body")
    assert not browser.find_elements(By.TAG_NAME, "canvas")
    browser.get(f"{page.address}?token={TOKEN}")
    assert browser.current_url == page.address
    until(lambda: text(browser, "#connection") == "connected")
    assert browser.execute_script("return document.cookie") == ""
    assert TOKEN not in browser.page_source


def test_cookie_gone_meanwhile_is_said(browser, view, tmp_path):
    (tmp_path / "token").write_text(TOKEN)
    (tmp_path / "token").chmod(0o600)
    page = view(token_file=tmp_path / "token")
    browser.get(f"{page.address}?token={TOKEN}")
    until(lambda: text(browser, "#connection") == "connected")
    browser.delete_all_cookies()
    page.signal(signal.SIGKILL)
    page.wait()
    view(token_file=tmp_path / "token", port=page.port)
    until(lambda: "token" in text(browser, "#connection"), "what is amiss")


def test_by_keyboard_and_screen_reader(browser, view, start, meet):
    start("emotion_node", *parameters(detector="haar", image_transport="compressed"))
    page = view(allow_changes="true")
    bench = meet()
    with pouring(Camera(bench, astronaut()), 0.2):
        browser.get(page.address)
        field = browser.find_element(By.CSS_SELECTOR, "body")
        until(lambda: browser.find_elements(By.CSS_SELECTOR, "#parameter-max_faces:enabled"))
        seen = []
        for _ in range(12):
            field.send_keys(Keys.TAB)
            seen.append(browser.switch_to.active_element.get_attribute("id"))
        assert "language" in seen
        assert any(name.startswith("parameter-") for name in seen)
        unnamed = browser.execute_script(
            "return [...document.querySelectorAll('input, select')]"
            ".filter((e) => !e.labels.length || !e.labels[0].textContent.trim()).map((e) => e.id)"
        )
        assert unnamed == []
        unnamed = browser.execute_script(
            "return [...document.querySelectorAll('section, canvas')].filter((e) => "
            "!(e.getAttribute('aria-label') || document.getElementById("
            "e.getAttribute('aria-labelledby'))?.textContent)).map((e) => e.id)"
        )
        assert unnamed == []
        number = browser.find_element(By.ID, "parameter-max_faces")
        number.send_keys(Keys.CONTROL, "a")
        number.send_keys("3", Keys.TAB)
        until(lambda: text(browser, "#answer") == "max_faces is now 3.", "the answer")
        assert bench.get("max_faces") == 3
        number.send_keys(Keys.CONTROL, "a")
        number.send_keys("999", Keys.TAB)
        time.sleep(1)
        assert bench.get("max_faces") == 3


def test_in_german(browser, view, meet):
    page = view()
    with pouring(Camera(meet(), blank(), results(face())), 0.1):
        browser.get(page.address)
        until(lambda: text(browser, "#connection") == "connected")
        browser.find_element(By.ID, "language").send_keys("D")
        until(lambda: text(browser, "article h3") == "Gesicht 3: Freude")
        assert browser.execute_script("return document.documentElement.lang") == "de"
        browser.refresh()
        until(lambda: text(browser, "#faces-title") == "Gesichter", "the choice to be kept")
        browser.find_element(By.ID, "language").send_keys("E")
        until(lambda: text(browser, "#faces-title") == "Faces")


def test_boxes_and_axes_are_turned_right(browser, view):
    browser.get(view().address)
    box = Box(10, 20, 30, 40)
    for rotate in (0, 90, 180, 270):
        found = module(browser, "picture.js", f"m.upright({list(box)}, 200, 100, {rotate})")
        assert tuple(found) == tuple(box.rotated((100, 200), rotate))

    def axes(roll=0.0, pitch=0.0, yaw=0.0):
        angles = f"{{roll: {roll}, pitch: {pitch}, yaw: {yaw}}}"
        return np.array(module(browser, "picture.js", f"m.axes({angles})"))

    assert np.allclose(axes(), [[0, 0], [1, 0], [0, -1]]), "x at us, y to the right, z up"
    assert axes(yaw=0.5)[0][0] > 0.4, "who turns to his left looks to our right"
    assert axes(pitch=0.5)[0][1] > 0.4, "who looks down looks down"
    assert axes(roll=0.5)[1][1] < -0.4, "who leans to his right has his left side up"
    assert axes(roll=0.5)[2][0] < -0.4, "and the top of his head to our left"


def test_card_of_version_2(browser, view, meet):
    """What a newer message holds, before a node here fills it."""
    page = view()
    with pouring(Camera(meet(), blank(), results()), 0.1):
        browser.get(page.address)
        one = (
            "{id: 1, label: 'joy', confidence: 0.9, probabilities: [0, 0, 0, 0.9, 0, 0, 0.1], "
            "roll: 0.1, pitch: 0, yaw: -0.5, facing: false, quality: 0.62, "
            "flags: ['turned_away', 'talking'], valence: 0.7, distance: 1.24, "
            "engagement: 'engaging'}"
        )
        hello = f"{{emotions: {list(EMOTIONS)}, colours: {{}}}}"
        said = browser.execute_async_script(
            "const done = arguments[0]; const place = document.createElement('div');"
            "Promise.all([import('/cards.js'), import('/view.js')]).then(([cards, view]) => {"
            f"cards.showFaces(place, [{one}], {hello}, view.word); done(place.textContent); }})"
        )
    parts = ("elsewhere", "62 %: turned away, talking", "yaw -29°", "1.2 m", "about to engage")
    for part in (*parts, "+0.70"):
        assert part in said


def test_nothing_is_kept_and_nothing_comes_from_elsewhere(browser, view):
    page = view()
    browser.get(page.address)
    until(lambda: text(browser, "#connection") == "connected")
    script = "return performance.getEntriesByType('resource').map((e) => e.name)"
    names = browser.execute_script(script)
    assert names
    assert all(name.startswith(page.address) for name in names)
