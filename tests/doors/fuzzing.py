"""Odd calls of every event and endpoint of a served page, as a stranger would send them."""

from __future__ import annotations

import json
import random
import re
from collections import Counter, deque
from dataclasses import dataclass, field
from typing import Any

import httpx

#: What must never reach a caller: the inside of the server.
INSIDES = re.compile(r'Traceback|File \\?"/|site-packages|mrl_demo/|Error\b.*\bline \d+')
GONE = "the server is gone"
_FILE = {"path": "/etc/passwd", "meta": {"_type": "gradio.FileData"}}
ODD: tuple[Any, ...] = (
    None, True, False, 0, -1, 1, 64, 10**9, 10**400, 0.5, float("1e308"), "", " ", "64", "٦٤", "nan", "NaN",
    "base", "tuned", "builtin", "OWNER/NAME", "/etc/passwd", "../../etc", "file:///etc/passwd", "base+adapted",
    "http://127.0.0.1:1/", "\x00", "<script>alert(1)</script>", "=cmd|' /C calc'!A0", "%s%n{0}${x}", "\u202e\u0000",
    "a" * 5_000, [], {}, [None], [[]], ["base"] * 2_000, ["base", ["tuned"]], {"path": "/etc/passwd"}, _FILE, [_FILE],
    {"a": {"b": {"c": [1, {"d": None}]}}}, "1e5", "2,abc", [1] * 50,
)  # fmt: skip


@dataclass
class FuzzTally:
    """How calls ended, those that must not have ended so, and the last ones that were sent, shortened."""

    endings: Counter[str] = field(default_factory=Counter)
    faults: list[str] = field(default_factory=list)
    last: deque[str] = field(default_factory=lambda: deque(maxlen=8))

    def add(self, other: FuzzTally) -> None:
        """Count another's calls too."""
        self.endings += other.endings
        self.faults += other.faults
        self.last.extend(other.last)


class Fuzzer:
    """Sends odd calls to one page, each from a session of its own; `patience` is how long one answer is waited for."""

    def __init__(self, url: str, seed: int, patience: float = 3.0) -> None:
        self.client = httpx.Client(base_url=url, timeout=patience)
        self.random = random.Random(seed)  # noqa: S311 - not a secret
        self.config = self.client.get("/config", timeout=30).json()
        self.values = {part["id"]: part["props"].get("value") for part in self.config["components"]}
        self.events = [event for event in self.config["dependencies"] if event["backend_fn"]]
        self.tally = FuzzTally()

    def run(self, calls: int) -> FuzzTally:
        """Send so many calls, or until the server is gone; every event is among them once there are as many calls."""
        for number in range(calls):
            event = self.events[number % len(self.events)]
            text = self._call(event, f"fuzz{self.random.randrange(10**12)}")
            self._count(event, text)
            if text.startswith(GONE):
                break
        return self.tally

    def _call(self, event: dict[str, Any], session: str) -> str:
        path = "/gradio_api/queue/join" if event["queue"] else f"/gradio_api/run/{event['api_name']}"
        body = {"data": self._data(event), "fn_index": event["id"], "session_hash": session}
        if self.random.random() < 0.3:
            body |= {"event_data": self.random.choice(ODD), "trigger_id": self.random.choice([1, None])}
        self.tally.last.append(f"{event['api_name']}: {json.dumps(body)[:600]}")
        try:
            answer = self.client.post(path, content=json.dumps(body), headers={"content-type": "application/json"})
            text = answer.text
            if event["queue"] and answer.status_code == 200:
                text += self._hear(session)
        except httpx.TimeoutException:
            return "still at work when the caller left"
        except httpx.ConnectError as error:
            return f"{GONE}: {error}"
        except httpx.HTTPError as error:
            return f"broken off: {error}"
        return text

    def _hear(self, session: str) -> str:
        heard = ""
        with self.client.stream("GET", "/gradio_api/queue/data", params={"session_hash": session}) as stream:
            for line in stream.iter_lines():
                heard += line
                if '"process_completed"' in line or '"unexpected_error"' in line:
                    return heard
        return heard

    def _data(self, event: dict[str, Any]) -> list[Any]:
        odd = self.random.choice([0.5, 1 / max(1, len(event["inputs"]))])  # Many odd values are refused at the first.
        data = [
            self.random.choice(ODD) if self.random.random() < odd else self.values.get(part) for part in event["inputs"]
        ]
        chance = self.random.random()
        if chance < 0.05:
            return data[:-1]
        return [*data, self.random.choice(ODD)] if chance < 0.1 else data

    def _count(self, event: dict[str, Any], text: str) -> None:
        kind = "left" if text.startswith("still") else "refused" if "error" in text[:400].lower() else "answered"
        self.tally.endings[kind] += 1
        inside = INSIDES.search(text)
        if inside or text.startswith(("broken off", GONE)):
            place = inside.start() if inside else 0
            self.tally.faults.append(f"{event['api_name']}: {text[max(0, place - 80) : place + 200]}")
