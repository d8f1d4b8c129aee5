"""The default path opens no socket beyond loopback: an audit hook watches a whole process from start to answer."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from mrl_demo.core.config import CODE_ROOT

WATCHED = """
import sys
beyond = []
def hook(event, args):
    if event in {"socket.connect", "socket.sendto", "socket.getaddrinfo", "socket.gethostbyname"}:
        host = args[1][0] if event in {"socket.connect", "socket.sendto"} and isinstance(args[1], tuple) else args[0]
        if isinstance(host, str) and host not in {"127.0.0.1", "::1", "localhost", "0.0.0.0", "::"}:
            beyond.append([event, host])
            raise ConnectionError("not beyond loopback: " + host)
sys.addaudithook(hook)
import json, urllib.request
from pathlib import Path
from mrl_demo.core.config import Settings
from dataclasses import replace
from mrl_demo.lab.lab import Lab
from mrl_demo.ui.app import build_app, launch
settings = replace(Settings(), cache_dir=Path(sys.argv[1]), port=int(sys.argv[2]))
page = build_app(Lab(settings))
address = launch(page, settings)
html = urllib.request.urlopen(address).read().decode()
page.close()
print(json.dumps({"beyond": beyond, "served": len(html)}))
"""


@pytest.mark.real_model
def test_the_default_path_opens_no_socket_beyond_loopback(tmp_path: Path) -> None:
    environment = {k: v for k, v in os.environ.items() if not k.startswith("HF_")}
    environment |= {"GRADIO_ANALYTICS_ENABLED": "False", "PYTHONPATH": str(CODE_ROOT)}
    command = [sys.executable, "-c", WATCHED, str(tmp_path), str(_free_port())]
    done = subprocess.run(
        command, cwd=CODE_ROOT, env=environment, capture_output=True, text=True, check=False, timeout=230
    )
    assert done.returncode == 0, done.stderr[-3000:]
    seen = json.loads(done.stdout.splitlines()[-1])
    assert seen["beyond"] == []
    assert seen["served"] > 10_000


def _free_port() -> int:
    import socket

    with socket.create_server(("127.0.0.1", 0)) as probe:
        return int(probe.getsockname()[1])
