"""People among an episode's agents: they are told where they sit, and nothing that they answered is asked again."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Container, Mapping
from functools import partial
from typing import Any

from sandbox.adapters.human import HumanAgent, name_in
from sandbox.agent import Agent
from sandbox.experiment.model import Experiment
from sandbox.store import Store, Writer
from sandbox.trace import EpisodeSpec


def seated(
    agents: Mapping[str, Agent[Any]],
    spec: EpisodeSpec,
    store: Store,
    writer: Writer,
    attempt: int,
    shown: Container[str],
) -> list[HumanAgent]:
    """The people among the agents, each in their seat; they are to be told of each step (`HumanAgent.note`).

    Nobody is asked before the steps so far, which `writer` takes, are in the store: a question says that the answer
    before it is safe. `shown`: the seats that see their observations on a surface.

    Raises:
        StoreError: what they answered in earlier attempts cannot be read.
    """
    people = {seat: agent for seat, agent in agents.items() if isinstance(agent, HumanAgent)}
    if not people:
        return []
    earlier = store.earlier_steps(spec.key) if attempt > 1 else []
    seconds, kept = spec.limits.seconds, partial(asyncio.to_thread, writer.flush)  # the screen is drawn meanwhile
    for seat, person in people.items():
        deadline = None if seconds is None else time.monotonic() + seconds
        others = [other for other in spec.seats if other != seat]
        person.sit(seat, spec.environment, others, earlier, deadline, surface=seat in shown, kept=kept)
    return list(people.values())


def people_of(experiment: Experiment) -> list[str]:
    """Names of the people that an experiment asks, each once."""
    used = [use.id for use in experiment.agents]
    used += [use.id for environment in experiment.environments for use in environment.seats.values()]
    return list(dict.fromkeys(name for name in map(name_in, used) if name is not None))
