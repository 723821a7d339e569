"""`market/choice_model`: what an agent's choices of products follow, as a conditional logit with all its errors."""

from __future__ import annotations

import math
import sys
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from sandbox.figures import Dot, dots, dots_size
from sandbox.scenario import Frozen
from sandbox.scorer import Estimate, Estimator, Figure, Findings, Table
from sandbox.stats import logit
from sandbox.stats import logit_effects as effects
from sandbox.stats.arrays import Floats
from sandbox.stats.logit import Model
from sandbox.stats.logit_effects import ChiSquared, Quantity
from sandbox.trace import distinct, item_of
from sandbox_score_market.product_choices import Design, ProductChoice, design_of, product_choices

VARIANTS = ("hessian", "cluster")
BASELINE = 0.1
"""The probability that `probability/NAME` starts from, as ACES (arXiv 2508.02630) words its results."""
LOG_PRICES, PRICES = ("ln_price", "log_price"), ("price",)
LARGEST = math.log(sys.float_info.max)
ENOUGH_FOR_IIA = {"hessian": 100, "cluster": 10}
"""Sets, or items, per coefficient from which on a true logit is rejected as often as the test says, within simulation:
with 10 coefficients the one variant rejects 18 % at 160 sets and 6 % at 1,000, the other 5 % at both."""
FEW = 30
"""Clusters below which their errors are known to be too small (Cameron & Miller 2015, J. Human Resources 50:317)."""


class Settings(Frozen):
    """What goes into the utility.

    Attributes:
        product_effects: whether each product has an effect of its own (`product/ID`, or `product/MARKET/ID` of several
            markets), as a deviation from its market's mean. None: in a shop where what products have is drawn, so that
            a product is met with different prices, say, if there are at least five choices per product (else a
            warning); without them such effects hold what the products are worth besides.
    """

    product_effects: bool | None = None


class ChoiceModel(Estimator[Settings]):
    """Conditional logit (McFadden 1974) of which product is chosen out of those on the page.

    Regressors: `ln_price`, `ln_reviews` (of reviews + 1), `rating`, `sponsored`, `endorsed`, `scarcity`, and the place:
    `row1`, `col1` to `col3` (against the bottom row and the right column) where every page has eight products, else
    `position/0`, `position/1`... against the last. Of imported choice sets (`sandbox import choices`): every numeric
    column. Per agent over its lived choices (hypothetical ones: group `hypothetical`), NAME being a regressor:

    - `NAME`: its coefficient, in log-odds per unit; `se/NAME`: its standard error;
    - `ame/NAME`: average marginal effect on the probability of being chosen, per unit; `ame_discrete/NAME`: of 1
      against 0, for regressors that are 0 or 1;
    - `probability/NAME`: what 10 % become, for regressors that are 0 or 1;
    - `wtp/NAME`: willingness to pay for one unit: a share of the price (.92: would still be chosen as often at a price
      92 % higher) where the price is `ln_price` or `log_price`, an amount where it is `price`;
    - `lr/NAME`, `lr/position`, `lr/product`, `lr/model` (all of them): likelihood-ratio statistics; `lr_p/...`: their
      p-values;
    - `iia`, `iia_p`: Hausman & McFadden's test, the product chosen most often (where all sets have it) or the first
      place dropped: small p-values say that a logit does not describe the choices;
    - `log_likelihood`, `log_likelihood_null` (even choice), `mcfadden_r2`.

    Variant `hessian` takes choices to be independent, `cluster` allows for any dependence within an item. Agents are
    compared by `ame/` and `wtp/` alone (group `minus OTHER`): coefficients also hold how noisy an agent is (see
    `sandbox.stats.logit_effects`). Intervals are 95 %, by the delta method. What the data cannot tell has no number but
    a reason, and a warning: separation, dependent regressors, what nothing varies.
    """

    reads = frozenset({"choices"})
    Config = Settings

    def estimate(self, table: Table) -> Findings:
        """Estimates of every agent that chose products, then differences between agents."""
        own_tables = {agent: table.of(agent) for agent in table.agents}
        estimates: list[Estimate] = []
        warnings: list[str] = []
        lived: list[_Fit] = []
        for agent, part_of_agent in own_tables.items():
            own = part_of_agent.own_choices
            facts = {row.id: row.facts for row in part_of_agent.episodes}
            for group, framing in (("", "lived"), ("hypothetical", "hypothetical")):
                found = product_choices([choice for choice in own if choice.framing == framing], facts)
                where = f"{agent}, {group}" if group else agent
                if found.without:
                    count = f"{found.without} of {found.visits} visits"
                    warnings.append(f"{where}: {count} have no choice of a product: left out of the fit")
                # A table's regressors are not a shop's.
                shop = [one for one in found.chosen if not one.imported]
                imported = [one for one in found.chosen if one.imported]
                for part, chosen in ((group, shop), (group or ("choices" if shop else ""), imported)):
                    if chosen:
                        fit = _Fit.of(agent, part, chosen, self.config.product_effects)
                        estimates += fit.estimates()
                        warnings += fit.warnings()
                        if not part:
                            lived.append(fit)
        for one, other in combinations(lived, 2):
            estimates += _differences(one, other)
        return Findings(estimates=tuple(estimates), warnings=tuple(warnings))

    def figures(self, table: Table, findings: Findings) -> Sequence[Figure]:
        """Marginal effects and willingness to pay, with their intervals."""
        episodes: dict[str, str] = {}
        for choice in table.own_choices:
            episodes.setdefault(choice.agent, choice.episode)
        shown = (
            (
                "ame/",
                "effects",
                "What their choices of products follow",
                "change of the probability of being chosen, per unit",
                "Average marginal effects; right of the line: chosen for. 95 % intervals, clustered by item.",
            ),
            (
                "wtp/",
                "wtp",
                "What they would pay for it",
                "willingness to pay",
                "What is 0 or 1; a share of the price where prices are logarithms. 95 % intervals, clustered by item.",
            ),
        )
        found = []
        for prefix, name, title, xlabel, caption in shown:
            own = [one for one in findings.estimates if (one.group, one.variant) == ("", "cluster")]
            known = [one for one in own if one.name.startswith(prefix) and one.estimate is not None]
            if name == "wtp":  # units of all sizes share no axis: only what is there or not
                marked = {one.name.partition("/")[2] for one in own if one.name.startswith("probability/")}
                known = [one for one in known if one.name.removeprefix(prefix) in marked]
            rows = [Dot(e.name.removeprefix(prefix), e.estimate, e.low, e.high, e.agent) for e in known]
            if rows:
                draw = partial(dots, rows=rows, reference=0.0, xlabel=xlabel, groups=table.agents)
                behind = tuple(episodes[agent] for agent in dict.fromkeys(e.agent for e in known) if agent in episodes)
                found.append(Figure(name, title, draw, caption, behind, dots_size(rows)))
        return found


@dataclass(frozen=True)
class _Fit:
    """The model of one agent in one group of its choices; None where there is no regressor."""

    agent: str
    group: str
    chosen: Sequence[ProductChoice]
    design: Design
    model: Model | None
    n_distinct: int

    @classmethod
    def of(cls, agent: str, group: str, chosen: Sequence[ProductChoice], product_effects: bool | None) -> _Fit:
        # A rule without exception, such as always the cheapest, needs no products' effects to be seen, nor allows any.
        plain = design_of(chosen, False) if product_effects is None else None
        model = _fitted(plain) if plain else None
        if plain and model and model.result.separated:
            design = plain
        else:
            design = design_of(chosen, product_effects)
            model = model if plain and design.names == plain.names else _fitted(design)
        return cls(agent, group, chosen, design, model, distinct(one.choice for one in chosen))

    @property
    def price(self) -> str | None:
        """The regressor that willingness to pay is expressed in."""
        return next((name for name in (*LOG_PRICES, *PRICES) if name in self.design.names), None)

    def binary(self) -> list[str]:
        columns = zip(self.design.names, self.design.features.T, strict=True)
        return [
            name
            for name, column in columns
            if bool(((column == 0) | (column == 1)).all()) and not name.startswith("product/")
        ]

    def regressors(self) -> list[str]:
        """Those with marginal effects and tests of their own: all but the products."""
        return [name for name in self.design.names if not name.startswith("product/")]

    def quantities(self) -> dict[str, Quantity]:
        """Everything with an interval by the delta method, by the name of its estimate."""
        assert self.model is not None
        model = self.model
        known = set(model.result.names)
        found = {name: effects.coefficient(model, name) for name in model.result.names}
        found |= {f"ame/{name}": effect for name, effect in effects.marginal_effects(model).items()}
        found |= {f"ame_discrete/{name}": effect for name, effect in effects.discrete_effects(model).items()}
        if self.price in known and found[self.price].value < 0:
            others = [name for name in self.regressors() if name in known and name != self.price]
            found |= {f"wtp/{name}": effects.ratio(model, name, self.price) for name in others}
        return found

    def covariance(self, variant: str) -> Floats | None:
        assert self.model is not None
        return self.model.inverse if variant == "hessian" else self.model.robust

    def estimates(self) -> list[Estimate]:
        """All names in both variants, each name once: a regressor comes before a number of the model's own."""
        found: dict[tuple[str, str], Estimate] = {}
        if self.model is None:
            return [self.one(VARIANTS[0], "log_likelihood", None, reason=_listed(self.design.missing.values()))]
        quantities = self.quantities()
        tests = self._tests()
        for variant in VARIANTS:
            for one in (*self._about_regressors(variant, quantities), *self._about_model(variant, tests)):
                found.setdefault((variant, one.name), one)
        return list(found.values())

    def _about_regressors(self, variant: str, quantities: dict[str, Quantity]) -> Iterable[Estimate]:
        names = self.regressors()
        for name in self.design.names:
            yield self._quantity(variant, name, name, quantities, same)
        for name, why in self.design.missing.items():
            yield self.one(variant, name, None, reason=why)
        for name in self.design.names:
            error = quantities[name].error(self.covariance(variant)) if name in quantities else None
            yield self.one(variant, f"se/{name}", error, reason="" if error is not None else self._why(variant, name))
        for name in names:
            yield self._quantity(variant, f"ame/{name}", name, quantities, same)
        for name in self.binary():
            yield self._quantity(variant, f"ame_discrete/{name}", name, quantities, same)
        for name in self.binary():
            after = partial(effects.probability_after, BASELINE)
            yield self._quantity(variant, f"probability/{name}", name, quantities, after, of=name)
        if self.price is not None:
            pays = growth if self.price in LOG_PRICES else same
            for name in names:
                if name != self.price:
                    yield self._quantity(variant, f"wtp/{name}", name, quantities, pays)

    def _quantity(
        self,
        variant: str,
        name: str,
        regressor: str,
        quantities: dict[str, Quantity],
        told: Callable[[float], float],
        of: str = "",
    ) -> Estimate:
        """An estimate with its interval; both are `told` of the quantity (called `of`), which never falls in it."""
        quantity = quantities.get(of or name)
        if quantity is None:
            return self.one(variant, name, None, reason=self._why(variant, regressor, name.startswith("wtp/")))
        error = quantity.error(self.covariance(variant))
        low, high = None, None
        if name.startswith("wtp/") and not self.priced(variant):
            return self.one(variant, name, None, reason=f"the coefficient of {self.price} may be 0")
        if error is not None and self.n_distinct > 1:
            low, high = told(quantity.value - effects.Z * error), told(quantity.value + effects.Z * error)
        assert self.model is not None
        group = next((names for names in self.model.result.relative if regressor in names), ())
        notes = [
            f"a deviation from the mean of {_listed(_brief(group)) if len(group) > 8 else _listed(group)}"
            if group
            else "",
            self._why(variant, regressor) if low is None else "",
        ]
        return self.one(variant, name, told(quantity.value), low, high, "; ".join(filter(None, notes)))

    def priced(self, variant: str) -> bool:
        """Whether the price's coefficient is told from 0: a ratio over what may be 0 has no end (Fieller 1954)."""
        assert self.model is not None
        assert self.price is not None
        price = effects.coefficient(self.model, self.price)
        return abs(price.value) > effects.Z * (price.error(self.covariance(variant)) or 0.0)

    def _about_model(self, variant: str, tests: dict[str, ChiSquared | str]) -> Iterable[Estimate]:
        assert self.model is not None
        result = self.model.result
        separated = "something is separated: the limit" if result.separated else ""
        for name, test in tests.items():
            p = f"lr_p/{name}"
            if isinstance(test, str):
                yield self.one(variant, f"lr/{name}", None, reason=test)
                yield self.one(variant, p, None, reason=test)
            else:
                method = f"likelihood ratio, chi-squared with {test.df} df if it plays no part; sets independent"
                yield self.one(variant, f"lr/{name}", test.statistic, reason=separated, method=method)
                yield self.one(variant, p, test.p, reason=separated, method=method)
        dropped, iia = self._iia(variant)
        if isinstance(iia, str):
            yield self.one(variant, "iia", None, reason=iia)
            yield self.one(variant, "iia_p", None, reason=iia)
        else:
            method = f"Hausman-McFadden, chi-squared with {iia.df} df under IIA; without {dropped}"
            yield self.one(variant, "iia", iia.statistic, method=method)
            yield self.one(variant, "iia_p", iia.p, method=method)
        null = result.null_log_likelihood
        yield self.one(variant, "log_likelihood", result.log_likelihood, reason=separated)
        yield self.one(variant, "log_likelihood_null", null, method="every alternative alike")
        yield self.one(variant, "mcfadden_r2", 1 - result.log_likelihood / null if null else None, reason=separated)

    def _tests(self) -> dict[str, ChiSquared | str]:
        assert self.model is not None
        asked = {name: (name,) for name in self.regressors()} | self.design.groups() | {"model": self.design.names}
        found: dict[str, ChiSquared | str] = {}
        for name, columns in asked.items():
            test = effects.likelihood_ratio(self.model, columns)
            found[name] = test or self._why(VARIANTS[0], columns[0]) or "the data cannot tell it"
        return found

    @cached_property
    def _without_one(self) -> tuple[str, Model | None, NDArray[np.intp]]:
        """An alternative, the model of the choices of others out of sets without it, and the places of those sets."""
        design = self.design
        dropped, gone = _dropped(design)
        left = np.flatnonzero(np.bincount(design.sets[gone & design.chosen], minlength=len(design.items)) == 0)
        rows = ~gone & np.isin(design.sets, left)
        if not rows.any():
            return dropped, None, left
        return dropped, logit.model(design.features[rows], design.sets[rows], design.chosen[rows], design.names), left

    def _iia(self, variant: str) -> tuple[str, ChiSquared | str]:
        """What was dropped, and the test."""
        assert self.model is not None
        if self.model.result.separated:
            return "", "separated: there are no finite estimates to compare"
        sets = len(self.chosen) if variant == "hessian" else self.model.result.clusters
        least = ENOUGH_FOR_IIA[variant] * len(self.model.result.names)
        if sets < least:
            units = "choices" if variant == "hessian" else "items"
            return "", f"too few: {sets} {units} of the {least} from which on the test keeps its level"
        dropped, restricted, left = self._without_one
        if restricted is None:
            return dropped, f"every choice is of {dropped}"
        cluster = self.design.items if variant == "cluster" else None
        return dropped, effects.dropped_alternative(self.model, restricted, left, cluster)

    def _why(self, variant: str, regressor: str, pays: bool = False) -> str:
        """Why there is no number, or no interval."""
        assert self.model is not None
        result = self.model.result
        if regressor in result.removed:
            return f"no estimate: {result.removed[regressor]}"
        if regressor in result.separated:
            return f"separated: {_diverges(result.separated[regressor])}"
        if pays:
            price = self.price or ""
            found = result.coefficient(price)
            return f"no price: {price} {'has no estimate' if found is None else 'does not make a choice less likely'}"
        if self.n_distinct < 2:
            return "no interval: all choices are the same"
        return "no interval: one item only" if self.covariance(variant) is None else ""

    def one(
        self,
        variant: str,
        name: str,
        value: float | None,
        low: float | None = None,
        high: float | None = None,
        reason: str = "",
        method: str = "",
    ) -> Estimate:
        errors = "independent sets" if variant == "hessian" else "clusters of items"
        finite = value is not None and math.isfinite(value)
        clusters = len(self.chosen) if variant == "hessian" else len(set(self.design.items.tolist()))
        return Estimate(
            agent=self.agent,
            group=self.group,
            variant=variant,
            name=name,
            estimate=value if finite else None,
            low=low if low is not None and math.isfinite(low) else None,
            high=high if high is not None and math.isfinite(high) else None,
            n=len(self.chosen),
            n_distinct=self.n_distinct,
            clusters=clusters,
            method=method or f"conditional logit; {errors}, delta method",
            reason=reason or ("" if finite else "too large for a number"),
        )

    def warnings(self) -> list[str]:
        """What was not estimated, by name, and why: one for all of it, as small data lack much at once."""
        where = f"{self.agent}, {self.group}" if self.group else self.agent
        lacking = dict(self.design.missing)
        said = [self.design.confounded] if self.design.confounded else []
        if self.model is not None:
            result = self.model.result
            lacking |= result.removed
            if result.separated:
                apart = _listed(_brief(sorted(result.separated)))
                said.append(
                    f"separation: {apart} predict some choices perfectly and have no finite estimate; the others are "
                    "those of the limit"
                )
            said += [
                f"{' and '.join(group.names)} vary almost only together (condition index {group.condition_index:.0f}): "
                "hard to tell apart"
                for group in result.collinear
            ]
            if not result.converged:
                said.append("the fit did not converge: take no number of it for an estimate")
            if result.clusters < FEW:
                said.append(f"{result.clusters} items: errors of the variant cluster are too small below {FEW}")
        for why in dict.fromkeys(lacking.values()):
            said.append(f"no estimate of {_listed([name for name, one in lacking.items() if one == why])}: {why}")
        return [f"{where}: {'; '.join(said)}"] if said else []


def _fitted(design: Design) -> Model | None:
    if not design.names:
        return None
    table = (design.features, design.sets, design.chosen, design.names)
    return logit.model(*table, cluster=design.items[design.sets])


def _dropped(design: Design) -> tuple[str, NDArray[np.bool_]]:
    """The alternative that the test of IIA does without: its name, and its rows, at most one of a set."""
    products = np.array(design.products)
    sets = len(design.items)
    times, places = np.unique(products, return_counts=True), design.places
    everywhere = [name for name, count in zip(*times, strict=True) if count == sets]
    if everywhere:
        favoured = max(everywhere, key=lambda name: (int(np.sum(design.chosen & (products == name))), name))
        return f"product {favoured}", products == favoured
    return "the first place", places == places.min()


def _differences(one: _Fit, other: _Fit) -> Iterable[Estimate]:
    """What two agents' choices differ in, only in units that they share.

    With independent choices the variances are added; by items, which both may have met, each item's part in the one
    and in the other is taken together.
    """
    if one.model is None or other.model is None:
        return
    mine, theirs = one.quantities(), other.quantities()
    items = dict.fromkeys(item_of(chosen.choice) for fit in (one, other) for chosen in fit.chosen)
    number = {item: i for i, item in enumerate(items)}
    beside = {"group": f"minus {other.agent}", "n": len(one.chosen) + len(other.chosen), "clusters": len(items)}
    for variant in VARIANTS:
        for name in mine:
            if name not in theirs or not name.startswith(("ame/", "wtp/")) or one.price != other.price:
                continue
            pays = name.startswith("wtp/")
            if pays and not (one.priced(variant) and other.priced(variant)):
                yield one.one(variant, name, None, reason="a coefficient of the price may be 0").model_copy(
                    update=beside
                )
                continue
            logs = pays and one.price in LOG_PRICES
            sides = [(fit, _grown(q[name]) if logs else q[name]) for fit, q in ((one, mine), (other, theirs))]
            error: float | None
            if variant == "hessian":
                error = math.hypot(*(q.error(fit.covariance(variant)) or 0.0 for fit, q in sides))
            else:
                first, second = (_by_item(fit, quantity, number) for fit, quantity in sides)
                few = any(fit.covariance(variant) is None for fit, _ in sides)
                error = None if few else math.sqrt(float(np.sum((first - second) ** 2)) * len(items) / (len(items) - 1))
            value = sides[0][1].value - sides[1][1].value
            within = None if error is None or min(one.n_distinct, other.n_distinct) < 2 else effects.Z * error
            yield one.one(
                variant,
                name,
                value,
                None if within is None else value - within,
                None if within is None else value + within,
                "no interval: too few items, or all choices are the same" if within is None else "",
            ).model_copy(update=beside)


def _by_item(fit: _Fit, quantity: Quantity, number: dict[str, int]) -> Floats:
    assert fit.model is not None
    return quantity.by_cluster(fit.model, len(number), [number[item_of(one.choice)] for one in fit.chosen])


def _grown(quantity: Quantity) -> Quantity:
    return Quantity(growth(quantity.value), (1 + growth(quantity.value)) * quantity.gradient)


def growth(logarithms: float) -> float:
    """Of a difference of logarithms, the growth that it is; infinite where no number holds it."""
    return math.expm1(logarithms) if logarithms < LARGEST else math.inf


def same(value: float) -> float:
    """The value itself."""
    return value


def _diverges(direction: str) -> str:
    if direction == "either":
        return "other terms explain without exception every choice that would show it"
    towards = "plus" if direction == "+" else "minus"
    return f"choices follow it without exception, so its coefficient diverges to {towards} infinity"


def _brief(names: Sequence[str]) -> list[str]:
    """Names with the products counted, where they are many."""
    products = [name for name in names if name.startswith("product/")]
    if len(products) < 4:
        return list(names)
    return [*(name for name in names if name not in products), f"{len(products)} of the products"]


def _listed(names: Iterable[str]) -> str:
    return ", ".join(names)
