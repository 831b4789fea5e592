# SPDX-License-Identifier: Apache-2.0
"""Which result belongs to which image: those of one stamp, whichever comes first."""

from collections import OrderedDict
from typing import Generic, TypeVar

MAX_IMAGES = 64
MAX_BYTES = 200_000_000
"""Of all images that wait; at least one waits, however large."""
MAX_RESULTS = 64

Image = TypeVar("Image")
Result = TypeVar("Result")
Stamp = tuple[int, int]


class Pairing(Generic[Image, Result]):
    """Holds images until their results come, and results until their images do; both bounded.

    What was put in before a pair is superseded by it. Stamps of several images that wait, and zero,
    tell nothing: what bears them is never paired.
    """

    def __init__(self):
        self._images: OrderedDict[Stamp, tuple[Image, int] | None] = OrderedDict()
        self._results: OrderedDict[Stamp, Result] = OrderedDict()

    def put_image(self, stamp: Stamp, image: Image, size: int) -> tuple[Image, Result] | None:
        """The pair that an image of ``size`` bytes makes, if its result is there."""
        if stamp == (0, 0):
            return None
        if stamp in self._images:
            self._images[stamp] = None  # of which of the two would a result be?
            return None
        if stamp in self._results:
            result = self._results[stamp]
            self._drop(self._results, stamp)
            self._images.clear()
            return image, result
        self._images[stamp] = image, size
        while len(self._images) > 1 and self._is_full():
            self._images.popitem(last=False)
        return None

    def put_result(self, stamp: Stamp, result: Result) -> tuple[Image, Result] | None:
        """The pair that a result makes, if its image is there."""
        if stamp == (0, 0):
            return None
        held = self._images.get(stamp)
        if held:
            self._drop(self._images, stamp)
            self._results.clear()
            return held[0], result
        self._results[stamp] = result
        self._results.move_to_end(stamp)
        if len(self._results) > MAX_RESULTS:
            self._results.popitem(last=False)
        return None

    def clear(self) -> None:
        """Forget all."""
        self._images.clear()
        self._results.clear()

    def _is_full(self):
        held = sum(image[1] for image in self._images.values() if image)
        return len(self._images) > MAX_IMAGES or held > MAX_BYTES

    @staticmethod
    def _drop(held, stamp):
        """Let go of this one and of all that came before it."""
        while held.popitem(last=False)[0] != stamp:
            pass
