"""Calls on their way to a model: places, turns and retries, with a real client and a real server where one is there."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import threading
import time
from typing import Any

import pytest
from langchain_core.caches import InMemoryCache
from langchain_core.callbacks import BaseCallbackHandler
from langchain_core.messages import HumanMessage

from sandbox.adapters.fake_model import FakeChatModel
from sandbox.adapters.model_settings import ModelSettings
from sandbox.adapters.models import chat_model
from sandbox.adapters.traffic import LONGEST, PATIENCE, SHORTEST, Traffic, TrafficControl, under
from sandbox.adapters.watch import Watch
from sandbox.errors import ModelError
from tests.endpoint import Endpoint, serving


class Clock:
    """Time that passes only while somebody waits."""

    def __init__(self) -> None:
        self.now = 0.0
        self.waits: list[float] = []

    def __call__(self) -> float:
        return self.now

    def pause(self, seconds: float) -> None:
        self.waits.append(seconds)
        self.now += seconds

    async def sleep(self, seconds: float) -> None:
        self.pause(seconds)
        await asyncio.sleep(0)


def traffic(clock: Clock | None = None, **settings: Any) -> Traffic:
    clock = clock or Clock()
    made = ModelSettings.model_validate(settings)
    return Traffic("openai:tiny", made, clock=clock, sleep=clock.sleep, pause=clock.pause)


class Busy(Exception):
    status_code = 429


def failing(*faults: Exception) -> Any:
    """A call that raises these, one at a time, and then answers."""
    left = list(faults)

    def call() -> str:
        if left:
            raise left.pop(0)
        return "answer"

    return call


# -- retries ----------------------------------------------------------------------------------------------------------


def test_a_call_is_tried_again_after_growing_random_delays() -> None:
    clock = Clock()
    assert traffic(clock).call(failing(*[Busy("slow down")] * 5)) == "answer"
    assert len(clock.waits) == 5
    for attempt, waited in enumerate(clock.waits, start=1):
        assert SHORTEST <= waited <= min(LONGEST, 2**attempt)
    assert len(set(clock.waits)) == 5, "with jitter"


async def test_the_last_try_tells_what_to_do_and_names_the_model() -> None:
    told: list[int] = []
    with pytest.raises(ModelError, match="openai:tiny allows no more calls now: wait, lower the concurrency") as caught:
        await traffic(retries=2).acall(
            asynchronous(failing(*[Busy("slow down")] * 9)), lambda s: told.append(s.attempt_number)
        )
    assert told == [1, 2]
    assert isinstance(caught.value.__cause__, Busy)


def asynchronous(call: Any) -> Any:
    async def acall() -> Any:
        return call()

    return acall


def test_what_is_no_fault_of_the_way_there_is_raised_as_it_is_and_at_once() -> None:
    clock = Clock()
    with pytest.raises(ZeroDivisionError):
        traffic(clock).call(failing(ZeroDivisionError()))
    assert clock.waits == []


def test_a_server_that_never_answered_is_given_one_more_try_only() -> None:
    clock = Clock()
    way = traffic(clock)
    with pytest.raises(ModelError, match="cannot be reached"):
        way.call(failing(*[ConnectionRefusedError(111, "refused")] * 9))
    assert len(clock.waits) == 1
    way.call(failing())
    assert way.call(failing(*[ConnectionRefusedError(111, "refused")] * 5)) == "answer", "now it is known to be there"


def test_who_is_told_to_wait_for_hours_is_not_kept_waiting() -> None:
    class Response:
        headers = {"retry-after": str(PATIENCE + 1)}  # noqa: RUF012 (as httpx has them)

    clock, fault = Clock(), Busy("tomorrow")
    fault.response = Response()  # type: ignore[attr-defined]
    with pytest.raises(ModelError, match="allows no more calls"):
        traffic(clock).call(failing(fault))
    assert clock.waits == []


async def test_a_stream_is_tried_again_until_it_has_begun_and_never_after() -> None:
    begun = failing(Busy("slow down"))

    async def chunks(*, breaks: bool) -> Any:
        begun()
        yield "one"
        if breaks:
            raise Busy("in the middle")
        yield "two"

    way = traffic(concurrency=1)
    assert [chunk async for chunk in way.astream(lambda: chunks(breaks=False))] == ["one", "two"]
    broken = way.astream(lambda: chunks(breaks=True))
    assert await anext(broken) == "one"
    with pytest.raises(ModelError):
        await anext(broken)
    assert list(way.stream(lambda: iter("ab"))) == ["a", "b"], "its place was given back"


# -- places and turns -------------------------------------------------------------------------------------------------


async def test_no_more_calls_are_under_way_than_there_are_places_in_loops_and_threads_together() -> None:
    way, lock, now, most = traffic(concurrency=3), threading.Lock(), 0, 0

    def step(change: int) -> None:
        nonlocal now, most
        with lock:
            now += change
            most = max(most, now)

    async def slow() -> None:
        step(1)
        await asyncio.sleep(0.005)
        step(-1)

    def slow_in_a_thread() -> None:
        step(1)
        time.sleep(0.005)
        step(-1)

    calls = [way.acall(slow) for _ in range(12)]
    threads = [asyncio.to_thread(way.call, slow_in_a_thread) for _ in range(12)]
    await asyncio.gather(*calls, *threads)
    assert (most, now) == (3, 0)


async def test_who_gives_up_waiting_leaves_its_place_to_others() -> None:
    way, gate = traffic(concurrency=1), asyncio.Event()
    holder = asyncio.create_task(way.acall(gate.wait))
    await asyncio.sleep(0)
    waiting = [asyncio.create_task(way.acall(gate.wait)) for _ in range(3)]
    await asyncio.sleep(0)
    waiting[0].cancel()
    gate.set()
    holder_done = await holder
    waiting[1].cancel()  # it may have been given the place at this very moment
    done = await asyncio.gather(*waiting, return_exceptions=True)
    assert holder_done
    assert done[2] is True
    assert await way.acall(gate.wait) is True


async def test_a_blocking_call_inside_the_event_loop_does_not_wait_for_what_only_the_loop_can_give() -> None:
    way, gate = traffic(concurrency=1), asyncio.Event()
    holder = asyncio.create_task(way.acall(gate.wait))
    await asyncio.sleep(0)
    assert way.call(lambda: "answer") == "answer"
    gate.set()
    await holder


def test_turns_are_evenly_spaced_and_a_retry_takes_one_too() -> None:
    clock = Clock()
    way = traffic(clock, requests_per_minute=120)
    began = []

    def call() -> None:
        began.append(clock.now)
        if len(began) == 2:
            raise Busy("slow down")

    for _ in range(4):
        way.call(call)
    gaps = [later - earlier for earlier, later in itertools.pairwise(began)]
    assert len(began) == 5
    assert min(gaps) >= 0.5 - 1e-9
    assert [gaps[0], gaps[2], gaps[3]] == pytest.approx([0.5] * 3)


def test_processes_share_what_the_experiment_may_do() -> None:
    whole = ModelSettings(concurrency=8, requests_per_minute=60)
    assert whole.shared_by(3) == ModelSettings(concurrency=2, requests_per_minute=20)
    assert whole.shared_by(100).concurrency == 1
    assert ModelSettings().shared_by(3) == ModelSettings()


def test_agents_that_name_one_model_share_its_traffic() -> None:
    control = TrafficControl({"openai:tiny": ModelSettings(concurrency=2)})
    assert control.of("openai:tiny") is control.of("openai:tiny")
    assert control.of("openai:tiny").settings.concurrency == 2
    assert control.of("openai:other").settings == ModelSettings()


# -- models under traffic ---------------------------------------------------------------------------------------------


async def test_a_model_whose_calls_call_each_other_takes_one_place() -> None:
    model = under(
        FakeChatModel(rule="first"), traffic(concurrency=1)
    )  # has no `_agenerate`: LangChain's runs `_generate`
    assert await asyncio.wait_for(model.ainvoke("Pick one."), 5)


@contextlib.asynccontextmanager
async def remote(server: Endpoint, way: Traffic | None = None, **parameters: Any) -> Any:
    pytest.importorskip("langchain_openai", reason="langchain-openai is not installed (extra: test)")
    import httpx

    async with httpx.AsyncClient() as client:  # closed with the test, or its sockets would be warned of
        with httpx.Client() as blocking:
            yield chat_model(
                "openai:tiny",
                traffic=way,
                base_url=server.url,
                api_key="none",
                http_async_client=client,
                http_client=blocking,
                **parameters,
            )


@pytest.mark.slow
async def test_a_rate_limit_and_a_server_fault_are_waited_out_and_each_retry_is_an_event() -> None:
    clock, events = Clock(), []
    turned_away = [(429, {"Retry-After": "3"}), (429, {"retry-after-ms": "1500"}), (500, {})]
    with serving(*turned_away) as server:
        async with remote(server, traffic(clock)) as model:
            watch = Watch(lambda kind, data: events.append((kind, data)))
            reply = await model.ainvoke("Hi.", config={"callbacks": [watch]})
    assert (reply.text, server.asked) == ("Hello.", 4)
    assert 3 <= clock.waits[0] <= 4
    assert 1.5 <= clock.waits[1] <= 2.5
    assert [kind for kind, _ in events] == ["retry", "retry", "retry", "model_call"]
    assert [(data["attempt"], data["model"]) for _, data in events[:3]] == [(n, "openai:tiny") for n in (1, 2, 3)]
    assert [data["seconds"] for _, data in events[:3]] == [round(wait, 3) for wait in clock.waits]
    assert "429" in events[0][1]["error"]
    call = events[3][1]
    assert (call["name"], call["model"], call["base_url"]) == ("openai:tiny", "tiny-2026", server.url)
    assert call["tokens"] == {"input": 7, "output": 3, "total": 10}


@pytest.mark.parametrize(
    ("status", "says"), [(401, "refused the key"), (403, "is not open to this key"), (404, "is not known")]
)
async def test_a_refusal_is_not_repeated(status: int, says: str) -> None:
    with serving((status, {})) as server:
        async with remote(server, traffic()) as model:
            with pytest.raises(ModelError, match=f"openai:tiny {says}"):
                await model.ainvoke("Hi.")
    assert server.asked == 1


async def test_a_bad_request_is_the_agents_own_fault_and_stays_what_it_was() -> None:
    openai = pytest.importorskip("openai", reason="langchain-openai is not installed (extra: test)")
    with serving((400, {})) as server:
        async with remote(server, traffic()) as model:
            with pytest.raises(openai.BadRequestError):
                await model.ainvoke("Hi.")
    assert server.asked == 1


async def test_the_server_never_sees_more_calls_at_once_than_it_is_said_to_take() -> None:
    with serving(slow=0.02) as server:
        async with remote(server, traffic(concurrency=2)) as model:
            await asyncio.gather(*(model.ainvoke(f"Hi, {number}.") for number in range(8)))
            await asyncio.gather(*(asyncio.to_thread(model.invoke, f"Hi, {number}.") for number in range(4)))
    assert (server.asked, server.most) == (12, 2)


async def test_a_cached_reply_takes_neither_turn_nor_place() -> None:
    clock = Clock()
    with serving() as server:
        async with remote(server, traffic(clock, requests_per_minute=1), cache=InMemoryCache()) as model:
            for _ in range(3):
                await model.ainvoke("Hi.")
    assert (server.asked, clock.waits) == (1, [])


async def test_langchain_sees_the_class_that_it_knows_under_the_same_cache_key() -> None:
    openai = pytest.importorskip("langchain_openai", reason="langchain-openai is not installed (extra: test)")
    with serving() as server:
        async with remote(server) as model:
            plain = openai.ChatOpenAI(
                model="tiny",
                base_url=server.url,
                api_key="none",
                max_retries=0,
                http_async_client=model.http_async_client,
                http_client=model.http_client,
            )
            assert isinstance(model, openai.ChatOpenAI)
            assert model.lc_id() == plain.lc_id()
            assert model._get_llm_string(stop=["x"]) == plain._get_llm_string(stop=["x"])
            assert model.to_json() == plain.to_json()
            bound = model.bind_tools([{"name": "go", "description": "Go.", "parameters": {"type": "object"}}])
            assert (await bound.ainvoke([HumanMessage("Hi.")])).text == "Hello."
            assert (await model.model_copy().ainvoke("Hi.")).text == "Hello."
            assert server.asked == 2


class Tokens(BaseCallbackHandler):
    """Its presence alone makes no stream."""


async def test_a_users_own_max_retries_is_left_to_the_provider() -> None:
    with serving(*[(500, {"retry-after-ms": "1"})] * 2) as server:
        async with remote(server, traffic(retries=0), max_retries=2) as model:
            assert (await model.ainvoke("Hi.", config={"callbacks": [Tokens()]})).text == "Hello."
    assert server.asked == 3
