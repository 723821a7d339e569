"""Public goods: what all contribute is multiplied and shared by all; with a second stage, players can be punished."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Annotated, Any, ClassVar, Literal

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

CONTRIBUTE, DEDUCT = "contribute", "deduct"
MOST_PLAYERS = 8
MOST_TOKENS = 1_000_000
MOST_POINTS = 1000

Points = Annotated[int, Number, Field(ge=0, le=MOST_POINTS, description="deduction points for this player")]


class Contribute(Move):
    """Contribute so many of this round's tokens to the common project; you keep the others."""

    kind: Literal["contribute"] = "contribute"
    tokens: Annotated[int, Number, Field(ge=0, le=MOST_TOKENS, description="tokens that you contribute")]


class Deduct(Move):
    """Give deduction points to other players: each costs you tokens, and costs that player tokens."""

    kind: Literal["deduct"] = "deduct"
    player_1: Points = 0
    player_2: Points = 0
    player_3: Points = 0
    player_4: Points = 0
    player_5: Points = 0
    player_6: Points = 0
    player_7: Points = 0
    player_8: Points = 0


class PublicGoodsConfig(RoundsConfig):
    """A game's parameters.

    Attributes:
        players: n.
        endowment: tokens that each player gets in each round.
        multiplier: r, by which the sum of contributions is multiplied before all get an equal part of it; a dilemma
            where 1 < r < n.
        punishment: whether each round has a second stage, in which players give others deduction points.
        cost, effect: tokens that a point costs whoever gives it, and whoever gets it (1 and 3 in Fehr & Gächter,
            "Altruistic punishment in humans", Nature 415, 2002).
        most_points: that a player can give to another in a round.
    """

    players: int = Field(3, ge=2, le=MOST_PLAYERS)
    endowment: int = Field(20, ge=1, le=MOST_TOKENS)
    multiplier: float = Field(1.5, ge=0, le=1000)
    punishment: bool = False
    cost: float = Field(1, ge=0, le=1000)
    effect: float = Field(3, ge=0, le=1000)
    most_points: int = Field(10, ge=1, le=MOST_POINTS)

    def shared(self, contributions: Sequence[float], own: int) -> float:
        """What player number `own` (from 0) has after the first stage, in tokens."""
        return self.endowment - contributions[own] + self.multiplier * sum(contributions) / self.players


@dataclass(frozen=True)
class PublicGoodsState(RoundsState):
    """An act is a contribution, then, in a game with punishment, the points for each player in the order of seats.

    Without a valid answer it ends before the points, or is empty.
    """

    config: PublicGoodsConfig


class PublicGoodsObservation(RoundsObservation):
    """What a player sees.

    With punishment, the acts of others in `history` are their contributions alone, and the `gains` of others are those
    of the first stage: nobody learns who gave points to whom. The player's own act and gain are whole.

    Attributes:
        endowment, multiplier, punishment, cost, effect, most_points: as in the config.
    """

    endowment: int
    multiplier: float
    punishment: bool
    cost: float
    effect: float
    most_points: int


class PublicGoods(Rounds[PublicGoodsConfig, PublicGoodsState]):
    """Each player divides its tokens between itself and a common project, of which all get an equal part.

    Sources: Isaac & Walker, "Group size effects in public goods provision: the voluntary contributions mechanism",
    Quarterly Journal of Economics 103 (1988); with punishment, Fehr & Gächter, "Cooperation and punishment in public
    goods experiments", American Economic Review 90 (2000), with the linear costs of their later paper (see the config).

    Rules: of `endowment` tokens player i contributes c_i; it has endowment - c_i + multiplier * sum(c) / n. All
    contributions are then seen. With `punishment` every player then gives each other player 0 to `most_points` points,
    all at once; a point costs the giver `cost` and the other `effect` tokens. As in the source a player learns how much
    the points of all others together cost it, not whose they were. Losses are possible: payoffs are not cut at 0.

    Action: `Contribute(tokens)`, `Deduct(player_1, player_2...)`, and `Say(message)` before each round where the config
    has messages. Forfeit: who gives no legal answer contributes nothing and is not asked for points, or gives no
    points; the round counts for all. Such a round is no contribution of 0 in what is measured, nor one without points.
    Payoff: tokens, the sum over rounds.
    Facts: contributions as shares of the endowment: `group_contribution`, in the first round and in the last one
    (`first_contribution`, `last_contribution`), and each player's `contribution`, all means over those who answered;
    `absent`, each player's share of rounds in which an answer was missing. With punishment, in points a round:
    `group_points`, and each player's `points_given`, `points_received` and `antisocial_points`, those given to
    somebody who had contributed more than the giver (Herrmann, Thöni & Gächter, Science 319, 2008, count equal
    contributions as well); `antisocial_share` of all points, None where nobody gave any.

    Example:
        >>> game = PublicGoods()
        >>> state = game.initial(PublicGoodsConfig(), Item())
        >>> moves = {"player_1": Contribute(tokens=0), "player_2": Contribute(tokens=20)}
        >>> state = game.apply(state, {**moves, "player_3": Contribute(tokens=20)})
        >>> dict(game.payoffs(state))
        {'player_1': 40.0, 'player_2': 20.0, 'player_3': 20.0}
    """

    id: ClassVar[str] = "games/PublicGoods-v0"
    Config = PublicGoodsConfig
    State = PublicGoodsState
    Action: ClassVar[Any] = Annotated[Contribute | Deduct | Say | Pass, Field(discriminator="kind")]
    Observation = PublicGoodsObservation

    def seats(self, config: PublicGoodsConfig) -> tuple[str, ...]:
        """`player_1`, `player_2`..."""
        return players(config.players)

    def stages(self, config: PublicGoodsConfig) -> tuple[str, ...]:
        """Contributions, then points where there is punishment."""
        return (CONTRIBUTE, DEDUCT) if config.punishment else (CONTRIBUTE,)

    def initial(self, config: PublicGoodsConfig, item: Item) -> PublicGoodsState:
        """Round 1."""
        return self.start(PublicGoodsState(config))

    def movers(self, state: PublicGoodsState) -> tuple[str, ...]:
        """All contribute; those who gave an answer then give points."""
        seats = super().movers(state)
        if self.stage(state) == CONTRIBUTE:
            return seats
        return tuple(seat for seat, act in zip(seats, state.acts, strict=True) if act)

    def void(self, state: PublicGoodsState) -> None:
        """The round goes on for those who gave an answer."""

    def choices(self, state: PublicGoodsState, seat: str) -> Menu:
        """Any contribution; any points for the others."""
        if self.stage(state) == CONTRIBUTE:
            return contribution_menu(state.config.endowment)
        return point_menu(seat, state.config.players, state.config.most_points)

    def numbers(self, state: PublicGoodsState, seat: str, move: Move) -> tuple[float, ...]:
        """The contribution; the points for each player."""
        if isinstance(move, Contribute):
            return (float(move.tokens),)
        return tuple(float(getattr(move, name)) for name in self.seats(state.config))

    def gains(self, state: PublicGoodsState) -> tuple[float, ...]:
        """What each has after the first stage, without what points cost."""
        config = state.config
        contributions = _contributed(state.acts)
        given = [sum(act[1:]) for act in state.acts]
        got = [_received(state.acts, own) for own in range(config.players)]
        return tuple(
            config.shared(contributions, own) - config.cost * given[own] - config.effect * got[own]
            for own in range(config.players)
        )

    def reply(self, state: PublicGoodsState, seat: str, past: PastRound) -> float | None:
        """No points, and no tokens or all of them; the points of the others as they were."""
        config, own = state.config, self.seats(state.config).index(seat)
        contributions, got = _contributed(past.acts), _received(past.acts, own)
        options = ([*contributions[:own], float(tokens), *contributions[own + 1 :]] for tokens in (0, config.endowment))
        return max(config.shared(option, own) for option in options) - config.effect * got

    def measures(self, state: PublicGoodsState) -> Mapping[str, float | None]:
        """Contributions of the group, and the points that it gave."""
        config = state.config
        by_round = [_mean([act[0] / config.endowment for act in past.acts if act]) for past in state.history]
        given = [points for player in range(config.players) for points in _given(state, player)]
        antisocial = [points for player in range(config.players) for points in _antisocial(state, player)]
        return {
            "group_contribution": _mean([one for one in by_round if one is not None]),
            "first_contribution": by_round[0] if by_round else None,
            "last_contribution": by_round[-1] if by_round else None,
            "group_points": sum(given) / len(by_round) if by_round and config.punishment else None,
            "antisocial_share": sum(antisocial) / sum(given) if sum(given) else None,
        }

    def by_seat(self, state: PublicGoodsState) -> Mapping[str, Mapping[str, float | None]]:
        """Each player's contribution, and the points that it gave and got."""
        whole = 1 + state.config.players * state.config.punishment
        return {
            seat: {
                "contribution": _mean(
                    [past.acts[own][0] / state.config.endowment for past in state.history if past.acts[own]]
                ),
                "absent": _mean([float(len(past.acts[own]) < whole) for past in state.history]),
                "points_given": _mean(_given(state, own)),
                "points_received": _mean([_received(acts, own) for acts in _punished(state)]),
                "antisocial_points": _mean(_antisocial(state, own)),
            }
            for own, seat in enumerate(self.seats(state.config))
        }

    def observe(self, state: PublicGoodsState, seat: str) -> PublicGoodsObservation:
        """All contributions; the seat's own points."""
        config = state.config
        return PublicGoodsObservation(
            **self.seen(state, seat),
            endowment=config.endowment,
            multiplier=config.multiplier,
            punishment=config.punishment,
            cost=config.cost,
            effect=config.effect,
            most_points=config.most_points,
        )

    def viewed(self, state: PublicGoodsState, own: int) -> Callable[[PastRound], PastRound] | None:
        """Of points the player's own alone, and what those of the others cost it."""
        config = state.config
        return (lambda past: _veiled(config, past, own)) if config.punishment else None

    def conceal(self, state: PublicGoodsState, seat: str) -> PublicGoodsState:
        """Other points between other players, and others who gave the seat its points; another untold horizon."""
        state = super().conceal(state, seat)
        seats = self.seats(state.config)
        if not state.config.punishment or len(seats) < 3:
            return state
        own = seats.index(seat)
        return replace(
            state,
            history=tuple(_disguised(past, own, state.config.most_points) for past in state.history),
            totals=tuple(total if at == own else total + 1 for at, total in enumerate(state.totals)),
        )

    def rules(self, seen: PublicGoodsObservation) -> str:
        """The rules, with what a token in the project pays."""
        n = len(seen.players)
        lines = [
            f"You are {called(seen.role, '')}, one of {n} players: {_names(seen.players)}.",
            f"In each round every player gets {seen.endowment} tokens and decides, at the same time as all others, how "
            "many of them to contribute to a common project. You keep what you do not contribute.",
            f"The sum of all contributions is multiplied by {seen.multiplier:.10g} and divided equally among all {n} "
            f"players, whoever contributed: each token in the project pays each player {seen.multiplier / n:.4g} "
            "tokens. All then see who contributed how much.",
        ]
        if seen.punishment:
            lines.append(
                f"After that every player can give each other player up to {seen.most_points} deduction points, again "
                f"at the same time. Each point costs whoever gives it {seen.cost:.10g} and whoever gets it "
                f"{seen.effect:.10g} tokens. You are told what the points of the others cost you, not who gave them."
            )
        points = " and cannot give points in that round, or gives no points" if seen.punishment else ""
        lines.append(f"Who gives no valid answer contributes nothing{points}.")
        return "\n".join(lines)

    def now(self, seen: PublicGoodsObservation) -> str:
        """The tokens to divide, or the contributions to answer."""
        if seen.stage == CONTRIBUTE:
            return (
                f"Say how many of your {seen.endowment} tokens you contribute (tokens), from 0 to {seen.endowment}; "
                "you keep the rest."
            )
        others = ", ".join(player for player in seen.players if player != seen.role)
        return (
            f"In this round {_contributions_told(seen, seen.acts)}. Say how many deduction points, from 0 to "
            f"{seen.most_points}, you give to each of the others ({others}); whom you leave out gets none."
        )

    def told(self, seen: PublicGoodsObservation, past: PastRound) -> str:
        """Who contributed what, and what the round paid the reader."""
        own = seen.players.index(seen.role)
        line, act, gain = _contributions_told(seen, past.acts), past.acts[own], past.gains[own]
        if not seen.punishment:
            return f"{line}; you got {gain:.10g}."
        n = len(seen.players)
        contributions = _contributed(past.acts)
        before = seen.endowment - contributions[own] + seen.multiplier * sum(contributions) / n
        paid = seen.cost * sum(act[1:])
        given = [f"{number:g} to {called(to, '')}" for to, number in zip(seen.players, act[1:], strict=False) if number]
        points = f"deduction points ({', '.join(given)})" if given else "no deduction points"
        points = f"you gave {points}, which cost you {paid:.10g}"
        if len(act) == 1:
            points = "you gave no valid answer about deduction points"
        return (
            f"{line}; {points}; the points of others cost you "
            f"{abs(round(before - paid - gain, 6)):.10g}; you got {gain:.10g}."
        )

    def appraise(self, state: PublicGoodsState, seat: str, move: Move) -> Appraisal:
        """What a contribution brings in this round if the others contribute what they did in the last one.

        In the first round: if they contribute half of their tokens. For points: what they cost. A myopic measure, which
        leaves out what others will make of it.
        """
        config, own = state.config, self.seats(state.config).index(seat)
        if isinstance(move, Contribute):
            last = _contributed(state.history[-1].acts) if state.history else [config.endowment / 2] * config.players
            contributions = [*last[:own], float(move.tokens), *last[own + 1 :]]
            return Appraisal(
                utility=config.shared(contributions, own),
                content=f"contribute {move.tokens}",
                features={"round": state.round, "share": move.tokens / config.endowment},
            )
        if not isinstance(move, Deduct):
            return super().appraise(state, seat, move)
        points = self.numbers(state, seat, move)
        contributions = _contributed(state.acts)
        antisocial = sum(number for to, number in zip(contributions, points, strict=True) if to > contributions[own])
        content = ", ".join(f"{number:g} to {to}" for to, number in enumerate(points, 1) if number)
        return Appraisal(
            utility=-config.cost * sum(points),
            content=f"deduct {content or 'nothing'}",
            features={"round": state.round, "points": sum(points), "antisocial_points": antisocial},
        )

    def reference(self, state: PublicGoodsState, seat: str) -> Move:
        """Half of the tokens and no points, so that all stages of a hypothetical game are asked."""
        if self.stage(state) == TALK:
            return Say()
        return Contribute(tokens=state.config.endowment // 2) if self.stage(state) == CONTRIBUTE else Deduct()

    def benchmarks(
        self, config: PublicGoodsConfig, item: Item, counterparts: Mapping[str, Policy]
    ) -> Mapping[str, Benchmark]:
        """Anchors for all players' payoffs: see `sandbox_env_games.public_goods_theory.benchmarks`."""
        from sandbox_env_games import public_goods_theory  # it knows the scripted players, which play this game

        return public_goods_theory.benchmarks(self, config, item, counterparts)


@lru_cache(maxsize=64)
def contribution_menu(endowment: int) -> Menu:
    """Any number of tokens, represented by eleven: 0, 10, ... 100 %."""
    listed = dict.fromkeys(endowment * tenth // 10 for tenth in range(11))
    return (
        MoveRange(
            Contribute,
            bounds={"tokens": (0, endowment)},
            representatives=tuple(Contribute(tokens=tokens) for tokens in listed),
        ),
    )


@lru_cache(maxsize=256)
def point_menu(seat: str, count: int, most: int) -> Menu:
    """Any points for the others, represented by: none, one or all of them for one player, all of them for all."""
    seats = players(count)
    others = [other for other in seats if other != seat]
    single = [{other: points} for other in others for points in dict.fromkeys((1, most))]
    listed = [{}, *single, *([dict.fromkeys(others, most)] if len(others) > 1 else [])]
    return (
        MoveRange(
            Deduct,
            bounds=dict.fromkeys(others, (0, most)),
            fixed={name: 0 for name in Deduct.model_fields if name != "kind" and name not in others},
            representatives=tuple(Deduct.model_validate(points) for points in listed),
        ),
    )


def _contributed(acts: Sequence[tuple[float, ...]]) -> list[float]:
    """Each player's contribution; nothing without an answer."""
    return [act[0] if act else 0.0 for act in acts]


def _received(acts: Sequence[tuple[float, ...]], own: int) -> float:
    """The points that player `own` got from all who gave any."""
    return sum(act[1 + own] for act in acts if len(act) > 1)


def _punished(state: PublicGoodsState) -> list[tuple[tuple[float, ...], ...]]:
    """The acts of all rounds that are over, where there is punishment."""
    return [past.acts for past in state.history] if state.config.punishment else []


def _given(state: PublicGoodsState, player: int) -> list[float]:
    """By round in which it answered about them: the points that a player gave."""
    return [sum(acts[player][1:]) for acts in _punished(state) if len(acts[player]) > 1]


def _antisocial(state: PublicGoodsState, player: int) -> list[float]:
    """By the same rounds: the points that a player gave to those who had contributed more than itself."""
    return [
        sum(
            points
            for points, other in zip(acts[player][1:], _contributed(acts), strict=True)
            if other > acts[player][0]
        )
        for acts in _punished(state)
        if len(acts[player]) > 1
    ]


def _veiled(config: PublicGoodsConfig, past: PastRound, own: int) -> PastRound:
    """A round as player `own` learns of it."""
    contributions = _contributed(past.acts)
    return past.model_copy(
        update={
            "acts": tuple(act if at == own else act[:1] for at, act in enumerate(past.acts)),
            "gains": tuple(
                gain if at == own else config.shared(contributions, at) for at, gain in enumerate(past.gains)
            ),
        }
    )


def _disguised(past: PastRound, own: int, most: int) -> PastRound:
    """The round with other points where player `own` does not see them."""
    others = [at for at in range(len(past.acts)) if at != own and len(past.acts[at]) > 1]
    got = dict(zip(others, reversed([past.acts[at][1 + own] for at in others]), strict=True))
    acts = tuple(
        act
        if at not in others
        else (
            act[0],
            *(got[at] if to == own else (points + (to != at)) % (most + 1) for to, points in enumerate(act[1:])),
        )
        for at, act in enumerate(past.acts)
    )
    return past.model_copy(update={"acts": acts})


def _contributions_told(seen: PublicGoodsObservation, acts: Sequence[tuple[float, ...]]) -> str:
    return ", ".join(
        ("you" if player == seen.role else called(player, seen.role))
        + (f" contributed {act[0]:.0f}" if act else " gave no valid answer and contributed nothing")
        for player, act in zip(seen.players, acts, strict=True)
    )


def _names(seats: Sequence[str]) -> str:
    return ", ".join(called(seat, "") for seat in seats)


def _mean(found: Sequence[float]) -> float | None:
    return sum(found) / len(found) if found else None
