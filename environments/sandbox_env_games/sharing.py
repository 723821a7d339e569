"""Who shares: the ultimatum, dictator and trust games, each a sum of money and one or two decisions."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Annotated, Any, ClassVar, Literal, Self, TypeVar

from pydantic import Field, model_validator

from sandbox.menu import Menu, Move, MoveRange
from sandbox.scenario import Appraisal, Benchmark, Item, Policy
from sandbox_env_games.money import MONEY_LIMIT, Dollars, cents
from sandbox_env_games.rounds import Pass, PastRound, Rounds, RoundsConfig, RoundsObservation, RoundsState, Say

Money = Annotated[int, Field(ge=1, le=MONEY_LIMIT)]
Acts = tuple[tuple[float, ...], ...]


class Offer(Move):
    """Offer the responder a part of the money; if it accepts, you keep the rest."""

    kind: Literal["offer"] = "offer"
    amount: Annotated[Dollars, Field(description="what the responder gets, in dollars with at most two decimals")]


class Accept(Move):
    """Accept the offer: you get it, and the proposer keeps the rest."""

    kind: Literal["accept"] = "accept"


class Reject(Move):
    """Reject the offer: neither of you gets anything."""

    kind: Literal["reject"] = "reject"


class Give(Move):
    """Give the recipient a part of the money, and keep the rest."""

    kind: Literal["give"] = "give"
    amount: Annotated[Dollars, Field(description="what the recipient gets, in dollars with at most two decimals")]


class Send(Move):
    """Send a part of your money to the trustee, who receives a multiple of it."""

    kind: Literal["send"] = "send"
    amount: Annotated[Dollars, Field(description="what you send, in dollars with at most two decimals")]


class Return(Move):
    """Return a part of what you received to the investor, and keep the rest."""

    kind: Literal["return"] = "return"
    amount: Annotated[Dollars, Field(description="what the investor gets back, in dollars with at most two decimals")]


class SplitConfig(RoundsConfig):
    """What an ultimatum or dictator game can be set to.

    Attributes:
        money: what there is to divide in each round, whole dollars.
    """

    money: Money = 10


class TrustConfig(RoundsConfig):
    """What a trust game can be set to.

    Attributes:
        endowments: what investor and trustee begin each round with, whole dollars.
        multiplier: what a dollar sent is worth to the trustee, whole dollars. Times the investor's endowment it is
            within the greatest amount that a move can carry.
    """

    endowments: tuple[Money, Annotated[int, Field(ge=0, le=MONEY_LIMIT)]] = (10, 10)
    multiplier: int = Field(3, ge=1, le=100)

    @model_validator(mode="after")
    def _returnable(self) -> Self:
        if self.endowments[0] * self.multiplier > MONEY_LIMIT:
            raise ValueError(f"the investor's endowment times multiplier is more than {MONEY_LIMIT:,} dollars")
        return self


@dataclass(frozen=True)
class SplitState(RoundsState):
    """`acts` are integer cents for the other player; and 1 for acceptance, 0 for rejection."""

    config: SplitConfig


@dataclass(frozen=True)
class TrustState(RoundsState):
    """`acts` are what was sent and what was returned, integer cents; who was sent nothing does not act."""

    config: TrustConfig


class SplitObservation(RoundsObservation):
    """What both players see; `acts` are dollars, and 1 or 0 for acceptance or rejection.

    Attributes:
        money: what there is to divide in each round, dollars.
    """

    money: int


class TrustObservation(RoundsObservation):
    """What both players see; `acts` are dollars sent and returned.

    Attributes:
        endowments: what investor and trustee begin each round with, dollars.
        multiplier: what the trustee receives for a dollar sent.
    """

    endowments: tuple[int, int]
    multiplier: int


ConfigT = TypeVar("ConfigT", bound=RoundsConfig)
StateT = TypeVar("StateT", bound=RoundsState)
VOID = "A round in which somebody gives no valid answer is void: it pays nobody anything, and is not repeated."


class Sharing(Rounds[ConfigT, StateT]):
    """What the three games have in common: two roles, cents inside and dollars outside."""

    roles: ClassVar[tuple[str, str]]
    """The first to decide, and the other."""

    def seats(self, config: ConfigT) -> tuple[str, ...]:
        """Both roles, who keep them in all rounds."""
        return self.roles

    def movers(self, state: StateT) -> tuple[str, ...]:
        """One role in each stage, the first one first."""
        return (self.roles[state.stage - state.config.messages],)

    def payoffs(self, state: StateT) -> Mapping[str, float]:
        """Dollars; a sum of whole cents is one."""
        return {seat: round(total, 2) for seat, total in super().payoffs(state).items()}

    def seen(self, state: StateT, seat: str) -> dict[str, Any]:
        """Amounts in dollars."""
        found = super().seen(state, seat)
        return found | {"total": round(found["total"], 2), "acts": self.told_acts(state.acts)}

    def viewed(self, state: StateT, own: int) -> Callable[[PastRound], PastRound]:
        """In dollars."""
        return lambda past: past.model_copy(update={"acts": self.told_acts(past.acts)})

    def told_acts(self, acts: Acts) -> Acts:
        """Acts in dollars."""
        return tuple(tuple(amount / 100 for amount in act) for act in acts)

    def numbers(self, state: StateT, seat: str, move: Move) -> tuple[float, ...]:
        """The amount, in cents."""
        assert isinstance(move, Offer | Give | Send | Return)
        return (float(cents(move.amount)),)

    def told(self, seen: RoundsObservation, past: PastRound) -> str:
        """What both did, and the reader's gain."""
        done = self.done(seen, past)
        if done is None:
            absent = self.roles[bool(past.acts[0])]
            return f"the {absent} gave no valid answer, so the round was void; nobody got anything."
        return f"{done}. You got {past.gains[seen.players.index(seen.role)]:.2f}."

    @abstractmethod
    def done(self, seen: Any, past: PastRound) -> str | None:
        """What both did in a round, in words; None: it was void."""


class Split(Sharing[SplitConfig, SplitState]):
    """What the ultimatum and dictator games have in common."""

    Config = SplitConfig
    State = SplitState
    Observation = SplitObservation

    def initial(self, config: SplitConfig, item: Item) -> SplitState:
        """Round 1."""
        return self.start(SplitState(config))

    def observe(self, state: SplitState, seat: str) -> SplitObservation:
        """The money, and all that was done and said."""
        return SplitObservation(**self.seen(state, seat), money=state.config.money)

    def _shares(self, state: SplitState) -> list[float]:
        """The part that the second role was offered or given in each round in which it was."""
        return [past.acts[0][0] / (state.config.money * 100) for past in state.history if past.acts[0]]


class Ultimatum(Split):
    """A proposer offers a part of a sum; the responder accepts, or both get nothing.

    Source: Güth, Schmittberger & Schwarze, "An experimental analysis of ultimatum bargaining", Journal of Economic
    Behavior & Organization 3 (1982) 367-388.

    Action: `Offer(amount)`, dollars with two decimals; `Accept()`, `Reject()`; `Say(message)` before each round where
    the config has messages. Roles stay the same in all rounds.
    Forfeit: who gives no legal answer makes the round void, which pays nobody, like a rejection.
    Payoff: dollars, summed over rounds.
    Facts: `offer_share` is the mean offer as a share of the money, `acceptance` the share of offers accepted among
    those answered; the responder's `least_accepted` and `greatest_rejected` are shares of the money. None: there were
    none.
    Hindsight of the responder: all offers accepted. The proposer has none: an answer is an answer to one offer.

    Example:
        >>> game = Ultimatum()
        >>> state = game.apply(game.initial(SplitConfig(), Item()), {"proposer": Offer(amount=2.5)})
        >>> dict(game.payoffs(game.apply(state, {"responder": Accept()})))
        {'proposer': 7.5, 'responder': 2.5}
    """

    id: ClassVar[str] = "games/Ultimatum-v0"
    Action: ClassVar[Any] = Annotated[Offer | Accept | Reject | Say | Pass, Field(discriminator="kind")]
    roles = "proposer", "responder"

    def stages(self, config: SplitConfig) -> tuple[str, ...]:
        """An offer, and the answer."""
        return "offer", "answer"

    def choices(self, state: SplitState, seat: str) -> Menu:
        """Any offer in whole cents; yes or no."""
        return _amounts(Offer, state.config.money * 100) if seat == "proposer" else (Accept(), Reject())

    def numbers(self, state: SplitState, seat: str, move: Move) -> tuple[float, ...]:
        """Cents, or 1 for yes and 0 for no."""
        return super().numbers(state, seat, move) if isinstance(move, Offer) else (float(isinstance(move, Accept)),)

    def told_acts(self, acts: Acts) -> Acts:
        """The offer in dollars."""
        return tuple(amount / 100 for amount in acts[0]), acts[1]

    def gains(self, state: SplitState) -> tuple[float, ...]:
        """The offer's division, if it was accepted."""
        (offer,), (accepted,) = state.acts
        return ((state.config.money * 100 - offer) / 100, offer / 100) if accepted else (0.0, 0.0)

    def reply(self, state: SplitState, seat: str, past: PastRound) -> float | None:
        """For the responder, to accept what was offered."""
        if seat == "proposer":
            return None
        return past.acts[0][0] / 100 if past.acts[0] else 0.0

    def measures(self, state: SplitState) -> Mapping[str, float | None]:
        """What was offered, and how much of it accepted."""
        answers = [past.acts[1][0] for past in state.history if past.acts[1]]
        return {"offer_share": _mean(self._shares(state)), "acceptance": _mean(answers)}

    def by_seat(self, state: SplitState) -> Mapping[str, Mapping[str, float | None]]:
        """What the proposer offered, and what the responder took."""
        measures = self.measures(state)
        answered = [past for past in state.history if past.acts[1]]
        shares = [(past.acts[0][0] / (state.config.money * 100), past.acts[1][0]) for past in answered]
        return {
            "proposer": {"offer_share": measures["offer_share"]},
            "responder": {
                "acceptance": measures["acceptance"],
                "least_accepted": min((share for share, accepted in shares if accepted), default=None),
                "greatest_rejected": max((share for share, accepted in shares if not accepted), default=None),
            },
        }

    def rules(self, seen: SplitObservation) -> str:
        """Who decides what, and what it pays."""
        return (
            f"You are the {seen.role}. There are {seen.money} dollars to divide. The proposer offers the responder an "
            f"amount from 0 to {seen.money} dollars, with at most two decimals. The responder accepts or rejects it. "
            "Accepted: the responder gets the offer, the proposer the rest. Rejected: both get nothing.\n"
            + VOID
            + again(seen)
        )

    def now(self, seen: SplitObservation) -> str:
        """An offer, or an answer to it."""
        if seen.stage == "offer":
            return "Make your offer (offer): the amount that the responder gets."
        offer = f"The proposer offers you {seen.acts[0][0]:.2f} of {seen.money} dollars."
        return f"{offer} Accept it (accept) or reject it (reject)."

    def done(self, seen: SplitObservation, past: PastRound) -> str | None:
        """The offer and the answer."""
        if not all(past.acts):
            return None
        answer = "accepted" if past.acts[1][0] else "rejected"
        return f"the proposer offered {past.acts[0][0]:.2f}, the responder {answer} it"

    def appraise(self, state: SplitState, seat: str, move: Move) -> Appraisal:
        """What the move pays in this round if an offer is accepted: a myopic measure; rejecting pays 0."""
        whole = state.config.money * 100
        if isinstance(move, Offer):
            return _appraised("offer", whole - cents(move.amount), cents(move.amount), whole, state.round)
        if isinstance(move, Accept | Reject):
            offer = state.acts[0][0]
            own = offer if isinstance(move, Accept) else 0.0
            features = {"offer_share": offer / whole, "round": state.round}
            return Appraisal(utility=own / 100, content=move.kind, features=features)
        return super().appraise(state, seat, move)

    def reference(self, state: SplitState, seat: str) -> Move:
        """Half of the money, accepted: so that both stages of a hypothetical game are asked."""
        if self.stage(state) == "offer":
            return Offer(amount=state.config.money / 2)
        return Accept() if self.stage(state) == "answer" else super().reference(state, seat)

    def benchmarks(
        self, config: SplitConfig, item: Item, counterparts: Mapping[str, Policy]
    ) -> Mapping[str, Benchmark]:
        """Anchors for both payoffs: see `sandbox_env_games.sharing_theory`."""
        from sandbox_env_games.sharing_theory import ultimatum  # it knows the sharers, who play this game

        return ultimatum(self, config, item, counterparts)


class Dictator(Split):
    """A dictator gives a part of a sum to a recipient, who has no say.

    Source: Kahneman, Knetsch & Thaler, "Fairness and the assumptions of economics", Journal of Business 59 (1986);
    Forsythe, Horowitz, Savin & Sefton, "Fairness in simple bargaining experiments", Games and Economic Behavior 6
    (1994) 347-369.

    Action: `Give(amount)`, dollars with two decimals; `Say(message)` before each round where the config has messages,
    which is then the recipient's only move. Without messages the recipient is no seat, but has its payoff.
    Forfeit: a dictator who gives no legal answer makes the round void, which pays nobody.
    Payoff: dollars, summed over rounds. Facts: `given_share` is the mean gift as a share of the money.

    Example:
        >>> game = Dictator()
        >>> state = game.apply(game.initial(SplitConfig(), Item()), {"dictator": Give(amount=2.5)})
        >>> dict(game.payoffs(state))
        {'dictator': 7.5}
    """

    id: ClassVar[str] = "games/Dictator-v0"
    Action: ClassVar[Any] = Annotated[Give | Say | Pass, Field(discriminator="kind")]
    roles = "dictator", "recipient"

    def seats(self, config: SplitConfig) -> tuple[str, ...]:
        """The dictator; and the recipient, where it has something to say."""
        return self.roles if config.messages else self.roles[:1]

    def stages(self, config: SplitConfig) -> tuple[str, ...]:
        """One decision."""
        return ("give",)

    def choices(self, state: SplitState, seat: str) -> Menu:
        """Any gift in whole cents."""
        return _amounts(Give, state.config.money * 100)

    def gains(self, state: SplitState) -> tuple[float, ...]:
        """What was kept, and what was given."""
        gift = state.acts[0][0]
        return ((state.config.money * 100 - gift) / 100, gift / 100)[: len(state.acts)]

    def facts(self, state: SplitState) -> Mapping[str, Any]:
        """Payoffs of the recipient too, where it is no seat."""
        gifts = sum(past.acts[0][0] for past in state.history if past.acts[0])
        found = super().facts(state)
        return {**found, "payoffs": {**found["payoffs"], "recipient": gifts / 100}}

    def reply(self, state: SplitState, seat: str, past: PastRound) -> float | None:
        """All the money for the dictator; the recipient has no choice."""
        return float(state.config.money) if seat == "dictator" else past.gains[1]

    def measures(self, state: SplitState) -> Mapping[str, float | None]:
        """What was given."""
        return {"given_share": _mean(self._shares(state))}

    def by_seat(self, state: SplitState) -> Mapping[str, Mapping[str, float | None]]:
        """What the dictator gave."""
        return {"dictator": self.measures(state)}

    def rules(self, seen: SplitObservation) -> str:
        """Who decides what, and what it pays."""
        return (
            f"You are the {seen.role}. There are {seen.money} dollars. The dictator gives the recipient an amount from "
            f"0 to {seen.money} dollars, with at most two decimals, and keeps the rest. The recipient cannot refuse.\n"
            "A round in which the dictator gives no valid answer is void: it pays nobody anything, and is not repeated."
            + again(seen)
        )

    def now(self, seen: SplitObservation) -> str:
        """A gift."""
        return "Decide how much the recipient gets (give)."

    def done(self, seen: SplitObservation, past: PastRound) -> str | None:
        """The gift."""
        return f"the dictator gave {past.acts[0][0]:.2f} of {seen.money} dollars" if past.acts[0] else None

    def appraise(self, state: SplitState, seat: str, move: Move) -> Appraisal:
        """What the dictator keeps."""
        if not isinstance(move, Give):
            return super().appraise(state, seat, move)
        whole = state.config.money * 100
        return _appraised("give", whole - cents(move.amount), cents(move.amount), whole, state.round)

    def reference(self, state: SplitState, seat: str) -> Move:
        """Half of the money."""
        return Give(amount=state.config.money / 2) if self.stage(state) == "give" else super().reference(state, seat)

    def benchmarks(
        self, config: SplitConfig, item: Item, counterparts: Mapping[str, Policy]
    ) -> Mapping[str, Benchmark]:
        """Anchors for both payoffs: see `sandbox_env_games.sharing_theory`."""
        from sandbox_env_games.sharing_theory import dictator  # as above

        return dictator(self, config, item, counterparts)


class Trust(Sharing[TrustConfig, TrustState]):
    """An investor sends money, which is multiplied; the trustee returns a part of it, or nothing.

    Source: Berg, Dickhaut & McCabe, "Trust, reciprocity, and social history", Games and Economic Behavior 10 (1995)
    122-142: both have 10 dollars, and what is sent is tripled.

    Action: `Send(amount)`, up to the investor's endowment; `Return(amount)`, up to what was received (not out of the
    trustee's own endowment); dollars with two decimals. A trustee who received nothing does not move. `Say(message)`
    before each round where the config has messages.
    Forfeit: who gives no legal answer makes the round void: it pays nobody, not even endowments.
    Payoff: dollars, summed over rounds: investor's endowment - sent + returned; trustee's endowment + multiplier * sent
    - returned.
    Facts: `sent_share` is the mean share of the endowment that was sent, `returned_share` what was returned of all that
    was received, `repaid` what was returned for each dollar sent (1: trust cost nothing). None: nothing was sent.
    Hindsight of the trustee: nothing returned. The investor has none: a return is an answer to one amount.

    Example:
        >>> game = Trust()
        >>> state = game.apply(game.initial(TrustConfig(), Item()), {"investor": Send(amount=4)})
        >>> dict(game.payoffs(game.apply(state, {"trustee": Return(amount=5)})))
        {'investor': 11.0, 'trustee': 17.0}
    """

    id: ClassVar[str] = "games/Trust-v0"
    Config = TrustConfig
    State = TrustState
    Action: ClassVar[Any] = Annotated[Send | Return | Say | Pass, Field(discriminator="kind")]
    Observation = TrustObservation
    roles = "investor", "trustee"

    def stages(self, config: TrustConfig) -> tuple[str, ...]:
        """There, and back."""
        return "send", "return"

    def initial(self, config: TrustConfig, item: Item) -> TrustState:
        """Round 1."""
        return self.start(TrustState(config))

    def movers(self, state: TrustState) -> tuple[str, ...]:
        """Nobody returns a part of nothing."""
        return () if state.acts[0] == (0.0,) else super().movers(state)

    def choices(self, state: TrustState, seat: str) -> Menu:
        """Any amount in whole cents."""
        if seat == "investor":
            return _amounts(Send, state.config.endowments[0] * 100)
        return _amounts(Return, round(state.acts[0][0]) * state.config.multiplier)

    def gains(self, state: TrustState) -> tuple[float, ...]:
        """Endowments, less what each parted with, plus what each received."""
        sent, back = state.acts[0][0], sum(state.acts[1])
        config = state.config
        first, second = (100 * endowment for endowment in config.endowments)
        return (first - sent + back) / 100, (second + config.multiplier * sent - back) / 100

    def reply(self, state: TrustState, seat: str, past: PastRound) -> float | None:
        """For the trustee, to keep all; of a void round for want of an investor's answer, nothing."""
        if seat == "investor":
            return None
        config = state.config
        return config.endowments[1] + config.multiplier * past.acts[0][0] / 100 if past.acts[0] else 0.0

    def measures(self, state: TrustState) -> Mapping[str, float | None]:
        """What was sent, and what came back of it."""
        sent = [past.acts[0][0] for past in state.history if past.acts[0]]
        answered = [(past.acts[0][0], past.acts[1][0]) for past in state.history if past.acts[1]]
        trusted, back = (sum(column) for column in zip(*answered, strict=True)) if answered else (0.0, 0.0)
        return {
            "sent_share": _mean([amount / (state.config.endowments[0] * 100) for amount in sent]),
            "returned_share": back / (state.config.multiplier * trusted) if trusted else None,
            "repaid": back / trusted if trusted else None,
        }

    def by_seat(self, state: TrustState) -> Mapping[str, Mapping[str, float | None]]:
        """What the investor sent, and what the trustee returned."""
        found = self.measures(state)
        return {
            "investor": {"sent_share": found["sent_share"]},
            "trustee": {name: found[name] for name in ("returned_share", "repaid")},
        }

    def observe(self, state: TrustState, seat: str) -> TrustObservation:
        """The amounts at stake, and all that was done and said."""
        config = state.config
        return TrustObservation(**self.seen(state, seat), endowments=config.endowments, multiplier=config.multiplier)

    def rules(self, seen: TrustObservation) -> str:
        """Who decides what, and what it pays."""
        first, second = seen.endowments
        return (
            f"You are the {seen.role}. The investor has {first} dollars, the trustee {second}. The investor sends the "
            f"trustee an amount from 0 to {first} dollars, with at most two decimals, and keeps the rest. The trustee "
            f"receives {seen.multiplier} times what was sent, and returns any part of what it received to the "
            "investor. Both keep what they then have.\n" + VOID + again(seen)
        )

    def now(self, seen: TrustObservation) -> str:
        """What to send, or to return."""
        if seen.stage == "send":
            return "Decide how much you send (send)."
        sent = seen.acts[0][0]
        return (
            f"The investor sent {sent:.2f}, so you received {sent * seen.multiplier:.2f} dollars. "
            "Decide how much of that you return (return)."
        )

    def done(self, seen: TrustObservation, past: PastRound) -> str | None:
        """What was sent and returned."""
        if not past.acts[0] or (past.acts[0][0] and not past.acts[1]):
            return None
        sent, back = past.acts[0][0], sum(past.acts[1])
        return (
            f"the investor sent {sent:.2f}, the trustee received {sent * seen.multiplier:.2f} and returned {back:.2f}"
        )

    def appraise(self, state: TrustState, seat: str, move: Move) -> Appraisal:
        """What the player has in this round: the investor if nothing is returned, which is a myopic measure."""
        first, second = (100 * endowment for endowment in state.config.endowments)
        if isinstance(move, Send):
            return _appraised("send", first - cents(move.amount), cents(move.amount), first, state.round)
        if isinstance(move, Return):
            received = round(state.acts[0][0]) * state.config.multiplier
            kept = second + received - cents(move.amount)
            return _appraised("return", kept, cents(move.amount), received, state.round)
        return super().appraise(state, seat, move)

    def reference(self, state: TrustState, seat: str) -> Move:
        """Half of the endowment, and half of what was received: both stages of a hypothetical game are asked."""
        if self.stage(state) == "send":
            return Send(amount=state.config.endowments[0] / 2)
        if self.stage(state) == "return":
            return Return(amount=round(state.acts[0][0]) * state.config.multiplier // 2 / 100)
        return super().reference(state, seat)

    def benchmarks(
        self, config: TrustConfig, item: Item, counterparts: Mapping[str, Policy]
    ) -> Mapping[str, Benchmark]:
        """Anchors for both payoffs: see `sandbox_env_games.sharing_theory`."""
        from sandbox_env_games.sharing_theory import trust  # as above

        return trust(self, config, item, counterparts)


@lru_cache(maxsize=256)
def _amounts(kind: type[Offer | Give | Send | Return], most: int) -> Menu:
    """Any amount from 0 to `most` cents, represented by eleven: 0, 10, ... 100 %, rounded down to whole cents."""
    return (
        MoveRange(
            kind,
            bounds={"amount": (0, most / 100)},
            representatives=tuple(kind(amount=most * tenth // 10 / 100) for tenth in range(11)),
        ),
    )


def _appraised(act: str, own: float, other: float, whole: float, number: int) -> Appraisal:
    """Of an act that parts with `other` cents of `whole` and leaves the player with `own`."""
    return Appraisal(
        utility=own / 100, content=f"{act} {other / 100:.2f}", features={"shared": other / whole, "round": number}
    )


def again(seen: RoundsObservation) -> str:
    """What else there is to know where there are, or can be, several rounds."""
    return "" if seen.rounds == 1 else "\nEvery round begins with the same money again, and all keep their roles."


def _mean(found: list[float]) -> float | None:
    return sum(found) / len(found) if found else None
