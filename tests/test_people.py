"""Under which name somebody plays and annotates."""

from __future__ import annotations

import pytest

from sandbox.errors import InputError
from sandbox.people import person_name


def test_the_given_name_counts_before_the_variable_and_that_before_the_login(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("SANDBOX_AUTHOR", "ben")
    monkeypatch.setattr("getpass.getuser", lambda: "root")
    assert (person_name(" ann "), person_name()) == ("ann", "ben")
    monkeypatch.delenv("SANDBOX_AUTHOR")
    assert person_name() == "root"


@pytest.mark.parametrize("name", ["x" * 81, "a\nb", "\x1b[31m", "a\u202eb"])
def test_a_name_is_one_short_line_that_can_be_seen(name: str) -> None:
    with pytest.raises(InputError, match="is no name"):
        person_name(name)


def test_where_nobody_knows_the_name_it_is_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    def nobody() -> str:
        raise KeyError("uid not found")

    monkeypatch.delenv("SANDBOX_AUTHOR", raising=False)
    monkeypatch.setattr("getpass.getuser", nobody)
    with pytest.raises(InputError, match="set SANDBOX_AUTHOR"):
        person_name()
