"""As much of the Hub's HTTP interface, on the loopback address, as downloads of small models and data sets need."""

from __future__ import annotations

import hashlib
import json
import re
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, unquote

COMMIT = "c0ffee" + "0" * 34


@dataclass(frozen=True)
class Repository:
    """What the Hub has under one name: the files of a folder, at one commit; `kind` is "models" or "datasets".

    `refusal` is the status and the Hub's code for everything that is asked of it, (200, "") for none.
    """

    name: str
    folder: Path
    kind: str = "models"
    commit: str = COMMIT
    refusal: tuple[int, str] = (200, "")

    def files(self) -> dict[str, bytes]:
        """Contents by path."""
        found = (path for path in sorted(self.folder.rglob("*")) if path.is_file())
        return {path.relative_to(self.folder).as_posix(): path.read_bytes() for path in found}

    def has(self, revision: str) -> bool:
        """Whether there is such a revision."""
        return revision in {self.commit, "main"}

    @property
    def download_prefix(self) -> str:
        """Where its files are fetched."""
        return f"{'/datasets' if self.kind == 'datasets' else ''}/{self.name}/resolve/"


class _Hub(BaseHTTPRequestHandler):
    repositories: tuple[Repository, ...]
    asked: list[str]

    def do_HEAD(self) -> None:
        self._answer(with_body=False)

    def do_GET(self) -> None:
        self._answer(with_body=True)

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0))).decode()
        path = unquote(self.path)
        for repository in self.repositories:
            if path.startswith(f"/api/{repository.kind}/{repository.name}/paths-info/"):
                wanted = json.loads(body)["paths"] if body.startswith("{") else parse_qs(body).get("paths", [])
                self._reply_json([entry for entry in _listed(repository) if entry["path"] in wanted])
                return
        self._reply(404, b"{}")

    def _answer(self, *, with_body: bool) -> None:
        path = unquote(self.path.split("?")[0])
        self.asked.append(path)
        for repository in self.repositories:
            about = f"/api/{repository.kind}/{repository.name}"
            if repository.refusal[1] and path.startswith((about, repository.download_prefix)):
                self._refuse(*repository.refusal)
                return
            if path.startswith(f"{about}/revision/") and not repository.has(path.removeprefix(f"{about}/revision/")):
                self._refuse(404, "RevisionNotFound")
                return
            if path.startswith(f"{about}/tree/"):
                below = "/".join(path.removeprefix(f"{about}/tree/").split("/")[1:])
                self._reply_json([e for e in _listed(repository) if e["path"].startswith(below)], with_body=with_body)
                return
            if path == about or path.startswith(f"{about}/revision/"):
                names = [{"rfilename": name} for name in repository.files()]
                found = {"id": repository.name, "sha": repository.commit, "siblings": names}
                self._reply_json(found, with_body=with_body)
                return
            revision, _, name = path.removeprefix(repository.download_prefix).partition("/")
            if path.startswith(repository.download_prefix) and name in repository.files():
                assert repository.has(revision)
                self._send_file(repository, repository.files()[name], with_body=with_body)
                return
            if path.startswith(repository.download_prefix):
                self._refuse(404, "EntryNotFound")
                return
        self._refuse(401, "RepoNotFound")

    def _refuse(self, status: int, code: str) -> None:
        self._reply(status, b"", {"X-Error-Code": code})

    def _send_file(self, repository: Repository, raw: bytes, *, with_body: bool) -> None:
        headers = {"X-Repo-Commit": repository.commit, "ETag": f'"{_etag(raw)}"', "Accept-Ranges": "bytes"}
        asked = re.fullmatch(r"bytes=(\d+)-(\d*)", self.headers.get("Range", ""))
        if not asked:
            self._reply(200, raw, headers, with_body=with_body)
            return
        first, last = int(asked[1]), min(int(asked[2] or len(raw)), len(raw) - 1)
        headers["Content-Range"] = f"bytes {first}-{last}/{len(raw)}"
        self._reply(206, raw[first : last + 1], headers, with_body=with_body)

    def _reply_json(self, value: Any, *, with_body: bool = True) -> None:
        self._reply(200, json.dumps(value).encode(), with_body=with_body)

    def _reply(
        self, status: int, raw: bytes, headers: Mapping[str, str] | None = None, *, with_body: bool = True
    ) -> None:
        self.send_response(status)
        for name, value in {"Content-Length": str(len(raw)), **(headers or {})}.items():
            self.send_header(name, value)
        self.end_headers()
        if with_body:
            self.wfile.write(raw)

    def log_message(self, *_: object) -> None:
        pass


def _listed(repository: Repository) -> list[dict[str, Any]]:
    """Files, and the folders that they lie in, as the Hub lists them."""
    files = repository.files()
    folders = {parent.as_posix() for name in files for parent in Path(name).parents if parent.as_posix() != "."}
    found = [{"type": "directory", "oid": "0" * 40, "size": 0, "path": name} for name in sorted(folders)]
    return found + [{"type": "file", "oid": _etag(raw), "size": len(raw), "path": path} for path, raw in files.items()]


def _etag(raw: bytes) -> str:
    return hashlib.sha1(raw, usedforsecurity=False).hexdigest()


@contextmanager
def serving(*repositories: Repository, asked: list[str] | None = None) -> Iterator[str]:
    """Address of a Hub that has these repositories; the paths that were asked for are added to `asked`."""
    known = {"repositories": repositories, "asked": asked if asked is not None else []}
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Hub", (_Hub,), known))
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
