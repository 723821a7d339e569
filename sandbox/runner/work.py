"""A worker: claims episodes of an experiment from the store, some at a time, and plays them side by side on one loop.

Every executor runs workers, one or many, in this process or in others; they share nothing but the store.
"""

from __future__ import annotations

import asyncio
import time
import traceback
from collections import deque
from collections.abc import Callable, Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from sandbox.adapters.human import HumanAgent
from sandbox.errors import BrowserError, ModelError, StoreError
from sandbox.experiment.model import Experiment
from sandbox.runner.build import Builder
from sandbox.runner.fork import Branch, ForkLoop
from sandbox.runner.journal import Sharing, journalled
from sandbox.runner.limits import CircuitBreaker, used_up
from sandbox.runner.loop import EpisodeLoop
from sandbox.runner.people import seated
from sandbox.runner.surfaces import Surfaces
from sandbox.store import Claimed, Store, Writer
from sandbox.trace import Episode, EpisodeSpec
from sandbox.uncollected import collected_seldom

CONCURRENT = 8  # episodes in flight: enough for a remote model; an embedded one takes its calls one by one
CHUNK = 50  # most episodes claimed at once: each claim is a transaction
SUCCESSES = ("finished", "truncated", "forfeited")
QUICK = 0.5  # seconds: where a chunk took less, the next one is twice as large
PATIENCE = 0.5  # seconds between looks at episodes that other workers hold
LOOK = 1.0  # seconds between looks at what other workers spent and met, where that may end the run


@dataclass(frozen=True)
class Job:
    """All that a worker in another process needs to know.

    Attributes:
        store: the database's URL, with its password.
        plugins_dirs: directories of one-file plugins.
        experiment: its number in the store; plan: what its file says.
        numbers: the episodes to play, in the order of playing.
        concurrent: episodes in flight, per worker.
        workers: how many processes to play them in, where the executor starts some; None: one a core.
        sharing: whether model's replies are shared between episodes.
        begun: when the run began, in seconds since 1970; 0: now.
        failed, succeeded: episodes of the experiment that had ended by then, in error and otherwise.
    """

    store: str
    plugins_dirs: tuple[str, ...]
    experiment: int
    plan: Experiment
    numbers: tuple[int, ...]
    concurrent: int
    workers: int | None = None
    sharing: Sharing = "off"
    begun: float = 0.0
    failed: int = 0
    succeeded: int = 0


@dataclass
class Work:
    """What a worker did.

    Attributes:
        done: episodes played; failed: of these, those that ended in error.
        unreachable: agent -> why its model could not be reached, or environment -> why its browser could not; those
            episodes stay to be run.
        stopped: why no more episodes were begun though some were left; '' where none were.
    """

    done: int = 0
    failed: int = 0
    unreachable: dict[str, str] = field(default_factory=dict)
    stopped: str = ""


class Worker:
    """Plays episodes until none of those it may play is left, also none that another worker might still drop.

    Args:
        job: what to play; some of it may be taken by others.
        store: the queue, and where traces go.
        builder: makes environments and agents.
        ended: called after each episode.
    """

    def __init__(self, job: Job, store: Store, builder: Builder, ended: Callable[[Episode], None]) -> None:
        self._job = job
        self._store = store
        self._builder = builder
        self._writer = store.writer()
        self._allowed = frozenset(job.numbers)
        self._numbers = list(job.numbers)
        self._at = 0
        self._ended = ended
        self._breaker = CircuitBreaker(len(job.numbers))
        # A worker that was started late, or again, has what is left of the run's time. The clock is asked this once: if
        # it is set back or forth while the run lasts, that changes nothing.
        late = max(0.0, time.time() - job.begun) if job.begun else 0.0
        self._began = time.monotonic() - late
        self._spent = 0.0  # US dollars
        self._look_at = 0.0 if job.plan.budget.cost_usd is not None else time.monotonic() + LOOK
        self._claimed: deque[Claimed] = deque()
        self._playing: set[int] = set()
        self._dropped: set[int] = set()  # their model cannot be reached
        self._chunk = job.concurrent
        self._alone = True  # the last claim found nothing that others had taken
        self._refilled = 0.0
        self._refilling = asyncio.Lock()
        self._surfaces = Surfaces(builder)
        self.work = Work()

    @property
    def playing(self) -> int:
        """How many episodes are under way."""
        return len(self._playing)

    async def run(self) -> Work:
        """Play; whatever is claimed and not played is given back, also when interrupted."""
        try:
            with collected_seldom():
                async with asyncio.TaskGroup() as group:
                    for _ in range(self._job.concurrent):
                        group.create_task(self._play_some())
        except BaseExceptionGroup as errors:  # one is as good as all: the rest were cancelled because of it
            raise errors.exceptions[0] from None
        finally:
            try:
                if self._writer.healthy:
                    self._writer.release(list(self._playing), [one.number for one in self._claimed])
                    self._writer.flush()  # also when interrupted: what was done is kept
            finally:
                await self._surfaces.close()
        return self.work

    async def _play_some(self) -> None:
        while claimed := await self._next():
            self._playing.add(claimed.number)
            await asyncio.sleep(0)  # scripted agents never wait: without this, Ctrl-C would be heard at the very end
            await self._play(claimed)

    async def _play(self, claimed: Claimed) -> None:
        work, spec = self.work, claimed.spec
        if lost := [seat.name for seat in spec.seats.values() if seat.name in work.unreachable]:
            self._breaker.failed(work.unreachable[lost[0]])
            self._drop(claimed, unbegun=True)
            return
        if why := self._surfaces.broken(spec):
            self._without_surface(claimed, why, unbegun=True)
            return
        try:
            episode = await play(claimed, self._builder, self._store, self._writer, self._surfaces, self._job.sharing)
        except BrowserError as error:
            self._without_surface(claimed, str(error))
            return
        except ModelError as error:
            work.unreachable[error.agent or spec.agent.name] = str(error)
            self._breaker.failed(str(error))
            self._drop(claimed)
            return
        self._playing.discard(claimed.number)
        work.done += 1
        self._spent += episode.usage.cost_usd or 0.0
        if episode.status == "error":
            work.failed += 1
            self._breaker.failed(episode.reason)
            if not self._breaker.closed:  # some twenty times at most
                self._look_at = 0.0
        else:
            self._breaker.succeeded()
        self._ended(episode)

    def _without_surface(self, claimed: Claimed, why: str, *, unbegun: bool = False) -> None:
        """Leave the episode to be run; others, which need no browser, go on."""
        self.work.unreachable[claimed.spec.environment] = why
        self._drop(claimed, unbegun=unbegun)

    def _drop(self, claimed: Claimed, *, unbegun: bool = False) -> None:
        self._playing.discard(claimed.number)
        self._dropped.add(claimed.number)
        self._writer.release(*(([], [claimed.number]) if unbegun else ([claimed.number], [])))

    async def _next(self) -> Claimed | None:
        """An episode to play; None when there is nothing left to do."""
        async with self._refilling:
            if not self._claimed:
                await self._refill()
            if not self._claimed:
                return None
            self.work.stopped = await self._why_stop()
            return None if self.work.stopped else self._claimed.popleft()

    async def _why_stop(self) -> str:
        """Why no more episodes may be begun, or ''."""
        if time.monotonic() >= self._look_at:
            await self._look()
        if self._breaker.open:
            while self._breaker.open and self._playing:  # what is under way may still be the first success
                await asyncio.sleep(PATIENCE)
            await self._look()
        seconds = time.monotonic() - self._began
        return self._breaker.open or used_up(self._job.plan.budget, self._spent, seconds)

    async def _look(self) -> None:
        """Learn from the store what other workers spent, and whether everything fails for them, too."""
        began, job = time.monotonic(), self._job
        if job.plan.budget.cost_usd is not None:
            before = self._spent
            found = await asyncio.to_thread(self._store.spent, job.experiment)
            self._spent += found.cost_usd - before  # episodes may have ended here meanwhile
        if not self._breaker.closed:
            counts = await asyncio.to_thread(self._store.counts, job.experiment)
            succeeded = sum(counts.get(status, 0) for status in SUCCESSES) - job.succeeded
            self._breaker.everywhere(counts.get("error", 0) - job.failed, succeeded)
        now = time.monotonic()
        self._look_at = now + max(LOOK, 20 * (now - began))  # looking takes a twentieth of the time at most

    async def _refill(self) -> None:
        """Claim some more; waits while what is left is in other workers' hands."""
        quick = time.monotonic() - self._refilled < QUICK
        concurrent = self._job.concurrent
        self._chunk = min(2 * self._chunk, max(CHUNK, concurrent)) if quick else concurrent
        while not self._claimed:
            if self._at >= len(self._numbers) and not await self._look_again():
                return
            # Each number asked for costs as much as reading a row: more than are wanted only where others are about.
            some = self._numbers[self._at : self._at + (self._chunk if self._alone else 4 * CHUNK)]
            found = await self._claim(some)
            # Where there were as many as asked for, there may be more behind the last of them.
            self._alone = len(found) == min(self._chunk, len(some))
            self._at += some.index(found[-1].number) + 1 if len(found) == self._chunk else len(some)
        self._refilled = time.monotonic()

    async def _look_again(self) -> bool:
        """Whether episodes are left that others hold; their leases may end."""
        while True:
            queue = await asyncio.to_thread(self._store.queue, self._job.experiment)
            mine = self._playing | self._dropped
            self._numbers = [number for number in queue if number in self._allowed and number not in mine]
            self._at = 0
            if not self._numbers:
                return False
            if await self._claim(self._numbers[: 4 * CHUNK]):
                return True
            await asyncio.sleep(PATIENCE)

    async def _claim(self, numbers: list[int]) -> list[Claimed]:
        """Claim a chunk of these; when interrupted only after it is known what was claimed, to give that back."""
        claiming = asyncio.ensure_future(asyncio.to_thread(self._store.claim, numbers, self._chunk))
        try:
            await asyncio.shield(claiming)
        finally:
            self._claimed.extend(await claiming)
        return claiming.result()


async def play(
    claimed: Claimed,
    builder: Builder,
    store: Store,
    writer: Writer,
    surfaces: Surfaces,
    sharing: Sharing = "off",
) -> Episode:
    """Play one episode, every step on its way to the store as soon as it is done, each model's reply before it is used.

    Raises:
        ModelError, BrowserError: a model or a browser cannot be reached; the episode stays to be run.
    """
    spec, attempt = claimed.spec, claimed.attempt

    people: list[HumanAgent] = []

    def record(step: Any) -> None:
        writer.step(spec.key, attempt, step)
        for person in people:
            person.note(step)

    versions = builder.versions(spec)
    async with AsyncExitStack() as stack:
        try:
            branch = None if spec.fork is None else await asyncio.to_thread(Branch.of, spec, store)
            if branch is None:
                world, agents = builder.world(spec), builder.agents(spec)
            else:
                world, agents = branch.world(builder), branch.agents(builder)
            benchmarks = builder.benchmarks(spec)
            presenters = await surfaces.presenters(spec, stack)
            people += seated(agents, spec, store, writer, attempt, presenters)
        except (ModelError, BrowserError, StoreError):
            raise
        except (Exception, SystemExit) as error:  # a plugin may do anything: recorded, and the other episodes go on
            episode = failed(spec, error, versions, attempt)
        else:
            before = None if branch is None else branch.before
            with journalled(store, writer, spec, claimed.number, attempt, sharing, before):
                playing = EpisodeLoop if branch is None else partial(ForkLoop, branch)
                loop = playing(spec, world, agents, record, builder.prices, presenters, builder.chance(spec))
                provenance = "executed" if branch is None else branch.provenance
                episode = await loop.run(benchmarks, versions, provenance, attempt)
    writer.finish(episode)
    return episode


def failed(spec: EpisodeSpec, error: BaseException, versions: Mapping[str, str], attempt: int) -> Episode:
    """An episode that did not begin, with the traceback as its reason."""
    reason = "".join(traceback.format_exception(error))[-4000:]
    return Episode(id=spec.key, spec=spec, status="error", reason=reason, versions=versions, attempt=attempt)
