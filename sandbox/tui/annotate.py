"""What the keys of annotating do on any screen: bookmark, note, label, and the list of an episode's annotations."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from typing import Any, NamedTuple

import platformdirs
from textual.screen import Screen
from textual.suggester import SuggestFromList
from textual.widgets import Input

from sandbox.annotation import Annotation, checked_name, value_of
from sandbox.errors import InputError, SandboxError
from sandbox.people import person_name
from sandbox.report.address import address
from sandbox.text import display_line
from sandbox.tui.annotation_list import AnnotationList
from sandbox.tui.note import NoteScreen
from sandbox.tui.prompt import Prompt
from sandbox.tui.source import Source


class Place(NamedTuple):
    """An episode, and a step of it (its index) or, None, all of it."""

    key: str
    step: int | None = None

    @property
    def words(self) -> str:
        """As people write it."""
        return f"episode {address(self.key)}" if self.step is None else f"step {self.step + 1}"


class Annotator:
    """Annotates what a screen shows, off the UI thread, one thing after the other."""

    def __init__(
        self,
        screen: Screen[Any],
        source: Source,
        place: Callable[[], Place | None],
        show: Callable[[str, Sequence[Annotation]], None],
        say: Callable[[str, bool], None],
        go: Callable[[int], None] = lambda step: None,
    ) -> None:
        """What it needs of the screen.

        Args:
            screen: whose workers do the work.
            source: where annotations are kept.
            place: what is annotated now, if anything is.
            show: shows what is said of an episode, after it has changed.
            say: tells the person something; True if it is a fault.
            go: goes to a step.
        """
        self._screen, self._source = screen, source
        self._place, self._show, self._say, self._go = place, show, say, go
        self._turn = asyncio.Lock()  # a key pressed twice is done twice

    def bookmark(self) -> None:
        """Bookmark the place, or take the person's own bookmark off it."""
        self._begin(self._bookmark)

    def note(self) -> None:
        """Write a note."""
        self._begin(self._note)

    def label(self) -> None:
        """Ask for a label's name and value."""
        self._begin(self._label)

    def list(self) -> None:
        """List all of the episode, and do what is wanted of one of them."""
        self._begin(self._list)

    def _begin(self, what: Callable[[Place], Coroutine[Any, Any, None]]) -> None:
        place = self._place()
        if place is None:
            self._say("there is nothing to annotate", False)
            return

        async def work() -> None:
            async with self._turn:
                try:
                    await what(place)
                except SandboxError as error:
                    self._say(str(error), True)

        self._screen.run_worker(work(), group="annotate")

    async def _bookmark(self, place: Place) -> None:
        author = await self._author()
        if author is None:
            return
        # In one go: a thread that has begun ends, also when the screen is left in this very moment.
        marked = await asyncio.to_thread(self._marked, place, author)
        await self._told(place, f"{'bookmarked' if marked else 'no longer bookmarked'}: {place.words}")

    def _marked(self, place: Place, author: str) -> bool:
        """Bookmark the place, or take the person's own bookmark off it; whether it is bookmarked now."""
        found = self._source.annotations(place.key)
        own = [one for one in found if (one.kind, one.step, one.author) == ("bookmark", place.step, author)]
        if own:
            self._source.delete_annotation(own[-1].id, author)
        else:
            self._source.annotate(place.key, "bookmark", author=author, step=place.step)
        return not own

    async def _note(self, place: Place) -> None:
        author = await self._author()
        if author is None:
            return

        async def save(text: str) -> None:
            await self._add(place, "note", author, text=text)

        if await self._written(NoteScreen(place.words), save):
            await self._told(place, f"noted on {place.words}")

    async def _written(self, screen: NoteScreen, save: Callable[[str], Coroutine[Any, Any, None]]) -> bool:
        """Whether a note was written and saved; what cannot be saved is not lost, but back in the editor."""
        while (text := await self._screen.app.push_screen_wait(screen)) is not None:
            try:
                await save(text)
            except SandboxError as error:
                screen = NoteScreen(screen.where, text, str(error))
            else:
                return True
        return False

    async def _label(self, place: Place) -> None:
        author = await self._author()
        if author is None:
            return
        names = await asyncio.to_thread(self._source.label_names)
        name = await self._screen.app.push_screen_wait(LabelPrompt(place.words, names))
        if not name:
            return
        name, has_value, value = name.partition("=")  # NAME=VALUE is what the command line takes
        name = checked_name(name, "the label's name")
        number = None
        question = f"{name} (y, n or a number):"
        while number is None:
            if not has_value:
                answer = await self._screen.app.push_screen_wait(Prompt(question, value or "y"))
                if answer is None:
                    return
                value = answer
            try:
                number = value_of(value)
            except InputError:
                has_value, question = "", f"{value[:20]!r} is no value; {name} (y, n or a number):"
        await self._add(place, "label", author, name=name, value=number)
        await self._told(place, f"labelled {place.words}: {name} = {number:g}")

    async def _list(self, place: Place) -> None:
        one, fault = None, ""
        while found := await self._read(place.key):
            wish = await self._screen.app.push_screen_wait(AnnotationList(found, place.step, one, fault))
            if wish is None:
                return
            one, fault = wish.annotation, ""
            if wish.do == "go":
                if one.step is not None:
                    self._go(one.step)
                return
            try:
                await self._change(wish.do == "delete", one)
            except InputError as error:  # somebody else's, or nothing to change
                fault = str(error)
            place = Place(place.key, one.step)
            self._show(place.key, await self._read(place.key))
        self._say("nobody has annotated this episode: b bookmarks, N notes, L labels", False)

    async def _change(self, delete: bool, one: Annotation) -> None:
        author = await self._author()
        if author is None:
            return
        if delete:
            await asyncio.to_thread(self._source.delete_annotation, one.id, author)
        elif one.kind != "note":
            raise InputError(f"a {one.kind} cannot be changed: d in the list of annotations deletes it")
        elif one.author != author:
            raise InputError(f"this note is {one.author}'s: only they can change it")
        else:

            async def save(text: str) -> None:
                await asyncio.to_thread(self._source.change_note, one.id, author, text)

            await self._written(NoteScreen(Place(one.episode, one.step).words, one.text), save)

    async def _add(self, place: Place, kind: Any, author: str, **said: Any) -> None:
        await asyncio.to_thread(self._source.annotate, place.key, kind, author=author, step=place.step, **said)

    async def _read(self, key: str) -> Sequence[Annotation]:
        return await asyncio.to_thread(self._source.annotations, key)

    async def _told(self, place: Place, words: str) -> None:
        self._show(place.key, await self._read(place.key))
        self._say(words, False)

    async def _author(self) -> str | None:
        """Who annotates; asked for once where nobody knows, and remembered."""
        try:
            return person_name()
        except InputError:
            pass
        file = platformdirs.user_config_path("agent-eval-sandbox") / "author"
        try:
            return person_name(file.read_text(encoding="utf-8").strip() or " ")
        except (OSError, UnicodeDecodeError, InputError):
            answer = await self._screen.app.push_screen_wait(Prompt("your name, to sign what you say:"))
        if answer is None:
            return None
        name = person_name(answer or " ")
        try:
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(name, encoding="utf-8")
        except OSError:
            pass  # then it is asked for again
        return name


class LabelPrompt(Prompt):
    """Asks for a label's name, and completes those in use (right arrow takes the completion)."""

    def __init__(self, where: str, names: Sequence[str]) -> None:
        super().__init__(f"label {where} (name):")
        self._names = [name for name in names if display_line(name) == name]  # what it shows is what it takes

    def on_mount(self) -> None:
        """Complete from the names in use."""
        self.query_one(Input).suggester = SuggestFromList(self._names, case_sensitive=False)
