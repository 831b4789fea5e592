# SPDX-License-Identifier: Apache-2.0
import numpy as np
import pytest
from conftest import make_faces
from fer_training import near
from fer_training.networks import NETWORKS


def test_what_is_nearly_equal_comes_to_one_side(monkeypatch):
    monkeypatch.setattr(near, "BLOCK", 16)  # several blocks
    faces = make_faces(70, "Training", seed=5)
    twins = faces.images.copy()
    twins[:, 0, 0] ^= 1  # a grey level in a corner
    both = faces.select(np.tile(np.arange(70), 2))
    both.images[70:] = twins
    learnt, aside = near.hold_out(both, 0.3)
    assert len(learnt) + len(aside) == 140
    assert 0 < len(aside) < 100
    hashes = [near.perceptual_hashes(part.images) for part in (learnt, aside)]
    assert len(near.near_pairs(*hashes)) == 0


def test_the_part_held_out_does_not_depend_on_the_order():
    faces = make_faces(70, "Training", seed=5)
    _, aside = near.hold_out(faces, 0.3)
    _, turned = near.hold_out(faces.select(np.arange(70)[::-1]), 0.3)
    assert set(aside.keys()) == set(turned.keys())


@pytest.mark.parametrize("name", NETWORKS)
def test_networks_take_bytes_give_logits_and_are_small(name, tmp_path):
    import keras

    model = NETWORKS[name](0.3)
    assert 0.7e6 < model.count_params() < (5.7e6 if name == "face_resnet" else 1.1e6)
    faces = make_faces(3, "Training").images[..., None]
    logits = model.predict(faces, verbose=0)
    assert logits.shape == (3, 7)
    assert np.isfinite(logits).all()
    model.save(tmp_path / "model.keras")
    again = keras.saving.load_model(tmp_path / "model.keras", safe_mode=True)
    np.testing.assert_allclose(again.predict(faces, verbose=0), logits, rtol=1e-5, atol=1e-5)
