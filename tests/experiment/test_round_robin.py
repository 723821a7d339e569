"""Several agents under evaluation in one episode: what is said of each is about its own seats alone."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import sandbox
from sandbox.report.compare import print_comparisons
from sandbox.report.document import Document
from sandbox.report.html import page
from sandbox.report.plain import render_episode, render_heads
from sandbox.report.tables import print_estimates, print_results
from sandbox.store import Store, shares
from sandbox.store.rows import Filter
from sandbox.tui.episode_table import _short

PLUGIN = """
from sandbox.scorer import Card, Estimate, Estimator, Findings, Matrix, Score, Scorer
from tests.toys import SCENARIOS, Throw

def rock(turn):
    return Throw(hand="rock")

def paper(turn):
    return Throw(hand="paper")

def scissors(turn):
    return Throw(hand="scissors")

class Payoffs(Scorer, Estimator):
    reads = frozenset()

    def score(self, episode):
        own = ((seat, episode.payoffs[seat]) for seat in episode.spec.evaluated)
        return Card(scores=tuple(Score(name="payoff", seat=seat, value=value) for seat, value in own))

    def estimate(self, table):
        found = {}
        for row in table.episodes:
            for seat in row.evaluated:
                (other,) = {"ann", "ben"} - {seat}
                found.setdefault((row.agent, row.agents[other]), []).append(row.score("payoff", seat))
        estimates = [
            Estimate(agent=agent, name="payoff", group=f"against {other}", estimate=sum(own) / len(own),
                     low=min(own), high=max(own), n=len(own))
            for (agent, other), own in found.items()
        ]
        columns = {name: f"against {name}" for name in table.agents}
        return Findings(
            estimates=tuple(estimates), matrices=(Matrix(title="payoff by opponent", name="payoff", columns=columns),)
        )

ENVIRONMENTS = SCENARIOS
AGENTS = {"t/rock": rock, "t/paper": paper, "t/scissors": scissors}
class Total(Scorer):
    reads = frozenset()

    def score(self, episode):
        return Card(scores=(Score(name="total", value=episode.total),))

SCORERS = {"t/payoffs": Payoffs, "t/total": Total}
"""
NAMES = ("rock", "paper", "scissors", "null")
OWN = 14  # of the 32 episodes: each agent in each seat against each of the others, and against itself; on two seeds


@pytest.fixture(scope="module")
def played(tmp_path_factory: pytest.TempPathFactory) -> sandbox.Results:
    """Each of four in each seat of rock, paper, scissors against each of them; null's forfeit ends a game at once."""
    place = tmp_path_factory.mktemp("round_robin")
    (place / "plugins").mkdir()
    (place / "plugins" / "toys.py").write_text(PLUGIN)
    experiment = {
        "name": "round-robin",
        "environments": [{"id": "toys/Rps-v0", "config": {"rounds": 3}}],
        "agents": [
            *({"id": f"t/{name}", "name": name} for name in NAMES[:-1]),
            {"id": "baselines/null", "name": "null"},
        ],
        "pairing": "round_robin",
        "seeds": {"count": 2},
        "limits": {"attempts": 1},
        "scorers": ["t/payoffs", "t/total"],
    }
    return sandbox.run(experiment, store=str(place / "x.db"), plugins_dirs=[place / "plugins"])


@pytest.fixture(scope="module")
def document(played: sandbox.Results) -> Document:
    return played.document()


def store_of(played: sandbox.Results) -> Store:
    return played.store


def test_an_episode_s_line_names_all_its_agents_and_says_what_each_got(document: Document) -> None:
    met = {entry.agent: entry for entry in document.episodes}
    assert len(met) == 16
    one = met["paper, rock"]
    assert (one.seats, one.evaluated) == ({"ann": "paper", "ben": "rock"}, ("ann", "ben"))
    assert one.returns == {"ann": one.total, "ben": -(one.total or 0)}
    assert (one.total or 0) >= 3
    assert met["rock"].returns == met["rock"].seat_counts == {}, "who meets itself is as it always was"


def test_who_gave_no_answer_is_counted_against_itself_alone(document: Document) -> None:
    counted = dict.fromkeys(NAMES, 0)
    for entry in document.episodes:
        for share in shares(entry):
            counted[share.agent] += share.counts["unparsed"]
    assert counted == dict.fromkeys(NAMES[:-1], 0) | {"null": OWN + 2}  # against itself in both seats
    assert document.counts["unparsed"] == OWN + 2


def test_an_estimator_has_a_row_for_each_agent_with_its_own_seats_and_counts(played: sandbox.Results) -> None:
    episode = next(one for one in played.episodes if one.spec.evaluated_agents == ("null", "rock"))
    null, rock = sandbox.scorer.table_of([episode]).episodes
    assert (null.id, null.agent, null.evaluated, null.counts["unparsed"]) == (episode.id, "null", ("ann",), 1)
    assert (rock.id, rock.agent, rock.evaluated, rock.counts["unparsed"]) == (episode.id, "rock", ("ben",), 0)
    assert (null.total, rock.total) == (episode.payoffs["ann"], episode.payoffs["ben"])


def test_the_terminal_shows_agents_side_by_side_and_the_matrix_with_its_intervals(
    document: Document, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    print_results(document)
    text = capsys.readouterr().out
    lines = {line.split("  ")[0].strip(): line.split() for line in text.splitlines() if line.strip()}
    assert lines["no legal answer"][-4:] == ["0%", "0%", "0%", "100%"]
    print_estimates(document)
    (cell,) = [e for e in document.estimates if (e.agent, e.group) == ("rock", "against paper")]
    for out in (text, capsys.readouterr().out):
        matrix = out[out.index("payoff by opponent, n = 4 in each (t/payoffs)") :].splitlines()
        assert matrix[2].split() == list(NAMES)
        assert matrix[4].split()[:3] == ["rock", "0.00", f"{cell.estimate:.2f}"]
        assert matrix[5].split()[:4] == ["[0.00,", "0.00]", f"[{cell.low:.2f},", f"{cell.high:.2f}]"]


def test_the_page_has_the_matrix_and_counts_and_returns_of_each_agent(
    played: sandbox.Results, document: Document
) -> None:
    text, _ = page(document, {}, played.about())
    assert "<h4>payoff by opponent, n = 4 in each</h4>" in text
    counts = text[text.index("What was counted</h2>") :]
    assert '<tr><td class="keep">null</td><td class="n">14</td>' in counts
    payoffs = text[text.index("Payoffs</h2>") : text.index("What was counted</h2>")]
    assert payoffs.count(f"({OWN})") == 4


def test_an_episode_and_a_list_in_plain_text_say_each_seat_s_return_and_each_agent_s_counts(
    played: sandbox.Results,
) -> None:
    episode = next(one for one in played.episodes if one.spec.evaluated_agents == ("null", "rock"))
    lines = list(render_episode(episode))
    assert "Return: ann 0, ben 0" in lines
    null, rock = (line for line in lines if line.startswith("Counts"))
    assert null.startswith("Counts of null: ")
    assert "unparsed 1" in null
    assert rock.startswith("Counts of rock: ")
    assert "unparsed 0" in rock
    (line,) = render_heads(head for head in store_of(played).heads() if head.id == episode.id)
    assert "return ann 0, ben 0; " in line


def test_lists_of_episodes_are_searched_by_each_of_their_agents(played: sandbox.Results) -> None:
    found = store_of(played).heads(where=Filter(agent="paper"))
    assert len(found) == OWN
    assert all("paper" in head.seats.values() for head in found)


def test_a_comma_in_a_name_makes_no_two_agents_of_one(played: sandbox.Results) -> None:
    """`agent` is "a, b" for two agents and for one of that name: `seats` say which."""
    head = next(head for head in store_of(played).heads() if head.agent == "paper, rock")
    assert [own.agent for own in head.by_agent()] == ["paper", "rock"]
    alone = head._replace(seats={"ann": "x/a, b/c", "ben": "x/a, b/c"}, agent="x/a, b/c", returns={}, seat_counts={})
    assert alone.by_agent() == [alone]
    assert _short(alone) == "c"
    both = head._replace(seats={"ann": "x/a, b", "ben": "x/c"}, agent="x/a, b, x/c")
    assert [own.agent for own in both.by_agent()] == ["x/a, b", "x/c"]
    assert _short(both) == "a, b, c"


def test_two_agents_are_compared_where_each_sits_in_the_same_seat_against_the_same_others(
    played: sandbox.Results, capsys: pytest.CaptureFixture[str]
) -> None:
    found = sandbox.compare(played, "paper", "rock")
    rows = {(row.scorer, row.seat): row for row in found.comparisons}

    def mean(agent: str, seat: str) -> float:
        """What it got in the seat from all four, itself among them."""
        own = [one for one in played.episodes if one.spec.seats[seat].name == agent]
        return sum(one.payoffs[seat] for one in own) / len(own)

    for seat in ("ann", "ben"):
        row = rows["t/payoffs", seat]
        assert (row.n, row.unpaired_a, row.unpaired_b) == (8, 0, 0)
        assert row.mean_a == pytest.approx(mean("paper", seat))
        assert row.mean_b == pytest.approx(mean("rock", seat))
        blind = rows["t/total", seat]
        assert (blind.n, blind.mean_a, blind.mean_b) == (8, row.mean_a, row.mean_b), "a scorer that knows no seats"
    payoff = rows["", None]
    assert payoff.n == 16
    assert payoff.mean_a == pytest.approx((mean("paper", "ann") + mean("paper", "ben")) / 2)
    assert found.counts["unparsed"] == 2 * 2 * 2
    print_comparisons(found)
    assert "8/" in capsys.readouterr().out


def test_the_store_takes_a_round_robin_s_rows_for_what_was_recorded(played: sandbox.Results, tmp_path: Path) -> None:
    """Recovery compares columns with traces; a row that it took for damaged would be run again."""
    from sandbox.store.recover import _as_recorded
    from sandbox.store.tables import EPISODE

    store = store_of(played)
    with store._reading() as connection:
        rows: list[Any] = list(connection.execute(EPISODE.select()))
    assert len(rows) == 32
    assert all(_as_recorded(row, store.episode(row.key)) for row in rows)
