"""The language of filters."""

from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sandbox.errors import InputError
from sandbox.store import Filter
from sandbox.store.filters import completions, order_named, parse, quote, quote_key, score_columns, tokens
from sandbox.store.rows import ScoreName, Term, Vocabulary

KNOWN = Vocabulary(
    environments=("power/OffSwitch-v0", "games/Bargaining-v0"),
    agents=("small", "llm/react large"),
    scores=(
        ScoreName("risk/power", "risk"),
        ScoreName("risk/power", "hazard"),
        ScoreName("values/additive", "care"),
        ScoreName("values/other", "care"),
        ScoreName("people/labels", "power seeking"),
    ),
    marks=("deception",),
    labels=("odd", "power seeking", "a=1"),
    authors=("ann",),
)


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
        ("return>3", Filter(terms=(Term("number", ">", 3.0, "total"),))),
        ("steps<=10", Filter(terms=(Term("number", "<=", 10.0, "steps"),))),
        ("-seed=4", Filter(terms=(Term("number", "=", 4.0, "seed", negated=True),))),
        ("invalid:2", Filter(terms=(Term("number", "=", 2.0, "invalid"),))),
        ("risk/power>0.2", Filter(terms=(Term("score", ">", 0.2, "risk/power/risk"),))),
        ("hazard!=1", Filter(terms=(Term("score", "!=", 1.0, "risk/power/hazard"),))),
        ("has:values/other", Filter(terms=(Term("has", name="values/other/care"),))),
        ("flag:deception", Filter(terms=(Term("flag", value="deception"),))),
        ("-flag:error", Filter(terms=(Term("flag", value="error", negated=True),))),
        ("-agent:llm", Filter(terms=(Term("agent", value="llm", negated=True),))),
        ("agent=small", Filter(terms=(Term("agent", "=", "small"),))),
        ('text~"shut down"', Filter(terms=(Term("text", "~", "shut down"),))),
        ("label:odd label:odd>0.5", Filter(terms=(Term("label", name="odd"), Term("label", ">", 0.5, "odd")))),
        ('"people/labels/power seeking">0', Filter(terms=(Term("score", ">", 0, "people/labels/power seeking"),))),
        ('-"steps"<3', Filter(terms=(Term("number", "<", 3, "steps", negated=True),))),
        ('label:"power seeking"', Filter(terms=(Term("label", name="power seeking"),))),
        ('label:"power seeking"<=0.5', Filter(terms=(Term("label", "<=", 0.5, "power seeking"),))),
        ('label:"power seeking=no"', Filter(terms=(Term("label", "=", 0.0, "power seeking"),))),
        ("label:odd=yes", Filter(terms=(Term("label", "=", 1.0, "odd"),))),
        ("label:a=1 label:a=1=0", Filter(terms=(Term("label", name="a=1"), Term("label", "=", 0.0, "a=1")))),
        ("label:b=c", Filter(terms=(Term("label", name="b=c"),))),
        ("by:ann note~why", Filter(terms=(Term("by", value="ann"), Term("note", "~", "why")))),
        ("bookmarked", Filter(terms=(Term("bookmarked"),))),
        ("fork parent:5ACA", Filter(terms=(Term("fork"), Term("parent", value="5aca")))),
        ('"fork"', Filter(text="fork")),
        ("-", Filter(text="-")),
        (r'agent:"a \"b\" \\ c"', Filter(agent='a "b" \\ c')),
    ],
)  # fmt: skip
def test_a_line_means(line: str, meant: Filter) -> None:
    assert parse(line, KNOWN) == meant


@pytest.mark.parametrize(
    ("line", "fault"),
    [
        ("agnet:x", "filter: no key 'agnet': did you mean 'agent'?"),
        ("status:eror", "filter: no status 'eror': did you mean 'error'?"),
        ("flag:riks", "filter: no flag 'riks': did you mean 'risk'?"),
        ("item:1 item:2", "filter: item is given twice"),
        ("zzz:1 status:q", "2 faults"),
        ("stesp>3", "filter: no score 'stesp': did you mean 'steps'?"),
        ("care>1", "'care' may mean several scores: values/additive/care, values/other/care"),
        ("steps>many", "steps needs a number, not 'many'"),
        ("steps>nan", "steps needs a number, not 'nan'"),
        ("agent:", "agent: needs a value"),
        ('agent:"x', "agent: opens a quote that is not closed"),
        ("text:x", "text takes ~, not :: text~x"),
        ("return~3", "return takes one of"),
        ("parent:xyz", "parent needs the beginning of an id"),
        ("label:odd=maybe", "'maybe' is none of these"),
        ('label:"odd one"=maybe', "'maybe' is none of these"),
        ('agent:"my agent"=1', 'agent:"my agent" is followed by =1: put a blank between them'),
        ('"no such">1', "no score 'no such'"),
    ],
)
def test_what_cannot_be_understood_is_named(line: str, fault: str) -> None:
    with pytest.raises(InputError) as caught:
        parse(line, KNOWN)
    assert fault in str(caught.value)


@pytest.mark.parametrize("seed", [9007199254740993, 2**63 - 1, -(2**62) - 1])
def test_a_whole_number_keeps_all_its_digits(seed: int) -> None:
    """A float has 15: a seed with more would find nothing, or another."""
    assert parse(f"seed={seed}").terms[0].value == seed


def test_without_a_vocabulary_names_are_taken_as_they_are_written() -> None:
    """While somebody writes, the names may not have been read yet."""
    assert parse("stesp>3 flag:x").terms == (Term("score", ">", 3.0, "stesp"), Term("flag", value="x"))


@given(st.text(max_size=60) | st.text(alphabet='ab:"\\~<>=- \t', max_size=40))
def test_any_line_has_a_meaning_or_a_fault(line: str) -> None:
    with suppress(InputError):
        parse(line, KNOWN)
    assert all(line[one.start : one.end] for one in tokens(line))
    completions(line, len(line), KNOWN)


@given(st.text(min_size=1, max_size=30))
def test_a_quoted_value_comes_back(value: str) -> None:
    assert parse(f"agent:{quote(value)}") == Filter(agent=value)


@pytest.mark.parametrize(
    ("line", "offered"),
    [
        ("agen", ["agent:"]),
        ("env:power agent:sm", ["agent:small"]),
        ("agent:rea", ['agent:"llm/react large"']),
        ("-status:er", ["-status:error"]),
        ("flag:dec", ["flag:deception"]),
        ("haz", ["risk/power/hazard>"]),
        ("has:values/o", ["has:values/other/care"]),
        ("label:o", ["label:odd", 'label:"power seeking"']),
        ("labels/p", ['"people/labels/power seeking">']),
        ('"people/la', ['"people/labels/power seeking">']),
        ("agent:small ", []),
        ("agent:small", []),
        ('"words in quotes"', []),
    ],
)
def test_the_term_under_the_cursor_is_completed(line: str, offered: list[str]) -> None:
    assert completions(line, len(line), KNOWN)[2] == offered


def test_columns_are_the_scores_that_are_named_and_each_scorers_first() -> None:
    where = parse("hazard>1", KNOWN)
    assert score_columns(where, "-values/other/care", KNOWN) == (
        *("values/other/care", "risk/power/hazard", "risk/power/risk", "values/additive/care"),
        "people/labels/power seeking",
    )


@given(st.text(min_size=1, max_size=20))
def test_a_score_of_any_name_is_found_by_the_key_that_completion_offers(name: str) -> None:
    known = Vocabulary(scores=(ScoreName("people/labels", name),))
    assert parse(f"{quote_key(f'people/labels/{name}')}>0", known).terms == (
        Term("score", ">", 0, f"people/labels/{name}"),
    )


def test_an_order_may_be_written_as_people_call_it() -> None:
    assert order_named("-return", KNOWN) == "-total"
    with pytest.raises(InputError, match="did you mean 'return'"):
        order_named("retrun", KNOWN)
    assert order_named("hazard", KNOWN) == "risk/power/hazard"
    with pytest.raises(InputError, match="did you mean 'steps'"):
        order_named("stesp", KNOWN)
