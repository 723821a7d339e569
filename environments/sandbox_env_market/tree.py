"""A page of the shop as the accessibility tree that a browser makes of it, without a browser.

It is, to the character, what Playwright's `page.locator("body").aria_snapshot()` prints of our HTML in Chromium: the
rules of roles, names and whitespace are those of its `ariaSnapshot.ts`, of quoting those of its `yaml.ts`, as far as
our own elements need them. A test holds the two equal for every kind of page.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from sandbox_env_market.layout import Node, layout
from sandbox_env_market.page import Page

_ROLES = {
    "header": "banner",
    "main": "main",
    "footer": "contentinfo",
    "nav": "navigation",
    "aside": "complementary",
    "ul": "list",
    "li": "listitem",
    "h1": "heading",
    "h2": "heading",
    "p": "paragraph",
    "del": "deletion",
    "dt": "term",
    "dd": "definition",
    "a": "link",
    "button": "button",
    "select": "combobox",
    "option": "option",
}
_INPUTS = {"text": "textbox", "number": "spinbutton"}
_NAMED_BY_CONTENT = frozenset({"button", "checkbox", "heading", "link", "option"})
_INLINE = frozenset({"a", "bdi", "button", "del", "input", "select", "span"})
_LONGEST_NAME = 900  # UTF-16 units; a longer name is left out of the tree

# JavaScript's white space, which is not Python's.
_SPACES = "\t\n\x0b\x0c\r \xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000\ufeff"
_RUN = re.compile(f"[{_SPACES}]+")
_TRIMMED = re.compile(f"^[{_SPACES}]+|[{_SPACES}]+\\Z")
_UNSEEN = re.compile("[\u200b\xad]")
_SPECIAL = re.compile(
    f"^[{_SPACES}]|[{_SPACES}]\\Z|[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]|^-|:(?:[{_SPACES}]|\\Z)|[{_SPACES}]#|[\n\r]"
    "|^[&*\\],?!>|@\"'#%]|[{}`]|^\\["
)
_WORDS = frozenset({"y", "n", "yes", "no", "true", "false", "on", "off", "null", "~"})
# What JavaScript's `Number` makes a number of, and YAML's infinities.
_NUMERIC = re.compile(
    "[-+]?(?:[0-9]+\\.?[0-9]*|\\.[0-9]+)(?:[eE][-+]?[0-9]+)?|[-+]?Infinity"
    "|0[xX][0-9a-fA-F]+|0[oO][0-7]+|0[bB][01]+|(?i:[-+]?\\.(?:inf|nan))"
)
_ESCAPED = re.compile('[\\\\"\x00-\x1f\x7f-\x9f]')
_SHORT = {"\\": "\\\\", '"': '\\"', "\b": "\\b", "\f": "\\f", "\n": "\\n", "\r": "\\r", "\t": "\\t"}
_JSON = json.JSONEncoder(ensure_ascii=False).encode
_PLAIN_ID = re.compile("[\\w:./+-]+", re.ASCII)


@dataclass(slots=True, eq=False)
class _Aria:
    """A node of the tree: what is printed on its line, and what is under it."""

    role: str
    name: str = ""
    states: str = ""
    reference: str | None = None
    properties: dict[str, str] = field(default_factory=dict)
    children: list[_Aria | str] = field(default_factory=list)


def tree(page: Page, refs: bool = False) -> str:
    """The accessibility tree as YAML.

    With `refs` each control has its id as its reference, as in `- button "Buy" [ref=buy:p47]`; an id with other
    characters than letters, digits and `_:./+-` is written as a JSON string.
    """
    root = _Aria("fragment")
    _visit(layout(page), root, refs)
    lines: list[str] = []
    for child in _merged(root):
        _print(child, "", lines)
    return "\n".join(lines)


def normalised(text: str) -> str:
    """Text as a browser's accessibility tree has it: one space for each run of white space, none at the ends."""
    if text.isascii() and text.isprintable():  # nearly every text; four times as fast
        return " ".join(text.split())
    return _RUN.sub(" ", _TRIMMED.sub("", _UNSEEN.sub("", text)))


def _visit(node: Node, above: _Aria, refs: bool) -> None:
    attributes = node.attributes
    if attributes.get("aria-hidden") == "true":
        return
    here = _node(node, refs)
    if here is None:
        here = above
    else:
        above.children.append(here)
    block = node.tag not in _INLINE
    if block:
        here.children.append(" ")
    for child in node.children:
        if isinstance(child, str):
            here.children.append(child)
        else:
            _visit(child, here, refs)
    if block:
        here.children.append(" ")


def _node(node: Node, refs: bool) -> _Aria | None:
    attributes = node.attributes
    role = attributes.get("role") or (_INPUTS[attributes["type"]] if node.tag == "input" else _ROLES.get(node.tag))
    if role is None:
        return None
    label = attributes.get("aria-label", "")
    if not label and role in _NAMED_BY_CONTENT:
        label = "".join(_words(node))
    here = _Aria(role, normalised(label))
    if attributes.get("aria-checked") == "true":
        here.states += " [checked]"
    if "disabled" in attributes or attributes.get("aria-disabled") == "true":
        here.states += " [disabled]"
    if role == "heading":
        here.states += f" [level={node.tag[1]}]"
    if "selected" in attributes:
        here.states += " [selected]"
    if refs:
        here.reference = attributes.get("data-ref")
    if "href" in attributes:
        here.properties["url"] = attributes["href"]
    if node.tag == "input":
        here.children.append(attributes["value"])
        if role == "textbox" and attributes["placeholder"] != here.name:
            here.properties["placeholder"] = attributes["placeholder"]
    return here


def _words(node: Node) -> Iterator[str]:
    for child in node.children:
        if isinstance(child, str):
            yield child
        else:
            yield from _words(child)


def _merged(node: _Aria) -> list[_Aria | str]:
    """What is under a node, neighbouring texts as one; nothing where that only repeats its name."""
    merged: list[_Aria | str] = []
    texts: list[str] = []
    for child in (*node.children, None):
        if isinstance(child, str):
            texts.append(child)
            continue
        text = normalised("".join(texts))
        if text:
            merged.append(text)
        if child is not None:
            merged.append(child)
        texts = []
    return [] if len(merged) == 1 and merged[0] == node.name else merged


def _print(node: _Aria | str, indent: str, lines: list[str]) -> None:
    if isinstance(node, str):
        lines.append(f"{indent}- text: {_value(node)}")
        return
    children = _merged(node)
    key = node.role
    if node.name and _units(node.name) <= _LONGEST_NAME:
        key += f" {_JSON(node.name)}"
    key += node.states
    if node.reference is not None:
        key += f" [ref={_reference(node.reference)}]"
    if _quoted(key):
        key = "'" + key.replace("'", "''") + "'"
    line = f"{indent}- {key}"
    if not (children or node.properties):
        lines.append(line)
    elif not node.properties and len(children) == 1 and isinstance(children[0], str):
        lines.append(f"{line}: {_value(children[0])}")
    else:
        lines.append(f"{line}:")
        lines += [f"{indent}  - /{name}: {_value(value)}" for name, value in node.properties.items()]
        for child in children:
            _print(child, f"{indent}  ", lines)


def _units(text: str) -> int:
    """Its length as JavaScript counts."""
    return len(text) if text.isascii() else len(text) + sum(character > "\uffff" for character in text)


def _reference(name: str) -> str:
    return name if _PLAIN_ID.fullmatch(name) else _JSON(name)


def _quoted(text: str) -> bool:
    return bool(not text or _SPECIAL.search(text) or text.lower() in _WORDS or _NUMERIC.fullmatch(text))


def _value(text: str) -> str:
    if not _quoted(text):
        return text
    return '"' + _ESCAPED.sub(lambda match: _SHORT.get(match[0], f"\\x{ord(match[0]):02x}"), text) + '"'
