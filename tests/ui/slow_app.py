"""The page over a lab with a model "slow", whose documents take until the file `go` is there: for journeys.

python tests/ui/slow_app.py --port 7860 --cache-dir FOLDER --go FOLDER/go
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

import numpy as np
from threadpoolctl import threadpool_limits

from mrl_demo.core.config import Settings
from mrl_demo.core.process import prepare_process
from mrl_demo.core.types import NOTHING_CUT, CutTexts, FloatMatrix, Progress, TextTask
from mrl_demo.core.vectors import normalise

PATIENCE_SECONDS = 120


class SlowEncoder:
    """Keeps a core busy while it encodes documents."""

    dimension = 384
    document_precision = "float32"
    fingerprint = "slow-encoder-1"

    def __init__(self, go: Path) -> None:
        self.go = go

    def encode_queries(self, texts: Sequence[str]) -> FloatMatrix:
        return normalise(np.random.default_rng(1).standard_normal((len(texts), 384)).astype(np.float32))

    def encode_documents(self, texts: Sequence[str], progress: Progress | None = None) -> FloatMatrix:
        busy = np.ones((700, 700), np.float32)
        deadline = time.monotonic() + PATIENCE_SECONDS
        with threadpool_limits(1):  # A build's own thread has a low priority, the workers of a matrix product have not.
            while not self.go.exists() and time.monotonic() < deadline:
                busy = normalise(busy @ busy)
                if progress:
                    progress(0.25, "Encoding slowly")
        return self.encode_queries(texts)

    def count_cut(self, texts: Sequence[str], task: TextTask) -> CutTexts:
        return NOTHING_CUT


def main() -> None:
    prepare_process()
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--cache-dir", type=Path, required=True)
    parser.add_argument("--go", type=Path, required=True)
    args = parser.parse_args()
    from mrl_demo.lab.lab import Lab
    from mrl_demo.ui.app import build_app, launch

    settings = replace(Settings(), port=args.port, cache_dir=args.cache_dir, training_enabled=False)
    lab = Lab(settings)
    lab.encoders.add("slow", SlowEncoder(args.go))
    page = build_app(lab)
    launch(page, settings)
    page.block_thread()


if __name__ == "__main__":
    main()
