"""The replay as a Textual app: opens the list of episodes, or one episode, and knows the actions of all screens."""

from __future__ import annotations

import os
from collections.abc import Iterable
from functools import partial
from typing import ClassVar

from textual.app import App, SystemCommand
from textual.binding import BindingType
from textual.screen import Screen

from sandbox.errors import SandboxError
from sandbox.store import Store
from sandbox.tui.actions import Where, available, bindings, key_name
from sandbox.tui.bar import KeyBar
from sandbox.tui.browse import Browse
from sandbox.tui.episode import EpisodeScreen
from sandbox.tui.help import HelpScreen
from sandbox.tui.moment import Recording
from sandbox.tui.picture import PictureScreen
from sandbox.tui.source import Source, StoreSource


class ReplayApp(App[None]):
    """The replay over a source.

    Args:
        source: where episodes come from.
        title: what is being looked at, as the list's head says it.
        episode: key of an episode to open at once; leaving it leaves the replay.
        step: the step to open it at, from 1.

    Raises:
        SandboxError: `episode` cannot be read.
    """

    TITLE = "sandbox replay"
    BINDINGS: ClassVar[list[BindingType]] = [*bindings("anywhere")]

    def __init__(
        self, source: Source, title: str = "all episodes", episode: str | None = None, step: int | None = None
    ) -> None:
        # Without colours means without any: Textual alone would turn them into greys.
        super().__init__(ansi_color=True if os.environ.get("NO_COLOR") else None)
        self._source = source
        self._title = title
        self._opening = None if episode is None else self._read(episode)
        self._step = step

    def on_mount(self) -> None:
        """Open the first screen."""
        if self._opening is None:
            self.push_screen(Browse(self._source, self._title))
        else:
            self.push_screen(EpisodeScreen(self._opening, (self._step or 1) - 1))

    def on_browse_opened(self, message: Browse.Opened) -> None:
        """Open an episode; say so where it cannot be read."""
        try:
            recording = self._read(message.key)
        except SandboxError as error:
            self._say(str(error), fault=True)
            return
        self.push_screen(EpisodeScreen(recording))

    def _read(self, key: str) -> Recording:
        source = self._source
        return Recording(source.episode(key), tuple(source.marks(key)), tuple(source.scores(key)))

    def _say(self, text: str, fault: bool = False) -> None:
        for bar in self.screen.query(KeyBar):
            bar.message(text, fault)

    def get_system_commands(self, screen: Screen[object]) -> Iterable[SystemCommand]:
        """What the command palette offers: the actions that are available on the screen."""
        for action in available(where(screen)):
            if action.name != "command_palette":
                keys = " ".join(map(key_name, action.keys)) or "only from here"
                yield SystemCommand(action.help, keys, partial(self.run_action, action.name, screen))

    def action_help(self) -> None:
        """Open the help, unless it is open."""
        if not isinstance(self.screen, HelpScreen):
            self.push_screen(HelpScreen(where(self.screen)))

    def action_picture(self) -> None:
        """Save a picture of the screen in the working directory."""
        try:
            path = self.save_screenshot(filename=self._picture_name(), path=os.getcwd())
        except OSError as error:
            self._say(f"the picture could not be saved: {error.strerror}", fault=True)
        else:
            self._say(f"saved {path}")

    def _picture_name(self) -> str:
        screen = self.screen
        if isinstance(screen, EpisodeScreen):
            return f"sandbox-{screen.recording.episode.id[:12]}-step-{screen.index + 1}.svg"
        if isinstance(screen, PictureScreen):
            return f"sandbox-{screen.recording.episode.id[:12]}-picture-{screen.place + 1}.svg"
        return "sandbox-episodes.svg"


def where(screen: Screen[object]) -> Where:
    """Whose actions a screen has."""
    if isinstance(screen, Browse):
        return "browse"
    if isinstance(screen, PictureScreen):
        return "picture"
    return "episode" if isinstance(screen, EpisodeScreen) else "anywhere"


def run_replay(
    store: Store, experiment: int | None = None, episode: str | None = None, step: int | None = None
) -> None:
    """Replay what a store holds until the person leaves: one episode, an experiment, or everything.

    `episode` is a whole key (see `Store.find`); `step`, from 1, is where to open it.

    Raises:
        SandboxError: the episode cannot be read.
    """
    title = store.place
    if experiment is not None:
        title = f"experiment {store.experiment(experiment).name}"
    ReplayApp(StoreSource(store, experiment), title, episode, step).run()
