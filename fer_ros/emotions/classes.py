# SPDX-License-Identifier: Apache-2.0
"""The seven expression classes of FER-2013: their order, names and colours.

The order is that of the data set (Goodfellow et al., 2013, doi:10.1007/978-3-642-42051-1_16) and
of ``fer_ros/msg/FaceEmotion``. A label names the *apparent expression* of a face, never what the
person feels.
"""

from collections.abc import Iterable

EMOTIONS = ("anger", "disgust", "fear", "joy", "sadness", "surprise", "neutral")
"""Class names; a class's number is its index here."""

SYNONYMS = {
    "angry": "anger",
    "disgusted": "disgust",
    "fearful": "fear",
    "scared": "fear",
    "happiness": "joy",
    "happy": "joy",
    "sad": "sadness",
    "surprised": "surprise",
}
"""What other data sets and networks call the seven, in small letters."""

UNCERTAIN = 255
"""Number of the label ``uncertain``: no class is likely enough to be named."""

COLOURS = {  # RGB; told apart by people with red-green blindness too (after Okabe and Ito, 2008)
    "anger": (213, 94, 0),
    "disgust": (0, 158, 115),
    "fear": (204, 121, 167),
    "joy": (240, 228, 66),
    "sadness": (0, 114, 178),
    "surprise": (86, 180, 233),
    "neutral": (220, 220, 220),
    "uncertain": (165, 165, 165),
}
"""One RGB colour, 0 to 255, for each label and for ``uncertain``."""

HRI_EXPRESSIONS = {
    "anger": "angry",
    "disgust": "disgusted",
    "fear": "scared",
    "joy": "happy",
    "sadness": "sad",
    "surprise": "surprised",
    "neutral": "neutral",
}
"""hri_msgs/Expression's name of each label (REP 155, https://www.ros.org/reps/rep-0155.html); it
has none for ``uncertain``."""

VALENCE = (-0.5, -0.6, -0.5, 0.8, -0.6, 0.1, 0.0)
"""How pleasant each class looks, -1 to 1: a fixed map after the circumplex of affect (Russell,
1980, doi:10.1037/h0077714). ``benchmarks/accuracy/valence.py`` prints how it goes with what people
see."""


def valence_of(probabilities: Iterable[float]) -> float:
    """How pleasant an expression looks, -1 to 1, by the probabilities of the seven classes."""
    return float(sum(p * v for p, v in zip(probabilities, VALENCE, strict=True)))


def label_of(emotion: int) -> str:
    """Name of a class number: ``anger`` (0) to ``neutral`` (6), or ``uncertain`` (255).

    Raises ValueError for any other number.
    """
    if emotion == UNCERTAIN:
        return "uncertain"
    if not 0 <= emotion < len(EMOTIONS):
        raise ValueError(f"no emotion has the number {emotion}: 0 to 6, or 255 for uncertain")
    return EMOTIONS[emotion]
