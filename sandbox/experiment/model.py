"""The experiment file: what may stand in it, and all its faults at once, each with its path."""

from __future__ import annotations

from collections.abc import Mapping
from operator import not_
from pathlib import Path
from typing import Annotated, Any, Literal

import yaml
from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, model_validator

from sandbox.adapters.model_settings import ModelSettings
from sandbox.errors import InputError, unknown_key
from sandbox.plain_yaml import load_yaml
from sandbox.trace import Ask, Limits

Levels = Annotated[tuple[Any, ...], Field(min_length=1)]


def _each_once(levels: tuple[Any, ...]) -> tuple[Any, ...]:
    """Of a treatment: a level that is there twice is met once, and its propensity would be wrong."""
    twice = [level for place, level in enumerate(levels) if level in levels[:place]]
    if twice:
        raise ValueError(f"expected each level once, and {twice[0]!r} is there again")
    return levels


Treatments = Mapping[str, Annotated[Levels, AfterValidator(_each_once)]]


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class _Use(_Part):
    """A plugin as an experiment names it: its id, or a mapping with `id` and more."""

    id: str

    @model_validator(mode="before")
    @classmethod
    def _from_text(cls, raw: Any) -> Any:
        return {"id": raw} if isinstance(raw, str) else raw


class _UseWithSettings(_Use):
    """One whose settings stand beside its id: they are the keys that are no field."""

    model_config = ConfigDict(extra="allow")

    @property
    def config(self) -> dict[str, Any]:
        """The settings."""
        return dict(self.model_extra or {})


class AgentUse(_UseWithSettings):
    """An agent: `baselines/random`, or a mapping with `id`, `name` and its settings."""

    name: str = ""

    @property
    def called(self) -> str:
        """The name in tables: the given one, else the id, with the model behind it if there is one."""
        model = self.config.get("model")
        return self.name or (f"{self.id}({model})" if isinstance(model, str) else self.id)


class First(_Part):
    """The first so many items."""

    first: int = Field(gt=0)


class Sample(_Part):
    """So many items drawn without replacement, the same ones every time."""

    sample: int = Field(gt=0)


def _which(raw: Any) -> Any:
    """One message for what is none of the four, instead of four."""
    if isinstance(raw, list | tuple) and raw:
        return tuple(str(part) for part in raw)
    if isinstance(raw, Mapping) and len(raw) == 1:
        (key, count), *_ = raw.items()
        if key in ("first", "sample") and isinstance(count, int) and count > 0:
            return First(first=count) if key == "first" else Sample(sample=count)
    if raw == "all" or isinstance(raw, First | Sample):
        return raw
    raise ValueError("expected all, a list of item ids, {first: N} or {sample: N}")


Items = Annotated[Literal["all"] | First | Sample | tuple[str, ...], BeforeValidator(_which)]


class EnvironmentUse(_Use):
    """An environment with its config, a sweep over config fields, a choice of items, and counterparts by seat.

    A key of `seats` is a seat's name, or a glob such as `buyer_*` that fills all seats that it matches and that no
    other key names.
    `treatments` replaces levels of the experiment's factors here: `{framing: [lived]}`.
    """

    config: Mapping[str, Any] = {}
    sweep: Mapping[str, Levels] = {}
    items: Items = "all"
    seats: Mapping[str, AgentUse] = {}
    treatments: Treatments = {}


class Seeds(_Part):
    """Seeds of chance: `count` of them from `start` on."""

    start: int = Field(0, ge=0)
    count: int = Field(1, gt=0)


class Budget(_Part):
    """What the experiment as a whole may take; when it is used up, no new episode begins. None: no end.

    Attributes:
        cost_usd: US dollars that its episodes took, in all its runs together.
        seconds: wall time of one run: the same command again has it anew.
    """

    cost_usd: float | None = Field(None, gt=0)
    seconds: float | None = Field(None, gt=0)


class ScorerUse(_UseWithSettings):
    """A scorer: its id, or a mapping with `id` and its settings."""


class Experiment(_Part):
    """Environments x agents x treatments x items x repetitions x seeds; see `design.md` section 7 for the file.

    Attributes:
        name: with the content, what the store knows it by.
        pairing: who meets whom where an environment leaves several seats free. `self`: one agent fills them all, and so
            meets itself; `round_robin`: every ordered assignment of the agents to them (to their sides, where an
            environment has seats that belong together), each agent under evaluation.
        treatments: factor -> levels, fully crossed: `framing`, or any config field of the environments.
        asks: what forks of the agents are asked in lived episodes, and never know of: `hypothetical`, what they would
            do, before each decision; `test`, at the end, whether it was a test.
        limits: for each episode.
        budget: for all of them together.
        models: name of a model -> how fast it may be asked, and what it costs.
        scorers: none named means all that are installed.
    """

    name: str = Field(min_length=1, max_length=200)
    environments: tuple[EnvironmentUse, ...] = Field(min_length=1)
    agents: tuple[AgentUse, ...] = Field(min_length=1)
    pairing: Literal["self", "round_robin"] = Field("self", exclude_if="self".__eq__)
    repetitions: int = Field(1, gt=0)
    seeds: Seeds = Seeds()
    treatments: Treatments = {}
    asks: tuple[Ask, ...] = Field((), exclude_if=not_)
    limits: Limits = Limits()
    budget: Budget = Budget()
    models: Mapping[str, ModelSettings] = {}
    scorers: tuple[ScorerUse, ...] = ()

    @property
    def content(self) -> dict[str, Any]:
        """What the store knows it by beside its name, as JSON values: all that says what is measured.

        How long, how dear and how fast a run may be is no part of it, so that a raised budget goes on with the same.
        """
        return self.model_dump(mode="json", exclude={"budget", "models"})

    def shared_by(self, processes: int) -> Experiment:
        """The experiment as each of so many processes runs it, so that models are asked no faster by all together."""
        return self.model_copy(
            update={"models": {name: settings.shared_by(processes) for name, settings in self.models.items()}}
        )

    def changed(self, settings: Mapping[str, Any]) -> Experiment:
        """The same with these settings in every environment's config, and with them in its name.

        Raises:
            InputError: one of them is swept, or a treatment: which of its levels is meant?
        """
        faults = []
        for name in settings:
            places = ["$.treatments"] if name in self.treatments else []
            for i, use in enumerate(self.environments):
                places += [f"$.environments[{i}].sweep"] if name in use.sweep else []
                places += [f"$.environments[{i}].treatments"] if name in use.treatments else []
            faults += [f"{name}: has several levels at {place}; change it there" for place in places]
        if faults:
            raise InputError.of(f"settings for {self.name}", faults)
        uses = tuple(use.model_copy(update={"config": {**use.config, **settings}}) for use in self.environments)
        said = " ".join(f"{name}={value}" for name, value in settings.items())
        return self.model_copy(update={"environments": uses, "name": f"{self.name} {said}"})

    @classmethod
    def load(cls, path: str | Path) -> Experiment:
        """The experiment in a YAML (or JSON) file.

        Raises:
            InputError: the file cannot be read, or its content cannot be used; every fault with its path.
        """
        path = Path(path)
        try:
            text = path.read_text(encoding="utf-8")
        except FileNotFoundError:
            raise InputError(f"{path}: no such file; an experiment is a YAML file, see examples/") from None
        except (OSError, UnicodeDecodeError) as error:
            raise InputError(f"{path} cannot be read: {error}") from None
        try:
            content = load_yaml(text)
        except yaml.YAMLError as error:
            raise InputError(f"{path} is not YAML: {error}") from None
        return cls.of(content, str(path))

    @classmethod
    def of(cls, content: Any, where: str = "experiment") -> Experiment:
        """The experiment that plain `content` describes.

        Raises:
            InputError: every fault with its path.
        """
        if not isinstance(content, Mapping):
            raise InputError(f"{where}: an experiment is a mapping with name, environments and agents")
        try:
            return cls.model_validate(content)
        except ValidationError as error:
            raise InputError.of(where, _faults(error)) from None


_KNOWN = {
    "environments": tuple(EnvironmentUse.model_fields),
    "seeds": tuple(Seeds.model_fields),
    "limits": tuple(Limits.model_fields),
    "budget": tuple(Budget.model_fields),
    "models": tuple(ModelSettings.model_fields),
    "": tuple(Experiment.model_fields),
}


_WANTED = {
    "tuple_type": "expected a list",
    "mapping_type": "expected a mapping",
    "dict_type": "expected a mapping",
    "model_type": "expected a name or a mapping",
    "too_short": "expected at least one",
}


def _within(place: tuple[int | str, ...], outer: tuple[int | str, ...]) -> bool:
    return place[: len(outer)] == outer


def _faults(error: ValidationError) -> list[str]:
    lines = []
    places = [fault["loc"] for fault in error.errors()]
    for fault in error.errors():
        if fault["type"] == "too_short" and any(
            place != fault["loc"] and _within(place, fault["loc"]) for place in places
        ):
            continue  # it is short of its members that are faulty, and they are named
        location = [part for part in fault["loc"] if not _is_union_tag(part)]
        path = "$" + "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in location)
        message = fault["msg"].removeprefix("Value error, ")
        if fault["type"] == "extra_forbidden":
            parent = next((str(part) for part in reversed(location[:-1]) if isinstance(part, str)), "")
            place = "models" if location[0] == "models" else parent  # its parent is a model's own name
            message = unknown_key(str(location[-1]), _KNOWN.get(place, ()))
        elif fault["type"] == "missing":
            message = "is required"
        else:
            shown = repr(fault["input"])
            message = (
                f"{_WANTED.get(fault['type'], message)} (found {shown if len(shown) <= 60 else shown[:57] + '...'})"
            )
        lines.append(f"{path}: {message}")
    return list(dict.fromkeys(lines))


def _is_union_tag(part: int | str) -> bool:
    """Whether a part of pydantic's path names a member of a union rather than a place in the file."""
    return isinstance(part, str) and (part in ("First", "Sample") or "[" in part)
