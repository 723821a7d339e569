"""The logit market: firms choose prices of products that are alike but not the same."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field

from sandbox.menu import Move
from sandbox.scenario import Item
from sandbox_env_games import pricing_theory as theory
from sandbox_env_games.markets import Amount, Pricing, PricingConfig, PricingObservation, PricingState
from sandbox_env_games.pricing_theory import Market
from sandbox_env_games.rounds import Pass, Say


class Ask(Move):
    """Set your price for this round."""

    kind: Literal["price"] = "price"
    price: Amount


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
        return theory.market(theory.Logit, self.firms, self.c, self.a, self.a0, self.mu)


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
        return theory.market(theory.Logit, len(self.players), self.c, self.a, self.a0, self.mu)


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
