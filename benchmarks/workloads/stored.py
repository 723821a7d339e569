"""Stores to look at, without running anything: `stored.py many EPISODES FILE`, `stored.py long STEPS FILE`.

A hundred templates go through the store's own writer; the rest are copies of their rows by Core inserts, each under the
key of its own specification, with a return, flags, scores and marks of its own. So all of them can be opened, and a
million steps take half a minute. A long store has one episode of so many steps with 4 KB in each pane, and one with a
step of 10 MB.
"""

from __future__ import annotations

import random
import sys
from itertools import product
from pathlib import Path
from typing import Any

from sqlalchemy import bindparam, insert, select

from sandbox.scenario import Appraisal
from sandbox.scorer import Card, Mark, Score
from sandbox.store import Store
from sandbox.store.tables import CARD, EPISODE, MARK, MEMBERSHIP, SCORE, STEP, Flag
from sandbox.trace import AgentSpec, Episode, EpisodeSpec, Event, MenuEntry, Step

STEPS = 10
ENVIRONMENTS = ("power/OffSwitch-v0", "games/Bargaining-v0", "market/Shop-v0", "dilemmas/Choice-v0", "power/Vault-v0")
AGENTS = ("llm/react small", "llm/react large", "baselines/random", "baselines/greedy")
SEEDS = 5
BATCH = 5_000
PANE, LARGE = 4_096, 10_000_000  # characters
WORDS = ("parcel", "operator", "switch", "reward", "energy", "offer", "trust", "report", "shut down", "quietly")


def template(environment: str, agent: str, seed: int) -> EpisodeSpec:
    """A specification: one condition for each environment and agent."""
    seats = {"agent": AgentSpec(id=agent.split()[0], name=agent)}
    config = {"pressure": len(agent) % 3, "rounds": STEPS}
    return EpisodeSpec(environment=environment, config=config, seats=seats, evaluated=("agent",), seed=seed)


def steps_of(spec: EpisodeSpec, luck: random.Random) -> list[Step]:
    """Steps as a chat agent's are: half a kilobyte seen, a thought, a model call."""
    menu = tuple(
        MenuEntry(move={"kind": kind}, appraisal=Appraisal(risks=("shutdown_avoidance",) if kind == "disable" else ()))
        for kind in ("work", "wait", "disable")
    )
    steps, digest = [], ""
    for index in range(STEPS):
        text = f"{spec.environment} step {index}: " + " ".join(luck.choices(WORDS, k=60))
        decision = menu[2 if luck.random() < 0.05 else 0]
        said = " ".join(luck.choices(WORDS, k=30))
        reply = {"role": "assistant", "content": said}
        data = {"model": "fake", "messages": [{"role": "user", "content": text}], "reply": reply, "seconds": 0.5}
        step = Step(
            index=index,
            tick=index,
            seat="agent",
            observation={"energy": index},
            text=text,
            menu=menu,
            decision=decision,
            applied=dict(decision.move),
            rewards={"agent": 1.0},
            said=said,
            events=(Event(kind="model_call", data=data),),
            state=f"{index:032x}",
        )
        digest = step.digest_after(digest)
        steps.append(step.model_copy(update={"digest": digest}))
    return steps


def write_templates(store: Store) -> None:
    """A hundred episodes as the runner writes them, scored."""
    luck = random.Random(7)  # noqa: S311 (no secret)
    specs = [template(*one) for one in product(ENVIRONMENTS, AGENTS, range(SEEDS))]
    store.add_experiment("many", {}, specs)
    writer = store.writer()
    for spec in specs:
        attempt, steps = writer.begin(spec), steps_of(spec, luck)
        for step in steps:
            writer.step(spec.key, attempt, step)
        writer.finish(
            Episode(
                id=spec.key,
                spec=spec,
                status="finished",
                steps=tuple(steps),
                payoffs={"agent": float(STEPS)},
                hash=steps[-1].digest,
                attempt=attempt,
            )
        )
        scores = (Score(name="risk", value=0.1, seat="agent"), Score(name="opportunities", value=3.0, seat="agent"))
        card = Card(scores=scores, marks=(Mark(step=3, name="deception", note="says what is not so"),))
        store.save_card("risk/power", 1, "", spec.key, card)
        store.save_card("values/additive", 1, "", spec.key, Card(scores=(Score(name="consistency", value=0.5),)))
    writer.flush()


def multiply(store: Store, count: int) -> None:
    """Copies of the templates until there are `count` episodes, in the same experiment."""
    luck = random.Random(8)  # noqa: S311 (no secret)
    with store._database.writing() as connection:
        templates = [row._asdict() for row in connection.execute(select(EPISODE).order_by(EPISODE.c.number))]
        experiment = connection.execute(select(MEMBERSHIP.c.experiment).limit(1)).scalar_one()
        card = (connection.execute(select(CARD.c.number).order_by(CARD.c.number.desc()).limit(1)).scalar_one()) + 1
        names = [column.name for column in STEP.columns]
        copied = [bindparam("to", type_=STEP.c.episode.type) if n == "episode" else STEP.c[n] for n in names]
        copy = insert(STEP).from_select(names, select(*copied).where(STEP.c.episode == bindparam("template")))
        for start in range(len(templates), count, BATCH):
            episodes, members, steps, cards, scores, marks = (list[dict[str, Any]]() for _ in range(6))
            for number in range(start + 1, min(start + BATCH, count) + 1):
                own = templates[number % len(templates)]
                spec = template(own["environment"], own["agent"], 1_000 + number)
                fate, risky = luck.random(), luck.random() < 0.2
                total = None if fate < 0.01 else round(luck.gauss(len(own["agent"]), 4), 3)
                episodes.append(
                    own
                    | {
                        "number": number,
                        "key": spec.key,
                        "seed": spec.seed,
                        "total": total,
                        "status": "error" if fate < 0.01 else "truncated" if fate < 0.05 else "finished",
                        "reason": "ValueError: no node" if fate < 0.01 else "",
                        "flags": int(Flag.OPPORTUNITY | (Flag.RISK if risky else 0)),
                        "counts": b'{"invalid":%d}' % luck.randrange(1, 4) if fate < 0.1 else own["counts"],
                    }
                )
                members.append({"experiment": experiment, "episode": number, "position": number})
                steps.append({"to": number, "template": own["number"]})
                first = {"episode": number, "attempt": own["attempt"], "version": 1, "config": ""}
                cards.append(first | {"number": card, "scorer": "risk/power"})
                cards.append(first | {"number": card + 1, "scorer": "values/additive"})
                for position, name in enumerate(("risk", "opportunities")):
                    value = luck.random() if risky or position else 0.0
                    scores.append({"card": card, "position": position, "name": name, "seat": "agent", "value": value})
                scores.append({"card": card + 1, "position": 0, "name": "consistency", "seat": None, "value": fate})
                if risky:
                    marks.append({"card": card, "position": 0, "step": 3, "name": "deception", "value": 1.0})
                card += 2
            for table, rows in ((EPISODE, episodes), (MEMBERSHIP, members), (CARD, cards)):
                connection.execute(insert(table), rows)
            connection.execute(insert(SCORE).values(variant="", reason=""), scores)
            connection.execute(insert(MARK).values(note="not so"), marks)
            connection.execute(copy, steps)


def many(count: int, path: Path) -> None:
    """A store of `count` episodes of `STEPS` steps each."""
    with Store.open(str(path)) as store:
        write_templates(store)
        multiply(store, count)


def long(count: int, path: Path) -> None:
    """A store of an episode of `count` steps, and of one with a step of 10 MB."""
    luck = random.Random(9)  # noqa: S311 (no secret)

    def text(size: int) -> str:
        words = luck.choices(WORDS, k=200)
        return " ".join(words * (size // sum(map(len, words)) + 1))[:size]

    with Store.open(str(path)) as store:
        specs = [template("power/Long-v0", AGENTS[0], 0), template("power/Large-v0", AGENTS[0], 0)]
        store.add_experiment("long", {}, specs)
        writer = store.writer()
        for spec, sizes in zip(specs, ([PANE] * count, [PANE, LARGE, PANE]), strict=True):
            attempt, steps, digest = writer.begin(spec), [], ""
            for index, size in enumerate(sizes):
                reply = {"role": "assistant", "content": text(PANE)}
                messages = [{"role": "user", "content": text(PANE)}]
                moves = tuple(MenuEntry(move={"kind": "write", "text": text(PANE // 4)}) for _ in range(4))
                step = Step(
                    index=index,
                    tick=index,
                    seat="agent",
                    observation={"energy": index},
                    text=text(size),
                    menu=moves,
                    decision=moves[0],
                    applied=dict(moves[0].move),
                    rewards={"agent": 1.0},
                    said=text(PANE),
                    events=(
                        Event(kind="model_call", data={"model": "fake", "messages": messages, "reply": reply}),
                        Event(kind="tool_call", data={"name": "note", "arguments": {"text": text(PANE)}}),
                    ),
                    state=f"{index:032x}",
                )
                digest = step.digest_after(digest)
                step = step.model_copy(update={"digest": digest})
                steps.append(step)
                writer.step(spec.key, attempt, step)
            ended = Episode(id=spec.key, spec=spec, status="finished", steps=tuple(steps), hash=digest, attempt=attempt)
            writer.finish(ended)


if __name__ == "__main__":
    {"many": many, "long": long}[sys.argv[1]](int(sys.argv[2]), Path(sys.argv[3]))
