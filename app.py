"""Start the page: `python app.py [--port 7860]`; `--help` lists the flags."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from mrl_demo.core.config import Settings
from mrl_demo.core.errors import LabError


def read_settings(argv: Sequence[str] | None) -> tuple[Settings, argparse.Namespace]:
    """Settings and flags of the command line, the environment under them; raises `LabError`."""
    settings = Settings.from_environment()
    parser = argparse.ArgumentParser(description="How short can embeddings be? Measured and shown live.")
    parser.add_argument("--host", default=settings.host, help="address to listen on (default %(default)s)")
    parser.add_argument("--port", type=int, default=settings.port, help="port to listen on (default %(default)s)")
    parser.add_argument("--share", action="store_true", default=settings.share, help="make a public link too")
    parser.add_argument("--cache-dir", type=Path, default=settings.cache_dir, help="where vectors are kept")
    parser.add_argument("--corpus", type=Path, help="your own documents: CSV, JSONL, TXT or a BEIR folder")
    parser.add_argument("--model", action="append", default=[], help="a model's folder, or OWNER/NAME of the Hub")
    args = parser.parse_args(argv)
    if not 1 <= args.port <= 65_535:
        raise LabError(f"Port {args.port} does not exist: choose one from 1 to 65535.")
    changes = {"host": args.host, "port": args.port, "share": args.share, "cache_dir": args.cache_dir.expanduser()}
    return replace(settings, **changes), args


def main(argv: Sequence[str] | None = None) -> int:
    """Start the page and serve until interrupted; the exit status."""
    # Read by OpenMP, tokenizers and Gradio when they are imported: waiting threads sleep, nobody phones home.
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"
    try:
        settings, own = read_settings(argv)

        from mrl_demo.lab.lab import Lab
        from mrl_demo.ui.app import build_app, check_port, launch

        check_port(settings.host, settings.port)
        lab = Lab(settings)
        for model in own.model:
            lab.add_model(model)
        page = build_app(lab, lab.add_corpus(own.corpus) if own.corpus else None)
        print(f"Matryoshka lab is at {launch(page, settings)}", flush=True)
        page.block_thread()
    except LabError as error:
        print(f"app.py: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
