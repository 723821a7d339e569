"""The pictures that surfaces showed: found in `view` events, and decoded within bounds; their bytes are data."""

from __future__ import annotations

import hashlib
import io
import warnings
from base64 import b64decode
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from sandbox.errors import InputError
from sandbox.trace import Event

if TYPE_CHECKING:
    from PIL.Image import Image

LARGEST = 16_000_000
"""Bytes of a picture, beyond which nothing decodes it."""
MOST_PIXELS = 50_000_000
"""Pixels of a picture, beyond which nothing decodes it: a few bytes can say that they are a picture of a terabyte."""
ENDINGS = {"JPEG": "jpg", "PNG": "png", "WEBP": "webp"}
"""The kinds of pictures that are decoded, as Pillow calls them -> ending of a file's name."""


@dataclass(frozen=True)
class Shot:
    """A picture that a seat was shown, with what the event says of it, which may be false.

    Attributes:
        surface: what showed it.
        media: kind of picture, as an Internet media type.
        encoded: its bytes in base64.
        width, height: pixels; None where the event says none.
    """

    surface: str
    media: str
    encoded: str
    width: int | None = None
    height: int | None = None

    @cached_property
    def data(self) -> bytes:
        """The bytes; none where they cannot be read, or are too many."""
        if len(self.encoded) > LARGEST * 4 // 3 + 4:
            return b""
        try:
            return b64decode(self.encoded, validate=True)
        except ValueError:
            return b""

    @property
    def words(self) -> str:
        """Size and hash: two pictures with the same words are the same picture."""
        if not self.data:
            return f"a picture that cannot be read, of {len(self.encoded):,} characters"
        digest = hashlib.sha256(self.data).hexdigest()[:16]
        size = "" if None in (self.width, self.height) else f"{self.width} x {self.height}, "
        return f"{size}{self.media}, {len(self.data):,} bytes, sha256 {digest}"

    def image(self, longest: int) -> Image:
        """The picture in RGB, made smaller until no side is longer than `longest` pixels.

        Raises:
            InputError: the bytes are no picture of a kind in `ENDINGS`, a broken one, or one that is too large.
        """
        image = self._opened()
        try:
            image.draft("RGB", (longest, longest))  # a JPEG is decoded at the size that is wanted
            image.thumbnail((longest, longest))
            return image.convert("RGB")
        except Exception as error:  # decoders raise anything at bytes that were made to break them
            raise InputError(f"the picture is broken: {type(error).__name__}: {error}") from None

    def ending(self) -> str:
        """The ending that a file of these bytes has, by what they are, not by what was said of them.

        Raises:
            InputError: as `image`.
        """
        return ENDINGS[str(self._opened().format)]

    def _opened(self) -> Image:
        from PIL import Image  # only who looks at pictures needs a library for them

        if not self.data:
            raise InputError(f"the picture has no bytes that can be read; at most {LARGEST:,} are")
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", Image.DecompressionBombWarning)  # the bound below is lower
                image = Image.open(io.BytesIO(self.data), formats=tuple(ENDINGS))
        except Exception as error:  # as above
            raise InputError(f"this is no picture that can be shown: {type(error).__name__}: {error}") from None
        if image.width * image.height > MOST_PIXELS:
            raise InputError(
                f"the picture has {image.width} x {image.height} pixels; at most {MOST_PIXELS:,} are decoded"
            )
        return image


def shot(event: Event) -> Shot | None:
    """The picture that an event holds; None where it holds none."""
    data: Mapping[str, Any] = event.data
    encoded = data.get("base64")
    if event.kind != "view" or not isinstance(encoded, str):
        return None
    surface, media = str(data.get("surface", "")), str(data.get("media", "picture"))
    width, height = (size if isinstance(size := data.get(name), int) else None for name in ("width", "height"))
    return Shot(surface, media, encoded, width, height)


def shots(events: Iterable[Event]) -> list[Shot]:
    """The pictures that events hold, in order."""
    return [found for event in events if (found := shot(event)) is not None]
