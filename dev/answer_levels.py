"""How well "nothing here seems to answer this" is right: levels and error rates, one line a model and a basis.

The built-in collection twice: with its judged questions, and as if it were somebody's own file, where titles stand in
for questions; that level is then held against the real ones. `.venv/bin/python dev/answer_levels.py [CORPUS ...]` adds
the files and folders named.
"""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from mrl_demo.core.config import Settings
from mrl_demo.core.verdict import AnswerLevel
from mrl_demo.evaluation.answer_level import measure_nearness
from mrl_demo.lab.answer_levels import AnswerLevels
from mrl_demo.lab.lab import Lab

ENCODERS = ("minilm", "tuned")


def main(paths: list[str]) -> None:
    """Print the rates."""
    lab = Lab(Settings.from_environment())
    builtin = lab.corpus("builtin")
    others = [lab.corpus(lab.add_corpus(Path(path))) for path in paths]
    levels = AnswerLevels(lab.builder, lab.settings.assets_dir)
    for encoder in ENCODERS:
        for corpus in (builtin, *others):
            show(encoder, corpus.name, levels.level(encoder, corpus))
        own = replace(builtin, name="builtin-as-own", queries=(), judgements={})
        level = levels.level(encoder, own)
        show(encoder, own.name, level)
        if level:
            near = measure_nearness(lab.builder.queries(encoder, builtin), lab.builder.documents(encoder, builtin))
            print(f"    of the {len(near):,} real questions it takes {(near < level.level).mean():.1%} for unanswered")


def show(encoder: str, corpus: str, level: AnswerLevel | None) -> None:
    """One line."""
    if level is None:
        print(f"{encoder} {corpus}: too few questions for a level")
        return
    print(
        f"{encoder} {corpus}: {level.level:.3f} by {level.n_answered} {level.basis}; takes {level.missed:.1%} of"
        f" answered for unanswered, {level.passed:.1%} of {level.n_off_topic} off-topic texts for answered"
    )


if __name__ == "__main__":
    main(sys.argv[1:])
