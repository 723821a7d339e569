from hypothesis import given
from hypothesis import strategies as st

from sandbox.store.columns import from_column, to_column
from tests.store.conftest import ODD

ANY_TEXT = st.text(st.characters(exclude_categories=()))


@given(ANY_TEXT)
def test_any_text_comes_back_from_a_column(text):
    assert from_column(to_column(text)) == text


@given(ANY_TEXT)
def test_what_goes_into_a_column_holds_neither_nul_nor_lone_surrogate(text):
    assert "\0" not in to_column(text)
    to_column(text).encode("utf-8")


def test_ordinary_text_is_stored_as_it_is():
    assert to_column("ünï 日本語 🙂\n") == "ünï 日本語 🙂\n"


def test_odd_text_is_written_with_escapes():
    assert to_column("a\\b\0\ud83d") == "a\\\\b\\u0000\\ud83d"
    assert from_column(to_column(ODD)) == ODD
