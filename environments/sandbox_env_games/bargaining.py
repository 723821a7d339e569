"""Bargaining by alternating offers: two seats divide a sum that is worth less to each with every round that passes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import lru_cache, partial
from operator import eq, not_
from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field

from sandbox.menu import Menu, Move, MoveRange, kind_of
from sandbox.scenario import Appraisal, Benchmark, Frozen, Item, Policy, Scenario
from sandbox.trace import trusted
from sandbox_env_games.money import MESSAGE_LIMIT, MONEY_LIMIT, Dollars, Message, dollars, saying

Seat = Literal["alice", "bob"]
SEATS: tuple[Seat, Seat] = ("alice", "bob")
OTHER: Mapping[str, Seat] = {"alice": "bob", "bob": "alice"}
Delta = Annotated[float, Field(gt=0, le=1)]


class Offer(Move):
    """Propose a division of the money: Alice gets `alice_gain` dollars, Bob gets all the rest."""

    kind: Literal["offer"] = "offer"
    alice_gain: Annotated[
        Dollars, Field(description="what Alice gets, in dollars with at most two decimals; Bob gets the rest")
    ]
    message: Message = None

    @property
    def cents(self) -> int:
        """What Alice gets, integer cents, exact."""
        return round(self.alice_gain * 100)


class Accept(Move):
    """Accept the offer on the table: the game ends, and both get what it says."""

    kind: Literal["accept"] = "accept"
    message: Message = None


class Reject(Move):
    """Reject the offer on the table: the next round begins, or the game ends with nothing if this was the last."""

    kind: Literal["reject"] = "reject"
    message: Message = None


class Pass(Move):
    """The round goes by without an offer. Never on a menu: it is what happens when a proposer gives no legal answer."""

    kind: Literal["pass"] = "pass"


# The menus' own, for whoever plays by rule: what is one of them need not be read and understood.
ACCEPT, REJECT = Accept(), Reject()


class BargainingConfig(Frozen):
    """A game's parameters.

    Attributes:
        money: M, what there is to divide, in whole dollars.
        deltas: discount factors of alice and bob: what a dollar agreed a round later is worth; 1 means that it keeps.
        rounds: T, the number of offers; after the last rejection both get nothing. None: there is no last round, and
            only an agreement ends the game: give the experiment a limit of steps, which ends such an episode.
        horizon_told: whether the seats know T, or that there is no last round.
        information: `incomplete`: a seat does not know the other's discount factor.
        messages: whether every move can carry a message to the other seat.
        variant: `published` counts as GLEE's released code does, which takes a game without a deal for one in which
            bob got everything in the last round; see `facts`. What is said and done in the game is the same.
    """

    money: int = Field(100, ge=1, le=MONEY_LIMIT)
    deltas: tuple[Delta, Delta] = (0.9, 0.95)
    rounds: int | None = Field(12, ge=1, le=1000)
    horizon_told: bool = True
    information: Literal["complete", "incomplete"] = "complete"
    messages: bool = False
    # Written only where it is set, so that no key or hash of older records changes.
    variant: Literal["right", "published"] = Field("right", exclude_if=partial(eq, "right"))

    @property
    def cents(self) -> int:
        """M in integer cents."""
        return self.money * 100

    def delta(self, seat: str) -> float:
        """The seat's discount factor."""
        return self.deltas[SEATS.index(seat)]


class PastRound(Frozen):
    """A round that is over, as both seats saw it; amounts in dollars, None where no offer was made.

    `message` came with the offer, `reply` with the answer.
    """

    round: int
    proposer: Seat
    alice_gain: float | None
    bob_gain: float | None
    accepted: bool
    message: str | None = None
    reply: str | None = None


@dataclass(frozen=True)
class BargainingState:
    """Where a game stands: `round` runs from 1; `offer` is alice's integer cents on the table, or agreed upon."""

    config: BargainingConfig
    round: int = 1
    offer: int | None = None
    message: str | None = None
    deal: bool = False
    history: tuple[PastRound, ...] = ()

    @property
    def over(self) -> bool:
        """Whether nobody moves any more."""
        rounds = self.config.rounds
        return self.deal or (rounds is not None and self.round > rounds)


class BargainingObservation(Frozen):
    """What a seat knows. Amounts are dollars.

    Attributes:
        role: the seat.
        stage: what the seat has to do now: `propose`, `answer`, `wait`; or how it ended: `deal`, `no_deal`.
        round: the current round, from 1; the last one when the game is over.
        rounds: how many there are; None where that is not told, and where there is no last one.
        unlimited: whether it is told that there is no last round.
        other_discount: None where it is not told.
        alice_gain, bob_gain: the offer on the table or agreed upon; None where there is none.
        message: what came with that offer.
        history: the rounds that are over.
    """

    role: Seat
    stage: Literal["propose", "answer", "wait", "deal", "no_deal"]
    round: int
    rounds: int | None
    money: int
    own_discount: float
    other_discount: float | None
    messages: bool
    alice_gain: float | None
    bob_gain: float | None
    message: str | None
    history: tuple[PastRound, ...]
    unlimited: bool = Field(False, exclude_if=not_)  # as `variant` of the config


def proposer(number: int) -> Seat:
    """Who offers in round `number`: alice in odd ones, bob in even ones."""
    return "alice" if number % 2 else "bob"


class Bargaining(Scenario[BargainingConfig, BargainingState]):
    """Two seats divide a sum by alternating offers with discounting.

    Source: Rubinstein, "Perfect equilibrium in a bargaining model", Econometrica 50 (1982), with Stahl's (1972) finite
    horizon; as a language game, the bargaining family of GLEE (Shapira et al. 2024, arXiv:2410.05254).

    Rules: alice offers in odd rounds, bob in even ones, the other accepts or rejects. Gains sum exactly to `money`.
    Agreed in round t, a gain of x is worth x * delta_i ** (t - 1) to seat i. No agreement within `rounds`: 0 and 0.
    With `rounds` None there is no last round (Rubinstein's own game).

    Action: `Offer(alice_gain)`, `Accept()`, `Reject()`, each with an optional `message` where the config says so.
    Amounts in actions and observations are dollars with two decimals, because that is how people and language models
    write money (and how GLEE's records do); the state holds integer cents, and a fraction of a cent is not legal.
    Forfeit: a proposer's round passes without an offer, a responder rejects; the game goes on.
    Payoff: dollars, discounted, paid when the deal is made. Facts: shares of `money`, as GLEE counts them.

    Example:
        >>> game = Bargaining()
        >>> state = game.initial(BargainingConfig(deltas=(0.8, 0.8)), Item())
        >>> state = game.apply(state, {"alice": Offer(alice_gain=40)})
        >>> state = game.apply(state, {"bob": Reject()})
        >>> state = game.apply(state, {"bob": Offer(alice_gain=50)})
        >>> dict(game.payoffs(game.apply(state, {"alice": Accept()})))
        {'alice': 40.0, 'bob': 40.0}
    """

    id: ClassVar[str] = "games/Bargaining-v0"
    Config = BargainingConfig
    State = BargainingState
    Action: ClassVar[Any] = Annotated[Offer | Accept | Reject | Pass, Field(discriminator="kind")]
    Observation = BargainingObservation

    def seats(self, config: BargainingConfig) -> tuple[str, ...]:
        """Alice, who makes the first offer, and bob."""
        return SEATS

    def endless(self, config: BargainingConfig) -> bool:
        """Without a last round two who agree on nothing never end."""
        return config.rounds is None

    def initial(self, config: BargainingConfig, item: Item) -> BargainingState:
        """Round 1, nothing on the table."""
        return BargainingState(config)

    def to_move(self, state: BargainingState) -> tuple[str, ...]:
        """The round's proposer while there is no offer, then the other."""
        if state.over:
            return ()
        offering = proposer(state.round)
        return (offering,) if state.offer is None else (OTHER[offering],)

    def menu(self, state: BargainingState, seat: str) -> Menu:
        """Any division in whole cents for a proposer, accept or reject for the other."""
        if seat not in self.to_move(state):
            return ()
        if state.offer is None:
            return _offers(state.config.money, state.config.messages)
        return _ANSWERS_WITH_MESSAGE if state.config.messages else _ANSWERS

    def apply(self, state: BargainingState, moves: Mapping[str, Move]) -> BargainingState:
        """The table after one seat's move."""
        (move,) = moves.values()
        if type(move) is Offer:  # `isinstance` of a pydantic model costs a microsecond to say no
            return BargainingState(state.config, state.round, move.cents, move.message, history=state.history)
        reply = move.message if isinstance(move, Accept | Reject) else None
        accepts = type(move) is Accept
        past = trusted(
            PastRound,
            {
                "round": state.round,
                "proposer": proposer(state.round),
                "alice_gain": dollars(state.offer),
                "bob_gain": _rest(state.offer, state.config),
                "accepted": accepts,
                "message": state.message,
                "reply": reply,
            },
        )
        if accepts:
            return replace(state, deal=True, history=(*state.history, past))
        # A rejection, or a forfeit (Pass, Forfeit): the next round begins in any case.
        return BargainingState(state.config, state.round + 1, history=(*state.history, past))

    def observe(self, state: BargainingState, seat: str) -> BargainingObservation:
        """The table, the rules' parameters as far as they are told, and all that was offered and said."""
        config = state.config
        stage: Literal["propose", "answer", "wait", "deal", "no_deal"]
        if state.over:
            stage = "deal" if state.deal else "no_deal"
        elif seat not in self.to_move(state):
            stage = "wait"
        else:
            stage = "propose" if state.offer is None else "answer"
        return trusted(
            BargainingObservation,
            {
                "role": seat,
                "stage": stage,
                "round": state.round if config.rounds is None else min(state.round, config.rounds),
                "rounds": config.rounds if config.horizon_told else None,
                "money": config.money,
                "own_discount": config.delta(seat),
                "other_discount": config.delta(OTHER[seat]) if config.information == "complete" else None,
                "messages": config.messages,
                "alice_gain": dollars(state.offer),
                "bob_gain": _rest(state.offer, config),
                "message": state.message,
                "history": state.history,
                "unlimited": config.horizon_told and config.rounds is None,
            },
        )

    def render(self, observation: BargainingObservation) -> str:
        """Rules, history and the decision to make, in the same words at every step."""
        return "\n\n".join([_rules(observation), *_history(observation), _now(observation)])

    def appraise(self, state: BargainingState, seat: str, move: Move) -> Appraisal:
        """What the seat gets, in discounted dollars, if the other side says yes to the move and the game ends there.

        For an offer that is the seat's own part, for accepting what is on the table, for rejecting 0 (no deal): a
        myopic measure, which needs no belief about the other. What a move is worth against a given counterpart is
        theory's matter.
        """
        config, kind = state.config, kind_of(move)
        cents = state.offer if kind == "accept" else getattr(move, "cents", None)
        own = cents if cents is None or seat == "alice" else config.cents - cents
        return _appraisal(kind, cents, own, config.cents, config.delta(seat), state.round)

    def payoffs(self, state: BargainingState) -> Mapping[str, float]:
        """Discounted dollars, once there is a deal."""
        counted = _counted(state)
        if counted is None:
            return {"alice": 0.0, "bob": 0.0}
        alice, number = counted
        deltas = state.config.deltas
        return {
            "alice": _worth(alice, deltas[0], number),
            "bob": _worth(state.config.cents - alice, deltas[1], number),
        }

    def facts(self, state: BargainingState) -> Mapping[str, Any]:
        """How it stands, with GLEE's measures (arXiv:2410.05254) as shares of `money`.

        `u_alice`, `u_bob`: discounted shares p d1^(t-1) and (1-p) d2^(t-1), in [0, 1]; `efficiency`: their sum;
        `fairness`: 1 - 4 (p - 1/2)^2, in [0, 1]. No deal: 0, 0, 0, and no fairness. `alice_gain`, `bob_gain` are
        undiscounted dollars; `round` is that of the deal; `money_alice`, `money_bob` are discounted dollars.

        Without a deal, the `published` variant has p = 0 and t the last round: bob is credited with d2^(T-1), which is
        the efficiency too, and fairness is 0.
        """
        config, payoffs, counted = state.config, self.payoffs(state), _counted(state)
        facts: dict[str, Any] = {"deal": state.deal, "money": config.money, "u_alice": 0.0, "u_bob": 0.0}
        facts |= {"efficiency": 0.0, "fairness": None, "round": None, "alice_gain": None, "bob_gain": None}
        if counted is not None:
            share, t = counted[0] / config.cents, counted[1]
            u_alice, u_bob = share * config.deltas[0] ** (t - 1), (1 - share) * config.deltas[1] ** (t - 1)
            facts |= {"u_alice": u_alice, "u_bob": u_bob, "efficiency": u_alice + u_bob}
            facts |= {"fairness": 1 - 4 * (share - 0.5) ** 2}
        if state.deal:
            facts |= {"round": state.round, "alice_gain": dollars(state.offer), "bob_gain": _rest(state.offer, config)}
        facts |= {"money_alice": payoffs["alice"], "money_bob": payoffs["bob"], "payoffs": payoffs}
        facts["measures"] = {"efficiency": facts["efficiency"], "fairness": facts["fairness"], "deal": int(state.deal)}
        facts["by_seat"] = {seat: {"hindsight": _hindsight(state, seat, payoffs[seat])} for seat in SEATS}
        return facts

    def forfeit(self, state: BargainingState, seat: str) -> Move:
        """A proposer's round passes without an offer; a responder rejects."""
        return Pass() if state.offer is None else Reject()

    def reference(self, state: BargainingState, seat: str) -> Move:
        """The equal split for a proposer, rejection for a responder: so every round of a hypothetical game is asked."""
        return Offer(alice_gain=state.config.cents // 2 / 100) if state.offer is None else Reject()

    def conceal(self, state: BargainingState, seat: str) -> BargainingState:
        """Another discount factor of the other seat, and another horizon, where those are not told."""
        changes: dict[str, Any] = {}
        if state.config.information == "incomplete":
            changes["deltas"] = tuple(
                delta if name == seat else delta / 2 for name, delta in zip(SEATS, state.config.deltas, strict=True)
            )
        if not state.config.horizon_told and not state.over:
            changes["rounds"] = (state.config.rounds or state.round) + 1
        return replace(state, config=state.config.model_copy(update=changes))

    def benchmarks(
        self, config: BargainingConfig, item: Item, counterparts: Mapping[str, Policy]
    ) -> Mapping[str, Benchmark]:
        """Anchors for both seats' shares: see `sandbox_env_games.bargaining_theory.benchmarks`."""
        from sandbox_env_games import bargaining_theory  # it plays this game, so it imports this module

        return bargaining_theory.benchmarks(config, counterparts)


_ANSWERS: tuple[Move, ...] = (ACCEPT, REJECT)
_ANSWERS_WITH_MESSAGE: Menu = tuple(MoveRange(type(move), representatives=(move,)) for move in _ANSWERS)


@lru_cache(maxsize=64)
def _offers(money: int, messages: bool) -> Menu:
    """Every division, represented by eleven: alice gets 0, 10, ... 100 %; whole cents, since money is whole dollars."""
    return (
        MoveRange(
            Offer,
            bounds={"alice_gain": (0, money)},
            fixed={} if messages else {"message": None},
            representatives=tuple(Offer(alice_gain=money * tenth / 10) for tenth in range(11)),
        ),
    )


def _counted(state: BargainingState) -> tuple[int, int] | None:
    """What is paid: alice's cents and the round; None where nobody gets anything.

    GLEE's released code has no case for a game without a deal. `get_stats_bargaining` (analyze/configs.py) sets
    `stats["alice_gain"], stats["bob_gain"] = 0, 0` there, and `BargainingMetrics.calculate_metrics`
    (analyze/metrics.py) takes alice's 0 for an agreed share: `bob_final_share` is `(1 - p_ev) * player_2_args_delta **
    (rounds_played - 1)`, with `p_ev` 0.
    """
    config = state.config
    if state.deal and state.offer is not None:
        return state.offer, state.round
    if config.variant == "published" and state.over and config.rounds is not None:
        return 0, config.rounds
    return None


def _hindsight(state: BargainingState, seat: str, paid: float) -> float:
    """Discounted dollars: the best that the seat was ever offered, had it accepted; never less than what it got.

    Open loop: all that the other offered is held fixed, and what it would have done after that is not asked.
    """
    config = state.config
    offers = [(past.round, past.alice_gain) for past in state.history if past.proposer != seat]
    if proposer(state.round) != seat and not state.over:
        offers.append((state.round, dollars(state.offer)))  # still on the table
    best = paid
    for number, alice in offers:
        if alice is not None:
            own = round(alice * 100) if seat == "alice" else config.cents - round(alice * 100)
            best = max(best, _worth(own, config.delta(seat), number))
    return best


def _rest(cents: int | None, config: BargainingConfig) -> float | None:
    return None if cents is None else (config.cents - cents) / 100


@lru_cache(maxsize=4096)  # a game has some hundreds, and games that differ in what is told have the same
def _appraisal(kind: str, cents: int | None, own: int | None, money: int, delta: float, number: int) -> Appraisal:
    """Of a move in round `number` that agrees to an offer, in which the seat has `own` cents; None: to none."""
    if cents is None or own is None:
        return Appraisal(utility=0.0, content=kind, features={"round": number})
    return Appraisal(
        utility=_worth(own, delta, number),
        content="accept" if kind == "accept" else f"offer {cents / 100:.2f}",
        features={"own_share": own / money, "round": number},
    )


def _worth(cents: int, delta: float, number: int) -> float:
    """Discounted dollars, agreed in round `number`."""
    return cents / 100 * delta ** (number - 1)


def _name(seat: str) -> str:
    return seat.capitalize()


def _rules(seen: BargainingObservation) -> str:
    me, other = _name(seen.role), _name(OTHER[seen.role])
    if seen.unlimited:
        horizon = "There is no last round: as long as every offer is rejected"
        end = "the game goes on and nobody gets anything."
    else:
        end = "the game ends and both get 0.00 dollars."
        if seen.rounds is None:
            horizon = "The number of rounds is limited, but you are not told the limit; after the last rejection"
        else:
            count = "is 1 round" if seen.rounds == 1 else f"are at most {seen.rounds} rounds"
            horizon = f"There {count}; if the last offer is rejected as well"
    rules = [
        f"You are {me}. You and {other} divide {seen.money:.2f} dollars.",
        "Alice makes an offer in rounds 1, 3, 5 and so on, Bob in rounds 2, 4, 6 and so on. The other player accepts "
        "or rejects it. An offer says what Alice gets; Bob gets all the rest.",
        "If an offer is accepted, the game ends and both get what it says. If it is rejected, the next round begins. "
        f"{horizon}, {end}",
        _discounting("you", seen.own_discount, seen.round),
        f"You are not told what waiting costs {other}, nor is {other} told what it costs you."
        if seen.other_discount is None
        else _discounting(other, seen.other_discount, seen.round),
        f"All amounts are in dollars with at most two decimals, such as {seen.money * 0.3725:.2f}.",
    ]
    if seen.messages:
        rules.append(f"With every offer or answer you can send {other} a message of up to {MESSAGE_LIMIT} characters.")
    return "\n".join(rules)


def _discounting(whom: str, delta: float, number: int) -> str:
    if delta == 1:
        return f"Waiting costs {whom} nothing: a dollar is worth 1 dollar to {whom} in whatever round it is agreed."
    return (
        f"Waiting costs {whom} money: a dollar agreed in round 1 is worth 1 dollar to {whom}, in round 2 {delta:g}, "
        f"in round 3 {delta**2:.4g}, and so on: each round {delta:g} times as much. "
        f"In the current round, {number}, it is worth {delta ** (number - 1):.4g}."
    )


def _history(seen: BargainingObservation) -> list[str]:
    lines = []
    for past in seen.history:
        offering, answering = _name(past.proposer), _name(OTHER[past.proposer])
        if past.alice_gain is None or past.bob_gain is None:
            lines.append(f"Round {past.round}: {offering} made no offer.")
            continue
        answer = "accepted" if past.accepted else "rejected"
        lines.append(
            f"Round {past.round}: {offering} offered {_split(past.alice_gain, past.bob_gain)}{saying(past.message)}. "
            f"{answering} {answer}{saying(past.reply)}."
        )
    return ["So far:\n" + "\n".join(lines)] if lines else []


def _split(alice: float, bob: float) -> str:
    return f"{alice:.2f} for Alice and {bob:.2f} for Bob"


def _now(seen: BargainingObservation) -> str:
    other = _name(OTHER[seen.role])
    if seen.stage == "no_deal":
        return "The game is over without a deal. You get 0.00 dollars."
    table = "" if seen.alice_gain is None or seen.bob_gain is None else _split(seen.alice_gain, seen.bob_gain)
    if seen.stage == "deal":
        return f"The game is over with a deal in round {seen.round}: {table}."
    now = f"Now: round {seen.round}" + ("" if seen.rounds is None else f" of {seen.rounds}")
    if seen.stage == "wait":
        return f"{now}. It is {other}'s turn."
    if seen.stage == "propose":
        rest = "you get" if seen.role == "bob" else "Bob gets"
        return (
            f"{now}. It is your turn to offer. Say how many dollars Alice gets (alice_gain), from 0 to {seen.money}; "
            f"{rest} the rest of the {seen.money}."
        )
    own = seen.alice_gain if seen.role == "alice" else seen.bob_gain
    assert own is not None
    return (
        f"{now}. {other} offers {table}{saying(seen.message)}. It is your turn to accept or reject. "
        f"If you accept, you get {own:.2f} dollars, worth {own * seen.own_discount ** (seen.round - 1):.2f} to you "
        "after discounting."
    )
