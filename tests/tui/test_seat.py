"""The screen of a person in a seat: the form, what is wrong beside its field, whose turn it is, and the way out."""

from __future__ import annotations

import asyncio
import io
import time
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Any, Literal

import pytest
from PIL import Image
from pydantic import Field, create_model
from textual import events
from textual.pilot import Pilot
from textual.widgets import Static

from sandbox.adapters.human import Past, Question, Submitted
from sandbox.agent import Picture, Reply, Turn
from sandbox.cli.play_lines import LinesDesk
from sandbox.errors import ModelError
from sandbox.experiment.model import Experiment
from sandbox.menu import InvalidAction, Menu, Move, MoveRange, moves
from sandbox.plugins import Plugins
from sandbox.report.words import Passage
from sandbox.runner.build import Builder
from sandbox.runner.run import Ran, run_experiment
from sandbox.scenario import Frozen
from sandbox.store import Store
from sandbox.tui.action_form import ActionForm, ChoiceList, Confirm
from sandbox.tui.actions import available
from sandbox.tui.bar import Bar
from sandbox.tui.help import HelpScreen
from sandbox.tui.seat import Curtain, History, Look, SeatApp, Sight
from tests.tui.hostile import nonce, payloads

pytestmark = pytest.mark.tui
SIZES = [(80, 24), pytest.param((200, 60), marks=pytest.mark.slow)]


class Offer(Move):
    """Propose a price."""

    kind: Literal["offer"] = "offer"
    price: int = Field(description="in dollars", ge=0)
    message: str | None = Field(None, max_length=3)


class Wait(Move):
    """Do nothing."""

    kind: Literal["wait"] = "wait"


class Take(Move):
    """Take one."""

    kind: Literal["take"] = "take"
    which: str


class Seen(Frozen):
    round: int = 1
    stock: int = 7


OFFER = MoveRange(Offer, {"price": (10, 99)}, {}, (Offer(price=10),))
MENU: Menu = (Wait(), OFFER)


def question(menu: Menu = MENU, person: str = "ann", **changes: Any) -> Question:
    fields = {"observation": Seen(), "text": "You sell a lamp.\nNow: your offer.", "framing": "lived", "index": 0}
    told = {name: changes.pop(name) for name in list(changes) if name in Turn.__dataclass_fields__}
    turn = Turn(seat="seller", menu=menu, episode="e", **{**fields, **told})
    return Question(person, turn, "games/Lamp-v0", ("buyer",), **changes)


def app_asking(*questions: Question, fault: Exception | None = None) -> tuple[SeatApp, list[Submitted]]:
    """An app in which these questions are put, all at once; and what comes back."""
    heard: list[Submitted] = []

    async def run() -> Ran:
        async def one(asked: Question) -> None:
            heard.append(await app.ask(asked))

        await asyncio.gather(*map(one, questions))
        if fault is not None:
            raise fault
        return Ran(1, total=1, done=1)

    app = SeatApp(run, lambda ran: [Passage("payoffs: seller 3")])
    return app, heard


async def until(pilot: Pilot[None], is_so: Callable[[], bool]) -> None:
    end = time.monotonic() + 10
    while not is_so():
        assert time.monotonic() < end, "it never came to that"
        await pilot.pause(0.01)


def driven(
    app: SeatApp, press: Callable[[Pilot[None]], Awaitable[None]], size: tuple[int, int] = (80, 24), form: bool = True
) -> None:
    async def drive() -> None:
        async with app.run_test(size=size) as pilot:
            if form:
                await until(pilot, lambda: app.seat.query_one(ActionForm).mode != "wait")
            await pilot.pause()
            await press(pilot)

    asyncio.run(drive())


def form_of(app: SeatApp) -> ActionForm:
    return app.seat.query_one(ActionForm)


@pytest.mark.parametrize("size", SIZES)
def test_a_number_takes_a_move_which_happens_when_it_is_confirmed(size: tuple[int, int]) -> None:
    app, heard = app_asking(question())

    async def press(pilot: Pilot[None]) -> None:
        assert app.seat.query_one("#title", Bar).words == "games/Lamp-v0  seat seller: ann"
        assert app.seat.query_one("#where", Bar).words == "step 1"
        assert "You sell a lamp." in app.seat.query_one(Sight).rows[0]
        await pilot.press("1")
        assert isinstance(app.screen, Confirm)
        assert str(app.screen.query_one("#what", Static).content) == "wait()"
        await pilot.press("escape")
        await pilot.pause()
        assert not heard
        assert app.screen is app.seat
        await pilot.press("1", "enter")
        await until(pilot, lambda: app.seat.over)
        assert heard == [Submitted(Reply(Wait()), 0)]
        assert app.seat.query_one(Sight).rows[0] == "payoffs: seller 3"
        await pilot.press("r")

    driven(app, press, size)
    assert app.wants_replay
    assert app.ran is not None


@pytest.mark.parametrize("keys", [["1", "2", "1"], ["x", "1"], ["1", "x"]])
def test_keys_that_come_in_one_go_ask_once(keys: list[str]) -> None:
    app, heard = app_asking(question((Wait(), Take(which="a"))))

    async def press(pilot: Pilot[None]) -> None:
        for key in keys:
            app.post_message(events.Key(key, key if len(key) == 1 else None))
        await pilot.pause(0.2)
        assert sum(isinstance(one, Confirm) for one in app.screen_stack) == 1
        await pilot.press("escape")
        assert app.screen is app.seat
        assert not heard

    driven(app, press)


@pytest.mark.parametrize("keys", [[], ["h"]])
@pytest.mark.parametrize("size", [(20, 5), (30, 8), (40, 10)])
def test_an_action_can_be_seen_on_the_smallest_screen(size: tuple[int, int], keys: list[str]) -> None:
    app, _ = app_asking(question())

    async def press(pilot: Pilot[None]) -> None:
        await pilot.press(*keys)
        await pilot.pause()
        listed, text = app.seat.query_one(ChoiceList), app.seat.query_one(History if keys else Sight)
        for shown in (listed, text):
            assert shown.size.height > 0
            assert shown.region.bottom < size[1]  # above the keys
        await pilot.press("1")
        assert app.screen.query_one("#what", Static).parent.size.height > 0  # type: ignore[union-attr]

    driven(app, press, size)


@pytest.mark.parametrize("size", SIZES)
def test_fields_are_checked_where_they_stand_and_a_slip_is_no_answer(size: tuple[int, int]) -> None:
    app, heard = app_asking(question())

    async def press(pilot: Pilot[None]) -> None:
        form = form_of(app)
        await pilot.press("down", "enter")
        await pilot.pause()
        assert form.mode == "fill"
        assert app.focused is form.fields[0]
        await pilot.press(*"5", "enter", *"take", "enter")
        await pilot.pause()
        assert form.faults == ["5 is not a whole number from 10 to 99"]
        assert app.focused is form.fields[0]  # where the first of them is
        await pilot.press("backspace", *"40", "enter", "enter")
        await pilot.pause()
        assert form.faults == ["String should have at most 3 characters"]
        await pilot.press("backspace", "enter")
        await pilot.pause()
        assert not form.faults
        assert isinstance(app.screen, Confirm)
        await pilot.press("y")
        await until(pilot, lambda: app.seat.over)

    driven(app, press, size)
    assert heard == [Submitted(Reply(Offer(price=40, message="tak")), 2)]


def test_one_thing_to_fill_in_is_shown_at_once_and_escape_leads_back_from_one_of_several() -> None:
    app, _ = app_asking(question((OFFER,)))

    async def alone(pilot: Pilot[None]) -> None:
        assert form_of(app).mode == "fill"
        await pilot.press("escape")
        assert form_of(app).mode == "fill"

    driven(app, alone)
    app, _ = app_asking(question())

    async def several(pilot: Pilot[None]) -> None:
        await pilot.press("2", "escape")
        assert form_of(app).mode == "choose"
        assert app.focused is form_of(app).query_one(ChoiceList)

    driven(app, several)


def test_long_menus_are_reached_by_numbers_of_several_digits() -> None:
    app, heard = app_asking(question(tuple(Take(which=f"p{n}") for n in range(1, 131))))

    async def press(pilot: Pilot[None]) -> None:
        listed = form_of(app).query_one(ChoiceList)
        await pilot.press("1")
        assert (listed.cursor, app.screen) == (0, app.seat)
        await pilot.press("2")
        assert (listed.cursor, app.screen) == (11, app.seat)
        await pilot.press("7")
        assert listed.cursor == 126
        assert isinstance(app.screen, Confirm)
        await pilot.press("escape", "9", "9")
        assert str(app.screen.query_one("#what", Static).content) == 'take(which="p99")'
        await pilot.press("enter")
        await until(pilot, lambda: app.seat.over)

    driven(app, press)
    assert heard[0].reply.action == Take(which="p99")


@pytest.mark.parametrize("size", [(80, 24), (40, 8), (20, 5)])
def test_the_choice_and_the_field_under_the_cursor_are_in_sight(size: tuple[int, int]) -> None:
    """A list of twelve rows in a form of nine hid the last three, and the cursor on them."""
    fields = {f"field_{n}": (int, Field(description="a number")) for n in range(12)}
    many = create_model("Many", __base__=Move, kind=(Literal["many"], "many"), **fields)  # type: ignore[call-overload]
    nothing = many(**dict.fromkeys(fields, 0))
    ranges = MoveRange(many, dict.fromkeys(fields, (0, 9)), {}, (nothing,))
    app, _ = app_asking(question((*(Take(which=f"p{n}") for n in range(1, 31)), ranges)))

    async def press(pilot: Pilot[None]) -> None:
        listed = form_of(app).query_one(ChoiceList)
        for count in (8, 3, 18, 1):
            await pilot.press(*["down"] * count)
            await pilot.pause()
            row = listed.region.y + listed.cursor - listed.scroll_offset.y
            assert app.screen.find_widget(listed).visible_region.contains(listed.region.x, row)
        await pilot.press("enter")
        await pilot.pause()
        for _ in range(12):
            await pilot.pause()
            assert app.focused is not None
            assert app.screen.find_widget(app.focused).visible_region.height == 1
            await pilot.press("down")

    driven(app, press, size)


def test_no_answer_is_an_answer_too() -> None:
    app, heard = app_asking(question())

    async def press(pilot: Pilot[None]) -> None:
        await pilot.press("x", "enter")
        await until(pilot, lambda: app.seat.over)

    driven(app, press)
    assert heard[0].reply.refused
    assert heard[0].reply.action is None


def test_two_people_do_not_see_each_others_view() -> None:
    app, heard = app_asking(question(text="ann's card: 7"), question(person="bob", text="bob's card: 2"))

    async def press(pilot: Pilot[None]) -> None:
        await pilot.press("1", "enter")
        await until(pilot, lambda: isinstance(app.screen, Curtain))
        assert app.seat.query_one(Sight).rows == []
        assert app.seat.query_one(History).rows == []
        await pilot.press("1", "q")  # nothing is chosen through the curtain
        assert len(heard) == 1
        await pilot.press("enter")
        await until(pilot, lambda: app.seat.query_one(Sight).rows == ["bob's card: 2"])
        await pilot.press("1", "enter")
        await until(pilot, lambda: app.seat.over)

    driven(app, press)
    assert len(heard) == 2


def test_what_was_done_and_what_is_new_can_be_looked_at() -> None:
    past = (
        Past(1, "You sell a lamp.\nNobody offers.", {"kind": "offer", "price": 40}, "valid"),
        Past(3, "You sell a lamp.\nBuyer: too dear.", {"kind": "wait"}, "refusal"),
    )
    app, _ = app_asking(question(past=past, text="You sell a lamp.\nBuyer: goodbye now."))

    async def press(pilot: Pilot[None]) -> None:
        history = app.seat.query_one(History)
        assert not history.display
        await pilot.press("h")
        await pilot.pause()
        assert history.display
        assert not app.seat.query_one(Sight).display
        assert history.rows[:2] == ["step 1", " you: offer(price=40)"]
        assert history.rows[-1] == " you: no answer (refusal)"
        await pilot.press("h", "t")
        assert app.seat.query_one(Sight).rows == ["round: 1", "stock: 7"]
        await pilot.press("d")
        assert any("goodbye" in row and row.startswith(("+", "~")) for row in app.seat.query_one(Sight).rows)
        await pilot.press("d")
        assert app.seat.query_one(Sight).rows[0] == "You sell a lamp."

    driven(app, press)


def test_a_picture_the_time_that_is_left_and_help_are_shown_and_the_screen_is_saved(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = io.BytesIO()
    Image.new("RGB", (64, 40), (20, 20, 220)).save(file, "PNG")
    picture = Picture("image/png", file.getvalue(), 64, 40)
    app, _ = app_asking(question(pictures=(picture,), deadline=time.monotonic() + 90.5))

    async def press(pilot: Pilot[None]) -> None:
        assert "a picture: v" in app.seat.query_one("#where", Bar).words
        assert "1:" in app.seat.query_one("#where", Bar).words
        await pilot.press("v")
        assert isinstance(app.screen, Look)
        await pilot.press("escape", "question_mark")
        assert isinstance(app.screen, HelpScreen)
        await pilot.press("escape", "ctrl+s")

    monkeypatch.chdir(tmp_path)
    driven(app, press)
    assert "You sell a lamp." in (tmp_path / "sandbox-seat.svg").read_text().replace("&#160;", " ")


def test_an_answer_that_the_rules_refused_is_said_with_the_next_question() -> None:
    app, _ = app_asking(question(errors=(InvalidAction("illegal", "13 is not in Box(0, 1)"),)))

    async def press(pilot: Pilot[None]) -> None:
        assert "13 is not in Box(0, 1)" in app.seat.query_one("#keys", Bar).words

    driven(app, press)


def test_an_error_of_the_run_is_shown_and_kept_for_the_command_line() -> None:
    app, _ = app_asking(fault=ModelError("the model of bob cannot be reached"))

    async def press(pilot: Pilot[None]) -> None:
        await until(pilot, lambda: app.seat.over)
        assert app.seat.query_one(Sight).rows == ["ModelError: the model of bob cannot be reached"]
        await pilot.press("q")

    driven(app, press, form=False)
    assert isinstance(app.fault, ModelError)
    assert app.ran is None


@pytest.mark.slow
@pytest.mark.parametrize("keys", [("q",), ("ctrl+c",), ("2", "ctrl+c"), ("1", "ctrl+c")])
def test_leaving_keeps_every_finished_step_and_the_same_again_goes_on(keys: Sequence[str], tmp_path: Path) -> None:
    """From the list, from a field, and while an action waits to be confirmed."""
    plan = Experiment.of(
        {
            "name": "by hand",
            "environments": [{"id": "games/Bargaining-v0", "seats": {"bob": "baselines/rubinstein"}}],
            "agents": [{"id": "human:ann", "name": "ann"}],
        }
    )
    url = str(tmp_path / "a.db")
    with Store.open(url) as store:
        builder = Builder(Plugins())
        app = SeatApp(lambda: run_experiment(plan, store, builder, concurrent=1), lambda ran: [])
        builder.people = app

        async def press(pilot: Pilot[None]) -> None:
            await pilot.press(*"60", "enter", "enter")
            await until(pilot, lambda: form_of(app).mode == "choose")
            await pilot.press(*keys)
            await pilot.pause()

        driven(app, press)
        assert app.ran is None
        assert app.fault is None
        (head,) = store.heads()
        assert (head.status, store.pulse(head.id).steps) == ("pending", 3)
    with Store.open(url) as store:
        builder = Builder(Plugins())
        app = SeatApp(lambda: run_experiment(plan, store, builder, concurrent=1), lambda ran: [])
        builder.people = app

        async def go_on(pilot: Pilot[None]) -> None:
            assert app.seat.query_one("#where", Bar).words.startswith("step 4")
            await pilot.press("1", "enter")
            await until(pilot, lambda: app.seat.over)

        driven(app, go_on)
        (head,) = store.heads()
        assert (head.status, store.episode(head.id).steps[0].applied["alice_gain"]) == ("finished", 60.0)


SECRETS = """
from dataclasses import dataclass
from typing import Literal

from sandbox.menu import Move
from sandbox.scenario import Appraisal, Frozen, Scenario


class Play(Move):
    kind: Literal["play"] = "play"


class Config(Frozen):
    pass


class Seen(Frozen):
    card: str


@dataclass(frozen=True)
class State:
    moved: int = 0


class Cards(Scenario[Config, State]):
    id = "mine/Cards-v0"
    Config, State, Action, Observation = Config, State, Play, Seen

    def seats(self, config):
        return ("one", "two")

    def initial(self, config, item):
        return State()

    def to_move(self, state):
        return (("one", "two")[state.moved % 2],) if state.moved < 4 else ()

    def menu(self, state, seat):
        return (Play(),)

    def apply(self, state, moves):
        return State(state.moved + 1)

    def observe(self, state, seat):
        return Seen(card=f"the card of {seat}")

    def appraise(self, state, seat, move):
        return Appraisal(risks=("SECRET-RISK",), values=("SECRET-VALUE",), utility=123456.5, content="SECRET-CONTENT",
                         features={"SECRET-FEATURE": 654321.5})

    def facts(self, state):
        return {"SECRET-FACT": "SECRET-TRUTH"}

    def payoffs(self, state):
        return {"one": 1.5 * state.moved, "two": 777.25 * state.moved}


ENVIRONMENTS = {"mine/Cards-v0": Cards}
"""


@pytest.mark.slow
def test_nothing_is_put_before_a_person_that_their_seat_may_not_know(tmp_path: Path) -> None:
    """Appraisals, facts, what the other seat sees and earns are in the record, and in no line and on no screen."""
    (tmp_path / "cards.py").write_text(SECRETS)
    plan = Experiment.of(
        {
            "name": "by hand",
            "environments": [{"id": "mine/Cards-v0", "seats": {"two": "baselines/first"}}],
            "agents": [{"id": "human:ann", "name": "ann"}],
        }
    )
    hidden = ("SECRET", "123456", "654321", "card of two", "777.25", "3109")
    shown: list[str] = []
    with Store.open(str(tmp_path / "a.db")) as store:
        builder = Builder(Plugins([tmp_path]))

        class Both:
            """Puts each question into lines, too."""

            async def ask(self, question: Question) -> Submitted:
                await LinesDesk(read, shown.append).ask(question)
                return await app.ask(question)

        async def read() -> str:
            return "1"

        app = SeatApp(lambda: run_experiment(plan, store, builder, concurrent=1), lambda ran: [])
        builder.people = Both()

        async def press(pilot: Pilot[None]) -> None:
            for number in (1, 3):
                await until(pilot, lambda at=number: app.seat.query_one("#where", Bar).words.startswith(f"step {at}"))
                for key in ("", "h", "h", "t", "t", "d", "d", "question_mark", "escape", "1"):
                    await pilot.press(*filter(None, [key]))
                    shown.extend(strip.text for strip in app.screen._compositor.render_strips())
                await pilot.press("enter")
            await until(pilot, lambda: app.seat.over)
            shown.extend(strip.text for strip in app.screen._compositor.render_strips())

        driven(app, press, (130, 40))
        (head,) = store.heads()
        written = store.episode(head.id).model_dump_json()
    assert all(one in written for one in hidden)
    assert "the card of one" in "".join(shown)
    assert not [one for one in hidden if one in "\n".join(shown)]


def test_every_action_of_the_seat_has_a_method() -> None:
    screen, app = SeatApp(lambda: asyncio.sleep(0, Ran(1)), lambda ran: []).seat, SeatApp
    for action in available("seat"):
        name = action.name.partition("(")[0].removeprefix("app.")
        assert hasattr(screen, f"action_{name}") or hasattr(app, f"action_{name}"), action.name


@pytest.mark.slow
@pytest.mark.hostile
def test_hostile_texts_are_shown_as_text(capsys: pytest.CaptureFixture[str]) -> None:
    texts = payloads(len(set(payloads(200))))

    class Nasty(Move):
        kind: Literal["nasty"] = "nasty"
        text: str = ""

    Nasty.__doc__ = "\n".join(texts[:40])
    menu = tuple(Nasty(text=text.encode("utf-8", "replace").decode()) for text in texts)
    past = (Past(1, "\n".join(texts), {"kind": texts[3], "text": texts[0]}, "valid"),)
    asked = question(menu, person="ann", past=past, text="\n".join(texts))
    app, heard = app_asking(asked)
    seen: list[str] = []

    async def press(pilot: Pilot[None]) -> None:
        await pilot.press("h", "h", "t", "t", "d", "d")
        for number in range(0, len(menu), 10):
            app.seat.query_one(ChoiceList).cursor = number
            await pilot.pause()
            seen.append("\n".join(strip.text for strip in app.screen._compositor.render_strips()))
            await pilot.press("enter")
            seen.append(str(app.screen.query_one("#what", Static).content))
            await pilot.press("escape")
        seen.extend(app.seat.query_one(Sight).rows)

    driven(app, press)
    shown = "\n".join(seen)
    assert not heard
    assert nonce(0) in shown
    assert not any((ord(one) < 32 and one != "\n") or 0x7F <= ord(one) < 0xA0 for one in shown)
    assert not any(one in shown for one in "\u202e\u2066\u200b\u2028\ufeff")
    with capsys.disabled():
        print(f"\n{len(texts)} payloads")


def test_moves_of_the_menu_are_what_is_answered() -> None:
    """No copy, no text: the very move that the rules listed."""
    app, heard = app_asking(question())

    async def press(pilot: Pilot[None]) -> None:
        await pilot.press("enter", "enter")
        await until(pilot, lambda: app.seat.over)

    driven(app, press)
    assert heard[0].reply.action is next(moves(MENU))


def test_who_is_shown_a_page_is_not_shown_the_fields_behind_it() -> None:
    app, _ = app_asking(question(surface=True))

    async def press(pilot: Pilot[None]) -> None:
        await pilot.press("t")
        assert app.seat.query_one(Sight).rows[0] == "You sell a lamp."
        assert "not the fields behind it" in app.seat.query_one("#keys", Bar).words

    driven(app, press)


def test_while_others_are_waited_for_it_is_said_and_the_screen_still_listens() -> None:
    heard: list[Submitted] = []
    others = asyncio.Event()

    async def run() -> Ran:
        heard.append(await app.ask(question()))
        await others.wait()
        return Ran(1)

    app = SeatApp(run, lambda ran: [])

    async def press(pilot: Pilot[None]) -> None:
        await pilot.press("1", "enter")
        await until(pilot, lambda: bool(heard))
        assert str(form_of(app).query_one("#about", Static).content) == "waiting for buyer..."
        await pilot.press("1", "x", "enter", "d", "question_mark")
        assert isinstance(app.screen, HelpScreen)
        await pilot.press("escape")
        assert len(heard) == 1
        others.set()
        await until(pilot, lambda: app.seat.over)

    driven(app, press)


def test_an_answer_that_comes_too_late_is_none() -> None:
    """The runner stops waiting while the action is about to be confirmed."""
    late: list[str] = []
    limits: list[asyncio.Timeout] = []

    async def run() -> Ran:
        try:
            async with asyncio.timeout(None) as limit:
                limits.append(limit)
                await app.ask(question())
        except TimeoutError:
            late.append("timeout")
        return Ran(1)

    app = SeatApp(run, lambda ran: [Passage("too late")])

    async def press(pilot: Pilot[None]) -> None:
        await pilot.press("1")
        assert isinstance(app.screen, Confirm)
        limits[0].reschedule(0)
        await until(pilot, lambda: app.seat.over)
        assert app.screen is app.seat
        assert late == ["timeout"]

    driven(app, press)
