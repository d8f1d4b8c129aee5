"""The six named calls: typed, bounded, and answered in the JSON of the command line's `--json`."""

# ruff: noqa: D417 - the docstrings are shown to agents, who do not give the lab.
from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass, replace
from typing import Annotated, Any, TypeAlias

from pydantic import Field

from mrl_demo.advisor.recommend import PRECISION_SETS, Advice, advice_plan
from mrl_demo.core.errors import CorpusError
from mrl_demo.core.types import Progress
from mrl_demo.corpora.labels.filters import parse_where
from mrl_demo.evaluation.sweeps.plan import SweepPlan
from mrl_demo.exports.catalogue import find_target
from mrl_demo.lab.exporting import ExportChoice
from mrl_demo.lab.protocol import LabProtocol
from mrl_demo.thresholds.measure import ThresholdQuestion

MOST_RESULTS = 50
MOST_QUERIES = 2_000
JsonAnswer: TypeAlias = dict[str, Any]
_Name: TypeAlias = Annotated[str, Field(max_length=200)]
_Names: TypeAlias = Annotated[list[_Name], Field(min_length=1, max_length=6)]
_Query: TypeAlias = Annotated[str, Field(min_length=1, max_length=20_000)]
_Dim: TypeAlias = Annotated[int, Field(ge=1, le=100_000)]
_Dims: TypeAlias = Annotated[list[_Dim], Field(max_length=12)]
_Queries: TypeAlias = Annotated[int, Field(ge=0, le=MOST_QUERIES)]
_Condition: TypeAlias = Annotated[str, Field(max_length=300)]
_Results: TypeAlias = Annotated[int, Field(ge=1, le=MOST_RESULTS)]


@dataclass(frozen=True)
class ApiCall:
    """One checked call: what has to be ready for it, and `run(progress)`, which answers in plain JSON types.

    Calls of one `key` have the same answer. `is_heavy` ones measure, for seconds or minutes.
    """

    key: Hashable
    corpus: str
    arms: tuple[str, ...]
    run: Callable[[Progress], JsonAnswer]
    is_heavy: bool = True


def ask_search(
    lab: LabProtocol,
    query: _Query,
    arm: _Name = "tuned",
    dim: _Dim = 64,
    corpus: _Name = "builtin",
    top_k: _Results = 5,
    where: _Condition = "",
) -> ApiCall:
    """Search a collection by meaning with one embedding model ("arm") whose vectors are cut to `dim` numbers.

    The answer has the best documents with cosine and rank, where each stands with uncut vectors, the known answer's
    rank if the question is a judged one, bytes a vector, and a verdict on what the cut costs this question.

    Args:
        query: The question, in plain words.
        arm: Name of the model and what is done to its vectors, such as base or tuned.
        dim: How many of the vector's numbers to keep, from 1 to the arm's full length.
        corpus: Name of the collection to search.
        top_k: How many documents to return, at most 50.
        where: Search only documents with a label, as in topic=bees; empty for all.
    """
    return ask_compare(lab, query, [arm], dim, corpus, top_k, where)


def ask_compare(
    lab: LabProtocol,
    query: _Query,
    arms: _Names = ["base", "tuned"],  # noqa: B006 - read only; the schema that agents see shows it
    dim: _Dim = 64,
    corpus: _Name = "builtin",
    top_k: _Results = 5,
    where: _Condition = "",
) -> ApiCall:
    """Search with several arms at the same length and say which one keeps the answer.

    Use it to see what shortening does to one question with an ordinary model and with a Matryoshka model.

    Args:
        query: The question, in plain words.
        arms: Names of one to six arms to compare.
        dim: How many of the vectors' numbers to keep.
        corpus: Name of the collection to search.
        top_k: How many documents to return for each arm, at most 50.
        where: Search only documents with a label, as in topic=bees; empty for all.
    """
    named, part = _arms(lab, arms), parse_where([where]) if where else {}

    def run(_progress: Progress) -> JsonAnswer:
        """Search."""
        return lab.compare(query, corpus=corpus, arms=named, dim=dim, top_k=top_k, where=part).to_dict()

    return ApiCall(
        ("compare", query, named, dim, corpus, top_k, where), _corpus(lab, corpus), named, run, is_heavy=False
    )


def ask_evaluate(
    lab: LabProtocol,
    arms: _Names = ["base", "tuned"],  # noqa: B006
    dims: _Dims = [32, 64, 128, 384],  # noqa: B006
    precisions: _Names = ["float32"],  # noqa: B006
    metrics: _Names = ["ndcg@10"],  # noqa: B006
    corpus: _Name = "builtin",
    queries: _Queries = 200,
    seed: int = 0,
) -> ApiCall:
    """Measure search quality of arms over vector lengths and number formats, with 95% intervals. Takes seconds or more.

    Args:
        arms: Names of one to six arms; bm25 is one too, for word search.
        dims: Lengths to measure.
        precisions: Ways to store a number: float32, float16, int8, binary, or int8+rescore and the like.
        metrics: Such as ndcg@10, mrr@10, recall@10, overlap@10 (agreement with uncut vectors).
        corpus: Name of the collection.
        queries: Draw so many of its judged questions, at most 2,000; 0 takes all.
        seed: Seed of that draw.
    """
    named = _arms(lab, arms)
    plan = SweepPlan(
        named, tuple(dims) or None, tuple(precisions), tuple(metrics), queries=_bounded(queries), seed=seed
    )
    return ApiCall(
        ("evaluate", corpus, plan), _corpus(lab, corpus), named, lambda told: lab.evaluate(corpus, plan, told).to_dict()
    )


def ask_recommend(
    lab: LabProtocol,
    arms: _Names = ["base", "corpus-pca"],  # noqa: B006
    target: Annotated[float, Field(gt=0, le=1)] = 0.95,
    metric: _Name = "ndcg@10",
    reference: _Name = "base",
    most_bytes: Annotated[int, Field(ge=0, le=1_000_000)] = 0,
    precisions: Annotated[list[_Name], Field(min_length=1, max_length=16)] = list(PRECISION_SETS["usual"]),  # noqa: B006
    corpus: _Name = "builtin",
    queries: _Queries = 200,
    seed: int = 0,
) -> ApiCall:
    """Name the smallest way to store vectors that surely keeps a share of full search quality. Takes up to a minute.

    The answer's "sentence" says it in words; "best" is null if nothing is sure to hold, and "rivals" come nearest.

    Args:
        arms: Names of the arms to choose from.
        target: Share of the reference's quality to keep, as in 0.95.
        metric: What quality is: ndcg@10, mrr@10, recall@10.
        reference: The arm in use today, uncut, that the share is of.
        most_bytes: At most so many bytes a vector; 0 for any number.
        precisions: Ways to store a number to choose from, such as float32, int8, binary+rescore.
        corpus: Name of the collection.
        queries: Draw so many of its judged questions, at most 2,000; 0 takes as many as half a minute allows.
        seed: Seed of that draw.
    """
    named, (before,) = _arms(lab, arms), _arms(lab, [reference])
    advice = Advice(target, metric, before, most_bytes)
    plan = replace(advice_plan(advice, named), precisions=tuple(precisions), queries=queries, seed=seed)

    def run(progress: Progress) -> JsonAnswer:
        """Measure and recommend."""
        return lab.consult(corpus, advice, plan, progress).recommendation.to_dict()

    return ApiCall(("recommend", corpus, advice, plan), _corpus(lab, corpus), plan.arms, run)


def ask_export(
    lab: LabProtocol,
    target: _Name,
    arm: _Name = "tuned",
    dim: _Dim = 64,
    precision: _Name = "float32",
    corpus: _Name = "builtin",
    with_binary: bool = False,
) -> ApiCall:
    """Write the files that run a setting in a vector database or embedding server: scripts, schema, rotation, README.

    Args:
        target: Engine or server: pgvector, qdrant, faiss, milvus, elasticsearch, vespa, vllm and others.
        arm: Name of the arm to run.
        dim: How many of the vectors' numbers to keep.
        precision: How they are stored: float32, float16, int8, int4, binary, each also with +rescore.
        corpus: Name of the collection that a fitted rotation is for.
        with_binary: Whether to send the rotation's matrix (about 800 kB) and not only its size and hash.
    """
    (named,) = _arms(lab, [arm])
    engine, choice = find_target(target).name, ExportChoice(named, dim, precision)

    def run(progress: Progress) -> JsonAnswer:
        """Make the files."""
        return lab.export(corpus, engine, choice, progress).to_dict(with_binary=with_binary)

    return ApiCall(("export", corpus, engine, choice, with_binary), _corpus(lab, corpus), (named,), run)


def ask_threshold(
    lab: LabProtocol,
    cutoff: Annotated[float, Field(gt=-1, lt=1)],
    arm: _Name = "base",
    dim: _Dim = 64,
    precision: _Name = "float32",
    full_arm: _Name = "",
    corpus: _Name = "builtin",
    queries: _Queries = 200,
    seed: int = 0,
) -> ApiCall:
    """Translate a cosine cut-off in use for full vectors to shorter or coarser ones: scores move when vectors are cut.

    Args:
        cutoff: The cosine cut-off in use at full length, as in 0.7.
        arm: Name of the arm that the new cut-off is for.
        dim: How many of the vectors' numbers to keep.
        precision: How they are stored: float32, float16, int8, binary and others.
        full_arm: The arm that the old cut-off is for; empty if it is the same.
        corpus: Name of the collection whose pairs are scored.
        queries: Draw so many of its judged questions, at most 2,000; 0 takes all.
        seed: Seed of that draw.
    """
    named = _arms(lab, [arm, *([full_arm] if full_arm else [])])
    question = ThresholdQuestion(cutoff, arm, dim, precision, full_arm, queries=_bounded(queries), seed=seed)

    def run(progress: Progress) -> JsonAnswer:
        """Translate the cut-off."""
        return lab.translate_threshold(corpus, question, progress).to_dict()

    return ApiCall(("threshold", corpus, question), _corpus(lab, corpus), named, run)


#: By the names under which programs know them.
CALLS: dict[str, Callable[..., ApiCall]] = {
    "search": ask_search,
    "compare": ask_compare,
    "evaluate": ask_evaluate,
    "recommend": ask_recommend,
    "export": ask_export,
    "threshold": ask_threshold,
}


def _arms(lab: LabProtocol, names: Sequence[str]) -> tuple[str, ...]:
    """The names, each once, if all are on the menu: what a stranger names never loads a folder or a Hub model."""
    return tuple(dict.fromkeys(lab.builder.menu.find_public(name).name for name in names))


def _corpus(lab: LabProtocol, name: str) -> str:
    names = [choice.name for choice in lab.corpora()]
    if name not in names:
        raise CorpusError(f"There is no corpus {name!r}: choose one of {', '.join(names)}.")
    return name


def _bounded(queries: int) -> int:
    """How many queries to draw: 0 asks for all, which are not more than any caller may ask for."""
    return queries or MOST_QUERIES
