"""Makes the pictures of README and docs anew from a page that runs: `python dev/screenshots.py http://127.0.0.1:7860`."""

from __future__ import annotations

import argparse
import io
import shutil
import sys
from pathlib import Path

from PIL import Image
from playwright.sync_api import Page, sync_playwright

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from mrl_demo.core.config import CODE_ROOT

_FOLDER = CODE_ROOT / "assets" / "screenshots"
#: Name -> what the address says, what is then seen, and the height of the window.
_PICTURES = {
    "compare": ("", ".cards .card", 768),
    "curves": ("tab=curves", "#curves-chart .js-plotly-plot, .curves-chart .js-plotly-plot", 1_000),
    "map": ("tab=map", "#map-board canvas", 960),
    "class": ("tab=learn&lesson=class&sheet=monday-10b", "#learn-sheet-question .said", 768),
}
_COLOURS = 160


def main() -> None:
    """Take every picture at 1366 pixels and keep it in few colours."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("address", help="address of a running page, freshly started")
    address = parser.parse_args().address.rstrip("/")
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        for name, (query, shown, height) in _PICTURES.items():
            page = browser.new_page(viewport={"width": 1366, "height": height})
            page.goto(f"{address}/?__theme=light&{query}")
            page.wait_for_selector(shown, state="visible")
            page.wait_for_timeout(2_500)  # Until what fades in is there.
            path = _FOLDER / f"{name}.png"
            _save(page, path)
            page.close()
            print(f"{path.name}: {path.stat().st_size / 1e3:.0f} kB")
        browser.close()


def _save(page: Page, path: Path) -> None:
    picture = Image.open(io.BytesIO(page.screenshot()))
    picture.convert("RGB").quantize(_COLOURS, dither=Image.Dither.NONE).save(path, optimize=True)


if __name__ == "__main__":
    main()
