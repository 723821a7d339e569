"""The classic strategies of the iterated prisoner's dilemma, each a small machine that theory can look into."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal, get_args

from sandbox.agent import Agent, Turn
from sandbox.errors import InputError
from sandbox.menu import Move
from sandbox.recent import Growing
from sandbox.scenario import Frozen
from sandbox_env_games.matrix import Choose, MatrixObservation, Payoffs
from sandbox_env_games.rounds import TALK, PastRound, Say

AGENT = "baselines/strategy"
"""The id under which `Strategy` is announced."""

Name = Literal[
    "cooperator",
    "defector",
    "random",
    "alternator",
    "tit_for_tat",
    "suspicious_tit_for_tat",
    "tit_for_two_tats",
    "two_tits_for_tat",
    "hard_tit_for_tat",
    "grim",
    "pavlov",
    "generous_tit_for_tat",
    "joss",
    "zd_extort_2",
    "zd_gtft_2",
]
NAMES: tuple[Name, ...] = get_args(Name)


@dataclass(frozen=True)
class Machine:
    """A strategy as a finite machine that begins in state 0.

    Attributes:
        cooperates: by state, the probability of cooperating there; 0 and 1 only: the strategy is deterministic.
        after: by state, the next one after the round's (own, other's) acts CC, CD, DC, DD (at 2 * own + other, where
            cooperation is 0 and defection 1).
    """

    cooperates: tuple[float, ...]
    after: tuple[tuple[int, int, int, int], ...]


def memory_one(first: float, cc: float, cd: float, dc: float, dd: float) -> Machine:
    """Cooperates with probability `first`, then with one for each outcome (own act, other's act) of the last round."""
    return Machine((first, cc, cd, dc, dd), ((1, 2, 3, 4),) * 5)


def reactive(*states: tuple[float, int, int]) -> Machine:
    """Each state: probability of cooperating, next state if the other cooperates, next state if it defects."""
    return Machine(tuple(one[0] for one in states), tuple((c, d, c, d) for _, c, d in states))


@dataclass(frozen=True)
class Dilemma:
    """The payoffs of a symmetric prisoner's dilemma: reward, sucker's, temptation, punishment; T > R > P > S."""

    reward: float
    sucker: float
    temptation: float
    punishment: float

    @classmethod
    def of(cls, payoffs: Payoffs) -> Dilemma:
        """The dilemma that a table is, its first action being cooperation.

        Raises:
            InputError: it is none.
        """
        if len(payoffs) == 2 and all(len(row) == 2 for row in payoffs):
            (reward, sucker), (temptation, punishment) = ((pair[0] for pair in row) for row in payoffs)
            symmetric = all(payoffs[i][j][0] == payoffs[j][i][1] for i in range(2) for j in range(2))
            if symmetric and temptation > reward > punishment > sucker:
                return cls(reward, sucker, temptation, punishment)
        raise InputError(f"no symmetric prisoner's dilemma with cooperation as its first action: {payoffs}")


def _generous(game: Dilemma) -> Machine:
    # Nowak & Sigmund, "Tit for tat in heterogeneous populations", Nature 355 (1992).
    r, s, t, p = game.reward, game.sucker, game.temptation, game.punishment
    forgives = min(1 - (t - r) / (r - s), (r - p) / (t - p))
    if forgives < 0:
        raise InputError("generous_tit_for_tat is defined where T + S <= 2 R only")
    return memory_one(1, 1, forgives, 1, forgives)


def zero_determinant(game: Dilemma, baseline: float, slope: float, phi: float) -> Machine:
    """Makes the other's long-run payoff lie on a line: own - baseline = (other's - baseline) / slope.

    Press & Dyson, "Iterated Prisoner's Dilemma contains strategies that dominate any evolutionary opponent", PNAS 109
    (2012), in the form of Hilbe, Nowak & Traulsen, "Adaptive dynamics of extortion and compliance", PLoS ONE 8 (2013),
    equation 14: baseline P extorts by the factor 1 / slope, baseline R is generous.

    Raises:
        InputError: these are no probabilities in this game.
    """
    r, s, t, p = game.reward, game.sucker, game.temptation, game.punishment
    found = (
        1 - phi * (1 - slope) * (r - baseline),
        1 - phi * (slope * (baseline - s) + (t - baseline)),
        phi * ((baseline - s) + slope * (t - baseline)),
        phi * (1 - slope) * (baseline - p),
    )
    if not all(0 <= one <= 1 for one in found):
        raise InputError(f"the zero-determinant strategy is not defined for these payoffs: {game}")
    return memory_one(1, *found)


_MACHINES: Mapping[str, Machine] = {
    "cooperator": reactive((1, 0, 0)),
    "defector": reactive((0, 0, 0)),
    "random": reactive((0.5, 0, 0)),
    "alternator": memory_one(1, 0, 0, 1, 1),
    # Rapoport's, in Axelrod, "Effective choice in the Prisoner's Dilemma", Journal of Conflict Resolution 24 (1980).
    "tit_for_tat": memory_one(1, 1, 0, 1, 0),
    "suspicious_tit_for_tat": memory_one(0, 1, 0, 1, 0),
    # Both in Axelrod, The Evolution of Cooperation (1984). The state counts defections just seen, or still to repay.
    "tit_for_two_tats": reactive((1, 0, 1), (1, 0, 2), (0, 0, 2)),
    "two_tits_for_tat": reactive((1, 0, 2), (0, 0, 2), (0, 1, 2)),
    # A defection among the other's last three moves.
    "hard_tit_for_tat": reactive((1, 0, 3), (0, 0, 3), (0, 1, 3), (0, 2, 3)),
    # Friedman, "A non-cooperative equilibrium for supergames", Review of Economic Studies 38 (1971).
    "grim": reactive((1, 0, 1), (0, 1, 1)),
    # Win-stay, lose-shift: Nowak & Sigmund, Nature 364 (1993).
    "pavlov": memory_one(1, 1, 0, 0, 1),
    # Axelrod (1980): tit for tat that defects after one cooperation in ten.
    "joss": memory_one(1, 0.9, 0, 0.9, 0),
}
# Extort-2 and ZDGTFT-2: Stewart & Plotkin, "Extortion and cooperation in the Prisoner's Dilemma", PNAS 109 (2012); the
# second is one of the generous strategies of their "From extortion to generosity", PNAS 110 (2013).
_MADE: Mapping[str, Callable[[Dilemma], Machine]] = {
    "generous_tit_for_tat": _generous,
    "zd_extort_2": lambda game: zero_determinant(game, game.punishment, 1 / 2, 1 / 9),
    "zd_gtft_2": lambda game: zero_determinant(game, game.reward, 1 / 2, 1 / 4),
}


@lru_cache(maxsize=256)
def machine(name: Name, payoffs: Payoffs) -> Machine:
    """The machine of a strategy in a game with two actions for each player, of which the first is cooperation.

    Raises:
        InputError: the game has more or fewer actions, or the strategy needs a prisoner's dilemma and this is none.
    """
    if len(payoffs) != 2 or any(len(row) != 2 for row in payoffs):
        raise InputError(f"{AGENT}: a strategy needs a game with two actions for each player")
    if name in _MACHINES:
        return _MACHINES[name]
    try:
        return _MADE[name](Dilemma.of(payoffs))
    except InputError as error:
        raise InputError(f"{AGENT}, plays {name}: {error}") from None


class StrategyConfig(Frozen):
    """Which strategy: `{id: baselines/strategy, plays: grim}`; `name` is what an experiment calls the agent."""

    plays: Name


class Strategy(Agent[StrategyConfig]):
    """Plays a classic strategy in `games/Matrix-v0` with two actions for each player, in either seat.

    The first action of each player counts as cooperation, the second as defection (stag and hare, swerve and straight
    as well). It says nothing and reads no messages; a void round is for it as if it had not been played.
    `generous_tit_for_tat`, `zd_extort_2` and `zd_gtft_2` are defined by the payoffs, and for prisoner's dilemmas only.
    """

    Config = StrategyConfig

    def __init__(self, config: StrategyConfig) -> None:
        super().__init__(config)
        self._states: Growing[int] = Growing(2000)  # reached after each round: a long game is not gone through again

    def act(self, turn: Turn) -> Move:
        """Its move, as it follows from the rounds that are over."""
        seen = turn.observation
        if not isinstance(seen, MatrixObservation):
            raise InputError(f"{AGENT} plays games/Matrix-v0 only, and was shown {type(seen).__name__}")
        if seen.stage == TALK:
            return Say()
        own = seen.players.index(seen.role)
        plays = machine(self.config.plays, seen.table.payoffs)

        def follow(state: int, past: PastRound) -> int:
            mine, theirs = past.acts[own], past.acts[1 - own]
            return plays.after[state][2 * int(mine[0]) + int(theirs[0])] if mine and theirs else state

        chance = plays.cooperates[self._states.fold((own, plays), seen.history, 0, follow)]
        cooperates = chance == 1 or (chance > 0 and turn.generator().random() < chance)
        move = turn.menu[0 if cooperates else 1]
        assert isinstance(move, Choose)
        return move
