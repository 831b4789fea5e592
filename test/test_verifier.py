# SPDX-License-Identifier: Apache-2.0
"""What is shown to be a face, on real pictures."""

from importlib.util import find_spec
from pathlib import Path

import cv2
import numpy as np
import pytest

from fer_ros.faces.detectors import Detection, create_detector
from fer_ros.faces.mesh import FaceMesh
from fer_ros.faces.verifier import Verifier
from fer_ros.observation import Observation
from fer_ros.parameters import create_pipeline
from fer_ros.result import Box
from fer_ros.sources.sample import Sample


@pytest.fixture(scope="module")
def verifier():
    return Verifier(FaceMesh())


@pytest.fixture(scope="module")
def proposing():
    return create_detector("blazeface", proposing=True)


def test_a_face_passes_with_a_settled_look(verifier, proposing):
    image = Sample()[0]
    (face,) = (d for d in proposing.detect(image) if d.score > 0.5)
    look, presence = verifier.verify(image, face)
    assert presence > 0.9
    again = verifier.mesh.look(image, look.square)
    one, other = look.detection(1.0).box, again.detection(1.0).box
    assert one.overlap(other) > 0.97


def test_a_place_beside_the_face_leads_to_it(verifier, proposing):
    image = Sample()[0]
    box = proposing.detect(image)[0].box
    beside = Box(box.x + 0.2 * box.width, box.y, box.width, box.height)
    look, _ = verifier.verify(image, Detection(beside, 0.6))
    assert look.detection(1.0).box.overlap(box) > 0.8


@pytest.mark.parametrize("name", ["chelsea", "coffee", "coins", "page", "rocket"])
def test_no_picture_without_people_passes(verifier, proposing, name):
    """A cat and a cup are where BlazeFace sees faces."""
    path = Path(find_spec("skimage").submodule_search_locations[0], "data", f"{name}.png")
    image = cv2.imread(str(path if path.exists() else path.with_suffix(".jpg")))
    for factor in (1, 0.7, 0.5, 0.35):
        small = cv2.resize(image, None, fx=factor, fy=factor, interpolation=cv2.INTER_AREA)
        for detection in proposing.detect(small):
            assert verifier.verify(small, detection)[0] is None


def test_a_ghost_of_today_is_not_published():
    """On the cat's face the detector alone is sure."""
    path = Path(find_spec("skimage").submodule_search_locations[0], "data", "chelsea.png")
    cat = cv2.imread(str(path))
    assert create_pipeline(face_mesh="off").process(Observation(cat, 1.0)).faces
    pipeline = create_pipeline()
    assert not pipeline.process(Observation(cat, 1.0)).faces
    assert pipeline.finder.refused > 0


def test_nothing_is_no_face(verifier):
    flat = np.full((200, 200, 3), 90, np.uint8)
    look, presence = verifier.verify(flat, Detection(Box(50, 50, 100, 100), 0.9))
    assert look is None
    assert presence < 0.1
