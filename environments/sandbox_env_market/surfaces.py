"""The shop's surfaces: text and tree on paper, pixels in a real browser; what is done there comes to the same moves.

A surface is in no state and no hash. An agent's move is carried out on the page as a hand would (fields filled in, the
control pressed, in the browser with real input), and has to come back as the same move; a gesture comes to whatever
move the control means that it pressed.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, Literal, TypeVar

from pydantic import Field, TypeAdapter

from sandbox.agent import Turn, changed
from sandbox.errors import PluginError
from sandbox.menu import InvalidAction, Menu, Move, MoveRange, kind_of, read, show
from sandbox.surface import Presenter, Surface
from sandbox_env_market.characters import plain
from sandbox_env_market.config import ShopConfig
from sandbox_env_market.gestures import (
    KEYS,
    TOLD,
    TOLD_POINTS,
    TOLD_REFERENCES,
    Hand,
    held,
    offered,
    option_of,
    references,
    typed,
)
from sandbox_env_market.html import html
from sandbox_env_market.layout import reference
from sandbox_env_market.moves import GESTURES, Click, ClickXY, Key, Scroll, ShopMove, Type, press
from sandbox_env_market.page import Page, text
from sandbox_env_market.tree import tree

if TYPE_CHECKING:  # a surface without pixels needs no browser, and no library for one
    from sandbox_env_market.browser import Look, Tab

SEEN = "The page is in the picture."
"""What stands in the place of the page where it is shown as pixels only."""

GESTURES_A_TURN = 20
"""Gestures without a move, after which an agent is told to come to a decision."""

_MOVE: TypeAdapter[Any] = TypeAdapter(ShopMove)
_GESTURE: TypeAdapter[Any] = TypeAdapter(Annotated[Click | ClickXY | Type | Scroll | Key, Field(discriminator="kind")])
_KINDS = frozenset(map(kind_of, GESTURES))
_ANY_GESTURE: Menu = tuple(map(MoveRange, GESTURES))

Result = TypeVar("Result")


@dataclass(frozen=True)
class ShopSurface(Surface):
    """How the shop's pages are shown, and what is offered to be done there; as in `ShopConfig`."""

    names: tuple[str, ...]
    actions: Literal["moves", "gestures", "both"]

    async def open(self, seat: str, episode: str) -> Presenter:
        """A presenter; with pixels, a tab of the browser that all surfaces share.

        Raises:
            BrowserError: there is no browser, and one is needed.
        """
        if "pixels" not in self.names:
            return OnPaper(self)
        from sandbox_env_market.browser import of_this_loop

        return OnScreen(self, await of_this_loop().tab(self))

    async def close(self) -> None:
        """Close the browser, if no other surface needs it."""
        if "pixels" in self.names:
            from sandbox_env_market.browser import of_this_loop

            await of_this_loop().release(self)


def surface_of(config: ShopConfig) -> ShopSurface | None:
    """The surface that a shop's config names; None where the agent reads text and makes moves, as without any."""
    if config.surface == ("text",) and config.actions == "moves":
        return None
    return ShopSurface(config.surface, config.actions)


class OnPaper(Presenter):
    """Text and accessibility tree, which need no browser: what a hand does there is worked out."""

    def __init__(self, surface: ShopSurface) -> None:
        self.surface = surface
        self.hand = Hand(Page(kind="exit", heading=""))
        self._menu: Menu = ()
        self._gestures = 0

    async def show(self, turn: Turn) -> Turn:
        """The page in the surface's forms."""
        self.hand = Hand(turn.observation.page)
        self._menu, self._gestures = turn.menu, 0
        return await self._seen(turn)

    async def lower(self, raw: object, turn: Turn) -> object | Turn | InvalidAction:
        """A gesture's move, or another look at the page; a move as it is, once it was carried out."""
        gesture = self._gesture(raw)
        if isinstance(gesture, InvalidAction):
            return gesture
        if gesture is None:
            move = read(self._menu, _MOVE, raw)
            if not isinstance(move, InvalidAction):
                await self._carry_out(move, turn)
            elif self.surface.actions == "gestures":
                return read(turn.menu, _GESTURE, raw)
            return raw
        found = await self._do(gesture, turn)
        if isinstance(found, InvalidAction):
            return found
        told = None if found is None else found.model_dump(mode="json")
        turn.emit("gesture", {"did": gesture.model_dump(mode="json"), "move": told})
        if found is not None:
            return found
        self._gestures += 1
        if self._gestures > GESTURES_A_TURN:
            return InvalidAction(
                "illegal", f"{GESTURES_A_TURN} gestures came to nothing; press a control of the page now"
            )
        return await self._seen(turn)

    def imagined(self, raw: object, turn: Turn) -> object | InvalidAction:
        """What the answer would come to; neither fields nor the page change."""
        gesture = self._gesture(raw)
        if gesture is None or isinstance(gesture, InvalidAction):
            return raw if gesture is None else gesture
        hand = self.hand.copy()
        if isinstance(gesture, ClickXY) and turn.pictures:
            met = self._met(gesture)
            control = hand.aim(Click(ref=met)) if met else ""
        else:
            control = hand.aim(gesture)
        if not control:
            return InvalidAction("illegal", f"{show(gesture)} presses nothing, and so is no answer to a question")
        return control if isinstance(control, InvalidAction) else hand.press(control)

    def _met(self, point: ClickXY) -> str:
        """The id of what a click on a point of the last picture would meet; '' for nothing, and on paper."""
        return ""

    def _gesture(self, raw: object) -> Move | InvalidAction | None:
        """The gesture that an answer is; None where it is something else, and where no gestures are to be made."""
        if self.surface.actions == "moves":
            return None
        kind = raw.get("kind") if isinstance(raw, Mapping) else kind_of(raw) if isinstance(raw, Move) else None
        return read(_ANY_GESTURE, _GESTURE, raw) if kind in _KINDS else None

    async def _carry_out(self, move: Move, turn: Turn) -> None:
        """Do what the move says. On paper there is nothing to be done."""

    async def _do(self, gesture: Move, turn: Turn) -> Move | InvalidAction | None:
        unknown = self.hand.unknown(gesture.key) if isinstance(gesture, Key) else None
        control = unknown or self.hand.aim(gesture)
        if isinstance(control, InvalidAction):
            return control
        return self.hand.press(control) if control else None

    async def _seen(self, turn: Turn) -> Turn:
        for name in self.surface.names:
            if name != "pixels":
                turn.emit("view", {"surface": name})
        # What was wrong before is over: what is to be seen now is to be told, and not that again.
        return changed(turn, text=self._text(turn.observation.task), menu=self._offers(), errors=())

    def _text(self, task: str) -> str:
        page, hand = self.hand.shown(), self.surface.actions != "moves"
        names = self.surface.names
        told = TOLD + TOLD_REFERENCES * (names != ("pixels",)) + TOLD_POINTS * ("pixels" in names)
        parts = [task, *([told] if hand else [])]
        for name in self.surface.names:
            if name == "tree":
                parts.append(tree(page, refs=hand))
            elif name == "text":
                parts.append(f"{text(page)}\n{references(page)}" if hand else text(page))
        if self.surface.names == ("pixels",):
            parts.append(SEEN)
        return "\n\n".join(parts)

    def _offers(self) -> Menu:
        names, actions = self.surface.names, self.surface.actions
        if actions == "moves":
            return self._menu
        points = "pixels" in names
        gestures = offered(self.hand.page, references=names != ("pixels",), points=points)
        return gestures if actions == "gestures" else (*self._menu, *gestures)


class OnScreen(OnPaper):
    """Pixels: the page in a real browser, where what is done is done with real input."""

    def __init__(self, surface: ShopSurface, tab: Tab) -> None:
        super().__init__(surface)
        self._tab = tab
        self._ids: dict[str, str] = {}
        self._look: Look | None = None
        self._document = ""
        self._failed = ""
        self._refused = 0

    async def show(self, turn: Turn) -> Turn:
        """A picture of the page, after it was loaded."""
        self.hand = Hand(turn.observation.page)
        self._menu, self._gestures, self._look = turn.menu, 0, None
        self._ids = {reference(one.id): one.id for one in self.hand.page.controls}
        self._document = document = html(self.hand.page)

        async def load() -> Turn:
            await self._tab.show(document)
            return await self._seen(turn)

        return await self._surely(turn, load)

    def _met(self, point: ClickXY) -> str:
        """The id of what a click on a point of the last picture would meet; '' for nothing."""
        found = [
            (width * height, name)
            for name, (left, top, width, height) in (self._look.hits if self._look else ())
            if left <= point.x < left + width and top <= point.y < top + height
        ]
        return self._ids[min(found)[1]] if found else ""

    async def close(self) -> None:
        """Close the tab."""
        await self._tab.close()

    async def _seen(self, turn: Turn) -> Turn:
        self._look = look = await self._tab.look()
        picture, was = look.picture, {one.id: one.value for one in self.hand.page.controls}
        there = {self._ids[name]: value for name, value in look.fields.items()}
        self.hand.drafts = {name: value for name, value in there.items() if value != plain(was[name])}
        self.hand.focus = self._ids.get(look.focused, "")
        boxes = {self._ids[name]: box for name, box in picture.boxes.items()}
        picture = type(picture)(picture.media, picture.data, picture.width, picture.height, boxes)
        shown = await super()._seen(turn)
        data = {"media": picture.media, "base64": look.encoded, "width": picture.width, "height": picture.height}
        turn.emit("view", {"surface": "pixels", **data})
        server = self._tab.server
        if server.refused > self._refused:  # nothing of the shop's own asks for anything: somebody's text got through
            new, self._refused = server.refused - self._refused, server.refused
            turn.emit("refused", {"requests": new, "in_all": server.refused, "first": list(server.what)})
        return changed(shown, pictures=(picture,))

    async def _carry_out(self, move: Move, turn: Turn) -> None:
        control, entered = press(move)
        fields = [one for one in self.hand.page.controls if one.form == control]

        async def do() -> Move | InvalidAction | None:
            for one in fields:
                value = entered.get(one.id.partition(":")[0])
                if value is not None:
                    await self._fill(one.id, value)
            return await self._press(control, partial_click(self._tab, control))

        heard = await self._surely(turn, do)
        if not isinstance(heard, Move) or _typed(heard) != _typed(move):
            said = heard.message if isinstance(heard, InvalidAction) else heard and show(heard)
            raise PluginError(f"{show(move)} was carried out in the browser, and came to {said}; report this")

    async def _do(self, gesture: Move, turn: Turn) -> Move | InvalidAction | None:
        return await self._surely(turn, lambda: self._do_once(gesture))

    async def _do_once(self, gesture: Move) -> Move | InvalidAction | None:
        tab, picture = self._tab, self._look.picture if self._look else None
        if isinstance(gesture, Scroll):
            await tab.scroll(gesture.by)
            return None
        if isinstance(gesture, ClickXY):
            if picture is not None and (gesture.x >= picture.width or gesture.y >= picture.height):
                return InvalidAction(
                    "illegal", f"the picture is {picture.width} x {picture.height} pixels; {show(gesture)} is outside"
                )
            met = await tab.at(gesture.x, gesture.y)
            control = self.hand.aim(Click(ref=self._ids[met])) if met else ""
            if isinstance(control, InvalidAction):
                return control
            return await self._press(control, lambda: tab.click(gesture.x, gesture.y))
        control = self.hand.aim(gesture)
        if isinstance(control, InvalidAction):
            return control
        if isinstance(gesture, Type):
            await self._fill(self.hand.focus, gesture.text)
            return None
        if isinstance(gesture, Key):
            key = gesture.key if gesture.key in KEYS else typed(gesture.key)
            return await self._press(control, lambda: tab.key(key)) if key else None
        click = partial_click(tab, self.hand.focus)
        if control:
            return await self._press(control, click)
        await click()
        await tab.focus(reference(self.hand.focus))  # what is keyed goes behind what is there, as on paper
        return None

    async def _press(self, control: str, do: Callable[[], Awaitable[None]]) -> Move | InvalidAction | None:
        """Do it; where that presses a control, the move that the shop's server heard of."""
        await do()
        if not control:
            return None
        heard = await self._tab.pressed()
        return self.hand.press(self._ids.get(reference(heard.control), heard.control), heard.entered)

    async def _fill(self, name: str, value: str) -> None:
        found = next(one for one in self.hand.page.controls if one.id == name)
        combobox = found.role == "combobox"
        text = (option_of(found, typed(value)) if combobox else None) or held(found, value)
        await self._tab.fill(reference(name), text, choose=combobox)

    async def _surely(self, turn: Turn, do: Callable[[], Awaitable[Result]]) -> Result:
        """Do it; where the browser fails, once more in a fresh context, which is recorded.

        Raises:
            PluginError: it failed a second time in this episode.
            BrowserError: it is gone, and cannot be started again.
        """
        from sandbox_env_market import browser

        try:
            async with asyncio.timeout(
                browser.PATIENCE + 2e-6 * len(self._document)
            ):  # ten thousand products are 20 MB
                return await do()
        except (browser.Error, TimeoutError) as error:
            fault = browser.broken(error)
        if not self._failed:
            self._failed = fault
            shared = browser.of_this_loop()
            await self._tab.close()
            await shared.mend()
            try:
                async with asyncio.timeout(2 * (browser.PATIENCE + 2e-6 * len(self._document))):
                    self._tab, self._refused = await shared.tab(self.surface), 0
                    await self._restore()
                    turn.emit("browser", {"fault": fault, "done": "shown again in a fresh browser context"})
                    return await do()
            except (browser.Error, TimeoutError) as error:
                fault = browser.broken(error)
        raise PluginError(f"the browser failed twice in this episode: {self._failed}; then: {fault}")

    async def _restore(self) -> None:
        """The page as it was when it was last seen: with what was typed, scrolled as it was, with its focus."""
        await self._tab.show(self._document)
        if self._look is None:
            return
        for one in self.hand.page.controls:
            there = self._look.fields.get(reference(one.id))
            if one.form and there is not None and there != plain(one.value):
                await self._fill(one.id, there)
        await self._tab.focus(self._look.focused)
        if self._look.scroll:
            await self._tab.scroll(self._look.scroll)


def partial_click(tab: Tab, control: str) -> Callable[[], Awaitable[None]]:
    """A click on a control, to be done."""
    return lambda: tab.click_on(reference(control))


def _typed(move: Move) -> dict[str, Any]:
    """A move as a keyboard can say it."""
    return {name: typed(value) if isinstance(value, str) else value for name, value in move.model_dump().items()}
