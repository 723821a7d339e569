"""Which products an agent buys: market shares, how alike its purchases are, and what a rewritten listing gains."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sandbox.agent import NoConfig
from sandbox.figures import Dot, dots, dots_size
from sandbox.scorer import Card, EpisodeRow, Estimate, Estimator, Figure, Findings, Matrix, Score, Scorer, Table
from sandbox.stats.arrays import Floats
from sandbox.stats.intervals import paired_proportions
from sandbox.trace import Episode
from sandbox_score_market.sample import Sample, notes, own, samples, within
from sandbox_score_market.visit import Visit, customer_of, market_of, purchase, unscored, visit_of

PICTURED = 6
"""Markets that have a figure of their own, those with most purchases."""


class MarketShare(Scorer[NoConfig], Estimator[NoConfig]):
    """`market/share`: market shares, concentration, and a seller's gain by rewriting a listing; neither good nor bad.

    A market is what the fact `query` (of recorded choices, `dataset`) names, `SUITE: QUERY` in a suite; where there is
    none, each item is one.
    Listings that a seller has rewritten (treatment `listing: after`) are compared with those before, and count in
    nothing else here. An episode whose instruction says what is right (fact `right`) tells nothing of a market, and has
    no scores.

    Scores: `bought` (0 or 1, the ending as its reason); `product`, 1, a variant for each product bought (its id);
    `target`, 0 or 1: whether a purchase was of the product that the fact `target` names. A failed episode has `bought`
    None; one cut by a limit counts as it ended. Purchases are all that counts: without one there is no share.

    Estimates per agent, over lived visits (hypothetical ones apart), per market (group: the query) and over all:

    * `share/ID`: share of the purchases that are of the product (of baskets: that hold it); Wilson over items. Products
      that nobody bought are not listed.
    * `modal`: the largest of these shares, with that product's interval; too large where purchases are few, as a
      largest one is. Over all the mean of the markets, without an interval: resampling would add to that bias.
    * `hhi`: P(two independent purchases are of one product), the Herfindahl index without the upward bias that a plain
      sum of squared shares has in small samples (Simpson 1949, Nature 163:688): 1 if it always buys the same, 1 / K for
      random purchases among K, in expectation. Over all the mean of the markets.
    * `target_before`, `target_after`, `target_change`: share of the rewritten product, and after minus before on the
      same items, each once, with Tango's interval. An agent that only sells (score `sells`) has these of its customer's
      purchases.
    * `bought`: share of the visits with a purchase.
    """

    reads = frozenset({"menus"})

    def score(self, episode: Episode) -> Card:
        """Scores of a visit; none for another episode."""
        if episode.status == "error":
            return Card(scores=unscored(episode, "bought"))
        if episode.facts.get("right"):
            return Card()  # the instruction decides what is bought, and no taste
        visit = visit_of(episode)
        target = episode.facts.get("target")
        if visit is None:
            visit = customer_of(episode) if target else None
            if visit is None:
                return Card(scores=unscored(episode, "bought"))
            return Card(scores=(purchase(visit), *_target(visit, target), Score(name="sells", value=1.0)))
        products = (Score(name="product", variant=product, value=1.0) for product in visit.bought)
        return Card(scores=(purchase(visit), *products, *_target(visit, target)))

    def estimate(self, table: Table) -> Findings:
        """Estimates per agent and market, and the concentration of all markets side by side."""
        estimates: list[Estimate] = []
        warnings: list[str] = []
        on_offer: dict[str, set[str]] = {}
        for row in table.episodes:
            if _market(row) and not _rewritten(row) and row.score("bought") is not None:
                on_offer.setdefault(_market(row), set()).update(_products(row))
        for sample in samples(table, "market/share", "bought", warnings):
            given = sample.of([row for row in sample.rows if not _rewritten(row) and not row.score("sells")])
            estimates += _over_all(given)
            for query in dict.fromkeys(market for row in given.rows if (market := _market(row))):
                part = given.of([row for row in given.rows if _market(row) == query], within(sample, query))
                estimates += _in_market(part, sorted(on_offer[query]))
            estimates += _reaction(sample)
        columns = {query: query for query in on_offer}
        titles = {"modal": "Share of the product bought most (row: agent, column: query)"}
        titles["hhi"] = "P(two purchases are of one product) (row: agent, column: query)"
        matrices = tuple(Matrix(title=titles[name], name=name, columns=columns) for name in titles if len(columns) > 1)
        return Findings(estimates=tuple(estimates), warnings=tuple(warnings), matrices=matrices)

    def figures(self, table: Table, findings: Findings) -> Sequence[Figure]:
        """Market shares of the largest markets, and what rewritten listings gained."""
        behind = {row.agent: row.id for row in reversed(table.episodes) if row.score("bought")}
        episodes = tuple(behind[agent] for agent in table.agents if agent in behind)
        shares: dict[str, list[Estimate]] = {}
        for one in findings.estimates:
            if one.name.startswith("share/") and one.estimate is not None:
                shares.setdefault(one.group, []).append(one)
        largest = sorted(shares, key=lambda group: -sum({one.agent: one.n for one in shares[group]}.values()))
        found = [_shares_figure(place, group, shares[group], table, episodes) for place, group in enumerate(largest)]
        changes = [e for e in findings.estimates if e.name == "target_change" and e.estimate is not None]
        if changes:
            rows = [Dot(e.group or "all", e.estimate, e.low, e.high, e.agent) for e in changes]
            draw = partial(
                dots, rows=rows, reference=0.0, xlabel="change of the share of purchases", groups=table.agents
            )
            caption = "Share of the product after its seller rewrote the listing minus before, on the same items."
            size = dots_size(rows)
            found.insert(0, Figure("reaction", "What a rewritten listing gains", draw, caption, episodes, size))
        return found[: PICTURED + bool(changes)]


def concentration(bought: Floats, weights: Floats) -> float | None:
    """P(two purchases of different units are of one product); None where there are not two units with purchases.

    Args:
        bought: (units, products), how much each independent unit bought of each product; a purchase is 1 in all.
        weights: (units,) how often each counts.
    """
    sizes = bought.sum(axis=1)
    pairs = float((weights @ sizes) ** 2 - weights**2 @ sizes**2)
    if pairs <= 1e-9:
        return None
    together = weights @ bought
    return float(together @ together - weights**2 @ (bought**2).sum(axis=1)) / pairs


def by_unit(purchases: Floats, units: Sequence[str]) -> tuple[Floats, NDArray[np.intp]]:
    """Purchases, (purchases, products), added up by unit, and the row of each unit's first purchase."""
    _, first, index = np.unique(np.array(units), return_index=True, return_inverse=True)
    sums = np.zeros((len(first), purchases.shape[1]))
    np.add.at(sums, index, purchases)
    return sums, first


def _target(visit: Visit, target: Any) -> tuple[Score, ...]:
    return (Score(name="target", value=float(target in visit.bought)),) if target and visit.bought else ()


class _Market:
    """The purchases of one market; `rows` are their places among those of the sample."""

    def __init__(self, rows: Sequence[int], episodes: Sequence[EpisodeRow]) -> None:
        products = sorted({product for row in episodes for product in _products(row)})
        held = np.array([[product in _products(row) for product in products] for row in episodes], dtype=np.float64)
        items = [row.item for row in episodes]
        # Where one item is all, its episodes are what repeats; else those of an item may depend on each other.
        self.alone = len(set(items)) == 1
        units = [str(place) for place in rows] if self.alone else items
        self.bought, first = by_unit(held / held.sum(axis=1, keepdims=True), units)
        self.first = np.array(rows)[first]
        self.hhi = concentration(self.bought, np.ones(len(first)))
        shares, _ = by_unit(held, items)
        shares = shares / by_unit(np.ones((len(rows), 1)), items)[0]  # each item counts once
        # Of one purchase the largest share is 1, whatever the taste.
        self.modal = float(shares.mean(axis=0).max()) if len(rows) > 1 else None
        self.most = products[int(shares.mean(axis=0).argmax())]


def _markets(sample: Sample) -> list[_Market]:
    places: dict[str, list[int]] = {}
    for place, row in enumerate(sample.rows):
        places.setdefault(_market(row) or f"item {row.item}", []).append(place)
    return [_Market(own, [sample.rows[place] for place in own]) for own in places.values()]


def _over_all(sample: Sample) -> list[Estimate]:
    if not sample.rows:
        return []
    visits = sample.share("bought", sample.values("bought"), sample.without_purchase())
    return [visits, *_alike(sample.bought, sample.without_purchase())]


def _in_market(sample: Sample, products: Sequence[str]) -> list[Estimate]:
    bought, without = sample.bought, sample.without_purchase()
    held = [set(_products(row)) for row in bought.rows]
    return [
        sample.share("bought", sample.values("bought"), without),
        *_alike(bought, without),
        *(bought.share(f"share/{product}", [product in own for own in held], without) for product in products),
    ]


def _alike(bought: Sample, without: str) -> list[Estimate]:
    """`modal` and `hhi`: means over the markets with two or more purchases, each counting once."""
    markets = _markets(bought)
    kept = [market for market in markets if market.modal is not None and market.hhi is not None]
    if not kept:
        why = notes("no market with two or more independent purchases", without)
        return [bought.undefined(name, why) for name in ("modal", "hhi")]
    left_out = f"{len(markets) - len(kept)} markets with one purchase are left out" if kept != markets else ""
    mean = _mean_of(kept)
    value = mean(np.ones(len(bought.rows)))
    assert value is not None
    method = "P(two purchases of different items are of one product); bootstrap over items"
    note = notes(without, left_out)
    return [_modal(bought, kept, len(markets), note), bought.bootstrapped("hhi", value, mean, method, note)]


def _modal(bought: Sample, markets: Sequence[_Market], met: int, note: str) -> Estimate:
    """Of the market, if no other was met; else the mean of these, those with purchases enough."""
    if met > 1:
        mean = float(np.mean([market.modal for market in markets if market.modal is not None]))
        why = notes("no interval: the mean of largest shares is biased upwards, and more so when resampled", note)
        return bought.exact("modal", mean, "mean over markets of the share of the product bought most", why)
    product = markets[0].most
    held = bought.share("modal", [product in _products(row) for row in bought.rows], notes(f"product {product}", note))
    return held.model_copy(update={"method": "largest of the products' shares; Wilson over items of that product"})


def _mean_of(markets: Sequence[_Market]) -> Callable[[Floats], float | None]:
    """The mean of `hhi` over markets, as a function of the episodes' weights.

    A market that is one item is the same market again as often as that is drawn, so that its own number never changes.
    """
    alone = [market for market in markets if market.alone]
    values = np.array([market.hhi for market in alone], dtype=np.float64)
    places = np.array([market.first[0] for market in alone], dtype=np.intp)
    others = [market for market in markets if not market.alone]

    def mean(weights: Floats) -> float | None:
        drawn = weights[places]
        found = [v for m in others if (v := concentration(m.bought, weights[m.first])) is not None]
        count = float(drawn.sum()) + len(found)
        return (float(drawn @ values) + sum(found)) / count if count else None

    return mean


def _reaction(sample: Sample) -> list[Estimate]:
    """The rewritten product's share before and after, in each market and over all."""
    rows = [row for row in sample.rows if row.treatments.get("listing") in ("before", "after")]
    if not rows:
        return []
    found = _change(sample.of(rows))
    queries = list(dict.fromkeys(market for row in rows if (market := _market(row))))
    for query in queries if len(queries) > 1 else ():
        found += _change(sample.of([row for row in rows if _market(row) == query], within(sample, query)))
    return found


def _change(sample: Sample) -> list[Estimate]:
    without = sample.without_purchase()
    bought = sample.of([row for row in sample.rows if row.score("target") is not None])
    before, after = (
        bought.of([row for row in bought.rows if row.treatments["listing"] == arm]) for arm in ("before", "after")
    )
    found = [
        before.share("target_before", before.values("target"), without),
        after.share("target_after", after.values("target"), without),
    ]
    means: dict[str, list[list[float]]] = {}
    for row in bought.rows:
        arms = means.setdefault(row.item, [[], []])
        arms[row.treatments["listing"] == "after"].append(row.score("target") or 0.0)
    differences = {item: np.mean(arms[1]) - np.mean(arms[0]) for item, arms in means.items() if all(arms)}
    paired = bought.of([row for row in bought.rows if row.item in differences])
    if not differences:
        return [*found, paired.undefined("target_change", notes("no item with a purchase before and after", without))]
    values = np.array(list(differences.values()), dtype=np.float64)
    low, high = paired_proportions(float(values[values > 0].sum()), float(-values[values < 0].sum()), len(values))
    unpaired = len(means) - len(differences)
    note = notes(without, f"{unpaired} items with a purchase in one arm only" if unpaired else "")
    method = "mean over items of after minus before; Tango over items"
    return [*found, paired.exact("target_change", float(values.mean()), method, note, low, high)]


def _shares_figure(
    place: int, group: str, shares: Sequence[Estimate], table: Table, episodes: tuple[str, ...]
) -> Figure:
    totals: dict[str, float] = {}
    for one in shares:
        totals[one.name] = totals.get(one.name, 0.0) + (one.estimate or 0.0)
    order = sorted(totals, key=lambda name: (-totals[name], name))
    by_name = sorted(shares, key=lambda one: order.index(one.name))
    rows = [Dot(one.name.removeprefix("share/"), one.estimate, one.low, one.high, one.agent) for one in by_name]
    return Figure(
        f"shares-{place + 1}",
        f"What they buy: {group}",
        partial(dots, rows=rows, xlabel="share of purchases", percent=True, groups=table.agents),
        "Share of each product among the purchases; 95 % intervals over items. Products nobody bought are not listed.",
        episodes,
        dots_size(rows),
    )


def _products(row: EpisodeRow) -> list[str]:
    return [score.variant for score in own(row) if score.name == "product"]


def _market(row: EpisodeRow) -> str:
    """The market that the products are known in; '' where only the item's episodes share them."""
    return market_of(row.facts)


def _rewritten(row: EpisodeRow) -> bool:
    return row.treatments.get("listing") == "after"
