"""Cournot's market: firms choose quantities of one good, and all are sold at one price."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import Field, model_validator

from sandbox.menu import Move
from sandbox.scenario import Item
from sandbox_env_games import pricing_theory as theory
from sandbox_env_games.markets import (
    REPEATED,
    Amount,
    LinearConfig,
    PastMarket,
    Pricing,
    PricingObservation,
    PricingState,
)
from sandbox_env_games.pricing_theory import Market
from sandbox_env_games.rounds import Pass, PastRound, Say


class Produce(Move):
    """Produce so many units, all of which will be sold at the market's price."""

    kind: Literal["produce"] = "produce"
    quantity: Amount


class CournotConfig(LinearConfig):
    """A market of quantities; see `LinearConfig` and `PricingConfig`."""

    a: float = Field(100, gt=0, le=1e6)
    c: float = Field(10, ge=0, le=1e6)

    @property
    def market(self) -> Market:
        """Its theory."""
        return theory.market(theory.Cournot, self.firms, self.c, self.a, self.b)

    @model_validator(mode="after")
    def _divisible(self) -> Self:
        if self.a - self.c < 1e-3 * self.b:
            raise ValueError(f"b: {self.b:g} is so great that not even 0.001 units could be sold above cost")
        return self


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
        return theory.market(theory.Cournot, len(self.players), self.c, self.a, self.b)


class CournotGame(Pricing[CournotConfig, CournotState]):
    """Firms choose quantities; the price is what customers pay for all of them together.

    Source: Cournot (1838), as in Tirole, The Theory of Industrial Organization (1988), section 5.4.

    Action: `Produce(quantity)`, 0 <= quantity <= a / b (rounded up to six decimals); `Say(message)` before each round
    where the config has messages.
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

    def equilibria(self, config: CournotConfig) -> dict[str, tuple[float | None, str]]:
        """One, but where a unit costs nothing to make: then firms may also flood the market, and earn nothing."""
        if config.c > 0:
            return super().equilibria(config)
        return {
            "": (
                config.market.nash_profit,
                REPEATED.replace("only equilibrium", "only equilibrium with a price above 0"),
            ),
            "_low": (0.0, "all produce so much that no firm alone brings the price above 0; a unit costs nothing"),
        }

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
        return f"you {self._did(past.act)}; {price}; you earned {past.profit:.10g}"

    def now(self, seen: CournotObservation) -> str:
        """The quantity."""
        return f"Say how many units you produce (quantity), any number from 0 to {seen.highest:.15g}."
