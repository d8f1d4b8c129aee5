"""The facade that the page, the command line and the scripts call: bounded shared caches, thread-safe."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from mrl_demo.advisor.recommend import Advice, Recommendation
from mrl_demo.arms.arm import Arm
from mrl_demo.arms.catalogue import reserved_names
from mrl_demo.arms.given import GivenFiles, read_given
from mrl_demo.arms.names import add_arm, add_private_arms, takes_options
from mrl_demo.arms.serving import why_not
from mrl_demo.arms.spaces import SpaceBuilder
from mrl_demo.core.bounded import BoundedCache
from mrl_demo.core.config import Settings
from mrl_demo.core.errors import CorpusError, LabError, ModelError
from mrl_demo.core.secret_names import PRIVATE_PREFIX, make_secret_name, shown_name
from mrl_demo.core.types import Comparison, Corpus, Progress
from mrl_demo.core.vectors import check_dimension
from mrl_demo.corpora.labels.filters import LabelCount, count_labels
from mrl_demo.corpora.own.files import corpus_name_of, load_path
from mrl_demo.corpora.own.options import ColumnChoice
from mrl_demo.corpora.questions.judged import QuestionSet
from mrl_demo.corpora.questions.stand_ins import MOST_STAND_INS, with_documents_as_queries, with_stand_ins
from mrl_demo.corpora.questions.typed import CleanQuery, clean_query
from mrl_demo.corpora.shipped import builtin, multilingual, python_reference
from mrl_demo.corpora.shipped.examples import Example, load_examples
from mrl_demo.evaluation.judging.agreement import few_documents_words
from mrl_demo.evaluation.sweeps.controls import ControlGroup, read_controls
from mrl_demo.evaluation.sweeps.plan import SweepPlan
from mrl_demo.evaluation.sweeps.results import SweepResult
from mrl_demo.exports.bundle import vector_files
from mrl_demo.exports.catalogue import find_target, make_bundle
from mrl_demo.exports.target import Bundle
from mrl_demo.lab.answer_levels import AnswerLevels
from mrl_demo.lab.choices import CorpusChoice
from mrl_demo.lab.compare import Comparer
from mrl_demo.lab.curves import CurvesService
from mrl_demo.lab.exporting import ExportChoice, export_setting
from mrl_demo.lab.indexes import IndexAnswer, IndexDesk, IndexPlan, IndexReport, index_corpus
from mrl_demo.lab.shelf import CorpusShelf
from mrl_demo.lab.verdict import Judge
from mrl_demo.layers.grid import LayerGrid, LayerQuestion, measure_layers
from mrl_demo.lessons.pitfalls import SAMPLE, PitfallReport, measure_pitfalls
from mrl_demo.models.registry import EncoderRegistry
from mrl_demo.models.specs import AS_IT_SAYS, ModelOptions
from mrl_demo.trees.prefix_tree import TREE_DIMS, PrefixTree, grow_tree

if TYPE_CHECKING:
    from mrl_demo.advisor.blind import BlindPair, BlindVerdict
    from mrl_demo.advisor.budget import ByteBudget
    from mrl_demo.advisor.ceiling import Ceiling
    from mrl_demo.advisor.consult import Consultation
    from mrl_demo.corpora.own.hub import HubRows
    from mrl_demo.evaluation.judging.ranked import QueryDraw
    from mrl_demo.evaluation.speed.engines import EngineSpeed
    from mrl_demo.funnels.cheapest import CheapestCascade
    from mrl_demo.funnels.measure import FunnelReport
    from mrl_demo.funnels.proof import ProofReport
    from mrl_demo.gating.allocation import GateQuestion, GateReport
    from mrl_demo.lab.embedding import EmbeddedArm
    from mrl_demo.lab.written_questions import WrittenQuestions
    from mrl_demo.maps.collection_map import CollectionMap
    from mrl_demo.reports.migration import MigrationSheet
    from mrl_demo.reports.page import DecisionReport
    from mrl_demo.scale.embed import EmbeddedShards, ShardJob, WorkShare
    from mrl_demo.scale.evaluate import ShardedResult
    from mrl_demo.scale.growth import Growth, GrowthQuestion
    from mrl_demo.serving.chat import ChatTarget
    from mrl_demo.thresholds.measure import ThresholdQuestion, TranslatedThreshold

_GONE = "Those documents are no longer here: add them again on the tab Your data."


@dataclass(frozen=True)
class _OwnFiles:
    """Where a person's documents are, and what they said of the columns and the split."""

    path: Path
    columns: ColumnChoice
    split: str
    rows: HubRows | None = None

    def describe(self) -> str:
        """For the menu."""
        return f"The data set {self.rows.data_set.label} of the Hub" if self.rows else f"Your documents in {self.path}"


class Lab:
    """Everything a front end needs; one instance a process, shared by all visitors.

    >>> lab = Lab(Settings.from_environment())
    >>> [choice.name for choice in lab.corpora()]
    ['builtin', 'multilingual', 'python']
    >>> lab.compare("how do bees talk", corpus="builtin", arms=["base"], dim=0)
    Traceback (most recent call last):
        ...
    mrl_demo.core.errors.InvalidDimensionError: Dimension 0 is not possible here: choose a whole number from 1 to 384.
    """

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.encoders = EncoderRegistry(settings)
        self.builder = SpaceBuilder(self.encoders, settings.cache_dir, settings.assets_dir, settings.seed)
        self._indexes = IndexDesk(self.builder)
        self._comparer = Comparer(self.builder, settings.cached_corpora, self._indexes)
        self._levels = AnswerLevels(self.builder, settings.assets_dir)
        self._judge = Judge(self._levels, self._measured)
        self._curves = CurvesService(self)
        self._corpora: BoundedCache[Corpus] = BoundedCache(settings.cached_corpora)
        self._own_corpora: dict[str, _OwnFiles] = {}
        self._without_model: set[str] = set()
        self._shelf = CorpusShelf(settings.uploads_kept, 60.0 * settings.upload_minutes)

    def arms(self) -> tuple[Arm, ...]:
        """Arms that can be searched, in the order of the menus."""
        return self.builder.menu.arms()

    def add_arm(self, given: str, options: ModelOptions = AS_IT_SAYS) -> str:
        """Put an arm, a model, a folder or `OWNER/NAME[@REVISION]`, with a suffix or without, on the menu; its name.

        Raises `ModelError` if it is none of these or cannot be loaded. `options` are the prompts of a model
        that has none of its own (e5, bge), or a shorter token limit.
        """
        return add_arm(given, self.builder.menu, options)

    def add_arms(self, given: Sequence[str], options: ModelOptions = AS_IT_SAYS) -> list[str]:
        """Add several arms; `options` are for the folders and Hub models among them.

        Raises `ModelError` if options are said and there is none of these.
        """
        takers = [name for name in given if takes_options(name, self.builder.menu)]
        if options != AS_IT_SAYS and not takers:
            raise ModelError(
                f"Prompts are for a model's folder or OWNER/NAME on the Hub, and {', '.join(given) or 'nothing'} is "
                "none: what ships or was trained here keeps its own."
            )
        return [self.add_arm(name, options if name in takers else AS_IT_SAYS) for name in given]

    def add_vectors(self, files: GivenFiles, corpus: str) -> str:
        """Put vectors that another model made of a corpus on the menu, as an arm; its name.

        If the corpus has no queries, its documents become the queries: nobody can encode titles then. Raises
        `ModelError` naming file, row or id.
        """
        loaded = self.corpus(corpus)
        given = read_given(files, loaded, reserved_names() | set(self.encoders.names()))
        self.encoders.add(given.name, given)
        if not loaded.queries:
            self._without_model.add(corpus)
            self._corpora.put(corpus, with_documents_as_queries(loaded))
        return given.name

    def add_index(self, url: str, *, falls_back: bool = False) -> str:
        """Search by an engine wherever it holds an arm's documents (`load_index` puts them there); its name.

        If it cannot be used, searches raise `EngineError`, or with `falls_back` go on without it and say so. Raises
        `EngineError` for a URL that is none.
        """
        shown = self._indexes.attach(url, falls_back=falls_back)
        self._comparer.forget_indexes()
        return shown

    def indexes(self) -> tuple[str, ...]:
        """Engines and collections that were added, as anybody may see them."""
        return self._indexes.names()

    def check_indexes(self) -> None:
        """Ask the engines that were added for their collections; raises `EngineError` if one cannot be used now."""
        self._indexes.check()

    def index_problems(self) -> tuple[str, ...]:
        """Why engines that were added cannot be used now, in a sentence or two each, with the next step."""
        return self._indexes.problems()

    def require_index(self, corpus: str, arms: Sequence[str]) -> None:
        """Raise `EngineMismatchError` unless an engine that was added holds one of the arms over the corpus."""
        self._indexes.require([arm.name for arm in self._arms_named(arms)], self.corpus(corpus).name)

    def load_index(
        self, corpus: str, arm: str, url: str, plan: IndexPlan | None = None, progress: Progress | None = None
    ) -> IndexReport:
        """Put an arm's vectors of a corpus into an engine, those that are not there yet; raises as `index_corpus`."""
        (chosen,) = self._arms_named([arm])
        return index_corpus(self.builder, self.corpus(corpus, progress), chosen, url, plan or IndexPlan(), progress)

    def search_index(
        self,
        query: str,
        *,
        corpus: str,
        arm: str,
        dim: object,
        top_k: int = 10,
        where: Mapping[str, str] | None = None,
        stages: str = "",
    ) -> IndexAnswer:
        """Ask the engine that holds an arm's documents alone: at a length, filtered, or through a funnel's stages.

        Raises `EngineMismatchError` if no engine that was added holds them, and as `compare` does.
        """
        from mrl_demo.lab.indexes import ask_index

        (chosen,) = self._arms_named([arm])
        loaded = self.corpus(corpus)
        cleaned = clean_query(query, self.settings.max_query_chars)
        self._indexes.require([chosen.name], loaded.name)
        space, vector = self._comparer.encoded(cleaned.text, loaded, chosen)
        index = self._indexes.find(space, loaded)
        assert index is not None  # noqa: S101 - required above
        return ask_index(index, loaded.documents, vector, check_dimension(dim, index.dimension), top_k, where, stages)

    def engine_speed(
        self, corpus: str, arm: str, dims: Sequence[int] = (), progress: Progress | None = None
    ) -> EngineSpeed | None:
        """What the engine that holds an arm's documents finds and takes, None if none holds them.

        At `dims`, or its own lengths and the usual ones. Raises `EngineError`, or with an engine that falls back tells
        it as the `problem`.
        """
        from mrl_demo.lab.indexes import measure_held

        (chosen,) = self._arms_named([arm])
        if not self._indexes.names():
            return None
        loaded = self.corpus(corpus, progress)
        own = partial(self._comparer.own_index, chosen, loaded, progress)
        return measure_held(self._indexes, self.builder, loaded, chosen, own, dims, progress)

    def base_of(self, arm: str) -> str:
        """The arm that a model trained here started from."""
        return self.builder.menu.base_of(arm)

    def has_pictures(self, corpus: str) -> bool:
        """Whether a collection is of pictures; what ships holds none, and is not read to know it."""
        shipped = {builtin.NAME, multilingual.NAME, python_reference.NAME}
        return corpus not in shipped and self.corpus(corpus).has_pictures

    def unserved(self, corpus: str) -> dict[str, str]:
        """Arms on the menu that cannot serve a collection, each with the reason.

        None for the Python reference before it is built. Raises `CorpusError` as `corpus` does.
        """
        if corpus == python_reference.NAME and not python_reference.is_built(self.settings.cache_dir):
            return {}
        loaded = self.corpus(corpus)
        reasons = {arm.name: why_not(self.encoders, arm, loaded) for arm in self.builder.menu.contenders()}
        return {name: why for name, why in reasons.items() if why}

    def arms_serving(self, corpus: str, wanted: Sequence[str]) -> tuple[str, ...]:
        """`wanted`, those replaced that cannot serve a collection, if an arm on the menu can."""
        unserved = self.unserved(corpus)
        able = [arm.name for arm in self.arms() if arm.name not in unserved]
        if not able:
            return tuple(wanted)
        last = len(able) - 1
        return tuple(able[min(place, last)] if name in unserved else name for place, name in enumerate(wanted))

    def full_dim(self, arms: Sequence[str]) -> int:
        """The longest prefix that all of `arms` have; raises `ModelError` for names there are not."""
        return min(self.encoders.encoder(arm.encoder).dimension for arm in self._arms_named(arms))

    def corpora(self) -> tuple[CorpusChoice, ...]:
        """Entries of the corpus menu."""
        own = (CorpusChoice(name, name, files.describe(), True) for name, files in self._own_corpora.items())
        return (
            CorpusChoice(builtin.NAME, builtin.LABEL, "Passages written for this page", True),
            CorpusChoice(multilingual.NAME, multilingual.LABEL, "Forty topics, each written in five languages", True),
            CorpusChoice(
                python_reference.NAME,
                python_reference.LABEL,
                "Docstrings of this Python and its scientific packages",
                python_reference.is_built(self.settings.cache_dir),
            ),
            *own,
        )

    def add_corpus(self, path: Path, columns: ColumnChoice | None = None, split: str = "") -> str:
        """Add a user's file or folder to the menu and return its name, which no other collection and no result has.

        Raises `CorpusError` if it cannot be read, or has no such column.
        """
        return self._add(_OwnFiles(path, columns or ColumnChoice(), split))

    def add_hub_corpus(
        self, given: str, columns: ColumnChoice | None = None, split: str = "", progress: Progress | None = None
    ) -> str:
        """Add a data set of the Hub, `hub:OWNER/NAME[:CONFIG[:SPLIT]][@REVISION]`, to the menu and return its name.

        Its first `settings.max_documents` rows are streamed into the cache folder once, at the commit of now. Raises
        `CorpusError` as `corpora.own.hub.read_hub_rows` does.
        """
        from mrl_demo.corpora.own.hub import HUB_FOLDER, HubDataSet, read_hub_rows

        folder, most = self.settings.cache_dir / HUB_FOLDER, self.settings.max_documents
        rows = read_hub_rows(HubDataSet.parse(given), folder, most, progress)
        return self._add(_OwnFiles(rows.path, columns or ColumnChoice(), split, rows))

    def _add(self, files: _OwnFiles) -> str:
        path = files.path
        own = {name for name, others in self._own_corpora.items() if others.path.absolute() == path.absolute()}
        shipped = {result.stem for result in (self.settings.assets_dir / "results").glob("*.json")}
        taken = {builtin.NAME, multilingual.NAME, python_reference.NAME, *shipped, *self._own_corpora} - own
        name = corpus_name_of(path, taken)
        self._corpora.put(name, self._read(name, files))
        self._own_corpora[name] = files
        return name

    def add_private(self, corpus: Corpus) -> str:
        """Keep a visitor's collection under a name that nobody can guess and no menu shows; gives that name.

        It is forgotten, and its vectors removed, by `remove_private` or if nobody asks for it for
        `settings.upload_minutes`. Raises `CorpusError` if too many are kept.
        """
        for name in self._shelf.expired():
            self.remove_private(name)
        self.builder.cache.forget("", older_than=60.0 * self.settings.upload_minutes)  # Of processes that were killed.
        return self._shelf.put(corpus)

    def remove_private(self, name: str) -> None:
        """Forget a visitor's collection and all that was made of it; nothing happens if there is none of that name."""
        corpus = self._shelf.remove(name)
        if corpus is not None:
            self._comparer.forget(corpus)
            self._levels.forget(corpus)
            self.builder.cache.forget(name)

    def ask_private(self, name: str, file: Path) -> QuestionSet:
        """Put the questions of a file beside those that a visitor's collection came with; gives them.

        Those of an earlier file make way. Raises `CorpusError` if the collection is gone, and as `QuestionSet` does.
        """
        questions = QuestionSet.read(file, self._uploaded(name).documents)
        self._put_questions(name, questions)
        return questions

    def asked_private(self, name: str) -> QuestionSet:
        """The questions that a visitor put beside those that their collection came with; none if it is gone."""
        return self._shelf.asked(name)

    def answer_private(self, name: str, question: str, document_id: str, *, is_answer: bool = True) -> QuestionSet:
        """Say that a document of a visitor's collection answers a question, or that it does not after all.

        Gives all questions put to it. Raises `LabError` for an empty question, and `CorpusError` if the collection is
        gone or has no such document.
        """
        text = clean_query(question, self.settings.max_query_chars).text
        if document_id not in {document.id for document in self._uploaded(name).documents}:
            raise CorpusError(f"The collection has no document {document_id!r}: search again.")
        before = self._shelf.asked(name)
        changed = before.with_answer(text, document_id) if is_answer else before.without_answer(text, document_id)
        self._put_questions(name, changed)
        return changed

    def add_private_questions(self, shared: str) -> str:
        """A private collection of a shared one's documents and a visitor's own questions alone; its secret name.

        Nothing is encoded again. Raises `CorpusError` as `add_private` and `corpus` do.
        """
        corpus = self.corpus(shared)
        label = f"your questions on {corpus.label}"
        bare = replace(corpus, label=label, queries=(), judgements={}, pairs=(), stand_ins="", source=corpus)
        return self.add_private(bare)

    def _uploaded(self, name: str) -> Corpus:
        uploaded = self._shelf.uploaded(name)
        if uploaded is None:
            raise CorpusError(_GONE)
        return uploaded

    def _put_questions(self, name: str, questions: QuestionSet) -> None:
        changed = questions.beside(self._uploaded(name))
        self._shelf.change(name, changed, questions)
        self._comparer.forget_answers(changed)

    def add_private_vectors(
        self, files: GivenFiles, corpus: str, reordered: Sequence[str] = (), taken: Collection[str] = ()
    ) -> tuple[Arm, ...]:
        """Keep vectors of a visitor's collection as arms with secret names: as they are, and `reordered` as asked.

        `reordered` are suffixes such as "pca" and "adapted". Shown under a name that is neither among `taken`, those
        of the visitor's other methods, nor on the menu: a number is added if need be. In a collection without
        questions its documents become the queries, as `add_vectors` does. Raises `ModelError` naming file, row or id,
        and `CorpusError` if the collection is gone.
        """
        loaded = self.corpus(corpus)
        given = read_given(files, loaded, reserved_names())
        secret = self._secret_name(given.name, taken)
        self.encoders.add_private(secret, given)
        arms = self._private_arms(secret, given.description, reordered)
        if not loaded.queries:
            self._shelf.change(corpus, with_documents_as_queries(loaded), self._shelf.asked(corpus))
        return arms

    def add_private_model(
        self,
        given: str,
        options: ModelOptions = AS_IT_SAYS,
        reordered: Sequence[str] = (),
        progress: Progress | None = None,
        taken: Collection[str] = (),
    ) -> tuple[Arm, ...]:
        """Load a folder or a Hub model for one visitor, as arms with secret names, `taken` as in `add_private_vectors`.

        Only safetensors are read, and no code of a model's is run. Raises `ModelError` if the settings do not allow it,
        if too many are kept, and as `add_arm` does; and whatever `progress` raises, after which nothing is kept.
        """
        from mrl_demo.lab.own_models import check_own_model

        say = progress or _say_nothing
        wanted = check_own_model(given, self.settings, self.encoders.private_models())
        say(0.05, f"Looking for {wanted}; a model of the Hub is downloaded first")
        secret = self._secret_name(wanted.rstrip("/").rpartition("/")[2].partition("@")[0], taken)
        self.encoders.add_private_model(secret, wanted, options)
        try:
            say(0.8, "Encoding a first text")
            self.encoders.encoder(secret).encode_queries(["a first text"])
            say(1.0, "Ready")
            return self._private_arms(secret, self.encoders.describe(secret), reordered)
        except BaseException:
            self.encoders.forget(secret)
            raise

    def remove_private_arm(self, name: str) -> None:
        """Forget an arm of a visitor's, its vectors or model too if that was the last that used them."""
        if self.builder.menu.forget(name) is not None:
            self._comparer.forget_arm(name)

    def _secret_name(self, shown: str, taken: Collection[str]) -> str:
        on_the_menu = (arm.name for arm in self.builder.menu.contenders())
        return make_secret_name(shown, {*taken, *reserved_names(), *on_the_menu})

    def _private_arms(self, secret: str, origin: str, reordered: Sequence[str]) -> tuple[Arm, ...]:
        try:
            label = f"Yours: {shown_name(secret)}"
            return tuple(add_private_arms(secret, label, origin, self.builder.menu, reordered))
        except ModelError:
            self.encoders.forget(secret)
            raise

    def label_of(self, name: str) -> str:
        """What others may be told that a collection is called: nothing of a visitor's own one."""
        if self._shelf.find(name) is not None:
            return "documents of their own"
        return next((choice.label for choice in self.corpora() if choice.name == name), name)

    def _read(self, name: str, files: _OwnFiles) -> Corpus:
        if files.rows is not None:
            return files.rows.load(self.settings.max_documents, files.columns, name, files.split)
        return load_path(files.path, self.settings.max_documents, files.columns, name, files.split)

    def corpus(self, name: str, progress: Progress | None = None) -> Corpus:
        """Load (or build) a corpus by name; raises `CorpusError` naming those there are."""
        private = self._shelf.find(name)
        self.builder.cache.owner.name = name if private else ""
        if private is not None:
            return private
        return self._corpora.get(name, lambda: self._load_measurable(name, progress))

    def _load_measurable(self, name: str, progress: Progress | None) -> Corpus:
        loaded = self._load_corpus(name, progress)
        return with_documents_as_queries(loaded) if name in self._without_model else loaded

    def examples(self, corpus: str) -> tuple[Example, ...]:
        """Example queries of a corpus, the first of them filled in at the start."""
        if corpus == multilingual.NAME:
            asked = self.corpus(corpus).queries[:40:4]  # Another topic and another language each.
            return tuple(Example(query.text, dict(query.fields)["language"]) for query in asked)
        shipped = load_examples(self.settings.assets_dir, corpus)
        if shipped or (corpus not in self._own_corpora and self._shelf.find(corpus) is None):
            return shipped
        own = self.corpus(corpus)
        if own.queries:
            return tuple(Example(query.text, "a judged query") for query in own.queries[:8])
        return tuple(Example(doc.title or doc.text[:80], "a title") for doc in own.documents[:8])

    def labels(self, corpus: str) -> tuple[LabelCount, ...]:
        """Labels of a corpus' documents that `compare` can be limited to, with the documents that have each.

        Empty for a corpus that would take long to build. Raises `CorpusError` for names there are not.
        """
        if corpus == python_reference.NAME and corpus not in self._corpora:
            return ()
        return count_labels(self.corpus(corpus))

    def is_ready(self, corpus: str, arms: Sequence[str]) -> bool:
        """Whether `compare` answers at once; if not, `prepare` has something to build first.

        Raises `CorpusError` or `ModelError` for names there are not.
        """
        chosen = self._arms_named(arms)
        is_long = corpus == python_reference.NAME and not python_reference.is_built(self.settings.cache_dir)
        if is_long and corpus not in self._corpora:
            return False
        loaded = self.corpus(corpus)
        return all(
            self._comparer.is_ready(arm, loaded) and self._levels.is_known(arm.encoder, loaded) for arm in chosen
        )

    def prepare(self, corpus: str, arms: Sequence[str], progress: Progress | None = None) -> None:
        """Make the vectors and the index of each arm ready, so that `compare` answers at once."""
        chosen = self._arms_named(arms)
        # Only that collection takes time to load: a bar over all others begins with the first arm.
        is_here = corpus != python_reference.NAME or python_reference.is_built(self.settings.cache_dir)
        before = 0 if is_here else 1
        steps = [_part_of(progress, step, len(chosen) + before) for step in range(len(chosen) + before)]
        loaded = self.corpus(corpus, None if is_here else steps[0])
        for arm, step in zip(chosen, steps[before:], strict=True):
            self._comparer.prepare(arm, loaded, step)
            self._levels.level(arm.encoder, loaded, step)

    def embed(self, corpus: str, arms: Sequence[str], progress: Progress | None = None) -> tuple[EmbeddedArm, ...]:
        """Encode a corpus and fit its rotations for each arm, and keep them; what is kept already takes a moment."""
        from mrl_demo.lab.embedding import embed_corpus

        chosen = self._arms_named(arms)
        loaded = self.corpus(corpus, progress)
        return embed_corpus(self.builder, loaded, chosen, lambda step: _part_of(progress, step, len(chosen)))

    def embed_shards(
        self,
        corpus: str,
        arms: Sequence[str],
        job: ShardJob,
        share: WorkShare | None = None,
        progress: Progress | None = None,
    ) -> tuple[EmbeddedShards, ...]:
        """Write the vectors of a corpus as shards, for several arms each into a folder of its name in the job's.

        `share` is this process's part of the work (default: all). In a corpus without queries titles and first
        sentences stand in for them. Raises as `scale.embed.embed_shards` does.
        """
        from mrl_demo.scale.embed import embed_shards, shard_folders

        chosen = self._arms_named(arms)
        loaded = with_stand_ins(self.corpus(corpus, progress))
        jobs = [replace(job, folder=folder) for folder in shard_folders(job.folder, arms).values()]
        return tuple(
            embed_shards(self.builder, loaded, arm, each, share, _part_of(progress, step, len(chosen)))
            for step, (arm, each) in enumerate(zip(chosen, jobs, strict=True))
        )

    def evaluate_shards(
        self,
        folders: Sequence[Path],
        plan: SweepPlan,
        sizes: Sequence[int] = (),
        progress: Progress | None = None,
    ) -> ShardedResult:
        """Measure folders of shards (`mrl embed --shards`, or your own files), one arm each, in one pass over each.

        `sizes` are smaller collections to measure on the way. A pass that was interrupted goes on. Raises as
        `scale.evaluate.evaluate_shards` does.
        """
        from mrl_demo.scale.evaluate import evaluate_shards

        return evaluate_shards(folders, plan, sizes, self.settings.cache_dir / "scans", progress)

    def growth(self, corpus: str, question: GrowthQuestion, progress: Progress | None = None) -> Growth:
        """What an arm's lengths keep of full quality in parts of a corpus and in all of it, and how that goes on.

        Raises as `scale.growth.measure_growth` does.
        """
        from mrl_demo.scale.growth import measure_growth

        loaded = with_stand_ins(self.corpus(corpus, progress), question.draw.queries or MOST_STAND_INS)
        return measure_growth(self.builder, loaded, question, progress)

    def write_questions(
        self,
        corpus: str,
        target: ChatTarget | None = None,
        count: int = 100,
        seed: int = 0,
        progress: Progress | None = None,
    ) -> WrittenQuestions:
        """Let a chat server's model (that of the settings, if none is given) write questions for documents.

        The documents go there. Raises `LabError` if there is no server, and as `write_questions` does.
        """
        from mrl_demo.lab.written_questions import write_questions
        from mrl_demo.serving.chat import ChatClient, ChatTarget

        own = self.settings
        if target is None and not own.chat_url:
            raise LabError("No chat server is named: set MRL_CHAT_URL and MRL_CHAT_MODEL.")
        client = ChatClient(target or ChatTarget(own.chat_url, own.chat_model, own.chat_key_env))
        try:
            return write_questions(self.corpus(corpus), client, client.target.model, count, seed, progress)
        finally:
            client.close()

    def evaluate(self, corpus: str, plan: SweepPlan, progress: Progress | None = None) -> SweepResult:
        """Measure the arms of a plan on a corpus; raises as `evaluation.sweeps.sweep.evaluate` does.

        In a corpus without queries titles and first sentences stand in for them, which the result says.
        """
        from mrl_demo.evaluation.sweeps.sweep import evaluate

        loaded = self.corpus(corpus, progress)
        if plan.ranking_metrics():
            loaded = with_stand_ins(loaded, plan.queries or MOST_STAND_INS, plan.seed)
        return evaluate(self.builder, loaded, plan, progress)

    def recommend(
        self,
        corpus: str,
        advice: Advice,
        plan: SweepPlan,
        progress: Progress | None = None,
        verdicts: Sequence[BlindVerdict] = (),
    ) -> Recommendation:
        """The smallest setting of a plan (`advice_plan` makes one) that keeps what is asked; as `consult` raises."""
        return self.consult(corpus, advice, plan, progress, verdicts).recommendation

    def consult(
        self,
        corpus: str,
        advice: Advice,
        plan: SweepPlan,
        progress: Progress | None = None,
        verdicts: Sequence[BlindVerdict] = (),
    ) -> Consultation:
        """The same with all that was measured, for figures, blind pairs and a report.

        Raises `LabError` if the reference was not measured, and as `evaluate` does.
        """
        from mrl_demo.advisor.consult import consult

        loaded = with_stand_ins(self.corpus(corpus, progress), plan.queries or MOST_STAND_INS, plan.seed)
        return consult(self.builder, loaded, advice, plan, progress, verdicts)

    def blind_pairs(self, consultation: Consultation, count: int = 8) -> tuple[BlindPair, ...]:
        """Answers to judge without knowing whose they are, where it would tell most."""
        from mrl_demo.advisor.consult import blind_pairs

        return blind_pairs(self.builder, consultation, count)

    def export(
        self,
        corpus: str,
        target: str,
        choice: ExportChoice,
        progress: Progress | None = None,
        with_vectors: bool = False,
    ) -> Bundle:
        """The files that run an arm of a corpus at one setting in an engine or server (`exports.EXPORT_TARGETS`).

        `with_vectors` adds the documents' full-length vectors and ids. Raises `ExportError` for what the target cannot
        hold, and as `compare` does for names and lengths there are not.
        """
        engine, loaded = find_target(target), self.corpus(corpus, progress)
        arm = self.builder.menu.find(choice.arm)
        setting = export_setting(self.builder, arm, loaded, choice, progress)
        bundle = make_bundle(engine, setting)
        if not with_vectors:
            return bundle
        vectors = self.builder.documents(arm.encoder, loaded, progress)
        return bundle.with_files(vector_files([document.id for document in loaded.documents], vectors))

    def map(self, corpus: str, arms: Sequence[str], query: str = "", progress: Progress | None = None) -> CollectionMap:
        """The collection in two dimensions, and what one arm or two keep of everybody's neighbours at every length.

        Places are by the first arm's full vectors. A query adds its ten results. Raises as `compare` does for names
        there are not, and `LabError` for more than two arms.
        """
        from mrl_demo.maps.collection_map import draw_map

        if len(arms) > 2:
            raise LabError(f"A map shows one method or two side by side, not {len(arms)}.")
        text = clean_query(query, self.settings.max_query_chars).text if query.strip() else ""
        return draw_map(self.builder, self.corpus(corpus, progress), self._arms_named(arms), text, progress)

    def tree(
        self,
        corpus: str,
        arm: str,
        query: str = "",
        dims: Sequence[int] = TREE_DIMS,
        progress: Progress | None = None,
    ) -> PrefixTree:
        """The clusters that ever longer prefixes of an arm make of a collection, and a question's path down them.

        Raises as `compare` does for names and lengths there are not, and `LabError` for sparse codes.
        """
        text = clean_query(query, self.settings.max_query_chars).text if query.strip() else ""
        (chosen,) = self._arms_named([arm])
        return grow_tree(self.builder, self.corpus(corpus, progress), chosen, text, dims, progress)

    def layers(
        self, corpus: str, arm: str, question: LayerQuestion | None = None, progress: Progress | None = None
    ) -> LayerGrid:
        """An arm's quality over layers and lengths, and its time by layer; raises as `measure_layers` does.

        In a corpus without queries titles and first sentences stand in for them, which the result says.
        """
        question = question or LayerQuestion()
        loaded = with_stand_ins(self.corpus(corpus, progress), question.queries or MOST_STAND_INS, question.seed)
        return measure_layers(self.builder, loaded, arm, question, progress)

    def is_mapped(self, corpus: str, arms: Sequence[str]) -> bool:
        """Whether `map` would take a moment only."""
        from mrl_demo.maps.collection_map import is_laid_out

        if not self.is_ready(corpus, arms):
            return False
        return is_laid_out(self.builder, self.corpus(corpus), self._arms_named(arms)[0])

    def ceiling(self, consultation: Consultation, progress: Progress | None = None) -> Ceiling:
        """What rotations fitted elsewhere, to the corpus and to its judged pairs keep; raises as `measure_ceiling`."""
        from mrl_demo.advisor.ceiling import measure_ceiling

        return measure_ceiling(self.builder, consultation, progress)

    def controls(self) -> tuple[ControlGroup, ...]:
        """Recipes beside their controls as they ship: what MatryoshkaLoss itself buys, on the built-in test topics."""
        return read_controls(self.settings.assets_dir)

    def report(
        self,
        consultation: Consultation,
        cutoff: float = 0.5,
        vectors: int = 1_000_000,
        progress: Progress | None = None,
        engine: str = "",
    ) -> DecisionReport:
        """A consultation as a page to send around, with a cut-off translated to its setting and the setting priced.

        What cannot be translated (nothing is judged, say) is left out. With an `engine` of `EXPORT_TARGETS` the setting
        recommended comes with its migration sheet. Raises `LabError` for a cut-off that is none, and `ExportError` for
        an engine that cannot hold the setting.
        """
        from mrl_demo.reports.compose import compose_report

        composed = compose_report(self.builder, consultation, cutoff, vectors, progress)
        best = consultation.recommendation.nearest
        if not engine or best is None:
            return composed
        recommendation, choice = consultation.recommendation, ExportChoice(best.arm, best.dim, best.precision)
        reference = recommendation.advice.reference
        sheet = self.migration(recommendation.corpus, engine, choice, reference, cutoff, progress)
        return replace(composed, migration=sheet.to_markdown())

    def migration(
        self,
        corpus: str,
        target: str,
        choice: ExportChoice,
        reference: str = "base",
        cutoff: float | None = None,
        progress: Progress | None = None,
    ) -> MigrationSheet:
        """What moving to an exported setting gains and loses against `reference` in full, and how to do it.

        `cutoff` is a cosine cut-off in use at full length, to be translated. In a corpus without queries titles and
        first sentences stand in for them. Raises as `export` does, and `LabError` if nothing can be judged.
        """
        from mrl_demo.reports.migration import compose_sheet
        from mrl_demo.thresholds.measure import ThresholdQuestion

        engine, loaded = find_target(target), self.corpus(corpus, progress)
        chosen, before = self.builder.menu.find(choice.arm), self.builder.menu.find(reference)
        setting = export_setting(self.builder, chosen, loaded, choice, progress)
        question = None
        if cutoff is not None:
            question = ThresholdQuestion(cutoff, chosen.name, setting.dim, setting.precision, before.name)
        return compose_sheet(
            self.builder,
            with_stand_ins(loaded),
            before,
            chosen,
            engine,
            setting,
            make_bundle(engine, setting),
            None if question is None else partial(self.translate_threshold, corpus, question, progress),
            progress,
        )

    def translate_threshold(
        self, corpus: str, question: ThresholdQuestion, progress: Progress | None = None
    ) -> TranslatedThreshold:
        """What a cut-off becomes at another length and precision; raises as `thresholds.measure` does.

        In a corpus without queries titles and first sentences stand in for them, which the answer says.
        """
        from mrl_demo.thresholds.measure import translate_threshold

        loaded = with_stand_ins(self.corpus(corpus, progress), question.queries or MOST_STAND_INS, question.seed)
        return translate_threshold(self.builder, loaded, question, progress)

    def funnel(
        self, corpus: str, arm: str, stages: str, draw: QueryDraw | None = None, progress: Progress | None = None
    ) -> FunnelReport:
        """What a funnel such as "16:400,64:100,full:10" keeps, loses, proves and saves; "" is the paper's cascade.

        Raises `StageError` for stages that make no funnel, and as `load_measured` does.
        """
        from mrl_demo.lab.funnels import run_funnel

        return run_funnel(self.builder, self.corpus(corpus, progress), arm, stages, draw, progress, self._indexes)

    def cheapest_funnel(
        self, corpus: str, arm: str, keep: float, draw: QueryDraw | None = None, progress: Progress | None = None
    ) -> CheapestCascade:
        """The cascade that reads least among those that surely keep a share of exact search; raises as `funnel`."""
        from mrl_demo.lab.funnels import run_cheapest

        return run_cheapest(self.builder, self.corpus(corpus, progress), arm, keep, draw, progress)

    def funnel_proof(
        self, corpus: str, arm: str, draw: QueryDraw | None = None, progress: Progress | None = None
    ) -> ProofReport:
        """At which length the first ten are proven to be the exact ones; raises as `funnel`."""
        from mrl_demo.lab.funnels import run_proof

        return run_proof(self.builder, self.corpus(corpus, progress), arm, draw, progress)

    def gate(
        self,
        corpus: str,
        arm: str,
        question: GateQuestion | None = None,
        draw: QueryDraw | None = None,
        progress: Progress | None = None,
    ) -> GateReport:
        """A length for every query: a gate against its margin, fixed lengths, budgets and load; as `measure_gate`."""
        from mrl_demo.lab.funnels import run_gate

        return run_gate(self.builder, self.corpus(corpus, progress), arm, question, draw, progress)

    def budget(self, corpus: str, bytes_a_vector: int, plan: SweepPlan, progress: Progress | None = None) -> ByteBudget:
        """The best setting of a plan (`byte_plan` makes one) that fits into so many bytes a vector, and its rival.

        Raises `LabError` for a budget that nothing fits, and as `evaluate` does.
        """
        from mrl_demo.advisor.budget import spend_bytes

        return spend_bytes(self.evaluate(corpus, plan, progress), bytes_a_vector, plan.metrics[0])

    def pitfalls(
        self, corpus: str, arm: str, dim: object, queries: int = SAMPLE, progress: Progress | None = None
    ) -> PitfallReport:
        """What every usual mistake costs an arm at one length, over a sample of the corpus' queries or stand-ins.

        Raises as `compare` does for names and lengths there are not.
        """
        (chosen,) = self._arms_named([arm])
        loaded = with_stand_ins(self.corpus(corpus, progress), queries or MOST_STAND_INS)
        return measure_pitfalls(self.builder, loaded, chosen, dim, queries, progress=progress)

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
        """Search every arm at prefix `dim`; a query seen before is not encoded again.

        With `where`, such as `{"topic": "Bees"}`, only documents that have these labels: ranks, figures and verdict are
        of them alone. `labels` has those there are.

        Its verdict says what the cut saves and what it costs; `lab.verdict_words` has the sentences. Raises `LabError`
        with a hint for an empty query, `InvalidDimensionError` for a `dim` outside the arms'
        range, and `CorpusError` or `ModelError` for names there are not.
        """
        (comparison,) = self.compare_at(query, corpus=corpus, arms=arms, dims=[dim], top_k=top_k, where=where)
        return comparison

    def keep_picture(self, path: Path) -> str:
        """The query that searches with the picture in a file, for `compare`; raises `CorpusError` if it is none.

        The latest 256 pictures are kept, in memory alone.
        """
        from mrl_demo.corpora.own.pictures import read_picture

        return self._comparer.pictures.keep(read_picture(Path(path)))

    def first_look(self, query: str, *, corpus: str, arms: Sequence[str], dim: object) -> Comparison:
        """As `compare`, but a judged query's stored vector serves if there is one: no model has to be loaded for it.

        Stored vectors are rounded to 16 bits, so that cosines may differ by some .0001.
        """
        cleaned = clean_query(query, self.settings.max_query_chars)
        loaded, chosen = self.corpus(corpus), self._arms_named(arms)
        length = check_dimension(dim, self.full_dim(arms))
        return self._compared(cleaned, loaded, chosen, length, self.settings.top_k, from_store=True)

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
        """Search every arm at each of `dims`, in their order; raises as `compare` does."""
        cleaned = clean_query(query, self.settings.max_query_chars)
        k = self.settings.top_k if top_k is None else top_k
        if k < 1:
            raise LabError(f"A search cannot show {k} results: ask for 1 or more.")
        loaded, chosen = self.corpus(corpus), self._arms_named(arms)
        full = min(self.encoders.encoder(arm.encoder).dimension for arm in chosen)
        lengths = [check_dimension(dim, full) for dim in dims]
        return tuple(self._compared(cleaned, loaded, chosen, length, k, where=where) for length in lengths)

    def _compared(
        self,
        query: CleanQuery,
        loaded: Corpus,
        chosen: Sequence[Arm],
        length: int,
        k: int,
        *,
        from_store: bool = False,
        where: Mapping[str, str] | None = None,
    ) -> Comparison:
        sides = tuple(
            self._comparer.compare(query.text, loaded, arm, length, k, from_store=from_store, where=where)
            for arm in chosen
        )
        sides_say = (str(note) for side in sides for note in side.notes)
        notes = dict.fromkeys((query.note, few_documents_words(sides[0].result.n_documents), *sides_say))
        verdict = self._judge.judge(loaded, length, sides)
        said = " ".join(filter(None, notes))
        part = where or {}
        return Comparison(query.text, loaded.name, length, said, sides, loaded.notes, verdict, part, loaded.label_names)

    def _measured(self, corpus: str) -> SweepResult | None:
        """The averages that ship for a collection, None if there are none or it has changed since."""
        curves = self._curves.shipped(corpus)
        return None if curves is None or curves.is_stale else curves.sweep

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
        """A PNG of 1200 x 630 pixels: the query, the doll, and where each arm's answer stands at `dim`.

        `address` is printed at its foot; `where` limits it to some documents. Raises as `compare` does.
        """
        from mrl_demo.lab.share import card_of
        from mrl_demo.plots.share_card import draw_card

        comparison = self.compare(query, corpus=corpus, arms=arms, dim=dim, where=where)
        return draw_card(card_of(comparison, self.corpus(corpus).label, address))

    def _arms_named(self, names: Sequence[str]) -> list[Arm]:
        if not names:
            raise ModelError(f"No arm is named: choose from {', '.join(arm.name for arm in self.arms())}.")
        arms = [self.builder.menu.find(name) for name in names]
        for arm in arms:
            if not arm.has_vectors:
                raise ModelError(f"{arm.name!r} has no vectors to cut: it can be evaluated, not searched.")
        return arms

    def _load_corpus(self, name: str, progress: Progress | None) -> Corpus:
        if name == builtin.NAME:
            return builtin.load_builtin(self.settings.assets_dir)
        if name == multilingual.NAME:
            return multilingual.load_multilingual(self.settings.assets_dir)
        if name == python_reference.NAME:
            return python_reference.load_python_reference(self.settings.cache_dir, progress)
        if name in self._own_corpora:
            return self._read(name, self._own_corpora[name])
        if str(name).startswith(PRIVATE_PREFIX):
            raise CorpusError(_GONE)
        raise CorpusError(
            f"There is no corpus {name!r}: choose one of {', '.join(choice.name for choice in self.corpora())}."
        )


def _say_nothing(_share: float, _line: str) -> None:
    """Progress for nobody."""


def _part_of(progress: Progress | None, step: int, steps: int) -> Progress | None:
    """Progress of one step among several, told as a share of all."""
    if progress is None:
        return None
    return lambda share, line: progress((step + share) / steps, line)
