"""What the Learn tab asks of a lab: vectors of texts, energy by block, rounds of the games, one pitfall live."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from mrl_demo.arms.arm import Arm
from mrl_demo.arms.catalogue import best_contender
from mrl_demo.core.bounded import BoundedCache
from mrl_demo.core.errors import LabError
from mrl_demo.core.types import TRAINED_DIMS, ComparedArm, Document, FloatMatrix, Progress
from mrl_demo.corpora.questions.typed import clean_query
from mrl_demo.evaluation.sweeps.results import SweepRow
from mrl_demo.lab.curves import CurvesService
from mrl_demo.lab.protocol import LabProtocol
from mrl_demo.lessons.blind import BlindRound, blind_round
from mrl_demo.lessons.class_set import SHEET_QUESTIONS, SheetCode
from mrl_demo.lessons.guess import GuessRound, draw_queries, guess_round
from mrl_demo.lessons.numbers import energy_shares
from mrl_demo.lessons.pitfalls import PassingCounts, Pitfall, find_pitfall, one_search, rank_both_ways
from mrl_demo.lessons.training_log import TrainingLog, read_training_log
from mrl_demo.trees.prefix_tree import PrefixTree, follow

_TEXTS_KEPT = 512
_ROUNDS_KEPT = 512
_TREES_KEPT = 16
_HOLD_K = 10
_BLIND_K = 5


@dataclass(frozen=True)
class PitfallView:
    """One question's first documents done right and with a pitfall, each with its score."""

    pitfall: Pitfall
    dim: int
    right: tuple[tuple[Document, float], ...]
    wrong: tuple[tuple[Document, float], ...]
    passing: PassingCounts | None = None


@dataclass(frozen=True)
class BlindSides:
    """What is shown for a round: the question and the two rankings, unlabelled."""

    query: str
    asked: BlindRound
    left: ComparedArm
    right: ComparedArm


class LessonService:
    """Lessons over a lab; what was computed once is kept, in bounds.

    >>> from mrl_demo.core.config import Settings
    >>> from mrl_demo.lab.lab import Lab
    >>> LessonService(Lab(Settings.from_environment())).arms
    ('base', 'tuned')
    """

    def __init__(self, lab: LabProtocol) -> None:
        self.lab = lab
        self._vectors: BoundedCache[FloatMatrix] = BoundedCache(_TEXTS_KEPT)
        self._rounds: BoundedCache[GuessRound] = BoundedCache(_ROUNDS_KEPT)
        self._trees: BoundedCache[PrefixTree] = BoundedCache(_TREES_KEPT)
        self._shares: BoundedCache[tuple[float, ...]] = BoundedCache(32)

    @property
    def arms(self) -> tuple[str, str]:
        """The ordinary model and the best contender that there is."""
        names = [arm.name for arm in self.lab.arms()]
        return names[0], best_contender(names) or names[-1]

    def vector(self, arm: str, text: str) -> FloatMatrix:
        """`(d,)` float32 unit vector of a text; raises `LabError` for an empty one."""
        cleaned = clean_query(text, self.lab.settings.max_query_chars).text
        encoder = self._arm(arm).encoder
        encode = self.lab.builder.encoders.encoder(encoder).encode_queries
        return self._vectors.get((encoder, cleaned), lambda: encode([cleaned])[0])

    def energy(self, arm: str, corpus: str, dims: Sequence[int] = TRAINED_DIMS) -> tuple[float, ...]:
        """Mean share of the documents' squared length in the first numbers, for every length."""
        loaded = self.lab.corpus(corpus)
        wanted = tuple(dims)

        def measure() -> tuple[float, ...]:
            """Shares of the squared length that the prefixes have."""
            return energy_shares(self.lab.builder.space(self._arm(arm), loaded).documents, wanted)

        return self._shares.get((arm, loaded.fingerprint, wanted), measure)

    def shipped_row(self, arm: str, corpus: str, dim: int) -> SweepRow | None:
        """The shipped nDCG@10 of an arm at a length, None where nothing was shipped."""
        shipped = CurvesService(self.lab).shipped(corpus)
        return shipped.sweep.row(arm, dim, "ndcg@10") if shipped else None

    def training_log(self, arm: str) -> TrainingLog | None:
        """What the training of a shipped adapter changed at every length, None for a model that has no log here."""
        path = self.lab.settings.assets_dir / "adapters" / arm / "metrics.json"
        return read_training_log(path) if path.is_file() else None

    def guess(self, corpus: str, arm: str, seed: int, number: int) -> GuessRound:
        """Round `number` of a game: its question follows from the seed; raises `LabError` if there is none."""
        texts = draw_queries(self.lab.corpus(corpus), number + 1, seed)
        return self._rounds.get((corpus, arm, seed, number), lambda: self._guess(corpus, arm, texts[number]))

    def sheet(self, corpus: str, arm: str, code: SheetCode) -> tuple[GuessRound, ...]:
        """The questions of a class sheet: the same for everybody who has its name."""
        texts = draw_queries(self.lab.corpus(corpus), SHEET_QUESTIONS, code.seed)
        return tuple(
            self._rounds.get((corpus, arm, code.seed, number), lambda text=text: self._guess(corpus, arm, text))  # type: ignore[misc]
            for number, text in enumerate(texts)
        )

    def blind(self, corpus: str, dim: object, seed: int, number: int) -> BlindSides:
        """Round `number` of a blind test between the two `arms` at one length."""
        (query,) = draw_queries(self.lab.corpus(corpus), number + 1, seed)[number:]
        asked = blind_round(*self.arms, seed, number)
        names = [asked.left, asked.right]
        left, right = self.lab.compare(query, corpus=corpus, arms=names, dim=dim, top_k=_BLIND_K).arms
        return BlindSides(query, asked, left, right)

    def pitfall(self, corpus: str, arm: str, name: str, query: str, dim: object) -> PitfallView:
        """One question searched right and with a pitfall; raises `LabError` kinds for what there is not."""
        pitfall = find_pitfall(name)
        loaded = self.lab.corpus(corpus)
        text = clean_query(query, self.lab.settings.max_query_chars).text
        search = one_search(self.lab.builder, loaded, self._arm(arm), text, dim)
        both = rank_both_ways(search, name)
        sides = ([(loaded.documents[row], score) for row, score in side] for side in (both.right, both.wrong))
        right, wrong = map(tuple, sides)
        return PitfallView(pitfall, search.dim, right, wrong, both.passing)

    def tree(self, corpus: str, arm: str, query: str = "", progress: Progress | None = None) -> PrefixTree:
        """The tree of a method over a collection, with a question's path; raises as `Lab.tree`.

        What everybody has is grown once; of what a visitor brought nothing is kept.
        """
        loaded = self.lab.corpus(corpus, progress)
        is_shared = (
            corpus in {choice.name for choice in self.lab.corpora()} and self.lab.builder.menu.private(arm) is None
        )

        def grow() -> PrefixTree:
            """The tree of this collection."""
            return self.lab.tree(corpus, arm, progress=progress)

        tree = self._trees.get((corpus, loaded.fingerprint, arm), grow) if is_shared else grow()
        text = clean_query(query, self.lab.settings.max_query_chars).text if query.strip() else ""
        return follow(self.lab.builder, loaded, self._arm(arm), tree, text) if text else tree

    def _guess(self, corpus: str, arm: str, text: str) -> GuessRound:
        full = self.lab.full_dim([arm])
        side = self.lab.compare(text, corpus=corpus, arms=[arm], dim=full, top_k=_HOLD_K).arms[0]
        answers = [title for title, is_answer in zip(side.paths.titles, side.paths.is_answer, strict=True) if is_answer]
        return guess_round(text, side.paths, answers[0] if answers else side.paths.titles[0])

    def _arm(self, name: str) -> Arm:
        arm = self.lab.builder.menu.find(name)
        if not arm.has_vectors:
            raise LabError(f"{name!r} has no vectors to look at: choose another method.")
        return arm
