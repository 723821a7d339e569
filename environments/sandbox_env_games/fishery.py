"""The fishery of GovSim: several players fish in one lake, whose stock doubles each month out of what they left."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from math import lcm
from typing import Annotated, Any, ClassVar, Literal

import numpy as np
from pydantic import Field

from sandbox.menu import Menu, Move, MoveRange
from sandbox.scenario import Appraisal, Benchmark, Item, Policy
from sandbox_env_games.money import Number
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

HARVEST, RATION = "harvest", "ration"
MOST_PLAYERS = 10
MOST_TONS = 1000
LOTS = lcm(*range(1, MOST_PLAYERS + 1))


class Harvest(Move):
    """Fish so many tons this month; if all together want more than there is, you may get less."""

    kind: Literal["harvest"] = "harvest"
    tons: Annotated[
        int, Number, Field(ge=0, le=MOST_TONS, description="tons of fish that you want to catch this month")
    ]


class Ration(Move):
    """Nature's move where all together want more than there is: a lot for each ton that there can be.

    A ton goes to number (lot modulo k) of the k players who have less than they want: with lots from 0 to 2519 each is
    equally likely. Lots, not catches, since luck may not depend on what the players do.
    """

    kind: Literal["ration"] = "ration"
    lots: tuple[Annotated[int, Field(ge=0, lt=LOTS)], ...] = Field(max_length=MOST_TONS)


class FisheryConfig(RoundsConfig):
    """A fishery's parameters; the defaults are GovSim's (`fish_baseline_concurrent.yaml`).

    Attributes:
        rounds: months.
        horizon_told: whether the players know that number; GovSim says "many months".
        messages: whether the players talk after each harvest.
        players: n.
        capacity: tons in the lake in the first month, and at most.
        collapse: with fewer tons left after a harvest the stock does not recover, and the game is over.
    """

    rounds: int = Field(12, ge=1, le=1000)
    horizon_told: bool = False
    messages: bool = True
    players: int = Field(5, ge=2, le=MOST_PLAYERS)
    capacity: int = Field(100, ge=20, le=MOST_TONS)
    collapse: int = Field(5, ge=1, le=10)

    def regrown(self, left: int) -> int:
        """The stock of the next month when so many tons are left; what is left itself after a collapse."""
        return left if left < self.collapse else min(self.capacity, 2 * left)


@dataclass(frozen=True)
class FisheryState(RoundsState):
    """An act is what a player wanted, then, where that had to be rationed, what it got; empty: it gave no answer.

    Attributes:
        stock: tons before the month's harvest; what was left when it collapsed.
    """

    config: FisheryConfig
    stock: int = 0


class FisheryObservation(RoundsObservation):
    """What all players see.

    Attributes:
        stock: tons in the lake now.
        stocks: tons before each harvest that is over, in the order of `history`.
        capacity, collapse: as in the config.
    """

    stock: int
    stocks: tuple[int, ...]
    capacity: int
    collapse: int


class Fishery(Rounds[FisheryConfig, FisheryState]):
    """Each month all players say at once how much they fish; what is left doubles, up to the lake's capacity.

    Source: GovSim (Piatti et al., "Cooperate or collapse: emergence of sustainable cooperation in a society of LLM
    agents", NeurIPS 2024, arXiv:2404.16698), scenario fishery, with the rules of its code
    (`simulation/scenarios/common/environment/concurrent_env.py` of github giorgiopiatti/GovSim):

    - Wishes are from 0 to the capacity, whatever the stock (`_step_lake_bet`). If they fit into the stock, everybody
      gets what it wanted. If not, one ton at a time goes to a player drawn uniformly from those who have less than they
      wanted, until the lake is empty (`_assign_stochastic`, the setting of all its experiments): nature's move here.
    - With fewer than 5 tons left the stock has collapsed and the game is over, else it doubles, up to 100 (`step`).
    - After the harvest all catches are known, and the players talk. Here that is the talk at the beginning of the next
      month, so there is none in the first month and none after the last, where it could change nothing; and everybody
      speaks once, at the same time, where GovSim lets a model choose the next of up to ten speakers.

    No formula of GovSim's payoffs or metrics was found to be wrong, so there is no `variant: published`. Two habits of
    its definitions are worth knowing: an efficiency of 1 is not the optimum, since in the last month nothing needs to
    be left (see `welfare`); and a collapse in the very last month counts as full survival time (`survived` says it).

    Action: `Harvest(tons)`, and `Say(message)`. Forfeit: who gives no legal answer fishes nothing, and the month goes
    on for the others; it is no harvest of 0 in what is measured, but `absent`: each player's share of such months.
    Payoff: tons caught.
    Facts, as the paper defines them, with R_i the catch of player i in T months (`rounds`), h(t) the stock before the
    harvest of month t, and f(t) = max x such that a total harvest of x leads to at least h(t) in the next month, which
    is h(t) / 2, rounded down: `survival` (months until the collapse, that month included, at most T), `survived` (1: no
    collapse), `total_gain` (sum of R_i), `efficiency` (1 - max(0, T f(1) - sum R_i) / (T f(1))), `gini` (sum over i, j
    of |R_i - R_j| / (2 n sum R_i)), `equality` (1 - gini), `over_usage` (share of all harvests that were greater
    than f(t) / n; of each player's, `own_over_usage`; None without harvests). `gini` and `equality` are None where
    nobody caught anything.
    `stocks` and `thresholds` list h(t) and f(t) by month.

    Example:
        >>> game = Fishery()
        >>> state = game.initial(FisheryConfig(messages=False), Item())
        >>> while seats := game.to_move(state):
        ...     state = game.apply(state, dict.fromkeys(seats, Harvest(tons=10)))
        >>> facts = game.facts(state)["measures"]
        >>> facts["total_gain"], facts["gini"], facts["survival"]
        (600.0, 0.0, 12)
    """

    id: ClassVar[str] = "games/Fishery-v0"
    Config = FisheryConfig
    State = FisheryState
    Action: ClassVar[Any] = Annotated[Harvest | Say | Pass | Ration, Field(discriminator="kind")]
    Observation = FisheryObservation

    def seats(self, config: FisheryConfig) -> tuple[str, ...]:
        """`player_1`, `player_2`..."""
        return players(config.players)

    def stages(self, config: FisheryConfig) -> tuple[str, ...]:
        """The wishes, then rationing where they do not fit."""
        return (HARVEST, RATION)

    def initial(self, config: FisheryConfig, item: Item) -> FisheryState:
        """The first month, with a full lake."""
        return self.start(FisheryState(config, stock=config.capacity))

    def movers(self, state: FisheryState) -> tuple[str, ...]:
        """Everybody says what it wants; nobody moves in rationing."""
        return self.seats(state.config) if self.stage(state) == HARVEST else ()

    def to_move(self, state: FisheryState) -> tuple[str, ...]:
        """As in all games in rounds, but nobody talks before the first harvest."""
        if state.round == 1 and self.stage(state) == TALK:
            return ()
        return super().to_move(state)

    def chance(self, state: FisheryState) -> bool:
        """Whether the catches have to be drawn: all together want more than there is."""
        return self.stage(state) == RATION and sum(wishes(state.acts)) > state.stock

    def draw(self, state: FisheryState) -> str:
        """`ration/ROUND`."""
        return f"ration/{state.round}"

    def sample(self, state: FisheryState, generator: np.random.Generator) -> Move:
        """A lot for each ton of a full lake."""
        return Ration(lots=tuple(generator.integers(LOTS, size=state.config.capacity).tolist()))

    def drawn(self, state: FisheryState, move: Move) -> FisheryState:
        """Everybody's catch behind its wish."""
        assert isinstance(move, Ration)
        caught = rationed(wishes(state.acts), move.lots[: state.stock])
        acts = tuple((*act, float(tons)) if act else () for act, tons in zip(state.acts, caught, strict=True))
        return replace(state, acts=acts)

    def choices(self, state: FisheryState, seat: str) -> Menu:
        """Any number of tons up to the lake's capacity."""
        return _harvests(state.config, state.stock)

    def numbers(self, state: FisheryState, seat: str, move: Move) -> tuple[float, ...]:
        """The tons wanted."""
        assert isinstance(move, Harvest)
        return (float(move.tons),)

    def gains(self, state: FisheryState) -> tuple[float, ...]:
        """What each caught: what it wanted, or got when it was rationed."""
        return tuple(act[-1] if act else 0.0 for act in state.acts)

    def void(self, state: FisheryState) -> None:
        """The month goes on for those who gave an answer."""

    def between(self, before: FisheryState, after: FisheryState) -> FisheryState:
        """What was left grows."""
        left = before.stock - int(sum(after.history[-1].gains))
        return replace(after, stock=before.config.regrown(left))

    def ends(self, state: FisheryState) -> bool:
        """After a collapse."""
        return state.stock < state.config.collapse

    def measures(self, state: FisheryState) -> Mapping[str, float | None]:
        """GovSim's metrics."""
        config, caught = state.config, sum(state.totals)
        best = config.rounds * threshold(config.capacity)
        gini = None
        if caught:
            gini = sum(abs(one - other) for one in state.totals for other in state.totals)
            gini /= 2 * config.players * caught
        over = [one for month in _over(state) for one in month if one is not None]
        return {
            "survival": len(state.history),
            "survived": int(not self.ends(state)),
            "total_gain": caught,
            "efficiency": 1 - max(0.0, best - caught) / best,
            "gini": gini,
            "equality": None if gini is None else 1 - gini,
            "over_usage": _share(over),
        }

    def by_seat(self, state: FisheryState) -> Mapping[str, Mapping[str, float | None]]:
        """How often each player took more than its part of the threshold or gave no answer, and its best catch."""
        from sandbox_env_games import fishery_theory  # it plays this game

        over = _over(state)
        return {
            seat: {
                "own_over_usage": _share([month[own] for month in over if month[own] is not None]),
                "absent": _share([month[own] is None for month in over]),
                "hindsight": fishery_theory.hindsight(state, own) if over else None,
            }
            for own, seat in enumerate(self.seats(state.config))
        }

    def facts(self, state: FisheryState) -> Mapping[str, Any]:
        """The metrics, and stock and threshold by month.

        `hindsight` is the most that a player could have expected with the recorded wishes of the others held fixed, in
        the months that there were.
        """
        seats = self.by_seat(state)
        return {
            "payoffs": dict(self.payoffs(state)),
            "measures": dict(self.measures(state)),
            "by_seat": {seat: dict(found) for seat, found in seats.items()},
            "stocks": list(stocks(state.config, state.history)),
            "thresholds": [threshold(stock) for stock in stocks(state.config, state.history)],
        }

    def observe(self, state: FisheryState, seat: str) -> FisheryObservation:
        """The lake, now and in all months before; what everybody wanted, caught and said."""
        config = state.config
        return FisheryObservation(
            **self.seen(state, seat),
            stock=state.stock,
            stocks=stocks(config, state.history),
            capacity=config.capacity,
            collapse=config.collapse,
        )

    def rules(self, seen: FisheryObservation) -> str:
        """The rules, with an example of growth."""
        n, some, many = len(seen.players), max(seen.collapse, seen.capacity // 5), 3 * seen.capacity // 5
        talk = "The first messages are sent after the first harvest." if seen.messages else ""
        lines = [
            f"You are {called(seen.role, '')}, one of {n} players who fish in the same lake. A round is a month.",
            f"The lake holds {seen.capacity} tons of fish at the beginning, and never more. Each month every player "
            f"says, at the same time as all others, how many tons it wants to catch, from 0 to {seen.capacity}. If all "
            "together want more than there is, one ton after another goes to a player drawn by lot from those who have "
            "less than they wanted, until the lake is empty.",
            f"Then the fish that are left double, up to {seen.capacity} tons: {some} left become {2 * some}, "
            f"{many} left become {seen.capacity}. If fewer than {seen.collapse} tons are left, the "
            "stock collapses, and the game is over.",
            "All then see what everybody wanted and caught. Your payoff is the number of tons that you catch in all "
            "months together. Who gives no valid answer catches nothing that month.",
            talk,
        ]
        return "\n".join(line for line in lines if line)

    def now(self, seen: FisheryObservation) -> str:
        """The stock."""
        return (
            f"There are {seen.stock} tons of fish in the lake. Say how many tons you want to catch (tons), from 0 to "
            f"{seen.capacity}."
        )

    def told(self, seen: FisheryObservation, past: PastRound) -> str:
        """Catches, and what was left of the stock."""
        caught = ", ".join(
            ("you" if player == seen.role else called(player, seen.role))
            + (f" caught {gain:g}" if act else " gave no valid answer and caught nothing")
            + (f" (wanted {act[0]:g})" if act and gain < act[0] else "")
            for player, act, gain in zip(seen.players, past.acts, past.gains, strict=True)
        )
        stock = seen.stocks[past.round - 1]
        return f"of {stock} tons {caught}; {stock - sum(past.gains):g} were left."

    def appraise(self, state: FisheryState, seat: str, move: Move) -> Appraisal:
        """What the wish brings this month if each of the others takes its part of the sustainable threshold.

        A myopic measure: it leaves out what a smaller stock costs later. `over` is 1 for more than that part.
        """
        if not isinstance(move, Harvest):
            return super().appraise(state, seat, move)
        n = state.config.players
        part = threshold(state.stock) // n
        return Appraisal(
            utility=float(min(move.tons, state.stock - (n - 1) * part)),
            content=f"harvest {move.tons}",
            features={"round": state.round, "share": move.tons / state.stock, "over": int(move.tons > part)},
        )

    def reference(self, state: FisheryState, seat: str) -> Move:
        """A part of the sustainable threshold, so that every month of a hypothetical game is asked."""
        if self.stage(state) == TALK:
            return Say()
        return Harvest(tons=threshold(state.stock) // state.config.players)

    def benchmarks(
        self, config: FisheryConfig, item: Item, counterparts: Mapping[str, Policy]
    ) -> Mapping[str, Benchmark]:
        """Anchors for all players' payoffs: see `sandbox_env_games.fishery_theory.benchmarks`."""
        from sandbox_env_games import fishery_theory  # it plays this game

        return fishery_theory.benchmarks(self, config, item, counterparts)


def threshold(stock: int) -> int:
    """f: the most that all together can take so that the next month's stock is no smaller."""
    return stock // 2


def wishes(acts: Sequence[tuple[float, ...]]) -> list[int]:
    """What each wanted; nothing without an answer."""
    return [int(act[0]) if act else 0 for act in acts]


def rationed(wanted: Sequence[int], lots: Sequence[int]) -> tuple[int, ...]:
    """Everybody's catch when there are as many tons as lots, and less than is wanted."""
    caught = [0] * len(wanted)
    wanting = [player for player, tons in enumerate(wanted) if tons]
    for lot in lots:
        index = lot % len(wanting)
        player = wanting[index]
        caught[player] += 1
        if caught[player] == wanted[player]:
            del wanting[index]
    return tuple(caught)


def stocks(config: FisheryConfig, history: Sequence[PastRound]) -> tuple[int, ...]:
    """The stock before each of these harvests."""
    found = []
    stock = config.capacity
    for past in history:
        found.append(stock)
        stock = config.regrown(stock - int(sum(past.gains)))
    return tuple(found)


def _over(state: FisheryState) -> list[list[bool | None]]:
    """By month and player: whether it took more than its part of the threshold; None: it gave no answer."""
    return [
        [
            gain * state.config.players > threshold(stock) if act else None
            for act, gain in zip(past.acts, past.gains, strict=True)
        ]
        for stock, past in zip(stocks(state.config, state.history), state.history, strict=True)
    ]


def _share(found: Sequence[bool | None]) -> float | None:
    return sum(map(bool, found)) / len(found) if found else None


def listed(config: FisheryConfig, stock: int) -> list[int]:
    """Wishes that stand for all: nothing, half a part of the threshold, a part, one and two parts of the stock, all."""
    n = config.players
    part = threshold(stock) // n
    return sorted({0, part // 2, part, stock // n, 2 * stock // n, stock})


def _harvests(config: FisheryConfig, stock: int) -> Menu:
    return (
        MoveRange(
            Harvest,
            bounds={"tons": (0, config.capacity)},
            representatives=tuple(Harvest(tons=tons) for tons in listed(config, stock)),
        ),
    )
