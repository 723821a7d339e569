"""The language of the filter line: `agent:llm env:power status:error flag:risk some words`.

A term is `key:value`, with the value in double quotes if it has blanks; all terms must hold. Whatever has no key is one
phrase that is looked for in the episode's id, environment, agent, item and reason; letter case does not matter.
"""

from __future__ import annotations

import re
from typing import get_args

from sandbox.errors import InputError, did_you_mean
from sandbox.report.plain import FLAGS
from sandbox.store import Filter
from sandbox.trace import Provenance, Status

KEYS = {
    "env": "environment",
    "environment": "environment",
    "agent": "agent",
    "item": "item",
    "status": "status",
    "framing": "framing",
    "provenance": "provenance",
    "flag": "flag",
}
"""Key -> field of `Filter`."""

VALUES: dict[str, tuple[str, ...]] = {
    "status": get_args(Status),
    "framing": ("lived", "hypothetical"),
    "provenance": get_args(Provenance),
    "flag": tuple(name for name in FLAGS if name not in ("error", "mark")),  # the store keeps no bit for these two
}
"""Field -> the values that it can have, where they are few."""

HELP = (
    "key:value terms, all of which must hold; the keys are env, agent, item, status, framing, provenance and flag.",
    'A value with blanks stands in double quotes: agent:"my agent".',
    "Words without a key are one phrase, looked for in id, environment, agent, item and reason.",
    *(f"{name}: {', '.join(values)}" for name, values in VALUES.items()),
)

_TERM = re.compile(r'(?:(?P<key>[A-Za-z_]+):)?(?:"(?P<quoted>[^"]*)"|(?P<bare>\S+))')


def parse(line: str) -> Filter:
    """The filter that a line means; an empty line lets everything pass.

    Raises:
        InputError: all that cannot be understood, on one line each.
    """
    found: dict[str, str] = {}
    words: list[str] = []
    faults: list[str] = []
    for term in _TERM.finditer(line):
        key = term["key"]
        value = term["quoted"] if term["quoted"] is not None else term["bare"]
        if key is None:
            words.append(value)
            continue
        field = KEYS.get(key.lower())
        if field is None:
            faults.append(f"no key {key!r}{did_you_mean(key.lower(), KEYS)}")
        elif field in found:
            faults.append(f"{key} is given twice")
        elif field in VALUES and value.lower() not in VALUES[field]:
            faults.append(f"no {key} {value!r}{did_you_mean(value.lower(), VALUES[field])}")
        else:
            found[field] = value.lower() if field in VALUES else value
    if faults:
        raise InputError.of("filter", faults)
    return Filter(**found, text=" ".join(words) or None)
