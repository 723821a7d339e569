"""One Chromium for all the episodes of an event loop, and a tab for each, which reaches the shop and nothing else."""

from __future__ import annotations

import asyncio
import base64
import os
import signal
import sys
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any
from weakref import WeakKeyDictionary

from playwright.async_api import Browser as Chromium
from playwright.async_api import BrowserContext, CDPSession, Page, Playwright, async_playwright
from playwright.async_api import Error as Error

from sandbox.adapters import chromium
from sandbox.agent import Picture
from sandbox.errors import BrowserError
from sandbox_env_market.server import Press, Server

WIDTH, HEIGHT = 1280, 800
QUALITY = 80  # of JPEG
PATIENCE = 20.0  # seconds for what takes a tenth of one
FLAGS = (
    # Nothing leaves past the proxy: no datagrams of its own (WebRTC), no look-up of names, nothing it does for itself.
    "--force-webrtc-ip-handling-policy=disable_non_proxied_udp",
    "--webrtc-ip-handling-policy=disable_non_proxied_udp",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
    "--disable-quic",
    "--dns-prefetch-disable",
    "--no-pings",
    "--disable-domain-reliability",
    "--disable-smooth-scrolling",
    # Our pages have no third dimension, and a picture is the same with and without a graphics card; 10 MB less.
    "--disable-gpu",
)
# Playwright's driver only passes things on: pictures, which its garbage collector would let lie about (30 MB less), by
# code that is not worth compiling (25 MB less, and no slower).
DRIVER = "--max-semi-space-size=1 --jitless"
CONTEXT: dict[str, Any] = {
    "viewport": {"width": WIDTH, "height": HEIGHT},
    # Our pages need none of these; were somebody's text to become markup, it would have none of them either.
    "java_script_enabled": False,
    "service_workers": "block",
    "accept_downloads": False,
}
DRIVER_GONE = "Connection closed while reading from the driver"  # what Playwright calls it
BYPASS = "<-loopback>"  # Chromium's word for: loopback, too, goes through the proxy

# What can be pressed in the picture and where, what fields hold, what has the keys, how far the page is scrolled. A box
# is that of an element's first line, clipped to the picture; those whose middle something else covers are left out. Far
# below nothing is laid out (the style sheet's `content-visibility`), and asking where it is would do that one by one.
_LOOK = """() => {
  const boxes = {}, fields = {}, hits = [];
  for (const e of document.querySelectorAll('[data-ref]')) {
    if (e.matches('input,select')) fields[e.dataset.ref] = e.value;
    if (!e.checkVisibility({contentVisibilityAuto: true})) continue;
    for (const r of e.getClientRects()) hits.push([e.dataset.ref, r.left, r.top, r.width, r.height]);
    const after = getComputedStyle(e, '::after');
    if (after.content !== 'none' && after.position === 'absolute') {
      let over = e;
      while (over.parentElement && getComputedStyle(over).position === 'static') over = over.parentElement;
      const r = over.getBoundingClientRect();
      hits.push([e.dataset.ref, r.left, r.top, r.width, r.height]);
    }
    if (e.disabled || e.getAttribute('aria-disabled') === 'true') continue;
    const r = e.getClientRects()[0];
    if (!r) continue;
    const l = Math.max(r.left, 0), t = Math.max(r.top, 0);
    const w = Math.min(r.right, innerWidth) - l, h = Math.min(r.bottom, innerHeight) - t;
    if (w < 2 || h < 2) continue;
    const hit = document.elementFromPoint(l + w / 2, t + h / 2);
    if (hit && hit.closest('[data-ref]') === e) boxes[e.dataset.ref] = [l, t, w, h];
  }
  const focused = document.activeElement && document.activeElement.closest('[data-ref]');
  return {boxes, fields, hits, focused: focused ? focused.dataset.ref : '', scroll: scrollY};
}"""
# A drop-down's list would be drawn, and clicks would go through it to what is underneath: it only gets the keys.
_SHUT = """([x, y]) => {
  const e = document.elementFromPoint(x, y), found = e && e.closest('select');
  if (found) found.focus({preventScroll: true});
  return Boolean(found);
}"""
_IN_LIST = "() => Boolean(document.activeElement && document.activeElement.matches('select'))"
_IN_FIELD = "() => Boolean(document.activeElement && document.activeElement.matches('input'))"
# Chromium's own Backspace takes whole emoji, by rules and tables that change from version to version (joined ones,
# keycaps, tags), and holds marks of a part of one to them: so it takes one character by this, as on paper.
_BACKSPACE = """() => {
  const e = document.activeElement;
  if (!e || !e.matches('input') || !e.selectionStart || e.selectionStart !== e.selectionEnd) return false;
  const end = e.selectionStart, last = [...e.value.slice(0, end)].pop();
  e.setRangeText('', end - last.length, end, 'end');
  return true;
}"""
_SCROLLED = "() => [scrollY, Math.max(0, document.documentElement.scrollHeight - innerHeight)]"
_TARGET = """(e) => {
  const found = e && e.closest ? e.closest('[data-ref]') : null;
  return found ? found.dataset.ref : '';
}"""
_FOCUS = """(ref) => {
  const e = [...document.querySelectorAll('[data-ref]')].find(e => e.dataset.ref === ref);
  if (e) e.focus({preventScroll: true});
  return Boolean(e && e.matches('input'));
}"""
# Brings an element into the picture; gives a point where a click meets it, or null where something covers it.
_POINT = """(ref) => {
  const e = [...document.querySelectorAll('[data-ref]')].find(e => e.dataset.ref === ref);
  if (!e) return undefined;
  const seen = () => {
    const r = e.getClientRects()[0];
    if (!r) return null;
    const x = (Math.max(r.left, 0) + Math.min(r.right, innerWidth)) / 2;
    const y = (Math.max(r.top, 0) + Math.min(r.bottom, innerHeight)) / 2;
    const hit = document.elementFromPoint(x, y);
    return hit && hit.closest('[data-ref]') === e ? [x, y] : null;
  };
  const at = seen();
  if (at) return at;
  e.scrollIntoView({block: 'center', inline: 'center', behavior: 'instant'});
  e.focus();
  return seen();
}"""


@dataclass(frozen=True)
class Look:
    """What the tab shows: the picture, what its fields hold by reference, and how far it is scrolled, in pixels.

    `focused` is the reference of what the keys go to; '' for nothing. `hits` are references, enabled or not, each with
    a box (left, top, width, height) in which a click meets it, where no smaller box lies over it.
    """

    picture: Picture
    encoded: str = field(repr=False)
    fields: Mapping[str, str]
    scroll: int
    focused: str = ""
    hits: tuple[tuple[str, tuple[float, float, float, float]], ...] = ()


class Tab:
    """One page in a context of its own, with a server of its own as its proxy."""

    def __init__(self, server: Server, context: BrowserContext, page: Page, session: CDPSession) -> None:
        self.server = server
        self._context = context
        self._page = page
        self._session = session
        session.on("Audits.issueAdded", self._issue)

    async def start(self) -> None:
        """Hear what the page's policy keeps from being asked, all of it before the answer to what is asked next."""
        await self._session.send("Audits.enable")

    def _issue(self, told: Mapping[str, Any]) -> None:
        found = told["issue"]["details"].get("contentSecurityPolicyIssueDetails", {})
        self.server.blocked(found.get("violatedDirective", ""), found.get("blockedURL", ""))

    async def show(self, html: str) -> None:
        """Go to this page."""
        await self._page.goto(self.server.put(html), wait_until="load", timeout=0)  # whoever asks has a timeout

    async def look(self) -> Look:
        """Take a picture."""
        seen, encoded = await asyncio.gather(self._page.evaluate(_LOOK), self._shot())
        boxes = {ref: tuple(box) for ref, box in seen["boxes"].items()}
        picture = Picture("image/jpeg", base64.b64decode(encoded), WIDTH, HEIGHT, boxes)
        hits = tuple((ref, (left, top, width, height)) for ref, left, top, width, height in seen["hits"])
        return Look(picture, encoded, seen["fields"], round(seen["scroll"]), seen["focused"], hits)

    async def _shot(self) -> str:
        """JPEG as base64, by Chromium's own command: Playwright's waits for what our pages do not have."""
        form = {"format": "jpeg", "quality": QUALITY, "optimizeForSpeed": True}
        while True:
            try:
                shot = await self._session.send("Page.captureScreenshot", form)
            except Error as error:
                if "Unable to capture" not in error.message:  # a page that was just loaded may have no surface yet
                    raise
                await asyncio.sleep(0.02)
            else:
                return str(shot["data"])

    async def at(self, x: float, y: float) -> str:
        """The reference of what a click on this point meets; '' for nothing."""
        found: str = await self._page.evaluate(f"([x, y]) => ({_TARGET})(document.elementFromPoint(x, y))", [x, y])
        return found

    async def focus(self, reference: str) -> None:
        """Let the keys go to what has this reference, without a click, which might press it: behind a field's text."""
        if await self._page.evaluate(_FOCUS, reference):
            await self.key("End")

    async def click(self, x: float, y: float) -> None:
        """Click a point; a drop-down there gets the keys, and stays shut."""
        if not await self._page.evaluate(_SHUT, [x, y]):
            await self._page.mouse.click(x, y)

    async def click_on(self, reference: str) -> None:
        """Click what has this reference, scrolling to it; Enter, where something covers all of it."""
        point = await self._page.evaluate(_POINT, reference)
        if point is None:
            await self._page.keyboard.press("Enter")
        else:
            await self.click(*point)

    async def fill(self, reference: str, text: str, *, choose: bool = False) -> None:
        """Put a text in place of what the field holds, by the keyboard; `choose`: one of a combobox's values."""
        if choose:
            found = self._page.locator("[data-ref]").and_(self._page.locator("select"))
            for handle in await found.element_handles():
                if await handle.get_attribute("data-ref") == reference:
                    await handle.select_option(text)
            await self.focus(reference)  # which Playwright leaves where it was
            return
        await self.click_on(reference)
        await self.key("Control+a")
        if text:
            await self._page.keyboard.insert_text(text)
        else:
            await self.key("Delete")

    async def key(self, name: str) -> None:
        """Press a key, by Playwright's names, or a character; those that would open a drop-down do nothing."""
        if len(name) == 1 and not " " <= name <= "~":  # Playwright's keyboard is an American one
            if await self._page.evaluate(_IN_FIELD):  # else it would go to the field that had the keys before
                await self._page.keyboard.insert_text(name)
            return
        if name == "Backspace" and await self._page.evaluate(_BACKSPACE):
            return
        if name not in ("Enter", "Space", " ") or not await self._page.evaluate(_IN_LIST):
            await self._page.keyboard.press(name)

    async def scroll(self, by: int) -> None:
        """Turn the mouse's wheel; back when the page is where it then stays."""
        before, most = await self._page.evaluate(_SCROLLED)
        goal, last, still = min(max(before + by, 0), most), before, 0
        await self._page.mouse.move(WIDTH / 2, HEIGHT / 2)
        await self._page.mouse.wheel(0, by)
        # A long page is laid out while it is scrolled, and may end elsewhere than was to be thought.
        while abs(last - goal) > 1 and still < 50:
            await asyncio.sleep(0.01)
            now, _ = await self._page.evaluate(_SCROLLED)
            still = still + 1 if now == last else 0
            last = now

    async def pressed(self) -> Press:
        """The control that was pressed by what was done last."""
        return await self.server.pressed()

    async def close(self) -> None:
        """Close the context; never fails, and does not wait for one that hangs."""
        with suppress(Error, TimeoutError):
            await asyncio.wait_for(self._context.close(), PATIENCE / 4)
        await self.server.close()


class Browser:
    """Chromium, started when first needed, and again where it is gone; use `of_this_loop`.

    Attributes:
        started: how often it was started.
        process: the number of its process, 0 before the first start.
    """

    def __init__(self) -> None:
        self._lock = asyncio.Lock()
        self._holders: set[int] = set()
        self._playwright: Playwright | None = None
        self._chromium: Chromium | None = None
        self.process = 0
        self._nowhere = Server()
        self.started = 0

    async def tab(self, holder: object) -> Tab:
        """A tab in a context that nothing else is in; the browser stays until all its holders have released it.

        Raises:
            BrowserError: there is no browser, or it does not start.
        """
        self._holders.add(id(holder))
        for last in (False, True):
            try:
                async with asyncio.timeout(2 * PATIENCE):
                    return await self._tab()
            except (Error, TimeoutError) as error:
                if last:
                    raise BrowserError(f"the browser opens no page: {broken(error)}; try again") from error
                await self.mend()
        raise AssertionError

    async def _tab(self) -> Tab:
        async with self._lock:
            found = await self._running()
        server = Server()
        await server.start()
        try:
            context = await found.new_context(**CONTEXT, proxy={"server": server.address, "bypass": BYPASS})
            page = await context.new_page()
            tab = Tab(server, context, page, await context.new_cdp_session(page))
            await tab.start()
        except BaseException:
            await server.close()
            raise
        return tab

    async def mend(self) -> None:
        """Make sure that the next tab is in a browser that answers: one that does not is ended."""
        async with self._lock:
            found = self._chromium
            if found is None or not found.is_connected():
                await self._drop()  # its driver may be what died: both are started anew
                return
            try:
                async with asyncio.timeout(PATIENCE / 4):
                    context = await found.new_context()
                    await (await context.new_page()).evaluate("1")
                    await context.close()
            except (Error, TimeoutError):
                await self._end(found)
                await self._drop()

    async def release(self, holder: object) -> None:
        """A holder is done; the last one closes the browser."""
        self._holders.discard(id(holder))
        async with self._lock:
            if self._holders:
                return
            if self._chromium is not None:
                await self._end(self._chromium)
            await self._drop()

    async def _drop(self) -> None:
        """End Playwright's driver; one that is dead, or does not answer, is not waited for."""
        found, self._playwright, self._chromium = self._playwright, None, None
        if found is not None:
            with suppress(Exception):  # a dead driver's pipe fails in ways of its own
                await asyncio.wait_for(found.stop(), PATIENCE / 4)
            await self._nowhere.close()

    async def _running(self) -> Chromium:
        if self._chromium is not None and self._chromium.is_connected():
            return self._chromium
        program = await asyncio.to_thread(chromium.find)
        try:
            if self._playwright is None:
                if not self.started:
                    expect_its_end(asyncio.get_running_loop())
                self._playwright = await _driver()
                self._nowhere = Server()
                await self._nowhere.start()
            found = await self._playwright.chromium.launch(
                executable_path=program,
                args=list(FLAGS),
                # Of what no tab asks for: the browser's own affairs, which have nowhere to go.
                proxy={"server": self._nowhere.address, "bypass": BYPASS},
                timeout=1000 * PATIENCE,
            )
            session = await found.new_browser_cdp_session()
            processes = (await session.send("SystemInfo.getProcessInfo"))["processInfo"]
        except Error as error:
            said = next((line for line in error.message.splitlines() if line.strip()), "no reason given")
            raise BrowserError(f"{program} did not start: {said[:300]}\n{chromium.FIXES}") from error
        self.process = next((int(one["id"]) for one in processes if one["type"] == "browser"), 0)
        self._chromium = found
        self.started += 1
        return found

    async def _end(self, found: Chromium) -> None:
        """Close it; one that does not answer is killed, as it would be waited for."""
        self._chromium = None
        try:
            await asyncio.wait_for(found.close(), PATIENCE / 4)
        except (Error, TimeoutError):
            if found.is_connected() and self.process and sys.platform != "win32":
                with suppress(ProcessLookupError):
                    os.kill(self.process, signal.SIGKILL)
                with suppress(Error, TimeoutError):
                    await asyncio.wait_for(found.close(), PATIENCE / 4)


async def _driver() -> Playwright:
    """Start Playwright's driver, a node that is told its options by the environment that it is started in."""
    own = os.environ.get("NODE_OPTIONS")
    os.environ["NODE_OPTIONS"] = f"{DRIVER} {own or ''}".strip()
    try:
        return await async_playwright().start()
    finally:
        if own is None:
            del os.environ["NODE_OPTIONS"]
        else:
            os.environ["NODE_OPTIONS"] = own


# A browser is bound to the loop that started it; surfaces of several settings share it.
_OF_LOOPS: WeakKeyDictionary[asyncio.AbstractEventLoop, Browser] = WeakKeyDictionary()


def of_this_loop() -> Browser:
    """The browser that all surfaces of the running event loop share."""
    return _OF_LOOPS.setdefault(asyncio.get_running_loop(), Browser())


def expect_its_end(loop: asyncio.AbstractEventLoop) -> None:
    """Let a driver that ended by itself be no complaint of the loop's: every call on it says so already.

    Playwright keeps a future with that error which nobody asks; all that is said of others goes where it went.
    """
    before = loop.get_exception_handler()

    def handle(loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        if str(context.get("exception")) == DRIVER_GONE:
            return
        if before is None:
            loop.default_exception_handler(context)
        else:
            before(loop, context)

    loop.set_exception_handler(handle)


def broken(error: BaseException) -> str:
    """What a browser's failure was, in a line."""
    said: Any = getattr(error, "message", "") or str(error)
    line = next((line for line in str(said).splitlines() if line.strip()), "")
    return line[:300] or f"no answer within {PATIENCE:g} seconds"
