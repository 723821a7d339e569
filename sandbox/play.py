"""One running episode of a scenario: the fold over moves that every driver shares.

The Gymnasium and PettingZoo environments, the runner, `verify` and the conformance checks all go through `Play`, so
that chance, forfeits and rewards mean the same everywhere.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError

from sandbox.agent import Emit, Framing, Turn, ignore, lazy_turn
from sandbox.errors import InputError, PluginError
from sandbox.menu import Forfeit, InvalidAction, Menu, Move, read
from sandbox.recent import Recent, RecentOf, by_object
from sandbox.scenario import NATURE, Appraisal, Luck, Scenario
from sandbox.told import LONGEST, Answered, Made, Told, made


@dataclass(frozen=True)
class Draw:
    """A move of nature's: the draw's name, the move, and the hash of the state it was drawn in."""

    name: str
    made: Made
    state: str

    @property
    def move(self) -> Move:
        """The move itself."""
        return self.made.move


class Place:
    """A state, with what follows from it; each part is made when first asked for.

    Attributes:
        told: what is told in it, by seat.
        leads: moves made in it -> the hash of the state that they lead to.
    """

    __slots__ = ("_identity", "_payoffs", "_scenario", "_to_move", "leads", "state", "told")

    def __init__(self, scenario: Scenario[Any, Any], state: Any) -> None:
        self.state = state
        self.told: dict[str, Told] = {}
        self.leads: dict[Moved, str] = {}
        self._scenario = scenario
        self._to_move: tuple[str, ...] | None = None
        self._payoffs: Mapping[str, float] | None = None
        self._identity: tuple[str, bool] | None = None

    def to_move(self) -> tuple[str, ...]:
        """The seats to move."""
        if self._to_move is None:
            self._to_move = self._scenario.to_move(self.state)
        return self._to_move

    def payoffs(self, seats: tuple[str, ...]) -> Mapping[str, float]:
        """Totals of the seats."""
        if self._payoffs is None:
            self._payoffs = _of_seats(self._scenario.payoffs(self.state), seats)
        return self._payoffs

    def identity(self) -> tuple[str, bool]:
        """The state's hash, and whether no other state has it."""
        if self._identity is None:
            self._identity = self._scenario.identify(self.state)
        return self._identity


_drawn = by_object(300)(made)  # scenarios whose chance has few moves draw the very same again and again
_PAID: RecentOf[tuple[Mapping[str, float], Mapping[str, float]]] = RecentOf(300)  # many states pay the very same


def _of_seats(totals: Mapping[str, float], seats: tuple[str, ...]) -> Mapping[str, float]:
    found = _PAID.get((totals, seats))
    if found is None or found[0] != totals:  # a plugin may fill the same object anew
        found = dict(totals), {seat: float(totals.get(seat, 0.0)) for seat in seats}
        _PAID.put((totals, seats), found)
    return found[1]


Moved = tuple[object, ...]
"""Moves made at once: seat, type and JSON of each."""
_PLACE = 1000  # bytes that a place takes, about, beside what is told there
_WAYS = 100  # remembered ways out of a place
_LONG = 4_000_000  # room for places where it is known that they come back


class Memo:
    """What plays of one scenario need not work out again: what is told in a state, and what a move leads to.

    All of that is a function of the state (the scenario's contract, which `sandbox.checks` tests without a memo), and
    states with one hash are one state: they are the same as JSON, where `==` would hold between 1, 1.0 and True.
    """

    def __init__(self) -> None:
        self.places: Recent[str, Place] = Recent(1_000_000)  # bytes, as JSON: a sixth to a fiftieth of what they take
        self._met: Recent[str, bool] = Recent(1_000)  # hashes alone
        self._begins: RecentOf[str] = RecentOf(300)

    def begin(self, scenario: Scenario[Any, Any], config: Any, item: Any) -> Place:
        """The place where episodes of this very config and this very item begin."""
        begins = self._begins.get((config, item))
        found = None if begins is None else self.places.get(begins)
        if found is None:
            found = self.known(Place(scenario, scenario.initial(config, item)))
            digits, exact = found.identity()
            if exact:
                self._begins.put((config, item), digits)
        return found

    def known(self, place: Place) -> Place:
        """The place that is known of the same state; else this one, known from now on."""
        digits, exact = place.identity()
        if not exact:
            return place
        found = self.places.get(digits)
        if found is None:
            if self._met.get(digits):  # let go too soon: a game of a hundred rounds takes two megabytes
                self.places.room = _LONG
            self._met.put(digits, True)
            self.places.put(digits, place, _PLACE)
        return found or place


class Play:
    """A scenario with its current state, and the episode's chance.

    Args:
        scenario: the transition model.
        config: a validated `scenario.Config`.
        item: a member of `scenario.items(config)`, or one rebuilt from a record.
        seed: of nature's draws.
        nature: recorded moves of nature to use, in order, instead of drawing (imports, verification).
        memo: shared with other plays of the same scenario object; without it everything is worked out anew.
        known: name of a draw -> nature's move, of those that are known beforehand.
    """

    def __init__(
        self,
        scenario: Scenario[Any, Any],
        config: Any,
        item: Any,
        seed: int,
        nature: Sequence[Mapping[str, Any]] | None = None,
        memo: Memo | None = None,
        known: Mapping[str, Mapping[str, Any]] | None = None,
    ) -> None:
        self.scenario = scenario
        self.config = config
        self.item = item
        self.luck = Luck(seed)
        self.seats = scenario.seats(config)
        self.forfeited = False
        self.truncated = False  # a scenario ends itself; only foreign environments are cut from within
        self._memo = memo
        self._recorded = None if nature is None else iter(nature)
        self._known = known or {}
        self._anew: tuple[str, ...] = ()
        self._place = memo.begin(scenario, config, item) if memo else Place(scenario, scenario.initial(config, item))

    @property
    def state(self) -> Any:
        """Where the episode stands; may be set, to go on from elsewhere."""
        return self._place.state

    @state.setter
    def state(self, state: Any) -> None:
        self._place = Place(self.scenario, state)

    def to_move(self) -> tuple[str, ...]:
        """The seats to move (never nature: call `settle` first); nobody at the end."""
        return () if self.forfeited else self._place.to_move()

    def settle(self) -> list[Draw]:
        """Let nature move for as long as it is nature's turn; the moves it made."""
        draws = []
        while not self.forfeited and self._place.to_move() == (NATURE,):
            name = self.scenario.draw(self.state)
            if self._recorded is not None:
                move = self._next_recorded(name)
            elif name in self._known:
                move = self.scenario.action.validate_python(self._known[name])
            else:
                move = self.scenario.sample(self.state, self.luck.generator(*self._anew, name))
            one = _drawn(move)
            draws.append(Draw(name, one, self.state_hash()))
            self._go({NATURE: move}, {NATURE: one})
        return draws

    def draw_by(self, name: str) -> None:
        """From now on nature draws by the luck of this name; '' is the seed's own."""
        self._anew = ("fork", name) if name else ()

    def apply(self, moves: Mapping[str, Move], forms: Mapping[str, Made] | None = None) -> None:
        """Take one tick: a move for each seat of `to_move`. A bare `Forfeit` of any of them ends the episode.

        `forms`: the moves as `sandbox.told.made` makes them, if that is done already; only then is a memo used.
        """
        for move in moves.values():
            if issubclass(type(move), Forfeit):  # `isinstance` of a pydantic model costs a microsecond to say no
                self.forfeited = True
                return
        self._go(moves, forms)

    def _go(self, moves: Mapping[str, Move], forms: Mapping[str, Made] | None) -> None:
        memo, place = self._memo, self._place
        if memo is None or forms is None:
            self._place = Place(self.scenario, self.scenario.apply(place.state, moves))
            return
        moved: Moved = ()
        for seat, one in forms.items():
            if one.written is None or len(one.written) > LONGEST:
                moved = ()
                break
            moved += (seat, type(one.move), one.written)
        leads = place.leads.get(moved)
        found = None if leads is None else memo.places.get(leads)
        if found is None:
            found = memo.known(Place(self.scenario, self.scenario.apply(place.state, moves)))
            digits, exact = found.identity()
            if moved and exact and place.identity()[1]:
                if len(place.leads) >= _WAYS:
                    place.leads.clear()
                place.leads[moved] = digits
        self._place = found

    def payoffs(self) -> Mapping[str, float]:
        """Total so far, for every seat."""
        return self._place.payoffs(self.seats)

    def turn(
        self,
        seat: str,
        index: int,
        *,
        framing: Framing = "lived",
        episode: str = "",
        privileged: bool = False,
        emit: Emit = ignore,
    ) -> Turn:
        """What the seat is told now."""
        told = self._place.told.get(seat) or self._look(seat)
        return turn_of(told, seat, index, self.luck, framing=framing, episode=episode, privileged=privileged, emit=emit)

    def told(self, seat: str) -> Told:
        """The same, with the record of it made."""
        told = self._place.told.get(seat) or self._look(seat)
        if not told.recorded:
            written = told.record().written
            digits, exact = self._place.identity()
            if self._memo is not None and exact and written is not None:
                self._memo.places.put(digits, self._place, _PLACE + len(written))
        return told

    def _look(self, seat: str) -> Told:
        told = self._place.told[seat] = Told(self.scenario, self._place.state, seat)
        return told

    def answered(self, seat: str, raw: object) -> Answered | InvalidAction:
        """The legal move that `raw` means with its ground truth, or a typed error."""
        told = self._place.told.get(seat)
        if told is None or not told.recorded:
            told = self.told(seat)
        known = told.known(raw)
        if known is not None:
            return known
        move = self.read(told.menu(), raw)
        return move if isinstance(move, InvalidAction) else told.understand(raw, move)

    def read(self, menu: Menu, raw: object) -> Move | InvalidAction:
        """The legal move that `raw` means, or a typed error."""
        return read(menu, self.scenario.action, raw)

    def forfeit(self, seat: str) -> Move:
        """The declared forfeit, here and now."""
        return self.scenario.forfeit(self.state, seat)

    def reference(self, seat: str) -> Move:
        """The move that carries a hypothetical episode on."""
        return self.scenario.reference(self.state, seat)

    def appraise(self, seat: str, move: Move) -> Appraisal:
        """Ground truth on a legal move, here and now."""
        return self.scenario.appraise(self.state, seat, move)

    def facts(self) -> dict[str, Any]:
        """What the scenario says is true now; as `treatments` the factors that nature assigned, with propensities."""
        found = dict(self.scenario.facts(self.state))
        if drawn := self.scenario.treatments(self.state):
            found["treatments"] = {name: one.model_dump(mode="json") for name, one in drawn.items()}
        return found

    def state_hash(self) -> str:
        """Hash of the state."""
        return self._place.identity()[0]

    def _next_recorded(self, name: str) -> Move:
        raw = next(self._recorded, None) if self._recorded is not None else None
        if raw is None:
            raise InputError(f"the record has no move for nature's draw {name!r}")
        move = self.scenario.action.validate_python(raw)
        assert isinstance(move, Move)
        return move


def validated_config(
    scenario: Scenario[Any, Any], config: Mapping[str, Any] | None, written: Mapping[str, Any] | None = None
) -> Any:
    """`scenario.Config` made of `config`.

    Args:
        scenario: whose.
        config: fields and values.
        written: the same before `${VAR}` was replaced, so that no error shows what a variable holds.

    Raises:
        InputError: all the faults at once, each with the field's name.
    """
    config = config or {}
    try:
        return scenario.Config.model_validate(dict(config))
    except ValidationError as error:
        known = scenario.Config.model_fields
        raise InputError.of_settings(f"config of {scenario.id}", error, known, written or config) from None


def resolved(scenario: Scenario[Any, Any], config: Any, item: Any, luck: Luck) -> Any:
    """The config with what it leaves to the experiment (`counterbalanced`) settled by lot, for a single episode."""
    settings = scenario.counterbalance(config, item)
    if not settings:
        raise PluginError(f"{scenario.id}: counterbalance() gave no setting; an empty one is [{{}}]")
    chosen = settings[int(luck.generator("counterbalance").integers(len(settings)))]
    return config if not chosen else type(config).model_validate({**config.model_dump(), **chosen})


def turn_of(
    told: Told,
    seat: str,
    index: int,
    luck: Luck,
    *,
    framing: Framing = "lived",
    episode: str = "",
    privileged: bool = False,
    emit: Emit = ignore,
) -> Turn:
    """The turn of a seat that is told this."""
    return lazy_turn(
        {
            "_told": told,
            "seat": seat,
            "menu": told.menu(),
            "framing": framing,
            "index": index,
            "episode": episode,
            "errors": (),
            "luck": luck,
            "appraise": told.appraise if privileged else None,
            "emit": emit,
            "pictures": (),
            "chance": "",
            "looks": 0,
        }
    )
