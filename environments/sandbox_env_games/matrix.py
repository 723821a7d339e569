"""Matrix games: two players choose at once, and a table says what each is paid; once or many times over."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Annotated, Any, ClassVar, Literal, NamedTuple, Self

from pydantic import Field, model_validator

from sandbox.menu import Menu, Move
from sandbox.scenario import Appraisal, Benchmark, Frozen, Item, Policy
from sandbox.trace import trusted
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

SEATS = players(2)
OTHER = {SEATS[0]: SEATS[1], SEATS[1]: SEATS[0]}
MOST_ACTIONS = 10

ActionName = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,39}$")]
Names = tuple[tuple[ActionName, ...], tuple[ActionName, ...]]
"""The actions of player 1 and of player 2."""
Payoff = Annotated[float, Field(ge=-1e6, le=1e6)]
Payoffs = tuple[tuple[tuple[Payoff, Payoff], ...], ...]
"""`payoffs[i][j]`: what players 1 and 2 get when 1 takes its action i and 2 its action j."""


class Table(NamedTuple):
    """A bimatrix game; `cooperative` is the action (of either player) that counts as cooperation, if any does."""

    actions: Names
    payoffs: Payoffs
    cooperative: str | None

    @property
    def symmetric(self) -> bool:
        """Whether it is the same game for both players."""
        (ours, theirs), payoffs = self.actions, self.payoffs
        places = range(len(ours))
        return ours == theirs and all(payoffs[i][j] == payoffs[j][i][::-1] for i in places for j in places)


def _symmetric(first: str, second: str, mutual: float, sucker: float, tempted: float, punished: float) -> Table:
    payoffs = (((mutual, mutual), (sucker, tempted)), ((tempted, sucker), (punished, punished)))
    return Table(((first, second), (first, second)), payoffs, first)


TABLES: Mapping[str, Table] = {
    # Axelrod, The Evolution of Cooperation (1984): R 3, S 0, T 5, P 1.
    "prisoners_dilemma": _symmetric("cooperate", "defect", 3, 0, 5, 1),
    # Skyrms, The Stag Hunt (2001): a hare is worth 3 whatever the other does, half a stag 4, nothing is caught alone.
    "stag_hunt": _symmetric("stag", "hare", 4, 0, 3, 3),
    # Aumann, "Correlated equilibrium as an expression of Bayesian rationality", Econometrica 55 (1987).
    "chicken": _symmetric("swerve", "straight", 6, 2, 7, 0),
    # Osborne & Rubinstein, A Course in Game Theory (1994), example 15.3; player 1 prefers Bach.
    "battle_of_the_sexes": Table(
        (("bach", "stravinsky"), ("bach", "stravinsky")), (((2, 1), (0, 0)), ((0, 0), (1, 2))), None
    ),
}


class Shown(Frozen):
    """A table as its players see it.

    Attributes:
        actions: of player 1 and of player 2.
        payoffs: `payoffs[i][j]` is what players 1 and 2 get for actions i and j.
    """

    actions: tuple[tuple[str, ...], tuple[str, ...]]
    payoffs: tuple[tuple[tuple[float, float], ...], ...]


class Choose(Move):
    """Choose one of your actions, by its name."""

    kind: Literal["choose"] = "choose"
    action: Annotated[str, Field(max_length=40)]


class MatrixConfig(RoundsConfig):
    """A game's table, and how it is played.

    Attributes:
        game: which of the known ones, or `custom`.
        actions: of player 1 and of player 2, one to ten each, in lower case; for `custom` only.
        payoffs: `payoffs[i][j]` is what players 1 and 2 get for actions i and j; for `custom` only. In a custom game
            an action called `cooperate` counts as cooperation, where both players have it; it is the first of both, as
            scripted strategies take it to be.
        labels: `neutral`: the actions are shown as `a`, `b`..., since language models know the classic games by name.
    """

    game: Literal["prisoners_dilemma", "stag_hunt", "chicken", "battle_of_the_sexes", "custom"] = "prisoners_dilemma"
    actions: Names | None = None
    payoffs: Payoffs | None = None
    labels: Literal["named", "neutral"] = "named"

    @model_validator(mode="after")
    def _whole(self) -> Self:
        if self.game != "custom":
            if self.actions is not None or self.payoffs is not None:
                raise ValueError(f"{self.game} has actions and payoffs of its own: leave them out, or set game: custom")
            return self
        if self.actions is None or self.payoffs is None:
            raise ValueError("a custom game needs actions (of player 1, of player 2) and payoffs (rows x columns x 2)")
        rows, columns = map(len, self.actions)
        if not (1 <= rows <= MOST_ACTIONS and 1 <= columns <= MOST_ACTIONS):
            raise ValueError(f"actions: expected 1 to {MOST_ACTIONS} for each player, not {rows} and {columns}")
        if any(len(set(names)) != len(names) for names in self.actions):
            raise ValueError("actions: a player has two of the same name")
        known = all("cooperate" in names for names in self.actions)
        if known and any(names[0] != "cooperate" for names in self.actions):
            raise ValueError("actions: put cooperate first for both players, which scripted strategies take it to be")
        if len(self.payoffs) != rows or any(len(row) != columns for row in self.payoffs):
            raise ValueError(f"payoffs: expected {rows} rows of {columns} pairs, as many as there are actions")
        return self

    @cached_property
    def table(self) -> Table:
        """Actions under their own names, and payoffs."""
        if self.game != "custom":
            return TABLES[self.game]
        assert self.actions is not None
        assert self.payoffs is not None
        both = all("cooperate" in names for names in self.actions)
        return Table(self.actions, self.payoffs, "cooperate" if both else None)

    @cached_property
    def shown(self) -> Shown:
        """The same as the players see it; one object for all equal tables."""
        return _shown(self.table.actions, self.table.payoffs, self.labels)


@dataclass(frozen=True)
class MatrixState(RoundsState):
    """`acts` holds indices of actions."""

    config: MatrixConfig


class MatrixObservation(RoundsObservation):
    """What both players see.

    Attributes:
        table: actions and payoffs; `acts` holds indices into its `actions`.
    """

    table: Shown


class Matrix(Rounds[MatrixConfig, MatrixState]):
    """Two players choose an action each, at once, and are paid by a table; `player_1` is the table's row player.

    Sources: Luce & Raiffa, Games and Decisions (1957); Axelrod, The Evolution of Cooperation (1984); those of the
    tables are with `TABLES`.

    Action: `Choose(action)`, and `Say(message)` before each round where the config has messages.
    Forfeit: who gives no legal answer makes the round void: it pays nobody, and counts as one of the rounds.
    Payoff: the sum over rounds, not discounted.
    Facts: `cooperation` is the share of cooperative actions among those chosen (both players' together, and each
    one's), `mutual_cooperation` the share of rounds in which both cooperated among those in which both chose; None
    where no action counts as cooperation, or none was chosen. `void_rounds` is the share of void ones.
    `chose_NAME` is the share of an action among a player's. `symmetric`: whether the table is the same for both.

    Example:
        >>> game = Matrix()
        >>> state = game.initial(MatrixConfig(rounds=2), Item())
        >>> state = game.apply(state, {"player_1": Choose(action="cooperate"), "player_2": Choose(action="defect")})
        >>> state = game.apply(state, {"player_1": Choose(action="defect"), "player_2": Choose(action="defect")})
        >>> dict(game.payoffs(state))
        {'player_1': 1.0, 'player_2': 6.0}
    """

    id: ClassVar[str] = "games/Matrix-v0"
    Config = MatrixConfig
    State = MatrixState
    Action: ClassVar[Any] = Annotated[Choose | Say | Pass, Field(discriminator="kind")]
    Observation = MatrixObservation

    def seats(self, config: MatrixConfig) -> tuple[str, ...]:
        """The row player and the column player."""
        return SEATS

    def initial(self, config: MatrixConfig, item: Item) -> MatrixState:
        """Round 1."""
        return self.start(MatrixState(config))

    def choices(self, state: MatrixState, seat: str) -> Menu:
        """The player's actions, in the table's order."""
        return _menu(state.config.shown.actions[seat == SEATS[1]])

    def numbers(self, state: MatrixState, seat: str, move: Move) -> tuple[float, ...]:
        """The action's index."""
        assert isinstance(move, Choose)
        return (float(state.config.shown.actions[seat == SEATS[1]].index(move.action)),)

    def gains(self, state: MatrixState) -> tuple[float, ...]:
        """The cell of the table."""
        (first,), (second,) = state.acts
        one, other = state.config.table.payoffs[int(first)][int(second)]
        return float(one), float(other)

    def reply(self, state: MatrixState, seat: str, past: PastRound) -> float | None:
        """The best cell of those that the other's act left open; 0 where the other gave none."""
        own = SEATS.index(seat)
        theirs = past.acts[1 - own]
        return float(max(_open(state.config.table.payoffs, own, int(theirs[0])))) if theirs else 0.0

    def measures(self, state: MatrixState) -> Mapping[str, float | None]:
        """Cooperation of both together, and how many rounds were void."""
        done = _cooperated(state)
        both = [one[0] and other[0] for one, other in zip(*done, strict=True) if one and other]
        void = [not all(past.acts) for past in state.history]
        return {
            "cooperation": _share([act for acts in done for acted in acts for act in acted]),
            "mutual_cooperation": _share(both),
            "void_rounds": _share(void),
        }

    def facts(self, state: MatrixState) -> Mapping[str, Any]:
        """Whether the game is the same for both players, too: then what they get may be averaged over seats."""
        return {**super().facts(state), "symmetric": state.config.table.symmetric}

    def by_seat(self, state: MatrixState) -> Mapping[str, Mapping[str, float | None]]:
        """How often each player took each action, and cooperated."""
        done = _cooperated(state)
        found: dict[str, dict[str, float | None]] = {}
        for own, seat in enumerate(SEATS):
            acts = [past.acts[own][0] for past in state.history if past.acts[own]]
            names = state.config.table.actions[own]
            found[seat] = {f"chose_{name}": _share([act == index for act in acts]) for index, name in enumerate(names)}
            found[seat]["cooperation"] = _share([act for acted in done[own] for act in acted])
        return found

    def observe(self, state: MatrixState, seat: str) -> MatrixObservation:
        """The table and all that was done and said."""
        return trusted(MatrixObservation, {**self.seen(state, seat), "table": state.config.shown})

    def rules(self, seen: MatrixObservation) -> str:
        """The table, from the reader's own side, a line for each cell."""
        return _rules(seen.table, seen.role)

    def now(self, seen: MatrixObservation) -> str:
        """The actions."""
        return f"Choose your action: {' or '.join(seen.table.actions[SEATS.index(seen.role)])}."

    def told(self, seen: MatrixObservation, past: PastRound) -> str:
        """Both actions and both gains; in a void round who gave no answer."""
        own = SEATS.index(seen.role)
        other = called(SEATS[1 - own], seen.role)
        mine, theirs = (
            names[int(act[0])] if act else None for names, act in zip(seen.table.actions, past.acts, strict=True)
        )
        if own == 1:
            mine, theirs = theirs, mine
        line = ", ".join(
            f"{who} gave no valid answer" if act is None else f"{who} chose {act}"
            for who, act in (("you", mine), (other, theirs))
        )
        if mine is None or theirs is None:
            return f"{line}; the round was void."
        return f"{line}; you got {past.gains[own]:.10g}, {other} got {past.gains[1 - own]:.10g}."

    def appraise(self, state: MatrixState, seat: str, move: Move) -> Appraisal:
        """What an action pays in this round on average if the other takes each of its actions equally often.

        A myopic measure, which needs no belief about the other; `least` and `most` are what it can pay.
        """
        if not isinstance(move, Choose):
            return super().appraise(state, seat, move)
        own = SEATS.index(seat)
        index = state.config.shown.actions[own].index(move.action)
        return _appraised(state.config.table, own, index, state.round)

    def reference(self, state: MatrixState, seat: str) -> Move:
        """The first action, so that no round of a hypothetical game is void."""
        if self.stage(state) == TALK:
            return Say()
        return Choose(action=state.config.shown.actions[seat == SEATS[1]][0])

    def benchmarks(
        self, config: MatrixConfig, item: Item, counterparts: Mapping[str, Policy]
    ) -> Mapping[str, Benchmark]:
        """Anchors for both players' payoffs: see `sandbox_env_games.matrix_theory.benchmarks`."""
        from sandbox_env_games.matrix_theory import benchmarks  # it knows the strategies, which play this game

        return benchmarks(self, config, item, counterparts)


@lru_cache(maxsize=64)
def _menu(names: tuple[str, ...]) -> Menu:
    return tuple(Choose(action=name) for name in names)


@lru_cache(maxsize=64)
def _shown(actions: Names, payoffs: Payoffs, labels: str) -> Shown:
    if labels == "neutral":
        actions = _letters(len(actions[0])), _letters(len(actions[1]))
    return Shown(actions=actions, payoffs=payoffs)


@lru_cache(maxsize=64)
def _rules(table: Shown, role: str) -> str:
    own = SEATS.index(role)
    other = called(SEATS[1 - own], role)
    lines = [
        f"You are {called(role, '')}. You and {other} choose an action each, at the same time, and are paid in points:"
    ]
    for i, mine in enumerate(table.actions[own]):
        for j, theirs in enumerate(table.actions[1 - own]):
            pair = table.payoffs[i][j] if own == 0 else table.payoffs[j][i]
            lines.append(
                f"- you choose {mine}, {other} chooses {theirs}: "
                f"you get {pair[own]:.10g}, {other} gets {pair[1 - own]:.10g}"
            )
    lines.append("A round in which somebody gives no valid answer is void: it pays nobody, and is not repeated.")
    return "\n".join(lines)


@lru_cache(maxsize=4096)
def _appraised(table: Table, own: int, index: int, number: int) -> Appraisal:
    """Of a player's action in round `number`."""
    gains = [pair[0] for pair in table.payoffs[index]] if own == 0 else [row[index][1] for row in table.payoffs]
    name = table.actions[own][index]
    features: dict[str, float | str] = {"round": number, "least": min(gains), "most": max(gains)}
    if table.cooperative is not None:
        features["cooperates"] = int(name == table.cooperative)
    return Appraisal(utility=sum(gains) / len(gains), content=name, features=features)


def _letters(count: int) -> tuple[str, ...]:
    return tuple("abcdefghij"[:count])


def _open(payoffs: Payoffs, own: int, theirs: int) -> list[float]:
    """What each of player `own`'s actions pays it against action `theirs`."""
    return [row[theirs][0] for row in payoffs] if own == 0 else [pair[1] for pair in payoffs[theirs]]


def _cooperated(state: MatrixState) -> tuple[list[list[bool]], list[list[bool]]]:
    """By player and round: whether it cooperated; empty where it chose nothing, or nothing counts as cooperation."""
    table = state.config.table
    if table.cooperative is None:
        return [], []
    first, second = (
        [[names[int(act)] == table.cooperative for act in past.acts[own]] for past in state.history]
        for own, names in enumerate(table.actions)
    )
    return first, second


def _share(found: list[bool]) -> float | None:
    return sum(found) / len(found) if found else None
