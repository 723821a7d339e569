"""The peers that we are measured beside: each in a virtual environment of its own, made here with pip at first use."""

from __future__ import annotations

import os
import subprocess
import sys
import venv
from pathlib import Path

import platformdirs

VERSIONS = {
    "inspect": ("inspect-ai==0.3.285",),
    "gymnasium": ("gymnasium[toy-text]==1.4.0",),
    "pettingzoo": ("pettingzoo[classic]==1.27.0",),
    "textarena": ("textarena==0.7.4",),
    "statsmodels": ("statsmodels==0.15.0",),
    "xlogit": ("xlogit==0.2.7",),
    "browsergym": ("browsergym-core==0.14.3",),
    "ray": ("ray==2.60.0",),
}


class Missing(Exception):
    """A peer that cannot be installed here; the message is the last line that pip said."""


def python_of(peer: str) -> str:
    """The interpreter of the environment that holds `peer`, which is made if it is not there.

    Raises:
        Missing: pip could not install it.
    """
    folder = Path(platformdirs.user_cache_dir("agent-eval-sandbox")) / "peers" / "-".join((peer, *_tags(peer)))
    python = folder / "bin" / "python"
    done = folder / "installed"  # written last: an interrupted installation is begun again
    if not done.exists():
        print(f"installing {', '.join(VERSIONS[peer])} into {folder}", file=sys.stderr, flush=True)
        venv.create(folder, clear=True, with_pip=True)
        environment = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
        ran = subprocess.run(
            [python, "-m", "pip", "install", "--quiet", *VERSIONS[peer]],
            capture_output=True,
            text=True,
            check=False,
            env=environment,
        )
        if ran.returncode:
            said = ran.stderr.strip().splitlines() or ["pip said nothing"]
            raise Missing(f"{VERSIONS[peer][0]} cannot be installed here: {said[-1]}")
        done.touch()
    return str(python)


def _tags(peer: str) -> list[str]:
    """What makes the environment another one: the versions, and the interpreter's."""
    pinned = [requirement.rpartition("==")[2] for requirement in VERSIONS[peer]]
    return [*pinned, f"py{sys.version_info.major}{sys.version_info.minor}"]
