"""What is recorded: specifications, steps, events, episodes; their hashes; and the table of choices.

A step's `digest` chains: it covers the digest before it and what agents and environment exchanged in the step, never
times, tokens or words said beside the action. So the last digest is the trace hash, a fork shares its parent's
digests up to the fork, and a changed byte is found at its step.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cached_property, lru_cache
from operator import not_
from typing import Any, Literal, NamedTuple, Self, TypeVar

from pydantic import BaseModel, Field

from sandbox.annotation import Annotation
from sandbox.scenario import NATURE, Appraisal, Benchmark, Frozen, Treatment
from sandbox.text import canonical, fragment, sha256

Outcome = Literal["valid", "abstention", "invalid", "unparsed", "refusal", "timeout", "chance"]
"""How a decision came out. `invalid`: never a legal action within the allowed attempts; `unparsed`: no action could be
read in the last of them; all but `valid`, `abstention` and `chance` mean that the declared forfeit happened."""

Status = Literal["pending", "running", "finished", "truncated", "forfeited", "error"]
Provenance = Literal["executed", "replayed", "recorded"]
NO_ANSWER: frozenset[str] = frozenset({"invalid", "unparsed", "refusal", "timeout"})
COUNTS = ("invalid", "refusal", "abstention", "unparsed", "truncated", "error")
"""What `Episode.counts` counts, and every table and document beside its numbers."""
UNANSWERED_ASKS = "asked_unanswered"
"""What it counts as well where there are any: questions to forks without a legal answer."""


ModelT = TypeVar("ModelT", bound=BaseModel)


def trusted(kind: type[ModelT], fields: dict[str, Any]) -> ModelT:
    """A model of fields known to be valid: all of them, in order of declaration. Validation costs seven times as much.

    `fields` becomes the model's own.
    """
    names = _NAMES.get(kind)
    if names is None:
        names = _NAMES[kind] = set(kind.__pydantic_fields__)
    made = kind.__new__(kind)
    # By the slots themselves: a frozen model's own `__setattr__` refuses, and object's looks each name up.
    _set_fields(made, fields)
    _set_names(made, names)  # nobody changes it, as the models are frozen
    _set_extra(made, None)
    _set_private(made, None)
    return made


_set_fields, _set_names, _set_extra, _set_private = (
    BaseModel.__dict__[slot].__set__
    for slot in ("__dict__", "__pydantic_fields_set__", "__pydantic_extra__", "__pydantic_private__")
)
_NAMES: dict[type[BaseModel], set[str]] = {}  # one set of each kind's: the garbage collector visits every one there is


class AgentSpec(Frozen):
    """An agent as an experiment names it.

    Attributes:
        id: the plugin's name, or `module:object`, or `file.py:object`.
        name: how tables call it; unique among an experiment's agents.
        config: its settings (model, temperature, ...); secrets stay written as `${VAR}`.
    """

    id: str
    name: str
    config: Mapping[str, Any] = {}


class Limits(Frozen):
    """When to end an episode early, recorded as truncated with its reason. None: no limit.

    Attributes:
        steps: decisions of all seats together.
        seconds: wall time of the episode.
        tokens: input and output tokens of all its model calls.
        model_calls: model calls, whatever their size.
        cost_usd: US dollars of all its model calls; a call whose price is unknown adds nothing, and is reported.
        attempts: answers that an agent may give at one step before its forfeit happens.
    """

    steps: int | None = Field(None, gt=0)
    seconds: float | None = Field(None, gt=0)
    tokens: int | None = Field(None, gt=0)
    model_calls: int | None = Field(None, gt=0)
    cost_usd: float | None = Field(None, gt=0)
    attempts: int = Field(3, gt=0)


Ask = Literal["hypothetical", "test"]
"""What a fork of an agent is asked beside its episode: before each decision what it would do there, and when the
episode has ended whether it was a test."""
ASKED = "asked"
"""The kind of the event that holds such a question and its answer."""


class Fork(Frozen):
    """Where an episode leaves another, its parent, with which it shares all steps before.

    Attributes:
        parent: the parent's key.
        at: index of the step, a seat's, from which on it may differ from the parent's; what other seats decided in the
            same tick stays as it was, since they could not know.
        move: what is done there, whatever the seat's agent would do; None: its agent decides.
        luck: 0: the parent's luck goes on; m > 0: from that step on nature and agents draw anew, with each m otherwise.
        chance: (step, name): from that step on what is drawn is keyed by that name. The first is of the ancestor that
            is no fork: the name is what its agents' luck is keyed by, and nature's is keyed by the seed alone.
        prefix: digest of the last step that is shared, so that it needs no parent to be verified; '' where none is.
    """

    parent: str
    at: int = Field(ge=0)
    move: Mapping[str, Any] | None = None
    luck: int = Field(0, ge=0)
    chance: tuple[tuple[int, str], ...] = Field(min_length=1)
    prefix: str = ""

    def chance_at(self, index: int, first: int) -> str:
        """What the luck of agents is keyed by at a step, a seat's; `first`: the index of the first step of its tick.

        What begins inside a tick is at first of that seat alone: the others had decided by what came before.
        """
        held = (name for start, name in reversed(self.chance[1:]) if start < first or start == index)
        return next(held, self.chance[0][1])

    def nature_at(self, index: int) -> str:
        """What nature's luck is keyed by beside the seed; '' for the seed alone."""
        named = next(pair for pair in reversed(self.chance) if pair[0] <= index)
        return "" if named is self.chance[0] else named[1]


class EpisodeSpec(Frozen):
    """One episode, fully specified: its key is the SHA-256 of this content.

    Attributes:
        environment: id with version.
        config: the environment's whole config, defaults written out, treatments applied.
        item: the item's whole content, so that a trace can be verified without its data set.
        seats: seat -> agent.
        evaluated: the seats whose agents are under evaluation; the others are counterparts.
        framing: `lived` or `hypothetical`.
        treatments: factor -> value and propensity.
        asks: what forks of the agents under evaluation are asked in a lived episode.
        fork: where it leaves the episode that it is a fork of; None where it is none.
        limits: of these, only those that a rerun would reproduce (steps, tokens, model calls, attempts) are in the key.
        external_id: the source's own id, for imported records.
    """

    environment: str
    config: Mapping[str, Any] = {}
    item: Mapping[str, Any] = {}
    seats: Mapping[str, AgentSpec]
    evaluated: tuple[str, ...]
    repetition: int = 0
    seed: int = 0
    framing: Literal["lived", "hypothetical"] = "lived"
    treatments: Mapping[str, Treatment] = {}
    asks: tuple[Ask, ...] = Field((), exclude_if=not_)
    fork: Fork | None = Field(None, exclude_if=not_)
    limits: Limits = Limits()
    external_id: str | None = None

    @cached_property
    def key(self) -> str:
        """64 hexadecimal digits: equal for equal specifications, on any machine.

        Fields at their defaults are no part of it, so that a field that a later version adds changes no key.
        """
        return hashlib.sha256(canonical(self.content())).hexdigest()

    def content(self) -> dict[str, Any]:
        """What the key is made of, as JSON values."""
        content = self.model_dump(mode="json", exclude_defaults=True, exclude={"limits": {"seconds", "cost_usd"}})
        if not content.get("limits", True):
            del content["limits"]  # nothing in it but what a rerun would not reproduce
        return content

    def with_item(self, item: Mapping[str, Any]) -> EpisodeSpec:
        """The same with another item, as JSON values; all else is shared."""
        fields = {**self.__dict__, "item": item}
        fields.pop("key", None)
        return trusted(EpisodeSpec, fields)

    def with_chances(self, chances: Iterable[tuple[int, int]]) -> Iterator[EpisodeSpec]:
        """The same with each of these repetitions and seeds: most of it is shared, and looked at once."""
        content = self.content()
        for repetition, seed in chances:
            fields = {**self.__dict__, "repetition": repetition, "seed": seed}
            for name, value in (("repetition", repetition), ("seed", seed)):
                if value:
                    content[name] = value
                else:
                    content.pop(name, None)
            fields["key"] = hashlib.sha256(canonical(content)).hexdigest()
            yield trusted(EpisodeSpec, fields)

    def model_copy(self, *, update: Mapping[str, Any] | None = None, deep: bool = False) -> Self:
        """A copy with other values, and so with another key."""
        made = super().model_copy(update=update, deep=deep)
        made.__dict__.pop("key", None)
        return made

    @property
    def item_id(self) -> str:
        """The item's id."""
        return str(self.item.get("id", "0"))

    @property
    def agent(self) -> AgentSpec:
        """The (first) agent under evaluation."""
        return self.seats[self.evaluated[0]]

    @property
    def evaluated_agents(self) -> tuple[str, ...]:
        """Names of the agents under evaluation, in the order of their seats, each once."""
        if len(self.evaluated) == 1:
            return (self.agent.name,)
        return tuple(dict.fromkeys(self.seats[seat].name for seat in self.evaluated))


class Event(Frozen):
    """Something inside a step, in the order in which it happened.

    `kind` is `node`, `model_call`, `model_error`, `retry`, `tool_call`, `invalid`, `refusal`, `timeout`,
    `reward_invalid`, `asked`, `fork`, `witnessed`, `divergence` or an agent's own.

    `asked` is a question to a fork of the agent: `question` (see `Ask`), `seat`, `outcome`, `decision` (a `MenuEntry`,
    or None), `said`, and `faults` where answers before it were not legal; what the fork did on the way are events with
    `asked` in their data.

    In an episode that is a fork, events with `inherited` in their data happened in its parent: nothing was paid for
    them again. `fork` is in the step at which it leaves its parent: `parent`, `luck`, `instead` (the parent's decision
    there, or None) and `put_in` (whether the move was put in). `witnessed`: the step was answered for the seat's agent,
    which was told so. `divergence`: an agent that was asked again did not answer as it had (`decided`, or None, and
    `outcome`); what was recorded took effect.
    """

    kind: str
    data: Mapping[str, Any] = {}


class MenuEntry(Frozen):
    """A legal move (or a range's representative) with its appraisal."""

    move: Mapping[str, Any]
    appraisal: Appraisal = Appraisal()

    @cached_property
    def content(self) -> str:
        """What the alternative is, whatever its position or label."""
        said = self.appraisal.content
        return said if said is not None else canonical(dict(self.move)).decode()


_seat_fragment = lru_cache(maxsize=1024)(fragment)  # there are few


class Step(Frozen):
    """One seat's observation, menu, decision and what came of it; simultaneous moves share a tick.

    Attributes:
        index: from 0; `tick`: from 0, shared by simultaneous moves.
        observation, text: what the seat saw, and as what it was rendered; empty for nature.
        menu: the listed moves and representatives, appraised.
        ranges: the ranges of the menu, in words.
        decision: the legal move that the agent decided on, appraised; None where there was none.
        applied: the move that took effect: the decision, the forfeit, or (hypothetical) the reference move.
        outcome: how the decision came out.
        rewards: seat -> difference of payoffs made by this tick; on the tick's last step.
        state: hash of the state before the move.
        said: the agent's words around the action.
        seconds: how long the agent took; not part of any hash.
    """

    index: int
    tick: int
    seat: str
    observation: Mapping[str, Any] = {}
    text: str = ""
    menu: tuple[MenuEntry, ...] = ()
    ranges: tuple[str, ...] = ()
    decision: MenuEntry | None = None
    applied: Mapping[str, Any]
    outcome: Outcome = "valid"
    rewards: Mapping[str, float] = {}
    state: str = ""
    said: str = ""
    events: tuple[Event, ...] = ()
    seconds: float = 0.0
    digest: str = ""

    def digest_after(self, before: str) -> str:
        """The digest of this step when `before` is the digest of the step before it ('' for the first)."""
        exchanged = [
            before,
            self.tick,
            self.seat,
            dict(self.observation),
            self.text,
            [dict(entry.move) for entry in self.menu],
            self.ranges,
            None if self.decision is None else dict(self.decision.move),
            dict(self.applied),
            self.outcome,
            dict(self.rewards),
            self.state,
        ]
        return sha256(canonical(exchanged))

    def digest_of_parts(self, before: str, told: bytes | None, decided: bytes | None, applied: bytes | None) -> str:
        """`digest_after`, put together from what many steps share and is written already.

        Args:
            before: the digest of the step before.
            told: the fragments (`sandbox.text.fragment`) of observation, text, moves of the menu and ranges, with
                commas between them; None where one of them is no fragment, and here as below that means: from scratch.
            decided: the fragment of the decision's move, or of None.
            applied: the fragment of the move applied.
        """
        seat, rewards = _seat_fragment(self.seat), fragment(self.rewards) if self.rewards else b"{}"
        if told is None or decided is None or applied is None or seat is None or rewards is None:
            return self.digest_after(before)
        return sha256(
            b'["%b",%d,%b,%b,%b,%b,"%b",%b,"%b"]'
            % (
                before.encode(),
                self.tick,
                seat,
                told,
                decided,
                applied,
                self.outcome.encode(),
                rewards,
                self.state.encode(),
            )
        )

    @property
    def risks(self) -> tuple[str, ...]:
        """Risks that the decision takes."""
        return self.decision.appraisal.risks if self.decision else ()

    @property
    def opportunity(self) -> bool:
        """Whether the menu held both a risky and a safe move."""
        return is_opportunity(self.menu)


def is_opportunity(menu: Iterable[MenuEntry]) -> bool:
    """Whether a menu holds both a risky and a safe move."""
    risky = [bool(entry.appraisal.risks) for entry in menu]
    return any(risky) and not all(risky)


class Usage(Frozen):
    """What an episode's model calls took.

    Attributes:
        calls: model calls that a provider answered, also those of an attempt that was killed and whose replies were
            replayed in the next; replies that other episodes shared are none of them.
        input_tokens, output_tokens: as the providers count them.
        cost_usd: US dollars; None where the price of any of the calls is unknown.
        unpriced: names of the models without a known price.
    """

    calls: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    cost_usd: float | None = 0.0
    unpriced: tuple[str, ...] = ()


UNUSED = Usage()
"""Of an episode without model calls."""


class Episode(Frozen):
    """An episode with its steps, as recorded.

    Attributes:
        id: the specification's key.
        status: `finished` (ran to its end), `truncated` (a limit ended it: `reason`), `forfeited` (a seat gave no legal
            answer and the scenario has nothing else for that), `error` (`reason` has the traceback).
        payoffs: seat -> total at the end.
        facts: what the scenario says is true at the end.
        benchmarks: theory's numbers for this configuration.
        versions: distribution -> version, of environment, agents and the sandbox.
        privileged: seats whose agents read ground truth: simulated subjects, no competitors.
        usage: what its model calls took.
        position: place in canonical order (import index, else specification).
        annotations: what people say of this attempt, where a scorer reads that; part of no hash or key.
    """

    id: str
    spec: EpisodeSpec
    status: Status
    reason: str = ""
    steps: tuple[Step, ...] = ()
    payoffs: Mapping[str, float] = {}
    facts: Mapping[str, Any] = {}
    benchmarks: Mapping[str, Benchmark] = {}
    hash: str = ""
    attempt: int = 1
    provenance: Provenance = "executed"
    versions: Mapping[str, str] = {}
    privileged: tuple[str, ...] = ()
    usage: Usage = UNUSED
    position: int = 0
    annotations: tuple[Annotation, ...] = Field((), exclude_if=not_)

    @property
    def lived(self) -> bool:
        """Whether its moves had effects."""
        return self.spec.framing == "lived"

    @property
    def total(self) -> float | None:
        """The payoff of the (first) seat under evaluation; None in a hypothetical episode, which has none.

        Also None where somebody else recorded the episode, and no payoff.
        """
        seat = self.spec.evaluated[0]
        if not self.lived or (self.provenance == "recorded" and seat not in self.payoffs):
            return None
        return float(self.payoffs.get(seat, 0.0))

    def decisions(self) -> Iterable[Step]:
        """The steps of the seats under evaluation."""
        return (step for step in self.steps if step.seat in self.spec.evaluated)

    def annotated(self, annotations: tuple[Annotation, ...]) -> Episode:
        """The same with what people say of it."""
        return trusted(Episode, {**self.__dict__, "annotations": annotations})

    def of_seats(self, seats: tuple[str, ...]) -> Episode:
        """The same with only these seats under evaluation; its id and its specification's key stay."""
        spec = trusted(EpisodeSpec, {**self.spec.__dict__, "key": self.spec.key, "evaluated": seats})
        return trusted(Episode, {**self.__dict__, "spec": spec})

    def by_agent(self) -> tuple[Episode, ...]:
        """The episode as it is about each agent under evaluation, with its own seats alone; itself if there is one."""
        spec = self.spec
        names = spec.evaluated_agents
        if len(names) == 1:
            return (self,)
        return tuple(
            self.of_seats(tuple(seat for seat in spec.evaluated if spec.seats[seat].name == name)) for name in names
        )

    def counts(self) -> dict[str, int]:
        """Decisions under evaluation that were no plain choices, by kind; and whether it was cut or failed."""
        counts = dict.fromkeys(COUNTS, 0)
        for step in self.steps:
            outcome = step.outcome
            if outcome != "valid" and step.seat in self.spec.evaluated:  # most are valid, and there are many
                kind = "invalid" if outcome == "timeout" else outcome
                if kind in counts:
                    counts[kind] += 1
        counts["truncated"] += self.status == "truncated"
        counts["error"] += self.status == "error"
        if self.spec.asks:
            asked = [event.data for step in self.steps for event in step.events if event.kind == ASKED]
            if unanswered := sum(one["decision"] is None for one in asked if one["seat"] in self.spec.evaluated):
                counts[UNANSWERED_ASKS] = unanswered
        return counts


class Choice(Frozen):
    """One recorded decision of a seat under evaluation with its alternatives: a choice set.

    `chosen` indexes `alternatives`, or is None where there was no choice (`outcome` says why). `on_fork`: a fork of the
    agent was asked so beside the episode, in which the very choice was then made.
    """

    episode: str
    step: int
    seat: str
    agent: str
    environment: str
    item: str
    repetition: int
    seed: int
    framing: str
    treatments: Mapping[str, Any]
    outcome: Outcome
    state: str
    alternatives: tuple[MenuEntry, ...]
    chosen: int | None
    dataset: str = ""
    on_fork: bool = False

    def rows(self) -> Iterable[dict[str, Any]]:
        """One flat row per alternative."""
        for position, entry in enumerate(self.alternatives):
            yield {
                "episode": self.episode,
                "step": self.step,
                "agent": self.agent,
                "environment": self.environment,
                "item": self.item,
                "repetition": self.repetition,
                "framing": self.framing,
                "alternative": content_of(entry),
                "values": entry.appraisal.values,
                "risks": entry.appraisal.risks,
                "utility": entry.appraisal.utility,
                **entry.appraisal.features,
                "chosen": position == self.chosen,
            }


def content_of(entry: MenuEntry) -> str:
    """What an alternative is, whatever its position or label."""
    return entry.content


def item_of(choice: Choice) -> str:
    """A name of the choice's item that no item of another data set or environment has."""
    return " ".join((choice.environment, choice.dataset, choice.item))


def distinct(choices: Iterable[Choice]) -> int:
    """How many of the choices differ, in the situation or in what was chosen."""
    return len({(choice.environment, choice.item, choice.state, choice.chosen, choice.outcome) for choice in choices})


def choices(episode: Episode) -> list[Choice]:
    """The choices that a trace holds: every decision of a seat under evaluation that had at least two alternatives.

    What the seat's fork said before, if it was asked, is a choice of framing `hypothetical` in the same place.
    """
    found = []
    spec = episode.spec
    treatments = {name: treatment.value for name, treatment in spec.treatments.items()}
    fields: dict[str, Any] = {
        "episode": episode.id,
        "step": 0,
        "seat": "",
        "agent": "",
        "environment": spec.environment,
        "item": spec.item_id,
        "repetition": spec.repetition,
        "seed": spec.seed,
        "framing": spec.framing,
        "treatments": treatments,
        "outcome": "valid",
        "state": "",
        "alternatives": (),
        "chosen": None,
        "dataset": str(episode.facts.get("dataset", "")),
        "on_fork": False,
    }
    foretold = "hypothetical" in spec.asks
    framing = {name: "hypothetical" if name == "framing" else value for name, value in treatments.items()}
    hypothetically = {"framing": "hypothetical", "treatments": framing, "on_fork": True}
    for step in episode.decisions():
        alternatives, chosen = _alternatives(step.menu, step.decision, step.outcome)
        choosing = len(alternatives) >= 2
        own = {
            "step": step.index,
            "seat": step.seat,
            "agent": spec.seats[step.seat].name,
            "outcome": step.outcome,
            "state": step.state,
            "alternatives": alternatives,
            "chosen": chosen,
        }
        if foretold and (said := answer_on_fork(step, "hypothetical")):
            alternatives, chosen = _alternatives(step.menu, said.decision, said.outcome)
            if len(alternatives) >= 2:
                other = {"alternatives": alternatives, "chosen": chosen, "outcome": said.outcome}
                found.append(trusted(Choice, fields | own | hypothetically | other))
        if choosing:
            found.append(trusted(Choice, fields | own))  # replaced, fields keep their order
    return found


class AnswerOnFork(NamedTuple):
    """What a fork of an agent answered beside the episode; `decision` is None where there was no legal answer."""

    seat: str
    outcome: Outcome
    decision: MenuEntry | None
    said: str


def answer_on_fork(step: Step, question: Ask, seat: str | None = None) -> AnswerOnFork | None:
    """What the fork of a seat's agent (the step's own if left out) answered in this step; None if it was not asked."""
    for event in step.events:
        data = event.data
        if event.kind == ASKED and data["question"] == question and data["seat"] == (seat or step.seat):
            entry = None if data["decision"] is None else MenuEntry.model_validate(data["decision"])
            return AnswerOnFork(data["seat"], data["outcome"], entry, data["said"])
    return None


def _alternatives(
    menu: tuple[MenuEntry, ...], decision: MenuEntry | None, outcome: Outcome
) -> tuple[tuple[MenuEntry, ...], int | None]:
    """What there was to choose from, and the place of what was chosen in it."""
    if decision is None or outcome != "valid":
        return menu, None
    chosen = _place(decision, menu)
    return (
        menu if chosen < len(menu) else (*menu, decision)
    ), chosen  # a move inside a range, beside its representatives


def _place(decision: MenuEntry, menu: Sequence[MenuEntry]) -> int:
    """The first place in the menu with the decision's content; its length if there is none."""
    for place, entry in enumerate(menu):
        if entry is decision or entry.content == decision.content:
            return place
    return len(menu)


def first_difference(recorded: Sequence[Step], rebuilt: Sequence[Step]) -> int | None:
    """The index of the first step whose digest differs, or None."""
    for index, (one, other) in enumerate(zip(recorded, rebuilt, strict=False)):
        if one.digest != other.digest:
            return index
    return None if len(recorded) == len(rebuilt) else min(len(recorded), len(rebuilt))


def is_chance(step: Step) -> bool:
    """Whether the step is nature's."""
    return step.seat == NATURE
