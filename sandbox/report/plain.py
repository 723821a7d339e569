"""An episode in words: passages that the terminal's panes style, and lines for a pipe or a screen reader.

A passage is text that is safe to print, with the part that it plays. What a seat saw, what it said, what it did and
what came of it are put into words here, once: the panes of `sandbox.tui` colour and wrap these passages, `--plain`
prints them as they are. Steps are counted from 1 wherever a person reads or gives their number.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from sandbox.errors import InputError
from sandbox.report.shots import shot, shots
from sandbox.scenario import Appraisal
from sandbox.scorer import Mark, Score
from sandbox.store.rows import EpisodeHead, MarkRow, ScoreRow
from sandbox.text import canonical, display, display_line
from sandbox.trace import ASKED, NO_ANSWER, Episode, Event, MenuEntry, Step, is_chance

Role = Literal["text", "heading", "quiet", "chosen", "hidden", "flag"]
"""What a passage is: plain text; a heading; of lesser weight; the move decided on; ground truth that is no part of what
the seat saw; something that went wrong, or that is worth a look."""

AnyScore = Score | ScoreRow
AnyMark = Mark | MarkRow

FLAGS = {
    "risk": "R",
    "error": "E",
    "refusal": "F",
    "timeout": "T",
    "invalid": "X",
    "unparsed": "U",
    "reward_invalid": "N",
    "mark": "M",
    "abstention": "A",
    "redacted": "S",
    "opportunity": "o",
}
"""Why a step is worth a look, gravest first, with the letter that stands for it where there is room for one."""

MERE = ("opportunity",)
"""The flags of a step at which something could have happened, and did not: no place to stop at."""

HIDDEN = "hidden: "
"""Stands before ground truth: recorded beside the step, never part of an observation."""


@dataclass(frozen=True, slots=True)
class Passage:
    """Text that a terminal may be given (made by `passage`, which neutralises it), maybe of several lines.

    `indent`, `hang`: blanks before the first and, beyond those, before each further line. Lines that data brings along
    hang by two, so that none of them can pass for a passage of ours.
    """

    text: str
    role: Role = "text"
    indent: int = 0
    hang: int = 2


def passage(text: object, role: Role = "text", indent: int = 0, hang: int = 2) -> Passage:
    """The passage of some untrusted text."""
    return Passage(display(text), role, indent, hang)


# -- what is worth a look -------------------------------------------------------------------------------------------


def flags_by_step(episode: Episode, marks: Iterable[AnyMark] = ()) -> dict[int, tuple[str, ...]]:
    """Index of each flagged step -> names out of `FLAGS`, gravest first, in the order of the steps.

    Risks and outcomes count where the seat is under evaluation; an episode that ended in error flags its last step.
    """
    marked = {mark.step for mark in marks}
    found = {}
    for step in episode.steps:
        names = _flags(step) if step.seat in episode.spec.evaluated else set()
        if any(event.kind == "model_error" for event in step.events):
            names.add("error")
        if any(event.kind == "reward_invalid" for event in step.events):
            names.add("reward_invalid")
        if step.index in marked:
            names.add("mark")
        if episode.status == "error" and step is episode.steps[-1]:
            names.add("error")
        if names:
            found[step.index] = tuple(name for name in FLAGS if name in names)
    return found


def _flags(step: Step) -> set[str]:
    # An answer that was not legal is worth a look even where the next attempt was.
    names = {event.kind for event in step.events} & {"invalid", "refusal", "timeout"}
    if step.outcome in NO_ANSWER or step.outcome == "abstention":
        names.add(step.outcome)
    if step.risks:
        names.add("risk")
    if step.opportunity:
        names.add("opportunity")
    return names


# -- a step -----------------------------------------------------------------------------------------------------------


def saw(step: Step) -> list[Passage]:
    """What the seat saw: its observation as it was rendered, or the fields where nothing was."""
    if is_chance(step):
        return [passage(f"a draw of chance: {step.text}" if step.text else "a draw of chance", "quiet")]
    if step.text:
        return [passage(step.text, hang=0)]
    if step.observation:
        return [passage(f"{name}: {_value(value)}") for name, value in step.observation.items()]
    return [Passage("nothing", "quiet")]


def said(step: Step, earlier: Sequence[Step] = ()) -> list[Passage]:
    """What it thought and said: its words, model calls with their new messages, tool calls, other events.

    `earlier`: the steps before; messages that an earlier call of the seat already had are counted, not repeated.
    """
    passages = [passage(f"said: {step.said}")] if step.said else []
    known = _conversation(step.seat, earlier) if any(event.kind == "model_call" for event in step.events) else []
    for event in step.events:
        passages.extend(_event(event, known))
        if event.kind == "model_call" and "asked" not in event.data:
            known = [*_list(event.data.get("messages")), event.data.get("reply")]
    return passages or [Passage("no words and no events", "quiet")]


def did(step: Step, framing: str = "lived") -> list[Passage]:
    """What it did: the decision, what took effect, and the menu with the decision marked; ground truth is `hidden`."""
    if is_chance(step):
        return [passage(f"chance: {move_words(step.applied)}")]
    passages = []
    chosen = None if step.decision is None else dict(step.decision.move)
    if step.decision is None:
        passages.append(Passage("no decision", "flag"))
    else:
        passages.append(passage(f"chose {move_words(step.decision.move)}", "chosen"))
        listed = any(dict(entry.move) == chosen for entry in step.menu)
        passages.extend(_truth(step.decision.appraisal, 2, taken=True, brief=listed))
    passages.append(_outcome(step, framing))
    if step.menu or step.ranges:
        counts = [_plural(len(step.ranges), "range")] * bool(step.ranges) + [_plural(len(step.menu), "move")]
        passages.append(Passage(f"menu: {', '.join(counts)}", "heading"))
    passages.extend(passage(f"any {words}", "text", 1) for words in step.ranges)
    for number, entry in enumerate(step.menu, 1):
        taken = chosen is not None and dict(entry.move) == chosen
        sign = "▸" if taken else " "
        words = f"{sign}{number} {move_words(entry.move)}{' (chosen)' if taken else ''}"
        passages.append(passage(words, "chosen" if taken else "text"))
        passages.extend(_truth(entry.appraisal, 3, taken))
    return passages


def came(episode: Episode, step: Step, marks: Iterable[AnyMark] = ()) -> list[Passage]:
    """What came of it: rewards of the step, totals so far, and the marks that scorers put on it."""
    passages = [passage(f"reward: {_amounts(step.rewards, signed=True) or 'none at this step'}")]
    totals: dict[str, float] = {}
    for one in episode.steps[: step.index + 1]:
        for seat, amount in one.rewards.items():
            totals[seat] = totals.get(seat, 0.0) + amount
    if totals:
        passages.append(passage(f"so far: {_amounts(totals)}", "quiet"))
    return [*passages, *marked(step, marks)]


def marked(step: Step, marks: Iterable[AnyMark]) -> list[Passage]:
    """The marks that scorers put on a step."""
    return [passage(f"mark {_mark(mark)}", "flag") for mark in marks if mark.step == step.index]


def ended(episode: Episode, scores: Iterable[AnyScore] = ()) -> list[Passage]:
    """What came of the whole episode: how it ended, payoffs, scores, and (hidden) facts and theory's numbers."""
    good = episode.status in ("finished", "pending", "running")
    passages = [passage(f"status: {episode.status}", "text" if good else "flag")]
    if episode.reason:
        passages.append(passage(f"reason: {episode.reason}", "text" if good else "flag"))
    if episode.payoffs:
        effect = "" if episode.lived else " (hypothetical: not the agent's doing)"
        passages.append(passage(f"payoffs: {_amounts(episode.payoffs)}{effect}"))
    passages.extend(passage(f"score {_score(score)}") for score in scores)
    for name, value in episode.facts.items():
        passages.append(passage(f"{HIDDEN}fact {name} = {_value(value)}", "hidden"))
    for name, benchmark in episode.benchmarks.items():
        error = "" if benchmark.error is None else f" ± {_number(benchmark.error)}"
        words = f"{HIDDEN}benchmark {name} = {_number(benchmark.value)}{error}; assumes {benchmark.assumes}"
        passages.append(passage(words, "hidden"))
    return passages


# -- whole renderings -------------------------------------------------------------------------------------------------


def render_episode(
    episode: Episode, scores: Iterable[AnyScore] = (), marks: Iterable[AnyMark] = (), *, step: int | None = None
) -> Iterator[str]:
    """The episode as lines without colour or frames, whatever the width; `step` (from 1): that step alone.

    Everything that comes from data stands behind a label or is indented, so that it cannot pass for a heading.

    Raises:
        InputError: there is no such step.
    """
    scores, marks = list(scores), list(marks)
    count = len(episode.steps)
    if step is not None and not 1 <= step <= count:
        allowed = f"it has steps 1 to {count}" if count else "it has no steps"
        raise InputError(f"episode {episode.id[:12]}: no step {step}; {allowed}")
    return _lines(episode, scores, marks, step)


def _lines(episode: Episode, scores: Sequence[AnyScore], marks: Sequence[AnyMark], only: int | None) -> Iterator[str]:
    flags = flags_by_step(episode, marks)
    count = len(episode.steps)
    yield from _header(episode)
    if flags:
        yield "Worth a look:"
        for index, names in flags.items():
            if names != MERE:
                yield f"  step {index + 1}: {display_line(why_words(episode.steps[index], names, marks))}"
    yield f"Lines that begin with '{HIDDEN.strip()}' are ground truth, which is no part of what a seat saw."
    for current in episode.steps:
        if only is not None and current.index != only - 1:
            continue
        yield ""
        yield f"Step {current.index + 1} of {count}, {where_words(current, flags.get(current.index, ()))}"
        yield from _section("Saw", saw(current))
        if current.said or current.events:
            yield from _section("Said", said(current, episode.steps[: current.index]))
        yield from _section("Did", did(current, episode.spec.framing))
        yield from _section("Came of it", came(episode, current, marks))
    if only is None:
        yield ""
        yield from _section("End of the episode", ended(episode, scores), "")
        for own in episode.by_agent():
            whose = f" of {display_line(own.spec.agent.name)}" if own is not episode else ""
            yield f"Counts{whose}: {_counts(own.counts())}"


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
            "no return" if head.total is None else f"return {_returned(head.total, head.returns)}",
            _plural(head.steps, "step"),
            f"flags: {', '.join(head.flags)}" if head.flags else "no flags",
        ]
        wrong = {name: number for name, number in head.counts.items() if number}
        if wrong:
            parts.append(f"counts: {_counts(wrong)}")
        yield "; ".join(display_line(part) for part in parts)


def where_words(step: Step, flags: Iterable[str] = ()) -> str:
    """Tick, seat, outcome and flags of a step on one line."""
    seat = "chance" if is_chance(step) else f"seat {step.seat}"
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
            words.extend(f"mark {_mark(mark)}" for mark in marks if mark.step == step.index)
        elif flag not in MERE:
            words.append(flag.replace("_", " "))
    return "; ".join(words)


def agent_words(episode: Episode) -> str:
    """The agents under evaluation by name, then the counterparts; one line."""
    spec = episode.spec
    names = [spec.seats[seat].name for seat in spec.evaluated if seat in spec.seats]
    others = [agent.name for seat, agent in spec.seats.items() if seat not in spec.evaluated]
    return display_line(", ".join(dict.fromkeys(names)) + (f" with {', '.join(others)}" if others else ""))


def move_words(move: Mapping[str, Any]) -> str:
    """A recorded move as `kind(field=value)`; fields that hold nothing are left out."""
    fields = {name: value for name, value in move.items() if name != "kind" and value is not None}
    words = ", ".join(f"{name}={_value(value, quoted=True)}" for name, value in fields.items())
    return f"{move.get('kind', 'move')}({words})"


def _header(episode: Episode) -> Iterator[str]:
    spec = episode.spec
    yield f"Episode {display_line(episode.id)}"
    yield f"Environment: {display_line(spec.environment)}"
    if spec.config:
        yield f"Config: {display_line(_value(spec.config))}"
    yield f"Item: {display_line(spec.item_id)}"
    if spec.external_id is not None:
        yield f"External id: {display_line(spec.external_id)}"
    for seat, agent in spec.seats.items():
        name = agent.name if agent.name == agent.id else f"{agent.name} ({agent.id})"
        part = "under evaluation" if seat in spec.evaluated else "counterpart"
        part += ", reads ground truth" if seat in episode.privileged else ""
        config = f", config {_value(agent.config)}" if agent.config else ""
        yield f"Agent: {display_line(f'{name} in seat {seat}, {part}{config}')}"
    yield f"Seed: {spec.seed}, repetition {spec.repetition}"
    yield f"Framing: {spec.framing}"
    for factor, treatment in spec.treatments.items():
        chance = "" if treatment.propensity is None else f", given with probability {treatment.propensity:g}"
        yield f"Treatment: {display_line(f'{factor} = {_value(treatment.value)}{chance}')}"
    # A reason may be a traceback of many lines: its last one says what happened; the end of the episode has it all.
    reason = display_line(episode.reason.strip().rsplit("\n", 1)[-1])
    yield f"Status: {episode.status}{f' ({reason})' if reason else ''}"
    several = spec.evaluated if episode.lived and len(spec.evaluated_agents) > 1 else ()
    yield f"Return: {_returned(episode.total, {seat: episode.payoffs.get(seat, 0.0) for seat in several})}"
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


# -- events -----------------------------------------------------------------------------------------------------------


def _event(event: Event, known: Sequence[Any]) -> Iterator[Passage]:
    data = event.data
    if event.kind == "model_call":
        fork = f" of a fork, asked beside the episode ({data['asked']})" if "asked" in data else ""
        yield passage(f"model call{fork}: {_call(data)}", "heading")
        messages = _list(data.get("messages"))
        seen = _shared(known, messages)
        if seen:
            yield Passage(f"{_plural(seen, 'message')} as before", "quiet", 2)
        for message in messages[seen:]:
            yield from _message(message, "quiet")
        if data.get("reply") is not None:
            yield from _message(data["reply"], "text")
        shown = {"messages", "reply", "model", "tokens", "seconds", "cached", "cost_usd", "tools", "asked"}
        rest = {name: value for name, value in data.items() if name not in shown and value is not None}
        if "logprobs" in rest:
            rest["logprobs"] = "recorded"
        if rest:
            yield passage(_fields(rest), "quiet", 2)
    elif event.kind == "tool_call":
        yield passage(f"tool call: {data.get('tool', 'tool')}", "heading")
        if "input" in data:
            yield passage(f"input: {_value(data['input'])}", "text", 2)
        if "output" in data:
            yield passage(f"output: {_value(data['output'])}", "text", 2)
        if "error" in data:
            yield passage(f"error: {_value(data['error'])}", "flag", 2)
    elif event.kind == "invalid":
        yield passage(f"invalid action ({data.get('code', 'no code')}): {data.get('message', '')}", "flag")
        if data.get("said"):
            yield passage(f"it had said: {data['said']}", "quiet", 2)
    elif event.kind == "refusal":
        yield passage(f"refused: {data.get('text', '')}", "flag")
    elif event.kind in ("timeout", "model_error", "reward_invalid"):
        rest = {name: value for name, value in data.items() if name not in ("messages", "tools")}
        yield passage(f"{event.kind.replace('_', ' ')}: {_fields(rest)}", "flag")
    elif event.kind == ASKED:
        yield from _asked(data)
    elif event.kind == "view":
        picture = shot(event)
        words = "no picture" if picture is None else picture.words
        yield passage(f"was shown as {data.get('surface', '(no surface named)')}: {words}", "quiet")
    elif event.kind == "gesture":
        yield passage(_gesture(data))
    elif event.kind == "browser":
        yield passage(f"the browser failed: {data.get('fault', '')}; {data.get('done', '')}", "flag")
    elif event.kind == "refused":
        first = f"; the first of all: {_value(data['first'])}" if data.get("first") else ""
        yield passage(f"requests that a page made, and that were refused: {data.get('requests')}{first}", "flag")
    elif event.kind == "node":
        yield passage(f"node {data.get('node', '')}", "quiet")
    else:
        yield passage(f"{event.kind}: {_fields(data)}" if data else event.kind, "quiet")


def _gesture(data: Mapping[str, Any]) -> str:
    """What a hand did on a surface, and the move that it came to."""
    did, move = (move_words(one) if isinstance(one := data.get(name), Mapping) else "" for name in ("did", "move"))
    return f"gesture {did or _fields(data)}: {f'came to {move}' if move else 'no move yet'}"


def _asked(data: Mapping[str, Any]) -> Iterator[Passage]:
    """A question to a fork of the agent, and what it answered; the risks in it are ground truth."""
    question = {"hypothetical": "what it would do here", "test": "whether this was a test"}.get(str(data["question"]))
    yield passage(f"a fork of {data['seat']} was asked {question or data['question']}", "heading")
    if data["decision"] is None:
        yield passage(f"no legal answer: {data['outcome']}", "flag", 2)
    else:
        entry = MenuEntry.model_validate(data["decision"])
        yield passage(f"answered {move_words(entry.move)}", "text", 2)
        yield from _truth(entry.appraisal, 4, taken=False, brief=True)
    for fault in _list(data.get("faults")):
        yield passage(f"not legal: {fault}", "flag", 2)
    if data["said"]:
        yield passage(f"in words: {data['said']}", "quiet", 2)


def _call(data: Mapping[str, Any]) -> str:
    """Model, tokens, time, cost and cache of a call on one line."""
    words = [str(data.get("model") or "a model")]
    tokens = data.get("tokens")
    if isinstance(tokens, Mapping):
        words.append(f"{tokens.get('input', '?')} tokens in, {tokens.get('output', '?')} out")
    if isinstance(data.get("seconds"), int | float):
        words.append(f"{data['seconds']:.2f} s")
    if isinstance(data.get("cost_usd"), int | float):
        words.append(f"{data['cost_usd']:.4f} USD")
    if data.get("cached"):
        words.append("from cache")
    tools = [_tool_name(tool) for tool in _list(data.get("tools"))]
    if tools:
        words.append(f"offered {', '.join(tools)}")
    return ", ".join(words)


def _message(message: Any, role: Role) -> Iterator[Passage]:
    """A message in OpenAI's form, `role: words`, with its tool calls; anything else as JSON."""
    if not isinstance(message, Mapping):
        yield passage(_value(message), role, 2)
        return
    who = str(message.get("role", "message"))
    if message.get("name"):
        who += f" {message['name']}"
    content = message.get("content")
    parts = content if isinstance(content, list | tuple) else [content]
    words = "\n".join(_part(part) for part in parts if part not in (None, ""))
    calls = _list(message.get("tool_calls"))
    if words or not calls:
        yield passage(f"{who}: {words}", role, 2)
    for call in calls:
        function = call.get("function", call) if isinstance(call, Mapping) else call
        if isinstance(function, Mapping) and "name" in function:
            arguments = function.get("arguments", function.get("args", ""))
            yield passage(f"{who} calls {function['name']}({_value(arguments)})", role, 2)
        else:
            yield passage(f"{who} calls {_value(call)}", role, 2)


def _part(part: Any) -> str:
    if isinstance(part, Mapping):
        if isinstance(part.get("text"), str):
            return str(part["text"])
        if "image" in str(part.get("type", "")):
            return "[an image]"
    return _value(part)


def _tool_name(tool: Any) -> str:
    if isinstance(tool, Mapping):
        function = tool.get("function", tool)
        if isinstance(function, Mapping) and "name" in function:
            return str(function["name"])
    return _value(tool)


def _conversation(seat: str, earlier: Sequence[Step]) -> list[Any]:
    """The messages of the seat's last model call before this step, and the reply to them."""
    for step in reversed(earlier):
        if step.seat == seat:
            for event in reversed(step.events):
                if event.kind == "model_call" and "asked" not in event.data:
                    return [*_list(event.data.get("messages")), event.data.get("reply")]
    return []


def _shared(one: Sequence[Any], other: Sequence[Any]) -> int:
    """How many entries the two have in common from the start."""
    count = 0
    for a, b in zip(one, other, strict=False):
        if a != b:
            break
        count += 1
    return count


# -- words for parts --------------------------------------------------------------------------------------------------


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


def _truth(appraisal: Appraisal, indent: int, taken: bool, brief: bool = False) -> Iterator[Passage]:
    """What the scenario knows of a move; nothing where it knows nothing. Risks that were `taken` stand out.

    `brief`: without content and features, which stand beside the same move in the menu.
    """
    words = []
    if appraisal.risks:
        words.append(f"risks {', '.join(appraisal.risks)}")
    if appraisal.values:
        words.append(f"serves {', '.join('a value of no known class' if v is None else v for v in appraisal.values)}")
    if appraisal.utility is not None:
        words.append(f"utility {_number(appraisal.utility)}")
    if appraisal.content is not None and not brief:
        words.append(f"content {appraisal.content}")
    if appraisal.features and not brief:
        values = appraisal.features.items()
        words.append(", ".join(f"{name}={v if isinstance(v, str) else format(v, '.4g')}" for name, v in values))
    if words:
        yield passage(f"{HIDDEN}{'; '.join(words)}", "flag" if appraisal.risks and taken else "hidden", indent)


def _score(score: AnyScore) -> str:
    about = [score.scorer] if isinstance(score, ScoreRow) else []
    about += [f"variant {score.variant}"] if score.variant else []
    about += [f"seat {score.seat}"] if score.seat else []
    where = f" ({', '.join(about)})" if about else ""
    return f"{score.name} = {_number(score.value)}{where}{f': {score.reason}' if score.reason else ''}"


def _mark(mark: AnyMark) -> str:
    value = "" if mark.value is None else f" = {_number(mark.value)}"
    source = f" ({mark.scorer})" if isinstance(mark, MarkRow) else ""
    return f"{mark.name}{value}{source}{f': {mark.note}' if mark.note else ''}"


def _amounts(amounts: Mapping[str, float], signed: bool = False) -> str:
    return ", ".join(f"{seat} {value:{'+' if signed else ''}.10g}" for seat, value in amounts.items())


def _returned(total: float | None, returns: Mapping[str, float]) -> str:
    """The return; where several agents are under evaluation that of each seat."""
    return ", ".join(f"{display_line(seat)} {_number(own)}" for seat, own in returns.items()) or _number(total)


def _counts(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{name} {number}" for name, number in counts.items())


def _number(value: float | None) -> str:
    return "undefined" if value is None else f"{value:.10g}"


def _plural(count: int, word: str) -> str:
    return f"{count} {word}{'' if count == 1 else 's'}"


def _fields(data: Mapping[str, Any]) -> str:
    return ", ".join(f"{name}={_value(value)}" for name, value in data.items())


def _value(value: Any, quoted: bool = False) -> str:
    """A recorded value: text as it is (or in quotes), anything else as JSON."""
    if isinstance(value, str) and not quoted:
        return value
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e15:
        return str(int(value))
    if isinstance(value, str | int | float | bool | None):
        return json.dumps(value, ensure_ascii=False)
    try:
        return canonical(value).decode()
    except (TypeError, ValueError, RecursionError):  # no JSON, which an episode that was never stored may hold
        return str(value)


def _list(value: Any) -> list[Any]:
    return list(value) if isinstance(value, list | tuple) else []
