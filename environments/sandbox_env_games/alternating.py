"""How a scripted counterpart plays a game of alternating offers, round by round, and what can be got of it: exact.

Shared by the theory of bargaining and of negotiation. An offer is a number of integer cents there (what alice gets, a
price), of which the one seat wants more and the other less; seats make offers in turn, and the other answers.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from math import inf
from random import Random
from typing import Any, Literal

from sandbox.menu import Move, kind_of
from sandbox.scenario import Benchmark, Item, Policy, Scenario

MOST_ROUNDS = 100
"""How far a counterpart is looked at in a game without a last round."""
SETTLED = 1e-9
"""What later rounds may still be worth where looking stops."""
Answer = Literal["accept", "reject", "leave"]


@dataclass(frozen=True)
class Reaction:
    """How a counterpart meets the other seat in one round; an offer is integer cents.

    Attributes:
        offer: in its own rounds what it offers, None: nothing. In the other seat's rounds the best offer for that seat
            that it accepts, as all that are worse for that seat, None: it accepts none.
        leaves: in the other seat's rounds: it refuses by ending the game.
    """

    offer: int | None
    leaves: bool = False


class NotMarkovError(Exception):
    """A counterpart's play depends on more than round and offer, so that no small table describes it."""


@lru_cache(maxsize=1024)
def _any(number: int, least: int, most: int) -> int:
    """Some offer, always the same for a round."""
    return Random(number).randint(least, most)  # noqa: S311  # any will do


@dataclass(frozen=True)
class Meeting:
    """A seat and the counterpart that it meets.

    Attributes:
        game: one of alternating offers: its state has `offer` (None before one is made) and `round`, its forfeit of an
            answer is a rejection.
        config: the game's.
        seat: whose payoff is asked for.
        policy: the counterpart's.
        rounds: how many there are; None: no last one.
        propose: makes the move that offers so many cents, with a message.
        offers: what `seat` offers when it plays at random, in ascending order.
        most: the greatest legal offer; the least is 0.
        wants_more: whether greater offers are better for `seat`.
        messages: whether an offer can carry one.
        answers: of how many answers a random player chooses: to accept, to reject, others that leave with nothing.
        worth: the payoff of `seat` from an offer that is agreed in a round.
        discount: what a payoff is worth when it is had a round later.
        ceiling: the most that a payoff of the first round can be.
    """

    game: Scenario[Any, Any]
    config: Any
    seat: str
    policy: Policy
    rounds: int | None
    propose: Callable[[int, str | None], Move]
    offers: Sequence[int]
    most: int
    wants_more: bool
    messages: bool
    answers: int
    worth: Callable[[int, int], float]
    discount: float = 1.0
    ceiling: float = inf

    def proposes(self, number: int) -> bool:
        """Whether it is `seat` that offers in round `number`."""
        return self.game.seats(self.config)[1 - number % 2] == self.seat

    def reactions(self) -> tuple[Reaction, ...]:
        """How the counterpart reacts in each round, when all offers before were rejected.

        Only as many rounds as matter (see `settled`), and at most `MOST_ROUNDS` where there is no last one.

        The best offer that it accepts is found by bisection between those of a random player and the bounds, of which
        it must not accept a worse one for itself and refuse a better one; from round 5 on the one of two rounds before
        is tried first. All is seen after two pasts: in one `seat` made its best offer each time, in the other some
        offer, always another one, with a message (where there are messages). A counterpart that remembers or reads
        shows itself there.

        Raises:
            NotMarkovError: no table by round describes the counterpart; says why.
        """
        pasts = [self.game.initial(self.config, Item())] * 2
        extreme = self.offers[-1 if self.wants_more else 0]
        met: list[Reaction] = []
        for number in range(1, (self.rounds or MOST_ROUNDS) + 1):
            drawn = _any(number, self.offers[0], self.offers[-1])
            said = f"Message {number}." if self.messages else None
            if self.proposes(number):
                made = [self.propose(extreme, None), self.propose(drawn, said)]
                reaction = self._reaction(pasts[0], met[-2] if len(met) > 3 else None)
                alike = self._reacts(pasts[1], reaction, said, drawn)
            else:
                made = [self.policy(state) for state in pasts]
                offered = [getattr(move, "cents", None) for move in made]
                reaction, alike = Reaction(offered[0]), len(set(offered)) == 1
            if not alike:
                raise NotMarkovError(
                    f"plays round {number} differently after different offers or messages, or accepts worse offers "
                    "there than it refuses"
                )
            met.append(reaction)
            if number % 4 == 0 and all(self.settled(met)):
                break
            pasts = [self._following(state, move) for state, move in zip(pasts, made, strict=True)]
        return tuple(met)

    def _reaction(self, state: Any, likely: Reaction | None) -> Reaction:
        """The reaction to `seat`'s offers in `state`; few are tried where `likely`, what it was before, is it again."""
        if likely is not None and self._reacts(state, likely):
            return likely
        ordered = sorted({0, self.most, *self.offers}, reverse=not self.wants_more)  # ever worse for the counterpart
        answers = [self._answer(state, cents) for cents in ordered]
        count = answers.count("accept")
        if "accept" in answers[count:]:
            raise NotMarkovError(f"accepts a worse offer in round {state.round} where it refuses a better one")
        best = ordered[count - 1] if count else None
        refusals = set(answers[count:])
        if best is not None and refusals:
            refused = ordered[count]
            while abs(refused - best) > 1:
                between = (refused + best) // 2
                answer = self._answer(state, between)
                if answer == "accept":
                    best = between
                else:
                    refused = between
                    refusals.add(answer)
        if len(refusals) > 1:
            raise NotMarkovError(f"rejects some offers in round {state.round} and leaves at others")
        return Reaction(best, leaves="leave" in refusals)

    def _reacts(self, state: Any, reaction: Reaction, said: str | None = None, also: int | None = None) -> bool:
        """Whether `reaction` holds in `state` about where it begins to refuse, and for the offer `also`."""
        worst = (0 if self.wants_more else self.most) if reaction.offer is None else reaction.offer + self._better
        tried = [worst] if 0 <= worst <= self.most else []
        tried += [cents for cents in (reaction.offer, also) if cents is not None]
        return all(self._answer(state, cents, said) == self._expected(reaction, cents) for cents in tried)

    def _expected(self, reaction: Reaction, cents: int) -> Answer:
        if reaction.offer is not None and (cents - reaction.offer) * self._better <= 0:
            return "accept"
        return "leave" if reaction.leaves else "reject"

    @property
    def _better(self) -> int:
        """A cent in the way that `seat` wants."""
        return 1 if self.wants_more else -1

    def _answer(self, state: Any, cents: int, said: str | None = None) -> Answer:
        kind = kind_of(self.policy(self.game.apply(state, {self.seat: self.propose(cents, said)})))
        return "accept" if kind == "accept" else "reject" if kind == "reject" else "leave"

    def _following(self, state: Any, move: Move) -> Any:
        """The next round, after `move` was made and refused (or no offer was made at all)."""
        state = self.game.apply(state, dict.fromkeys(self.game.to_move(state), move))
        if state.offer is None:
            return state
        (seat,) = self.game.to_move(state)
        return self.game.apply(state, {seat: self.game.forfeit(state, seat)})

    def settled(self, met: Sequence[Reaction]) -> tuple[bool, bool]:
        """Whether rounds after those of `met` can change `best_response`, and `random_response`, by `SETTLED` at most.

        `met` may be the reactions in some rounds only, from the first on.
        """
        if len(met) == self.rounds:
            return True, True
        left = self.ceiling * self.discount ** len(met)
        if left == inf:
            return False, False
        reached = 1.0
        for number, reaction in enumerate(met, start=1):
            if self.proposes(number):
                reached *= sum(self._expected(reaction, cents) == "reject" for cents in self.offers) / len(self.offers)
            elif reaction.offer is not None:
                reached /= self.answers
        return left - self.best_response(met) <= SETTLED, reached * left <= SETTLED

    def best_response(self, met: Sequence[Reaction]) -> float:
        """The greatest payoff that `seat` can get from a counterpart that reacts as `met`."""
        value = 0.0
        for number in range(len(met), 0, -1):
            reaction = met[number - 1]
            if self.proposes(number) and reaction.leaves:
                value = 0.0
            if reaction.offer is not None:
                value = max(value, self.worth(reaction.offer, number))
        return value

    def random_response(self, met: Sequence[Reaction]) -> float:
        """The expected payoff of `seat` when it plays at random against a counterpart that reacts as `met`."""
        value = 0.0
        for number in range(len(met), 0, -1):
            reaction = met[number - 1]
            if self.proposes(number):
                after = {"reject": value, "leave": 0.0}
                had = [
                    self.worth(cents, number) if answer == "accept" else after[answer]
                    for cents in self.offers
                    for answer in [self._expected(reaction, cents)]
                ]
                value = sum(had) / len(had)
            elif reaction.offer is not None:
                value = (self.worth(reaction.offer, number) + value) / self.answers
        return value


def against(seat: str, other: str, meeting: Meeting | None, at_random: str) -> Mapping[str, Benchmark]:
    """`best_response/SEAT` and `random_response/SEAT`; None, with the reason, without a counterpart or a table of it.

    Args:
        seat: whose anchors they are.
        other: the counterpart's seat.
        meeting: of the two; None: the seat has no scripted, deterministic counterpart.
        at_random: what random play is.
    """
    names = f"best_response/{seat}", f"random_response/{seat}"
    if meeting is None:
        reason = f"the agent in seat {other} is not a scripted, deterministic counterpart"
        return {name: Benchmark(value=None, assumes=reason) for name in names}
    try:
        met = meeting.reactions()
    except NotMarkovError as finding:
        reason = f"not computed: the counterpart in seat {other} {finding}"
        return {name: Benchmark(value=None, assumes=reason) for name in names}
    scope = (
        "this counterpart, taken to play by round and offer only, to accept up to one offer and refuse alike after it, "
        "and to read no messages (seen to hold where asked, after two pasts)"
    )
    best = f"best play, by dynamic programming, by a player who knows the number of rounds, against {scope}"
    chance = f"random play ({at_random}) against {scope}"
    values = (meeting.best_response(met), best), (meeting.random_response(met), chance)
    open_ = f"not computed: there is no last round, and what comes after round {len(met)} may be worth more"
    return {
        name: Benchmark(value=value, assumes=assumes) if is_settled else Benchmark(value=None, assumes=open_)
        for name, (value, assumes), is_settled in zip(names, values, meeting.settled(met), strict=True)
    }
