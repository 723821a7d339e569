"""An episode in words: passages that the terminal's panes style, and lines for a pipe or a screen reader.

A passage is text that is safe to print, with the part that it plays. What a seat saw, what it said, what it did and
what came of it are put into words here, once: the panes of `sandbox.tui` colour and wrap these passages, `--plain`
prints them as they are. Steps are counted from 1 wherever a person reads or gives their number.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice

from sandbox.annotation import Annotation
from sandbox.report.address import address, step_index
from sandbox.report.changes import changed
from sandbox.report.event_words import conversation, event_words
from sandbox.report.people import said_by_people
from sandbox.report.shots import shots
from sandbox.report.summary import summarise
from sandbox.report.words import HIDDEN as HIDDEN
from sandbox.report.words import AnyMark as AnyMark
from sandbox.report.words import AnyScore as AnyScore
from sandbox.report.words import Passage as Passage
from sandbox.report.words import Role as Role
from sandbox.report.words import agent_words as agent_words
from sandbox.report.words import (
    amounts,
    as_list,
    count_words,
    is_turnless,
    mark_words,
    plural,
    returned,
    score_words,
    truth_words,
)
from sandbox.report.words import move_words as move_words
from sandbox.report.words import number_words as number_words
from sandbox.report.words import passage as passage
from sandbox.report.words import value_words as value_words
from sandbox.report.worth import FLAGS as FLAGS
from sandbox.report.worth import MERE as MERE
from sandbox.report.worth import flags_of, sign
from sandbox.store.rows import EpisodeHead
from sandbox.text import display_line
from sandbox.trace import NO_ANSWER, Episode, Step, is_chance

# -- what is worth a look -------------------------------------------------------------------------------------------


def flags_by_step(
    episode: Episode, marks: Iterable[AnyMark] = (), annotations: Iterable[Annotation] = ()
) -> dict[int, tuple[str, ...]]:
    """Index of each flagged step -> names out of `FLAGS`, gravest first, in the order of the steps.

    Risks and outcomes count where the seat is under evaluation; an episode that ended in error flags its last step.
    """
    signs = [sign(step) for step in episode.steps]
    people = [one.step for one in annotations]
    marked = (mark.step for mark in marks)
    return flags_of(signs, episode.spec.evaluated, marked, episode.status == "error", people)


# -- a step -----------------------------------------------------------------------------------------------------------


def saw(step: Step) -> list[Passage]:
    """What the seat saw: its observation as it was rendered, or the fields where nothing was."""
    if is_turnless(step):
        return [passage(step.text, "quiet")]
    if is_chance(step):
        return [passage(f"a draw of chance: {step.text}" if step.text else "a draw of chance", "quiet")]
    if step.text:
        return [passage(step.text, hang=0)]
    if step.observation:
        return [passage(f"{name}: {value_words(value)}") for name, value in step.observation.items()]
    return [Passage("nothing", "quiet")]


def said(step: Step, earlier: Sequence[Step] = ()) -> list[Passage]:
    """What it thought and said: its words, model calls with their new messages, tool calls, other events.

    `earlier`: the steps before; messages that an earlier call of the seat already had are counted, not repeated.
    """
    return list(says(step, earlier))


def says(step: Step, earlier: Sequence[Step] = ()) -> Iterator[Passage]:
    """The same, one after the other: a step may have thousands of events, of which a screen shows a few."""
    if step.said:
        yield passage(f"said: {step.said}")
    elif not step.events:
        yield Passage("no words and no events", "quiet")
    known = conversation(step.seat, earlier) if any(event.kind == "model_call" for event in step.events) else []
    for event in step.events:
        yield from event_words(event, known)
        if event.kind == "model_call" and "asked" not in event.data:
            known = [*as_list(event.data.get("messages")), event.data.get("reply")]


def did(step: Step, framing: str = "lived") -> list[Passage]:
    """What it did: the decision, what took effect, and the menu with the decision marked; ground truth is `hidden`."""
    if is_turnless(step):
        return [Passage("no turn was taken", "quiet")]
    if is_chance(step):
        return [passage(f"chance: {move_words(step.applied)}")]
    passages = []
    chosen = None if step.decision is None else dict(step.decision.move)
    if step.decision is None:
        passages.append(Passage("no decision", "flag"))
    else:
        passages.append(passage(f"chose {move_words(step.decision.move)}", "chosen"))
        listed = any(dict(entry.move) == chosen for entry in step.menu)
        passages.extend(truth_words(step.decision.appraisal, 2, taken=True, brief=listed))
    passages.append(_outcome(step, framing))
    if step.menu or step.ranges:
        counts = [plural(len(step.ranges), "range")] * bool(step.ranges) + [plural(len(step.menu), "move")]
        passages.append(Passage(f"menu: {', '.join(counts)}", "heading"))
    passages.extend(passage(f"any {words}", "text", 1) for words in step.ranges)
    for number, entry in enumerate(step.menu, 1):
        taken = chosen is not None and dict(entry.move) == chosen
        sign = "▸" if taken else " "
        words = f"{sign}{number} {move_words(entry.move)}{' (chosen)' if taken else ''}"
        passages.append(passage(words, "chosen" if taken else "text"))
        passages.extend(truth_words(entry.appraisal, 3, taken))
    return passages


def came(
    episode: Episode, step: Step, marks: Iterable[AnyMark] = (), so_far: Mapping[str, float] | None = None
) -> list[Passage]:
    """What came of it: rewards of the step, totals so far, and the marks that scorers put on it.

    `so_far`: the totals, where they are known and need not be added up of the episode's steps.
    """
    passages = [passage(f"reward: {amounts(step.rewards, signed=True) or 'none at this step'}")]
    totals: dict[str, float] = {} if so_far is None else dict(so_far)
    for one in episode.steps[: step.index + 1] if so_far is None else ():
        for seat, amount in one.rewards.items():
            totals[seat] = totals.get(seat, 0.0) + amount
    if totals:
        passages.append(passage(f"so far: {amounts(totals)}", "quiet"))
    return [*passages, *marked(step, marks)]


def marked(step: Step, marks: Iterable[AnyMark]) -> list[Passage]:
    """The marks that scorers put on a step."""
    return [passage(f"mark {mark_words(mark)}", "flag") for mark in marks if mark.step == step.index]


def ended(episode: Episode, scores: Iterable[AnyScore] = ()) -> list[Passage]:
    """What came of the whole episode: how it ended, payoffs, scores, and (hidden) facts and theory's numbers."""
    good = episode.status in ("finished", "pending", "running")
    passages = [passage(f"status: {episode.status}", "text" if good else "flag")]
    if episode.reason:
        passages.append(passage(f"reason: {episode.reason}", "text" if good else "flag"))
    if episode.payoffs:
        effect = "" if episode.lived else " (hypothetical: not the agent's doing)"
        passages.append(passage(f"payoffs: {amounts(episode.payoffs)}{effect}"))
    passages.extend(passage(f"score {score_words(score)}") for score in scores)
    for name, value in episode.facts.items():
        passages.append(passage(f"{HIDDEN}fact {name} = {value_words(value)}", "hidden"))
    for name, benchmark in episode.benchmarks.items():
        error = "" if benchmark.error is None else f" ± {number_words(benchmark.error)}"
        words = f"{HIDDEN}benchmark {name} = {number_words(benchmark.value)}{error}; assumes {benchmark.assumes}"
        passages.append(passage(words, "hidden"))
    return passages


def sections(
    episode: Episode,
    step: Step,
    marks: Iterable[AnyMark] = (),
    annotations: Iterable[Annotation] = (),
    so_far: Mapping[str, float] | None = None,
) -> Iterator[tuple[str, list[Passage]]]:
    """(title, passages) of the parts of a step, in the order in which they are read; `so_far`: see `came`."""
    from sandbox.report.tabular import tables  # loads Rich, which nobody needs who shows no episode

    yield "Saw", [*saw(step), *tables(step.observation)]
    if step.said or step.events:
        yield "Said", said(step, episode.steps[: step.index])
    yield "Did", did(step, episode.spec.framing)
    yield "Came of it", [*came(episode, step, marks, so_far), *_changes(episode.steps, step)]
    if people := said_by_people(annotations, step.index, episode.attempt):
        yield "People say", people


def whole(
    episode: Episode, scores: Iterable[AnyScore] = (), annotations: Iterable[Annotation] = ()
) -> Iterator[tuple[str, list[Passage]]]:
    """The same of the episode as a whole."""
    yield "End of the episode", ended(episode, scores)
    if people := said_by_people(annotations, None, episode.attempt):
        yield "People say", people


def _changes(steps: Sequence[Step], step: Step) -> list[Passage]:
    """What changed by the step; `steps` are all of the episode's."""
    later = islice(steps, step.index + 1, None)
    after = next((one for one in later if one.seat == step.seat), None)
    following = next((one for one in islice(steps, step.index + 1, None) if one.tick != step.tick), None)
    return changed(step, after, None if following is None else following.state)


def running_totals(steps: Iterable[Step]) -> Iterator[dict[str, float]]:
    """After each step the sum of all rewards so far, by seat; one object that changes."""
    totals: dict[str, float] = {}
    for step in steps:
        for seat, amount in step.rewards.items():
            totals[seat] = totals.get(seat, 0.0) + amount
        yield totals


# -- whole renderings -------------------------------------------------------------------------------------------------


def render_episode(
    episode: Episode,
    scores: Iterable[AnyScore] = (),
    marks: Iterable[AnyMark] = (),
    annotations: Iterable[Annotation] = (),
    *,
    step: int | None = None,
) -> Iterator[str]:
    """The episode as lines without colour or frames, whatever the width; `step` (from 1): that step alone.

    Everything that comes from data stands behind a label or is indented, so that it cannot pass for a heading.

    Raises:
        InputError: there is no such step.
    """
    scores, marks = list(scores), list(marks)
    if step is not None:
        step_index(episode.id, step, len(episode.steps))
    return _lines(episode, scores, marks, list(annotations), step)


def _lines(
    episode: Episode,
    scores: Sequence[AnyScore],
    marks: Sequence[AnyMark],
    annotations: Sequence[Annotation],
    only: int | None,
) -> Iterator[str]:
    flags = flags_by_step(episode, marks, annotations)
    count = len(episode.steps)
    yield from header(episode)
    yield "Summary:"
    yield from (f"  {line}" for line in summarise(episode, marks).lines())
    if flags:
        yield f"Worth a look (sandbox replay {display_line(address(episode.id))}#STEP opens one):"
        for index, names in flags.items():
            if names != MERE:
                yield f"  step {index + 1}: {display_line(why_words(episode.steps[index], names, marks))}"
    yield f"Lines that begin with '{HIDDEN.strip()}' are ground truth, which is no part of what a seat saw."
    for current, so_far in zip(episode.steps, running_totals(episode.steps), strict=True):
        if only is not None and current.index != only - 1:
            continue
        yield ""
        yield f"Step {current.index + 1} of {count}, {where_words(current, flags.get(current.index, ()))}"
        for title, passages in sections(episode, current, marks, annotations, so_far):
            yield from _section(title, passages)
    if only is None:
        yield ""
        for title, passages in whole(episode, scores, annotations):
            yield from _section(title, passages, "")
        for own in episode.by_agent():
            whose = f" of {display_line(own.spec.agent.name)}" if own is not episode else ""
            yield f"Counts{whose}: {count_words(own.counts())}"


def render_heads(heads: Iterable[EpisodeHead]) -> Iterator[str]:
    """One line per episode, its id first, every other field named."""
    for head in heads:
        agents = ", ".join(f"{seat} {name}" for seat, name in head.seats.items())
        parts = [
            head.id,
            head.status,
            head.environment,
            f"agents: {agents}" if len(head.seats) > 1 else f"agent {head.agent}",
            f"item {head.item}",
            f"repetition {head.repetition}",
            f"seed {head.seed}",
            head.framing,
            "no return" if head.total is None else f"return {returned(head.total, head.returns)}",
            plural(head.steps, "step"),
            f"flags: {', '.join(head.flags)}" if head.flags else "no flags",
        ]
        wrong = {name: number for name, number in head.counts.items() if number}
        if wrong:
            parts.append(f"counts: {count_words(wrong)}")
        yield "; ".join(display_line(part) for part in parts)


def where_words(step: Step, flags: Iterable[str] = ()) -> str:
    """Tick, seat, outcome and flags of a step on one line."""
    seat = "no turn" if is_turnless(step) else "chance" if is_chance(step) else f"seat {step.seat}"
    words = [f"tick {step.tick + 1}", seat]
    if not is_chance(step):
        words.append(step.outcome)
    named = ", ".join(flags)
    return display_line(", ".join(words) + (f"; flags: {named}" if named else ""))


def why_words(step: Step, flags: Iterable[str], marks: Iterable[AnyMark] = ()) -> str:
    """Why a step is worth a look: its flags, with the risk that was taken, by which move, and what the marks say."""
    words = []
    for flag in flags:
        if flag == "risk" and step.decision is not None:
            words.append(f"risk {', '.join(step.risks)}, taken by {move_words(step.decision.move)}")
        elif flag == "mark":
            words.extend(f"mark {mark_words(mark)}" for mark in marks if mark.step == step.index)
        elif flag not in MERE:
            words.append(flag.replace("_", " "))
    return "; ".join(words)


def header(episode: Episode) -> Iterator[str]:
    """What is said before the first step, a `name: value` a line but for the first, `Episode ID`."""
    spec = episode.spec
    yield f"Episode {display_line(episode.id)}"
    yield f"Environment: {display_line(spec.environment)}"
    if spec.config:
        yield f"Config: {display_line(value_words(spec.config))}"
    yield f"Item: {display_line(spec.item_id)}"
    if spec.external_id is not None:
        yield f"External id: {display_line(spec.external_id)}"
    for seat, agent in spec.seats.items():
        name = agent.name if agent.name == agent.id else f"{agent.name} ({agent.id})"
        part = "under evaluation" if seat in spec.evaluated else "counterpart"
        part += ", reads ground truth" if seat in episode.privileged else ""
        config = f", config {value_words(agent.config)}" if agent.config else ""
        yield f"Agent: {display_line(f'{name} in seat {seat}, {part}{config}')}"
    yield f"Seed: {spec.seed}, repetition {spec.repetition}"
    if (fork := spec.fork) is not None:
        what = "the agent decides" if fork.move is None else f"{move_words(fork.move)} was put in"
        luck = f"with a luck of its own ({fork.luck})" if fork.luck else "with its luck"
        yield f"Fork of: {fork.parent[:12]} at step {fork.at + 1}: {what}, {luck}"
    yield f"Framing: {spec.framing}"
    for factor, treatment in spec.treatments.items():
        chance = "" if treatment.propensity is None else f", given with probability {treatment.propensity:g}"
        yield f"Treatment: {display_line(f'{factor} = {value_words(treatment.value)}{chance}')}"
    # A reason may be a traceback of many lines: its last one says what happened; the end of the episode has it all.
    reason = display_line(episode.reason.strip().rsplit("\n", 1)[-1])
    yield f"Status: {episode.status}{f' ({reason})' if reason else ''}"
    several = spec.evaluated if episode.lived and len(spec.evaluated_agents) > 1 else ()
    total = returned(episode.total, {seat: episode.payoffs.get(seat, 0.0) for seat in several})
    yield f"Return: {'not yet paid' if episode.status in ('pending', 'running') else total}"
    yield f"Steps: {len(episode.steps)}"
    if pictures := sum(len(shots(step.events)) for step in episode.steps):
        yield f"Pictures: {pictures} (below by size and hash; sandbox replay shows and saves them: key v)"
    yield f"Provenance: {episode.provenance}, attempt {episode.attempt}"
    yield f"Trace hash: {display_line(episode.hash) or 'none'}"
    if episode.versions:
        versions = ", ".join(f"{name} {version}" for name, version in episode.versions.items())
        yield f"Versions: {display_line(versions)}"


def _section(title: str, passages: Iterable[Passage], margin: str = "  ") -> Iterator[str]:
    yield f"{margin}{title}:"
    for one in passages:
        indent = margin + "  " + " " * one.indent
        for number, line in enumerate(one.text.split("\n")):
            yield (indent + " " * (one.hang if number else 0) + line).rstrip()


def _outcome(step: Step, framing: str) -> Passage:
    applied = move_words(step.applied)
    bad = step.outcome in NO_ANSWER
    if bad:
        effect = f"the declared forfeit took effect: {applied}"
    elif step.decision is not None and dict(step.decision.move) == dict(step.applied):
        effect = "took effect"
    elif framing == "hypothetical":
        effect = f"asked hypothetically, no effect: the episode went on with {applied}"
    else:
        effect = f"what took effect: {applied}"
    return passage(f"outcome: {step.outcome}; {effect}", "flag" if bad or step.outcome == "abstention" else "text")
