"""Long text in rows of a width."""

from __future__ import annotations

import pytest
from rich.cells import cell_len

from sandbox.tui.wrapping import wrap


@pytest.mark.parametrize(
    ("text", "hang", "rows"),
    [
        ("", 0, [""]),
        ("short", 0, ["short"]),
        ("one two three", 0, ["one two", "three"]),
        ("12345678901234567", 0, ["1234567890", "1234567"]),
        ("a\n\nb", 0, ["a", "", "b"]),
        ("  indented words", 0, ["  indented", "words"]),
        ("one two three", 2, ["one two", "  three"]),
        ("one\ntwo words more", 2, ["one", "  two", "  words", "  more"]),
        ("a\tb", 0, ["a   b"]),
        ("語語語語語語", 0, ["語語語語語", "語"]),
        ("語 語語語 語語語語", 0, ["語 語語語", "語語語語"]),
        ("ab語cd語ef語gh", 0, ["ab語cd語ef", "語gh"]),
        ("x" * 10 + " " * 30 + "y", 0, ["x" * 10, "y"]),
    ],
)
def test_rows_break_at_blanks_and_fit(text: str, hang: int, rows: list[str]) -> None:
    assert list(wrap(text, 10, hang)) == rows
    assert all(cell_len(row) <= 10 for row in rows)


def test_no_row_is_wider_than_it_may_be_and_nothing_is_lost() -> None:
    text = "naïve Ωmega 語語 plain words and 🙂 a-very-long-word-that-does-not-fit " * 40
    for width in range(4, 60):
        rows = list(wrap(text, width))
        assert max(map(cell_len, rows)) <= width
        assert "".join("".join(rows).split()) == "".join(text.split())
