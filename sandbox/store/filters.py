r"""The filter language: `agent:llm risk/power>0.2 -status:error flag:deception text~"shut down" some words`.

A term is a key, a sign and a value; key and value stand in double quotes if they have blanks, a key also if it has
signs (`\"` and `\\` in quotes are a quote and a backslash); `-` before it means all that do not fit. All terms must
hold. Whatever has no key is one phrase that is looked for in the episode's id, environment, agent, item and reason. In
names and notes the case of the letters A to Z does not matter (SQLite knows no other), in `text~` that of any letter.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import get_args

from sandbox.annotation import value_of
from sandbox.errors import InputError, did_you_mean
from sandbox.store.heads import ORDERS
from sandbox.store.rows import Filter, ScoreName, Term, Vocabulary
from sandbox.store.tables import Flag
from sandbox.trace import COUNTS, Provenance, Status

FLAGS = tuple(str(flag.name).lower() for flag in Flag)
FLAG_WORDS = ("error", "mark")  # an episode that ended in error; one with a mark of any name

FIELDS = {
    "env": "environment",
    "environment": "environment",
    "agent": "agent",
    "item": "item",
    "status": "status",
    "framing": "framing",
    "provenance": "provenance",
}
"""Key -> field of `Filter`."""

NUMBERS = {
    "return": "total",
    "total": "total",
    **{name: name for name in ("steps", "seed", "repetition", "attempt", "calls", "tokens", "cost")},
    **{name: name for name in COUNTS},
}
"""Key -> column of the episode, or one of its counts."""

SCORE, FLAG, HAS, TEXT, CONDITION = "score", "flag", "has", "text", "condition"
PARENT, NOTE, LABEL, BY = "parent", "note", "label", "by"
WORDS = {"fork": "is a fork of another episode", "bookmarked": "somebody bookmarked it, or a step of it"}
"""Terms that are one word; in quotes they are words like any other."""

VALUES: dict[str, tuple[str, ...]] = {
    "status": get_args(Status),
    "framing": ("lived", "hypothetical"),
    "provenance": get_args(Provenance),
}
"""Field -> the values that it can have, where they are few."""

COMPARISONS = ("<=", ">=", "!=", "<", ">", "=")

KEYS = (*FIELDS, *NUMBERS, FLAG, HAS, TEXT, CONDITION, PARENT, NOTE, LABEL, BY)

HELP = (
    "All terms must hold; -term means the episodes that do not fit it. Values with blanks stand in double quotes.",
    'env:power agent:"my agent"   part of the name (env=NAME: the whole of it)',
    "item:7 status:error framing:lived provenance:replayed   exactly this",
    "return>3 steps<=10 seed=4 tokens>1000 cost>0.1   numbers of the episode; signs are = != < <= > >=",
    f"{'>0 '.join(COUNTS)}>0   how often that happened",
    "flag:risk flag:deception   a flag of a step under evaluation, or the name of a scorer's mark",
    "risk/power>0.2   a score: SCORER/NAME; SCORER alone is its first one; NAME alone where one scorer has it",
    '   a name with blanks or signs stands in quotes: "people/labels/power seeking">0',
    "   (that of any seat or variant; shown, sorted by and averaged is its first)",
    "has:risk/power   the score is defined",
    'text~"shut down"   all that was seen and said in the episode: reads whole episodes, Esc stops it',
    "label:deception label:deception=yes note~strange by:ann bookmarked   what people said of it",
    '   label:"power seeking">0   a label with blanks; a value is a number, yes (1) or no (0)',
    "fork parent:5acad7   forks of episodes; condition:ID   the episodes of one group",
    "Words without a key are one phrase, looked for in id, environment, agent, item and reason.",
    "The case of the letters A to Z does not matter; in text~ that of any letter.",
    *(f"{name}: {', '.join(values)}" for name, values in VALUES.items()),
    f"flag: {', '.join((*FLAGS, *FLAG_WORDS))}",
)

_TERM = re.compile(
    r"(?P<minus>-(?=[^\s]))?"
    r'(?:(?:"(?P<quoted_key>(?:[^"\\]|\\.)+)"|(?P<key>[^\s"<>=!:~]+))(?P<sign>:|~|<=|>=|!=|<|>|=))?'
    r'(?:"(?P<quoted>(?:[^"\\]|\\.)*)(?:(?P<end>")(?P<tail>(?:<=|>=|!=|<|>|=)\S*)?|$)|(?P<bare>\S*))',
    re.DOTALL,
)
_ESCAPED = re.compile(r'\\(["\\])')
_NAME_AND_VALUE = re.compile(r"(?P<name>.*?)(?P<sign><=|>=|!=|<|>|=)(?P<value>[^<>=]*)", re.DOTALL)
_WHOLE = re.compile(r"[+-]?[0-9]{1,19}")
_GREATEST = 2**63 - 1  # of a database's whole numbers


@dataclass(frozen=True, slots=True)
class Token:
    """A term as it was written.

    Attributes:
        start, end: its place in the line.
        key: as written; '' where there is none.
        value_start: where its value begins.
        closed: false where a quote was opened and not closed.
        tail: a sign and what follows it, right behind the closing quote of the value.
    """

    start: int
    end: int
    negated: bool
    key: str
    sign: str
    value: str
    value_start: int
    quoted: bool
    closed: bool
    tail: str


def tokens(line: str) -> list[Token]:
    """The terms of a line, in order; any line has some reading."""
    found: list[Token] = []
    place = 0
    while place < len(line):
        if line[place].isspace():
            place += 1
            continue
        match = _TERM.match(line, place)
        assert match is not None  # every part of the pattern may be empty
        end = max(match.end(), place + 1)
        quoted = match["quoted"] is not None
        value = _unescaped(match["quoted"]) if quoted else match["bare"]
        key = _unescaped(match["quoted_key"]) if match["quoted_key"] else match["key"] or ""
        start_of = match.start("quoted") - 1 if quoted else match.start("bare")
        closed = not quoted or match["end"] == '"'
        sign, tail = match["sign"] or "", match["tail"] or ""
        found.append(Token(place, end, bool(match["minus"]), key, sign, value, start_of, quoted, closed, tail))
        place = end
    return found


def quote(value: str) -> str:
    """A value as it stands behind a key and a sign, in quotes where it needs them."""
    return value if value and not re.search(r"\s", value) and not value.startswith('"') else _in_quotes(value)


def quote_key(key: str) -> str:
    """A key as it stands before a sign, in quotes where it needs them."""
    return key if re.fullmatch(r'[^\s"<>=!:~-][^\s"<>=!:~]*', key) else _in_quotes(key)


def _in_quotes(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def _unescaped(text: str) -> str:
    return _ESCAPED.sub(r"\1", text)


def parse(line: str, vocabulary: Vocabulary | None = None) -> Filter:
    """The filter that a line means; an empty line lets everything pass.

    `vocabulary`: with it, names of scores and marks are checked, and scores named in short get their whole name; a
    filter that was read without it means scores by the names that were written.

    Raises:
        InputError: all that cannot be understood, on one line each.
    """
    fields: dict[str, str] = {}
    terms: list[Term] = []
    words: list[str] = []
    faults: list[str] = []
    for token in tokens(line):
        try:
            if not token.key:
                _without_key(token, words, terms)
            else:
                _with_key(token, fields, terms, vocabulary)
        except InputError as error:
            faults.append(str(error))
    if faults:
        raise InputError.of("filter", faults)
    return Filter(**fields, text=" ".join(words) or None, terms=tuple(terms))


def _without_key(token: Token, words: list[str], terms: list[Term]) -> None:
    if not token.closed:
        raise InputError("a quote is opened and not closed")
    if token.tail:
        raise InputError(f"there is no key before {token.tail}")
    if not token.quoted and token.value.lower() in WORDS:
        terms.append(Term(token.value.lower(), negated=token.negated))
    elif token.negated:
        terms.append(Term("words", value=token.value, negated=True))
    elif token.value:
        words.append(token.value)


def _with_key(token: Token, fields: dict[str, str], terms: list[Term], vocabulary: Vocabulary | None) -> None:
    key, written = token.key.lower(), f"{token.key}{token.sign}"
    if not token.closed:
        raise InputError(f"{written} opens a quote that is not closed")
    if not token.value:
        raise InputError(f"{written} needs a value")
    if token.tail and key != LABEL:
        raise InputError(f"{written}{_in_quotes(token.value)} is followed by {token.tail}: put a blank between them")
    if key in FIELDS:
        _field(token, FIELDS[key], fields, terms)
    elif key in NUMBERS:
        terms.append(_compared(token, "number", NUMBERS[key]))
    elif key == FLAG and token.sign == ":" and not token.negated and FLAG not in fields and _is_bit(token.value):
        fields[FLAG] = token.value.lower()
    elif key in _READERS:
        signs, read = _READERS[key]
        if token.sign not in signs:
            raise InputError(f"{token.key} takes {signs[0]}, not {token.sign}: {token.key}{signs[0]}{token.value}")
        terms.append(read(token, vocabulary))
    elif token.sign in COMPARISONS:
        name = token.key if vocabulary is None else str(score_named(token.key, vocabulary.scores, NUMBERS))
        terms.append(_compared(token, SCORE, name))
    else:
        raise InputError(f"no key {token.key!r}{did_you_mean(key, KEYS)}")


def _field(token: Token, field: str, fields: dict[str, str], terms: list[Term]) -> None:
    if token.sign not in (":", "="):
        raise InputError(f"{token.key} takes :, not {token.sign}: {token.key}:{token.value}")
    value = token.value
    if field in VALUES:
        value = value.lower()
        if value not in VALUES[field]:
            raise InputError(f"no {token.key} {token.value!r}{did_you_mean(value, VALUES[field])}")
    named = field in ("environment", "agent")
    if token.negated or (named and (token.sign == "=" or field in fields)):
        terms.append(Term(field, token.sign if named else "=", value, negated=token.negated))
    elif field in fields:
        raise InputError(f"{token.key} is given twice")
    else:
        fields[field] = value


def _compared(token: Token, key: str, name: str) -> Term:
    """A comparison with a number."""
    if token.sign == "~":
        raise InputError(f"{token.key} takes one of {' '.join(COMPARISONS)}, not ~")
    return Term(key, "=" if token.sign == ":" else token.sign, _number(token.key, token.value), name, token.negated)


def _number(what: str, value: str) -> float:
    try:
        # Seeds have more digits than a float keeps.
        whole = _WHOLE.fullmatch(value) and abs(int(value)) <= _GREATEST
        number = int(value) if whole else float(value)
    except ValueError:
        number = math.nan
    if not math.isfinite(number):
        raise InputError(f"{what} needs a number, not {value!r}")
    return number


def _is_bit(name: str) -> bool:
    return name.lower() in FLAGS


def _flag(token: Token, vocabulary: Vocabulary | None) -> Term:
    name = token.value.lower()
    known = (*FLAGS, *FLAG_WORDS)
    if name in known:
        return Term(FLAG, ":", name, negated=token.negated)
    if vocabulary is not None and token.value not in vocabulary.marks:
        raise InputError(f"no flag {token.value!r}{did_you_mean(name, (*known, *vocabulary.marks))}")
    return Term(FLAG, ":", token.value, negated=token.negated)


def _has(token: Token, vocabulary: Vocabulary | None) -> Term:
    name = token.value if vocabulary is None else str(score_named(token.value, vocabulary.scores))
    return Term(HAS, ":", "", name, token.negated)


def _hexadecimal(token: Token, vocabulary: Vocabulary | None) -> Term:
    value = token.value.lower()
    if not re.fullmatch("[0-9a-f]{1,64}", value):
        raise InputError(f"{token.key} needs the beginning of an id (hexadecimal digits), not {token.value!r}")
    return Term(token.key.lower(), ":", value, negated=token.negated)


def _plain(token: Token, vocabulary: Vocabulary | None) -> Term:
    return Term(token.key.lower(), token.sign, token.value, negated=token.negated)


def _label(token: Token, vocabulary: Vocabulary | None) -> Term:
    """A label's name may have signs: the last one is the comparison, if what follows is a value of a label."""
    known = () if vocabulary is None else vocabulary.labels
    split = _NAME_AND_VALUE.fullmatch(token.tail or token.value)
    if split is None or (not token.tail and token.value in known):
        return Term(LABEL, ":", "", token.value, token.negated)
    name = token.value if token.tail else split["name"]
    try:
        return Term(LABEL, split["sign"], value_of(split["value"]), name, token.negated)
    except InputError:
        if token.tail or name in known:
            raise
        return Term(LABEL, ":", "", token.value, token.negated)


_READERS = {
    FLAG: ((":",), _flag),
    HAS: ((":",), _has),
    TEXT: (("~",), _plain),
    CONDITION: ((":",), _hexadecimal),
    PARENT: ((":",), _hexadecimal),
    NOTE: (("~",), _plain),
    LABEL: ((":",), _label),
    BY: ((":",), _plain),
}
"""Key -> the signs that it takes, and what reads its term."""


def score_named(name: str, known: Sequence[ScoreName], besides: Iterable[str] = ()) -> ScoreName:
    """The score that a name means: `SCORER/NAME`, else a scorer's first, else the one score of that name.

    `besides`: other names that may have been meant, for the message.

    Raises:
        InputError: none has it, or several have: they are listed.
    """
    for fits in (
        [score for score in known if str(score) == name],
        [score for score in known if score.scorer == name][:1],
        [score for score in known if score.name == name],
    ):
        if len(fits) == 1:
            return fits[0]
        if fits:
            raise InputError(f"{name!r} may mean several scores: {', '.join(map(str, fits))}")
    spelled = {word for score in known for word in (str(score), score.scorer)}
    raise InputError(f"no score {name!r}{did_you_mean(name, (*spelled, *besides))}")


# -- scores and orders ------------------------------------------------------------------------------------------------


def score_columns(where: Filter, order: str, vocabulary: Vocabulary) -> tuple[str, ...]:
    """The scores that have a column: those that order and filter name, then the main one of each scorer."""
    named = [order.removeprefix("-")] if "/" in order else []
    named += [term.name for term in where.terms if term.key in ("score", "has")]
    main: dict[str, str] = {}
    for score in vocabulary.scores:
        main.setdefault(score.scorer, str(score))
    return tuple(dict.fromkeys([*named, *main.values()]))


def order_named(name: str, vocabulary: Vocabulary) -> str:
    """The order that a person means: a column, or a score in any of its spellings; `-` before it turns it around.

    Raises:
        InputError: there is no such column or score.
    """
    sign, column = ("-", name[1:]) if name.startswith("-") else ("", name)
    column = NUMBERS.get(column, column)
    if column not in ORDERS:
        column = str(score_named(column, vocabulary.scores, (*ORDERS, *NUMBERS)))
    return sign + column


# -- completion -------------------------------------------------------------------------------------------------------


def completions(line: str, cursor: int, vocabulary: Vocabulary) -> tuple[int, int, list[str]]:
    """What the term at a place in a line may become: where it starts, where it ends, and whole terms instead of it.

    Those that begin so come before those that have it inside; there are none where nothing was written yet.
    """
    token = next((one for one in tokens(line[:cursor]) if one.end == cursor), None)
    if token is None or (token.closed and token.quoted):
        return cursor, cursor, []
    minus = "-" if token.negated else ""
    if not token.key:
        keys = [f"{key}:" for key in (*FIELDS, FLAG, HAS, LABEL, BY, PARENT)] + [f"{TEXT}~", f"{NOTE}~", *WORDS]
        offered = [
            *keys,
            *(f"{key}>" for key in NUMBERS),
            *(f"{quote_key(str(score))}>" for score in vocabulary.scores),
        ]
        return token.start, cursor, [minus + one for one in _matching(token.value, offered)]
    key = token.key.lower()
    before = f"{minus}{quote_key(token.key)}{token.sign}"
    values: Sequence[str] = VALUES.get(FIELDS.get(key, ""), ())
    if key == FLAG:
        values = (*FLAGS, *FLAG_WORDS, *vocabulary.marks)
    elif key == HAS:
        values = tuple(map(str, vocabulary.scores))
    elif FIELDS.get(key) in ("environment", "agent"):
        values = vocabulary.environments if FIELDS[key] == "environment" else vocabulary.agents
    elif key in (LABEL, BY):
        values = vocabulary.labels if key == LABEL else vocabulary.authors
    offered = [value for value in _matching(token.value, values) if value != token.value]
    return token.start, cursor, [before + quote(value) for value in offered]


def _matching(part: str, offered: Iterable[str]) -> list[str]:
    part = part.lower()
    fitting = [one for one in dict.fromkeys(offered) if part in one.lower()]
    return sorted(fitting, key=lambda one: not one.lower().startswith(part))
