"""Steps as rows: what several of them hold as the very same objects is written once, and is what it would be alone."""

from __future__ import annotations

import pytest

from sandbox.scenario import Appraisal
from sandbox.store import traces
from sandbox.store.conversations import Conversations
from sandbox.store.payloads import Packer
from sandbox.store.redaction import Redaction
from sandbox.store.traces import Shared, pack_step
from sandbox.text import Fragmented, canonical
from sandbox.trace import MenuEntry, Step

MENU = (
    MenuEntry(move={"kind": "buy"}, appraisal=Appraisal(utility=1.5, risks=("Harm",))),
    MenuEntry(move={"kind": "leave"}),
)


def _step(index: int, text: str, observation: dict[str, object]) -> Step:
    fields = {"observation": observation, "text": text, "menu": MENU, "decision": MENU[1], "applied": MENU[1].move}
    return Step(index=index, tick=index, seat="agent", applied={}).model_copy(update=fields)


def test_a_menu_that_many_steps_hold_is_written_once(monkeypatch: pytest.MonkeyPatch) -> None:
    written: list[MenuEntry] = []
    entry = traces._entry
    monkeypatch.setattr(traces, "_entry", lambda one: (written.append(one), entry(one))[1])
    shared = Shared()
    packed = [
        pack_step(_step(index, f"round {index}", {"round": index}), Packer(None), shared, Conversations())
        for index in range(5)
    ]
    assert len(written) == len(MENU)
    alone = [
        pack_step(_step(index, f"round {index}", {"round": index}), Packer(None), Shared(), Conversations())
        for index in range(5)
    ]
    assert packed == alone


@pytest.mark.parametrize("text", ["plain", "null", "", "half \ud83d", "x" * 9000])
def test_what_is_encoded_already_is_stored_as_if_it_were_not(text: str) -> None:
    observation = {"b": None, "a": [1, 2.5, "null"], "ä": "\n"}
    kept = Fragmented(observation, canonical(observation))
    packers = Packer(None), Packer(None)
    one, other = (
        pack_step(_step(0, text, seen), packer, Shared(), Conversations())
        for seen, packer in zip((observation, kept), packers, strict=True)
    )
    assert one == other
    assert packers[0].payloads == packers[1].payloads


def test_a_credential_is_hidden_in_what_is_encoded_already() -> None:
    observation = {"key": "sk-very-secret-1234567890"}
    packer = Packer(Redaction({"OPENAI_API_KEY": "sk-very-secret-1234567890"}))
    kept = Fragmented(observation, canonical(observation))
    packed = pack_step(_step(0, "text", kept), packer, Shared(), Conversations())
    assert b"secret" not in packed.content
