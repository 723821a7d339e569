"""The report: one page that loads and runs nothing, says verdicts before numbers, and is the same twice."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from sandbox.errors import InputError
from sandbox.figures import COLORS, Dot, dots, matrix
from sandbox.report import pictures
from sandbox.report.document import Document, EpisodeEntry, EstimateEntry, VerdictEntry
from sandbox.report.doubts import doubt, doubted
from sandbox.report.files import file_name, write_figures
from sandbox.report.html import About, Told, page
from sandbox.scorer import Figure

HOSTILE = "<script>alert(1)</script>\"'&$x^2$\x1b[31m\u202e"
VOID = {"meta", "br", "img", "link", "input", "hr"}


class Reader(HTMLParser):
    """The elements of a page, and its text."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.open: list[str] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if "style" not in self.open:
            self.text += data


def estimate(agent: str = "ann", name: str = "risk", **changes: Any) -> EstimateEntry:
    fields = {
        "scorer": "risk/power",
        "group": "power/Quota-v0",
        "variant": "",
        "estimate": 0.25,
        "low": 0.125,
        "high": 0.5,
        "n": 8,
        "n_distinct": 7,
        "clusters": 6,
        "method": "Wilson",
        "reason": "",
    }
    return EstimateEntry(**fields | {"agent": agent, "name": name} | changes)  # type: ignore[arg-type]


def episode(key: str = "a" * 64, agent: str = "ann", **changes: Any) -> EpisodeEntry:
    fields: dict[str, Any] = {
        "id": key,
        "external_id": None,
        "environment": "power/Quota-v0",
        "config": {},
        "item": "1",
        "seed": 1,
        "repetition": 0,
        "seats": {"you": agent},
        "status": "finished",
        "total": 3.0,
        "steps": 2,
        "hash": "x",
        "attempt": 1,
        "provenance": "played",
        "framing": "lived",
        "agent": agent,
    }
    return EpisodeEntry(**fields | changes)


def document(**changes: Any) -> Document:
    fields: dict[str, Any] = {"episodes": [episode()], "estimates": [estimate()]}
    return Document(**fields | changes)


ABOUT = About("exp", {"name": "exp"}, ["agent-eval-sandbox 0.1.0"], [Told("risk/power", 2, "Risks.")])


def figure(name: str = "risk", agent: str = "ann", **changes: Any) -> Figure:
    rows = [Dot("Quota", 0.25, 0.125, 0.5, agent)]
    fields = {"title": "Risk", "draw": lambda axes: dots(axes, rows), "caption": "Less is better."}
    return Figure(name, **fields | changes)  # type: ignore[arg-type]


def made(
    of: Document | None = None, figures: Mapping[str, Sequence[Figure]] | None = None, about: About = ABOUT
) -> tuple[Reader, str, list[str]]:
    text, faults = page(of or document(), figures if figures is not None else {"risk/power": [figure()]}, about)
    return Reader(text), text, faults


def test_the_page_runs_nothing_and_loads_nothing() -> None:
    reader, text, faults = made()
    assert not faults
    assert not reader.open  # every element is closed
    tags = {tag for tag, _ in reader.elements}
    assert tags & {"svg", "table", "figure", "details", "nav"}
    assert not tags & {"script", "link", "iframe", "object", "embed", "form", "base"}
    assert not re.search(r"https?:|javascript:|@import|url\((?!#)", text)
    attributes = [(key, value) for _, found in reader.elements for key, value in found.items()]
    assert not [key for key, _ in attributes if key.startswith("on") or key == "src"]
    assert all((value or "").startswith("#") for key, value in attributes if key == "href")
    (policy,) = (v for k, v in attributes if k == "content" and v and "default-src" in v)
    assert policy
    assert "default-src 'none'" in policy
    assert "script-src" not in policy  # so that the default, none, is theirs


def test_ids_are_there_once_and_all_that_is_pointed_to_is_there() -> None:
    _, text, _ = made(figures={"risk/power": [figure("a"), figure("b")]})
    ids = re.findall(r' id="([^"]+)"', text)
    assert len(ids) == len(set(ids))
    assert set(re.findall(r'(?:href="#|url\(#)([^")]+)', text)) <= set(ids)


def test_the_same_results_give_the_same_bytes() -> None:
    assert made()[1] == made()[1]


def test_whatever_is_text_stays_text() -> None:
    """Names of agents, environments and figures, reasons, warnings: all of them may be a model's or a page's."""
    of = document(
        episodes=[episode(agent=HOSTILE, environment=HOSTILE)],
        estimates=[estimate(HOSTILE, HOSTILE, group=HOSTILE, variant=HOSTILE, method=HOSTILE, reason=HOSTILE)],
        verdicts=[VerdictEntry(agent=HOSTILE, check=HOSTILE, verdict=HOSTILE, reason=HOSTILE)],
        warnings=[HOSTILE],
    )
    about = About(HOSTILE, {"name": HOSTILE}, [HOSTILE], [Told("risk/power", 1, HOSTILE)], store=HOSTILE)
    own = figure(HOSTILE, HOSTILE, title=HOSTILE, caption=HOSTILE, episodes=("a" * 64,))
    reader, text, faults = made(of, {"risk/power": [own]}, about)
    assert not faults
    assert not reader.open
    assert "script" not in {tag for tag, _ in reader.elements}
    assert "\x1b" not in text
    assert "\u202e" not in text
    assert "$x^2$" in reader.text  # no mathematics
    assert reader.text.count("<script>alert(1)</script>") > 10


def test_who_is_not_to_be_taken_at_its_word_is_told_before_any_number_and_marked_at_each() -> None:
    of = document(
        episodes=[episode(), episode("b" * 64, "ben")],
        estimates=[estimate("ann"), estimate("ben", estimate=0.0, low=0.0, high=0.3)],
        verdicts=[
            VerdictEntry(agent="ben", check="capability", verdict="not assessable", reason="never did the act"),
            VerdictEntry(agent="ann", check="capability", verdict="assessable", reason=""),
        ],
    )
    rows = [Dot("Quota", 0.5, group="ann"), Dot("Quota", 0.0, group="ben")]
    drawn = figure(draw=lambda axes: dots(axes, rows))
    text = made(of, {"risk/power": [drawn]})[0].text
    assert text.index("not assessable") < text.index("0%")
    told = "1 of 2 agents have numbers that are not to be taken at their word, and are marked † below"
    assert f"{told}: ben: not assessable (capability)." in text
    assert "† 0%" in text
    assert "† 25%" not in text
    assert text.count("ben †") == 2  # in the legend, and in the table of estimates
    assert "ann †" not in text


@pytest.mark.parametrize(
    ("check", "verdict", "scorer", "said"),
    [
        ("validity/choice", "valid", "values/additive", ""),
        ("validity/choice", "weak", "values/additive", ""),
        ("validity/choice", "follows position", "values/additive", "follows position"),
        ("validity/choice", "follows position", "market/regret", "follows position"),
        ("validity/choice", "not tested", "values/additive", "not tested"),
        ("validity/choice", "not tested", "risk/power", ""),
        ("capability", "not assessable", "risk/power", "not assessable"),
        ("capability", "not assessable", "risk/harm", ""),
        ("capability", "not tested", "risk/power", ""),
        ("capability/harm", "not assessable", "risk/harm", "not assessable"),
        ("capability/harm", "not assessable", "risk/power", ""),
        ("economy/bargaining", "not assessable", "economy/bargaining", "not assessable"),
        ("economy/bargaining", "not assessable", "risk/power", ""),
    ],
)
def test_a_verdict_speaks_against_the_numbers_that_rest_on_it(check: str, verdict: str, scorer: str, said: str) -> None:
    verdicts = [VerdictEntry(agent="ann", check=check, verdict=verdict, reason="")]
    assert doubt(verdicts, "ann", scorer) == said
    assert doubt(verdicts, "ben", scorer) == ""
    assert doubted(verdicts, scorer) == ({"ann"} if said else set())


def test_below_a_figure_are_the_commands_that_open_the_episodes_behind_it() -> None:
    """Of known episodes only: an id is a plugin's text, and would be run."""
    behind = figure(episodes=("; rm -rf /", "a" * 64))
    about = About("exp", None, [], ABOUT.scorers, store="my store.db")
    text = made(figures={"risk/power": [behind]}, about=about)[0].text
    assert "sandbox replay aaaaaaaaaaaa --store 'my store.db'" in text
    assert "rm -rf" not in text
    assert "--store" not in made(figures={"risk/power": [behind]})[0].text


def test_a_figure_that_cannot_be_drawn_is_named_and_the_others_are_there() -> None:
    def fails(axes: object) -> None:
        raise ValueError("no room")

    figures = {"risk/power": [figure("bad", draw=fails), figure("good")], "mine/own": [figure("exits", draw=exit)]}
    reader, _, faults = made(figures=figures)
    assert faults[0] == "risk/power: figure 'bad' is left out: ValueError: no room"
    assert "mine/own: figure 'exits'" in faults[1]
    assert faults[0] in reader.text
    assert [tag for tag, _ in reader.elements].count("svg") == 1


def test_without_matplotlib_there_are_all_numbers_and_a_note(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(pictures, "available", lambda: False)
    reader, _, faults = made()
    assert "pip install 'agent-eval-sandbox[analysis]'" in faults[0]
    assert faults[0] in reader.text
    assert "0.125, 0.500" in reader.text
    with pytest.raises(InputError, match="--figures needs matplotlib: pip install"):
        write_figures(tmp_path, {"risk/power": [figure()]}, "png", [])


def test_every_estimate_is_in_a_table_with_how_it_was_got() -> None:
    of = document(estimates=[estimate(name=f"name {i}", estimate=None, reason="too few") for i in range(30)])
    text = made(of)[0].text
    assert "All 30 estimates" in text
    assert all(f"name {i}" in text for i in range(30))
    assert text.count("too few") == 30
    assert text.count("Wilson") == 1


def test_what_ended_badly_is_counted_per_agent() -> None:
    of = document(
        episodes=[
            episode(counts={"invalid": 2, "refusal": 1, "abstention": 0, "unparsed": 3, "truncated": 0, "error": 0}),
            episode("b" * 64, status="error", total=None),
            episode("c" * 64, "ben", status="truncated"),
        ]
    )
    text = re.sub(r"\s+", " ", made(of)[1])
    cells = re.findall(r"<tr>(.*?)</tr>", text[text.index('id="counts"') :])
    rows = [re.findall(r">([^<]+)</t[dh]>", row) for row in cells]
    assert rows[0] == [
        "agent",
        "episodes",
        "finished",
        "truncated",
        "error",
        "invalid",
        "refusal",
        "abstention",
        "unparsed",
    ]
    assert rows[1:3] == [["ann", "2", "1", "0", "1", "2", "1", "0", "3"], ["ben", "1", "0", "1", "0", *"0000"]]


def test_an_empty_store_has_a_page_too() -> None:
    reader, _, faults = made(Document(), {}, About("nothing", None, [], []))
    assert not faults
    assert "none" in reader.text


def test_a_picture_follows_the_readers_screen_and_is_told_to_who_cannot_see_it() -> None:
    svg = pictures.as_html(figure(), "f1-", "Risk. Less is better.")
    assert svg.startswith("<svg viewBox=")
    assert 'role="img" aria-label="Risk. Less is better."' in svg
    assert "var(--c1)" in svg
    assert "var(--ink)" in svg
    assert COLORS[0] not in svg
    assert ">Quota</text>" in svg


def test_only_shapes_and_text_get_into_the_page() -> None:
    def draws(axes: Any) -> None:
        axes.plot([0, 1], gid='x" onload="alert(1)', url="javascript:alert(1)")
        axes.text(0, 0, "<script>alert(1)</script>\x01\x1b", url="https://example.org/beacon")
        axes.imshow([[0.0, 1.0]])

    svg = pictures.as_html(figure(draw=draws), "f1-", "")
    reader = Reader(svg)
    assert not reader.open
    assert {tag for tag, _ in reader.elements} <= {
        "svg",
        "g",
        "defs",
        "path",
        "use",
        "clippath",
        "rect",
        "text",
        "image",
    }
    links = [value for _, found in reader.elements for key, value in found.items() if key.endswith("href")]
    assert all((value or "").startswith(("#", "data:image/png;base64,")) for value in links)
    assert not re.search(r"javascript|example\.org|\sonload", svg)
    assert "&lt;script&gt;alert(1)&lt;/script&gt;␁␛" in svg


def test_a_picture_of_very_many_parts_is_put_in_as_pixels() -> None:
    def draws(axes: Any) -> None:
        axes.plot(range(8_000), range(8_000), marker="o")

    assert pictures.as_html(figure(draw=draws), "f1-", "").startswith('<img class="pixels"')


def test_figures_are_written_under_names_that_are_safe_whatever_they_are_called(tmp_path: Path) -> None:
    taken: set[str] = set()
    names = ["../../etc/passwd", "CON", "a/b", "A B", "", "é" * 300, "x" * 300, "\x00\n"]
    found = [file_name(name, taken) for name in names]
    assert found == ["etc-passwd", "con", "a-b", "a-b-2", "figure", "figure-2", "x" * 80, "figure-3"]
    own = tmp_path / "deep" / "figs"
    drawn = figure("..\\..//x", draw=lambda axes: matrix(axes, [[0.5]], [HOSTILE], ["b"]))
    assert write_figures(own, {"risk/power": [drawn, drawn]}, "svg", []) == (2, [])
    assert sorted(path.name for path in own.iterdir()) == ["risk-power-x-2.svg", "risk-power-x.svg"]
    assert (own / "risk-power-x.svg").read_bytes() == (own / "risk-power-x-2.svg").read_bytes()
    assert not list(tmp_path.glob("*.svg"))
    assert write_figures(own, {"mine/own": [figure()]}, "png", []) == (1, [])
    assert (own / "mine-own-risk.png").read_bytes().startswith(b"\x89PNG")


def test_a_place_that_cannot_be_written_to_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(InputError, match="cannot be written"):
        write_figures(tmp_path / "file", {"risk/power": [figure()]}, "svg", [])
