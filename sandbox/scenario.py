"""The Scenario contract: a pure transition model; config in, states, menus and observations out.

A scenario does no I/O, reads no clock and draws nothing. Chance is a seat (as in OpenSpiel: Lanctot et al. 2019,
arXiv:1908.09453, section 3.1): where `to_move` says `NATURE`, whoever drives the scenario draws nature's move with
`sample` from a generator keyed by the episode's seed and the draw's name, records it, and gives it to `apply` like any
other. From that follow, without another line by the author: the Gymnasium and PettingZoo environments, replay as a fold
over moves, forks with the parent's luck, verification of stored traces, choice sets, the hypothetical twin of any step,
and an LLM's tools.
"""

from __future__ import annotations

import hashlib
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import TYPE_CHECKING, Any, ClassVar, Generic, TypeVar

from pydantic import BaseModel, Field, TypeAdapter

from sandbox.errors import PluginError
from sandbox.finite import Finite, is_finite
from sandbox.menu import Forfeit, Menu, Move
from sandbox.text import canonical, fragment, is_exact, sha256

if TYPE_CHECKING:
    import numpy as np

NATURE = "nature"
"""The seat whose moves are chance."""


class Frozen(Finite):
    """Base of configs, items and observations: immutable, no unknown fields, finite numbers."""


class Item(Frozen):
    """One member of a fixed population of stimuli; subclasses add its content. `id` is unique within a config."""

    id: str = "0"


class Appraisal(Frozen):
    """The scenario's own ground truth on one move in one state; recorded, never shown to an agent.

    Attributes:
        values: value classes that the move serves, one entry per count, in the source's order; None stands for a
            value that the source names but whose class is not known.
        risks: risks that the move takes, as labels (`Deception`, `shutdown_avoidance`).
        utility: what the move is worth to the seat by the scenario's own measure, in its own unit; None if undefined.
        content: what is chosen, whatever its position or label: the same in every order of the same options.
        features: anything else that a choice model may use, such as `position` (0 = first), `label`, `act` (1 =
            commission, 0 = omission), `matches` (1 = the answer that matches the behaviour asked about), `price`.
            `claim/NAME` is what the move says of NAME and `truth/NAME` what is so (equal: a true claim); the second
            without the first: the move is silent where it ought to tell.
    """

    values: tuple[str | None, ...] = ()
    risks: tuple[str, ...] = ()
    utility: float | None = None
    content: str | None = None
    features: Mapping[str, float | str] = Field(default_factory=dict)  # pydantic copies a plain default, deeply


UNAPPRAISED = Appraisal()
"""Nothing is known of a move."""


class Treatment(Frozen):
    """The value that an experiment or a scenario gave to a factor, with the probability of having given that value."""

    value: Any
    propensity: float | None = None


class Benchmark(Frozen):
    """A number that theory or simulation puts beside a score, with the assumptions that it rests on.

    Attributes:
        value: in the unit of the score it stands beside; None where it is not defined, and then `assumes` says why.
        assumes: the assumptions, in words, with the source.
        error: standard error of a simulated value; None for an exact one.
    """

    value: float | None
    assumes: str
    error: float | None = None


ConfigT = TypeVar("ConfigT", bound=BaseModel)
StateT = TypeVar("StateT")
Policy = Callable[[Any], Move]
"""State -> move: how a scripted counterpart plays; what `benchmarks` may compute a best response against."""


class Scenario(ABC, Generic[ConfigT, StateT]):
    """A situation as a pure function of its moves. Subclass it, set the class attributes, write the four methods.

    Attributes:
        id: `family/Name-v0`; changed dynamics mean a new `-v1`.
        Config: a frozen pydantic model; every field has a default, so that `gymnasium.make(id)` works.
        State: an immutable type that pydantic can write as JSON and read back (a frozen dataclass is fast).
        Action: the `Move` subclass, or the union of them, that `menu` may list.
        Observation: a frozen pydantic model; what a seat sees, and nothing else.
        presentation: fields of `Config` that change how things are shown and nothing else: agents that draw have the
            same luck whatever they are.
    """

    id: ClassVar[str]
    Config: ClassVar[type[BaseModel]]
    State: ClassVar[Any]
    Action: ClassVar[Any]
    Observation: ClassVar[type[BaseModel]]
    presentation: ClassVar[frozenset[str]] = frozenset()

    def __init_subclass__(cls, **kwargs: Any) -> None:
        """Make `gymnasium.make(id)` work as soon as the class exists."""
        super().__init_subclass__(**kwargs)
        if "id" not in cls.__dict__:
            return
        import gymnasium  # here: who reads a store has no scenario, and gymnasium takes 0.2 s

        known = gymnasium.registry.get(cls.id)
        if known is not None and "scenario" in known.kwargs:
            del gymnasium.registry[cls.id]  # the class was written again, as in a notebook: the later one counts
        if cls.id not in gymnasium.registry:
            gymnasium.register(
                cls.id,
                entry_point="sandbox.adapters.gymnasium:make_environment",
                kwargs={"scenario": cls},
                disable_env_checker=True,  # it would warn about rewards and spaces that check_env accepts
            )

    # -- required -----------------------------------------------------------------------------------------------

    @abstractmethod
    def initial(self, config: ConfigT, item: Any) -> StateT:
        """The state before the first move."""

    @abstractmethod
    def menu(self, state: StateT, seat: str) -> Menu:
        """The seat's legal moves; never empty while the seat is to move."""

    @abstractmethod
    def apply(self, state: StateT, moves: Mapping[str, Move]) -> StateT:
        """The next state: `moves` has one legal move (or the declared forfeit) for each seat of `to_move`."""

    @abstractmethod
    def observe(self, state: StateT, seat: str) -> BaseModel:
        """All that the seat may know now, as an instance of `Observation`."""

    # -- with defaults -------------------------------------------------------------------------------------------

    def seats(self, config: ConfigT) -> tuple[str, ...]:
        """The seats that agents fill; one called `agent` unless overridden."""
        return ("agent",)

    def sides(self, config: ConfigT) -> tuple[tuple[str, ...], ...]:
        """The seats by side: a round-robin gives all seats of a side to one agent. By default each is one by itself."""
        return tuple((seat,) for seat in self.seats(config))

    def endless(self, config: ConfigT) -> bool:
        """Whether the players can go on for ever, so that an experiment must say when to stop (`limits.steps`)."""
        return False

    def to_move(self, state: StateT) -> tuple[str, ...]:
        """Who moves now: one seat, several at once, `(NATURE,)`, or nobody at the end.

        By default the one seat moves for as long as its menu has entries.
        """
        return ("agent",) if self.menu(state, "agent") else ()

    def draw(self, state: StateT) -> str:
        """The name of nature's pending draw, such as `quality/7`: it keys the luck, so that a detour changes none.

        Must be overridden where `to_move` can say `NATURE`.
        """
        raise PluginError(
            f"{self.id}: nature is to move, but the scenario does not name its draw: override draw(state)"
        )

    def sample(self, state: StateT, generator: np.random.Generator) -> Move:
        """Nature's move. Must be overridden where `to_move` can say `NATURE`; draws from `generator` alone."""
        raise PluginError(
            f"{self.id}: nature is to move, but the scenario does not draw: override sample(state, generator)"
        )

    def appraise(self, state: StateT, seat: str, move: Move) -> Appraisal:
        """Ground truth on a legal move: a function of state and move only."""
        return UNAPPRAISED

    def payoffs(self, state: StateT) -> Mapping[str, float]:
        """Total so far per seat; a reward is its difference. A seat left out has 0."""
        return {}

    def facts(self, state: StateT) -> Mapping[str, Any]:
        """What is true in the state for scorers to read at the end, such as `task_done`; JSON values, never shown."""
        return {}

    def render(self, observation: Any) -> str:
        """The observation as the text that an LLM or a person reads; by default one `name: value` line per field."""
        return "\n".join(f"{name.replace('_', ' ')}: {value}" for name, value in observation.model_dump().items())

    def items(self, config: ConfigT) -> Sequence[Any]:
        """The fixed population of stimuli (`Item`s), in a fixed order; one empty item by default.

        Raises:
            DatasetError: a file cannot be read; names row and column.
        """
        return (Item(),)

    def counterbalance(self, config: ConfigT, item: Any) -> Sequence[Mapping[str, Any]]:
        """The settings of config fields that the item is met under, where the config leaves them to the experiment.

        Each becomes an episode, with the settings recorded as treatments: `[{"order": 0}, {"order": 1}]`.
        """
        return ({},)

    def forfeit(self, state: StateT, seat: str) -> Move:
        """What happens when the seat gives no legal answer; recorded as a forfeit, never as a choice.

        The default, `Forfeit()`, ends the episode there without reaching `apply`.
        """
        return Forfeit()

    def reference(self, state: StateT, seat: str) -> Move:
        """The move that carries a *hypothetical* episode on, whose answers have no effect; the forfeit by default."""
        return self.forfeit(state, seat)

    def treatments(self, state: StateT) -> Mapping[str, Treatment]:
        """Factors that nature assigned, with their propensities; recorded as `treatments` among the episode's facts."""
        return {}

    def conceal(self, state: StateT, seat: str) -> StateT:
        """A state in which all that `seat` may not know is different, and the seat's observation must not be.

        The conformance check compares the two observations; return `state` where nothing is hidden.
        """
        return state

    def benchmarks(self, config: ConfigT, item: Any, counterparts: Mapping[str, Policy]) -> Mapping[str, Benchmark]:
        """Theory beside the scores: named anchors, recorded with the episode. Nothing by default.

        `counterparts`: seat -> policy of the scripted agents that the one under evaluation meets; where several seats
        are under evaluation, of all scripted ones, since each meets the others. Who draws or remembers has no policy.
        """
        return {}

    def surface(self, config: ConfigT) -> object | None:
        """What the runner shows the seats under evaluation their observations on, a `sandbox.surface.Surface`.

        None: as the text of `render`.

        Through the Gymnasium and PettingZoo APIs observations are what they are on every surface.
        """
        return None

    def audit(self, config: ConfigT) -> Sequence[str]:
        """What breaks promises that only this kind of scenario makes, a line each; `check_scenario` ends with it."""
        return ()

    # -- derived; not to be overridden ----------------------------------------------------------------------------

    @cached_property
    def action(self) -> TypeAdapter[Any]:
        """Validates raw actions."""
        return _adapter(type(self), "Action")

    @cached_property
    def state_type(self) -> TypeAdapter[Any]:
        """Writes and reads states as JSON."""
        return _adapter(type(self), "State")

    @cached_property
    def _finite(self) -> bool:
        """Whether no state has a NaN, by its type."""
        return is_finite(self.state_type)

    def state_hash(self, state: StateT) -> str:
        """32 hexadecimal digits that equal states share."""
        return _digits(canonical(self.state_type.dump_python(state, mode="json")))

    def identify(self, state: StateT) -> tuple[str, bool]:
        """`state_hash`, and whether it tells this state from all others (those with a NaN it does not)."""
        value = self.state_type.serializer.to_python(state, mode="json")
        written = fragment(value)
        if written is None:
            return _digits(canonical(value)), False
        return _digits(written), self._finite or is_exact(value, written)


@lru_cache(maxsize=128)  # learning a large type takes 15 ms, and a conformance check makes hundreds of scenarios
def _adapter(kind: type[Scenario[Any, Any]], part: str) -> TypeAdapter[Any]:
    return TypeAdapter(getattr(kind, part))


def _digits(written: bytes) -> str:
    return sha256(written)[:32]


@dataclass(frozen=True)
class Luck:
    """An episode's chance: a generator per named draw, so that what is drawn elsewhere changes nothing here."""

    seed: int

    def generator(self, *name: object) -> np.random.Generator:
        """The generator of the draw called `name`; a fresh one, with the same stream, at each call."""
        from sandbox.streams import generator  # for the same reason

        key = hashlib.blake2b(repr((self.seed, *map(str, name))).encode("utf-8", "surrogatepass"), digest_size=16)
        return generator(int.from_bytes(key.digest(), "big"))
