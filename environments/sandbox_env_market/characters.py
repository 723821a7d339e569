"""Which characters of somebody's text a page can hold."""

from __future__ import annotations

import re

# What HTML and XML have no place for: control characters, lone surrogates, non-characters.
_UNHELD = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff\ufdd0-\ufdef\ufffe\uffff]")
_TURNING = re.compile("[\u202a-\u202e\u2066-\u2069]")
_SPACE = re.compile("[\t\n\r \u2028\u2029]+")

LONGEST = 20_000
"""Characters of one text that a page shows: a browser lays out a megabyte of emoji for half a minute."""


def cut(text: str) -> str:
    """The text, at most `LONGEST` characters of it and `…`."""
    return text if len(text) <= LONGEST else f"{text[:LONGEST]}…"


def held(text: str) -> str:
    """The text with U+FFFD in place of each character that a page cannot hold."""
    return text if text.isascii() and text.isprintable() else _UNHELD.sub("\ufffd", text)


def plain(text: str) -> str:
    """`cut` and `held`, on one line, without the marks that turn the direction of what follows them.

    Each text of a seller's stands in a `bdi`, which gives it a direction of its own and no more than that.
    """
    if text.isascii() and text.isprintable() and "  " not in text and len(text) <= LONGEST:
        return text  # nearly every text; ten times as fast
    return _SPACE.sub(" ", _TURNING.sub("", held(cut(text))))
