"""The migration sheet: what an index gains and loses by one exported setting, how to move, and how to go back."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from markdown_it import MarkdownIt
from markupsafe import escape

from mrl_demo.arms.arm import Arm
from mrl_demo.arms.spaces import SpaceBuilder
from mrl_demo.arms.vectors import ArmVectors, load_vectors
from mrl_demo.core.errors import LabError
from mrl_demo.core.types import Corpus, FloatMatrix, Progress
from mrl_demo.core.vectors import truncate
from mrl_demo.evaluation.judging.judged import judged_set
from mrl_demo.evaluation.judging.metrics import parse_metric
from mrl_demo.evaluation.stats import Interval, PairedBootstrap
from mrl_demo.evaluation.sweeps.measure import measure_scores
from mrl_demo.exports.setting import ExportSetting
from mrl_demo.exports.target import Bundle, Target
from mrl_demo.search.flat import FlatIndex
from mrl_demo.thresholds.measure import TranslatedThreshold
from mrl_demo.thresholds.report import THRESHOLD_HEADS, threshold_caption, threshold_rows

_METRIC = "ndcg@10"
_DEPTH = 100
_STYLE = "body{margin:0 auto;max-width:900px;padding:24px 18px 60px;font:15px/1.55 system-ui,sans-serif;color:#211d1a}"
_TABLE = (
    "table{border-collapse:collapse}th,td{padding:4px 9px;border-top:1px solid #ddd}"
    "pre{overflow:auto;background:#f6f3ee;padding:12px}"
)


@dataclass(frozen=True)
class SettingEvidence:
    """What an exported setting keeps, measured as the engine would search it, second stage included.

    `before` is the reference's mean at full length, `after` the setting's; `share` and `difference` are paired over
    `n_queries` queries, `lost` counts those whose answer was among the first ten and is no more. `kind` says what the
    queries are: "judged queries", or what stood in for them.
    """

    reference: str
    metric: str
    kind: str
    n_queries: int
    n_documents: int
    before: Interval
    after: Interval
    share: Interval
    difference: Interval
    lost: int


def measure_setting(
    builder: SpaceBuilder, corpus: Corpus, reference: Arm, arm: Arm, setting: ExportSetting, progress: Progress | None
) -> SettingEvidence:
    """Search every judged query by the setting and by the reference in full; raises `CorpusError` without queries."""
    judged = judged_set(corpus)
    if not judged.is_judged:
        raise LabError(f"{corpus.name} has no judged queries and nothing can stand in for them: leave the sheet out.")
    values = []
    for side, dim in ((reference, 0), (arm, setting.dim)):
        vectors = next(iter(load_vectors(builder, side, corpus, judged.queries, progress)))
        ranked = _two_stages(vectors, setting) if dim else _full(vectors)
        if len(judged.own_document):
            ranked = _without(ranked, judged.own_document)
        measured = measure_scores([(0, ranked)], judged.relevant, [parse_metric(_METRIC)], "none")
        values.append(next(iter(measured.values.values())))
    before, after = values
    bootstrap = PairedBootstrap(len(before))
    (share,) = bootstrap.ratios(after[:, None], before[:, None])
    means = bootstrap.intervals(np.stack([before, after, after - before], axis=1))
    return SettingEvidence(
        reference.name,
        _METRIC,
        corpus.stand_ins or "judged queries",
        len(before),
        len(corpus),
        means[0],
        means[1],
        share,
        means[2],
        int(((before > 0) & (after == 0)).sum()),
    )


def _full(vectors: ArmVectors) -> FloatMatrix:
    dim = vectors.documents.shape[1]
    return truncate(vectors.queries, dim) @ truncate(vectors.documents, dim).T


def _two_stages(vectors: ArmVectors, setting: ExportSetting) -> FloatMatrix:
    """Scores `(q, n)` float32, minus infinity for what the engine would not return."""
    index = FlatIndex(vectors.documents, setting.precision)
    wanted = max(setting.shortlist if setting.rescore_dim else _DEPTH, 10)
    found = index.search(vectors.queries, setting.dim, wanted)
    scores = np.full((len(vectors.queries), index.n), -np.inf, dtype=np.float32)
    rows = np.arange(len(scores))[:, None]
    scores[rows, found.indices] = found.scores
    if setting.rescore_dim:
        longer = truncate(vectors.queries, setting.rescore_dim), truncate(vectors.documents, setting.rescore_dim)
        for row, documents in enumerate(found.indices):
            scores[row, documents] = longer[1][documents] @ longer[0][row]
    return scores


def _without(scores: FloatMatrix, own: np.ndarray) -> FloatMatrix:
    rows = np.flatnonzero(own >= 0)
    scores[rows, own[rows]] = -np.inf
    return scores


@dataclass(frozen=True)
class MigrationSheet:
    """One setting for one engine on one page; `threshold` is None if there was none to translate."""

    target: Target
    setting: ExportSetting
    bundle: Bundle
    corpus: str
    evidence: SettingEvidence
    threshold: TranslatedThreshold | None = None

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON types; files by name only."""
        threshold = self.threshold.to_dict() if self.threshold else None
        return {
            "target": self.target.name,
            "setting": self.setting.to_dict(),
            "files": [*self.bundle.files, *self.bundle.folders],
            "corpus": self.corpus,
            "evidence": asdict(self.evidence),
            "threshold": threshold,
        }

    def to_markdown(self) -> str:
        """The sheet as Markdown, names of files and collections as code."""
        parts = (self._head, self._bytes, self._loss, self._cutoff, self._steps, self._back, self._script)
        return "\n\n".join(part() for part in parts) + "\n"

    def to_html(self) -> str:
        """The sheet as one HTML page without scripts; whatever HTML a name holds is shown as text."""
        body = MarkdownIt("commonmark", {"html": False}).enable("table").render(self.to_markdown())
        title = escape(f"{self.setting.arm} at {self.setting.dim} for {self.target.label}")
        return (
            f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{title}</title><style>{_STYLE}{_TABLE}'
            f"</style></head><body>{body}</body></html>\n"
        )

    def _head(self) -> str:
        setting = self.setting
        return (
            f"# Migration: {_code(setting.arm)} at {setting.dim} of {setting.full_dim} numbers, {setting.precision}, "
            f"in {self.target.label}\n\nMeasured on {_code(self.corpus)}: {self.evidence.n_documents:,} documents, "
            f"{self.evidence.n_queries:,} {self.evidence.kind}."
        )

    def _bytes(self) -> str:
        setting = self.setting
        rows = [
            ("", "before", "after"),
            ("bytes a vector searched", f"{4 * setting.full_dim:,}", f"{setting.bytes_searched:,}"),
            ("bytes a vector kept for re-ranking", "0", f"{setting.bytes_kept:,}"),
            ("GB searched for 100 million", f"{0.4 * setting.full_dim:.4g}", f"{setting.bytes_searched / 10:.4g}"),
        ]
        return "## Bytes\n\n" + _table(rows) + "\n\nWithout the engine's own index (a graph adds about 136 bytes each)."

    def _loss(self) -> str:
        evidence = self.evidence
        return (
            f"## Expected loss\n\n{_code(evidence.reference)} in full has {evidence.metric} "
            f"{evidence.before.value:.3f}; this setting {evidence.after.value:.3f}: {_signed(evidence.difference)}, "
            f"{evidence.share.value:.1%} ({evidence.share.low:.1%} to {evidence.share.high:.1%}) of it is kept (95% "
            f"intervals, paired). {evidence.lost:,} of {evidence.n_queries:,} queries lose their answer from the first "
            "ten. Measured by exact search; an approximate index loses its own part on top."
        )

    def _cutoff(self) -> str:
        if self.threshold is None:
            return "## Score cut-off\n\nNone was translated; one of full vectors does not carry over: `mrl threshold`."
        rows = [THRESHOLD_HEADS, *threshold_rows(self.threshold)]
        return f"## Score cut-off\n\n{threshold_caption(self.threshold)}.\n\n{_table(rows)}"

    def _steps(self) -> str:
        rotation = self.setting.rotation
        turned = (
            f"\n3. Keep `rotation.npy` (sha256 `{rotation.fingerprint}`) with the index and every service that asks it."
            if rotation
            else ""
        )
        return (
            f"## Steps\n\n1. `mrl export --format {self.target.name}` wrote: "
            f"{', '.join(_code(name) for name in [*self.bundle.files, *self.bundle.folders])}.\n"
            "2. Build the new index beside the old one from the **same full vectors**; documents and queries both go "
            f"through `prepare.py`.{turned}\n"
            f"{4 if rotation else 3}. Ask both with a day's queries, compare the first ten, then switch.\n"
            f"{5 if rotation else 4}. Change the score cut-off in the same release."
        )

    def _back(self) -> str:
        return (
            "## What cannot be undone, and the way back\n\nA cut vector cannot be made whole again, nor a coarser one "
            "finer: keep the full vectors (a disk will do) or be ready to encode everything again. To roll back, point "
            "the service at the old index and put the old cut-off back; nothing in it was changed."
        )

    def _script(self) -> str:
        name = next((name for name in self.bundle.files if name not in {"README.md", "prepare.py"}), "README.md")
        language = "python" if name.endswith(".py") else "json" if name.endswith(".json") else ""
        return f"## {_code(name)}\n\n```{language}\n{self.bundle.text(name).rstrip()}\n```"


def compose_sheet(
    builder: SpaceBuilder,
    corpus: Corpus,
    reference: Arm,
    arm: Arm,
    target: Target,
    setting: ExportSetting,
    bundle: Bundle,
    translate: Callable[[], TranslatedThreshold] | None,
    progress: Progress | None = None,
) -> MigrationSheet:
    """Measure a setting and put its sheet together; a cut-off that cannot be translated is left out."""
    evidence = measure_setting(builder, corpus, reference, arm, setting, progress)
    threshold = None
    if translate is not None:
        try:
            threshold = translate()
        except LabError:  # Nothing is related, say: the sheet says that none was translated.
            threshold = None
    return MigrationSheet(target, setting, bundle, corpus.name, evidence, threshold)


def _table(rows: Sequence[tuple[str, ...]]) -> str:
    lines = ["| " + " | ".join(cell.replace("|", "\\|") for cell in row) + " |" for row in rows]
    return "\n".join([lines[0], "|" + "---|" * len(rows[0]), *lines[1:]])


def _signed(interval: Interval) -> str:
    return f"{interval.value:+.3f} ({interval.low:+.3f} to {interval.high:+.3f})"


def _code(text: str) -> str:
    """A name as inline code that no backtick or line break in it can end."""
    return "`" + " ".join(text.replace("`", "'").split()) + "`"
