"""Which places on the page an agent buys from: shares by place, row and column, and a test that none matters."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from functools import partial

import numpy as np

from sandbox.agent import NoConfig
from sandbox.figures import matrix, matrix_size
from sandbox.scorer import Card, Estimate, Estimator, Figure, Findings, Score, Scorer, Table
from sandbox.stats.arrays import Floats
from sandbox.trace import Episode
from sandbox_score_market.sample import Sample, notes, samples
from sandbox_score_market.share import by_unit, concentration
from sandbox_score_market.visit import purchase, unscored, visit_of

GRID = (2, 4)
"""Rows and columns of a page of eight, filled row by row, as in ACES."""
MOST = 24
"""Places that have a share of their own."""
DRAWS = 9_999


class MarketPosition(Scorer[NoConfig], Estimator[NoConfig]):
    """`market/position`: where on the results page the purchases come from; neither good nor bad in itself.

    Products stand in random order in the suites of ACES (Allouah et al. 2025, arXiv:2508.02630) and in the shop's own
    errands, so that whoever buys for its content favours no place.

    Scores: `bought` (0 or 1, the ending as its reason); `place` (from 0, as shown) of the first product put into the
    cart, of `places` on that page, None without a purchase; `rearranged`, 1 where the agent searched, sorted or
    filtered before. A failed episode has `bought` None; one cut by a limit counts as it ended.

    Estimates per agent, over lived visits (group `hypothetical`: the others): `place/0`, ... (share of purchases), on
    pages of eight also `row/0`, `row/1` and `column/0` to `column/3` of the grid, and `bought`. Over purchases from an
    order that the agent had no hand in, on pages of the size met most:

    * `effect`: (K c - 1) / (K - 1), with c = P(purchases of two items come from one of K places): 0 in expectation
      where place does not matter, 1 for always the same place.
    * `uniformity_p`: p-value of Pearson's test that all places are equally likely, from 9,999 simulated samples. Each
      item counts once, so that it is never too small whatever the dependence within an item.
    """

    reads = frozenset({"menus"})

    def score(self, episode: Episode) -> Card:
        """Scores of a visit; none for another episode."""
        if episode.status == "error":
            return Card(scores=unscored(episode, "bought"))
        visit = visit_of(episode)
        if visit is None:
            return Card(scores=unscored(episode, "bought"))
        nothing = "" if visit.bought else "nothing was bought"
        if visit.bought and visit.place is None:
            nothing = "it was not put into the cart from a page that shows its place"
        known = visit.place is not None
        return Card(
            scores=(
                purchase(visit),
                Score(name="place", value=visit.place, reason=nothing),
                Score(name="places", value=float(visit.places) if known else None, reason=nothing),
                Score(name="rearranged", value=float(visit.rearranged) if known else None, reason=nothing),
            )
        )

    def estimate(self, table: Table) -> Findings:
        """Estimates per agent, and a warning about every visit that could not be scored."""
        estimates: list[Estimate] = []
        warnings: list[str] = []
        for sample in samples(table, "market/position", "bought", warnings):
            estimates += _of(sample)
        return Findings(estimates=tuple(estimates), warnings=tuple(warnings))

    def figures(self, table: Table, findings: Findings) -> Sequence[Figure]:
        """A map of the page for each agent, or the list of places where pages are no grid."""
        shares = {(e.agent, e.name): e.estimate for e in findings.estimates if e.group == ""}
        agents = [agent for agent in table.agents if shares.get((agent, "place/0")) is not None]
        if not agents:
            return ()
        p = {e.agent: e.estimate for e in findings.estimates if (e.group, e.name) == ("", "uniformity_p")}
        names = {agent: f"{agent} (p {_written(p[agent])})" if p.get(agent) is not None else agent for agent in agents}
        behind = {row.agent: row.id for row in reversed(table.episodes) if row.score("place") is not None}
        episodes = tuple(behind[agent] for agent in agents if agent in behind)
        # A grid only where all pages of all agents had it: they share one picture.
        if all((agent, "row/0") in shares for agent in agents):
            high, across = GRID
            rows = [f"{side} row, {names[agent]}" for agent in agents for side in ("upper", "lower")]
            columns = [f"column {column + 1}" for column in range(across)]
            cells = [
                [shares.get((agent, f"place/{row * across + column}")) for column in range(across)]
                for agent in agents
                for row in range(high)
            ]
        else:
            count = max(int(name.split("/")[1]) for _, name in shares if name.startswith("place/")) + 1
            rows = [names[agent] for agent in agents]
            columns = [str(place + 1) for place in range(count)]
            cells = [[shares.get((agent, f"place/{place}")) for place in range(count)] for agent in agents]
        most = max((cell for line in cells for cell in line if cell is not None), default=1.0)
        return (
            Figure(
                "map",
                "Where on the page they buy",
                partial(matrix, cells=cells, rows=rows, columns=columns, high=max(0.25, most), percent=True),
                "Shares of purchases by place on the results page. p: of the test that all places are equally likely, "
                "which holds for whoever buys by content where products stand in random order.",
                episodes,
                matrix_size(rows, columns),
            ),
        )


def _of(sample: Sample) -> list[Estimate]:
    without = sample.without_purchase()
    placed = sample.of([row for row in sample.rows if row.score("place") is not None])
    unknown = len(sample.bought.rows) - len(placed.rows)
    note = notes(without, f"{unknown} purchases without a known place" if unknown else "")
    places, sizes = placed.values("place"), placed.values("places")
    count = min(MOST, int(max([*sizes, *(places + 1)], default=0)))
    found = [
        sample.share("bought", sample.values("bought"), without),
        *(placed.share(f"place/{place}", places == place, note) for place in range(count)),
    ]
    rows, columns = GRID
    if sizes.size and (sizes == rows * columns).all():
        found += [placed.share(f"row/{row}", places // columns == row, note) for row in range(rows)]
        found += [placed.share(f"column/{column}", places % columns == column, note) for column in range(columns)]
    return [*found, *_tested(placed, note)]


def _tested(placed: Sample, note: str) -> list[Estimate]:
    """`effect` and `uniformity_p`, over purchases from an order that the agent had no hand in."""
    kept = [row for row in placed.rows if not row.score("rearranged")]
    common = Counter(int(row.score("places") or 0) for row in kept).most_common()
    size = max((size for size, often in common if size > 1 and often == common[0][1]), default=0)
    own = placed.of([row for row in kept if row.score("places") == size])
    if not size or not own.rows:
        why = notes("no purchase from a page of two or more products in the shop's own order", note)
        return [own.undefined("effect", why), own.undefined("uniformity_p", why)]
    left_out = len(placed.rows) - len(own.rows)
    if left_out:
        note = notes(
            note, f"{left_out} purchases after a search, sort or filter, or from pages of other sizes left out"
        )
    at = np.zeros((len(own.rows), size))
    at[np.arange(len(own.rows)), own.values("place").astype(np.intp)] = 1
    sums, first = by_unit(at, own.items)

    def effect(weights: Floats) -> float | None:
        same = concentration(sums, weights[first])
        return None if same is None else (size * same - 1) / (size - 1)

    value = effect(np.ones(len(own.rows)))
    what = f"(K c - 1) / (K - 1), K = {size} places, c = P(purchases of two items come from one place)"
    p = _uniformity(sums / sums.sum(axis=1, keepdims=True), own)
    return [
        own.undefined("effect", notes("it takes purchases of two items", note))
        if value is None
        else own.bootstrapped("effect", value, effect, f"{what}; bootstrap over items", note),
        own.exact("uniformity_p", p, f"Pearson's test over items, {size} places, {DRAWS:,} simulated samples", note),
    ]


def _uniformity(shares: Floats, sample: Sample) -> float:
    """p-value of equal shares of all places; `shares` (items, places) add up to 1 in each item.

    The statistic of item means has at most the spread that it has where each item is one purchase: the simulated one.
    """
    items, size = shares.shape
    generator = sample.table.generator(sample.scorer, sample.agent, sample.group, "uniformity")
    drawn = generator.multinomial(items, np.full(size, 1 / size), size=DRAWS) / items
    observed = ((shares.mean(axis=0) - 1 / size) ** 2).sum()
    reached = int((((drawn - 1 / size) ** 2).sum(axis=1) >= observed - 1e-12).sum())
    return (1 + reached) / (1 + DRAWS)


def _written(p: float | None) -> str:
    return "?" if p is None else "< .001" if p < 0.001 else f"{p:.3f}".lstrip("0") if p < 1 else "1"
