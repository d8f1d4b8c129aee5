"""The commands that decide: which setting, which cut-off, at what price."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from dataclasses import fields, replace
from pathlib import Path
from typing import TYPE_CHECKING

from mrl_demo.commands.options import (
    ARM_HELP,
    add_corpus_options,
    add_draw_options,
    add_index_option,
    add_indexes,
    add_json_option,
    add_measuring_options,
    arm_names,
    chosen_corpus,
    document_count,
    read_input,
    split_words,
    whole_numbers,
    write_output,
)
from mrl_demo.core.command_line import Commands, ProgressLine, add_command, add_prompt_options
from mrl_demo.core.config import Settings

if TYPE_CHECKING:
    from mrl_demo.advisor.blind import BlindVerdict
    from mrl_demo.advisor.consult import Consultation
    from mrl_demo.evaluation.speed.engines import EngineSpeed
    from mrl_demo.lab.lab import Lab
    from mrl_demo.scale.growth import Growth

_RECOMMEND_EXAMPLES = """examples:
  %(prog)s --corpus my-folder --arms base,corpus-pca,adapted
  %(prog)s --arms base,tuned --metric recall@10 --target 0.98 --json
  %(prog)s --arms base,tuned --bytes 32 --shortlist 100
  %(prog)s --corpus my-folder --precisions float32,int8 --grow-to 10M     and when it has ten million documents?
  %(prog)s --arms base --write-pairs pairs.json            then fill in left, right or same, and:
  %(prog)s --arms base --verdicts pairs.json
"""
_THRESHOLD_EXAMPLES = """examples:
  %(prog)s 0.70 --arm base --dim 64                        what my cut-off of 0.70 at 384 becomes at 64
  %(prog)s 0.70 --full-arm base --arm adapted --dim 64 --precision int8 --corpus my-folder
"""
_REPORT_EXAMPLES = """examples:
  %(prog)s --corpus my-folder --arms base,adapted --cutoff 0.7 --out report.html
"""
_COST_EXAMPLES = """examples:
  %(prog)s --count 100000000 --full-dim 768 --dim 128 --precision int8
  %(prog)s --count 1000000 --dim 64 --memory-price 3.5 --disk-price 0.1 --currency EUR --replicas 3
"""


def add_decision_commands(commands: Commands) -> None:
    """Add `recommend`, `threshold`, `cost` and `report`."""
    _add_recommend(commands)
    _add_threshold(commands)
    _add_cost(commands)
    _add_report(commands)


def _add_recommend(commands: Commands) -> None:
    says = "name the smallest setting that keeps a share of full quality, and how sure that is"
    parser = add_command(commands, "recommend", says, _RECOMMEND_EXAMPLES)
    _add_advice_options(parser)
    parser.add_argument("--ceiling", action="store_true", help="measure too how much fitting could gain (minutes)")
    says = "say what the setting keeps in parts of the collection, and how that goes on to so many documents, as in 10M"
    parser.add_argument("--grow-to", type=document_count, default=0, metavar="COUNT", help=says)
    parser.add_argument("--write-pairs", type=Path, metavar="FILE", help="write answers to judge blind there")
    parser.add_argument("--verdicts", type=Path, metavar="FILE", help="that file with your verdicts filled in")
    add_index_option(parser)
    add_json_option(parser)
    add_prompt_options(parser)
    parser.set_defaults(handler=_recommend)


def _add_advice_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--arms", type=split_words, default="base,corpus-pca", help=f"{ARM_HELP}; commas between them")
    parser.add_argument("--reference", default="base", help="the arm at full length whose quality counts as 100%%")
    parser.add_argument("--metric", default="ndcg@10", help="ndcg@K, mrr@K, recall@K or map")
    parser.add_argument("--target", type=float, default=0.95, help="share of the reference's quality to keep")
    parser.add_argument("--bytes", type=int, default=0, help="at most so many bytes a vector in memory (0: any number)")
    parser.add_argument("--dims", type=whole_numbers, help="lengths to choose from (default: nine up to the full one)")
    says = "usual, more (int4, binary-mean, rabitq), all (pq too: minutes), or names with commas between them"
    parser.add_argument("--precisions", type=split_words, default="usual", help=says)
    parser.add_argument("--shortlist", type=int, default=0, help="how many documents are rescored (default: 40)")
    parser.add_argument("--max-tokens", type=int, default=0, help="cut texts at so many tokens (0: the model's limit)")
    add_draw_options(parser)
    add_corpus_options(parser)


def _add_report(commands: Commands) -> None:
    says = "write the whole decision as one HTML page: curves, recommendation, what breaks, cut-off, costs"
    parser = add_command(commands, "report", says, _REPORT_EXAMPLES)
    _add_advice_options(parser)
    parser.add_argument("--cutoff", type=float, default=0.5, help="cosine cut-off in use at full length")
    parser.add_argument("--count", type=int, default=1_000_000, help="vectors to price")
    parser.add_argument("--ceiling", action="store_true", help="measure too how much fitting could gain (minutes)")
    parser.add_argument("--engine", default="", help="with a migration sheet for an engine of `export`, as in faiss")
    parser.add_argument("--out", type=Path, required=True, help="HTML file to write")
    add_prompt_options(parser)
    parser.set_defaults(handler=_report)


def _add_threshold(commands: Commands) -> None:
    says = "translate a score cut-off for full vectors to shorter or coarser ones"
    parser = add_command(commands, "threshold", says, _THRESHOLD_EXAMPLES)
    parser.add_argument("cutoff", type=float, help="the cosine cut-off in use at full length, as in 0.7")
    parser.add_argument("--arm", default="base", help=ARM_HELP)
    parser.add_argument("--full-arm", default="", help="the arm that the cut-off is for (default: --arm)")
    parser.add_argument("--dim", type=int, default=64, help="numbers of the vector to keep")
    parser.add_argument("--precision", default="float32", help="how they are stored")
    add_measuring_options(parser)
    parser.set_defaults(handler=_threshold)


def _add_cost(commands: Commands) -> None:
    from mrl_demo.costs.model import HNSW_BYTES

    says = "what full, cut and funnelled vectors take in memory, disk and money"
    parser = add_command(commands, "cost", says, _COST_EXAMPLES)
    parser.add_argument(
        "--count", type=int, default=1_000_000, dest="vectors", metavar="COUNT", help="vectors to serve"
    )
    parser.add_argument("--full-dim", type=int, default=384, help="numbers that the model gives")
    parser.add_argument("--dim", type=int, default=64, help="numbers to keep")
    parser.add_argument("--precision", default="float32", help="how they are stored")
    parser.add_argument("--replicas", type=int, default=1, help="copies that serve")
    index = "bytes of index beside each vector (136: HNSW with M = 16; 0: none)"
    parser.add_argument("--index-bytes", type=float, default=HNSW_BYTES, help=index)
    parser.add_argument("--shortlist", type=int, default=100, help="documents a query that the funnel reads in full")
    parser.add_argument("--memory-price", type=float, help="price of a GiB of memory a month")
    parser.add_argument("--disk-price", type=float, help="price of a GB of disk a month")
    parser.add_argument("--currency", default="USD", help="what the prices are in")
    add_json_option(parser)
    parser.set_defaults(handler=_cost)


def _recommend(settings: Settings, options: argparse.Namespace) -> None:
    from mrl_demo.advisor.blind import read_verdicts, write_pairs
    from mrl_demo.advisor.report import print_recommendation
    from mrl_demo.lab.lab import Lab

    lab = Lab(settings)
    verdicts = read_verdicts(read_input(options.verdicts)) if options.verdicts else ()
    has_engine = add_indexes(lab, options)  # Before minutes are spent on what could not be timed there.
    consultation = _consult(lab, options, verdicts)
    recommendation = consultation.recommendation
    if options.write_pairs:
        pairs = lab.blind_pairs(consultation)
        write_output(options.write_pairs, write_pairs(pairs, verdicts))
        print(f"{len(pairs)} pairs to judge are in {options.write_pairs}", file=sys.stderr)
    ceiling = lab.ceiling(consultation, ProgressLine()) if options.ceiling else None
    speed = _engine_speed(lab, consultation) if has_engine else None
    if options.json:
        growth = _growth(lab, consultation, options.grow_to)
        more = {"ceiling": ceiling.to_dict()} if ceiling else {}
        more |= {"engine": speed.to_dict()} if speed else {}
        more |= {"growth": growth.to_dict()} if growth else {}
        print(json.dumps({**recommendation.to_dict(), **more}, ensure_ascii=False))
        return
    print_recommendation(recommendation)
    if ceiling:
        print(f"Ceiling: {ceiling.sentence()}")
    for sentence in speed.sentences() if speed else ():
        print(sentence)
    if growth := _growth(lab, consultation, options.grow_to):
        print(f"Growth: {growth.sentence()} {growth.target_sentence(recommendation.advice.target)}")


def _growth(lab: Lab, consultation: Consultation, grow_to: int) -> Growth | None:
    """What the recommended setting, or the nearest one, keeps as the collection grows."""
    from mrl_demo.evaluation.judging.ranked import QueryDraw
    from mrl_demo.scale.growth import GrowthQuestion

    plan, advised = consultation.plan, consultation.recommendation
    if not grow_to or advised.nearest is None:
        return None
    metric = "ndcg@10" if advised.kind == "agreement" else advised.advice.metric
    draw = QueryDraw(metric, plan.split, plan.queries, plan.seed, plan.max_tokens)
    setting = advised.nearest
    question = GrowthQuestion(setting.arm, setting.dim, setting.precision, grow_to, draw)
    return lab.growth(consultation.corpus.name, question, ProgressLine())


def _engine_speed(lab: Lab, consultation: Consultation) -> EngineSpeed | None:
    """What the engine that was named takes at the length recommended, and at the full one; why not, if it has not."""
    from mrl_demo.search.engines.errors import EngineMismatchError

    best, corpus = consultation.recommendation.nearest, consultation.recommendation.corpus
    if best is None:
        return None
    try:
        lab.require_index(corpus, [best.arm])
    except EngineMismatchError as error:
        print(f"Note: the engine was not timed. {error}", file=sys.stderr)
        return None
    return lab.engine_speed(corpus, best.arm, sorted({best.dim, lab.full_dim([best.arm])}), ProgressLine())


def _consult(lab: Lab, options: argparse.Namespace, verdicts: Sequence[BlindVerdict] = ()) -> Consultation:
    from mrl_demo.advisor.recommend import PRECISION_SETS, Advice, advice_plan
    from mrl_demo.search.quantised import with_shortlist

    corpus = chosen_corpus(lab, options, options.split)
    reference, *arms = arm_names(lab, [options.reference, *options.arms], options)
    advice = Advice(options.target, options.metric, reference, options.bytes)
    chosen = {name: getattr(options, name) for name in ("dims", "split", "queries", "seed", "max_tokens")}
    precisions = PRECISION_SETS.get(",".join(options.precisions), options.precisions)
    if options.shortlist:
        precisions = tuple(with_shortlist(name, options.shortlist) for name in precisions)
    chosen["precisions"] = precisions
    return lab.consult(corpus, advice, replace(advice_plan(advice, arms), **chosen), ProgressLine(), verdicts)


def _report(settings: Settings, options: argparse.Namespace) -> None:
    from mrl_demo.exports.catalogue import find_target
    from mrl_demo.lab.lab import Lab
    from mrl_demo.thresholds.translate import check_cutoff

    check_cutoff(options.cutoff)  # Before anything is measured for nothing.
    if options.engine:
        find_target(options.engine)
    lab = Lab(settings)
    report = lab.report(_consult(lab, options), options.cutoff, options.count, ProgressLine(), options.engine)
    if options.ceiling:
        report = replace(report, ceiling=lab.ceiling(report.consultation, ProgressLine()))
    write_output(options.out, report.to_html())
    print(f"{report.consultation.recommendation.sentence()}\nThe report is in {options.out}")


def _threshold(settings: Settings, options: argparse.Namespace) -> None:
    from mrl_demo.lab.lab import Lab
    from mrl_demo.thresholds.measure import ThresholdQuestion
    from mrl_demo.thresholds.report import print_threshold

    lab = Lab(settings)
    corpus = chosen_corpus(lab, options, options.split)
    given = [options.arm, *([options.full_arm] if options.full_arm else [])]
    arm, *others = arm_names(lab, given, options)
    question = ThresholdQuestion(
        options.cutoff,
        arm,
        options.dim,
        options.precision,
        others[0] if others else "",
        options.split,
        options.queries,
        options.seed,
    )
    translated = lab.translate_threshold(corpus, question, ProgressLine())
    if options.json:
        print(json.dumps(translated.to_dict(), ensure_ascii=False))
    else:
        print_threshold(translated)


def _cost(_settings: Settings, options: argparse.Namespace) -> None:
    from mrl_demo.costs.model import Deployment, UnitPrices, compare_costs
    from mrl_demo.costs.report import print_costs

    deployment = Deployment(**{field.name: getattr(options, field.name) for field in fields(Deployment)})
    costs = compare_costs(deployment, UnitPrices().edited(options.memory_price, options.disk_price, options.currency))
    if options.json:
        print(json.dumps(costs.to_dict(), ensure_ascii=False))
    else:
        print_costs(costs)
