"""Surfaces: what was shown and done is recorded, and changes no trace; what cannot be had harms no other."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Iterator
from pathlib import Path
from typing import Any

import pytest

from sandbox.cli import main
from sandbox.report.shots import shots
from sandbox.results import Results, arun

FILE = '''
import io
from base64 import b64encode
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from PIL import Image

from sandbox.agent import Agent, Picture, changed
from sandbox.errors import BrowserError
from sandbox.menu import InvalidAction
from sandbox.surface import Presenter, Surface
from tests.toys import Bet, Leave, Wheel, WheelConfig

LOG = Path(__file__).with_name("log.txt")

def log(word):
    with LOG.open("a") as file:
        file.write(word + chr(10))

class Config(WheelConfig):
    surface: Literal["text", "screen", "none here"] = "text"

class Screen(Presenter):
    """A picture as wide as the purse; `press` bets a coin, `look` is no move, and four looks are too many."""

    def __init__(self):
        self.looks = 0

    async def show(self, turn):
        self.looks = 0
        return self.seen(turn)

    def seen(self, turn):
        file = io.BytesIO()
        Image.new("RGB", (turn.observation.purse + 1, 4), (20, 40, 200)).save(file, "PNG")
        picture = Picture("image/png", file.getvalue(), turn.observation.purse + 1, 4)
        data = {"surface": "screen", "media": picture.media, "base64": b64encode(picture.data).decode()}
        turn.emit("view", {**data, "width": picture.width, "height": picture.height})
        return changed(turn, text="see the picture", pictures=(picture,))

    async def lower(self, raw, turn):
        if raw == {"kind": "look"}:
            self.looks += 1
            if self.looks > 3:
                return InvalidAction("illegal", "you looked long enough")
            turn.emit("gesture", {"did": raw, "move": None})
            return self.seen(turn)
        if raw == {"kind": "press"}:
            log("pressed")
            turn.emit("gesture", {"did": raw, "move": {"kind": "bet", "coins": 1}})
            return Bet(coins=1)
        return raw

    def imagined(self, raw, turn):
        return Bet(coins=1) if raw == {"kind": "press"} else raw

    async def close(self):
        log("presenter closed")

@dataclass(frozen=True)
class Shown(Surface):
    name: str

    async def open(self, seat, episode):
        if self.name != "screen":
            raise BrowserError("there is no screen here: plug one in")
        log("opened")
        return Screen()

    async def close(self):
        log("surface closed")

class Screened(Wheel):
    id = "mine/Screened-v0"
    Config = Config
    presentation = frozenset({"surface"})

    def surface(self, config):
        return None if config.surface == "text" else Shown(config.surface)

def presser(turn):
    if turn.observation.purse <= 1:
        return Leave()
    return {"kind": "press"} if turn.pictures else Bet(coins=1)

class Looker(Agent):
    """Looks twice at each turn, then does as the presser does."""

    def __init__(self, config):
        super().__init__(config)
        self.looked = {}

    def act(self, turn):
        seen = self.looked[turn.index] = self.looked.get(turn.index, 0) + 1
        return {"kind": "look"} if turn.pictures and seen <= 2 else presser(turn)

def by_lot(turn):
    """Draws at each look whether to look again, and else how much to bet."""
    drawn = int(turn.generator().integers(1, 1000))
    turn.emit("drawn", {"number": drawn})
    if turn.observation.purse <= 1:
        return Leave()
    if turn.pictures and turn.looks < 2:
        return {"kind": "look"}
    return Bet(coins=1 + drawn % turn.observation.purse)

def restless(turn):
    return Leave() if turn.errors else {"kind": "look"}

def fails_on_sight(turn):
    raise KeyError("what a picture")

ENVIRONMENTS = {"mine/Screened-v0": Screened}
AGENTS = {"presser": presser, "looker": Looker, "restless": restless, "by_lot": by_lot, "fails": fails_on_sight}
AGENTS = {f"mine/{name}": agent for name, agent in AGENTS.items()}
'''

Run = Callable[..., Coroutine[Any, Any, Results]]


@pytest.fixture
def plugins(tmp_path: Path) -> Path:
    directory = tmp_path / "plugins"
    directory.mkdir()
    (directory / "mine.py").write_text(FILE)
    return directory


@pytest.fixture
def run(plugins: Path) -> Iterator[Run]:
    """Runs an agent on a surface, each time in a store of its own; all are closed at the end."""
    made: list[Results] = []

    async def run(agent: str, surface: str = "screen", changes: Any = None, **options: Any) -> Results:
        environment = {"id": "mine/Screened-v0", "config": {"surface": surface}}
        content = {"name": "e", "environments": [environment], "agents": [f"mine/{agent}"], **(changes or {})}
        store = str(plugins.parent / f"{len(made)}.db")
        made.append(await arun(content, store=store, plugins_dirs=[plugins], **options))
        return made[-1]

    yield run
    for results in made:
        results.store.close()


def log(plugins: Path) -> list[str]:
    """What presenters and surfaces did, in order."""
    return (plugins / "log.txt").read_text().split("\n")[:-1]


def traces(results: Results) -> dict[str, str]:
    """Item to trace hash."""
    assert {episode.status for episode in results.episodes} == {"finished"}
    return {episode.spec.item_id: episode.hash for episode in results.episodes}


async def test_what_was_shown_and_done_is_recorded_in_the_step(run: Run) -> None:
    step = (await run("presser")).episodes[0].steps[0]
    assert [event.kind for event in step.events] == ["view", "gesture"]
    (picture,) = shots(step.events)
    assert (picture.surface, picture.width, picture.image(100).size) == ("screen", 4, (4, 4))
    assert step.events[1].data == {"did": {"kind": "press"}, "move": {"kind": "bet", "coins": 1}}
    assert (step.applied["kind"], step.outcome) == ("bet", "valid")
    assert step.text == "purse: 3\nleft: 3", "the observation is the scenario's own, whatever was shown"


async def test_the_same_policy_leaves_the_same_trace_on_every_surface(run: Run) -> None:
    text = traces(await run("presser", "text"))
    assert len(text) == 3
    assert traces(await run("presser")) == text
    assert traces(await run("looker")) == text, "a look is no move"


async def test_an_agents_own_luck_is_the_same_on_every_surface_and_new_at_each_look(run: Run) -> None:
    """Else random agents would differ by surface, and one that makes a useless gesture would make it for ever."""
    drawn = {}
    for surface in ("text", "screen"):
        step = (await run("by_lot", surface)).episodes[0].steps[0]
        drawn[surface] = [event.data["number"] for event in step.events if event.kind == "drawn"]
    assert drawn["screen"][:1] == drawn["text"]
    assert len(set(drawn["screen"])) == 3


async def test_a_gesture_without_a_move_asks_again_and_is_not_counted_as_invalid(run: Run) -> None:
    results = await run("looker", changes={"limits": {"attempts": 1}})
    step = results.episodes[0].steps[0]
    assert [event.kind for event in step.events] == ["view", "gesture", "view", "gesture", "view", "gesture"]
    assert [event.data["move"] is None for event in step.events if event.kind == "gesture"] == [True, True, False]
    assert sum(episode.counts()["invalid"] for episode in results.episodes) == 0


async def test_gestures_that_come_to_nothing_end_as_an_invalid_answer(run: Run) -> None:
    (step,) = (await run("restless")).episodes[0].steps
    invalid = [event.data for event in step.events if event.kind == "invalid"]
    assert invalid == [{"code": "illegal", "message": "you looked long enough", "said": ""}]
    assert (step.applied, step.outcome) == ({"kind": "leave"}, "valid")


async def test_a_fork_presses_nothing_and_its_answer_is_read_all_the_same(run: Run, plugins: Path) -> None:
    results = await run("presser", changes={"asks": ["hypothetical"]})
    decided = [step for episode in results.episodes for step in episode.steps if step.seat == "player"]
    asked = [event.data for step in decided for event in step.events if event.kind == "asked"]
    assert len(asked) == len(decided)
    assert asked[0]["decision"]["move"] == {"kind": "bet", "coins": 1, "note": ""}
    lived = sum(event.kind == "gesture" for step in decided for event in step.events)
    assert log(plugins).count("pressed") == lived


@pytest.mark.parametrize("agent", ["presser", "fails"])
async def test_presenters_are_closed_with_their_episodes_and_the_surface_at_last(
    agent: str, run: Run, plugins: Path
) -> None:
    await run(agent, concurrent=1)
    words = [word for word in log(plugins) if word != "pressed"]
    assert words == [*["opened", "presenter closed"] * 3, "surface closed"]


async def test_a_surface_that_cannot_be_had_leaves_its_episodes_to_be_run_and_others_go_on(
    plugins: Path,
) -> None:
    environments = [{"id": "mine/Screened-v0", "config": {"surface": surface}} for surface in ("none here", "text")]
    content = {"name": "e", "environments": environments, "agents": ["mine/presser"]}
    results = await arun(content, store=str(plugins.parent / "e.db"), plugins_dirs=[plugins])
    assert results.ran is not None
    assert results.ran.unreachable == {"mine/Screened-v0": "there is no screen here: plug one in"}
    assert sorted(head.status for head in results.store.heads()) == ["finished"] * 3 + ["pending"] * 3
    results.store.close()


@pytest.mark.slow
def test_the_command_ends_with_6_where_a_surface_cannot_be_had(
    plugins: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["run", "--env", "mine/Screened-v0", "-P", "surface=none here", "--agent", "mine/presser"]
    words += ["--store", str(plugins.parent / "e.db"), "--plugins-dir", str(plugins)]
    assert main(words) == 6
    said = " ".join(capsys.readouterr().err.split())
    assert "mine/Screened-v0: there is no screen here: plug one in" in said


@pytest.mark.slow
async def test_other_processes_show_the_same(run: Run, plugins: Path) -> None:
    alone, others = await run("looker"), await run("looker", executor="process", workers=2)
    assert traces(others) == traces(alone)
    shown = [
        [[one.words for one in shots(step.events)] for step in episode.steps]
        for results in (alone, others)
        for episode in sorted(results.episodes, key=lambda episode: episode.id)
    ]
    assert shown[:3] == shown[3:]
    assert log(plugins).count("opened") == log(plugins).count("presenter closed") == 6
