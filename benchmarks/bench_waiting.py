"""Searches in Chromium while another visitor has a model built, beside the same searches on a page without a build.

Both visitors are pages of one browser; the build keeps a core busy and never ends. Turns of searches without and, once
the build runs, with it; the wanted bound is twice the 95th percentile without a build and 50 ms.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from pathlib import Path
from statistics import quantiles

from playwright.sync_api import Page, sync_playwright

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks.bench_ui import CHROMIUM_ARGS, find_chromium
from tests.ui.conftest import serving
from tests.ui.test_waiting import choose, open_page, search_times

SLOW_PAGE = Path(__file__).resolve().parents[1] / "tests" / "ui" / "slow_app.py"
ALLOWANCE_MS = 50


def time_both(turns: int) -> tuple[list[float], list[float]]:
    """Milliseconds of each search without a build and beside one, eight searches a turn."""
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        flags = ("--cache-dir", str(folder / "cache"), "--go", str(folder / "go"))
        with serving(folder / "app.log", *flags, script=SLOW_PAGE) as address, sync_playwright() as driver:
            browser = driver.chromium.launch(executable_path=find_chromium(), args=CHROMIUM_ARGS)
            builder, searcher = open_page(browser, address), open_page(browser, address)
            search_times(searcher, "warming up")
            alone = search_all(searcher, "alone", turns)
            choose(builder, "left-arm", "slow")
            builder.wait_for_selector('#notice:has-text("of 2,400 documents")')
            return alone, search_all(searcher, "beside a build", turns)


def search_all(page: Page, words: str, turns: int) -> list[float]:
    """Milliseconds of `turns` times eight searches, none of them seen before."""
    return [1e3 * seconds for turn in range(turns) for seconds in search_times(page, f"{words} {turn}")]


def main() -> None:
    """Search, build, search, and print both."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--turns", type=int, default=8, help="turns of eight searches, without a build and beside one")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    figures = {
        name: summarise(times) for name, times in zip(("alone", "beside"), time_both(options.turns), strict=True)
    }
    bound = round(2 * figures["alone"]["p95_ms"] + ALLOWANCE_MS, 1)
    for name, row in figures.items():
        times = f"p50 {row['p50_ms']} ms, p95 {row['p95_ms']} ms, worst {row['worst_ms']} ms"
        print(f"{name}: {row['searches']} searches, {times}")
    print(f"bound for p95 beside a build: {bound} ms")
    if options.json:
        flat = {f"{name}_{what}": value for name, row in figures.items() for what, value in row.items()}
        print(json.dumps({**flat, "beside_p95_bound_ms": bound}))


def summarise(times: list[float]) -> dict[str, float]:
    """Count, median, 95th percentile and the slowest, in ms."""
    cuts = quantiles(times, n=20)
    named = {"p50_ms": cuts[9], "p95_ms": cuts[18], "worst_ms": max(times)}
    return {"searches": len(times), **{name: round(value, 1) for name, value in named.items()}}


if __name__ == "__main__":
    main()
