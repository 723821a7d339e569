"""A scripted shopper that uses its hand: it clicks points of a picture, and scrolls to what is not in it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from sandbox.agent import Agent, NoConfig, Picture, Turn
from sandbox.menu import Move, MoveRange
from sandbox.scenario import Frozen
from sandbox_env_market.moves import ClickXY, Scroll, Type, press
from sandbox_env_market.shoppers import BestRated, ByPosition, Cheapest, PlaceConfig, Shopper, page_of

_TOP = -100_000


class ClickerConfig(Frozen):
    """Settings of `Clicker`: which product it wants."""

    wants: Literal["first", "cheapest", "best_rated"] = "cheapest"


class Clicker(Agent[ClickerConfig]):
    """Does what `baselines/cheapest`, `baselines/best_rated` or a buyer of the first product does, by hand.

    It is told where things are in the picture (`Picture.boxes`, by the ids of controls), for it does not look. Where it
    is shown no picture, or is offered no clicks (`actions: moves`), it makes the move itself.
    """

    Config = ClickerConfig

    def __init__(self, config: ClickerConfig) -> None:
        super().__init__(config)
        self.mind: Shopper[NoConfig] | Shopper[PlaceConfig]
        if config.wants == "first":
            self.mind = ByPosition(PlaceConfig())
        else:
            self.mind = (Cheapest if config.wants == "cheapest" else BestRated)(NoConfig())
        self.step = -1
        self.move: Move | None = None
        self.typed: set[str] = set()
        self.seen: list[Mapping[str, tuple[float, float, float, float]]] = []

    def act(self, turn: Turn) -> Move:
        """The next gesture towards the move that it has in mind for this step."""
        if turn.index != self.step or self.move is None:
            self.step, self.move, self.seen, self.typed = turn.index, self.mind.act(turn), [], set()
        if not (turn.pictures and any(isinstance(one, MoveRange) and one.kind is ClickXY for one in turn.menu)):
            return self.move
        control, entered = press(self.move)
        for field in page_of(turn).controls:
            value = entered.get(field.id.partition(":")[0])
            if field.form == control and value is not None and field.id not in self.typed:
                self.typed.add(field.id)
                return Type(ref=field.id, text=value)
        return self._gesture(turn.pictures[-1], control)

    def _gesture(self, picture: Picture, control: str) -> Move:
        """A click where the control is in the picture, else a scroll: down to the end, then from the top again."""
        if control in picture.boxes:
            left, top, width, height = picture.boxes[control]
            return ClickXY(x=left + width / 2, y=top + height / 2)
        down = Scroll(by=max(1, picture.height * 3 // 4))
        at_the_end = bool(self.seen) and self.seen[-1] == picture.boxes
        self.seen.append(picture.boxes)
        return Scroll(by=_TOP) if at_the_end else down
