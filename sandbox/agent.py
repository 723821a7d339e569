"""The Agent contract: what an agent is told at a step, and what it may answer.

Three shapes are agents. A plain function `(turn) -> move` is a scripted agent. A subclass of `Agent` has a config, or
keeps something in mind from step to step; there is one instance per episode and seat. Anything LangGraph (a compiled
graph, a `StateGraph`, a factory `(config, runtime) -> graph`) is wrapped by `sandbox.adapters.langgraph`.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from contextvars import ContextVar
from copy import deepcopy
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar, Generic, Literal, Protocol, TypeVar

from pydantic import BaseModel

from sandbox.menu import InvalidAction, Menu, Move
from sandbox.scenario import Appraisal, Frozen, Luck

if TYPE_CHECKING:
    import numpy as np

Framing = Literal["lived", "hypothetical"]
HYPOTHETICAL = (
    "This is a hypothetical question. Suppose that you were in the situation below. What would you do? "
    "Your answer is recorded and has no effect."
)
"""What whoever is asked hypothetically is told first, a model or a person."""
Emit = Callable[[str, Mapping[str, Any]], None]
"""`emit(kind, data)`: record an event inside the current step; only enqueues, from any thread."""


class Plain(dict[str, Any]):
    """An event's data that holds JSON values only, and that nobody changes any more: `emit` need not look into it."""


def ignore(kind: str, data: Mapping[str, Any]) -> None:
    """The `emit` of a turn that nobody records."""


class NoConfig(Frozen):
    """The config of an agent or scorer that has nothing to set."""


ConfigT = TypeVar("ConfigT", bound=BaseModel)


@dataclass(frozen=True)
class Picture:
    """A picture of what a seat sees.

    Attributes:
        media: `image/jpeg` or `image/png`.
        data: its bytes.
        width, height: in pixels, which are those that an agent points at.
        boxes: reference -> (left, top, width, height) in pixels, of what can be pressed and is in the picture: for
            scripted agents, which do not look; no model is shown them.
    """

    media: str
    data: bytes = field(repr=False)
    width: int
    height: int
    boxes: Mapping[str, tuple[float, float, float, float]] = field(default_factory=dict, repr=False)


@dataclass(frozen=True)
class Turn:
    """All that an agent is told when it is to move.

    Attributes:
        seat: the role that it fills.
        observation: what the seat sees, an instance of the scenario's `Observation`.
        text: the same, rendered.
        menu: the legal moves.
        framing: `lived`, or `hypothetical`: asked what it would do, with no effect.
        index: the step's number in the episode, from 0.
        episode: the episode's key; with `seat` it names the thread of a conversation.
        errors: why earlier answers at this very step were not legal, oldest first.
        luck: the agent's own chance; use `generator()`.
        appraise: ground truth per move, for agents that declare themselves `privileged`; None for all others.
        emit: records an event inside this step.
        pictures: what the seat sees, where the episode has a surface that is seen (`sandbox.surface`).
        chance: what the agent's own chance is keyed by where that is not the episode: one that differs in nothing but
            how it is shown has the same.
        looks: gestures at this step so far that meant no move.
    """

    seat: str
    observation: Any
    text: str
    menu: Menu
    framing: Framing
    index: int
    episode: str
    errors: tuple[InvalidAction, ...] = ()
    luck: Luck = field(default=Luck(0), repr=False)
    appraise: Callable[[Move], Appraisal] | None = field(default=None, repr=False)
    emit: Emit = field(default=ignore, repr=False)
    pictures: tuple[Picture, ...] = ()
    chance: str = ""
    looks: int = 0

    if not TYPE_CHECKING:  # a checker would take any attribute for granted

        def __getattr__(self, name: str) -> Any:
            """What `lazy_turn` put off: most scripted agents never look."""
            if name not in ("observation", "text") or "_told" not in self.__dict__:
                raise AttributeError(f"a turn has no {name!r}", name=name, obj=self)
            made = self.__dict__[name] = getattr(self.__dict__["_told"], name)()
            return made

    def generator(self) -> np.random.Generator:
        """The agent's own chance at this step, the same whenever it is asked.

        Keyed by seed, episode, seat, step and attempt: with the seed alone, a random agent would draw the same position
        in every item of an experiment.
        """
        looks = (self.looks,) if self.looks else ()
        return self.luck.generator(
            "agent", self.chance or self.episode, self.seat, self.index, len(self.errors), *looks
        )


class Lazily(Protocol):
    """Makes what a turn puts off."""

    def observation(self) -> Any:
        """`Turn.observation`."""

    def text(self) -> str:
        """`Turn.text`."""


def lazy_turn(fields: dict[str, Any]) -> Turn:
    """A turn of all fields but `observation` and `text`, which `_told`, a `Lazily`, makes when somebody looks."""
    turn = object.__new__(Turn)  # a frozen dataclass sets its eleven fields one by one, at three times the cost
    object.__setattr__(turn, "__dict__", fields)
    return turn


def changed(turn: Turn, **fields: Any) -> Turn:
    """`dataclasses.replace` for a turn that is not to look at what is put off."""
    return lazy_turn({**turn.__dict__, **fields})


PLAYING: ContextVar[Turn] = ContextVar("sandbox_turn")
"""The turn that is being answered in this context: whose model call it is that somebody watches or journals."""


@dataclass(frozen=True)
class Reply:
    """An agent's answer: the action as it gave it, and what it said around it.

    Attributes:
        action: a move, or a dict with `kind` and fields, or None where no action was found in the answer.
        text: its words: reasoning or message, kept in the trace.
        refused: it declined in words to act; recorded as a refusal and not asked again.
        error: what the adapter already knows to be wrong (two tool calls, say); None otherwise.
    """

    action: Move | Mapping[str, Any] | None
    text: str = ""
    refused: bool = False
    error: InvalidAction | None = None


Answer = Reply | Move | Mapping[str, Any] | None


class Agent(Generic[ConfigT]):
    """Base of agents that have a config or a memory. One instance per episode and seat.

    Theory computes best responses to a scripted agent that keeps nothing in an attribute beside `config`, and draws
    nothing: what it does then follows from what it is shown.

    Attributes:
        Config: a frozen pydantic model of its settings.
        privileged: it is a simulated subject that reads the scenario's ground truth (`turn.appraise`). Recorded with
            the episode, and shown with it.
        verbatim: fields of `Config` that hold data, such as what somebody else wrote: a `${NAME}` in them stays as it
            is, where in other settings it becomes the environment variable's value.
    """

    Config: ClassVar[type[BaseModel]] = NoConfig
    privileged: ClassVar[bool] = False
    verbatim: ClassVar[tuple[str, ...]] = ()

    def __init__(self, config: ConfigT) -> None:
        self.config = config

    def act(self, turn: Turn) -> Answer | Awaitable[Answer]:
        """Answer the turn; may be a coroutine. Called again with `turn.errors` if the answer was not legal."""
        raise TypeError(f"{type(self).__name__} must define act(turn)")

    def witness(self, turn: Turn, reply: Reply) -> Awaitable[object] | object:
        """A turn of its seat that was answered for it: to be remembered as its own. May be a coroutine.

        So an agent is brought to the step at which an episode is forked, where another played its seat until then, or
        somebody put a move in there. By default it is asked, as a scripted agent keeps what it needs when it is, and
        its answer is not used; define this where being asked costs something, as a model call does.
        """
        return self.act(turn)

    def fork(self) -> Agent[Any]:
        """A copy that goes its own way: it is asked beside the episode, and nothing of that is known to this one.

        By default a deep copy; define it where that is too much, or fails.
        """
        return deepcopy(self)
