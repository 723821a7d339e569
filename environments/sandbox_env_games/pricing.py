"""Markets with few firms that set quantities or prices, over and over: Cournot, Bertrand, and logit demand."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache
from typing import Annotated, Any, ClassVar, Generic, Literal, Self, TypeVar

from pydantic import BeforeValidator, Field, model_validator

from sandbox.menu import Menu, Move, MoveRange
from sandbox.recent import Growing
from sandbox.scenario import Appraisal, Benchmark, Item, Policy
from sandbox_env_games import theory_pricing as theory
from sandbox_env_games.anchors import no_counterpart
from sandbox_env_games.money import MONEY_LIMIT, Dollars
from sandbox_env_games.rounds import (
    TALK,
    Pass,
    PastRound,
    Rounds,
    RoundsConfig,
    RoundsObservation,
    RoundsState,
    Say,
    called,
    players,
)
from sandbox_env_games.theory_pricing import Act, Conduct, Market, Rivals, UnknownError

FIRM = "baselines/firm"
"""The scripted firm whose conduct theory knows."""


def _number(value: Any) -> Any:
    if isinstance(value, bool):  # pydantic would read True as 1
        raise ValueError("expected a number, such as 12.5")
    return value


Amount = Annotated[float, BeforeValidator(_number), Field(ge=0, le=MONEY_LIMIT)]


class Produce(Move):
    """Produce so many units, all of which will be sold at the market's price."""

    kind: Literal["produce"] = "produce"
    quantity: Amount


class AskCents(Move):
    """Set your price for this round."""

    kind: Literal["price"] = "price"
    price: Dollars


class Ask(Move):
    """Set your price for this round."""

    kind: Literal["price"] = "price"
    price: Amount


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
        stage game's equilibrium, 1 at the greatest joint profit; any number below 1. `mean_price`: of the rounds in
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
        config, own = state.config, self.seats(state.config).index(seat)
        return super().seen(state, seat) | {
            "history": self._views.fold(
                (config, own), state.history, (), lambda views, past: (*views, self._view(past, config, own))
            ),
            "highest": config.market.highest,
            "disclosure": config.disclosure,
        }

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

    @cached_property
    def _views(self) -> Growing[tuple[PastMarket, ...]]:
        """How firms see rounds that are over: in a long game they see all of them again at every step."""
        return Growing(20_000)

    def price_seen(self, market: Market, past: PastRound, own: int) -> float | None:
        """What a firm learns of the price of a round: its own."""
        return past.acts[own][0] if past.acts[own] else None

    def conceal(self, state: StateT, seat: str) -> StateT:
        """Other profits of the others, and each other firm's acts as its neighbour's, where they are not told."""
        state = super().conceal(state, seat)
        disclosure, own = state.config.disclosure, self.seats(state.config).index(seat)
        if disclosure == "profits":
            return state
        history = tuple(
            past.model_copy(
                update={
                    "acts": past.acts if disclosure == "acts" else _turned(past.acts, own),
                    "gains": tuple(gain if i == own else gain + 1 for i, gain in enumerate(past.gains)),
                }
            )
            for past in state.history
        )
        totals = tuple(total if i == own else total + 1 for i, total in enumerate(state.totals))
        return replace(state, history=history, totals=totals)

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
                parts.append(line + (f" and earned {past.gains[index]:.6g}" if past.gains else ""))
        return "; ".join(parts) + "."

    def own_result(self, past: PastMarket) -> str:
        """The reader's own round."""
        if past.act is None:
            return f"you {self._did(None)} and earned 0"
        return f"you {self._did(past.act)}, sold {past.sold:.6g} and earned {past.profit:.6g}"

    def _did(self, act: float | None) -> str:
        return "did nothing" if act is None else f"{self.done[0]} {self.written(act)}"

    def appraise(self, state: StateT, seat: str, move: Move) -> Appraisal:
        """The act's profit in this round if the others do what they last did, and in round 1 as in equilibrium.

        `collusive` is 0 for the equilibrium's act and 1 for the one of the greatest joint profit.
        """
        act = self.act_of(move)
        if act is None:
            return super().appraise(state, seat, move)
        market: Market = state.config.market
        own = self.seats(state.config).index(seat)
        others = [market.nash] * (market.firms - 1)
        if state.history:
            others = [last[0] for i, last in enumerate(state.history[-1].acts) if last and i != own]
        return Appraisal(
            utility=float(market.profit(act, others)),
            content=f"{self.done[0]} {self.written(act)}",
            features={"round": state.round, "collusive": (act - market.nash) / (market.monopoly - market.nash)},
        )

    def benchmarks(self, config: ConfigT, item: Item, counterparts: Mapping[str, Policy]) -> Mapping[str, Benchmark]:
        """Anchors for each firm's profit in all rounds together."""
        market, rounds = config.market, config.rounds
        equilibrium = self.equilibria(config) if config.horizon_told else {"": (None, _FOLK)}
        noise, error = theory.random_profit(market)
        found = {
            "welfare": Benchmark(
                value=market.monopoly_profit * market.firms * rounds,
                assumes="the greatest joint profit of the firms (customers have no seat); closed form",
            )
        }
        for seat in self.seats(config):
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
        return {"": (config.market.nash_profit, _REPEATED)}

    def _against(self, config: ConfigT, seat: str, counterparts: Mapping[str, Policy]) -> dict[str, Benchmark]:
        names = f"best_response/{seat}", f"random_response/{seat}"
        others = [other for other in self.seats(config) if other != seat]
        if any(other not in counterparts for other in others):
            reason = no_counterpart(seat, self.seats(config), counterparts)
            return {name: Benchmark(value=None, assumes=reason) for name in names}
        met = [known_conduct(counterparts[other]) for other in others]
        known = tuple(conduct for conduct in met if conduct is not None)
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
_REPEATED = (
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

    b: float = Field(1, gt=0, le=1e6)

    @model_validator(mode="after")
    def _worth_making(self) -> Self:
        a, c = getattr(self, "a"), getattr(self, "c")  # noqa: B009 (whole dollars in one subclass, any numbers in the other)
        if a <= c:
            raise ValueError(f"a: {a:g} is no more than a unit costs to make (c: {c:g}): nobody would produce")
        return self


class CournotConfig(LinearConfig):
    """A market of quantities; see `LinearConfig` and `PricingConfig`."""

    a: float = Field(100, gt=0, le=1e6)
    c: float = Field(10, ge=0, le=1e6)

    @property
    def market(self) -> Market:
        """Its theory."""
        return _cournot(self.firms, self.c, self.a, self.b)


@dataclass(frozen=True)
class CournotState(PricingState):
    """`acts` are quantities."""

    config: CournotConfig


class CournotObservation(PricingObservation):
    """As `PricingObservation`, with demand and cost as in the config; in `history`, `price` is the market's."""

    a: float
    b: float
    c: float

    @property
    def market(self) -> Market:
        """The market's theory."""
        return _cournot(len(self.players), self.c, self.a, self.b)


class CournotGame(Pricing[CournotConfig, CournotState]):
    """Firms choose quantities; the price is what customers pay for all of them together.

    Source: Cournot (1838), as in Tirole, The Theory of Industrial Organization (1988), section 5.4.

    Action: `Produce(quantity)`, 0 <= quantity <= a / b; `Say(message)` before each round where the config has messages.
    Forfeit: who gives no legal answer produces nothing in that round; the others sell.
    Payoff: profit, (a - b * all quantities - c) * own quantity with a price of at least 0, summed over rounds.
    Facts: see `measures` and `by_seat`; `hindsight` is the best reply to the others' recorded quantities,
    round by round.

    Example:
        >>> game = CournotGame()
        >>> state = game.initial(CournotConfig(rounds=1), Item())
        >>> state = game.apply(state, {"player_1": Produce(quantity=30), "player_2": Produce(quantity=20)})
        >>> dict(game.payoffs(state))
        {'player_1': 1200.0, 'player_2': 800.0}
    """

    id: ClassVar[str] = "games/Cournot-v0"
    Config = CournotConfig
    State = CournotState
    Action: ClassVar[Any] = Annotated[Produce | Say | Pass, Field(discriminator="kind")]
    Observation = CournotObservation
    done: ClassVar[tuple[str, str]] = ("produced", "produces nothing")

    def initial(self, config: CournotConfig, item: Item) -> CournotState:
        """Round 1."""
        return self.start(CournotState(config))

    def act_of(self, move: Move) -> float | None:
        """The quantity."""
        return move.quantity if isinstance(move, Produce) else None

    def move(self, act: float) -> Move:
        """To produce it."""
        return Produce(quantity=act)

    def market_price(self, market: Market, past: PastRound) -> float | None:
        """That clears the market; None: nothing was produced."""
        made = [act[0] for act in past.acts if act and act[0] > 0]
        return float(market.price(0.0, made)) if made else None

    def price_seen(self, market: Market, past: PastRound, own: int) -> float | None:
        """All see the market's price."""
        return self.market_price(market, past)

    def observe(self, state: CournotState, seat: str) -> CournotObservation:
        """The market, and what is told of the rounds before."""
        config = state.config
        return CournotObservation(**self.seen(state, seat), a=config.a, b=config.b, c=config.c)

    def trade(self, seen: CournotObservation) -> str:
        """Quantities make the price."""
        return (
            "In each round all firms choose at the same time how many units they produce of one and the same good. All "
            f"units are sold at one price: {seen.a:g} less {seen.b:g} times the number of units that all firms produce "
            f"together, but never below 0. A unit costs a firm {seen.c:g} to make. A firm's profit in a round is its "
            f"quantity times (price less {seen.c:g})."
        )

    def own_result(self, past: PastMarket) -> str:
        """With the price."""
        price = "nothing was produced by anybody" if past.price is None else f"the price was {past.price:.8g}"
        return f"you {self._did(past.act)}; {price}; you earned {past.profit:.6g}"

    def now(self, seen: CournotObservation) -> str:
        """The quantity."""
        return f"Say how many units you produce (quantity), any number from 0 to {seen.highest:.8g}."


class BertrandConfig(LinearConfig):
    """A market of prices of one good; see `LinearConfig` and `PricingConfig`; a and c are whole dollars."""

    a: int = Field(100, gt=0, le=1000)
    c: int = Field(10, ge=0)

    @property
    def market(self) -> Market:
        """Its theory."""
        return _bertrand(self.firms, self.c, self.a, self.b)


@dataclass(frozen=True)
class BertrandState(PricingState):
    """`acts` are prices in dollars."""

    config: BertrandConfig


class BertrandObservation(PricingObservation):
    """As `PricingObservation`, with demand and cost as in the config. Amounts are dollars."""

    a: int
    b: float
    c: int

    @property
    def market(self) -> Market:
        """The market's theory."""
        return _bertrand(len(self.players), self.c, self.a, self.b)


class BertrandGame(Pricing[BertrandConfig, BertrandState]):
    """Firms that sell one and the same good choose prices; all customers buy at the lowest.

    Sources: Bertrand (1883), as in Tirole, The Theory of Industrial Organization (1988), section 5.1; since prices are
    in whole cents, a cent above cost is an equilibrium beside cost itself (`theory_pricing.Bertrand.stage_prices`).

    Action: `AskCents(price)`, dollars with at most two decimals, from 0 to `a`; `Say(message)` before each round where
    the config has messages.
    Forfeit: who gives no legal price sells nothing in that round; the others sell.
    Payoff: profit, (price - c) * own sales, summed over rounds; firms with the same lowest price share sales equally.
    Facts: see `measures` and `by_seat`; `hindsight` is the best reply to the others' recorded prices, round by round.

    Example:
        >>> game = BertrandGame()
        >>> state = game.initial(BertrandConfig(rounds=1), Item())
        >>> state = game.apply(state, {"player_1": AskCents(price=50), "player_2": AskCents(price=50)})
        >>> dict(game.payoffs(state))
        {'player_1': 1000.0, 'player_2': 1000.0}
    """

    id: ClassVar[str] = "games/Bertrand-v0"
    Config = BertrandConfig
    State = BertrandState
    Action: ClassVar[Any] = Annotated[AskCents | Say | Pass, Field(discriminator="kind")]
    Observation = BertrandObservation
    done: ClassVar[tuple[str, str]] = ("asked", "sells nothing")

    def initial(self, config: BertrandConfig, item: Item) -> BertrandState:
        """Round 1."""
        return self.start(BertrandState(config))

    def act_of(self, move: Move) -> float | None:
        """The price."""
        return move.price if isinstance(move, AskCents) else None

    def move(self, act: float) -> Move:
        """To ask for it."""
        return AskCents(price=act)

    def written(self, act: float) -> str:
        """Dollars and cents."""
        return f"{act:.2f}"

    def market_price(self, market: Market, past: PastRound) -> float | None:
        """The lowest."""
        return min((act[0] for act in past.acts if act), default=None)

    def equilibria(self, config: BertrandConfig) -> dict[str, tuple[float | None, str]]:
        """Both are of the stage game, and are taken to be played in every round."""
        market = config.market
        assert isinstance(market, theory.Bertrand)
        gains = {price: market.shared(price) for price in market.stage_prices()}
        prices = " and ".join(f"{price:.2f}" for price in gains)
        also = (
            f"symmetric equilibria of the stage game in pure strategies, by looking at all prices in cents: {prices}; "
            "the same in every round (where there are several, the repeated game has others: Benoit & Krishna 1985)"
        )
        return {
            "": (
                market.nash_profit,
                f"the price a cent above cost, which is not dominated, by all firms; of the {also}",
            ),
            "_low": (min(gains.values()), f"the worst of the {also}"),
            "_high": (max(gains.values()), f"the best of the {also}"),
        }

    def observe(self, state: BertrandState, seat: str) -> BertrandObservation:
        """The market, and what is told of the rounds before."""
        config = state.config
        return BertrandObservation(**self.seen(state, seat), a=config.a, b=config.b, c=config.c)

    def trade(self, seen: BertrandObservation) -> str:
        """The lowest price sells."""
        return (
            "In each round all firms choose a price at the same time, in dollars with at most two decimals. They sell "
            "one and the same good, and all customers buy at the lowest price, together this number of units: "
            f"({seen.a:.2f} less that price) divided by {seen.b:g}. Firms with the same lowest price sell the same "
            f"number each; firms with a higher price sell nothing. A unit costs a firm {seen.c:.2f} to make. A firm's "
            f"profit in a round is the number of units that it sells times (its price less {seen.c:.2f})."
        )

    def now(self, seen: BertrandObservation) -> str:
        """The price."""
        return f"Say your price (price), in dollars with at most two decimals, from 0 to {seen.a}."


class LogitConfig(PricingConfig):
    """A market of differentiated goods; the defaults are the baseline of Calvano et al. (2020).

    Attributes:
        a: how good each firm's product is.
        a0: how good it is to buy none of them.
        mu: how different products are to customers: the smaller, the more all buy the cheapest.
        c: what a unit costs to make.
    """

    a: float = Field(2, ge=-10, le=10)
    a0: float = Field(0, ge=-10, le=10)
    mu: float = Field(0.25, ge=0.05, le=10)
    c: float = Field(1, ge=0, le=10)

    @property
    def market(self) -> Market:
        """Its theory."""
        return _logit(self.firms, self.c, self.a, self.a0, self.mu)


@dataclass(frozen=True)
class LogitState(PricingState):
    """`acts` are prices."""

    config: LogitConfig


class LogitObservation(PricingObservation):
    """As `PricingObservation`, with demand and cost as in the config."""

    a: float
    a0: float
    mu: float
    c: float

    @property
    def market(self) -> Market:
        """The market's theory."""
        return _logit(len(self.players), self.c, self.a, self.a0, self.mu)


class LogitPricing(Pricing[LogitConfig, LogitState]):
    """Firms with products of their own choose prices; customers buy by logit demand.

    Source: Calvano, Calzolari, Denicolo & Pastorello, American Economic Review 110 (2020) 3267-3297; played by language
    models: Fish, Gonczarowski & Shorrer (2024, arXiv:2404.00806).

    Action: `Ask(price)`, 0 <= price <= twice the monopoly price, rounded up; `Say(message)` before each round where the
    config has messages. The listed prices are the paper's fifteen.
    Forfeit: who gives no legal price sells nothing in that round; the others sell.
    Payoff: profit, (price - c) * share, summed over rounds; a firm's share is
    exp((a - price) / mu) / (sum of that over all firms that ask a price + exp(a0 / mu)).
    Facts: see `measures` and `by_seat`; `hindsight` is the best reply to the others' recorded prices, round by round.

    Example:
        >>> game = LogitPricing()
        >>> state = game.initial(LogitConfig(rounds=1), Item())
        >>> state = game.apply(state, {"player_1": Ask(price=1.472927), "player_2": Ask(price=1.472927)})
        >>> round(game.payoffs(state)["player_1"], 6)
        0.222927
    """

    id: ClassVar[str] = "games/LogitPricing-v0"
    Config = LogitConfig
    State = LogitState
    Action: ClassVar[Any] = Annotated[Ask | Say | Pass, Field(discriminator="kind")]
    Observation = LogitObservation
    done: ClassVar[tuple[str, str]] = ("asked", "sells nothing")

    def initial(self, config: LogitConfig, item: Item) -> LogitState:
        """Round 1."""
        return self.start(LogitState(config))

    def act_of(self, move: Move) -> float | None:
        """The price."""
        return move.price if isinstance(move, Ask) else None

    def move(self, act: float) -> Move:
        """To ask for it."""
        return Ask(price=act)

    def observe(self, state: LogitState, seat: str) -> LogitObservation:
        """The market, and what is told of the rounds before."""
        config = state.config
        return LogitObservation(**self.seen(state, seat), a=config.a, a0=config.a0, mu=config.mu, c=config.c)

    def trade(self, seen: LogitObservation) -> str:
        """Prices make shares."""
        return (
            "In each round all firms choose a price at the same time. Each firm sells a product of its own; the "
            "products are alike but not the same, so that customers buy more of a cheaper one, yet some of each. What "
            f"a firm sells is a share of 1 unit: with w = exp(({seen.a:g} - price) / {seen.mu:g}) for each firm, the "
            f"share of a firm is its w divided by the sum of all firms' w and exp({seen.a0:g} / {seen.mu:g}), which "
            f"stands for customers who buy nothing. A unit costs a firm {seen.c:g} to make. A firm's profit in a round "
            f"is its share times (its price less {seen.c:g})."
        )

    def now(self, seen: LogitObservation) -> str:
        """The price."""
        return f"Say your price (price), any number from 0 to {seen.highest:.8g}."


@lru_cache(maxsize=64)
def _cournot(firms: int, c: float, a: float, b: float) -> Market:
    return theory.Cournot(firms, c, a, b)


@lru_cache(maxsize=64)
def _bertrand(firms: int, c: float, a: float, b: float) -> Market:
    return theory.Bertrand(firms, c, a, b)


@lru_cache(maxsize=64)
def _logit(firms: int, c: float, a: float, a0: float, mu: float) -> Market:
    return theory.Logit(firms, c, a, a0, mu)
