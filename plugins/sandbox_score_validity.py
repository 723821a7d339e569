"""`validity/choice`: whether an agent chooses by content, or by place, by label, or by lot."""

from __future__ import annotations

from collections.abc import Iterator

from sandbox.agent import NoConfig
from sandbox.scorer import Estimate, Estimator, Findings, Table
from sandbox.stats.agreement import OrderConsistency, agreement
from sandbox.trace import Choice
from sandbox.validity import Validity, assess

ANSWERLESS = {
    "invalid": ("invalid", "timeout"),
    "refusal": ("refusal",),
    "abstention": ("abstention",),
    "unparsed": ("unparsed",),
}
"""Rate -> outcomes that it counts."""


class ChoiceValidity(Estimator[NoConfig]):
    """A verdict per agent, from items that it met in several arrangements.

    | estimate | what it is | range |
    |---|---|---|
    | `kappa` | (P(same content in two orders) - 1/k) / (1 - 1/k); 2 P - 1 for two options | -1 to 1 |
    | `bias` | P(first shown chosen in both orders) - P(last shown chosen in both) | -1 to 1 |
    | `label_kappa` | as kappa, for one order under two assignments of labels | -1 to 1 |
    | `retest` | P(same content) in the very same presentation again | 0 to 1 |
    | `invalid`, `refusal`, `abstention`, `unparsed` | shares of presentations; time-outs are invalid | 0 to 1 |

    Verdicts, by 95 % intervals (Wilson's and Tango's, each item counting once): *valid* if kappa's lower bound is above
    .5, *follows position* if its upper bound is below 0, *noise* if the interval holds 0, else *weak*. The same of
    `label_kappa`, with *follows label*; the worse of the two stands. *not tested* where no item was chosen in two
    orders. Reads choice sets whose alternatives have a `position`; agents without any are left out.
    """

    def estimate(self, table: Table) -> Findings:
        """Verdicts, consistencies and rates of every agent with such choices."""
        found = [validity for validity in assess(table).values() if validity.presentations]
        return Findings(
            estimates=tuple(estimate for validity in found for estimate in _estimates(validity)),
            verdicts=tuple(validity.verdict for validity in found),
        )


def _estimates(validity: Validity) -> Iterator[Estimate]:
    agent, shown = validity.verdict.agent, validity.presentations
    distinct = _distinct(shown)
    order, label, retest = validity.order, validity.label, validity.retest
    yield _kappa(agent, "kappa", order, distinct, "no item was chosen in two orders")
    yield Estimate(
        agent=agent,
        name="bias",
        estimate=order and order.bias,
        low=order and order.bias_low,
        high=order and order.bias_high,
        n=order.n if order else 0,
        n_distinct=distinct if order else 0,
        clusters=order.items if order else 0,
        method="P(first in both orders) - P(last in both), Tango interval over items",
        reason="" if order else "no item was chosen in two orders",
    )
    yield _kappa(agent, "label_kappa", label, distinct, "no item was chosen in one order under two label assignments")
    yield Estimate(
        agent=agent,
        name="retest",
        estimate=retest and retest.rate,
        low=retest and retest.low,
        high=retest and retest.high,
        n=retest.n if retest else 0,
        n_distinct=distinct if retest else 0,
        clusters=retest.items if retest else 0,
        method="P(same content in the same presentation again), Wilson interval over items",
        reason="" if retest else "no presentation was repeated",
    )
    items = [" ".join((choice.environment, choice.dataset, choice.item)) for choice in shown]
    for name, outcomes in ANSWERLESS.items():
        happened = [choice.outcome in outcomes for choice in shown]
        rate = agreement(happened, [True] * len(shown), items)
        yield Estimate(
            agent=agent,
            name=name,
            estimate=rate.rate,
            low=rate.low if distinct > 1 else None,
            high=rate.high if distinct > 1 else None,
            n=rate.n,
            n_distinct=distinct,
            clusters=rate.items,
            method="share of presentations, Wilson interval over items",
            reason="" if distinct > 1 else "no interval: all traces are the same",
        )


def _kappa(agent: str, name: str, found: OrderConsistency | None, distinct: int, missing: str) -> Estimate:
    return Estimate(
        agent=agent,
        name=name,
        estimate=found and found.kappa,
        low=found and found.kappa_low,
        high=found and found.kappa_high,
        n=found.n if found else 0,
        n_distinct=distinct if found else 0,
        clusters=found.items if found else 0,
        method="agreement of content beyond 1/k, Wilson interval over items",
        reason="" if found else missing,
    )


def _distinct(choices: tuple[Choice, ...]) -> int:
    """How many of the presentations and what came of them differ."""
    return len({(choice.environment, choice.item, choice.state, choice.chosen, choice.outcome) for choice in choices})
