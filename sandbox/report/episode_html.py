"""An episode as one HTML file that opens offline: stepped through with the replay's keys, or read as it stands.

All text in it came from models, pages and plugins: every word goes through `escape_html`, and the page's policy lets
nothing run but its one script, by its hash, and loads nothing. The script reads the page and knows no data. Without it
all steps stand below each other, as they do in print. The same episode gives the same bytes.
"""

from __future__ import annotations

import hashlib
from base64 import b64encode
from collections.abc import Iterable, Iterator
from pathlib import Path

from sandbox.annotation import Annotation
from sandbox.errors import InputError
from sandbox.report.plain import (
    FLAGS,
    MERE,
    AnyMark,
    AnyScore,
    Passage,
    flags_by_step,
    header,
    move_words,
    running_totals,
    sections,
    where_words,
    whole,
)
from sandbox.report.shots import Shot, shots
from sandbox.report.summary import Summary, summarise
from sandbox.report.words import is_turnless
from sandbox.text import display_line, escape_html
from sandbox.trace import Episode, Step, is_chance

HERE = Path(__file__).parent
TITLES = {
    "Saw": "what the seat saw",
    "Said": "what it thought and said",
    "Did": "what it did",
    "Came of it": "what came of it",
    "End of the episode": "what came of it",
    "People say": "what people say",
}
"""Title of a section in plain text -> that of its pane."""
ROLES = {"text": "", "heading": "heading", "quiet": "quiet", "chosen": "chosen", "hidden": "truth", "flag": "flag"}
"""Role of a passage -> class of its paragraph."""
DEEPEST = 4
"""Blanks of indent that the page has a class for."""
SHORT = 60
"""Characters of a move in the list of steps."""
BUTTONS = (
    ("Home", "first"),
    ("ArrowLeft", "previous"),
    ("ArrowRight", "next"),
    ("End", "last"),
    ("W", "previous flag"),
    ("w", "next flag"),
)
KEYS = (
    "<kbd>←</kbd> <kbd>→</kbd> steps, <kbd>Home</kbd> <kbd>End</kbd>, <kbd>w</kbd> <kbd>W</kbd> flags, "
    "<kbd>r</kbd> <kbd>R</kbd> risks, <kbd>/</kbd> search, <kbd>s</kbd> <kbd>S</kbd> again, <kbd>g</kbd> go to"
)


def episode_page(
    episode: Episode,
    scores: Iterable[AnyScore] = (),
    marks: Iterable[AnyMark] = (),
    annotations: Iterable[Annotation] = (),
) -> Iterator[str]:
    """The page, piece by piece: an episode may be larger than memory should hold twice."""
    marks, scores, annotations = list(marks), list(scores), list(annotations)
    flags = flags_by_step(episode, marks, annotations)
    count = len(episode.steps)
    style = _file("page.css") + _file("episode.css")
    script = _file("episode.js")
    title = escape_html(display_line(f"{episode.spec.environment}, episode {episode.id[:12]}", 120))
    yield (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{_policy(style, script)}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        '<meta name="color-scheme" content="light dark">\n'
        f"<title>{title}</title>\n<style>{style}</style></head>\n"
        f"<body><header><h1>{escape_html(display_line(episode.spec.environment, 120))}</h1>\n"
    )
    yield from _lead(summarise(episode, marks))
    yield f"<details><summary>All about the episode</summary><dl>{''.join(_facts(episode))}</dl></details>\n"
    yield f"</header>\n{_bar(count)}\n"
    yield '<main id="replay"><nav id="steps" aria-label="steps"><ol>\n'
    for step in episode.steps:
        yield _link(step, flags.get(step.index, ()), several=len(episode.spec.seats) > 1)
    yield '</ol></nav><div id="all">\n'
    for step, so_far in zip(episode.steps, running_totals(episode.steps), strict=True):
        names = flags.get(step.index, ())
        yield f'<section class="step" id="step-{step.index + 1}"{_data(names)}>'
        where = escape_html(where_words(step))
        yield f"<h2>Step {step.index + 1} of {count} <small>{where}</small>{_badges(names)}</h2>"
        yield '<div class="panes">'
        for part, passages in sections(episode, step, marks, annotations, so_far):
            pictures = "".join(map(_picture, shots(step.events))) if part == "Saw" else ""
            yield _pane(TITLES[part], passages, pictures)
        yield "</div></section>\n"
    yield '<section id="end"><h2>The whole episode</h2><div class="panes">'
    yield from (_pane(TITLES[part], passages) for part, passages in whole(episode, scores, annotations))
    yield "</div></section>\n"
    yield f"</div></main>\n<script>{script}</script>\n</body></html>\n"


def _file(name: str) -> str:
    return (HERE / name).read_text(encoding="utf-8")


def _policy(style: str, script: str) -> str:
    def hashed(text: str) -> str:
        return f"'sha256-{b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"

    return (
        f"default-src 'none'; script-src {hashed(script)}; style-src {hashed(style)}; img-src data:; "
        "base-uri 'none'; form-action 'none'"
    )


def _lead(summary: Summary) -> Iterator[str]:
    """The summary, with a link to the step that decided the episode."""
    for line in summary.lines():
        words, kind = escape_html(line), ""
        if line.startswith("Decisive") and summary.decisive is not None:
            step = f"step {summary.decisive.index + 1}"
            kind = ' class="lead"'
            words = words.replace(step, f'<a href="#{step.replace(" ", "-")}">{step}</a>', 1)
        yield f"<p{kind}>{words}</p>\n"


def _facts(episode: Episode) -> Iterator[str]:
    for line in header(episode):
        name, _, value = line.partition(": ")
        if not value:  # the first line: `Episode ID`
            name, _, value = line.partition(" ")
        yield f"<dt>{escape_html(name)}</dt><dd>{escape_html(value)}</dd>"


def _bar(count: int) -> str:
    buttons = "".join(f'<button type="button" data-key="{key}">{name}</button>' for key, name in BUTTONS)
    return (
        f'<div id="bar" hidden>{buttons}'
        f'<input id="number" type="number" min="1" max="{count}" aria-label="go to step">'
        '<input id="search" type="search" placeholder="search all steps" aria-label="search all steps">'
        f'<span id="said" role="status"></span><small>{KEYS}</small></div>'
    )


def _link(step: Step, flags: Iterable[str], several: bool) -> str:
    """A line of the list of steps: number, seat, move, letters of the flags."""
    move = step.applied if step.decision is None else step.decision.move
    seat = f"{step.seat} " if several or is_chance(step) else ""
    said = "no turn" if is_turnless(step) else seat + move_words(move)
    words = escape_html(display_line(said, SHORT))
    letters = "".join(FLAGS[name] for name in flags if name not in MERE)
    sign = f" <b>{letters}</b>" if letters else ""
    number = step.index + 1
    return f'<li><a href="#step-{number}"><span class="n">{number}</span> {words}{sign}</a></li>\n'


def _data(flags: tuple[str, ...]) -> str:
    """What the script looks for: steps to stop at, and risks."""
    return (" data-stop" if set(flags) - set(MERE) else "") + (" data-risk" if "risk" in flags else "")


def _badges(flags: Iterable[str]) -> str:
    words = ", ".join(name.replace("_", " ") for name in flags)
    return f' <small class="flags">{escape_html(words)}</small>' if words else ""


def _pane(title: str, passages: Iterable[Passage], pictures: str = "") -> str:
    return f'<div class="pane"><h3>{title}</h3>{"".join(map(_paragraph, passages))}{pictures}</div>'


def _paragraph(one: Passage) -> str:
    uncut = "" if one.hang else "whole"  # text that is not ours hangs, so that no line of it can pass for one of ours
    indent = f"i{min(one.indent, DEEPEST)}" if one.indent else ""
    kinds = " ".join(filter(None, (ROLES[one.role], uncut, indent)))
    named = f' class="{kinds}"' if kinds else ""
    return f"<p{named}>{escape_html(one.text)}</p>\n"


def _picture(picture: Shot) -> str:
    try:
        kind = {"jpg": "jpeg"}.get(picture.ending(), picture.ending())
    except InputError as error:
        return f'<p class="flag">{escape_html(display_line(str(error), 300))}</p>'
    data = b64encode(picture.data).decode()
    return f'<img src="data:image/{kind};base64,{data}" alt="{escape_html(display_line(picture.words, 300))}">'
