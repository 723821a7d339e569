"""The shop in words, in a browser and from its screenshots, and the choice model, beside BrowserGym and libraries."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from launch import alternate
from rows import Row, counted, least
from setting import Setting

from sandbox.adapters import chromium
from sandbox.errors import BrowserError

SETS = 1_000
FEW = 4
"""Episodes of the smaller of two sizes, the difference of which is free of the start."""
STEPS = 2
ACES = "ACES' figures are of a run of its own code on another day: it cannot be installed beside us"
STATSMODELS_SLOW = "statsmodels takes seconds for 1,000 sets, and is not asked for more"

Run = Callable[[], dict[str, Any]]


def market(setting: Setting) -> list[Row]:
    """Seconds of visits to the shop and of fits of the choice model; pages in words per CPU second."""
    return [*_words(setting), *_browser(setting), *_models(setting)]


def _words(setting: Setting) -> list[Row]:
    visits = setting.sizes.visits
    told = alternate(
        setting.sizes.rounds,
        text=lambda: setting.ours("market.py", "text", visits // 10, visits, setting.folder("text")),
        renderings=lambda: setting.ours("market.py", "renderings"),
    )
    rows = [
        Row.best(
            f"shop: episode of {STEPS} steps in words, traced, {which}: CPU ms",
            [1000 * one[key]["cpu"] for one in told["text"]],
            target=1.0,
            beside={"ACES headless, untraced, not re-measured": 2.5},
            instructions=counted(ours=least([one[key] for one in told["text"]], "instructions")),
        )
        for key, which in (("drawn", "its products drawn anew"), ("known", "of ten sets of products"))
    ]
    return [
        *rows,
        Row.best(
            "shop: pages of eight products in words per CPU second",
            [one["steps_per_cpu_s"] for one in told["renderings"]],
            "more",
            target=40_000,
            instructions=counted(ours=least(told["renderings"], "instructions")),
        ),
    ]


def _browser(setting: Setting) -> list[Row]:
    """A fresh context for each episode; tree and JPEG at each step."""
    count, page = setting.sizes.pictured, setting.folder("page") / "page.html"
    try:
        program = chromium.find()
    except BrowserError as error:
        return [Row("shop: in a browser", None, note=str(error).splitlines()[0])]
    folder = setting.folder("browser")
    runs: dict[str, Run] = {
        "one": lambda: setting.ours("market.py", "browser", FEW, count, 1, folder),
        "four": lambda: setting.ours("market.py", "browser", 4 * FEW, 4 * count, 4, setting.folder("browser")),
    }
    if setting.has("browsergym"):
        setting.ours("market.py", "page", page)
        runs["browsergym"] = lambda: setting.peer("browsergym", "browsergym_peer.py", page, program, 10)
    told: dict[str, list[dict[str, Any]]] = {name: [] for name in runs}
    for _ in range(setting.sizes.rounds):
        folder = setting.folder("browser")  # a store that is there would not be run again
        for name, some in alternate(1, **runs).items():
            told[name] += some
    stored = [setting.ours("market.py", "stored", folder)]
    theirs = told.get("browsergym", [])
    return [
        Row.best(
            "shop: episode in the browser (grid, look, buy), fresh context, tree and JPEG each step: s",
            [one["wall"] for one in told["one"]],
            target=0.6,
            beside={"ACES, not re-measured": 4.72},
            note=ACES,
        ),
        Row.best(
            "shop: step in the browser: s",
            [one["wall"] / STEPS for one in told["one"]],
            target=0.15,
            beside={"BrowserGym": min(one["step"] for one in theirs)} if theirs else {},
            note="ours with the context's part; BrowserGym's without"
            + (f", which is {min(one['reset'] for one in theirs):.2g} s" if theirs else ""),
        ),
        Row.best(
            "shop: a recorded episode with its screenshots read and decoded: s",
            [one["wall"] for one in stored],
            target=0.1,
            beside={"ACES, not re-measured": 2.69},
        ),
        Row.best(
            "shop: four contexts at once: screenshot steps per second",
            [STEPS / one["wall"] for one in told["four"]],
            "more",
            target=10,
        ),
        Row.median(
            "shop: four contexts at once: MB of ours and the browser's, shared parts once",
            [one["peak_mb"] for one in told["four"]],
            target=600,
        ),
    ]


def _models(setting: Setting) -> list[Row]:
    rows = []
    for sets, target in ((SETS, 0.03), (setting.sizes.choice_sets, 1.5)):
        file = setting.folder("choices") / "choices.npz"
        setting.ours("market.py", "choices", sets, file)
        runs: dict[str, Run] = {"ours": _fit(setting, "", file)}
        for peer in ("statsmodels", "xlogit"):
            if setting.has(peer) and (peer == "xlogit" or sets == SETS):
                runs[peer] = _fit(setting, peer, file)
        told = alternate(setting.sizes.rounds, **runs)
        rows.append(
            Row.best(
                f"choice model, {sets:,} sets of eight, ten columns: s",
                [one["wall"] for one in told["ours"]],
                target=target,
                beside={peer: min(one["wall"] for one in some) for peer, some in told.items() if peer != "ours"},
                instructions=counted(**{peer: least(some, "instructions") for peer, some in told.items()}),
                note="ours with cluster-robust errors" + ("" if sets == SETS else f"; {STATSMODELS_SLOW}"),
            )
        )
    return rows


def _fit(setting: Setting, peer: str, file: object) -> Run:
    if peer:
        return lambda: setting.peer(peer, "choice_peer.py", peer, file)
    return lambda: setting.ours("market.py", "model", file)
