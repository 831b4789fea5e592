# SPDX-License-Identifier: Apache-2.0
"""Images and results of one stamp."""

import random

import pytest

from fer_ros.web.pairing import MAX_BYTES, MAX_IMAGES, MAX_RESULTS, Pairing


@pytest.fixture
def pairing():
    return Pairing()


def image(pairing, number, size=1):
    return pairing.put_image((number, 7), f"image {number}", size)


def result(pairing, number):
    return pairing.put_result((number, 7), f"result {number}")


def pair(number):
    return f"image {number}", f"result {number}"


def test_either_may_come_first(pairing):
    assert image(pairing, 1) is None
    assert result(pairing, 1) == pair(1)
    assert result(pairing, 2) is None
    assert image(pairing, 2) == pair(2)


def test_never_the_newest_of_both(pairing):
    for i in range(1, 10):
        assert image(pairing, i) is None
    assert result(pairing, 3) == pair(3)
    assert result(pairing, 8) == pair(8)


def test_nanoseconds_count(pairing):
    pairing.put_image((1, 1), "image", 1)
    assert pairing.put_result((1, 2), "result") is None


def test_what_came_before_is_superseded(pairing):
    image(pairing, 1)
    image(pairing, 2)
    assert result(pairing, 2) == pair(2)
    assert result(pairing, 1) is None
    assert image(pairing, 1) is not None, "as after a bag began anew"


def test_nobody_waits_for_ever(pairing):
    for i in range(1, 10 * MAX_IMAGES):
        image(pairing, i)
        result(pairing, 100_000 + i)
    assert len(pairing._images) == MAX_IMAGES
    assert len(pairing._results) == MAX_RESULTS
    assert result(pairing, 1) is None


def test_bytes_are_bounded_but_one_image_waits(pairing):
    for i in range(1, 10):
        image(pairing, i, MAX_BYTES // 3)
    assert len(pairing._images) == 3
    image(pairing, 10, 2 * MAX_BYTES)
    assert len(pairing._images) == 1
    assert result(pairing, 10) == pair(10)


def test_stamps_that_tell_nothing(pairing):
    assert pairing.put_image((0, 0), "image", 1) is None
    assert pairing.put_result((0, 0), "result") is None
    assert pairing.put_image((0, 0), "image", 1) is None
    image(pairing, 1)
    image(pairing, 1)
    assert result(pairing, 1) is None, "of which of the two?"
    image(pairing, 2)
    assert result(pairing, 2) == pair(2)


def test_clear(pairing):
    image(pairing, 1)
    result(pairing, 2)
    pairing.clear()
    assert result(pairing, 1) is None
    assert image(pairing, 2) is None


def test_any_order_gives_pairs_alone(pairing):
    chance = random.Random(3)
    for _ in range(5000):
        put = image if chance.random() < 0.5 else result
        number = chance.randrange(1, 200)
        found = put(pairing, number)
        assert found is None or found == pair(number)
