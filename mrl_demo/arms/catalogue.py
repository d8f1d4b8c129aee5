"""The arms that ship: one row each, in the order of the menus. A new arm is a transform and a row."""

from __future__ import annotations

import zlib
from collections.abc import Collection, Sequence

from mrl_demo.arms.arm import Arm, ArmGroup
from mrl_demo.arms.transforms.adapted import Adapted
from mrl_demo.arms.transforms.corpus_pca import CorpusPca
from mrl_demo.arms.transforms.judged_head import JudgedHead
from mrl_demo.arms.transforms.label_order import LabelOrder
from mrl_demo.arms.transforms.query_aware import QueryAware
from mrl_demo.arms.transforms.random_order import RandomOrder
from mrl_demo.arms.transforms.sparse_codes import SparseCodes
from mrl_demo.arms.transforms.training_pca import TrainingPca
from mrl_demo.arms.transforms.tuned_rotation import TunedRotation
from mrl_demo.core.style import Style
from mrl_demo.core.types import TRAINED_DIMS
from mrl_demo.models.specs import HUB_MODELS

BM25 = "bm25"

#: What is left of the tuned model if nothing but its axes is kept.
ROTATION_ONLY = "rotation-only"

#: Mid-tones with 3:1 contrast on white and on near black.
ARMS: tuple[Arm, ...] = (
    Arm(
        name="base",
        label="Ordinary model",
        description="The pretrained model (all-MiniLM-L6-v2); its vectors are simply cut and re-normalised.",
        encoder="minilm",
        style=Style("#c8601a", "circle"),
        is_baseline=True,
        group=ArmGroup.MODEL,
    ),
    Arm(
        name="tuned",
        label="Matryoshka model",
        description="Fine-tuned with MatryoshkaLoss on pairs of many sources. Re-ordering without training comes "
        "close: try it beside this.",
        encoder="tuned",
        trained_dims=TRAINED_DIMS,
        style=Style("#1c8da6", "square"),
        contender=1,
        group=ArmGroup.MODEL,
    ),
    Arm(
        name="tuned-2d",
        label="Matryoshka by layers too",
        description="The ordinary model in the tuned model’s axes with a learned exit behind every layer: for fewer "
        "layers than all (tuned-2d@3, the layer slider).",
        encoder="tuned-2d",
        trained_dims=(16, 32, 64, 128, 384),
        style=Style("#487a9c", "diamond-x", "dashdot"),
        group=ArmGroup.MODEL,
    ),
    Arm(
        name="tuned-plain",
        label="Tuned without Matryoshka",
        description="The control: the same data, steps and seed as the tuned model, without MatryoshkaLoss.",
        encoder="tuned-plain",
        style=Style("#5f7fd6", "diamond", "dash"),
        group=ArmGroup.CONTROL,
    ),
    Arm(
        name=ROTATION_ONLY,
        label="Ordinary + the Matryoshka model’s rotation",
        description="The control: the ordinary model in the axes of the tuned one, no weight of it trained.",
        encoder="minilm",
        transform=TunedRotation(),
        style=Style("#a3703d", "triangle-left", "dot"),
        group=ArmGroup.CONTROL,
    ),
    Arm(
        name="base-pca",
        label="Ordinary + PCA of training text",
        description="The ordinary model, rotated by a PCA fitted on the training text.",
        encoder="minilm",
        transform=TrainingPca(),
        style=Style("#a98200", "triangle-up", "dot"),
        is_baseline=True,
        group=ArmGroup.CONTROL,
    ),
    Arm(
        name="corpus-pca",
        label="Ordinary + PCA of these documents",
        description="The ordinary model, rotated by a PCA fitted on the documents being searched.",
        encoder="minilm",
        transform=CorpusPca(),
        style=Style("#c0528f", "triangle-down", "dash"),
        contender=3,
        group=ArmGroup.FITTED,
    ),
    Arm(
        name="adapted",
        label="Re-ordered for these documents",
        description="The ordinary model with a rotation learned from these documents; the model is not trained.",
        encoder="minilm",
        transform=Adapted(),
        style=Style("#2f8f6a", "star"),
        contender=2,
        group=ArmGroup.FITTED,
    ),
    Arm(
        name="leanvec",
        label="Separate maps for queries and documents",
        description="The ordinary model with two maps fitted to these documents in closed form: one for queries.",
        encoder="minilm",
        transform=QueryAware(),
        style=Style("#b3588c", "diamond-wide"),
        group=ArmGroup.FITTED,
    ),
    Arm(
        name="csr",
        label="Sparse codes of these documents",
        description="The ordinary model’s vectors as few active units out of 1,536, learned from these documents: the "
        "slider says how many units are kept, at 4 bytes each, as many as one number takes.",
        encoder="minilm",
        transform=SparseCodes(),
        style=Style("#7d6a2f", "asterisk", "dashdot"),
        group=ArmGroup.FITTED,
    ),
    Arm(
        name="supervised",
        label="Taught by judged questions",
        description="The ordinary model with a small head learned from judged questions of the train split, and kept "
        "only if questions it did not see gain by it; else the documents’ PCA.",
        encoder="minilm",
        transform=JudgedHead(),
        style=Style("#a0557f", "triangle-ne", "dash"),
        group=ArmGroup.FITTED,
    ),
    Arm(
        name="hierarchical",
        label="Coarse to fine by labels",
        description="The ordinary model, rotated by the labels of these documents: 8 numbers tell domains apart, 32 "
        "topics, the rest passages. Labels that are asked about are left out.",
        encoder="minilm",
        transform=LabelOrder(),
        style=Style("#5b8c2a", "triangle-se", "dashdot"),
        group=ArmGroup.FITTED,
    ),
    Arm(
        name="tuned-adapted",
        label="Matryoshka, re-ordered for these documents",
        description="Both: the tuned model, rotated to fit these documents.",
        encoder="tuned",
        trained_dims=TRAINED_DIMS,
        transform=Adapted(),
        style=Style("#8f63cc", "hexagon"),
        group=ArmGroup.FITTED,
    ),
    Arm(
        name="base-random",
        label="Ordinary, random numbers kept",
        description="The ordinary model with randomly chosen numbers kept instead of the first ones.",
        encoder="minilm",
        transform=RandomOrder(),
        style=Style("#8b93a1", "x", "dot"),
        group=ArmGroup.CONTROL,
    ),
    Arm(
        name="wordllama",
        label="WordLlama (256 numbers)",
        description="Another model, a table of word vectors trained with MatryoshkaLoss: fast, and short already.",
        encoder="wordllama",
        trained_dims=(64, 128, 256),
        style=Style("#84812b", "star-square", "dash"),
    ),
    Arm(
        name="use-multilingual",
        label="Universal Sentence Encoder (16 languages)",
        description="Another model: Google’s multilingual encoder, version 3, with 512 numbers; not made for cutting.",
        encoder="use-multilingual",
        style=Style("#4685a3", "triangle-right", "dot"),
    ),
    Arm(
        name=BM25,
        label="Words alone (BM25)",
        description="Lexical baseline without a dimension: a horizontal line.",
        encoder="",
        style=Style("#8a7764", "line-ew", "longdash"),
        in_compare=False,
        group=ArmGroup.CONTROL,
    ),
)
#: What fits a model's vectors to the documents at hand without training it, the simplest first.
_UNTRAINED = ("corpus-pca", "adapted")
#: For models that join later.
_SPARE_STYLES = (
    Style("#b4534b", "pentagon"),
    Style("#4c8a3f", "cross"),
    Style("#77808f", "bowtie"),
    Style("#7a8b1f", "hourglass", "dash"),
    Style("#2f86c9", "diamond-tall", "dash"),
    Style("#b05aa8", "hexagram", "dash"),
)


def shipped_arms() -> tuple[Arm, ...]:
    """Every row of the catalogue, in the order of the menus."""
    return ARMS


def reserved_names() -> frozenset[str]:
    """Names that no model of a user's may take: those of the shipped arms, of their encoders and of the Hub models."""
    shipped = (name for arm in ARMS for name in (arm.name, arm.encoder) if name)
    return frozenset((*shipped, *(spec.name for spec in HUB_MODELS)))


def group_of(name: str) -> ArmGroup:
    """The group of a shipped arm; every other one, such as a model of the user's, is among the others.

    >>> group_of("adapted").value, group_of("mine").value
    ('fitted', 'other')
    """
    return next((arm.group for arm in ARMS if arm.name == name), ArmGroup.OTHER)


def arm_styles(names: Collection[str]) -> dict[str, Style]:
    """How each of the arms in one view is drawn: as its row says, and a spare style for models that joined later.

    A model's spare style is chosen by its name, so that it looks the same in every view; only if two in one view
    would share one does the later (by name) get the next that is free.

    >>> arm_styles(["base"])["base"].colour
    '#c8601a'
    """
    styles = {arm.name: arm.style for arm in ARMS if arm.style}
    drawn = {name: styles[name] for name in names if name in styles}
    for name in sorted(set(names) - set(drawn)):
        start = zlib.crc32(name.encode()) % len(_SPARE_STYLES)
        wishes = (*_SPARE_STYLES[start:], *_SPARE_STYLES[:start])
        drawn[name] = next((style for style in wishes if style not in drawn.values()), wishes[0])
    return drawn


def baselines() -> tuple[str, ...]:
    """Names of the arms that a newly trained model is measured against, base first."""
    return tuple(arm.name for arm in ARMS if arm.is_baseline)


def leading_arms(names: Sequence[str], most: int = 3) -> tuple[str, ...]:
    """The few of `names` that tell the story: the reference, the best contender, and what needs no training.

    >>> leading_arms(["bm25", "base", "base-pca", "tuned", "corpus-pca"])
    ('base', 'tuned', 'corpus-pca')
    """
    ordered = dict.fromkeys(
        name for name in (ARMS[0].name, best_contender(names), *_UNTRAINED, *names) if name in names
    )
    return tuple(str(name) for name in ordered)[:most]


def best_contender(names: Collection[str]) -> str | None:
    """The arm that stands beside base at first: the best contender among `names`, None without one."""
    ranked = sorted((arm.contender, arm.name) for arm in ARMS if arm.contender and arm.name in names)
    return ranked[0][1] if ranked else None
