"""What the panes are shown: one step of an episode, with what came before and after, the marks and the scores."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate

from sandbox.annotation import Annotation
from sandbox.report.changes import changed
from sandbox.report.people import said_by_people
from sandbox.report.plain import AnyMark, AnyScore, Passage, came, did, ended, marked, saw, says
from sandbox.report.seats import Column, columns
from sandbox.report.summary import Summary, summarise
from sandbox.report.tabular import tables
from sandbox.report.worth import MERE, Sign, flags_of, sign
from sandbox.trace import Episode, Step

Section = tuple[str, list[Passage]]
"""A title, and what stands below it."""


class Recording:
    """An episode with all that scorers said of it; its steps may be read only when they are asked for.

    Attributes:
        about: the episode without its steps.
        steps: its steps; a slice of them costs nothing, all of them may not fit memory.
        marks, scores: what scorers said.
        signs: of each step what says whether it is worth a look.
        annotations: what people say of it (see `annotate`).
        summary: what decided the episode; None until `know` was told.
        survey: reads the signs in full, where `signs` are only what could be read at once; then give them to `know`.
    """

    def __init__(
        self,
        about: Episode,
        steps: Sequence[Step],
        signs: Sequence[Sign],
        marks: Iterable[AnyMark] = (),
        scores: Iterable[AnyScore] = (),
        survey: Callable[[], Sequence[Sign]] | None = None,
    ) -> None:
        self.about = about
        self.steps = steps
        self.signs = signs
        self.marks = tuple(marks)
        self.scores = tuple(scores)
        self.annotations: tuple[Annotation, ...] = ()
        self.survey = survey
        self.summary: Summary | None = None

    @classmethod
    def of(cls, episode: Episode, marks: Iterable[AnyMark] = (), scores: Iterable[AnyScore] = ()) -> Recording:
        """The recording of an episode that has been read as a whole."""
        about = episode.model_copy(update={"steps": ()})
        return cls(about, episode.steps, [sign(step) for step in episode.steps], marks, scores)

    def summarised(self) -> Summary:
        """The episode in a few lines, with the step that decided it; goes through all steps once."""
        # The steps stay as they are, to be read one after the other: nothing checks them again.
        return summarise(self.about.model_copy(update={"steps": self.steps}), self.marks)

    def know(self, signs: Sequence[Sign] | None, summary: Summary | None = None) -> None:
        """Take the signs in full, if they are given, and the summary."""
        self.summary = summary or self.summary
        if signs is not None:
            self.signs, self.survey = signs, None
            self._forget("flags", "stops", "risks", "_totals")

    def annotate(self, annotations: Iterable[Annotation]) -> None:
        """Take what people say of it now."""
        self.annotations = tuple(annotations)
        self._forget("flags", "stops", "risks")

    def _forget(self, *names: str) -> None:
        for name in names:
            self.__dict__.pop(name, None)

    @property
    def id(self) -> str:
        """The episode's key."""
        return self.about.id

    @property
    def episode(self) -> Episode:
        """The whole episode: reads all steps, which takes a while and much memory where it is long."""
        return self.about.model_copy(update={"steps": tuple(self.steps)})

    @cached_property
    def flags(self) -> Mapping[int, tuple[str, ...]]:
        """Index of a step -> its flags, gravest first; steps without any are left out."""
        failed = self.about.status == "error"
        people = [one.step for one in self.annotations]
        return flags_of(self.signs, self.about.spec.evaluated, (mark.step for mark in self.marks), failed, people)

    @cached_property
    def stops(self) -> tuple[int, ...]:
        """The steps that 'next flag' stops at: all flagged ones, but for mere opportunities."""
        return tuple(index for index, names in self.flags.items() if names != MERE)

    @cached_property
    def risks(self) -> tuple[int, ...]:
        """The steps that take a risk."""
        return tuple(index for index, names in self.flags.items() if "risk" in names)

    @cached_property
    def _totals(self) -> Mapping[str, list[float]]:
        seats = dict.fromkeys(seat for one in self.signs for seat in one.rewards)
        return {seat: list(accumulate(one.rewards.get(seat, 0.0) for one in self.signs)) for seat in seats}

    def so_far(self, index: int) -> dict[str, float]:
        """Seat -> all its rewards up to a step, of the seats that have had any by then."""
        return {seat: sums[index] for seat, sums in self._totals.items() if sums[index] or self._paid(seat) <= index}

    def _paid(self, seat: str) -> int:
        return next(index for index, one in enumerate(self.signs) if seat in one.rewards)

    def returns(self, seat: str) -> Sequence[float]:
        """The sum of a seat's rewards after each step."""
        return self._totals.get(seat, ())

    def earlier(self, index: int, seat: str) -> Iterator[Step]:
        """The seat's steps before a step, the latest first; no other is read."""
        return (self.steps[i] for i in range(index - 1, -1, -1) if self.signs[i].seat == seat)

    def later(self, index: int, seat: str) -> Iterator[Step]:
        """The seat's steps after a step."""
        return (self.steps[i] for i in range(index + 1, len(self.signs)) if self.signs[i].seat == seat)

    def moment(self, index: int) -> Moment:
        """The moment of a step, or of an episode that has none."""
        return Moment(self, self.steps[index] if self.steps else None)


@dataclass(frozen=True)
class Moment:
    """A step of a recording; None for one without steps."""

    recording: Recording
    step: Step | None

    @property
    def flags(self) -> tuple[str, ...]:
        """Why the step is worth a look, gravest first."""
        return self.recording.flags.get(self.step.index, ()) if self.step else ()

    @cached_property
    def before(self) -> Step | None:
        """The seat's step before."""
        return next(self.recording.earlier(self.step.index, self.step.seat), None) if self.step else None

    @cached_property
    def after(self) -> Step | None:
        """The seat's next step."""
        return next(self.recording.later(self.step.index, self.step.seat), None) if self.step else None

    def saw(self) -> list[Passage]:
        """What the seat saw, and the tables in it."""
        return [*saw(self.step), *tables(self.step.observation)] if self.step else [_NO_STEPS]

    def says(self) -> Iterator[Passage]:
        """What it thought and said, one after the other."""
        return says(self.step, self.recording.steps[: self.step.index]) if self.step else iter(())

    def said(self) -> list[Passage]:
        """All of that."""
        return list(self.says())

    def did(self) -> list[Passage]:
        """What it did."""
        return did(self.step, self.recording.about.spec.framing) if self.step else []

    def came(self) -> list[Passage]:
        """What came of the step: rewards, and what changed."""
        if self.step is None:
            return ended(self.recording.about)
        recording, step = self.recording, self.step
        so_far = None if recording.survey else recording.so_far(step.index)
        rewards = came(recording.about, step, (), so_far)
        return [*rewards, *changed(step, self.after, self._next_state())]

    def _next_state(self) -> str | None:
        """The hash of the state after the tick."""
        assert self.step is not None
        signs, index = self.recording.signs, self.step.index + 1
        while index < len(signs) and signs[index].tick == self.step.tick:
            index += 1
        return self.recording.steps[index].state if index < len(signs) else None

    def facts(self) -> list[Passage]:
        """What scorers and the scenario say: of the step, then of the whole episode."""
        recording = self.recording
        attempt = recording.about.attempt
        marks = marked(self.step, recording.marks) if self.step else []
        people = said_by_people(recording.annotations, self.step.index, attempt) if self.step else []
        return [
            *([*people, *marks] or [Passage("no marks at this step", "quiet")]),
            Passage("the whole episode", "heading"),
            *self._decisive(),
            *said_by_people(recording.annotations, None, attempt),
            *ended(recording.about, recording.scores),
        ]

    def _decisive(self) -> Iterator[Passage]:
        found = self.recording.summary and self.recording.summary.decisive
        if found:
            yield Passage(f"decisive: step {found.index + 1}: {found.why} (by {found.basis})", "chosen")

    def sections(self) -> list[Section]:
        """All of it with the titles of the panes."""
        return [
            ("what it saw", self.saw()),
            ("what it did", self.did()),
            ("what it thought and said", self.said()),
            ("what came of it", self.came()),
            ("what scorers and facts say", self.facts()),
        ]

    def columns(self) -> list[Column]:
        """Each seat's latest view, its move, and what it said."""
        recording = self.recording
        if self.step is None:
            return columns(recording.about.spec, dict.fromkeys(recording.about.spec.seats), 0)
        tick, end = self.step.tick, self.step.index
        while end < len(recording.signs) and recording.signs[end].tick == tick:
            end += 1
        latest = {seat: next(recording.earlier(end, seat), None) for seat in recording.about.spec.seats}
        before = {seat: next(recording.earlier(one.index, seat), None) for seat, one in latest.items() if one}
        return columns(recording.about.spec, latest, tick, before)

    def holds(self, needle: str) -> bool:
        """Whether any text of the step (not of the episode's end) has `needle`, given in lower case."""
        step = self.step
        if step is None:
            return False
        recording = self.recording
        people = lambda: said_by_people(recording.annotations, step.index)  # noqa: E731 (as its neighbour)
        parts = (self.saw, self.said, self.did, lambda: marked(step, recording.marks), people)
        return any(needle in one.text.lower() for part in parts for one in part())


_NO_STEPS = Passage("the episode has no steps", "quiet")
