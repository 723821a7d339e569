"""Draw the README's pictures of the replay from the recorded episodes: `python docs/pictures.py` (needs a browser)."""

from __future__ import annotations

import io
import shutil
import sys
import tempfile
from pathlib import Path

from PIL import Image
from playwright.sync_api import sync_playwright

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT))

from sandbox.adapters import chromium  # noqa: E402 (the path comes first)
from sandbox.store import Store  # noqa: E402
from sandbox.tui.app import ReplayApp  # noqa: E402
from sandbox.tui.source import StoreSource  # noqa: E402
from sandbox.tui.svg import app_svg  # noqa: E402
from tests.record_episodes import RECORDED  # noqa: E402

FOLDER = ROOT / "docs" / "pictures"
SIZE = (132, 36)
PICTURES = {
    "browse": (None, None, None),
    "episode": ("switch-disabled-late", 10, None),
    "compare": ("switch-disabled-at-once", 8, "switch-disabled-late"),
}
"""Name of a file -> case (see `tests/record_episodes.py`) of the episode shown, step, and case to compare it with."""
COLOURS = 64


def svgs() -> dict[str, str]:
    """The screens as SVG."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "episodes.db"
        shutil.copy(RECORDED, path)
        with Store.open(str(path), create=False) as store:

            def key(case: str | None) -> str | None:
                return store.heads(store.experiment(case).id)[0].id if case else None

            return {
                name: app_svg(ReplayApp(StoreSource(store), "recorded episodes", key(case), step, key(beside)), SIZE)
                for name, (case, step, beside) in PICTURES.items()
            }


def main() -> None:
    """Write a PNG of each screen."""
    FOLDER.mkdir(exist_ok=True)
    drawn = svgs()  # first: an event loop runs within Playwright
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium.find(), args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": 1700, "height": 1000})
        for name, svg in drawn.items():
            page.set_content(f'<body style="margin: 0; background: #0000">{svg}</body>')
            page.add_style_tag(
                content="svg { display: block; width: 1280px; } text { font-family: 'DejaVu Sans Mono', monospace; }"
            )
            taken = page.locator("svg").screenshot(omit_background=True)
            path = FOLDER / f"{name}.png"
            with Image.open(io.BytesIO(taken)) as image:
                image.quantize(COLOURS, method=Image.Quantize.FASTOCTREE).save(path, optimize=True)
            print(f"{path.relative_to(ROOT)}: {path.stat().st_size:,} bytes")
        browser.close()


if __name__ == "__main__":
    main()
