"""A small game of the shape of what other harnesses are measured on: two seats, an offer with a message, a rejection.

State, actions, observation and text are those of a bargaining game without its rules: what is measured is what any
small scenario pays for being stepped, recorded and stored.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field

from sandbox.agent import Turn
from sandbox.menu import Menu, Move, MoveRange
from sandbox.scenario import Frozen, Scenario

MONEY = 10000


class Offer(Move):
    """Propose a division: you keep `mine`."""

    kind: Literal["offer"] = "offer"
    mine: Annotated[int, Field(ge=0, le=MONEY)]
    message: Annotated[str, Field(max_length=2000)] = ""


class Accept(Move):
    """Take the offer."""

    kind: Literal["accept"] = "accept"


class Reject(Move):
    """Turn the offer down."""

    kind: Literal["reject"] = "reject"
    message: Annotated[str, Field(max_length=2000)] = ""


class Config(Frozen):
    """`rounds`: offers until it ends with nothing."""

    rounds: int = 12


@dataclass(frozen=True, slots=True)
class State:
    """Where it stands."""

    rounds: int
    round: int = 1
    offer: int | None = None
    deal: bool = False
    message: str = ""


class Observation(Frozen):
    """What both seats see."""

    round: int
    offer: int | None
    money: int
    message: str
    delta: float


OFFER = (MoveRange(Offer, bounds={"mine": (0, MONEY)}, representatives=(Offer(mine=0), Offer(mine=MONEY // 2))),)
ANSWER = (Accept(), MoveRange(Reject, representatives=(Reject(),)))


class Haggling(Scenario[Config, State]):
    """Alice offers in odd rounds, bob in even ones; the other accepts or rejects."""

    id: ClassVar[str] = "benchmark/Haggling-v0"
    Config = Config
    State = State
    Action: ClassVar[Any] = Annotated[Offer | Accept | Reject, Field(discriminator="kind")]
    Observation = Observation

    def seats(self, config: Config) -> tuple[str, ...]:
        """Two."""
        return ("alice", "bob")

    def initial(self, config: Config, item: Any) -> State:
        """Nothing on the table."""
        return State(config.rounds)

    def to_move(self, state: State) -> tuple[str, ...]:
        """The proposer, or the other."""
        if state.deal or state.round > state.rounds:
            return ()
        return ("alice",) if (state.round % 2 == 1) == (state.offer is None) else ("bob",)

    def menu(self, state: State, seat: str) -> Menu:
        """An offer, or an answer to one."""
        return OFFER if state.offer is None else ANSWER

    def apply(self, state: State, moves: Mapping[str, Move]) -> State:
        """The table after a move."""
        (move,) = moves.values()
        if isinstance(move, Offer):
            return replace(state, offer=move.mine, message=move.message)
        if isinstance(move, Accept):
            return replace(state, deal=True)
        return replace(state, round=state.round + 1, offer=None, message=getattr(move, "message", ""))

    def observe(self, state: State, seat: str) -> Observation:
        """All of it."""
        return Observation(round=state.round, offer=state.offer, money=MONEY, message=state.message, delta=0.9)

    def render(self, observation: Any) -> str:
        """The same as a sentence."""
        return (
            f"Round {observation.round}. Money {observation.money}. Offer on the table: {observation.offer}. "
            f"Last message: {observation.message}"
        )


def haggle(turn: Turn) -> dict[str, Any]:
    """Offer a little more than half; reject whatever is offered. The same words in every episode."""
    if turn.index % 2 == 0:
        message = "I propose that we split it fairly this time."
        return {"kind": "offer", "mine": 5000 + turn.index, "message": message}
    return {"kind": "reject", "message": "no"}


def ramble(turn: Turn) -> dict[str, Any]:
    """The same, in other words and figures in every episode: nothing worked out for one episode serves another."""
    if turn.index % 2 == 0:
        message = f"I propose that we split it fairly, as in {turn.episode[:16]}."
        return {"kind": "offer", "mine": int(turn.episode[:3], 16) + turn.index, "message": message}
    return {"kind": "reject", "message": f"no, {turn.episode[:8]}"}


def bargain(turn: Turn) -> dict[str, Any]:
    """As `haggle`, in the actions of `games/Bargaining-v0`."""
    if turn.index % 2 == 0:
        message = "I propose that we split it fairly this time."
        return {"kind": "offer", "alice_gain": 50 + turn.index, "message": message}
    return {"kind": "reject", "message": "no"}


ENVIRONMENTS = {"benchmark/Haggling-v0": Haggling}
AGENTS = {"benchmark/haggle": haggle, "benchmark/ramble": ramble, "benchmark/bargain": bargain}
