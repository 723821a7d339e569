"""The ground of games played in rounds: who moves, what was said, what was paid; a game adds its rules and its words.

To write such a game, subclass `RoundsConfig`, `RoundsState` (narrow the type of `config`), `RoundsObservation` and
`Rounds`. `matrix.py` is the one to copy.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache
from typing import Any, ClassVar, Literal, TypeVar

from pydantic import Field

from sandbox.menu import Menu, Move, MoveRange
from sandbox.recent import Growing
from sandbox.scenario import NATURE, Frozen, Scenario
from sandbox_env_games.money import MESSAGE_LIMIT, Message, saying

TALK = "talk"
"""The stage in which all players say something, before the round's decisions."""
OVER = "over"
WAIT = "wait"


class Say(Move):
    """Say something that all other players will read before the round's decisions."""

    kind: Literal["say"] = "say"
    message: Message = None


class Pass(Move):
    """Nothing is done. Never on a menu: it is what happens when a player gives no legal answer."""

    kind: Literal["pass"] = "pass"


class RoundsConfig(Frozen):
    """What every such game can be set to.

    Attributes:
        rounds: how often the game is played.
        horizon_told: whether the players know that number.
        messages: whether each round begins with a message from every player to all others (cheap talk).
    """

    rounds: int = Field(1, ge=1, le=1000)
    horizon_told: bool = True
    messages: bool = False


class PastRound(Frozen):
    """A round that is over; tuples are in the order of the seats.

    Attributes:
        said: the players' messages; empty where the game has none.
        acts: what each player chose, as the game's numbers, in the order of the stages; empty: no legal answer.
        gains: what each was paid for the round.
    """

    round: int
    said: tuple[str | None, ...] = ()
    acts: tuple[tuple[float, ...], ...] = ()
    gains: tuple[float, ...] = ()


@dataclass(frozen=True)
class RoundsState:
    """Where a game stands; tuples are in the order of the seats.

    Attributes:
        config: the game's parameters; subclasses narrow the type.
        round: from 1; `config.rounds` + 1 when all are over.
        stage: index into the stages of the round.
        said, acts: of the current round, as far as its stages are over.
        totals: payoffs of all rounds that are over.
    """

    config: Any
    round: int = 1
    stage: int = 0
    said: tuple[str | None, ...] = ()
    acts: tuple[tuple[float, ...], ...] = ()
    totals: tuple[float, ...] = ()
    history: tuple[PastRound, ...] = ()


class RoundsObservation(Frozen):
    """What every player sees; games add fields of their own.

    Attributes:
        role: the seat.
        players: all seats; `said`, `acts` and the tuples of `history` are in this order.
        stage: what the seat has to do now (`talk`, or a stage of the game's own), `wait`, or `over`.
        round: the current one, from 1; the last one when the game is over.
        rounds: how many there are; None where that is not told.
        total: the seat's payoff so far.
        said, acts: of the current round, as far as its stages are over.
        history: the rounds that are over.
    """

    role: str
    players: tuple[str, ...]
    stage: str
    round: int
    rounds: int | None
    total: float
    messages: bool
    said: tuple[str | None, ...]
    acts: tuple[tuple[float, ...], ...]
    history: tuple[PastRound, ...]


ConfigT = TypeVar("ConfigT", bound=RoundsConfig)
StateT = TypeVar("StateT", bound=RoundsState)


class Rounds(Scenario[ConfigT, StateT]):
    """A game of one or more rounds, each of one or more stages, in which the players of a stage move at once."""

    saying: ClassVar[tuple[MoveRange, ...]] = (MoveRange(Say, representatives=(Say(),)),)

    # -- what a game adds ----------------------------------------------------------------------------------------

    @abstractmethod
    def choices(self, state: StateT, seat: str) -> Menu:
        """The seat's legal moves in a stage of the game's own."""

    @abstractmethod
    def numbers(self, state: StateT, seat: str, move: Move) -> tuple[float, ...]:
        """A legal move, as the numbers that stand for it in `acts`."""

    @abstractmethod
    def gains(self, state: StateT) -> tuple[float, ...]:
        """What the round pays, by seat: a function of `state.acts`, in which nobody's act is missing (see `void`)."""

    @abstractmethod
    def rules(self, seen: Any) -> str:
        """The rules as the seat is told them, in the same words in every round."""

    @abstractmethod
    def now(self, seen: Any) -> str:
        """What the seat has to do now, in a stage of the game's own."""

    @abstractmethod
    def told(self, seen: Any, past: PastRound) -> str:
        """A round that is over, as one line without its number and without messages."""

    def stages(self, config: ConfigT) -> tuple[str, ...]:
        """The stages of a round, without talk."""
        return ("act",)

    def movers(self, state: StateT) -> tuple[str, ...]:
        """Who moves in the current stage (not talk); nobody: the stage is skipped."""
        return self.seats(state.config)

    def chance(self, state: StateT) -> bool:
        """Whether the current stage is nature's; then `draw`, `sample` and `drawn` must be defined."""
        return False

    def drawn(self, state: StateT, move: Move) -> StateT:
        """The state after nature's move, in the same stage."""
        raise NotImplementedError(f"{self.id} has a stage of nature's, so it must define drawn(state, move)")

    def void(self, state: StateT) -> tuple[float, ...] | None:
        """What a round pays in which somebody's act is missing, and which ends with that: nothing to anybody.

        None: it goes on for the others; `gains` is then asked in the end, and `acts` are empty of who gave no answer.
        """
        return (0.0,) * len(self.seats(state.config))

    def viewed(self, state: StateT, own: int) -> Callable[[PastRound], PastRound] | None:
        """How player number `own` (from 0) sees a round that is over; None: as it was.

        A round is asked about once: what it is seen as follows from the round itself, the config and the player.
        """
        return None

    def between(self, before: StateT, after: StateT) -> StateT:
        """What changes from round to round: `before` has the round's acts, `after` is the beginning of the next."""
        return after

    def ends(self, state: StateT) -> bool:
        """Whether the game ends before its last round; asked at the beginning of a round."""
        return False

    def reply(self, state: StateT, seat: str, past: PastRound) -> float | None:
        """The most that the seat could have gained in a past round, the others' acts as they were; None: not known.

        Defined where a round pays by its own acts alone; then `hindsight` is the sum over rounds.
        """
        return None

    def measures(self, state: StateT) -> Mapping[str, float | None]:
        """What scorers read of the game as a whole."""
        return {}

    def by_seat(self, state: StateT) -> Mapping[str, Mapping[str, float | None]]:
        """What scorers read of each seat."""
        return {}

    # -- what follows --------------------------------------------------------------------------------------------

    def start(self, state: StateT) -> StateT:
        """A state with nobody's acts yet and nothing paid: what `initial` returns."""
        count = len(self.seats(state.config))
        return self._skipped(replace(state, acts=((),) * count, totals=(0.0,) * count))

    def stage(self, state: StateT) -> str:
        """The current stage's name."""
        names = self.stages(state.config)
        if state.config.messages:
            return TALK if state.stage == 0 else names[state.stage - 1]
        return names[state.stage]

    def over(self, state: StateT) -> bool:
        """Whether nobody moves any more."""
        return state.round > state.config.rounds or (state.stage == 0 and self.ends(state))

    def to_move(self, state: StateT) -> tuple[str, ...]:
        """The movers of the current stage."""
        last, found = self._moving
        if last is not state:  # it is asked several times in each state
            found = self._movers(state)
            self._moving = state, found
        return found

    _moving: tuple[Any, tuple[str, ...]] = None, ()

    def _movers(self, state: StateT) -> tuple[str, ...]:
        if self.over(state):
            return ()
        if self.stage(state) == TALK:
            return self.seats(state.config)
        return (NATURE,) if self.chance(state) else self.movers(state)

    def menu(self, state: StateT, seat: str) -> Menu:
        """A message in the talk, the game's choices else."""
        if seat not in self.to_move(state):
            return ()
        return self.saying if self.stage(state) == TALK else self.choices(state, seat)

    def apply(self, state: StateT, moves: Mapping[str, Move]) -> StateT:
        """The state after a stage."""
        if NATURE in moves:
            return self._skipped(changed(self.drawn(state, moves[NATURE]), stage=state.stage + 1))
        seats = self.seats(state.config)
        if self.stage(state) == TALK:
            found = (moves[seat] for seat in seats)
            said = tuple(move.message if isinstance(move, Say) else None for move in found)
            return self._skipped(changed(state, said=said, stage=state.stage + 1))
        acts = tuple(
            done + self.numbers(state, seat, moves[seat])
            if seat in moves and type(moves[seat]) is not Pass  # `isinstance` of a pydantic model is slow to say no
            else done
            for seat, done in zip(seats, state.acts, strict=True)
        )
        after = changed(state, acts=acts, stage=state.stage + 1)
        missing = any(type(move) is Pass for move in moves.values())
        gains = self.void(after) if missing else None
        return self._skipped(after) if gains is None else self._close(after, gains)

    def _skipped(self, state: StateT) -> StateT:
        """The state at the next stage in which somebody moves; the round is closed after the last one."""
        count = len(self.stages(state.config)) + state.config.messages
        while state.stage < count:
            if self.over(state) or self.to_move(state):
                return state
            state = changed(state, stage=state.stage + 1)
        return self._close(state, self.gains(state))

    def _close(self, state: StateT, gains: tuple[float, ...]) -> StateT:
        past = PastRound(round=state.round, said=state.said, acts=state.acts, gains=gains)
        after = changed(
            state,
            round=state.round + 1,
            stage=0,
            said=(),
            acts=((),) * len(gains),
            totals=tuple(total + gain for total, gain in zip(state.totals, gains, strict=True)),
            history=(*state.history, past),
        )
        return self._skipped(self.between(state, after))

    def forfeit(self, state: StateT, seat: str) -> Move:
        """Silence in the talk; else the player does nothing, and the round is void."""
        return Say() if self.stage(state) == TALK else Pass()

    def payoffs(self, state: StateT) -> Mapping[str, float]:
        """Of all rounds that are over."""
        return dict(zip(self.seats(state.config), state.totals, strict=True))

    def facts(self, state: StateT) -> Mapping[str, Any]:
        """Payoffs, what the game measures, and for each seat what it could have had against the others' own moves."""
        by_seat = {seat: dict(self.by_seat(state).get(seat, {})) for seat in self.seats(state.config)}
        for seat, found in by_seat.items():
            best = [self.reply(state, seat, past) for past in state.history]
            known = [gain for gain in best if gain is not None]
            found["hindsight"] = sum(known) if best and len(known) == len(best) else None
        return {"payoffs": dict(self.payoffs(state)), "measures": dict(self.measures(state)), "by_seat": by_seat}

    def seen(self, state: StateT, seat: str) -> dict[str, Any]:
        """The fields of `RoundsObservation`."""
        config, seats = state.config, self.seats(state.config)
        own, history = seats.index(seat), state.history
        view = self.viewed(state, own)
        if view is not None:
            history = self._views.fold((config, own), history, (), lambda done, past: (*done, view(past)))
        moving = self.to_move(state)
        over = not moving
        stage = OVER if over else self.stage(state) if seat in moving else WAIT
        return {
            "role": seat,
            "players": seats,
            "stage": stage,
            "round": len(state.history) if over else state.round,
            "rounds": config.rounds if config.horizon_told else None,
            "total": state.totals[own],
            "messages": config.messages,
            "said": state.said,
            "acts": state.acts,
            "history": history,
        }

    @cached_property
    def _views(self) -> Growing[tuple[PastRound, ...]]:
        """Rounds as players see them: in a long game they see all of them again at every step."""
        return Growing(20_000)

    def conceal(self, state: StateT, seat: str) -> StateT:
        """Another number of rounds, where that is not told."""
        if state.config.horizon_told or self.over(state):
            return state
        return replace(state, config=state.config.model_copy(update={"rounds": state.config.rounds + 1}))

    def render(self, observation: Any) -> str:
        """Rules, what happened so far, and the decision to make."""
        seen: RoundsObservation = observation
        return "\n\n".join([self._general(seen), *self._past(seen), *self._talk(seen), self._now(seen)])

    def _general(self, seen: RoundsObservation) -> str:
        lines = [self.rules(seen)]
        if seen.rounds is None:
            lines.append("The game is played one or more times; you are not told how often.")
        elif seen.rounds > 1:
            lines.append(f"The game is played {seen.rounds} times; your payoff is the sum.")
        if seen.messages:
            lines.append(
                f"Each round begins with a message of up to {MESSAGE_LIMIT} characters from each player to all others, "
                "sent at the same time. What is said binds nobody."
            )
        return "\n".join(lines)

    def _past(self, seen: RoundsObservation) -> list[str]:
        text = self._pasts.fold(seen.role, seen.history, "", lambda told, past: told + self._line(seen, past))
        return [f"So far:{text}"] if text else []

    def _line(self, seen: RoundsObservation, past: PastRound) -> str:
        lines = [*self._said(seen, past.said), self.told(seen, past)]
        return "".join(f"\nRound {past.round}: {line}" for line in lines)

    @cached_property
    def _pasts(self) -> Growing[str]:
        """What was told of past rounds, by role: a long game tells all of them again at every step."""
        return Growing(20_000)

    def _talk(self, seen: RoundsObservation) -> list[str]:
        lines = [f"Round {seen.round}: {line}" for line in self._said(seen, seen.said)]
        return ["\n".join(lines)] if lines else []

    def _said(self, seen: RoundsObservation, said: Sequence[str | None]) -> list[str]:
        return [
            f"{called(player, seen.role)} sent a message{saying(message)}."
            for player, message in zip(seen.players, said, strict=False)
            if message
        ]

    def _now(self, seen: RoundsObservation) -> str:
        if seen.stage == OVER:
            return f"The game is over. Your payoff is {seen.total:.10g}."
        number = f"Now: round {seen.round}" + ("" if seen.rounds is None else f" of {seen.rounds}")
        head = f"{number}. Your payoff so far is {seen.total:.10g}." if seen.history else f"{number}."
        if seen.stage == WAIT:
            return f"{head} Others are to move."
        if seen.stage == TALK:
            return f"{head} You can send a message to all other players (message), or leave it out."
        return f"{head} {self.now(seen)}"


def changed(state: StateT, **fields: Any) -> StateT:
    """`dataclasses.replace`, which is eight times as long in setting field by field what a frozen state holds."""
    made = object.__new__(type(state))
    made.__dict__.update(state.__dict__, **fields)
    return made


@lru_cache(maxsize=1024)
def called(seat: str, role: str) -> str:
    """A seat in a sentence: `You` for the reader's own, else its name (`player_2`: Player 2)."""
    return "You" if seat == role else seat.replace("_", " ").capitalize()


@lru_cache(maxsize=64)
def players(count: int) -> tuple[str, ...]:
    """The seats of a game of `count` equal players: `player_1`, `player_2`..."""
    return tuple(f"player_{number}" for number in range(1, count + 1))
