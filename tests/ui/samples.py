"""Small dataclasses and a stand-in lab for tests of the page's pure parts."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from mrl_demo.advisor.blind import BlindPair, BlindVerdict
from mrl_demo.advisor.ceiling import Ceiling
from mrl_demo.advisor.consult import Consultation
from mrl_demo.advisor.recommend import Advice
from mrl_demo.arms.arm import Arm
from mrl_demo.arms.given import GivenFiles
from mrl_demo.arms.spaces import SpaceBuilder
from mrl_demo.core.config import Settings
from mrl_demo.core.errors import InvalidDimensionError, LabError
from mrl_demo.core.types import (
    ArmSpec,
    ComparedArm,
    Comparison,
    Corpus,
    Document,
    Hit,
    Progress,
    RankPaths,
    SearchResult,
)
from mrl_demo.core.verdict import SideVerdict, Verdict
from mrl_demo.corpora.labels.filters import LabelCount
from mrl_demo.corpora.questions.judged import QuestionSet
from mrl_demo.corpora.shipped.examples import Example
from mrl_demo.evaluation.judging.ranked import QueryDraw
from mrl_demo.evaluation.speed.engines import EngineSpeed
from mrl_demo.evaluation.sweeps.plan import SweepPlan
from mrl_demo.evaluation.sweeps.results import SweepResult
from mrl_demo.exports.target import Bundle
from mrl_demo.funnels.cheapest import CheapestCascade
from mrl_demo.funnels.measure import FunnelReport
from mrl_demo.funnels.proof import ProofReport
from mrl_demo.gating.allocation import GateQuestion, GateReport
from mrl_demo.lab.choices import CorpusChoice
from mrl_demo.lab.exporting import ExportChoice
from mrl_demo.lab.protocol import LabProtocol
from mrl_demo.lab.written_questions import WrittenQuestions
from mrl_demo.layers.grid import LayerCell, LayerGrid, LayerQuestion, LayerTime
from mrl_demo.lessons.pitfalls import PitfallReport
from mrl_demo.maps.collection_map import CollectionMap, MapSide
from mrl_demo.maps.groups import Grouping
from mrl_demo.models.registry import EncoderRegistry
from mrl_demo.models.specs import AS_IT_SAYS, ModelOptions
from mrl_demo.reports.migration import MigrationSheet
from mrl_demo.scale.growth import Growth, GrowthQuestion
from mrl_demo.serving.chat import ChatTarget
from mrl_demo.thresholds.measure import ThresholdQuestion, TranslatedThreshold
from mrl_demo.trees.prefix_tree import PathStep, PrefixTree, TreeFloor, TreeNode

NASTY = "<script>alert('x')</script>\"&\u202eevil\x07\u0000 שלום 😀"
DIMS = (1, 8, 64, 384)


def hit(
    rank: int = 1,
    full_rank: int = 4,
    *,
    title: str = "Bees",
    text: str = "They dance.",
    answer: bool = False,
    tied: bool = False,
) -> Hit:
    return Hit(rank, rank + 10, Document(f"d{rank}", title, text), 0.5, full_rank, answer, tied)


def result(
    arm: str = "base", dim: int = 64, *, hits: tuple[Hit, ...] | None = None, answer: int | None = 3
) -> SearchResult:
    found = (hit(1, 4), hit(2, 2, answer=True), hit(3, 1)) if hits is None else hits
    full_answer = None if answer is None else 1
    return SearchResult(arm, dim, 384, found, 0.7, answer, full_answer, 11.84, 0.412, 10_000)


def paths(
    arm: str = "base",
    *,
    ranks: Sequence[Sequence[int]] = ((40, 7, 2, 1), (5, 3, 1, 2)),
    answers: tuple[bool, ...] = (True, False),
    tracked: str = "answer",
    holds_from: int | None = 64,
    titles: tuple[str, ...] | None = None,
) -> RankPaths:
    names = titles or tuple(f"Document {i}" for i in range(len(ranks)))
    matrix = np.asarray(ranks, dtype=np.int64).reshape(len(ranks), len(DIMS))
    return RankPaths(arm, DIMS, tuple(range(len(ranks))), names, answers, matrix, tracked, holds_from, 3)


def comparison(dim: int = 64, query: str = "how do bees talk", note: str = "") -> Comparison:
    arms = tuple(
        ComparedArm(ArmSpec(name, name.capitalize(), f"What {name} is.", "minilm"), result(name, dim), paths(name))
        for name in ("base", "tuned")
    )
    return Comparison(query, "builtin", dim, note, arms, verdict=verdict(dim))


def verdict(dim: int = 64) -> Verdict:
    left = SideVerdict("base", "Base", 384, "Bees", 3, 1, True, kept=7, depth=10, best_score=0.6)
    return Verdict(dim, (left, replace(left, arm="tuned", label="Tuned", rank=2, full_rank=2)))


class StubLab:
    """Answers with sample data; "broken" raises what users cause, "bug" what we cause."""

    def __init__(self, settings: Settings | None = None) -> None:
        self.settings = settings or Settings()
        self.unready = {"own"}
        self.removed: tuple[str, ...] = ()
        encoders = EncoderRegistry(self.settings)
        self.builder = SpaceBuilder(encoders, self.settings.cache_dir, self.settings.assets_dir)

    def corpus(self, name: str, progress: Progress | None = None) -> Corpus:
        return Corpus(name, name, (), "fingerprint")

    def arms(self) -> tuple[ArmSpec, ...]:
        return tuple(arm.spec for arm in comparison().arms)

    def indexes(self) -> tuple[str, ...]:
        return ()

    def engine_speed(
        self, corpus: str, arm: str, dims: Sequence[int] = (), progress: Progress | None = None
    ) -> EngineSpeed | None:
        return None

    def base_of(self, arm: str) -> str:
        return "base"

    def has_pictures(self, corpus: str) -> bool:
        return False

    def keep_picture(self, path: Path) -> str:
        raise NotImplementedError

    def unserved(self, corpus: str) -> dict[str, str]:
        return {}

    def arms_serving(self, corpus: str, wanted: Sequence[str]) -> tuple[str, ...]:
        return tuple(wanted)

    def full_dim(self, arms: Sequence[str]) -> int:
        return 384

    def corpora(self) -> tuple[CorpusChoice, ...]:
        return (CorpusChoice("builtin", "Built in", "", True), CorpusChoice("own", "Own", "", False))

    def examples(self, corpus: str) -> tuple[Example, ...]:
        return tuple(Example(f"{corpus} question {i}", "a paraphrase") for i in range(8))

    def is_ready(self, corpus: str, arms: Sequence[str]) -> bool:
        return corpus not in self.unready

    def prepare(self, corpus: str, arms: Sequence[str], progress: Progress | None = None) -> None:
        if corpus == "broken":
            raise LabError("There is no corpus 'broken'.")
        self.unready.discard(corpus)
        if progress:
            progress(0.5, "Encoding")

    def map(self, corpus: str, arms: Sequence[str], query: str = "", progress: Progress | None = None) -> CollectionMap:
        if corpus == "broken":
            raise LabError("There is no corpus 'broken'.")
        documents = (Document("d1", NASTY, "They dance."), Document("d2", "", "It is brewed."))
        kept = np.array([[0, 1], [1, 1]], np.uint8)
        tens = ((1, 0), (0, 1)) if query else ()
        sides = tuple(MapSide(arm, arm.capitalize(), 384, kept, tens) for arm in arms)
        places = np.array([[0, 0], [1, 1]], np.float32)
        grouping = Grouping(("all documents",), np.zeros(2, np.int64), False)
        return CollectionMap(corpus, query, 2, documents, places, grouping, (64, 384), sides)

    def tree(
        self,
        corpus: str,
        arm: str,
        query: str = "",
        dims: Sequence[int] = (8, 384),
        progress: Progress | None = None,
    ) -> PrefixTree:
        if corpus == "broken":
            raise LabError("There is no corpus 'broken'.")
        documents = (Document("d1", NASTY, "They dance."), Document("d2", "", "It is brewed."))
        centre = np.ones(1, np.float32)
        leaf = TreeNode(NASTY, 0.5, 384, (0, 1), centre)
        floors = (TreeFloor(8, 1, {"topic": 0.5}), TreeFloor(384, 1, {"topic": 0.5}))
        whole = TreeNode("bees", 0.5, 8, (0, 1), centre, (leaf,))
        tree = PrefixTree(corpus, arm, arm.capitalize(), 2, documents, floors, (whole,), ("topic",))
        steps = (PathStep(8, 0, "bees", 2, 0.9, 0.1, True), PathStep(384, 0, NASTY, 2, 0.9, 0.1, False))
        return replace(tree, query=query, path=steps, best=0, reached=(1,)) if query else tree

    def layers(
        self, corpus: str, arm: str, question: LayerQuestion | None = None, progress: Progress | None = None
    ) -> LayerGrid:
        if corpus == "broken":
            raise LabError("There is no corpus 'broken'.")
        if progress:
            progress(0.5, "Measuring")
        cells = tuple(LayerCell(k, dim, 0.1 * k + dim / 1000, 0.1, 0.9) for k in (1, 2) for dim in (8, 384))
        times = (LayerTime(1, 2.0, 400.0), LayerTime(2, 4.0, 200.0))
        label = arm.capitalize()
        return LayerGrid(arm, label, corpus, "ndcg@10", 9, 99, cells, times, "two cores", "2026-11-27T12:00:00")

    def is_mapped(self, corpus: str, arms: Sequence[str]) -> bool:
        return corpus == "builtin"

    def share_card(
        self,
        query: str,
        *,
        corpus: str,
        arms: Sequence[str],
        dim: object,
        address: str = "",
        where: Mapping[str, str] | None = None,
    ) -> bytes:
        self.compare(query, corpus=corpus, arms=arms, dim=dim)
        return f"card of {query} at {dim}, {address}".encode()

    def evaluate(self, corpus: str, plan: SweepPlan, progress: Progress | None = None) -> SweepResult:
        raise LabError(f"{corpus} has no query to score.")

    def consult(
        self,
        corpus: str,
        advice: Advice,
        plan: SweepPlan,
        progress: Progress | None = None,
        verdicts: Sequence[BlindVerdict] = (),
    ) -> Consultation:
        raise LabError(f"{corpus} has no query to score.")

    def blind_pairs(self, consultation: Consultation, count: int = 8) -> tuple[BlindPair, ...]:
        return ()

    def ceiling(self, consultation: Consultation, progress: Progress | None = None) -> Ceiling:
        raise LabError("Nothing is judged.")

    def translate_threshold(
        self, corpus: str, question: ThresholdQuestion, progress: Progress | None = None
    ) -> TranslatedThreshold:
        raise LabError(f"{corpus} has no query to score.")

    def growth(self, corpus: str, question: GrowthQuestion, progress: Progress | None = None) -> Growth:
        raise LabError(f"{corpus} has no parts worth measuring.")

    def export(
        self,
        corpus: str,
        target: str,
        choice: ExportChoice,
        progress: Progress | None = None,
        with_vectors: bool = False,
    ) -> Bundle:
        return Bundle(target, {"README.md": f"{choice.arm} at {choice.dim} over {corpus}"})

    def migration(
        self,
        corpus: str,
        target: str,
        choice: ExportChoice,
        reference: str = "base",
        cutoff: float | None = None,
        progress: Progress | None = None,
    ) -> MigrationSheet:
        raise LabError(f"{corpus} has no judged queries.")

    def funnel(
        self, corpus: str, arm: str, stages: str, draw: QueryDraw | None = None, progress: Progress | None = None
    ) -> FunnelReport:
        raise LabError(f"{corpus} has no query to score.")

    def cheapest_funnel(
        self, corpus: str, arm: str, keep: float, draw: QueryDraw | None = None, progress: Progress | None = None
    ) -> CheapestCascade:
        raise LabError(f"{corpus} has no query to score.")

    def funnel_proof(
        self, corpus: str, arm: str, draw: QueryDraw | None = None, progress: Progress | None = None
    ) -> ProofReport:
        raise LabError(f"{corpus} has no query to score.")

    def gate(
        self,
        corpus: str,
        arm: str,
        question: GateQuestion | None = None,
        draw: QueryDraw | None = None,
        progress: Progress | None = None,
    ) -> GateReport:
        raise LabError(f"{corpus} has no query to score.")

    def pitfalls(
        self, corpus: str, arm: str, dim: object, queries: int = 200, progress: Progress | None = None
    ) -> PitfallReport:
        raise LabError(f"{corpus} has no query to score.")

    def first_look(self, query: str, *, corpus: str, arms: Sequence[str], dim: object) -> Comparison:
        return self.compare(query, corpus=corpus, arms=arms, dim=dim)

    def add_private(self, corpus: Corpus) -> str:
        self.private = replace(corpus, name="own-secret")
        return "own-secret"

    def remove_private(self, name: str) -> None:
        self.removed = (*self.removed, name)

    def ask_private(self, name: str, file: Path) -> QuestionSet:
        raise LabError("no own documents here")

    def add_private_vectors(
        self, files: GivenFiles, corpus: str, reordered: Sequence[str] = (), taken: Collection[str] = ()
    ) -> tuple[Arm, ...]:
        raise LabError("no own documents here")

    def add_private_model(
        self,
        given: str,
        options: ModelOptions = AS_IT_SAYS,
        reordered: Sequence[str] = (),
        progress: Progress | None = None,
        taken: Collection[str] = (),
    ) -> tuple[Arm, ...]:
        raise LabError("no models here")

    def remove_private_arm(self, name: str) -> None:
        self.removed = (*self.removed, name)

    def asked_private(self, name: str) -> QuestionSet:
        return QuestionSet((), {})

    def answer_private(self, name: str, question: str, document_id: str, *, is_answer: bool = True) -> QuestionSet:
        raise LabError("no own documents here")

    def add_private_questions(self, shared: str) -> str:
        return "own-secret"

    def write_questions(
        self,
        corpus: str,
        target: ChatTarget | None = None,
        count: int = 100,
        seed: int = 0,
        progress: Progress | None = None,
    ) -> WrittenQuestions:
        raise LabError("no own documents here")

    def label_of(self, name: str) -> str:
        return name

    def labels(self, corpus: str) -> tuple[LabelCount, ...]:
        return (LabelCount("topic", "bees", 10), LabelCount("topic", "tea", 1)) if corpus == "builtin" else ()

    def compare_at(
        self,
        query: str,
        *,
        corpus: str,
        arms: Sequence[str],
        dims: Sequence[object],
        top_k: int | None = None,
        where: Mapping[str, str] | None = None,
    ) -> tuple[Comparison, ...]:
        return tuple(self.compare(query, corpus=corpus, arms=arms, dim=dim, top_k=top_k, where=where) for dim in dims)

    def compare(
        self,
        query: str,
        *,
        corpus: str,
        arms: Sequence[str],
        dim: object,
        top_k: int | None = None,
        where: Mapping[str, str] | None = None,
    ) -> Comparison:
        if not isinstance(dim, int) or not 1 <= dim <= 384:
            raise InvalidDimensionError(f"Dimension {dim!r} is not a whole number from 1 to 384.")
        if query == "broken":
            raise LabError("The cache file <x> is damaged.")
        if query == "bug":
            raise ZeroDivisionError("a secret detail")
        answered = comparison(dim, query, note="The query was cut." if query == "long" else "")
        return replace(answered, where=where or {})


#: Read by the type checker: the stand-in has all that the page needs of a lab.
STAND_IN: LabProtocol = StubLab()
