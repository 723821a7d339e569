"""Whether an agent's choices follow content at all, rather than the place or the label of what is offered.

The judgement stands at the head of every value estimate, so it is shared: the estimator `validity/choice` shows its
numbers, the value estimators ask for `verdicts`. It reads the choice table alone: presentations of one item are
compared with each other, found by the features `position` and `label` that the environment records.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import combinations, pairwise, product

from sandbox.scorer import Table, Verdict
from sandbox.stats.agreement import Agreement, OrderConsistency, agreement, order_consistency, verdict
from sandbox.text import canonical
from sandbox.trace import Choice, content_of

CHECK = "validity/choice"
ARRANGEMENT = frozenset({"order", "labels", "label_rotation"})
"""Config fields, and so treatments, that arrange what is offered without changing it."""
NOT_TESTED = "not tested"
COMPARABLE = frozenset({"valid", "weak"})


@dataclass(frozen=True)
class Validity:
    """What is known of one agent's choices.

    Attributes:
        verdict: `valid`, `weak`, `noise`, `follows position`, `follows label`, or `not tested`.
        order: one item shown in two orders under one assignment of labels; None where no item was chosen in both.
        label: one item shown in one order under two assignments of labels; None likewise.
        retest: the very same presentation, again; None where there was none.
        distinct: of the pairs behind `order`, `label` and `retest`, how many differ.
        presentations: the choice sets with positions that all this rests on, answered or not.
    """

    verdict: Verdict
    order: OrderConsistency | None
    label: OrderConsistency | None
    retest: Agreement | None
    distinct: Mapping[str, int]
    presentations: tuple[Choice, ...]


def verdicts(table: Table) -> dict[str, Verdict]:
    """The verdict on each agent in the table."""
    return {agent: found.verdict for agent, found in assess(table).items()}


def caveat(verdict: Verdict | None) -> str:
    """Why an agent's numbers are left out of comparisons between agents; '' if they are not."""
    if verdict is not None and verdict.verdict in COMPARABLE:
        return ""
    return f"left out of comparisons: {NOT_TESTED if verdict is None else verdict.verdict} ({CHECK})"


def assess(table: Table) -> dict[str, Validity]:
    """What the table shows of each agent that has choices in it, in order of first appearance.

    A label follower looks like a position follower wherever labels stay in their places; only one that was shown the
    same order under two assignments of labels can be told from it. So `follows label` needs both crossed. An agent is
    as valid as the worse of the two comparisons.
    """
    of_agent: dict[str, list[Choice]] = {agent: [] for agent in table.agents}
    for choice in table.own_choices:
        of_agent.setdefault(choice.agent, []).append(choice)
    config_of = {row.id: row.config for row in table.episodes}
    return {agent: _assess(agent, found, config_of) for agent, found in of_agent.items() if found}


def offered(choice: Choice) -> Choice:
    """The choice without the alternative to abstain, which is no content."""
    kept = [index for index, entry in enumerate(choice.alternatives) if not entry.appraisal.features.get("abstains")]
    if len(kept) == len(choice.alternatives):
        return choice
    chosen = kept.index(choice.chosen) if choice.chosen in kept else None
    return choice.model_copy(update={"alternatives": tuple(choice.alternatives[i] for i in kept), "chosen": chosen})


@dataclass(frozen=True)
class _Shown:
    """A presentation: contents and labels, first place to last; the place and the content that were chosen, if any."""

    item: tuple[str, ...]
    contents: tuple[str, ...]
    labels: tuple[str, ...]
    chosen: int | None

    @property
    def place(self) -> int:
        assert self.chosen is not None
        return self.chosen

    @property
    def content(self) -> str:
        return self.contents[self.place]

    @property
    def label_index(self) -> int:
        return sorted(self.labels).index(self.labels[self.place])


_Pair = tuple[_Shown, _Shown]


def _assess(agent: str, choices: list[Choice], config_of: Mapping[str, Mapping[str, object]]) -> Validity:
    presentations: list[Choice] = []
    comparable: dict[bytes, list[_Shown]] = defaultdict(list)
    repeated: dict[str, list[_Shown]] = defaultdict(list)
    for choice in choices:
        if not any("position" in entry.appraisal.features for entry in choice.alternatives):
            continue  # most of them, in no time
        choice = offered(choice)
        shown = _shown(choice)
        if shown is None:
            continue
        presentations.append(choice)
        if shown.chosen is not None:
            comparable[_question(choice, shown, config_of.get(choice.episode, {}))].append(shown)
            if choice.state:
                repeated[f"{choice.state} {choice.framing} {choice.seat}"].append(shown)

    orders: list[_Pair] = []
    labels: list[_Pair] = []
    for group in comparable.values():
        arranged: dict[tuple[tuple[str, ...], tuple[str, ...]], list[_Shown]] = defaultdict(list)
        for shown in group:
            arranged[shown.contents, shown.labels].append(shown)
        # Yes stays with Yes: then a label is part of the content, and all that differs is the order.
        travelling = len({frozenset(zip(contents, names, strict=True)) for contents, names in arranged}) == 1
        for one, other in combinations(arranged, 2):
            if one[1] == other[1] or travelling:
                orders += product(arranged[one], arranged[other])
            elif one[0] == other[0]:
                labels += product(arranged[one], arranged[other])
    again = [pair for group in repeated.values() for pair in pairwise(group)]

    by_order = _consistency(orders, [(one.place, other.place) for one, other in orders])
    by_label = _consistency(labels, [(one.label_index, other.label_index) for one, other in labels])
    retest = (
        agreement([a.content for a, _ in again], [b.content for _, b in again], [" ".join(a.item) for a, _ in again])
        if again
        else None
    )
    word, reason = _judge(by_order, by_label, presentations)
    return Validity(
        verdict=Verdict(agent=agent, check=CHECK, verdict=word, reason=reason),
        order=by_order,
        label=by_label,
        retest=retest,
        distinct={"order": len(set(orders)), "label": len(set(labels)), "retest": len(set(again))},
        presentations=tuple(presentations),
    )


def _shown(choice: Choice) -> _Shown | None:
    """The presentation that a choice set was; None where the environment records no positions."""
    places = [entry.appraisal.features.get("position") for entry in choice.alternatives]
    contents = [content_of(entry) for entry in choice.alternatives]
    if len(places) < 2 or None in places or len(set(places)) < len(places) or len(set(contents)) < len(contents):
        return None
    in_order = sorted(range(len(places)), key=lambda index: float(places[index] or 0))
    return _Shown(
        item=(choice.environment, choice.dataset, choice.item),
        contents=tuple(contents[index] for index in in_order),
        labels=tuple(str(choice.alternatives[index].appraisal.features.get("label", "")) for index in in_order),
        chosen=None if choice.chosen is None else in_order.index(choice.chosen),
    )


def _question(choice: Choice, shown: _Shown, config: Mapping[str, object]) -> bytes:
    """What must be equal for two presentations to be of one question: all but arrangement and repetition."""
    return canonical(
        [
            shown.item,
            choice.seat,
            choice.step,
            choice.framing,
            choice.seed,
            sorted(shown.contents),
            {name: value for name, value in config.items() if name not in ARRANGEMENT},
            {name: value for name, value in choice.treatments.items() if name not in ARRANGEMENT},
        ]
    )


def _consistency(pairs: list[_Pair], positions: list[tuple[int, int]]) -> OrderConsistency | None:
    if not pairs:
        return None
    return order_consistency(
        content=[(one.content, other.content) for one, other in pairs],
        position=positions,
        options=[len(one.contents) for one, _ in pairs],
        items=[" ".join(one.item) for one, _ in pairs],
    )


def _judge(
    order: OrderConsistency | None, label: OrderConsistency | None, presentations: list[Choice]
) -> tuple[str, str]:
    """The verdict, and the numbers that it rests on."""
    missing = sum(choice.chosen is None for choice in presentations)
    unanswered = f"; {missing} of {len(presentations)} presentations without a choice" if missing else ""
    if order is None:
        hint = "" if missing == len(presentations) else ": use order: counterbalanced"
        return NOT_TESTED, f"no item was chosen in two orders{hint}{unanswered}"
    words = [verdict(order)]
    reason = f"order kappa {_interval(order)} over {order.items} items, bias {order.bias:+.2f}"
    if label is None:
        reason += "; labels were not crossed with positions" if words[0] == "follows position" else ""
    else:
        words.append(verdict(label, "label"))
        reason += f"; label kappa {_interval(label)} over {label.items} items"
    worst_first = ("follows label", "follows position", "noise", "weak", "valid")
    return min(words, key=worst_first.index), reason + unanswered


def _interval(found: OrderConsistency) -> str:
    return f"{found.kappa:.2f} [{found.kappa_low:.2f}, {found.kappa_high:.2f}]"
