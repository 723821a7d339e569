"""The shop and the choice model as this project has them; each command prints what it measured.

text FEW MANY FOLDER           episodes on text, with their trace, of scripted shoppers
renderings                     pages in words
browser FEW MANY AT_ONCE FOLDER  the same episodes as tree and pixels, in a real browser, so many at once
stored FOLDER                  the screenshots of the episodes that `browser` recorded there, read and decoded
page FILE                      the grid as the browser is given it, for peers
choices SETS FILE              choice sets of eight with known coefficients, for all who fit them
model FILE                     the choice model, with both kinds of errors
"""

from __future__ import annotations

import sys
import threading
import time
from pathlib import Path
from typing import Any

import numpy as np
from spent import Spent, rate, tell

PLUGINS = [Path(__file__).parent / "situations"]
STEPS = 2
"""Decisions of a visit: look at a product of the grid, buy it."""


def visits(count: int, folder: Path, concurrent: int = 1, times: int = 1, **config: Any) -> tuple[Spent, str]:
    """Play so many visits into a store of their own, as many to each set of products as `times`; where that is."""
    import sandbox

    content = {
        "name": "visits",
        "environments": [{"id": "market/Shop-v0", "config": {"items": count // times, "positions": 0, **config}}],
        "agents": [{"id": "bench/shopping"}],
        "seeds": {"count": times},
        "scorers": [],
    }
    store = str(folder / f"visits-{count}-{concurrent}-{times}.db")
    with Spent() as spent:
        results = sandbox.run(content, store=store, plugins_dirs=PLUGINS, concurrent=concurrent)
    heads = list(results.store.heads())
    results.store.close()
    if [(head.status, head.steps) for head in heads] != [("finished", STEPS)] * count:
        raise SystemExit(f"not all of the {count} visits were of {STEPS} steps: {[head.reason for head in heads][:1]}")
    return spent, store


def text(few: int, many: int, folder: Path) -> None:
    """Seconds and instructions of one more episode, free of the start: of one with a new set, of one with a known."""
    visits(few, folder / "warm")
    told = {}
    for name, times in (("drawn", 1), ("known", few)):
        first, _ = visits(few, folder, times=min(times, few // 2))
        second, _ = visits(many, folder, times=times)
        counted = None not in (first.instructions, second.instructions)
        told[name] = {
            "cpu": (second.cpu - first.cpu) / (many - few),
            "instructions": (second.instructions - first.instructions) / (many - few) if counted else None,
        }
    tell(**told)


def renderings() -> None:
    """Pages per CPU second, each of them made anew: none is looked up."""
    from sandbox_env_market.page import text as words

    page = _grid()

    def render() -> int:
        words(page)
        return 1

    tell(**rate(render))


def browser(few: int, many: int, at_once: int, folder: Path) -> None:
    """Seconds of one more episode, and the memory (MB) of this process and all of the browser's, shared parts once."""
    peak, ended = [0.0], threading.Event()
    watching = threading.Thread(target=_watch, args=(peak, ended), daemon=True)
    shown = {"surface": "tree,pixels"}
    first, _ = visits(few, folder, at_once, **shown)
    watching.start()
    second, store = visits(many, folder, at_once, **shown)
    ended.set()
    watching.join()
    tell(wall=(second.wall - first.wall) / (many - few), peak_mb=peak[0], store=store)


def _watch(peak: list[float], ended: threading.Event) -> None:
    import psutil

    root = psutil.Process()
    while not ended.wait(1.0):  # each look reads maps of all of the browser's processes
        total = 0
        for process in (root, *root.children(recursive=True)):
            try:
                total += process.memory_full_info().pss
            except psutil.Error:  # one ended while we looked
                continue
        peak[0] = max(peak[0], total / 2**20)


def stored(folder: Path) -> None:
    """Seconds to read an episode and decode all that its seat was shown."""
    from sandbox.report.shots import shots
    from sandbox.store import Store

    store = Store.open(str(max(folder.glob("visits-*.db"))))
    keys = [head.id for head in store.heads()]
    sizes: list[tuple[int, int]] = []
    with Spent() as spent:
        for key in keys:
            for step in store.episode(key).steps:
                sizes += [shot.image(1280).size for shot in shots(step.events)]
    store.close()
    if len(sizes) != STEPS * len(keys):
        raise SystemExit(f"{len(sizes)} pictures of {len(keys)} visits")
    tell(wall=spent.wall / len(keys), cpu=spent.cpu / len(keys))


def page(file: Path) -> None:
    """The grid as an HTML file."""
    from sandbox_env_market.html import html

    file.write_text(html(_grid()), encoding="utf-8")


def _grid() -> Any:
    from sandbox_env_market.config import ShopConfig
    from sandbox_env_market.shop import Shop

    shop, config = Shop(), ShopConfig(positions=0)
    item = shop.items(config)[0]
    return shop.observe(shop.initial(config, item), "buyer").page


def choices(sets: int, file: Path) -> None:
    """Products in random places with random prices, ratings, reviews and labels, chosen by known coefficients."""
    generator = np.random.default_rng(sets)
    shape = (sets, 8)
    place = np.broadcast_to(np.arange(8), shape)
    columns = [
        place // 4 == 0,
        *(place % 4 == column for column in range(3)),
        np.log(generator.uniform(8, 40, shape)),
        np.log(generator.integers(50, 20_000, shape)),
        generator.uniform(3.5, 5, shape),
        *(generator.random(shape) < share for share in (0.2, 0.1, 0.1)),
    ]
    features = np.stack(columns, 2).astype(float)
    truth = np.array([0.8, 0.25, 0.4, 0.15, -1.8, 0.35, 2.0, -0.25, 1.4, -0.05])
    chosen = (features @ truth + generator.gumbel(size=shape)).argmax(1)
    np.savez(file, features=features, chosen=chosen)


def model(file: Path) -> None:
    """Seconds of a fit: the coefficients with Hessian and cluster-robust errors."""
    from sandbox.stats.logit import fit

    with np.load(file) as found:
        features, chosen = found["features"], found["chosen"]
    sets, alternatives, width = features.shape
    names = [f"x{place}" for place in range(width)]
    rows, set_of = features.reshape(-1, width), np.repeat(np.arange(sets), alternatives)
    taken = (np.arange(alternatives) == chosen[:, np.newaxis]).ravel()
    fit(rows[: 80 * alternatives], set_of[: 80 * alternatives], taken[: 80 * alternatives], names)
    began = time.perf_counter()
    with Spent() as spent:
        fit(rows, set_of, taken, names)
    tell(wall=time.perf_counter() - began, cpu=spent.cpu, instructions=spent.instructions)


if __name__ == "__main__":
    what, *words = sys.argv[1:]
    if what in ("text", "browser"):
        *numbers, where = words
        Path(where, "warm").mkdir(exist_ok=True)
        {"text": text, "browser": browser}[what](*map(int, numbers), Path(where))  # type: ignore[operator]
    elif what == "renderings":
        renderings()
    elif what == "choices":
        choices(int(words[0]), Path(words[1]))
    else:
        {"stored": stored, "page": page, "model": model}[what](Path(words[0]))
