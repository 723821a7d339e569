"""What a browser's requests meet: one shop page, the controls pressed on it, and a refusal of all else.

It is the browser's *proxy*, for every address: so a page that tries to reach anything but the shop (an image, a
script's fetch, a web socket, a redirect, a name to be looked up) asks here, is refused, and is counted; nothing has to
be intercepted one kind at a time. What the page's policy keeps the browser from asking at all is counted the same.
"""

from __future__ import annotations

import asyncio
import secrets
from contextlib import suppress
from typing import NamedTuple
from urllib.parse import parse_qsl, urlsplit

HOST = "shop.invalid"
"""The shop's name: one that can exist nowhere (RFC 2606), so a request that went past the proxy would find nothing."""

POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; form-action 'self'; base-uri 'none'"
"""What a page may do, for the browser to hold it to: shop pages need no more."""

LONGEST = 1 << 16  # bytes of a request's head
REMEMBERED = 20  # refused requests that are told in words; all are counted


class Press(NamedTuple):
    """A control that was pressed: its id, and what the fields beside it held."""

    control: str
    entered: dict[str, str]


class Server:
    """A page on loopback, at a port of its own that the system picks among the free ones.

    Attributes:
        refused: how many requests went to something else than the shop's page, or would have but for its policy.
        what: the first of them, as `GET http://...`, or `img-src http://...` by the part of the policy that kept it.
    """

    def __init__(self) -> None:
        self.refused = 0
        self.what: list[str] = []
        self._page = b""
        self._number = 0
        # Other programs of this machine cannot press what they cannot name.
        self._secret = secrets.token_urlsafe(12)
        self._presses: asyncio.Queue[Press] = asyncio.Queue()
        self._server: asyncio.Server | None = None
        self._open: set[asyncio.StreamWriter] = set()

    async def start(self) -> None:
        """Listen."""
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0, limit=LONGEST)

    @property
    def address(self) -> str:
        """Where a browser finds its proxy."""
        assert self._server is not None
        return f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}"

    def put(self, page: str) -> str:
        """Serve this page from now on; returns its address, which no page before it had."""
        self._page = page.encode("utf-8", "replace")
        self._number += 1
        while not self._presses.empty():
            self._presses.get_nowait()
        return f"http://{HOST}{self._path}"

    async def pressed(self) -> Press:
        """The next control that is pressed on the page."""
        return await self._presses.get()

    async def close(self) -> None:
        """Stop; also with connections open."""
        if self._server is not None:
            self._server.close()
            for writer in list(self._open):
                writer.transport.abort()
            await self._server.wait_closed()

    @property
    def _path(self) -> str:
        return f"/{self._secret}/{self._number}/"

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._open.add(writer)
        # A connection that ends, or whose loop does (which asyncio's streams would complain of), is nobody's fault.
        over = (ConnectionError, asyncio.IncompleteReadError, asyncio.LimitOverrunError, asyncio.CancelledError)
        try:
            with suppress(*over):
                while await self._answer(reader, writer):
                    await writer.drain()
        finally:
            self._open.discard(writer)
            writer.close()

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        """Answer one request; whether another may come on the same connection."""
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
        method, _, rest = head.partition("\r\n")[0].partition(" ")
        target = rest.rpartition(" ")[0]
        try:
            found = urlsplit(target) if method == "GET" else None
        except ValueError:  # no address at all, such as `http://[x/`
            found = None
        if found is None or found.scheme != "http" or found.netloc != HOST:
            return self._refuse(writer, method, target)
        root = f"/{self._secret}/"
        earlier = found.path.startswith(root)
        if found.path == self._path:
            self._send(writer, "200 OK", self._page)
        elif found.path == f"{self._path}do":
            entered = dict(parse_qsl(found.query, keep_blank_values=True))
            self._presses.put_nowait(Press(entered.pop("c", ""), entered))
            self._send(writer, "204 No Content")  # the browser stays where it is, until there is a page to go to
        elif found.path.startswith(f"/{self._secret}/") and found.path.endswith(
            "/do"
        ):  # pressed on a page that is no longer shown
            self._send(writer, "204 No Content")
        elif (
            earlier and found.path.removeprefix(root).removesuffix("/").isdigit()
        ):  # an earlier page, by the browser's own way back
            self._send(writer, "303 See Other", b"", f"Location: {self._path}\r\n")
        else:
            return self._refuse(writer, method, target)
        return True

    def blocked(self, policy: str, address: str) -> None:
        """Count what that part of the policy kept from being asked; without an address it would be no request."""
        if "://" in address:
            self._count(f"{policy} {address}")

    def _count(self, what: str) -> None:
        self.refused += 1
        if len(self.what) < REMEMBERED:
            self.what.append(what[:200])

    def _refuse(self, writer: asyncio.StreamWriter, method: str, target: str) -> bool:
        self._count(f"{method} {target}")
        self._send(writer, "403 Forbidden", b"", "Connection: close\r\n")
        return False  # what follows on this connection may be anything

    def _send(self, writer: asyncio.StreamWriter, status: str, body: bytes = b"", more: str = "") -> None:
        policy = f"Content-Security-Policy: {POLICY}\r\n" if POLICY else ""
        length = "" if status.startswith("204") else f"Content-Length: {len(body)}\r\n"
        writer.write(
            f"HTTP/1.1 {status}\r\nContent-Type: text/html; charset=utf-8\r\n{length}Cache-Control: no-store\r\n"
            "X-Content-Type-Options: nosniff\r\nReferrer-Policy: no-referrer\r\nX-DNS-Prefetch-Control: off\r\n"
            f"{policy}{more}\r\n".encode("latin-1")
            + body
        )
