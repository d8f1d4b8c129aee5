"""As much of the Hub's HTTP interface, on the loopback address, as a download of one small model needs."""

from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import unquote

COMMIT = "c0ffee" + "0" * 34


class _Hub(BaseHTTPRequestHandler):
    name: str
    files: dict[str, bytes]

    def do_HEAD(self) -> None:
        self._answer(with_body=False)

    def do_GET(self) -> None:
        self._answer(with_body=True)

    def _answer(self, *, with_body: bool) -> None:
        path = unquote(self.path.split("?")[0])
        resolved = f"/{self.name}/resolve/{COMMIT}/"
        if path.startswith(f"/api/models/{self.name}/tree/"):
            listed = [{"type": "file", "oid": _etag(raw), "size": len(raw), "path": p} for p, raw in self.files.items()]
            self._reply(200, json.dumps(listed).encode(), with_body=with_body)
        elif path.startswith(f"/api/models/{self.name}"):
            about = {"id": self.name, "sha": COMMIT, "siblings": [{"rfilename": name} for name in self.files]}
            self._reply(200, json.dumps(about).encode(), with_body=with_body)
        elif path.startswith(resolved) and path.removeprefix(resolved) in self.files:
            self._reply(200, self.files[path.removeprefix(resolved)], with_body=with_body)
        else:
            self._reply(404, b"{}", with_body=with_body)

    def _reply(self, status: int, raw: bytes, *, with_body: bool) -> None:
        self.send_response(status)
        for name, value in (("Content-Length", len(raw)), ("X-Repo-Commit", COMMIT), ("ETag", f'"{_etag(raw)}"')):
            self.send_header(name, str(value))
        self.end_headers()
        if with_body:
            self.wfile.write(raw)

    def log_message(self, *_: object) -> None:
        pass


def _etag(raw: bytes) -> str:
    return hashlib.sha1(raw, usedforsecurity=False).hexdigest()


@contextmanager
def serving(name: str, folder: Path) -> Iterator[str]:
    """Address of a Hub that has the one model `name`, the files of `folder`, at `COMMIT`."""
    files = {p.relative_to(folder).as_posix(): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Hub", (_Hub,), {"name": name, "files": files}))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
