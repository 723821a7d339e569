r"""Text that no database takes, written so that it comes back exactly as it was.

SQLite's driver refuses lone surrogates (half of a model's broken emoji), PostgreSQL refuses NUL, and both turn up in
what models and pages write. In a text column a backslash is doubled, and NUL and lone surrogates are written `\uXXXX`:
any other string is stored as it is, and can be searched for. (JSON has its own way: see `payloads`.)

PostgreSQL orders text by the rules of the database's language unless it is told to go byte by byte, as SQLite does.
"""

from __future__ import annotations

import re
from typing import Any

from sqlalchemy import Text
from sqlalchemy.engine import Dialect
from sqlalchemy.types import TypeDecorator, TypeEngine

_TO_ESCAPE = re.compile("[\\\\\x00\ud800-\udfff]")
_ESCAPED = re.compile(r"\\(\\|u[0-9a-f]{4})")


def to_column(text: str) -> str:
    """`text` as a text column takes it; itself unless it holds a backslash, NUL or a lone surrogate."""
    if text.isascii() and "\\" not in text and "\0" not in text:  # a fifth of what the search costs
        return text
    return _TO_ESCAPE.sub(_escape, text)


def from_column(stored: str) -> str:
    """The text that :func:`to_column` wrote as `stored`."""
    return _ESCAPED.sub(_unescape, stored) if "\\" in stored else stored


def _escape(match: re.Match[str]) -> str:
    return "\\\\" if match.group() == "\\" else f"\\u{ord(match.group()):04x}"


def _unescape(match: re.Match[str]) -> str:
    return "\\" if match.group(1) == "\\" else chr(int(match.group(1)[1:], 16))


class PlainText(TypeDecorator[str]):
    """A text column that is compared and ordered byte by byte, whatever the database's language."""

    impl = Text
    cache_ok = True

    @property
    def python_type(self) -> type[str]:
        """What a value is."""
        return str

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        """How the column is declared."""
        return Text(collation="C") if dialect.name == "postgresql" else super().load_dialect_impl(dialect)


class AnyText(PlainText):
    """The same, for any Python string."""

    cache_ok = True

    def process_bind_param(self, value: Any, dialect: Dialect) -> str | None:
        """What goes into the database."""
        return None if value is None else to_column(value)

    def process_result_value(self, value: Any, dialect: Dialect) -> str | None:
        """What comes out of it."""
        return None if value is None else from_column(value)
