"""A record of another system's as the specification that it is played as."""

from __future__ import annotations

from typing import Any

import pytest

from sandbox.errors import InputError
from sandbox.importing import Record
from sandbox.plugins import Plugins
from sandbox.runner.build import Builder
from sandbox.runner.imported import spec_of

BUILDER = Builder(Plugins())


def record(**fields: Any) -> Record:
    return Record(
        environment="games/Bargaining-v0",
        agent="somebody",
        answers={"alice": ({"kind": "offer", "alice_gain": 50},), "bob": ({"kind": "accept"},)},
        external_id="x",
        **fields,
    )


def test_a_seat_is_called_after_its_own_agent_or_after_the_records() -> None:
    assert {use.name for use in spec_of(record(), BUILDER).seats.values()} == {"somebody"}
    seats = spec_of(record(agents={"bob": "llama"}), BUILDER).seats
    assert {seat: (use.id, use.name) for seat, use in seats.items()} == {
        "alice": ("recorded", "somebody"),
        "bob": ("recorded", "llama"),
    }


def test_an_agent_of_a_seat_that_is_not_there_is_a_fault() -> None:
    with pytest.raises(InputError, match="record 'x': agents names the seats carol, which are not there"):
        spec_of(record(agents={"carol": "llama"}), BUILDER)
