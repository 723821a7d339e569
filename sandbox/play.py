"""One running episode of a scenario: the fold over moves that every driver shares.

The Gymnasium and PettingZoo environments, the runner, `verify` and the conformance checks all go through `Play`, so
that chance, forfeits and rewards mean the same everywhere.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError

from sandbox.agent import Framing, Turn
from sandbox.errors import InputError, PluginError
from sandbox.menu import Forfeit, InvalidAction, Menu, Move, read
from sandbox.scenario import NATURE, Appraisal, Luck, Scenario


@dataclass(frozen=True)
class Draw:
    """A move of nature's: the draw's name, the move, and the hash of the state it was drawn in."""

    name: str
    move: Move
    state: str


class Play:
    """A scenario with its current state, and the episode's chance.

    Args:
        scenario: the transition model.
        config: a validated `scenario.Config`.
        item: a member of `scenario.items(config)`, or one rebuilt from a record.
        seed: of nature's draws.
        nature: recorded moves of nature to use, in order, instead of drawing (imports, verification).
    """

    def __init__(
        self,
        scenario: Scenario[Any, Any],
        config: Any,
        item: Any,
        seed: int,
        nature: Sequence[Mapping[str, Any]] | None = None,
    ) -> None:
        self.scenario = scenario
        self.config = config
        self.item = item
        self.luck = Luck(seed)
        self.seats = scenario.seats(config)
        self.state = scenario.initial(config, item)
        self.forfeited = False
        self.truncated = False  # a scenario ends itself; only foreign environments are cut from within
        self._recorded = None if nature is None else iter(nature)

    def to_move(self) -> tuple[str, ...]:
        """The seats to move (never nature: call `settle` first); nobody at the end."""
        return () if self.forfeited else self.scenario.to_move(self.state)

    def settle(self) -> list[Draw]:
        """Let nature move for as long as it is nature's turn; the moves it made."""
        draws = []
        while not self.forfeited and self.scenario.to_move(self.state) == (NATURE,):
            name = self.scenario.draw(self.state)
            if self._recorded is None:
                move = self.scenario.sample(self.state, self.luck.generator(name))
            else:
                move = self._next_recorded(name)
            draws.append(Draw(name, move, self.scenario.state_hash(self.state)))
            self.state = self.scenario.apply(self.state, {NATURE: move})
        return draws

    def apply(self, moves: Mapping[str, Move]) -> None:
        """Take one tick: a move for each seat of `to_move`. A bare `Forfeit` of any of them ends the episode."""
        if any(isinstance(move, Forfeit) for move in moves.values()):
            self.forfeited = True
        else:
            self.state = self.scenario.apply(self.state, moves)

    def payoffs(self) -> dict[str, float]:
        """Total so far, for every seat."""
        totals = self.scenario.payoffs(self.state)
        return {seat: float(totals.get(seat, 0.0)) for seat in self.seats}

    def turn(
        self, seat: str, index: int, *, framing: Framing = "lived", episode: str = "", privileged: bool = False
    ) -> Turn:
        """What the seat is told now."""
        scenario, state = self.scenario, self.state
        observation = scenario.observe(state, seat)
        return Turn(
            seat=seat,
            observation=observation,
            text=scenario.render(observation),
            menu=scenario.menu(state, seat),
            framing=framing,
            index=index,
            episode=episode,
            luck=self.luck,
            appraise=(lambda move: scenario.appraise(state, seat, move)) if privileged else None,
        )

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
        """What the scenario says is true now."""
        return dict(self.scenario.facts(self.state))

    def state_hash(self) -> str:
        """Hash of the state."""
        return self.scenario.state_hash(self.state)

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
