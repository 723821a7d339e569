"""The language of the filter line."""

from __future__ import annotations

import pytest

from sandbox.errors import InputError
from sandbox.store import Filter
from sandbox.tui.filters import parse


@pytest.mark.parametrize(
    ("line", "meant"),
    [
        ("", Filter()),
        ("  ", Filter()),
        ("agent:llm env:power status:error", Filter(agent="llm", environment="power", status="error")),
        ("environment:games/Bargaining-v0", Filter(environment="games/Bargaining-v0")),
        ("FLAG:Risk framing:HYPOTHETICAL", Filter(flag="risk", framing="hypothetical")),
        ("shut down", Filter(text="shut down")),
        ("shut flag:risk down", Filter(flag="risk", text="shut down")),
        ('agent:"my agent" item:7', Filter(agent="my agent", item="7")),
        ('"env:power"', Filter(text="env:power")),
        ("provenance:replayed", Filter(provenance="replayed")),
    ],
)
def test_a_line_means(line: str, meant: Filter) -> None:
    assert parse(line) == meant


@pytest.mark.parametrize(
    ("line", "fault"),
    [
        ("agnet:x", "filter: no key 'agnet': did you mean 'agent'?"),
        ("status:eror", "filter: no status 'eror': did you mean 'error'?"),
        ("flag:riks", "filter: no flag 'riks': did you mean 'risk'?"),
        ("agent:a agent:b", "filter: agent is given twice"),
        ("zzz:1 status:q", "2 faults"),
    ],
)
def test_what_cannot_be_understood_is_named(line: str, fault: str) -> None:
    with pytest.raises(InputError) as caught:
        parse(line)
    assert fault in str(caught.value)
