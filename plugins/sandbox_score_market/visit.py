"""What came of a visit to a shop, read from its trace: how it ended, what was bought, and the way there.

A visit is an episode whose menus have `buy`, `add` or `open` moves that name a `product`, or `pick` moves whose content
is one (a recorded choice set). Facts say what was bought, where the scenario has them (a cart that was filled is no
purchase before it is paid); else the last `buy` or `pick` does.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, get_args

from sandbox.scorer import Score
from sandbox.trace import NO_ANSWER, Episode, MenuEntry, Step

Ending = Literal["bought", "left", "refusal", "invalid", "unparsed", "cut"]
"""Without a purchase: `left` by its own decision; `cut`: a limit ended the visit; the others: no legal answer, and the
forfeit happened (`invalid` also where it took too long)."""
ENDINGS: tuple[Ending, ...] = get_args(Ending)
TAKES, LEAVES = ("buy", "pick"), ("leave", "finish", "decline")
PUTS, SHOWS = (*TAKES, "add"), (*TAKES, "add", "open")
REARRANGES = ("search", "sort", "filter")
"""Moves after which products stand in an order that the agent had a hand in."""


@dataclass(frozen=True)
class Visit:
    """What came of one visit.

    Attributes:
        bought: ids of the products bought, in the order in which they were put into the cart.
        place, places: where the first of them stood on its results page, from 0, and how many products that page had.
        rank: its place among all results, of all their pages; `place` where there is one page.
        first: id of the product shown first on the first results page.
        seen, opened: ids of the products shown, and of those whose page was opened, each once, in that order.
        can_open: whether any product page could be opened.
        moves: kind -> how often the agent made such a move.
        rearranged: whether it had searched, sorted or filtered before it put the product into the cart.
        decided: number of the step in which the purchase was decided on, or else the last one.
        undecided: in a hypothetical visit, the kind of a last move that neither buys nor leaves; '' otherwise.
    """

    ending: Ending
    bought: tuple[str, ...]
    place: float | None
    places: int
    rank: float | None
    first: str | None
    seen: tuple[str, ...]
    opened: tuple[str, ...]
    can_open: bool
    moves: Mapping[str, int]
    rearranged: bool
    decided: int
    undecided: str


@dataclass(frozen=True)
class _Put:
    """How a product came into the cart."""

    place: float | None
    rank: float | None
    places: int
    rearranged: bool
    step: int


def visit_of(episode: Episode) -> Visit | None:
    """The visit of the agent under evaluation; None if it decided nothing, or has nothing to do with shopping."""
    shoppers = _shoppers(episode)
    return _visit(episode, [step for step in episode.decisions() if step.seat in shoppers])


def customer_of(episode: Episode) -> Visit | None:
    """The visit of whoever else buys in the episode of an agent that does not: a seller's customer, say."""
    shoppers = _shoppers(episode)
    if shoppers & set(episode.spec.evaluated):
        return None
    return _visit(episode, [step for step in episode.steps if step.seat in shoppers])


def _shoppers(episode: Episode) -> set[str]:
    """Seats whose menus offer products."""
    return {step.seat for step in episode.steps if any(_offers(entry) for entry in step.menu)}


def _visit(episode: Episode, steps: Sequence[Step]) -> Visit | None:
    if not steps:
        return None
    shown: dict[str, float] = {}
    seen: dict[str, None] = {}
    opened: dict[str, None] = {}
    puts: dict[str, _Put] = {}
    moves: Counter[str] = Counter()
    first = None
    can_open = False
    paid = steps[-1].index
    for step in steps:
        results = results_on(step.menu)
        can_open = can_open or any(entry.move.get("kind") == "open" for entry in step.menu)
        if results:
            shown = _places(results)
            first = first or min(shown, key=lambda product: shown[product])
        seen.update(dict.fromkeys(products_on(step.menu)))
        if step.decision is None:
            continue
        kind, product = str(step.decision.move.get("kind")), _product(step.decision)
        if kind in PUTS:
            place = float(sum(at < shown[product] for at in shown.values())) if product in shown else None
            rank = _number(step.decision.appraisal.features.get("rank"))
            rearranged = any(moves[other] for other in REARRANGES)
            puts[product] = _Put(place, place if rank is None else rank, len(shown), rearranged, step.index)
        elif kind == "open":
            opened[product] = None
        if kind in (*TAKES, "confirm"):
            paid = step.index
        moves[kind] += 1
    bought = _bought(episode, steps[-1])
    put = puts.get(bought[0]) if bought else None
    last = steps[-1].decision
    would = "" if last is None or episode.lived else str(last.move.get("kind"))
    return Visit(
        ending=_ending(episode, steps[-1], bought),
        bought=bought,
        place=put.place if put else None,
        places=put.places if put else 0,
        rank=put.rank if put else None,
        first=first,
        seen=tuple(seen),
        opened=tuple(opened),
        can_open=can_open,
        moves=moves,
        rearranged=bool(put and put.rearranged),
        decided=paid if bought else steps[-1].index,
        undecided="" if would in (*TAKES, *LEAVES) else would,
    )


def ids(fact: Any) -> tuple[str, ...]:
    """A fact that names a product, several, or none."""
    if fact is None:
        return ()
    return (fact,) if isinstance(fact, str) else tuple(dict.fromkeys(str(one) for one in fact))


def purchase(visit: Visit) -> Score:
    """The score `bought`: 1, or 0 with the ending as its reason; without a value where it was not decided."""
    if visit.undecided:
        return Score(name="bought", value=None, reason=f"would {visit.undecided}, which is no purchase")
    bought = visit.ending == "bought"
    return Score(name="bought", value=float(bought), reason="" if bought else visit.ending)


def unscored(episode: Episode, name: str) -> tuple[Score, ...]:
    """What is said of a market's episode that failed, or in which nothing was decided: `name` without a value."""
    if not episode.spec.environment.startswith("market/"):
        return ()
    if episode.status != "error":
        if any(episode.decisions()):  # by a seat that does not shop
            return ()
        return (Score(name=name, value=None, reason="no decision was made"),)
    lines = episode.reason.strip().splitlines()  # of a traceback, the line that says what went wrong
    return (Score(name=name, value=None, reason=f"the episode failed: {lines[-1]}" if lines else "the episode failed"),)


def products_on(menu: Iterable[MenuEntry]) -> dict[str, MenuEntry]:
    """Ids of the products on the page, in the menu's order, with the entry that tells most of each: what takes it.

    A product is on the menu for each of its controls.
    """
    found: dict[str, MenuEntry] = {}
    for entry in menu:
        if _offers(entry):
            product = _product(entry)
            if product not in found or _told(entry) < _told(found[product]):
                found[product] = entry
    return found


def results_on(menu: Sequence[MenuEntry]) -> dict[str, MenuEntry]:
    """`products_on` a page of results, where products are compared; empty on a product's own page."""
    products = products_on(menu)
    return products if len(products) > 1 or any(entry.move.get("kind") == "open" for entry in menu) else {}


def _told(entry: MenuEntry) -> int:
    return ("buy", "pick", "add", "open").index(str(entry.move.get("kind")))


def _places(products: Mapping[str, MenuEntry]) -> dict[str, float]:
    """Where each says that it stands, whatever number that begins with; else its place on the menu."""
    said = {product: _number(entry.appraisal.features.get("position")) for product, entry in products.items()}
    return {product: float(i) if position is None else position for i, (product, position) in enumerate(said.items())}


def _offers(entry: MenuEntry) -> bool:
    kind = entry.move.get("kind")
    return kind == "pick" or (kind in SHOWS and "product" in entry.move)


def _product(entry: MenuEntry) -> str:
    return str(entry.move.get("product", entry.content))


def _bought(episode: Episode, last: Step) -> tuple[str, ...]:
    if episode.lived and "bought" in episode.facts:
        return ids(episode.facts["bought"])
    if last.decision is None or last.decision.move.get("kind") not in TAKES:
        return ()
    return (_product(last.decision),)


def _ending(episode: Episode, last: Step, bought: Sequence[str]) -> Ending:
    if bought:
        return "bought"
    if last.outcome in NO_ANSWER:
        return "refusal" if last.outcome == "refusal" else "unparsed" if last.outcome == "unparsed" else "invalid"
    return "cut" if episode.status == "truncated" else "left"


def _number(feature: float | str | None) -> float | None:
    return None if feature is None else float(feature)


def market_of(facts: Mapping[str, Any]) -> str:
    """The market that an episode is of, whose products have ids in common; empty where facts name none."""
    name = str(facts.get("query") or facts.get("dataset") or "")
    return f"{suite}: {name}" if name and (suite := facts.get("suite")) else name
