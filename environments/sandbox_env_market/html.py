"""A page of the shop as a whole HTML document: links and forms, a style sheet inside, no script.

What a control sends when it is pressed is `do?c=` and its id, with the fields beside it before that; its element has
the id as `data-ref`. Everything that anybody wrote is escaped here, in one place, for text and for attributes alike.
"""

from __future__ import annotations

from functools import cache
from html import escape
from pathlib import Path

from sandbox_env_market.characters import plain
from sandbox_env_market.layout import SHOP, Node, layout
from sandbox_env_market.page import Page

_EMPTY = frozenset({"input"})
_TITLE = 200  # what a window's title bar has room for


def html(page: Page) -> str:
    """The page as a browser is sent it, in UTF-8."""
    title = escape(plain(page.heading)[:_TITLE])
    parts = [
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1"><link rel="icon" href="data:,">'
        f"<title>{title} · {SHOP}</title><style>{style()}</style></head>"
    ]
    _write(layout(page), parts)
    parts.append("</html>")
    return "".join(parts)


@cache
def style() -> str:
    """The shop's style sheet."""
    return (Path(__file__).parent / "shop.css").read_text(encoding="utf-8")


def _write(node: Node, parts: list[str]) -> None:
    attributes = "".join([f' {name}="{escape(value)}"' for name, value in node.attributes.items()])
    parts.append(f"<{node.tag}{attributes}>")
    if node.tag in _EMPTY:
        return
    for child in node.children:
        if isinstance(child, str):
            parts.append(escape(child))
        else:
            _write(child, parts)
    parts.append(f"{node.drawing}</{node.tag}>")
