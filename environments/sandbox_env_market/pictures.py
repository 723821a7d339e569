"""Product pictures, drawn as SVG from what a picture shows: thing, colour, style and the words printed on it.

Each is 200 by 200 units, stands on a pale ground, and is the same for the same `Picture`. Shading lies over the colours
as three gradients that all pictures of a page share (`DEFINITIONS`).
"""

from __future__ import annotations

import re
from functools import lru_cache
from html import escape
from textwrap import wrap
from zlib import crc32

from sandbox_env_market.characters import plain
from sandbox_env_market.drawings import QUIET, Pen, box, known
from sandbox_env_market.page import Picture

DEFINITIONS = (
    '<defs><linearGradient id="round"><stop offset="0" stop-color="#000" stop-opacity=".22"/>'
    '<stop offset=".3" stop-color="#fff" stop-opacity=".38"/><stop offset=".55" stop-color="#fff" stop-opacity="0"/>'
    '<stop offset="1" stop-color="#000" stop-opacity=".32"/></linearGradient>'
    '<linearGradient id="flat" x2="0" y2="1"><stop offset="0" stop-color="#fff" stop-opacity=".3"/>'
    '<stop offset=".5" stop-color="#fff" stop-opacity="0"/><stop offset="1" stop-color="#000" stop-opacity=".25"/>'
    '</linearGradient><radialGradient id="ball" cx=".35" cy=".3" r=".8"><stop offset="0" stop-color="#fff"'
    ' stop-opacity=".55"/><stop offset=".45" stop-color="#fff" stop-opacity="0"/><stop offset="1" stop-color="#000"'
    ' stop-opacity=".38"/></radialGradient><radialGradient id="floor"><stop offset="0" stop-color="#000"'
    ' stop-opacity=".3"/><stop offset="1" stop-color="#000" stop-opacity="0"/></radialGradient></defs>'
)

_COLOURS = {
    "amber": "#d08a1e", "aqua": "#4fb3bf", "beige": "#d8c7a6", "black": "#2b2d31", "blue": "#2f66b3",
    "bronze": "#8c6a46", "brown": "#7a5236", "burgundy": "#7b2036", "charcoal": "#43474d", "clear": "#cfdde3",
    "copper": "#b5714a", "coral": "#e8735a", "cream": "#efe6d0", "crimson": "#b01c3b", "cyan": "#31a9c4",
    "gold": "#c9a24b", "graphite": "#55595f", "gray": "#8a9097", "green": "#3f8a4f", "grey": "#8a9097",
    "indigo": "#434a9c", "ivory": "#f1ead9", "khaki": "#a39a6b", "lavender": "#a89ccf", "lilac": "#b79fce",
    "lime": "#92b93a", "maroon": "#6f2430", "mint": "#9fd3bd", "mustard": "#cfa02f", "navy": "#25365c",
    "olive": "#6d7140", "orange": "#e0792b", "peach": "#efb08f", "pink": "#dd86a3", "plum": "#6e3b6a",
    "purple": "#6f4a9c", "red": "#b8302f", "rose": "#cf7f86", "rust": "#a4502c", "sage": "#94a68a", "sand": "#cdb68c",
    "silver": "#b9bec4", "sky": "#7fb2dc", "slate": "#5f6d7a", "steel": "#a4abb2", "tan": "#bf9b6f",
    "teal": "#2b7f80", "turquoise": "#3bb0a8", "violet": "#7b57ad", "white": "#f1f2f3", "wine": "#6d2338",
    "yellow": "#e3bd3a",
}  # fmt: skip
_HEX = re.compile("#[0-9a-fA-F]{6}")
_LETTERS = re.compile("[a-z]+")


def svg(picture: Picture) -> str:
    """The picture as an SVG document of its own."""
    name = escape(alternative(picture))
    return (
        '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 200 200" role="img" '
        f'aria-label="{name}">{DEFINITIONS}{drawing(picture)}</svg>'
    )


@lru_cache(4096)
def drawing(picture: Picture) -> str:
    """What is inside the picture's `svg` element, where `DEFINITIONS` is in the document."""
    pen = Pen(_shade(picture.colour), picture.style)
    found = known(picture.thing)
    if found:
        pen.oval(100, 176, 74, 9, "url(#floor)", shade="")
        found[1](pen)
    else:
        box(pen, picture.thing)
    shapes = "".join(pen.shapes)
    # A thing faces either way; its words do not.
    facing = ' transform="translate(200 0) scale(-1 1)"' if found and picture.style & 4 else ""
    return (
        f'<g aria-hidden="true"><rect width="200" height="200" fill="#f6f7f8"/><g{facing}>{shapes}</g>'
        f"{_printed(picture.words)}</g>"
    )


def alternative(picture: Picture) -> str:
    """What a shop says of the picture to who cannot see it: colour and thing, and the words on it."""
    found = known(picture.thing)
    thing = found[0] if found else plain(picture.thing).strip() or "product"
    colour = "" if _HEX.fullmatch(picture.colour) else f"{plain(picture.colour)} "
    words = plain(picture.words).strip()
    return f"Picture of {colour}{thing}" + (f': "{words}"' if words else "")


@lru_cache(4096)
def picture_of(title: str) -> Picture:
    """A picture for a product of which only the title is known; unless that names a colour, the colour says nothing."""
    words = _LETTERS.findall(title[:500].lower())
    colour = next((word for word in words if word in _COLOURS), "")
    number = crc32(title.encode("utf-8", "replace"))
    found = known(title)
    return Picture(
        thing=found[0] if found else "",
        colour=colour or QUIET[number % len(QUIET)],
        style=number // 8 % 8,
    )


def _shade(colour: str) -> str:
    if _HEX.fullmatch(colour):
        return colour
    words = _LETTERS.findall(colour.lower())
    # `light blue`, `rose gold`: the last known word is the colour.
    named = next((_COLOURS[word] for word in reversed(words) if word in _COLOURS), None)
    return named or QUIET[crc32(colour.encode("utf-8", "replace")) % len(QUIET)]


def _printed(words: str) -> str:
    """The words as a label over the picture's lower part, as large as they can be; at most nine lines."""
    words = plain(words).strip()
    if not words:
        return ""
    for size, width, most in ((17, 19, 2), (13, 26, 4), (10, 34, 6), (8, 43, 9)):
        lines = wrap(words, width)
        if len(lines) <= most or size == 8:
            break
    lines = lines[:9]
    step = size * 1.2
    top = 194 - len(lines) * step
    text = "".join(
        f'<text x="100" y="{top + (i + 0.9) * step:.1f}" font-size="{size}" text-anchor="middle">{escape(line)}</text>'
        for i, line in enumerate(lines)
    )
    return (
        f'<rect x="4" y="{top - 4:.1f}" width="192" height="{198 - top:.1f}" rx="4" fill="#fff" fill-opacity=".92"'
        f' stroke="#c8ccd1"/><g font-family="Arial, sans-serif" font-weight="bold" fill="#1d2733">{text}</g>'
    )
