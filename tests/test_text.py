"""Untrusted text is harmless on any terminal or page, and canonical bytes depend on the value alone."""

from __future__ import annotations

import hashlib
import json
import tracemalloc
import unicodedata
from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sandbox.text import as_json, canonical, display, display_line, escape_html, fragment, sha256

# Lone surrogates too, but no low ones: behind a high one, JSON's reader would make one character of the two.
ANY_TEXT = st.text(st.characters(codec=None, exclude_categories=()).filter(lambda c: not "\udc00" <= c <= "\udfff"))
JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**70), 2**70)
    | st.floats(allow_nan=False, allow_infinity=False)
    | ANY_TEXT,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(ANY_TEXT, inner, max_size=4),
    max_leaves=12,
)


@pytest.mark.parametrize(
    ("name", "attack"),
    [
        ("colour", "\x1b[31mred"),
        ("title", "\x1b]0;owned\x07"),
        ("clipboard", "\x1b]52;c;cm0gLXJm\x07"),
        ("link", "\x1b]8;;http://evil\x1b\\click\x1b]8;;\x1b\\"),
        ("one-byte CSI", "\x9b31m"),
        ("carriage return", "safe\rEVIL"),
        ("backspace", "rm\x08\x08ls"),
        ("delete", "a\x7fb"),
        ("right-to-left", "a\u202eb"),
        ("isolate", "a\u2066b"),
        ("zero width", "a\u200bb"),
        ("byte order mark", "\ufeffa"),
        ("tag", "a\U000e0041b"),
        ("lone surrogate", "a\ud83db"),
        ("line separator", "a\u2028b"),
    ],
)
def test_what_a_terminal_obeys_is_made_visible(name: str, attack: str) -> None:
    shown = display(attack)
    assert shown.encode()  # can be written at all
    assert not any(unicodedata.category(c) in ("Cc", "Cf", "Cs", "Zl", "Zp") for c in shown if c not in "\t\n"), name


@given(ANY_TEXT)
def test_no_text_whatever_leaves_a_control_character(text: str) -> None:
    assert not set(display(text)) & {chr(code) for code in (*range(9), *range(11, 32), *range(0x7F, 0xA0))}
    assert "\n" not in display_line(text)


def test_letters_of_any_script_and_emoji_stay_as_they_are() -> None:
    assert display("naïve 你好 العربية 🙂\tx\ny") == "naïve 你好 العربية 🙂\tx\ny"


def test_a_line_is_cut_with_an_ellipsis_at_its_width() -> None:
    assert display_line("abc\ndef", 5) == "abc⏎…"
    assert display_line("abc", 3) == "abc"
    assert len(display_line("x" * 100, 20)) == 20


def test_html_is_escaped_in_content_and_in_attributes() -> None:
    assert escape_html("<script>\"'&") == "&lt;script&gt;&quot;&#x27;&amp;"
    assert "\x1b" not in escape_html("\x1b[0m")


@given(JSON)
def test_any_json_value_comes_back_from_its_canonical_bytes(value: object) -> None:
    assert json.loads(canonical(value)) == value


@given(st.dictionaries(st.text(), st.integers(), max_size=6))
def test_canonical_bytes_do_not_depend_on_the_order_of_keys(value: dict[str, int]) -> None:
    assert canonical(dict(reversed(value.items()))) == canonical(value)


@pytest.mark.parametrize("text", ["\ud83d\ude00", "\ud83d and \ude00", "\ude00\ud83d\x00\\ud83d"])
def test_half_characters_are_as_they_were_in_json_values(text: str) -> None:
    """Two halves side by side, as a model's stream may break them, became the whole."""
    assert as_json({text: [text, 2**70]}) == {text: [text, 2**70]}


def test_canonical_bytes_are_these_on_every_machine() -> None:
    """Hashes of stored traces rest on them."""
    assert canonical({"b": [1, 2.5, None, True], "a": "é\x00"}) == '{"a":"é\\u0000","b":[1,2.5,null,true]}'.encode()
    assert canonical("\ud83d") == b'"\\ud83d"'


def test_canonical_bytes_take_no_more_memory_than_they_need():
    """They are kept by the thousand, as keys of memos; orjson leaves each of its own in a buffer of 4 KB."""
    tracemalloc.start()
    try:
        kept = [found for number in range(1000) for found in (canonical([number]), fragment([number]))]
        assert tracemalloc.get_traced_memory()[0] < 200 * len(kept)
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("size", [0, 2047, 2048, 4094, 4095, 20_001, 60_000])
def test_a_step_is_hashed_without_giving_the_lock_away(size: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """hashlib gives away the interpreter's from 2,048 bytes, and the thread that writes keeps it for longer."""
    pieces: list[int] = []
    real = hashlib.sha256

    class Noted:
        def __init__(self, data: bytes = b"") -> None:
            pieces.append(len(data))
            self._hash = real(data)
            self.hexdigest = self._hash.hexdigest

        def update(self, data: bytes) -> None:
            pieces.append(len(data))
            self._hash.update(data)

    written = bytes(number % 251 for number in range(size))
    monkeypatch.setattr("sandbox.text.hashlib", SimpleNamespace(sha256=Noted))
    assert sha256(written) == real(written).hexdigest()
    assert max(pieces) <= 2047 or size > 50_000
