"""Bertrand's market: firms choose prices of one good, in cents, and the lowest price sells."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field

from sandbox.menu import Move
from sandbox.scenario import Item
from sandbox_env_games import pricing_theory as theory
from sandbox_env_games.markets import LinearConfig, Pricing, PricingObservation, PricingState
from sandbox_env_games.money import Dollars
from sandbox_env_games.pricing_theory import Market
from sandbox_env_games.rounds import Pass, PastRound, Say


class AskCents(Move):
    """Set your price for this round."""

    kind: Literal["price"] = "price"
    price: Dollars


class BertrandConfig(LinearConfig):
    """A market of prices of one good; see `LinearConfig` and `PricingConfig`; a and c are whole dollars."""

    a: int = Field(100, gt=0, le=1000)
    c: int = Field(10, ge=0)

    @property
    def market(self) -> Market:
        """Its theory."""
        return theory.market(theory.Bertrand, self.firms, self.c, self.a, self.b)


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
        return theory.market(theory.Bertrand, len(self.players), self.c, self.a, self.b)


class BertrandGame(Pricing[BertrandConfig, BertrandState]):
    """Firms that sell one and the same good choose prices; all customers buy at the lowest.

    Sources: Bertrand (1883), as in Tirole, The Theory of Industrial Organization (1988), section 5.1; since prices are
    in whole cents, a cent above cost is an equilibrium beside cost itself (`pricing_theory.Bertrand.stage_prices`).

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
