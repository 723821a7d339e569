"""The screen as an SVG file that loads nothing, and the screen of a step where there is no terminal."""

from __future__ import annotations

import asyncio
import re
from typing import Any

from textual.app import App

_FONTS = re.compile(r"@font-face\s*\{[^}]*\}\s*|<!--.*?-->\s*", re.DOTALL)


def screen_svg(app: App[Any]) -> str:
    """What the screen shows, as valid XML without scripts, links or remote addresses.

    Rich's own has fonts at an address in the network, which whoever opened the file would ask; without them the
    viewer's own monospaced font is used. Texts are neutralised before they get on the screen, and Rich escapes them.
    """
    head, style_end, rest = app.export_screenshot().partition("</style>")
    return _FONTS.sub("", head) + style_end + rest


def app_svg(app: App[Any], size: tuple[int, int]) -> str:
    """The first screen of an app that runs without a terminal, for as long as it takes to be drawn."""

    async def drawn() -> str:
        async with app.run_test(size=size) as pilot:
            await app.workers.wait_for_complete()
            await pilot.pause()
            return screen_svg(app)

    return asyncio.run(drawn())
