"""A tree of a collection, each floor made of a longer prefix: clusters of clusters, named by their labels or words."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from mrl_demo.arms.arm import Arm
from mrl_demo.arms.spaces import Space, SpaceBuilder
from mrl_demo.core.errors import CorpusError, LabError
from mrl_demo.core.types import Corpus, Document, FloatMatrix, IntMatrix, Progress
from mrl_demo.core.vectors import check_dimension, truncate
from mrl_demo.corpora.labels.group_words import name_by_words
from mrl_demo.corpora.labels.split import label_fields, taught_levels
from mrl_demo.corpora.ordering import canonical_order

#: The floors if none are named: the domain, the topic, what is finer.
TREE_DIMS = (8, 16, 32)
#: More documents than this are a sample in the tree.
MOST_IN_TREE = 10_000
_MOST_FLOORS = 6
_MOST_ROOMS, _MOST_CHILDREN, _FEWEST_A_NODE = 20, 10, 6
_SHOWN = 5


@dataclass(frozen=True)
class TreeNode:
    """One cluster: `name` is its most common label, `share` how many of its documents have it, or words (share 0).

    `rows` are its documents, those nearest to its centre first; `centre` `(dim,)` is a unit vector of its floor's
    prefix; `children` are the clusters that the next longer prefix makes of it, empty for the last.
    """

    name: str
    share: float
    dim: int
    rows: tuple[int, ...]
    centre: FloatMatrix = field(repr=False)
    children: tuple[TreeNode, ...] = ()

    @property
    def size(self) -> int:
        """How many documents it has."""
        return len(self.rows)


@dataclass(frozen=True)
class TreeFloor:
    """All clusters of one prefix length: how many, and what share of documents has its cluster's most common label.

    `purity` has that share by the field of the labels, empty for a collection without; it counts the documents whose
    labels teach no arm, so that arms fitted to labels have no advantage.
    """

    dim: int
    nodes: int
    purity: dict[str, float]


@dataclass(frozen=True)
class PathStep:
    """Where a question goes at one length: `place` among its siblings, and whether its best document is there.

    `cosine` is that with the cluster's centre, `ahead` by how much it is above that of the next sibling.
    """

    dim: int
    place: int
    name: str
    size: int
    cosine: float
    ahead: float
    has_best: bool


@dataclass(frozen=True)
class PrefixTree:
    """The tree of one arm over a collection, and a question's path down it.

    `best` is the row of the document that the full vector finds first, None without a question; `reached` are the
    documents of the last cluster on the path, those nearest to the question by the full vector first.
    """

    corpus: str
    arm: str
    arm_label: str
    n_documents: int
    documents: tuple[Document, ...]
    floors: tuple[TreeFloor, ...]
    children: tuple[TreeNode, ...]
    fields: tuple[str, ...] = ()
    query: str = ""
    path: tuple[PathStep, ...] = ()
    best: int | None = None
    reached: tuple[int, ...] = ()
    notes: tuple[str, ...] = ()

    def title(self, row: int) -> str:
        """What a document is called."""
        document = self.documents[row]
        return document.title or document.text[:80] or document.id

    @property
    def parts_at(self) -> int | None:
        """The length at which the question's path leaves its best document, None if it never does."""
        return next((step.dim for step in self.path if not step.has_best), None)

    def to_dict(self) -> dict[str, object]:
        """Plain JSON types; of each cluster the titles nearest to its centre."""
        return {
            "corpus": self.corpus,
            "arm": self.arm,
            "n_documents": self.n_documents,
            "labels": list(self.fields),
            "floors": [{"dim": f.dim, "nodes": f.nodes, "purity": f.purity} for f in self.floors],
            "tree": [self._node_dict(node) for node in self.children],
            "query": self.query,
            "path": [_step_dict(step) for step in self.path],
            "best": None if self.best is None else self.title(self.best),
            "parts_at": self.parts_at,
            "reached": [self.title(row) for row in self.reached[:_SHOWN]],
            "notes": list(self.notes),
        }

    def _node_dict(self, node: TreeNode) -> dict[str, object]:
        return {
            "name": node.name,
            "share": round(node.share, 4),
            "dim": node.dim,
            "size": node.size,
            "nearest": [self.title(row) for row in node.rows[:_SHOWN]],
            "children": [self._node_dict(child) for child in node.children],
        }


def _step_dict(step: PathStep) -> dict[str, object]:
    numbers = {"cosine": round(step.cosine, 4), "ahead": round(step.ahead, 4)}
    told = {"dim": step.dim, "place": step.place, "name": step.name, "size": step.size}
    return {**told, **numbers, "has_best": step.has_best}


def grow_tree(
    builder: SpaceBuilder,
    corpus: Corpus,
    arm: Arm,
    query: str = "",
    dims: Sequence[int] = TREE_DIMS,
    progress: Progress | None = None,
) -> PrefixTree:
    """Grow the tree of an arm over a corpus; with a `query` its path too.

    Raises `CorpusError` for fewer than two documents, `LabError` for no length or too many, and as `space` does for an
    arm that cannot serve the corpus.
    """
    if len(corpus) < 2:
        raise CorpusError(f"{corpus.name} has {len(corpus)} documents: a tree needs two or more.")
    space = builder.space(arm, corpus, progress)
    lengths = _lengths(dims, space.documents.shape[1])
    shown = _rows_shown(len(corpus))
    documents = tuple(corpus.documents[row] for row in shown)
    vectors = space.documents[shown]
    fields = label_fields(corpus)
    growing = _Growing(documents, vectors, lengths, fields, corpus.label_names)
    children = growing.children(np.arange(len(documents)), 0, progress)
    notes = [] if len(shown) == len(corpus) else [_sampled_words(len(shown), len(corpus))]
    tree = PrefixTree(
        corpus.name,
        arm.name,
        arm.label,
        len(corpus),
        documents,
        _floors(children, lengths, documents, fields, _untaught(corpus, shown)),
        children,
        fields,
        notes=tuple(notes),
    )
    return _followed(builder, space, tree, query.strip()) if query.strip() else tree


def follow(builder: SpaceBuilder, corpus: Corpus, arm: Arm, tree: PrefixTree, query: str) -> PrefixTree:
    """A tree that `grow_tree` gave for the same corpus and arm, with the path of a question; raises as that does."""
    return _followed(builder, builder.space(arm, corpus), tree, query)


def _followed(builder: SpaceBuilder, space: Space, tree: PrefixTree, query: str) -> PrefixTree:
    asked = space.map_queries(builder.encoders.encoder(space.arm.encoder).encode_queries([query]))
    return walk(tree, query, asked[0], space.documents[_rows_shown(tree.n_documents)])


def walk(tree: PrefixTree, query: str, vector: FloatMatrix, vectors: FloatMatrix) -> PrefixTree:
    """The tree with the path of a question whose vector is `(d,)`, over documents' vectors `(n, d)` in its order."""
    cosines = vectors @ vector
    best = int(np.argmax(cosines))
    path: list[PathStep] = []
    siblings, last = tree.children, tuple(range(len(vectors)))
    while siblings:
        near = np.array([float(truncate(vector[None], len(node.centre))[0] @ node.centre) for node in siblings])
        place = int(np.argmax(near))
        node = siblings[place]
        ahead = float(near[place] - np.partition(near, -2)[-2]) if len(near) > 1 else 0.0
        path.append(PathStep(node.dim, place, node.name, node.size, float(near[place]), ahead, best in node.rows))
        siblings, last = node.children, node.rows
    reached = tuple(sorted(last, key=lambda row: -float(cosines[row])))
    return replace(tree, query=query, path=tuple(path), best=best, reached=reached)


def _lengths(dims: Sequence[int], full: int) -> tuple[int, ...]:
    lengths = tuple(sorted({check_dimension(dim, full) for dim in dims}))
    if not 1 <= len(lengths) <= _MOST_FLOORS:
        raise LabError(f"{len(lengths)} lengths make no tree to walk: give 1 to {_MOST_FLOORS}, as in 8,16,32.")
    return lengths


def _rows_shown(count: int) -> IntMatrix:
    if count <= MOST_IN_TREE:
        return np.arange(count)
    return np.sort(np.random.default_rng(0).choice(count, MOST_IN_TREE, replace=False))


def _sampled_words(shown: int, total: int) -> str:
    return f"{shown:,} of {total:,} documents are in the tree, drawn at random; the path leads among them."


@dataclass(frozen=True)
class _Growing:
    """What clusters are made of, and how they get their names."""

    documents: tuple[Document, ...]
    vectors: FloatMatrix
    lengths: tuple[int, ...]
    fields: tuple[str, ...]
    label_names: Mapping[str, str]
    seed: int = 0

    def children(self, rows: IntMatrix, floor: int, progress: Progress | None = None) -> tuple[TreeNode, ...]:
        """The clusters of some documents by the prefix of a floor, the largest first; none if they are too few."""
        count = self._count(rows, floor)
        if floor == len(self.lengths) or count < 2:
            return ()
        dim = self.lengths[floor]
        cut = truncate(self.vectors[rows], dim)
        group_of, centres = _cluster(cut, count, self.seed)
        names = self._names(rows, group_of, len(centres), floor)
        nodes: list[TreeNode] = []
        for place in np.argsort(-np.bincount(group_of, minlength=len(centres)), kind="stable").tolist():
            if progress is not None and floor == 0:
                progress(len(nodes) / len(centres), f"Growing the tree: branch {len(nodes) + 1} of {len(centres)}")
            inside = np.flatnonzero(group_of == place)
            near = inside[np.argsort(-(cut[inside] @ centres[place]), kind="stable")]
            name, share = names[place]
            below = self.children(rows[near], floor + 1)
            nodes.append(TreeNode(name, share, dim, tuple(rows[near].tolist()), centres[place], below))
        return tuple(nodes)

    def _count(self, rows: IntMatrix, floor: int) -> int:
        """How many clusters: as many as there are labels of that floor, or by the number of documents."""
        if floor == len(self.lengths):
            return 0
        most = min(_MOST_CHILDREN if floor else _MOST_ROOMS, len(rows) // _FEWEST_A_NODE)
        labels = len(self._common_labels(rows, floor)) if self.fields else 0
        wanted = labels if labels >= 2 else round(float(np.sqrt(len(rows) / 2)) / 2)
        return max(0, min(most, wanted))

    def _common_labels(self, rows: IntMatrix, floor: int) -> list[str]:
        """Labels that several of these documents have."""
        counts = Counter(self._label(row, floor) for row in rows.tolist())
        return [label for label, count in counts.items() if label and count >= _FEWEST_A_NODE // 2]

    def _label(self, row: int, floor: int) -> str:
        """The coarse label on the first floor, the fine one below."""
        name = self.fields[0 if floor == 0 else -1]
        return str(getattr(self.documents[row], name))

    def _names(self, rows: IntMatrix, group_of: IntMatrix, count: int, floor: int) -> list[tuple[str, float]]:
        """Name of each cluster, and the share of its documents that it is true of."""
        if not self.fields:
            documents = [self.documents[row] for row in rows.tolist()]
            return [(name, 0.0) for name in name_by_words(documents, group_of, count)]
        names = []
        for place in range(count):
            labels = Counter(self._label(row, floor) for row in rows[group_of == place].tolist())
            label, most = labels.most_common(1)[0]
            name = self.label_names.get(label, label) or "without a label"
            names.append((name, most / labels.total()))
        return names


def _cluster(cut: FloatMatrix, count: int, seed: int) -> tuple[IntMatrix, FloatMatrix]:
    """Group of each row of `(n, dim)` unit rows, and the unit centres of the groups that are not empty."""
    from sklearn.cluster import KMeans

    count = min(count, len(np.unique(cut, axis=0)))
    if count < 2:
        return np.zeros(len(cut), dtype=np.int64), truncate(cut.mean(axis=0, keepdims=True), cut.shape[1])
    group_of = KMeans(count, n_init=2, random_state=seed).fit_predict(cut)
    groups, renamed = np.unique(group_of, return_inverse=True)
    centres = np.stack([cut[renamed == place].mean(axis=0) for place in range(len(groups))])
    return renamed.astype(np.int64), truncate(centres, cut.shape[1])


def _untaught(corpus: Corpus, shown: IntMatrix) -> frozenset[int]:
    """Places among the rows shown of documents whose labels teach nothing; all if no label does."""
    order = canonical_order(corpus.documents)
    try:
        ordered = replace(corpus, documents=tuple(corpus.documents[row] for row in order))
        untaught = set(order[taught_levels(ordered).classes[0] < 0].tolist())
    except CorpusError:
        untaught = set(order.tolist())
    return frozenset(place for place, row in enumerate(shown.tolist()) if row in untaught)


def _floors(
    children: tuple[TreeNode, ...],
    lengths: tuple[int, ...],
    documents: Sequence[Document],
    fields: Sequence[str],
    untaught: frozenset[int],
) -> tuple[TreeFloor, ...]:
    """Every floor's clusters counted and their purity measured; a cluster that has no children stands on all below."""
    floors = []
    for dim in lengths:
        nodes = _nodes_at(children, dim)
        purity = {name: _purity(nodes, [str(getattr(each, name)) for each in documents], untaught) for name in fields}
        floors.append(TreeFloor(dim, len(nodes), purity))
    return tuple(floors)


def _nodes_at(children: tuple[TreeNode, ...], dim: int) -> list[TreeNode]:
    nodes: list[TreeNode] = []
    for node in children:
        nodes += [node] if node.dim == dim or not node.children else _nodes_at(node.children, dim)
    return nodes


def _purity(nodes: Sequence[TreeNode], labels: Sequence[str], untaught: frozenset[int]) -> float:
    """The share of labelled documents among the untaught that have the most common label of their cluster."""
    right = total = 0
    for node in nodes:
        counts = Counter(labels[row] for row in node.rows if labels[row])
        own = Counter(labels[row] for row in node.rows if labels[row] and row in untaught)
        right += own[counts.most_common(1)[0][0]] if counts else 0
        total += own.total()
    return round(right / total, 4) if total else 0.0
