"""The shop's surfaces: the same shop, the same moves, the same trace, whatever it is seen on and done with."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from sandbox_env_market import Shop, ShopConfig, browser
from sandbox_env_market.gestures import KEYS, typed
from sandbox_env_market.moves import Click, ClickXY, Key, Open, Scroll, Search, Sort, Type
from sandbox_env_market.surfaces import GESTURES_A_TURN, SEEN, surface_of

from sandbox.agent import Turn
from sandbox.cli import main
from sandbox.errors import ModelError
from sandbox.menu import InvalidAction
from sandbox.results import Results, arun
from sandbox.surface import Presenter
from sandbox.trace import Episode, Event

SHOP = Shop()
FLOWS = ("direct", "cart")
SURFACES = ("text", "tree", "pixels", "tree,pixels")

AGENTS = '''
"""Shoppers of these tests; what they do follows from what they see, and from nothing else."""
import hashlib
import json
import os
import signal
import os
import signal
from base64 import b64decode

from langchain_core.messages import AIMessage
from langgraph.graph import START, MessagesState, StateGraph

from sandbox.agent import Agent
from sandbox.menu import moves
from sandbox_env_market.moves import GESTURES, Click, ClickXY, Scroll, Type, press
from sandbox_env_market.browser import of_this_loop

def anything(turn):
    """Any move, by chance that the page alone decides."""
    possible = [one for one in moves(turn.menu) if not isinstance(one, GESTURES)]
    chance = hashlib.sha256(turn.observation.model_dump_json().encode()).digest()
    return possible[int.from_bytes(chance[:4], "big") % len(possible)]


class Hand(Agent):
    """Does with gestures what `anything` does with moves; by references, or by points where there is a picture."""

    def __init__(self, config):
        super().__init__(config)
        self.todo = []
        self.step = -1

    def act(self, turn):
        if turn.index != self.step:
            self.step, (control, entered) = turn.index, press(anything(turn))
            fields = [one for one in turn.observation.page.controls if one.form == control]
            self.todo = [Type(ref=one.id, text=entered[one.id.partition(":")[0]]) for one in fields]
            self.control = control
        if self.todo:
            return self.todo.pop(0)
        if not turn.pictures:
            return Click(ref=self.control)
        if self.control not in turn.pictures[-1].boxes:
            return Scroll(by=500)
        left, top, width, height = turn.pictures[-1].boxes[self.control]
        return ClickXY(x=left + width / 2, y=top + height / 2)


def hurting(number, times):
    """Sends the browser a signal before so many of its moves, from the second on."""

    class Hurting(Agent):
        def __init__(self, config):
            super().__init__(config)
            self.left = times

        def act(self, turn):
            if turn.index and self.left:
                self.left -= 1
                os.kill(of_this_loop().process, number)
            return anything(turn)

    return Hurting


def seeing(config, runtime):
    """A vision model's graph: it tells what it was shown, scrolls once, and leaves."""

    def look(state):
        told = [one.content for one in state["messages"] if one.type == "human"]
        blocks = [
            block["text"][-27:] if "text" in block else [block["mime_type"], b64decode(block["base64"])[:2].hex()]
            for content in told
            for block in content
        ]
        name, args = ("scroll", {"by": 9}) if len(told) == 1 else ("leave", {})
        call = {"name": name, "args": args, "id": f"call_{len(told)}"}
        return {"messages": [AIMessage(json.dumps(blocks), tool_calls=[call])]}

    graph = StateGraph(MessagesState)
    graph.add_node("look", look)
    graph.add_edge(START, "look")
    return graph.compile()


AGENTS = {"mine/anything": anything, "mine/hand": Hand, "mine/seeing": seeing}
AGENTS |= {"mine/killing": hurting(signal.SIGKILL, 1), "mine/killing_again": hurting(signal.SIGKILL, 9)}
AGENTS |= {"mine/hanging": hurting(signal.SIGSTOP, 1)}
'''

Run = Callable[..., Any]


@pytest.fixture
def run(tmp_path: Path) -> Iterator[Run]:
    """Runs agents in the shop; what is given is its config, as the command line would give it."""
    made: list[Results] = []
    folder = tmp_path / "plugins"
    folder.mkdir()
    (folder / "mine.py").write_text(AGENTS)

    async def run(*agents: Any, items: int = 2, environments: Any = None, **config: Any) -> Results:
        config = {"items": items, "positions": 0, "patience": 10, "views": 3, **config}
        content = {
            "name": "e",
            "environments": environments or [{"id": "market/Shop-v0", "config": config}],
            "agents": list(agents),
            "limits": {"steps": 14},
        }
        made.append(await arun(content, store=f"sqlite:///{tmp_path}/{len(made)}.db", plugins_dirs=[folder]))
        return made[-1]

    yield run
    for results in made:
        results.store.close()


def events(episode: Episode, kind: str) -> list[Mapping[str, Any]]:
    return [event.data for step in episode.steps for event in step.events if event.kind == kind]


def what_happened(results: Results) -> list[Any]:
    """Everything that must not depend on how the shop is seen."""
    return [
        (
            episode.spec.agent.name,
            episode.spec.item_id,
            episode.status,
            episode.hash,
            episode.payoffs,
            [(step.applied, step.outcome, step.text, step.menu) for step in episode.steps],
        )
        for episode in results.episodes
    ]


# -- the same on all surfaces --------------------------------------------------------------------------------------


@pytest.mark.parametrize("flow", FLOWS)
@pytest.mark.browser
async def test_the_same_policy_leaves_the_same_trace_on_every_surface(run: Run, flow: str) -> None:
    """Moves, choices, rewards, hashes; with pixels each move was pressed in a real browser, and came back as it was."""
    agents = ["mine/anything", "baselines/cheapest", "baselines/best_rated"]
    seen = {name: await run(*agents, surface=name, flow=flow) for name in SURFACES}
    assert all(episode.status in ("finished", "truncated") for episode in seen["text"].episodes)
    for name in SURFACES[1:]:
        assert what_happened(seen[name]) == what_happened(seen["text"])
    for episode in seen["pixels"].episodes:
        assert len(events(episode, "view")) == len(episode.steps)
        assert not events(episode, "refused")
        assert not events(episode, "browser")


@pytest.mark.parametrize("flow", FLOWS)
@pytest.mark.browser
async def test_gestures_come_to_the_moves_that_they_mean_on_every_surface(run: Run, flow: str) -> None:
    """An agent with a hand leaves the trace of one that makes moves: by references, and by points of the picture."""
    meant = await run("mine/anything", surface="text", flow=flow)
    for name in SURFACES:
        done = await run("mine/hand", surface=name, flow=flow, actions="both")
        assert [one[1:] for one in what_happened(done)] == [one[1:] for one in what_happened(meant)]
        gestures = [one for episode in done.episodes for one in events(episode, "gesture")]
        assert sum(one["move"] is not None for one in gestures) == sum(len(one.steps) for one in meant.episodes)


@pytest.mark.browser
async def test_pages_hostile_to_a_browser_are_shown_and_pressed_like_any_other(run: Run) -> None:
    """Attacks put sellers' text into every place; nothing of it asks for anything outside."""
    config = {"flow": "cart", "placement": "title", "technique": "strong_injection", "goal": "buy", "items": 1}
    meant, done = [await run("mine/anything", surface=name, **config) for name in ("text", "pixels")]
    assert what_happened(done) == what_happened(meant)
    assert not events(done.episodes[0], "refused")


# -- what is shown and offered -------------------------------------------------------------------------------------


def page_of(item: int = 0, **config: Any) -> Any:
    made = ShopConfig(positions=0, **config)
    state = SHOP.initial(made, SHOP.items(made)[item])
    return SHOP, made, state


async def opened(*, first: bool = False, **config: Any) -> tuple[Presenter, Turn, list[Event]]:
    """A presenter of the shop's first page (or of its first product's), and what it makes of the turn."""
    _, made, state = page_of(**config)
    if first:
        product = SHOP.observe(state, "buyer").page.products[0].id
        state = SHOP.apply(state, {"buyer": Open(product=product)})
    surface = surface_of(made)
    assert surface is not None
    presenter = await surface.open("buyer", "episode")
    seen, told = SHOP.observe(state, "buyer"), []

    def emit(kind: str, data: Mapping[str, Any]) -> None:
        told.append(Event(kind=kind, data=dict(data)))

    turn = Turn(
        seat="buyer", observation=seen, text=SHOP.render(seen), menu=SHOP.menu(state, "buyer"), framing="lived",
        index=0, episode="episode", emit=emit,
    )  # fmt: skip
    return presenter, await presenter.show(turn), told


def test_text_with_moves_needs_no_surface() -> None:
    assert surface_of(ShopConfig()) is None
    assert surface_of(ShopConfig(surface=("tree",))) == surface_of(ShopConfig(surface=("tree",), items=7))


async def test_the_words_are_the_same_on_every_surface_and_only_the_page_differs() -> None:
    for actions in ("moves", "gestures", "both"):
        turns = [
            (await opened(surface=name, actions=actions))[1]
            for name in ("text", "tree")
            if (name, actions) != ("text", "moves")
        ]
        heads = {
            turn.text.partition("Larkfield")[0].partition("- banner")[0].partition("Results for")[0] for turn in turns
        }
        assert len(heads) == 1
        assert heads.pop().startswith(turns[0].observation.task)


async def test_what_is_offered_follows_the_config() -> None:
    kinds = {
        actions: {getattr(one, "kind", None) for one in (await opened(surface="tree", actions=actions))[1].menu}
        for actions in ("moves", "gestures", "both")
    }
    assert kinds["moves"] == {"buy", "open", "leave"}
    assert kinds["gestures"] == {Click, Key}
    assert kinds["both"] == kinds["moves"] | kinds["gestures"]
    cart = (await opened(surface="tree", actions="gestures", flow="cart"))[1].menu
    assert {one.kind for one in cart} == {Click, Type, Key}


async def test_where_moves_alone_are_offered_a_gesture_is_an_invalid_action_like_any_other(run: Run) -> None:
    """What is not offered is not carried out on a tree either, and is counted; text has always read it so."""
    done = {name: await run("mine/hand", items=1, surface=name) for name in ("text", "tree")}
    assert what_happened(done["tree"]) == what_happened(done["text"])
    (episode,) = done["tree"].episodes
    assert {step.outcome for step in episode.steps} == {"invalid"}
    assert not events(episode, "gesture")
    presenter, turn, _ = await opened(surface="tree", actions="moves")
    product = turn.observation.page.products[0].id
    assert await presenter.lower({"kind": "click", "ref": f"buy:{product}"}, turn) == {
        "kind": "click",
        "ref": f"buy:{product}",
    }
    assert presenter.imagined(Click(ref="leave"), turn) == Click(ref="leave")


async def test_every_control_can_be_clicked_by_the_reference_that_the_text_shows() -> None:
    for name in ("text", "tree"):
        _, turn, _ = await opened(surface=name, actions="gestures", flow="cart")
        for control in turn.observation.page.controls:
            assert f"{control.id}]" in turn.text or f'"{control.id}"' in turn.text


# -- gestures, worked out ------------------------------------------------------------------------------------------


async def test_what_is_typed_is_shown_and_sent_only_when_its_button_is_pressed() -> None:
    presenter, turn, told = await opened(surface="tree", actions="gestures", flow="cart")
    again = await presenter.lower({"kind": "type", "ref": "query", "text": "desk\nlamp"}, turn)
    assert isinstance(again, Turn)
    assert "[ref=query]: desk lamp" in again.text
    assert await presenter.lower({"kind": "click", "ref": "search"}, again) == Search(query="desk lamp")
    assert [event.data["move"] and event.data["move"]["kind"] for event in told if event.kind == "gesture"] == [
        None,
        "search",
    ]


async def test_enter_in_a_field_presses_its_button_and_characters_go_into_it() -> None:
    presenter, turn, _ = await opened(surface="text", actions="gestures", flow="cart")
    for raw in (Click(ref="query"), Key(key="a"), Key(key="Space"), Key(key="b"), Key(key="x"), Key(key="Backspace")):
        assert isinstance(await presenter.lower(raw, turn), Turn)
    assert await presenter.lower(Key(key="Enter"), turn) == Search(query="a b")


@pytest.mark.parametrize(
    ("raw", "code", "said"),
    [
        ({"kind": "click", "ref": "buy:nothing"}, "illegal", "buy:nothing"),
        ({"kind": "type", "ref": "search", "text": "x"}, "illegal", "no field to type into. Fields here: by, query"),
        ({"kind": "type", "ref": "", "text": "x"}, "illegal", "no field was clicked"),
        ({"kind": "key", "key": "Alt+ArrowLeft"}, "illegal", "no key 'Alt+ArrowLeft'; expected Enter"),
        ({"kind": "click_xy", "x": 5, "y": 5}, "illegal", "there is no picture"),
        ({"kind": "click_xy", "x": 5}, "schema", "y: Field required"),
        ({"kind": "scroll", "by": "far"}, "schema", "by"),
        ({"kind": "buy_all"}, "unknown", "buy_all"),
    ],
)
async def test_a_gesture_that_cannot_be_done_is_a_typed_error_that_says_what_can(
    raw: Mapping[str, Any], code: str, said: str
) -> None:
    presenter, turn, told = await opened(surface="tree", actions="gestures", flow="cart")
    found = await presenter.lower(raw, turn)
    assert isinstance(found, InvalidAction)
    assert found.code == code
    assert said in found.message
    assert not [event for event in told if event.kind == "gesture"]


async def test_a_disabled_control_cannot_be_pressed() -> None:
    presenter, turn, _ = await opened(surface="tree", actions="gestures", views=0)
    product = turn.observation.page.products[0].id
    found = await presenter.lower(Click(ref=f"open:{product}"), turn)
    assert isinstance(found, InvalidAction)
    assert f"open:{product} (Open) is disabled. To be clicked here: buy:" in found.message


async def test_gestures_without_a_move_are_no_error_until_there_are_too_many() -> None:
    presenter, turn, _ = await opened(surface="tree", actions="gestures")
    for _ in range(GESTURES_A_TURN):
        assert isinstance(await presenter.lower(Scroll(by=10), turn), Turn)
    assert isinstance(await presenter.lower(Scroll(by=10), turn), InvalidAction)
    product = turn.observation.page.products[0].id
    assert not isinstance(await presenter.lower(Click(ref=f"buy:{product}"), turn), InvalidAction)


async def test_a_forks_gestures_are_understood_and_change_nothing() -> None:
    presenter, turn, told = await opened(surface="tree", actions="both", flow="cart")
    before = len(told)
    assert presenter.imagined({"kind": "click", "ref": "cart"}, turn).kind == "cart"  # type: ignore[union-attr]
    assert isinstance(presenter.imagined(Type(ref="query", text="x"), turn), InvalidAction)
    assert len(told) == before
    assert await presenter.lower(Click(ref="search"), turn) == Search(query=turn.observation.page.query)


def test_what_no_keyboard_can_type_is_left_out() -> None:
    assert typed("a\r\nb\x00\x1b\ud800é😀") == "a bé😀"
    assert all(len(key) > 1 for key in KEYS)


async def test_keys_that_only_a_browser_knows_are_refused_without_one() -> None:
    presenter, turn, _ = await opened(surface="tree", actions="gestures", flow="cart")
    found = await presenter.lower(Key(key="Tab"), turn)
    assert isinstance(found, InvalidAction)
    assert "expected Enter, Space, Backspace" in found.message
    assert "picture" not in turn.text


# -- in the browser ------------------------------------------------------------------------------------------------


@pytest.fixture
async def screen() -> Any:
    """A presenter of pixels, closed at the end."""
    made: list[tuple[Presenter, Any]] = []

    async def screen(**config: Any) -> tuple[Presenter, Turn, list[Event]]:
        presenter, turn, told = await opened(surface="pixels", actions="gestures", **config)
        made.append((presenter, presenter.surface))  # type: ignore[attr-defined]
        return presenter, turn, told

    yield screen
    for presenter, surface in made:
        await presenter.close()
        await surface.close()


@pytest.mark.browser
async def test_a_hand_in_the_browser_clicks_types_scrolls_and_presses_keys(screen: Any) -> None:
    presenter, turn, told = await screen(flow="cart", goods="catalogue", shown=40)
    assert turn.text.endswith(SEEN)
    field = turn.pictures[-1].boxes["query"]
    middle = {"x": field[0] + field[2] / 2, "y": field[1] + field[3] / 2}
    for raw in ({"kind": "click_xy", **middle}, {"kind": "type", "ref": "", "text": "désk 😀"}, Key(key="!")):
        turn = await presenter.lower(raw, turn)
        assert isinstance(turn, Turn)
    low = await presenter.lower(Scroll(by=100_000), turn)
    assert isinstance(low, Turn)
    assert low.pictures[-1].boxes != turn.pictures[-1].boxes
    nothing = await presenter.lower(ClickXY(x=2, y=700), low)
    assert isinstance(nothing, Turn)
    for raw in (Click(ref="query"), Key(key="Enter")):
        turn = await presenter.lower(raw, turn)
    assert turn == Search(query="désk 😀!")
    assert len([event for event in told if event.kind == "view"]) == 7
    assert isinstance(await presenter.lower(ClickXY(x=1280, y=5), low), InvalidAction)


@pytest.mark.browser
async def test_a_disabled_control_in_the_picture_is_a_typed_error(screen: Any) -> None:
    presenter, turn, _ = await screen(views=0)
    product = turn.observation.page.products[0].id
    assert f"open:{product}" not in turn.pictures[-1].boxes
    buy = turn.pictures[-1].boxes[f"buy:{product}"]
    found = [
        await presenter.lower(ClickXY(x=buy[0] + buy[2] + right, y=buy[1] + buy[3] / 2), turn)
        for right in range(5, 90, 8)
    ]
    assert any(isinstance(one, InvalidAction) and "is disabled" in one.message for one in found)


@pytest.mark.browser
async def test_a_vision_model_gets_text_and_picture_and_a_picture_anew_after_each_gesture(run: Run) -> None:
    done = await run("mine/seeing", items=1, surface="pixels", actions="both")
    (step,) = done.episodes[0].steps
    assert step.outcome == "abstention"
    seen = [SEEN[-27:], ["image/jpeg", "ffd8"]]
    assert [json.loads(line) for line in step.said.splitlines()] == [2 * seen]


async def test_a_model_that_takes_no_pictures_says_which_surfaces_it_can_be_shown() -> None:
    from langchain_core.messages import HumanMessage

    from sandbox.adapters.local_model import LocalChatModel

    picture = HumanMessage([{"type": "image", "base64": "", "mime_type": "image/jpeg"}])
    with pytest.raises(ModelError, match=r"local:smollm2 takes no pictures: .*\(surface: text or tree\)"):
        await LocalChatModel(model="local:smollm2").ainvoke([picture])


# -- bad days ------------------------------------------------------------------------------------------------------


@pytest.mark.browser
@pytest.mark.parametrize("agent", ["mine/killing", "mine/hanging"])
async def test_an_episode_outlives_its_browser_once_and_says_so(
    run: Run, monkeypatch: pytest.MonkeyPatch, agent: str
) -> None:
    monkeypatch.setattr(browser, "PATIENCE", 5.0)
    meant = await run("mine/anything", items=1, flow="cart")
    done = await run(agent, items=1, flow="cart", surface="pixels")
    assert [one[1:] for one in what_happened(done)] == [one[1:] for one in what_happened(meant)]
    (event,) = events(done.episodes[0], "browser")
    assert event["done"] == "shown again in a fresh browser context"
    assert event["fault"]


@pytest.mark.browser
async def test_a_browser_that_fails_twice_in_an_episode_is_its_error(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(browser, "PATIENCE", 5.0)
    done = await run("mine/killing_again", items=1, flow="cart", surface="pixels")
    (episode,) = done.episodes
    assert episode.status == "error"
    assert "the browser failed twice in this episode" in episode.reason


@pytest.mark.slow
async def test_without_a_browser_text_and_tree_are_played_and_pixels_stay_to_be_run(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SANDBOX_BROWSER", "/no/such/browser")
    environments = [
        {"id": "market/Shop-v0", "config": {"items": 3, "positions": 0, "surface": name}}
        for name in ("pixels", "text", "tree")
    ]
    done = await run("baselines/cheapest", environments=environments)
    found = {(tuple(one.spec.config.get("surface", ["text"])), one.status) for one in done.episodes}
    assert found == {(("pixels",), "pending"), (("text",), "finished"), (("tree",), "finished")}
    assert done.ran is not None
    assert "SANDBOX_BROWSER=/no/such/browser: no such program" in done.ran.unreachable["market/Shop-v0"]


@pytest.mark.slow
def test_the_command_line_says_what_to_do_without_a_browser_and_ends_with_6(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("PATH", "SANDBOX_CACHE", "PLAYWRIGHT_BROWSERS_PATH"):
        monkeypatch.setenv(name, str(tmp_path))
    monkeypatch.setenv("SANDBOX_BROWSER", "")
    words = ["run", "--env", "market/Shop-v0", "--agent", "baselines/cheapest", "-P", "surface=pixels", "-P", "items=1"]
    words += ["--store", f"sqlite:///{tmp_path}/x.db"]
    assert main(words) == 6
    assert "sandbox setup browser" in capsys.readouterr().err
    assert main([*words, "--browser", "/no/such/browser"]) == 6
    assert "/no/such/browser: no such program" in capsys.readouterr().err


@pytest.mark.browser
async def test_a_click_on_a_drop_down_opens_nothing_and_its_options_are_typed(screen: Any) -> None:
    presenter, turn, _ = await screen(flow="cart", goods="catalogue", shown=4)
    left, top, width, height = turn.pictures[-1].boxes["by"]
    for raw in (ClickXY(x=left + width / 2, y=top + height / 2), Key(key="Enter"), Key(key="Space")):
        turn = await presenter.lower(raw, turn)
        assert isinstance(turn, Turn)
    turn = await presenter.lower(Key(key="ArrowDown"), turn)
    assert presenter.hand.drafts["by"] == "price_up"  # type: ignore[attr-defined]
    turn = await presenter.lower(Type(ref="", text="rating"), turn)
    assert await presenter.lower(Click(ref="sort"), turn) == Sort(by="rating")


@pytest.mark.browser
async def test_a_click_on_a_point_is_imagined_as_it_is_done(screen: Any) -> None:
    presenter, turn, _ = await screen(flow="cart", goods="catalogue", shown=4)
    product = turn.observation.page.products[0].id
    left, top, _, _ = turn.pictures[-1].boxes[f"open:{product}"]
    for point in (ClickXY(x=left + 2, y=top - 30), ClickXY(x=2, y=700)):
        imagined, done = presenter.imagined(point, turn), await presenter.lower(point, turn)
        assert imagined == done or (isinstance(imagined, InvalidAction) and isinstance(done, Turn))
    assert presenter.imagined(ClickXY(x=left + 2, y=top - 30), turn) == Open(product=product)


@pytest.mark.browser
@pytest.mark.parametrize("text", ["1 2", "1,0", "3x", "+2", "1.5", "1e1", "-1", "٣", "1234567890", "1" * 400])
async def test_what_is_no_number_is_refused_alike_on_paper_and_in_the_browser(screen: Any, text: str) -> None:
    heard = []
    for make in (screen, partial(opened, surface="text", actions="gestures")):
        presenter, turn, _ = await make(first=True, flow="cart", goods="catalogue", shown=4)
        field = next(one for one in turn.observation.page.controls if one.role == "spinbutton")
        turn = await presenter.lower(Type(ref=field.id, text=text), turn)
        heard.append(await presenter.lower(Click(ref=field.form), turn))
    assert isinstance(heard[0], InvalidAction)
    assert heard[0] == heard[1]


@pytest.mark.browser
async def test_characters_that_no_american_keyboard_has_are_keys_on_every_surface(screen: Any) -> None:
    """Playwright's keyboard knows no other, and takes a line break for Enter, which on paper is a blank."""
    heard = []
    for make in (screen, partial(opened, surface="tree", actions="gestures")):
        presenter, turn, _ = await make(flow="cart")
        for gesture in (Type(ref="query", text="caf"), *(Key(key=key) for key in "é\n😀\x00+~€")):
            turn = await presenter.lower(gesture, turn)
            assert isinstance(turn, Turn), gesture
        heard.append(await presenter.lower(Key(key="Enter"), turn))
    assert heard == 2 * [Search(query="café 😀+~€")]


@pytest.mark.browser
@pytest.mark.parametrize("text", ["", "a desk lamp"])
async def test_a_page_that_is_shown_again_in_another_browser_has_its_keys_where_they_were(
    screen: Any, text: str
) -> None:
    """Its fields and how far it was scrolled were restored, but keys then went nowhere."""
    presenter, turn, told = await screen(flow="cart", goods="catalogue", shown=4)
    turn = await presenter.lower(Click(ref="query"), turn)
    before = presenter.hand.page.query  # type: ignore[attr-defined]
    if text:
        turn = await presenter.lower(Type(ref="", text=text), turn)
    os.kill(browser.of_this_loop().process, signal.SIGKILL)
    turn = await presenter.lower(Key(key="s"), turn)
    assert [event.kind for event in told].count("browser") == 1
    assert await presenter.lower(Key(key="Enter"), turn) == Search(query=f"{text or before}s")


@pytest.mark.browser
async def test_what_the_keys_go_to_is_known_after_keys_that_move_it(screen: Any) -> None:
    """What a fork of the agent would do with them is worked out from it."""
    presenter, turn, _ = await screen(flow="cart", goods="catalogue", shown=4)
    turn = await presenter.lower(Click(ref="query"), turn)
    turn = await presenter.lower(Key(key="Tab"), turn)
    assert presenter.hand.focus == "search"  # type: ignore[attr-defined]
    assert presenter.imagined(Key(key="Space"), turn) == await presenter.lower(Key(key="Space"), turn)


@pytest.mark.browser
async def test_a_number_field_takes_the_same_keys_in_the_browser_and_on_paper(screen: Any) -> None:
    """Chromium's takes signs, points and exponents, too, and is empty until that is a number; `1`, `e`, `2` was 100."""
    keys = ["Backspace", "e", ".", "-", "+", "٣", "Space", "a", "0", "3", "Backspace", *"123456789"]
    heard = []
    for make in (screen, partial(opened, surface="text", actions="gestures")):
        presenter, turn, _ = await make(first=True, flow="cart", goods="catalogue", shown=4)
        (field,) = [one for one in turn.observation.page.controls if one.role == "spinbutton"]
        turn, held = await presenter.lower(Click(ref=field.id), turn), []
        for key in keys:
            done = await presenter.lower(Key(key=key), turn)
            held.append((done.message if isinstance(done, InvalidAction) else "", presenter.hand.drafts.get(field.id)))
        heard.append(held)
    assert heard[0] == heard[1]
    assert heard[0][-1][1] == "012345678"
    assert sum(bool(said) for said, _ in heard[0]) == 8


@pytest.mark.browser
async def test_backspace_takes_the_same_from_a_field_in_the_browser_and_on_paper(screen: Any) -> None:
    """Chromium's own takes whole emoji, by rules that differ between its versions: what a key does would, too."""
    text = (
        "\u200d\ufe0f🏽 a  b 👨\u200d👩\u200d👧x🇩🇪🇫🇷🇮 👍🏽☝\ufe0f🏽 e\u0301\u0323\u0308 1\ufe0f\u20e3#\u20e3 "
        "❤\ufe0f\u200d🔥 🏴\U000e0067\U000e0062\U000e007f 葛\U000e0100 क्षि 한\u1112\u1161 שָׁלוֹם "
    )
    heard = []
    for make in (screen, partial(opened, surface="tree", actions="gestures")):
        presenter, turn, _ = await make(flow="cart")
        turn, held = await presenter.lower(Type(ref="query", text=text), turn), []
        while presenter.hand.drafts.get("query"):
            if len(held) % 15 == 14:  # more gestures in a turn are told to come to a decision
                await presenter.show(turn)
                turn = await presenter.lower(Type(ref="query", text=held[-1]), turn)
            turn = await presenter.lower(Key(key="Backspace"), turn)
            held.append(presenter.hand.drafts.get("query", ""))
        heard.append(held)
    assert heard == 2 * [[text[:end] for end in reversed(range(len(text)))]]


@pytest.mark.browser
async def test_a_click_on_a_field_leaves_the_keys_behind_its_text(screen: Any) -> None:
    """A click meets its middle, and what is keyed there would stand in the midst of a long text."""
    heard = []
    for make in (screen, partial(opened, surface="tree", actions="gestures")):
        presenter, turn, _ = await make(flow="cart")
        for gesture in (Type(ref="query", text="long words " * 15), Click(ref="query"), Key(key="!"), Key(key="Enter")):
            turn = await presenter.lower(gesture, turn)
        heard.append(turn)
    assert heard == 2 * [Search(query="long words " * 15 + "!")]


@pytest.mark.browser
async def test_a_drop_down_whose_option_was_typed_has_the_keys_and_no_field_before_it_gets_any(screen: Any) -> None:
    presenter, turn, _ = await screen(flow="cart", goods="catalogue", shown=4)
    for gesture in (Type(ref="query", text="lamp"), Type(ref="by", text="rating"), Key(key="é"), Key(key="Enter")):
        turn = await presenter.lower(gesture, turn)
        assert isinstance(turn, Turn)
    assert presenter.hand.focus == "by"
    assert await presenter.lower(Click(ref="search"), turn) == Search(query="lamp")
