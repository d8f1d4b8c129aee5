"""Start an assembled Space as its host would, apart from this machine, and ask it one search.

As root on Linux: another user, no home folder, no network, every disk read-only but one folder. What of this is not
possible here is said, not skipped in silence.
"""

from __future__ import annotations

import json
import os
import pwd
import shutil
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

from mrl_demo.core.errors import LabError

_PORT = 7860
_URL = f"http://127.0.0.1:{_PORT}"
_MOST_SECONDS = 240.0
_QUERY = "what keeps a two-wheeler from tipping over once moving"
_STRANGER = "nobody"
_INSIDE = "--inside"
#: Tried as the stranger: what must fail, and the one folder that must work.
_TRIALS = """
import os, socket, sys
from pathlib import Path
gave_way = []
for place in ("/", "/tmp", "/var/tmp", os.path.dirname(sys.argv[1])):
    try:
        (Path(place) / "trial").write_text("x")
        gave_way.append(f"{place} can be written")
    except OSError:
        pass
try:
    socket.create_connection(("192.0.2.1", 80), 2)
    gave_way.append("the network can be reached")
except OSError as error:
    if "unreachable" not in str(error):
        gave_way.append(f"the network says {error}")
(Path(sys.argv[1]) / "trial").write_text("x")
print("; ".join(gave_way))
sys.exit(bool(gave_way))
"""


def rehearse(folder: Path) -> dict[str, Any]:
    """Start the Space in `folder` and ask it; gives whether it answered, how fast, and what was kept apart.

    Raises `LabError` if the means to start it are missing.
    """
    with tempfile.TemporaryDirectory(prefix="mrl-space-data-") as data:
        Path(data).chmod(0o777)
        command = [sys.executable, "-m", "mrl_demo.commands.rehearsal", _INSIDE, str(folder.resolve()), data]
        if _may_isolate():
            command = ["unshare", "--mount", "--net", "--pid", "--fork", "--mount-proc", "--kill-child", *command]
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=_MOST_SECONDS + 60)
    try:
        report: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    except (IndexError, ValueError):
        raise LabError(f"The Space could not be started: {done.stderr.strip()[-500:]}") from None
    return report


def _may_isolate() -> bool:
    return sys.platform == "linux" and os.geteuid() == 0 and shutil.which("unshare") is not None


def _inside(folder: Path, data: Path) -> dict[str, Any]:
    """What the started process does, alone with its mounts and its network if it could be isolated."""
    isolation = _isolate(data) if _may_isolate() else ["nothing: that takes Linux, root and unshare"]
    log = data / "log.txt"
    environ = {
        "PATH": os.environ.get("PATH", ""),
        "SPACE_ID": "dry/run",
        "MRL_CACHE_DIR": str(data / "cache"),
        "GRADIO_TEMP_DIR": str(data / "gradio"),
        "TMPDIR": str(data),
        "HOME": "/nonexistent",
        "OMP_WAIT_POLICY": "PASSIVE",
    }
    user = pwd.getpwnam(_STRANGER) if _may_isolate() else None
    identity: dict[str, Any] = {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []} if user else {}
    command = [sys.executable, "-B", "app.py", "--port", str(_PORT)]
    started = time.monotonic()
    with log.open("w") as output:
        process = subprocess.Popen(command, cwd=folder, env=environ, stdout=output, stderr=output, **identity)
    try:
        answer = _ask(process)
    finally:
        _end(process)
    return _report(answer, time.monotonic() - started, isolation, log.read_text(encoding="utf-8"))


def _end(process: subprocess.Popen[bytes]) -> None:
    """Ask it to end, and end it if a busy machine does not let it in a minute."""
    process.terminate()
    try:
        process.wait(60)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _report(answer: str, seconds: float, isolation: list[str], log: str) -> dict[str, Any]:
    sentence = f"It started and answered with {answer!r} after {seconds:.1f} s." if answer else "It did not answer."
    return {
        "answered": bool(answer),
        "first_hit": answer,
        "seconds": round(seconds, 1),
        "isolation": isolation,
        "sentence": sentence if answer else f"{sentence} Its last words: {log[-800:]}",
        "log": log[-2_000:],
    }


def _isolate(data: Path) -> list[str]:
    """Hide the home, make every disk read-only but `data`, and leave only loopback; what was done, in words."""
    _run("mount", "--make-rprivate", "/")
    _hide_home(data)
    _run("mount", "--bind", str(data), str(data))
    for line in Path("/proc/self/mounts").read_text(encoding="utf-8").splitlines():
        place, kind = line.split()[1:3]
        if kind not in {"proc", "sysfs", "devtmpfs", "devpts", "mqueue"} and place not in {str(data), "/dev/shm"}:  # noqa: S108
            subprocess.run(["mount", "-o", "remount,bind,ro", place], check=False, capture_output=True)
    _run("ip", "link", "set", "lo", "up")
    return _proven(data)


def _proven(data: Path) -> list[str]:
    """What was kept apart, each tried out as the user who will start the page; raises `LabError` if one gave way."""
    user = pwd.getpwnam(_STRANGER)
    done = subprocess.run(
        [sys.executable, "-c", _TRIALS, str(data)],
        cwd="/",
        capture_output=True,
        text=True,
        check=False,
        user=user.pw_uid,
        group=user.pw_gid,
        extra_groups=[],
    )
    if done.returncode:
        raise LabError(f"The Space is not apart from this machine: {done.stdout}{done.stderr[-300:]}")
    return [f"user {_STRANGER}", "no home folder", "no network but loopback", "disks read-only but one folder"]


def _hide_home(data: Path) -> None:
    """Put an empty folder over this user's home; Python itself may live there and stays."""
    home, python = Path.home(), Path(sys.base_prefix)
    inside = python.is_relative_to(home)
    keep = data / "python"
    if inside:
        keep.mkdir()
        _run("mount", "--bind", str(python), str(keep))
    _run("mount", "-t", "tmpfs", "-o", "mode=755", "tmpfs", str(home))
    if inside:
        python.mkdir(parents=True)
        _run("mount", "--bind", str(keep), str(python))


def _run(*command: str) -> None:
    subprocess.run(command, check=True, capture_output=True)


def _ask(process: subprocess.Popen[bytes]) -> str:
    """The title of the first hit, "" if it ended or did not answer in time."""
    deadline = time.monotonic() + _MOST_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        try:
            if _get("/healthz") == "ok\n":
                return _search()
        except (urllib.error.URLError, OSError):
            time.sleep(0.3)
    return ""


def _search() -> str:
    body = json.dumps({"query": _QUERY, "arm": "tuned", "dim": 64}).encode()
    headers = {"content-type": "application/json"}
    request = urllib.request.Request(f"{_URL}/gradio_api/call/v2/search", body, headers)  # noqa: S310 - our loopback
    with urllib.request.urlopen(request, timeout=60) as answer:  # noqa: S310
        event = json.loads(answer.read())["event_id"]
    text = _get(f"/gradio_api/call/search/{event}")
    _, completes, answer_text = text.partition("event: complete\ndata: ")  # A busy machine says "heartbeat" before.
    if not completes:
        print(f"The search ended in {text[:300]!r}", file=sys.stderr)
        return ""
    (found,) = json.loads(answer_text.splitlines()[0])
    return str(found["arms"][0]["hits"][0]["title"])


def _get(path: str) -> str:
    with urllib.request.urlopen(f"{_URL}{path}", timeout=90) as answer:  # noqa: S310
        return str(answer.read().decode())


if __name__ == "__main__" and _INSIDE in sys.argv:
    print(json.dumps(_inside(Path(sys.argv[2]), Path(sys.argv[3]))))
