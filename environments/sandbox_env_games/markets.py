"""Markets with few firms that set quantities or prices, over and over: what all of them have in common."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Annotated, Any, ClassVar, Generic, Literal, Self, TypeVar

from pydantic import Field, model_validator

from sandbox.menu import Menu, Move, MoveRange
from sandbox.scenario import Appraisal, Benchmark, Item, Policy
from sandbox_env_games import pricing_theory as theory
from sandbox_env_games.anchors import unmet
from sandbox_env_games.money import MONEY_LIMIT, Number
from sandbox_env_games.pricing_theory import Act, Conduct, Market, Rivals, UnknownError
from sandbox_env_games.rounds import (
    TALK,
    PastRound,
    Rounds,
    RoundsConfig,
    RoundsObservation,
    RoundsState,
    Say,
    called,
    players,
)

FIRM = "baselines/firm"
"""The scripted firm whose conduct theory knows."""
Amount = Annotated[float, Number, Field(ge=0, le=MONEY_LIMIT)]


class PricingConfig(RoundsConfig):
    """What every market can be set to.

    Attributes:
        firms: how many.
        disclosure: what a firm is told of a round that is over, beside its own result: the others' `acts`; these and
            their `profits`; or nothing (`own`; in Cournot's market the price is there for all to see).
    """

    rounds: int = Field(10, ge=1, le=1000)
    firms: int = Field(2, ge=2, le=10)
    disclosure: Literal["own", "acts", "profits"] = "acts"

    @property
    def market(self) -> Market:
        """Its theory."""
        raise NotImplementedError(f"{type(self).__name__} must define market")


@dataclass(frozen=True)
class PricingState(RoundsState):
    """`acts` are quantities or prices."""

    config: Any


class PastMarket(PastRound):
    """A round that is over, as a firm sees it; `acts` and `gains` are empty where they are not told.

    Attributes:
        act: the reader's quantity or price; None: it did nothing.
        sold: how much the reader sold.
        price: what it got, or would have got, for a unit; in Cournot's market what all got.
        profit: what the reader earned.
    """

    act: float | None
    sold: float
    price: float | None
    profit: float


class PricingObservation(RoundsObservation):
    """What a firm knows; the market's own parameters are in the subclasses.

    Attributes:
        highest: the greatest quantity or price that is allowed.
        disclosure: what firms are told of rounds that are over.
    """

    highest: float
    disclosure: Literal["own", "acts", "profits"]
    history: tuple[PastMarket, ...]

    @property
    def market(self) -> Market:
        """The market's theory: the rules tell all that it needs."""
        raise NotImplementedError(f"{type(self).__name__} must define market")


ConfigT = TypeVar("ConfigT", bound=PricingConfig)
StateT = TypeVar("StateT", bound=PricingState)


class Pricing(Rounds[ConfigT, StateT], Generic[ConfigT, StateT]):
    """Firms choose at once, in every round, and earn by what all have chosen."""

    # -- what a market adds --------------------------------------------------------------------------------------

    @abstractmethod
    def act_of(self, move: Move) -> float | None:
        """The quantity or price; None: the move is none."""

    @abstractmethod
    def trade(self, seen: Any) -> str:
        """How quantities or prices make sales and profits, in the rules."""

    done: ClassVar[tuple[str, str]]
    """What firms did, and what they do without a valid answer, in the words of the history."""

    def written(self, act: float) -> str:
        """A quantity or price in a sentence."""
        return f"{act:.8g}"

    # -- what follows --------------------------------------------------------------------------------------------

    def seats(self, config: ConfigT) -> tuple[str, ...]:
        """The firms."""
        return players(config.firms)

    def choices(self, state: StateT, seat: str) -> Menu:
        """Anything up to the greatest act."""
        return _menu(self, state.config)

    @abstractmethod
    def move(self, act: float) -> Move:
        """The act as a move."""

    def numbers(self, state: StateT, seat: str, move: Move) -> tuple[float, ...]:
        """The quantity or price."""
        act = self.act_of(move)
        assert act is not None
        return (act,)

    def reference(self, state: StateT, seat: str) -> Move:
        """The stage equilibrium's act: so a hypothetical market is one with firms."""
        market: Market = state.config.market
        return Say() if self.stage(state) == TALK else self.move(round(market.nash, market.decimals))

    def gains(self, state: StateT) -> tuple[float, ...]:
        """Profits; who did nothing has none, and the others share the market."""
        market: Market = state.config.market
        return market.profits(_acts(state.acts))

    def void(self, state: StateT) -> tuple[float, ...]:
        """As in any other round: customers are served by those who act."""
        return self.gains(state)

    def reply(self, state: StateT, seat: str, past: PastRound) -> float:
        """The greatest profit against the others' acts."""
        market: Market = state.config.market
        own = self.seats(state.config).index(seat)
        return market.best([act[0] for i, act in enumerate(past.acts) if act and i != own])

    def measures(self, state: StateT) -> Mapping[str, float | None]:
        """How collusive the market was.

        `collusion`: (mean profit - Nash) / (monopoly - Nash), per firm and round, as in Calvano et al. (2020): 0 in the
        stage game's equilibrium, 1 at the greatest joint profit; any number below 1; None where these two are a
        millionth or less apart. `mean_price`: of the rounds in
        which anything was offered; the lowest price in Bertrand's market, the mean of the prices in the logit one.
        """
        market: Market = state.config.market
        prices = [price for past in state.history if (price := self.market_price(market, past)) is not None]
        return {
            "collusion": _collusion(market, [gain for past in state.history for gain in past.gains]),
            "mean_price": _mean(prices),
        }

    def market_price(self, market: Market, past: PastRound) -> float | None:
        """The price of a round; None: nothing was offered."""
        return _mean([act[0] for act in past.acts if act])

    def by_seat(self, state: StateT) -> Mapping[str, Mapping[str, float | None]]:
        """Each firm's index of collusion and mean price (or quantity), and the share of rounds without an answer."""
        market: Market = state.config.market
        mean = "mean_price" if market.sets_prices else "mean_quantity"
        return {
            seat: {
                "collusion": _collusion(market, [past.gains[own] for past in state.history]),
                mean: _mean([past.acts[own][0] for past in state.history if past.acts[own]]),
                "absent": _mean([float(not past.acts[own]) for past in state.history]),
            }
            for own, seat in enumerate(self.seats(state.config))
        }

    def facts(self, state: StateT) -> Mapping[str, Any]:
        """As in all games of rounds; all seats are alike."""
        return {**super().facts(state), "symmetric": True}

    def seen(self, state: StateT, seat: str) -> dict[str, Any]:
        """The fields of `PricingObservation`."""
        config = state.config
        return super().seen(state, seat) | {"highest": config.market.highest, "disclosure": config.disclosure}

    def viewed(self, state: StateT, own: int) -> Callable[[PastRound], PastRound]:
        """As far as the config discloses it."""
        return lambda past: self._view(past, state.config, own)

    def _view(self, past: PastRound, config: ConfigT, own: int) -> PastMarket:
        """A round that is over, as firm number `own` sees it."""
        return PastMarket(
            round=past.round,
            said=past.said,
            acts=() if config.disclosure == "own" else past.acts,
            gains=past.gains if config.disclosure == "profits" else (),
            act=past.acts[own][0] if past.acts[own] else None,
            sold=_sold(config.market, past, own),
            price=self.price_seen(config.market, past, own),
            profit=past.gains[own],
        )

    def price_seen(self, market: Market, past: PastRound, own: int) -> float | None:
        """What a firm learns of the price of a round: its own."""
        return past.acts[own][0] if past.acts[own] else None

    def conceal(self, state: StateT, seat: str) -> StateT:
        """Other profits of the others, and other acts without which the same is told, where they are not told."""
        state = super().conceal(state, seat)
        disclosure, own = state.config.disclosure, self.seats(state.config).index(seat)
        if disclosure == "profits":
            return state
        market = state.config.market
        history = tuple(
            past.model_copy(
                update={
                    "acts": past.acts if disclosure == "acts" else self._disguised(market, past, own),
                    "gains": tuple(gain if i == own else gain + 1 for i, gain in enumerate(past.gains)),
                }
            )
            for past in state.history
        )
        totals = tuple(total if i == own else total + 1 for i, total in enumerate(state.totals))
        return replace(state, history=history, totals=totals)

    def _disguised(self, market: Market, past: PastRound, own: int) -> tuple[tuple[float, ...], ...]:
        """Acts of the others with which the firm would have sold as much at the same price."""

        def result(acts: tuple[tuple[float, ...], ...]) -> tuple[float, float | None]:
            other = past.model_copy(update={"acts": acts})
            return _sold(market, other, own), self.price_seen(market, other, own)

        turned = _turned(past.acts, own)
        acts = turned if result(turned) == result(past.acts) else past.acts
        for i in range(len(acts)):
            for act in market.listed if i != own else ():
                changed = (*acts[:i], (act,), *acts[i + 1 :])
                if changed != acts and result(changed) == result(past.acts):
                    acts = changed
                    break
        return acts

    def rules(self, seen: PricingObservation) -> str:
        """The market, what is told, and what happens to those who do not answer."""
        others = " and ".join(called(player, seen.role) for player in seen.players if player != seen.role)
        told = {
            "own": "its own result only",
            "acts": "its own result and what every other firm chose",
            "profits": "what every firm chose and earned",
        }
        number = "one of the two firms" if len(seen.players) == 2 else f"one of the {len(seen.players)} firms"
        return "\n".join(
            [
                f"You are {called(seen.role, '')}, {number} of a market. The others: {others}."
                if len(seen.players) > 2
                else f"You are {called(seen.role, '')}, {number} of a market. The other one is {others}.",
                self.trade(seen),
                f"A firm that gives no valid answer {self.done[1]} in that round, and the other firms have the market "
                "to themselves.",
                f"After each round every firm is told {told[seen.disclosure]}.",
            ]
        )

    def told(self, seen: PricingObservation, past: PastRound) -> str:
        """What was done and earned, as far as it is told."""
        assert isinstance(past, PastMarket)
        parts = [self.own_result(past)]
        for index, player in enumerate(seen.players):
            if player != seen.role and past.acts:
                act = past.acts[index]
                line = f"{called(player, seen.role)} {self._did(act[0] if act else None)}"
                parts.append(line + (f" and earned {past.gains[index]:.10g}" if past.gains else ""))
        return "; ".join(parts) + "."

    def own_result(self, past: PastMarket) -> str:
        """The reader's own round."""
        if past.act is None:
            return f"you {self._did(None)} and earned 0"
        return f"you {self._did(past.act)}, sold {past.sold:.6g} and earned {past.profit:.10g}"

    def _did(self, act: float | None) -> str:
        return "did nothing" if act is None else f"{self.done[0]} {self.written(act)}"

    def appraise(self, state: StateT, seat: str, move: Move) -> Appraisal:
        """The act's profit in this round if the others do what they last did, and in round 1 as in equilibrium.

        `collusive` is 0 for the equilibrium's act and 1 for the one of the greatest joint profit; left out in markets
        that leave next to nothing to be gained by collusion.
        """
        act = self.act_of(move)
        if act is None:
            return super().appraise(state, seat, move)
        market: Market = state.config.market
        own = self.seats(state.config).index(seat)
        others = [market.nash] * (market.firms - 1)
        if state.history:
            others = [last[0] for i, last in enumerate(state.history[-1].acts) if last and i != own]
        features: dict[str, float | str] = {"round": state.round}
        if market.worth_colluding:
            features["collusive"] = (act - market.nash) / (market.monopoly - market.nash)
        return Appraisal(
            utility=float(market.profit(act, others)),
            content=f"{self.done[0]} {self.written(act)}",
            features=features,
        )

    def benchmarks(self, config: ConfigT, item: Item, counterparts: Mapping[str, Policy]) -> Mapping[str, Benchmark]:
        """Anchors for each firm's profit in all rounds together.

        Raises:
            InputError: a scripted firm cannot play by its conduct here.
        """
        market, rounds = config.market, config.rounds
        for policy in counterparts.values():
            if conduct := known_conduct(policy):
                market.check(conduct, config.disclosure != "own")
        equilibrium = self.equilibria(config) if config.horizon_told else {"": (None, _FOLK)}
        noise, error = theory.random_profit(market)
        harshest = [0.0 if market.sets_prices else market.highest] * (market.firms - 1)
        found = {
            "welfare": Benchmark(
                value=market.monopoly_profit * market.firms * rounds,
                assumes="the greatest joint profit of the firms (customers have no seat); closed form",
            )
        }
        for seat in self.seats(config):
            found[f"disagreement/{seat}"] = Benchmark(
                value=max(0.0, market.best(harshest)) * rounds,
                assumes="what the firm can secure by itself: the best reply to the others' lowest prices, or greatest "
                "quantities, in every round",
            )
            for name, (value, assumes) in equilibrium.items():
                found[f"equilibrium{name}/{seat}"] = Benchmark(
                    value=None if value is None else value * rounds, assumes=assumes
                )
            found[f"random/{seat}"] = Benchmark(
                value=noise * rounds,
                error=None if error is None else error * rounds,
                assumes="all firms choose among the listed acts at random, in every round anew; "
                + ("exact" if error is None else f"{theory.DRAWS} simulated rounds"),
            )
            found |= self._against(config, seat, counterparts)
        return found

    def equilibria(self, config: ConfigT) -> dict[str, tuple[float | None, str]]:
        """Profit in one round of the stage game's equilibrium, by the anchor's ending, and what is assumed."""
        return {"": (config.market.nash_profit, REPEATED)}

    def _against(self, config: ConfigT, seat: str, counterparts: Mapping[str, Policy]) -> dict[str, Benchmark]:
        if found := unmet(seat, self.seats(config), counterparts):
            return found
        names = f"best_response/{seat}", f"random_response/{seat}"
        met = [known_conduct(counterparts[other]) for other in self.seats(config) if other != seat]
        known = tuple(sorted((conduct for conduct in met if conduct is not None), key=repr))  # all firms are alike
        try:
            if len(known) < len(met):
                raise UnknownError(f"what a counterpart that is no {FIRM} does is not known for every past")
            rivals = Rivals(config.market, known)
        except UnknownError as reason:
            return {name: Benchmark(value=None, assumes=f"not computed: {reason}") for name in names}
        how = "closed form" if rivals.constant or rivals.punishing else f"dynamic programming, {config.market.searched}"
        return {
            names[0]: Benchmark(
                value=rivals.best(config.rounds),
                assumes=f"best play against these very counterparts, followed through all rounds ({how}); silent",
            ),
            names[1]: Benchmark(
                value=rivals.random(config.rounds),
                assumes="random choice among the listed acts against these very counterparts; exact",
            ),
        }


_FOLK = (
    "the firms do not know the number of rounds: with patience and no last round every division of profits that gives "
    "each firm more than the stage equilibrium is one of an equilibrium (folk theorem, Friedman 1971), and no beliefs "
    "are given"
)
REPEATED = (
    "the stage game's only equilibrium in every round, by backward induction: the number of rounds is known, and each "
    "firm maximises its own profit"
)


def known_conduct(policy: Policy) -> Conduct | None:
    """How a counterpart acts, if it is the scripted firm."""
    agent = getattr(policy, "agent", None)
    return Conduct.model_validate(dict(agent.config)) if agent is not None and agent.id == FIRM else None


def _acts(acts: tuple[tuple[float, ...], ...]) -> list[Act]:
    return [act[0] if act else None for act in acts]


def _turned(acts: tuple[tuple[float, ...], ...], own: int) -> tuple[tuple[float, ...], ...]:
    """The others' acts, each moved on to the next of them: all markets here are blind to who did what."""
    others = [act for i, act in enumerate(acts) if i != own]
    others = others[1:] + others[:1]
    return (*others[:own], acts[own], *others[own:])


def _sold(market: Market, past: PastRound, own: int) -> float:
    act = past.acts[own]
    others = [other[0] for i, other in enumerate(past.acts) if other and i != own]
    return float(market.sold(act[0], others)) if act else 0.0


def _collusion(market: Market, profits: list[float]) -> float | None:
    mean = _mean(profits)
    return None if mean is None else market.collusion(mean)


def _mean(found: list[float]) -> float | None:
    return sum(found) / len(found) if found else None


@lru_cache(maxsize=64)
def _menu(game: Pricing[Any, Any], config: PricingConfig) -> Menu:
    market = config.market
    listed = tuple(game.move(act) for act in market.listed)
    name = "price" if market.sets_prices else "quantity"
    return (MoveRange(type(listed[0]), bounds={name: (0, market.highest)}, representatives=listed),)


class LinearConfig(PricingConfig):
    """Linear demand: all buy together (a - price) / b units.

    Attributes:
        a: the price at which nobody buys; above c.
        b: by how much the price falls for each unit more.
        c: what a unit costs to make.
    """

    a: float
    b: float = Field(1, ge=1e-3, le=1e6)
    c: float

    @model_validator(mode="after")
    def _worth_making(self) -> Self:
        if self.a - self.c < 1e-6 * self.a:
            raise ValueError(
                f"a: {self.a:g} is no more than a unit costs to make (c: {self.c:g}): nobody would produce"
            )
        return self
