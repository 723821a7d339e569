"""The replay as a Textual app: opens the list of episodes, or one episode, and knows the actions of all screens."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from textual.app import App, SystemCommand
from textual.binding import BindingType
from textual.screen import Screen
from textual.theme import Theme

from sandbox.errors import InputError, SandboxError
from sandbox.store import Store
from sandbox.tui.actions import Where, available, bindings, key_name
from sandbox.tui.bar import KeyBar
from sandbox.tui.browse import CANONICAL, Browse
from sandbox.tui.experiments import ExperimentsScreen
from sandbox.tui.layout import Layout, read_layout, write_layout
from sandbox.tui.screens import Palette
from sandbox.tui.source import Source, StoreSource
from sandbox.tui.svg import screen_svg
from sandbox.uncollected import collected_seldom

if TYPE_CHECKING:
    from sandbox.tui.groups import GroupsScreen
    from sandbox.tui.moment import Recording

# The other screens are imported when they are opened: the list is painted half a second earlier.


class ReplayApp(App[None]):
    """The replay over a source.

    Args:
        source: where episodes come from.
        title: what is being looked at, as the list's head says it.
        episode: key of an episode to open at once; leaving it leaves the replay.
        step: the step to open it at, from 1.
        beside: key of another episode to compare it with.
        layout: how it was left the last time; kept true while it is changed.
        choose: begin with the experiments, where no episode is named.
        line, order: the filter and the order that the list begins with.

    Raises:
        SandboxError: `episode` cannot be read.
    """

    TITLE = "sandbox replay"
    BINDINGS: ClassVar[list[BindingType]] = [*bindings("anywhere")]

    def __init__(
        self,
        source: Source,
        title: str = "all episodes",
        episode: str | None = None,
        step: int | None = None,
        beside: str | None = None,
        layout: Layout | None = None,
        choose: bool = False,
        line: str = "",
        order: str = CANONICAL,
    ) -> None:
        # Without colours means without any: Textual alone would turn them into greys.
        super().__init__(ansi_color=True if os.environ.get("NO_COLOR") else None)
        self.remembered = layout or Layout()
        if self.remembered.theme in self.available_themes:
            self.theme = self.remembered.theme
        self._source = source
        self._title = title
        self._opening = None if episode is None else self._read(episode)
        self._step = step
        self._beside = beside
        self._choose = choose
        self._list = (line, order)
        self._lists: dict[int | None, Browse] = {}

    def on_mount(self) -> None:
        """Open the first screen."""
        self.theme_changed_signal.subscribe(self, self._keep_theme)
        if self._opening is None:
            if self._choose:
                self.push_screen(ExperimentsScreen(self._source, self._title))
            else:
                self.push_screen(Browse(self._source, self._title, *self._list))
        elif self._beside is not None:
            step = None if self._step is None else self._step - 1
            self._compare(self._opening.id, self._beside, step)
        else:
            self._open(self._opening, (self._step or 1) - 1)

    def on_experiments_screen_wanted(self, message: ExperimentsScreen.Wanted) -> None:
        """List the episodes of an experiment, as they were left."""
        if not isinstance(self.screen, ExperimentsScreen):
            return  # asked for twice in one go
        before = self._lists.get(message.experiment)
        if before is None:
            title = f"experiment {message.name}" if message.experiment is not None else "all experiments"
            before = self._lists[message.experiment] = Browse(self._source.within(message.experiment), title)
            self.install_screen(before, f"episodes of {message.experiment}")  # else it would end when it is left
        self.push_screen(before)

    def on_browse_experiments_wanted(self, message: Browse.ExperimentsWanted) -> None:
        """Back to the experiments, or to them for the first time."""
        if not isinstance(self.screen, Browse):
            return
        if any(isinstance(screen, ExperimentsScreen) for screen in self.screen_stack):
            self.pop_screen()
        else:
            self.push_screen(ExperimentsScreen(self._source.within(None), self._title))

    def on_browse_opened(self, message: Browse.Opened) -> None:
        """Open an episode; say so where it cannot be read."""
        if not isinstance(self.screen, Browse):
            return
        try:
            recording = self._read(message.key)
        except SandboxError as error:
            self._say(str(error), fault=True)
            return
        self._open(recording)

    def on_browse_compared(self, message: Browse.Compared) -> None:
        """Open two episodes side by side."""
        if isinstance(self.screen, Browse):
            self._compare(message.left, message.right)

    def on_browse_grouped(self, message: Browse.Grouped) -> None:
        """Group what is listed."""
        from sandbox.tui.groups import GroupsScreen

        if isinstance(self.screen, Browse):
            self.push_screen(GroupsScreen(self.screen.source, self.screen.title_words, message.where, message.scores))

    def on_groups_screen_chosen(self, message: GroupsScreen.Chosen) -> None:
        """List the episodes of a group."""
        if isinstance(self.screen, Browse):
            return
        self.pop_screen()
        if isinstance(self.screen, Browse):
            self.screen.narrow(message.term)

    def _open(self, recording: Recording, index: int = 0) -> None:
        from sandbox.tui.episode import EpisodeScreen

        self.push_screen(EpisodeScreen(recording, self._source, index, self.remembered))

    def _compare(self, left: str, right: str, step: int | None = None) -> None:
        from sandbox.tui.compare import CompareScreen

        self.push_screen(CompareScreen(self._source, left, right, step))

    def _read(self, key: str) -> Recording:
        return self._source.recording(key)

    def _keep_theme(self, theme: Theme) -> None:
        self.remembered.theme = theme.name

    def _say(self, text: str, fault: bool = False) -> None:
        for bar in self.screen.query(KeyBar):
            bar.message(text, fault)

    def get_system_commands(self, screen: Screen[object]) -> Iterable[SystemCommand]:
        """What the command palette offers: the actions that are available on the screen."""
        for action in available(where(screen)):
            if action.name != "command_palette":
                keys = " ".join(map(key_name, action.keys)) or "only from here"
                yield SystemCommand(action.help, keys, partial(self.run_action, action.name, screen))

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Whether a key may do what it means here: nothing is opened in an app that is being left."""
        return self.return_code is None

    def action_command_palette(self) -> None:
        """Open the palette, unless it is open."""
        if not isinstance(self.screen, Palette):
            self.push_screen(Palette())

    def action_help_quit(self) -> None:
        """Ctrl+C copies in most terminals, so that it does not leave; say what does."""
        self.notify("q goes back and leaves; Ctrl+Q leaves at once", title="", markup=False)

    def action_help(self) -> None:
        """Open the help, unless it is open."""
        from sandbox.tui.help import HelpScreen

        if not isinstance(self.screen, HelpScreen):
            self.push_screen(HelpScreen(where(self.screen)))

    def action_picture(self) -> None:
        """Save a picture of the screen in the working directory."""
        path = Path(os.getcwd()) / self._picture_name()
        try:
            path.write_text(screen_svg(self), encoding="utf-8")
        except OSError as error:
            self._say(f"the picture could not be saved: {error.strerror}", fault=True)
        else:
            self._say(f"saved {path}")

    def _picture_name(self) -> str:
        from sandbox.tui.episode import EpisodeScreen
        from sandbox.tui.picture import PictureScreen

        screen = self.screen
        if isinstance(screen, EpisodeScreen):
            return f"sandbox-{screen.recording.id[:12]}-step-{screen.index + 1}.svg"
        if isinstance(screen, PictureScreen):
            return f"sandbox-{screen.recording.id[:12]}-picture-{screen.place + 1}.svg"
        return "sandbox-episodes.svg"


def where(screen: Screen[object]) -> Where:
    """Whose actions a screen has: its `PLACE`."""
    place: Where = getattr(screen, "PLACE", "anywhere")
    return place


def run_replay(
    store: Store,
    experiment: int | None = None,
    episode: str | None = None,
    step: int | None = None,
    beside: str | None = None,
    line: str = "",
    order: str = CANONICAL,
    plugins: Sequence[Path] = (),
) -> None:
    """Replay what a store holds until the person leaves: one episode, an experiment, or everything.

    `episode` is a whole key (see `Store.find`); `step`, from 1, is where to open it. `beside`: the key of another
    episode to compare it with. `line`, `order`: filter and order of the list. `plugins`: as `StoreSource`. Where
    nothing is named and there are several experiments, they are listed first.

    Raises:
        SandboxError: the episode cannot be read.
    """
    title = store.place
    names = store.experiment_names()
    if experiment is not None:
        title = f"experiment {names[experiment]}"
    try:
        layout = read_layout()
    except InputError as error:
        layout = Layout()
        title = f"{title}  ({error})"
    choose = experiment is None and not line and order == CANONICAL and len(names) > 1
    source = StoreSource(store, experiment, plugins)
    app = ReplayApp(source, title, episode, step, beside, layout, choose, line, order)
    with collected_seldom():  # a full collection takes longer than to paint a step
        app.run()
    if app.return_code:  # it crashed, and has said so; what it was at then is not what to begin with the next time
        raise SystemExit(app.return_code)
    write_layout(app.remembered)
