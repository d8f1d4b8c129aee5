"""What a page needs of a lab: `Lab` has it, and so has the tests' stand-in."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from mrl_demo.advisor.blind import BlindPair, BlindVerdict
from mrl_demo.advisor.ceiling import Ceiling
from mrl_demo.advisor.consult import Consultation
from mrl_demo.advisor.recommend import Advice
from mrl_demo.arms.arm import Arm
from mrl_demo.arms.given import GivenFiles
from mrl_demo.arms.spaces import SpaceBuilder
from mrl_demo.core.config import Settings
from mrl_demo.core.types import ArmSpec, Comparison, Corpus, Progress
from mrl_demo.corpora.labels.filters import LabelCount
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
from mrl_demo.layers.grid import LayerGrid, LayerQuestion
from mrl_demo.lessons.pitfalls import SAMPLE, PitfallReport
from mrl_demo.models.specs import AS_IT_SAYS, ModelOptions
from mrl_demo.scale.growth import Growth, GrowthQuestion
from mrl_demo.thresholds.measure import ThresholdQuestion, TranslatedThreshold
from mrl_demo.trees.prefix_tree import TREE_DIMS, PrefixTree

if TYPE_CHECKING:
    from mrl_demo.corpora.questions.judged import QuestionSet
    from mrl_demo.lab.written_questions import WrittenQuestions
    from mrl_demo.maps.collection_map import CollectionMap
    from mrl_demo.reports.migration import MigrationSheet
    from mrl_demo.serving.chat import ChatTarget


class LabProtocol(Protocol):
    """Menus, searches, and what measurements read; each method as `Lab` documents it."""

    @property
    def settings(self) -> Settings:
        """Paths, limits, and whether training is switched on."""
        ...

    @property
    def builder(self) -> SpaceBuilder:
        """Where measurements get their vectors."""
        ...

    def arms(self) -> tuple[ArmSpec, ...]: ...

    def base_of(self, arm: str) -> str: ...

    def indexes(self) -> tuple[str, ...]: ...

    def engine_speed(
        self, corpus: str, arm: str, dims: Sequence[int] = (), progress: Progress | None = None
    ) -> EngineSpeed | None: ...

    def has_pictures(self, corpus: str) -> bool: ...

    def keep_picture(self, path: Path) -> str: ...

    def unserved(self, corpus: str) -> dict[str, str]: ...

    def arms_serving(self, corpus: str, wanted: Sequence[str]) -> tuple[str, ...]: ...

    def full_dim(self, arms: Sequence[str]) -> int: ...

    def corpora(self) -> tuple[CorpusChoice, ...]: ...

    def add_private(self, corpus: Corpus) -> str: ...

    def remove_private(self, name: str) -> None: ...

    def ask_private(self, name: str, file: Path) -> QuestionSet: ...

    def asked_private(self, name: str) -> QuestionSet: ...

    def answer_private(self, name: str, question: str, document_id: str, *, is_answer: bool = True) -> QuestionSet: ...

    def add_private_questions(self, shared: str) -> str: ...

    def add_private_vectors(
        self, files: GivenFiles, corpus: str, reordered: Sequence[str] = (), taken: Collection[str] = ()
    ) -> tuple[Arm, ...]: ...

    def add_private_model(
        self,
        given: str,
        options: ModelOptions = AS_IT_SAYS,
        reordered: Sequence[str] = (),
        progress: Progress | None = None,
        taken: Collection[str] = (),
    ) -> tuple[Arm, ...]: ...

    def remove_private_arm(self, name: str) -> None: ...

    def write_questions(
        self,
        corpus: str,
        target: ChatTarget | None = None,
        count: int = 100,
        seed: int = 0,
        progress: Progress | None = None,
    ) -> WrittenQuestions: ...

    def label_of(self, name: str) -> str: ...

    def corpus(self, name: str, progress: Progress | None = None) -> Corpus: ...

    def examples(self, corpus: str) -> tuple[Example, ...]: ...

    def map(
        self, corpus: str, arms: Sequence[str], query: str = "", progress: Progress | None = None
    ) -> CollectionMap: ...

    def tree(
        self,
        corpus: str,
        arm: str,
        query: str = "",
        dims: Sequence[int] = TREE_DIMS,
        progress: Progress | None = None,
    ) -> PrefixTree: ...

    def layers(
        self, corpus: str, arm: str, question: LayerQuestion | None = None, progress: Progress | None = None
    ) -> LayerGrid: ...

    def is_mapped(self, corpus: str, arms: Sequence[str]) -> bool: ...

    def is_ready(self, corpus: str, arms: Sequence[str]) -> bool: ...

    def prepare(self, corpus: str, arms: Sequence[str], progress: Progress | None = None) -> None: ...

    def share_card(
        self,
        query: str,
        *,
        corpus: str,
        arms: Sequence[str],
        dim: object,
        address: str = "",
        where: Mapping[str, str] | None = None,
    ) -> bytes: ...

    def consult(
        self,
        corpus: str,
        advice: Advice,
        plan: SweepPlan,
        progress: Progress | None = None,
        verdicts: Sequence[BlindVerdict] = (),
    ) -> Consultation: ...

    def blind_pairs(self, consultation: Consultation, count: int = 8) -> tuple[BlindPair, ...]: ...

    def ceiling(self, consultation: Consultation, progress: Progress | None = None) -> Ceiling: ...

    def translate_threshold(
        self, corpus: str, question: ThresholdQuestion, progress: Progress | None = None
    ) -> TranslatedThreshold: ...

    def funnel(
        self, corpus: str, arm: str, stages: str, draw: QueryDraw | None = None, progress: Progress | None = None
    ) -> FunnelReport: ...

    def cheapest_funnel(
        self, corpus: str, arm: str, keep: float, draw: QueryDraw | None = None, progress: Progress | None = None
    ) -> CheapestCascade: ...

    def funnel_proof(
        self, corpus: str, arm: str, draw: QueryDraw | None = None, progress: Progress | None = None
    ) -> ProofReport: ...

    def growth(self, corpus: str, question: GrowthQuestion, progress: Progress | None = None) -> Growth: ...

    def gate(
        self,
        corpus: str,
        arm: str,
        question: GateQuestion | None = None,
        draw: QueryDraw | None = None,
        progress: Progress | None = None,
    ) -> GateReport: ...

    def evaluate(self, corpus: str, plan: SweepPlan, progress: Progress | None = None) -> SweepResult: ...

    def export(
        self,
        corpus: str,
        target: str,
        choice: ExportChoice,
        progress: Progress | None = None,
        with_vectors: bool = False,
    ) -> Bundle: ...

    def migration(
        self,
        corpus: str,
        target: str,
        choice: ExportChoice,
        reference: str = "base",
        cutoff: float | None = None,
        progress: Progress | None = None,
    ) -> MigrationSheet: ...

    def pitfalls(
        self, corpus: str, arm: str, dim: object, queries: int = SAMPLE, progress: Progress | None = None
    ) -> PitfallReport: ...

    def first_look(self, query: str, *, corpus: str, arms: Sequence[str], dim: object) -> Comparison: ...

    def compare_at(
        self,
        query: str,
        *,
        corpus: str,
        arms: Sequence[str],
        dims: Sequence[object],
        top_k: int | None = None,
        where: Mapping[str, str] | None = None,
    ) -> tuple[Comparison, ...]: ...

    def compare(
        self,
        query: str,
        *,
        corpus: str,
        arms: Sequence[str],
        dim: object,
        top_k: int | None = None,
        where: Mapping[str, str] | None = None,
    ) -> Comparison: ...

    def labels(self, corpus: str) -> tuple[LabelCount, ...]: ...
