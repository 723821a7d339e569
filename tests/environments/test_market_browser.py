"""The shop's browser: where it is found, what it can reach, and what happens when it fails."""

from __future__ import annotations

import asyncio
import gc
import os
import re
import signal
import subprocess
import sys
import tarfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from io import BytesIO
from pathlib import Path

import psutil
import pytest
from playwright.async_api import async_playwright
from sandbox_env_market import browser, server
from sandbox_env_market.browser import Browser
from sandbox_env_market.server import Server

from sandbox.adapters import chromium
from sandbox.errors import BrowserError

pytestmark = [pytest.mark.browser]


def _program(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("#!/bin/sh\n")
    path.chmod(0o755)
    return path


# -- ways out ------------------------------------------------------------------------------------------------------

# Each tries to reach {to}, a host and a port of its own, where something listens.
INSIDE = {
    "fetch": "<script>fetch('http://{to}/', {{mode: 'no-cors'}}).catch(() => 0)</script>",
    "fetch by name": "<script>fetch('http://ways.localhost:{port}/', {{mode: 'no-cors'}}).catch(() => 0)</script>",
    "xhr": "<script>const x = new XMLHttpRequest; x.open('GET', 'http://{to}/'); x.send()</script>",
    "beacon": "<script>navigator.sendBeacon('http://{to}/', 'x')</script>",
    "event source": "<script>new EventSource('http://{to}/')</script>",
    "web socket": "<script>new WebSocket('ws://{to}/')</script>",
    "secure web socket": "<script>new WebSocket('wss://{to}/')</script>",
    "web transport": "<script>new WebTransport('https://{to}/').ready.catch(() => 0)</script>",
    "rtc": "<script>(async () => {{const c = new RTCPeerConnection({{iceServers: [{{urls: 'stun:{to}'}}]}});"
    "c.createDataChannel('x'); await c.setLocalDescription(await c.createOffer())}})()</script>",
    "turn over tcp": "<script>(async () => {{const c = new RTCPeerConnection({{iceServers: [{{urls: "
    "'turn:{to}?transport=tcp', username: 'x', credential: 'x'}}]}}); c.createDataChannel('x');"
    "await c.setLocalDescription(await c.createOffer())}})()</script>",
    "script": "<script src='http://{to}/x.js'></script>",
    "import()": "<script>import('http://{to}/x.js').catch(() => 0)</script>",
    "worker": "<script>new Worker(URL.createObjectURL(new Blob([`fetch('http://{to}/')`])))</script>",
    "image": "<img src='http://{to}/x.png'>",
    "image by name": "<img src='http://ways.localhost:{port}/x.png'>",
    "secure image": "<img src='https://{to}/x.png'>",
    "image of a form": "<input type=image src='http://{to}/x.png'>",
    "picture of an svg": "<svg><image href='http://{to}/x.png' /></svg>",
    "style sheet": "<link rel=stylesheet href='http://{to}/x.css'>",
    "css import": "<style>@import 'http://{to}/x.css';</style>",
    "css background": "<p style='background: url(http://{to}/x.png)'>x</p>",
    "font": "<style>@font-face {{font-family: F{port}; src: url(http://{to}/x.woff)}}</style>"
    "<p style='font-family: F{port}'>x</p>",
    "iframe": "<iframe src='http://{to}/'></iframe>",
    "object": "<object data='http://{to}/x.swf'></object>",
    "embed": "<embed src='http://{to}/x.swf'>",
    "video": "<video src='http://{to}/x.webm' autoplay></video>",
    "audio": "<audio src='http://{to}/x.mp3' preload=auto></audio>",
    "preload": "<link rel=preload as=image href='http://{to}/x.png'>",
    "prefetch": "<link rel=prefetch href='http://{to}/x'>",
    "preconnect": "<link rel=preconnect href='http://{to}/'>",
    "module preload": "<link rel=modulepreload href='http://{to}/x.js'>",
    "speculation": "<script type=speculationrules>{{'prerender': [{{'urls': ['http://{to}/']}}]}}</script>",
    "manifest": "<link rel=manifest href='http://{to}/m.json'>",
    "icon": "<link rel=icon href='http://{to}/x.ico'>",
}
AWAY = {
    "service worker": "<script>navigator.serviceWorker.register('sw.js?{port}').then(r => fetch('woken'))</script>",
    "location": "<script>location = 'http://{to}/'</script>",
    "meta refresh": "<meta http-equiv=refresh content='0; url=http://{to}/'>",
    "form": "<form method=post action='http://{to}/'><input name=x></form><script>document.forms[0].submit()</script>",
    "window": "<script>window.open('http://{to}/')</script>",
    "ping": "<a href='#' ping='http://{to}/'>x</a><script>document.links[0].click()</script>",
    "download": "<a href='http://{to}/x.zip' download>x</a><script>document.links[0].click()</script>",
    "redirect": "<script>location = 'to?{port}'</script>",
    "file": "<a href='file:///etc/hostname'>x</a><script>document.links[0].click()</script>",
}
WAYS = INSIDE | AWAY


class Sinks:
    """A port of its own for each way out; anything that comes to one is a way that leads out."""

    def __init__(self) -> None:
        self.ports: dict[str, int] = {}
        self.reached: set[str] = set()
        self._open: list[asyncio.Server | asyncio.DatagramTransport] = []

    async def __aenter__(self) -> Sinks:
        loop = asyncio.get_running_loop()
        for name in WAYS:

            async def met(_: asyncio.StreamReader, writer: asyncio.StreamWriter, name: str = name) -> None:
                self.reached.add(name)
                writer.close()

            listening = await asyncio.start_server(met, "127.0.0.1", 0)
            self.ports[name] = port = listening.sockets[0].getsockname()[1]
            protocol = type("Met", (asyncio.DatagramProtocol,), {
                "datagram_received": lambda _, data, address, name=name: self.reached.add(name)
            })  # fmt: skip
            transport, _ = await loop.create_datagram_endpoint(protocol, ("127.0.0.1", port))
            self._open += [listening, transport]
        return self

    async def __aexit__(self, *_: object) -> None:
        for one in self._open:
            one.close()

    def pages(self) -> list[str]:
        """All that stays on the page on one page; what leaves it each on its own."""
        made = {
            name: way.format(to=f"127.0.0.1:{self.ports[name]}", port=self.ports[name]) for name, way in WAYS.items()
        }
        return ["".join(["<!doctype html>", *(made[name] for name in INSIDE)]), *(made[name] for name in AWAY)]


@asynccontextmanager
async def _plain_server(page: list[str]) -> AsyncIterator[str]:
    """The same pages without our server, for the browser without our flags."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        target = (await reader.readuntil(b"\r\n\r\n")).split()[1].decode()
        port = target.partition("?")[2]
        kind, status, body = "text/html", "200 OK", page[0]
        if "sw.js" in target:
            kind, body = "text/javascript", f"fetch('http://127.0.0.1:{port}/', {{mode: 'no-cors'}})"
        if "/to?" in target:
            status = f"302 Found\r\nLocation: http://127.0.0.1:{port}/"
        head = f"HTTP/1.1 {status}\r\nContent-Type: {kind}\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n"
        writer.write((head + body).encode())
        await writer.drain()
        writer.close()

    listening = await asyncio.start_server(serve, "127.0.0.1", 0)
    yield f"http://127.0.0.1:{listening.sockets[0].getsockname()[1]}/"
    listening.close()


LINGER = 1.0  # seconds in which a way out has to be taken


async def test_no_way_out_of_the_browser_leads_anywhere_but_to_the_shops_own_server(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """As if escaping had failed: scripts, workers and downloads are allowed, and there is no policy."""
    monkeypatch.setattr(browser, "CONTEXT", {})
    monkeypatch.setattr(
        browser, "FLAGS", (*browser.FLAGS, "--unsafely-treat-insecure-origin-as-secure=http://shop.invalid")
    )
    monkeypatch.setattr(server, "POLICY", "")
    shared, me, refused = Browser(), object(), 0
    async with Sinks() as sinks:
        for page in sinks.pages():
            tab = await shared.tab(me)
            with suppress(browser.Error, TimeoutError):  # it may go elsewhere
                await asyncio.wait_for(tab.show(page), 3)
            await asyncio.sleep(LINGER)
            refused += tab.server.refused
            print(tab.server.what)
            await tab.close()
        await shared.release(me)
        print(f"{len(WAYS)} ways out, {len(sinks.reached)} lead out, {refused} requests refused")
        assert not sinks.reached
    assert len(WAYS) >= 25
    assert refused >= 25


async def test_what_the_policy_keeps_from_being_asked_is_counted_like_what_is_refused(shared: Browser) -> None:
    """Such a request reaches no proxy: a page with somebody's markup in it looked as quiet as any other."""
    me = object()
    tab = await shared.tab(me)
    await tab.show(
        "<img src=http://a.example/x.png><link rel=stylesheet href=https://b.example/><iframe src=//c.example></iframe>"
        "<p style='background: url(http://d.example/y.png)'>Text<script>1</script>"
        "<img src='data:image/gif;base64,R0lGODlhAQABAAAAACwAAAAAAQABAAA='>"
    )
    await tab.look()  # an agent's next page, or the episode's end, is no later than that
    assert sorted(tab.server.what) == [
        "frame-src http://c.example",
        "img-src http://a.example/x.png",
        "img-src http://d.example/y.png",
        "style-src-elem https://b.example/",
    ]
    await tab.close()
    await shared.release(me)


async def test_without_our_flags_and_proxy_most_of_these_ways_do_lead_out() -> None:
    """What the test above would find if there was something to be found."""
    page = [""]
    async with Sinks() as sinks, _plain_server(page) as address, async_playwright() as playwright:
        plain = await playwright.chromium.launch(executable_path=chromium.find())
        for one in sinks.pages():
            page[0] = one
            tab = await (await plain.new_context()).new_page()
            with suppress(browser.Error):
                await tab.goto(address, timeout=3000)
            await asyncio.sleep(LINGER)
        await plain.close()
        print("do not lead out:", sorted(set(WAYS) - sinks.reached))
        assert len(sinks.reached) >= 25
        assert {
            "fetch",
            "image",
            "web socket",
            "rtc",
            "web transport",
            "service worker",
            "fetch by name",
        } <= sinks.reached


async def test_no_name_is_looked_up(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Chromium's own log of its network tells each look-up; without the flags there are some."""
    names = "".join(
        f"<link rel=dns-prefetch href='//a{i}.example'><link rel=preconnect href='https://b{i}.example'>"
        f"<img src='http://c{i}.example/'><script>fetch('https://d{i}.example/').catch(() => 0)</script>"
        for i in range(3)
    )
    monkeypatch.setattr(browser, "CONTEXT", {})
    monkeypatch.setattr(browser, "FLAGS", (*browser.FLAGS, f"--log-net-log={tmp_path / 'ours'}"))
    monkeypatch.setattr(server, "POLICY", "")
    shared, me = Browser(), object()
    tab = await shared.tab(me)
    await tab.show(names)
    await asyncio.sleep(LINGER)
    await tab.close()
    await shared.release(me)
    async with async_playwright() as playwright:
        args = [f"--log-net-log={tmp_path / 'plain'}"]
        plain = await playwright.chromium.launch(executable_path=chromium.find(), args=args)
        await (await plain.new_page()).set_content(names)
        await asyncio.sleep(LINGER)
        await plain.close()
    assert _looked_up(tmp_path / "ours") == 0
    assert _looked_up(tmp_path / "plain") > 0


def _looked_up(log: Path) -> int:
    """Look-ups in a log of Chromium's network."""
    text = log.read_text()
    number = re.search(r'"HOST_RESOLVER_MANAGER_JOB":(\d+)', text)
    assert number
    return len(re.findall(rf'"type":{number[1]}\b', text.partition('"events"')[2]))


# -- the shop's server ---------------------------------------------------------------------------------------------


async def _ask(one: Server, request: str, body: str = "") -> str:
    reader, writer = await asyncio.open_connection("127.0.0.1", int(one.address.rpartition(":")[2]))
    head = request if "HTTP/" in request else f"{request} HTTP/1.1"
    writer.write(f"{head}\r\n\r\n{body}".encode())
    writer.write_eof()
    said = (await reader.read()).decode()
    writer.close()
    return said


async def test_the_server_gives_its_page_to_a_browser_only_and_hears_what_is_pressed_on_it() -> None:
    one = Server()
    await one.start()
    address = one.put("<p>A page")
    assert (await _ask(one, f"GET {address}")).endswith("<p>A page")
    assert "204 " in await _ask(one, f"GET {address}do?query=a+%C3%A9&c=search")
    assert await one.pressed() == ("search", {"query": "a é"})
    # The form of requests that a browser sends to a site, and not to its proxy: from another page that it is open in.
    for request in (
        "GET /1/do?c=buy",
        f"POST {address}do?c=buy",
        "CONNECT shop.invalid:443",
        "GET http://elsewhere/1/",
        "GET http://[x/",
        "GET http://shop.invalid/1/do?c=buy",
    ):
        assert "403 " in await _ask(one, request)
    assert one.refused == 6
    await one.close()


async def test_what_is_pressed_on_an_earlier_page_is_not_heard_and_an_earlier_page_leads_to_the_present_one() -> None:
    one = Server()
    await one.start()
    before = one.put("<p>First")
    assert "204 " in await _ask(one, f"GET {before}do?c=buy")  # heard, and given up with its page
    now = one.put("<p>Second")
    assert "204 " in await _ask(one, f"GET {before}do?c=buy")
    assert f"Location: {now.removeprefix('http://shop.invalid')}" in await _ask(one, f"GET {before}")
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(one.pressed(), 0.05)
    await one.close()


async def test_each_server_has_a_port_that_nothing_else_has() -> None:
    many = [Server() for _ in range(30)]
    await asyncio.gather(*(one.start() for one in many))
    assert len({one.address for one in many}) == 30
    await asyncio.gather(*(one.close() for one in many))


# -- pictures ------------------------------------------------------------------------------------------------------


async def test_a_picture_is_of_the_page_that_was_just_loaded_and_boxes_of_what_a_click_meets() -> None:
    from PIL import Image

    shared, me = Browser(), object()
    tab = await shared.tab(me)
    for number in range(20):
        colour = (250, 0, 0) if number % 2 else (0, 0, 250)
        await tab.show(
            f"<body style='background: rgb{colour}'><a data-ref=seen href=do?c=seen>Seen</a><p style='height:3000px'>"
            "<div style='position:absolute;top:100px'><a data-ref=covered href=do>Covered</a></div>"
            "<div style='position:absolute;top:90px;width:300px;height:50px;background:#fff'>Over it</div>"
            "<button data-ref=off disabled>Off</button><a data-ref=below href=do>Below</a>"
        )
        look = await tab.look()
        shown = Image.open(BytesIO(look.picture.data))
        assert shown.size == (look.picture.width, look.picture.height)
        assert max(abs(a - b) for a, b in zip(shown.getpixel((1200, 700)), colour, strict=True)) < 12
        assert set(look.picture.boxes) == {"seen"}
    await tab.scroll(100_000)
    assert set((await tab.look()).picture.boxes) == {"below"}
    await tab.close()
    await shared.release(me)


# -- bad days ------------------------------------------------------------------------------------------------------


def _browsers() -> list[psutil.Process]:
    """Processes of browsers that this one started; some may end while they are asked."""
    found = []
    for one in psutil.Process().children(recursive=True):
        with suppress(psutil.NoSuchProcess):
            if one.status() != psutil.STATUS_ZOMBIE and "headless" in " ".join(one.cmdline()):
                found.append(one)
    return found


@pytest.fixture
async def shared() -> AsyncIterator[Browser]:
    """A browser that is gone after the test, also after one that fails: the next test counts processes."""
    own = Browser()
    yield own
    own._holders.clear()
    await own.release(own)


async def test_one_browser_serves_all_and_is_gone_with_its_last_holder(shared: Browser) -> None:
    first, second = object(), object()
    tabs = await asyncio.gather(*(shared.tab(one) for one in (first, second, second)))
    assert shared.started == 1
    running = _browsers()
    assert running
    for tab in tabs:
        await tab.close()
    await shared.release(first)
    assert _browsers()
    await shared.release(second)
    # Its helpers are not ours to wait for: they end a moment after it did.
    assert not psutil.wait_procs({*running, *_browsers()}, timeout=20)[1]


@pytest.mark.parametrize("sent", [signal.SIGKILL, signal.SIGSTOP], ids=["killed", "hung"])
async def test_a_browser_that_is_gone_or_hangs_is_replaced(
    monkeypatch: pytest.MonkeyPatch, shared: Browser, sent: signal.Signals
) -> None:
    monkeypatch.setattr(browser, "PATIENCE", 8.0)
    me = object()
    tab = await shared.tab(me)
    first = _browsers()
    os.kill(shared.process, sent)
    with pytest.raises((browser.Error, TimeoutError)):
        await asyncio.wait_for(tab.show("<p>x"), 0.5)
    await tab.close()
    await shared.mend()
    tab = await shared.tab(me)
    await tab.show("<p>x")
    assert shared.started == 2
    await tab.close()
    await shared.release(me)
    assert not psutil.wait_procs({*first, *_browsers()}, timeout=20)[1]


async def test_a_driver_that_dies_is_said_by_the_calls_on_it_and_not_by_the_loop_as_well(
    shared: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ctrl-C reaches the driver, too: each interrupted run ended with lines about a future that nobody had asked."""
    monkeypatch.setattr(browser, "PATIENCE", 8.0)
    complaints: list[str] = []
    loop = asyncio.get_running_loop()
    loop.set_exception_handler(lambda _, context: complaints.append(context["message"]))
    me = object()
    tab = await shared.tab(me)
    running = _browsers()
    for driver in psutil.Process().children():
        if "node" in driver.name():
            driver.kill()
    with pytest.raises((browser.Error, TimeoutError)):
        await asyncio.wait_for(tab.look(), 8)
    await tab.close()
    await shared.release(me)
    del tab
    gc.collect()
    assert not complaints
    loop.call_exception_handler({"message": "something else", "exception": ValueError("x")})
    assert complaints == ["something else"]
    assert not psutil.wait_procs({*running, *_browsers()}, timeout=20)[1]


def test_a_browser_ends_with_the_program_that_started_it(tmp_path: Path) -> None:
    """Also where that is ended by a signal, and has no time to close anything."""
    code = (
        "import asyncio\nfrom sandbox_env_market.browser import of_this_loop\n"
        "async def main():\n    await of_this_loop().tab(main)\n    print('open', flush=True)\n"
        "    await asyncio.sleep(60)\n"
        "asyncio.run(main())"
    )
    for sent in (signal.SIGTERM, signal.SIGKILL):
        path = os.pathsep.join(sys.path)
        program = subprocess.Popen(
            [sys.executable, "-c", code], stdout=subprocess.PIPE, env=os.environ | {"PYTHONPATH": path}, text=True
        )
        assert program.stdout is not None
        with program, program.stdout:
            assert program.stdout.readline() == "open\n"
            children = psutil.Process(program.pid).children(recursive=True)
            program.send_signal(sent)
        assert len(children) > 3
        assert not psutil.wait_procs(children, timeout=20)[1]


# -- where it is found ---------------------------------------------------------------------------------------------


@pytest.fixture
def bare(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A machine without a browser."""
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    monkeypatch.setenv("SANDBOX_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("PLAYWRIGHT_BROWSERS_PATH", str(tmp_path / "playwright"))
    monkeypatch.delenv("SANDBOX_BROWSER", raising=False)
    return tmp_path


def test_a_browser_is_looked_for_in_the_order_that_is_promised(bare: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each place is filled after those that come later, and found before them."""
    places = [
        bare / "cache" / "browsers" / f"chromium-{chromium.VERSION}" / "chromium",
        bare / "bin" / "google-chrome",
        bare / "bin" / "chromium",
        bare / "bin" / "chromium-headless-shell",
        bare / "playwright" / "chromium-1200" / "chrome-linux" / "chrome",
        bare / "playwright" / "chromium_headless_shell-999" / "chrome-linux" / "headless_shell",
        bare / "playwright" / "chromium_headless_shell-1200" / "chrome-linux" / "headless_shell",
    ]
    for place in places:
        _program(place)
        assert chromium.find() == place
    monkeypatch.setenv("SANDBOX_BROWSER", str(_program(bare / "mine")))
    assert chromium.find() == bare / "mine"
    assert chromium.find(str(places[1])) == places[1]


def test_without_a_browser_the_error_names_every_way_to_get_one(bare: Path) -> None:
    with pytest.raises(BrowserError) as caught:
        chromium.find()
    for fix in ("sandbox setup browser", "playwright install", "apt-get install", "SANDBOX_BROWSER", "--browser"):
        assert fix in str(caught.value)


def test_a_browser_that_was_named_and_is_not_there_is_an_error_and_not_another_browser(
    bare: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _program(bare / "bin" / "chromium")
    monkeypatch.setenv("SANDBOX_BROWSER", "/no/such/browser")
    with pytest.raises(BrowserError, match="SANDBOX_BROWSER=/no/such/browser: no such program"):
        chromium.find()


async def test_a_browser_that_does_not_start_says_so(bare: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SANDBOX_BROWSER", "/bin/false")
    shared, me = Browser(), object()
    with pytest.raises(BrowserError, match="/bin/false did not start"):
        await shared.tab(me)
    await shared.release(me)


# -- the copy in the user's cache ----------------------------------------------------------------------------------


def _package(path: Path, *members: tarfile.TarInfo) -> Path:
    with tarfile.open(path, "w:gz") as archive:
        for member in members:
            archive.addfile(member, BytesIO(b"x" * member.size))
    return path


def test_a_package_that_is_not_the_pinned_one_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BrowserError, match="is not the expected one"):
        chromium.check(_package(tmp_path / "other.tgz"))


@pytest.mark.parametrize("name", ["../outside", "/outside", "lib/../../outside"])
def test_nothing_is_written_outside_of_the_browsers_folder(tmp_path: Path, name: str) -> None:
    member = tarfile.TarInfo(name)
    member.size = 1
    package = _package(tmp_path / "x.tgz", member)
    with tarfile.open(package) as archive, pytest.raises(BrowserError, match="is not written"):
        chromium.extract(archive, archive, tmp_path / "folder")
    assert not (tmp_path / "outside").exists()


def test_no_link_is_written(tmp_path: Path) -> None:
    member = tarfile.TarInfo("lib/link")
    member.type, member.linkname = tarfile.SYMTYPE, "/etc"
    package = _package(tmp_path / "x.tgz", member)
    with tarfile.open(package) as archive, pytest.raises(BrowserError, match="is not written"):
        chromium.extract(archive, archive, tmp_path / "folder")


def test_setup_fails_with_every_other_way_where_the_package_cannot_be_fetched(
    bare: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("npm_config_registry", "http://127.0.0.1:9/npm")
    with pytest.raises(BrowserError, match=r"cannot fetch http://127.0.0.1:9/npm/@sparticuz/(?s:.*)playwright install"):
        chromium.fetch()
    assert not list((bare / "cache" / "browsers").iterdir())


async def test_the_driver_is_told_to_be_small_and_the_environment_is_as_it_was(
    shared: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Four contexts at once took 627 MB, a quarter of them its driver, with pictures it had not let go."""
    monkeypatch.setenv("NODE_OPTIONS", "--stack-trace-limit=5")
    tab = await shared.tab("me")
    drivers = [one.environ()["NODE_OPTIONS"] for one in psutil.Process().children() if "run-driver" in one.cmdline()]
    assert f"{browser.DRIVER} --stack-trace-limit=5" in drivers
    assert os.environ["NODE_OPTIONS"] == "--stack-trace-limit=5"
    await tab.close()
    await shared.release("me")
