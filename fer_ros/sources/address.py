# SPDX-License-Identifier: Apache-2.0
"""What a source is called: by a word, or by a file that holds it; and never with its password."""

import re
from pathlib import Path

from fer_ros.images.picture import shown

MAX_ADDRESS = 4096  # characters
# To the last @ of the word: a password may hold what an address must not.
_PASSWORD = re.compile(r"(://[^\s:/@]*):[^\s\"'<>]*@")
_SECRET = re.compile(
    r"([?&](?:[\w-]*(?:password|passwd|pwd|pass|token|secret|key|auth|signature))=)[^\s&\"'<>#]+",
    re.IGNORECASE,
)


class AddressError(ValueError):
    """The file that is to hold the source cannot be read; the message is one line."""


def masked(text: object) -> str:
    """The text, in which ``user:secret@`` of every address is ``user:***@``."""
    return _SECRET.sub(r"\1***", _PASSWORD.sub(r"\1:***@", str(text)))


def source_of(word: str) -> str:
    """The source that is meant: ``@FILE`` is what that file holds, as an address may be secret.

    Raises AddressError.
    """
    if not word.startswith("@"):
        return word
    name = shown(word[1:])
    try:
        with Path(word[1:]).expanduser().open("rb") as file:
            text = file.read(MAX_ADDRESS + 1).decode("utf-8").strip()
    except (OSError, ValueError, RuntimeError) as error:
        why = getattr(error, "strerror", "") or "not a text"
        raise AddressError(f"source in {name}: {why}") from None
    if not text or len(text) > MAX_ADDRESS or "\n" in text or text.startswith("@"):
        raise AddressError(f"source in {name}: expected one line with an address")
    return text
