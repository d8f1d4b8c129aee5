"""50 simulated visitors on one page: errors, times by action, memory over time. `--json` prints one object.

Each visitor opens the page, searches, moves the slider, changes the model, reads the curves, and some leave midway and
come back as somebody else. They speak Gradio's own protocol, as browsers do.

    python benchmarks/load.py --visitors 50 --seconds 300 --json
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import random
import socket
import subprocess
import sys
import tempfile
import time
from collections import Counter, defaultdict
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import psutil

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from mrl_demo.core.config import CODE_ROOT as ROOT
from mrl_demo.core.hardware import describe_hardware

WARM_UP_S = 20.0
_THINK_S = 4.0
_PATIENCE_S = 60.0
_WORDS = ("why", "bees", "dance", "tides", "rise", "makes", "bread", "sour", "keeps", "bicycle", "upright", "rivers")


@dataclass
class LoadTally:
    """What happened: seconds by action, errors in words."""

    seconds: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    errors: Counter[str] = field(default_factory=Counter)
    left: int = 0

    def table(self) -> dict[str, dict[str, float]]:
        """Count, p50 and p95 in ms of each action."""
        return {
            name: {
                "n": len(values),
                "p50_ms": round(float(np.percentile(values, 50)) * 1e3, 1),
                "p95_ms": round(float(np.percentile(values, 95)) * 1e3, 1),
            }
            for name, values in sorted(self.seconds.items())
        }


class Visitor:
    """One browser: a session, the controls as it has them, and a stream on which answers come."""

    def __init__(self, client: httpx.AsyncClient, config: dict[str, Any], tally: LoadTally, seed: int) -> None:
        self.client, self.config, self.tally = client, config, tally
        self.random = random.Random(seed)  # noqa: S311 - not a secret
        self.session = f"load{seed}x{self.random.randrange(10**9)}"
        #: Everybody comes from an address of their own, as a proxy on this machine tells it.
        self.headers = {"x-forwarded-for": f"203.0.{seed // 250}.{seed % 250 + 1}"}
        self.values = {part["id"]: part["props"].get("value") for part in config["components"]}
        self.ids = {part["props"].get("elem_id"): part["id"] for part in config["components"]}

    async def live(self, until: float) -> None:
        """Act, think, act, until the time is up or this visitor has had enough."""
        await self._timed("page", self.client.get("/", headers=self.headers))
        while time.monotonic() < until:
            action = self.random.choices(
                [self.search, self.search_again, self.slide, self.frames, self.curves, self.leave],
                [3, 3, 10, 2, 2, 0.5],
            )[0]
            if await action() == "left":
                self.session = f"{self.session}y"
            await asyncio.sleep(self.random.expovariate(1 / _THINK_S))

    async def search(self) -> str:
        """A question that nobody asked before."""
        self.values[self.ids["query"]] = " ".join(self.random.choices(_WORDS, k=6))
        return await self._timed("search, new", self._event("search", "click", "search"))

    async def search_again(self) -> str:
        """A question that others ask too."""
        self.values[self.ids["query"]] = f"why do bees dance {self.random.randrange(5)}"
        return await self._timed("search, seen", self._event("search", "click", "search"))

    async def slide(self) -> str:
        """Move the slider; the server answers at once, outside the queue."""
        self.values[self.ids["dimension"]] = self.random.choice([8, 16, 32, 64, 128, 256, 384])
        return await self._timed("slide", self._event("dimension", "input", "slide"))

    async def frames(self) -> str:
        """Results at a few lengths, as a hand on the slider asks for them."""
        asked = {
            "query": f"why do bees dance {self.random.randrange(5)}",
            "corpus": "builtin",
            "arms": ["base", "tuned"],
            "dims": self.random.sample(range(1, 385), 4),
        }
        return await self._timed("frames", self.client.post("/slider-frames", json=asked, headers=self.headers))

    async def curves(self) -> str:
        """Other curves in the Curves tab."""
        return await self._timed("curves", self._event("curves-corpus", "input", None))

    async def leave(self) -> str:
        """Ask something and close the page without waiting for the answer."""
        self.values[self.ids["query"]] = " ".join(self.random.choices(_WORDS, k=7))
        fn = self._find("search", "click", "search")
        await self._join(fn)
        self.tally.left += 1
        return "left"

    def _find(self, elem_id: str, event: str, name: str | None) -> dict[str, Any]:
        target = [self.ids[elem_id], event]
        fits = [d for d in self.config["dependencies"] if target in d["targets"] and d["backend_fn"]]
        return next((d for d in fits if name is None or d["api_name"].startswith(name)), fits[0])

    async def _join(self, fn: dict[str, Any]) -> httpx.Response:
        body = {
            "data": [self.values.get(part) for part in fn["inputs"]],
            "fn_index": fn["id"],
            "session_hash": self.session,
            "event_data": None,
            "trigger_id": fn["targets"][0][0],
        }
        path = "/gradio_api/queue/join" if fn["queue"] else f"/gradio_api/run/{fn['api_name']}"
        return await self.client.post(path, json=body, headers=self.headers)

    async def _event(self, elem_id: str, event: str, name: str | None) -> httpx.Response | None:
        fn = self._find(elem_id, event, name)
        answer = await self._join(fn)
        answer.raise_for_status()
        if fn["queue"]:
            await self._hear()
        return answer

    async def _hear(self) -> None:
        path = "/gradio_api/queue/data"
        named = {"session_hash": self.session}
        async with self.client.stream("GET", path, params=named, headers=self.headers) as stream:
            async for line in stream.aiter_lines():
                if not line.startswith("data: "):
                    continue
                message = json.loads(line[6:])
                if message["msg"] == "process_completed":
                    if not message["success"]:
                        raise RuntimeError(f"failed: {message['output']}"[:200])
                    return
                if message["msg"] in {"unexpected_error", "queue_full"}:
                    raise RuntimeError(str(message)[:200])

    async def _timed(self, name: str, work: Any) -> str:  # noqa: ANN401 - whatever is awaited
        started = time.perf_counter()
        try:
            answer = await asyncio.wait_for(work, _PATIENCE_S)
            if isinstance(answer, httpx.Response) and answer.status_code >= 400:
                raise RuntimeError(f"status {answer.status_code}")
        except Exception as error:
            self.tally.errors[f"{name}: {type(error).__name__} {error}"[:200]] += 1
            return "error"
        self.tally.seconds[name].append(time.perf_counter() - started)
        return "ok"


@asynccontextmanager
async def served_page(cache: Path) -> AsyncIterator[tuple[str, psutil.Process]]:
    """Start app.py on a free port; gives its address and process."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    command = [sys.executable, str(ROOT / "app.py"), "--port", str(port), "--cache-dir", str(cache)]
    process = subprocess.Popen(
        command, cwd=ROOT, stdout=subprocess.DEVNULL, env=os.environ | {"MRL_TRAINING_ENABLED": "0"}
    )
    url = f"http://127.0.0.1:{port}"
    try:
        async with httpx.AsyncClient() as client:
            for _ in range(600):
                try:
                    if (await client.get(f"{url}/healthz")).status_code == 200:
                        break
                except httpx.HTTPError:
                    await asyncio.sleep(0.2)
        yield url, psutil.Process(process.pid)
    finally:
        process.terminate()
        process.wait(20)


async def watch_memory(process: psutil.Process, until: float, every: float = 5.0) -> list[tuple[float, float]]:
    """Seconds and MB resident, from now on."""
    started, seen = time.monotonic(), []
    while time.monotonic() < until:
        seen.append((round(time.monotonic() - started, 1), round(process.memory_info().rss / 2**20, 1)))
        await asyncio.sleep(every)
    return seen


async def measure_load(visitors: int, seconds: float) -> dict[str, Any]:
    """Let the visitors in for so many seconds after a warm-up, and report."""
    with tempfile.TemporaryDirectory() as folder:
        async with served_page(Path(folder)) as (url, process):
            limits = httpx.Limits(max_connections=4 * visitors)
            async with httpx.AsyncClient(base_url=url, limits=limits, timeout=_PATIENCE_S) as client:
                config = (await client.get("/config")).json()
                warm = LoadTally()
                end = time.monotonic() + WARM_UP_S
                await asyncio.gather(*(Visitor(client, config, warm, seed).live(end) for seed in range(visitors)))
                tally, end = LoadTally(), time.monotonic() + seconds
                memory, *_ = await asyncio.gather(
                    watch_memory(process, end),
                    *(Visitor(client, config, tally, 1_000 + seed).live(end) for seed in range(visitors)),
                )
    first, last = memory[0][1], memory[-1][1]
    return {
        "machine": describe_hardware(),
        "visitors": visitors,
        "seconds": seconds,
        "actions": tally.table(),
        "answered": sum(map(len, tally.seconds.values())),
        "errors": dict(tally.errors),
        "left_midway": tally.left,
        "rss_mb": {"after_warm_up": first, "end": last, "most": max(mb for _, mb in memory), "over_time": memory},
        "load_average": os.getloadavg(),
    }


def main() -> None:
    """Run and print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--visitors", type=int, default=50)
    parser.add_argument("--seconds", type=float, default=300.0)
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    options = parser.parse_args()
    report = asyncio.run(measure_load(options.visitors, options.seconds))
    if options.json:
        print(json.dumps(report))
        return
    for name, row in report["actions"].items():
        print(f"{name:<14} {row['n']:>6}  p50 {row['p50_ms']:>8.1f} ms  p95 {row['p95_ms']:>8.1f} ms")
    rss = report["rss_mb"]
    print(f"{sum(report['errors'].values())} errors; RSS {rss['after_warm_up']} MB warm, {rss['end']} MB at the end")
    for words, count in report["errors"].items():
        print(f"  {count} x {words}")


if __name__ == "__main__":
    main()
