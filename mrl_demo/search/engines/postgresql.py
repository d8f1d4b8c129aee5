"""PostgreSQL with pgvector: one column, expression indexes on its prefixes (`subvector`), funnels and rescoring in SQL.

A collection is a table of keys, attributes and full vectors; its card is the table's comment. Without an index every
row is compared, exactly. HNSW indexes lie on `subvector(embedding, 1, d)` as vector, halfvec or bit; what codes or a
shorter prefix find is rescored by the float32 prefix, so that one short index serves all longer lengths. Partitions are
by hash of the key.
"""

from __future__ import annotations

import re
import select
import struct
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any
from uuid import UUID

import numpy as np

from mrl_demo.core.types import FloatMatrix
from mrl_demo.search.cascade import Cascade
from mrl_demo.search.engines.adapter import EngineAdapter, StoredCollection
from mrl_demo.search.engines.address import EngineAddress
from mrl_demo.search.engines.errors import (
    EngineDownError,
    EngineError,
    EngineFullError,
    EngineMismatchError,
    EngineRefusedError,
)
from mrl_demo.search.engines.vector_engine import (
    CollectionCard,
    CollectionLayout,
    EngineBytes,
    Nearest,
    VectorBatch,
    check_cascade,
)

if TYPE_CHECKING:
    import psycopg

_CONNECT_SECONDS = 5
#: A search that takes longer is given up: the page goes on without this engine.
SEARCH_SECONDS = 10
#: `hnsw.ef_search` at most; more results than that come from a scan of all.
_MOST_EF = 1_000
#: Rows of a graph that are looked at until enough fit a filter: all, or, without one, pgvector's default.
_MOST_TUPLES, _TUPLES = 2_147_483_647, 20_000
_MEMORY_FOR_BUILDING = "1GB"
#: How many times `k` the codes of an index hand to the float32 vectors.
_OVERSAMPLING = 4
_LEAST_SHORTLIST = 40
#: The same if the index has a shorter prefix than is asked for.
_LONGER, _LEAST_LONGER = 20, 200
#: Most numbers that an HNSW index takes of each type.
_MOST_INDEXED = {"float32": 2_000, "float16": 4_000, "binary": 64_000}
_TYPES = {"float32": "vector", "float16": "halfvec", "binary": "bit"}
_CLASSES = {"float32": "vector_cosine_ops", "float16": "halfvec_cosine_ops", "binary": "bit_hamming_ops"}
_NEEDED = (0, 8)
_COPY_HEADER = b"PGCOPY\n\xff\r\n\0" + struct.pack("!ii", 0, 0)
_COPY_TRAILER = struct.pack("!h", -1)

_NO_RIGHTS = (
    "PostgreSQL refuses this: check user, password and rights (a search reads the table, `mrl index` makes and writes "
    "it: GRANT CREATE ON SCHEMA public)."
)


class PostgresEngine(EngineAdapter):
    """A table with pgvector as a `VectorEngine`.

    >>> PostgresEngine(EngineAddress.parse("postgresql://lab@127.0.0.1:1/lab")).count()
    Traceback (most recent call last):
        ...
    mrl_demo.search.engines.errors.EngineDownError: PostgreSQL does not answer: start it, or check host and port.
    """

    product = "PostgreSQL"
    client_package, extra = "psycopg", "pgvector"
    has_all_lengths = True

    def __init__(self, address: EngineAddress) -> None:
        super().__init__(address)
        self._idle: list[psycopg.Connection[Any]] = []
        self._lock = threading.Lock()
        self._version = ""

    @property
    def name(self) -> str:
        """The product and the version of its extension, once one connection was made."""
        return f"PostgreSQL (pgvector{' ' if self._version else ''}{self._version})"

    def fields_of(self, layout: CollectionLayout) -> Mapping[str, str]:
        """One column for all lengths."""
        return {"embedding": f"vector({layout.dimension})"}

    def read_stored(self) -> StoredCollection | None:
        """The table's comment and the type of its vectors."""
        with self._connection() as connection:
            row = connection.execute(
                "SELECT obj_description(c.oid), format_type(a.atttypid, a.atttypmod) "
                "FROM pg_class c LEFT JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname = 'embedding' "
                "WHERE c.oid = to_regclass(%s)",
                (f'"{self.collection}"',),
            ).fetchone()
        if row is None:
            return None
        return StoredCollection(row[0], {"embedding": row[1]} if row[1] else {})

    def check_loading(self, layout: CollectionLayout) -> None:
        """As `VectorEngine` has it: pgvector's own limits, and who may make or owns the table (its comment changes)."""
        if layout.precision == "int8":
            raise EngineError("pgvector has no int8: choose float16 (halfvec) or binary (bit).")
        longest, most = max(_indexed_lengths(layout), default=0), _MOST_INDEXED[layout.precision]
        if longest > most:
            raise EngineError(
                f"An HNSW index of pgvector takes at most {most:,} numbers of {layout.precision}, not {longest:,}: "
                "choose a shorter --dims, float16 or binary, or leave --hnsw out."
            )
        with self._connection() as connection:
            row = connection.execute(
                "SELECT coalesce((SELECT pg_has_role(relowner, 'USAGE') FROM pg_class WHERE oid = to_regclass(%s)), "
                "has_schema_privilege(current_schema(), 'CREATE'), false)",
                (f'"{self.collection}"',),
            ).fetchone()
        if row is None or not row[0]:
            raise EngineRefusedError(_NO_RIGHTS)

    def create_stored(self, card: CollectionCard) -> None:
        """A table, its partitions, and the card as its comment."""
        layout = card.layout
        partitioned = " PARTITION BY HASH (key)" if layout.parts > 1 else ""
        with self._connection() as connection, connection.transaction():
            self._run(
                connection,
                f'CREATE TABLE "{self.collection}" (key uuid PRIMARY KEY, attributes jsonb NOT NULL, '
                f"embedding vector({layout.dimension}) NOT NULL){partitioned}",
            )
            for part in range(layout.parts if layout.parts > 1 else 0):
                self._run(
                    connection,
                    f'CREATE TABLE "{self.collection}_{part}" PARTITION OF "{self.collection}" '
                    f"FOR VALUES WITH (MODULUS {layout.parts}, REMAINDER {part})",
                )
            self._comment(connection, card)

    def write_card(self, card: CollectionCard) -> None:
        """As `VectorEngine` has it."""
        with self._connection() as connection:
            self._comment(connection, card)

    def keys(self) -> set[str]:
        """As `VectorEngine` has it."""
        with self._connection() as connection:
            return {key for (key,) in self._run(connection, f'SELECT key::text FROM "{self.collection}"')}

    def count(self) -> int:
        """As `VectorEngine` has it."""
        with self._connection() as connection:
            return int(self._run(connection, f'SELECT count(*) FROM "{self.collection}"').fetchone()[0])

    def upload(self, batch: VectorBatch) -> None:
        """As `VectorEngine` has it; rows that are there already make way, so that a copy is never refused as double."""
        with self._connection() as connection, connection.transaction():
            self._delete(connection, batch.keys)
            with connection.cursor().copy(
                f'COPY "{self.collection}" (key, attributes, embedding) FROM STDIN (FORMAT BINARY)'
            ) as copy:
                copy.write(b"".join(_copy_rows(batch)))

    def delete(self, keys: Sequence[str]) -> None:
        """As `VectorEngine` has it."""
        with self._connection() as connection:
            self._delete(connection, keys)

    def finish(self) -> None:
        """Build the indexes of the layout that are not there yet, and let the planner know the table."""
        layout = self.layout
        with self._connection() as connection:
            connection.execute(f"SET maintenance_work_mem = '{_MEMORY_FOR_BUILDING}'")
            for dim in _indexed_lengths(layout):
                self._run(
                    connection,
                    f'CREATE INDEX IF NOT EXISTS "{self.collection}_{dim}" ON "{self.collection}" '
                    f"USING hnsw (({_indexed(layout, dim)}) {_CLASSES[layout.precision]})",
                )
            connection.execute("RESET maintenance_work_mem")
            self._run(connection, f'ANALYZE "{self.collection}"')

    def search(self, queries: FloatMatrix, dim: int, k: int, where: Mapping[str, str] | None = None) -> list[Nearest]:
        """As `VectorEngine` has it; lengths below the shortest index are compared row by row, exactly."""
        layout = self.layout
        indexed = max((length for length in _indexed_lengths(layout) if length <= dim), default=0)
        by_index = bool(indexed) and k <= _MOST_EF
        sql = (
            _indexed_search(self.collection, layout, indexed, dim)
            if by_index
            else _exact_search(self.collection, layout, dim)
        )
        oversampling, least = (_OVERSAMPLING, _LEAST_SHORTLIST) if indexed == dim else (_LONGER, _LEAST_LONGER)
        shortlist = min(_MOST_EF, max(least, oversampling * k))
        values = {"where": _json(where or {}), "k": k, "shortlist": shortlist}
        with self._connection() as connection, connection.transaction():
            self._limit_time(connection)
            if by_index:
                connection.execute(f"SET LOCAL hnsw.ef_search = {shortlist}")
                connection.execute("SET LOCAL hnsw.iterative_scan = strict_order")  # Filters must not shorten lists,
                connection.execute(f"SET LOCAL hnsw.max_scan_tuples = {_MOST_TUPLES if where else _TUPLES}")
            return [
                _answer(self._run(connection, sql, values | {"query": _text(query)}).fetchall()) for query in queries
            ]

    def funnel(self, queries: FloatMatrix, cascade: Cascade, k: int) -> list[Nearest]:
        """As `VectorEngine` has it: one statement, a subquery a stage."""
        check_cascade(cascade)
        layout = self.layout
        sql = _funnel_search(self.collection, layout, cascade)
        first = cascade.stages[0].keep
        with self._connection() as connection, connection.transaction():
            self._limit_time(connection)
            if first > _MOST_EF:  # An index would not give so many.
                connection.execute("SET LOCAL enable_indexscan = off")
            else:
                connection.execute(f"SET LOCAL hnsw.ef_search = {max(_LEAST_SHORTLIST, min(_MOST_EF, 2 * first))}")
            return [
                _answer(self._run(connection, sql, {"query": _text(query), "k": k}).fetchall()) for query in queries
            ]

    def stats(self) -> EngineBytes:
        """As `VectorEngine` has it: table with its keys, and the indexes on prefixes."""
        with self._connection() as connection:
            row = connection.execute(
                "SELECT sum(pg_table_size(relid)), sum(pg_indexes_size(relid)) FROM pg_partition_tree(%s)",
                (f'"{self.collection}"',),
            ).fetchone()
            if row is None or row[0] is None:
                row = connection.execute(
                    "SELECT pg_table_size(%s::regclass), pg_indexes_size(%s::regclass)", (f'"{self.collection}"',) * 2
                ).fetchone()
        assert row is not None  # noqa: S101 - an aggregate has a row
        return EngineBytes(int(row[0]), int(row[1]))

    def remove_stored(self) -> None:
        """Drop the table and its partitions."""
        with self._connection() as connection:
            self._run(connection, f'DROP TABLE "{self.collection}"')

    def close(self) -> None:
        """Close idle connections."""
        with self._lock:
            idle, self._idle = self._idle, []
        for connection in idle:
            connection.close()

    @contextmanager
    def _connection(self) -> Iterator[psycopg.Connection[Any]]:
        """An idle connection or a new one; one that failed is thrown away. Errors are said in words."""
        connection = self._take_idle()
        try:
            with self.explained():
                connection = connection or self._connect()
                yield connection
        finally:
            if connection is not None:
                self._put_back(connection)

    def _take_idle(self) -> psycopg.Connection[Any] | None:
        """A connection whose server has not gone away meanwhile, None if there is none."""
        with self._lock:
            while self._idle:
                connection = self._idle.pop()
                if _is_open(connection):
                    return connection
                connection.close()
        return None

    def explain(self, error: Exception) -> EngineError | None:
        """By the class of psycopg's errors, or by what a failed connection says."""
        import psycopg

        return _in_words(error) if isinstance(error, psycopg.Error) else None

    def _put_back(self, connection: psycopg.Connection[Any]) -> None:
        from psycopg.pq import TransactionStatus

        if connection.closed or connection.info.transaction_status != TransactionStatus.IDLE:
            connection.close()
            return
        with self._lock:
            self._idle.append(connection)

    def _connect(self) -> psycopg.Connection[Any]:
        import psycopg

        connection = psycopg.connect(self.address.url, autocommit=True, connect_timeout=_CONNECT_SECONDS)
        try:
            asks = "SELECT extversion FROM pg_extension WHERE extname = 'vector'"
            row = connection.execute(asks).fetchone()
            if row is None:  # Asked first: a replica may not even say "if not exists".
                _add_extension(connection)
                row = connection.execute(asks).fetchone()
            self._version = str(row[0]) if row else "0.0"
            if tuple(int(part) for part in self._version.split(".")[:2]) < _NEEDED:
                raise EngineMismatchError(
                    f"pgvector is {self._version} there, and 0.8 is needed: ALTER EXTENSION vector UPDATE."
                )
        except BaseException:
            connection.close()
            raise
        return connection

    def _comment(self, connection: psycopg.Connection[Any], card: CollectionCard) -> None:
        from psycopg import sql

        connection.execute(
            sql.SQL("COMMENT ON TABLE {} IS {}").format(sql.Identifier(self.collection), sql.Literal(card.to_json()))
        )

    def _delete(self, connection: psycopg.Connection[Any], keys: Sequence[str]) -> None:
        self._run(connection, f'DELETE FROM "{self.collection}" WHERE key = ANY(%s)', ([UUID(key) for key in keys],))

    @staticmethod
    def _limit_time(connection: psycopg.Connection[Any]) -> None:
        connection.execute(f"SET LOCAL statement_timeout = '{SEARCH_SECONDS}s'")

    @staticmethod
    def _run(connection: psycopg.Connection[Any], sql: str, values: Any = None) -> Any:  # noqa: ANN401
        """Run SQL of our own names and numbers; what others said goes in as `values`."""
        return connection.execute(sql, values)


def _add_extension(connection: psycopg.Connection[Any]) -> None:
    """Switch pgvector on in this database; raises `EngineRefusedError` for a user who may not."""
    import psycopg.errors as kinds

    try:
        connection.execute("CREATE EXTENSION IF NOT EXISTS vector")
    except kinds.InsufficientPrivilege as error:
        raise EngineRefusedError(
            "pgvector is not switched on in this database, and this user may not: let its owner run CREATE EXTENSION "
            "vector there once."
        ) from error


def _is_open(connection: psycopg.Connection[Any]) -> bool:
    """Whether a connection that nobody uses is silent: the server of one that has something to say has gone."""
    return not select.select([connection.fileno()], [], [], 0)[0]


def _copy_rows(batch: VectorBatch) -> Iterator[bytes]:
    """Rows in PostgreSQL's binary COPY format: uuid, jsonb, and pgvector's own (length, unused, big-endian float32)."""
    dimension = batch.vectors.shape[1]
    size = 4 + 4 * dimension
    vector_head = struct.pack("!ihh", size, dimension, 0)
    numbers = np.ascontiguousarray(batch.vectors, dtype=">f4")
    yield _COPY_HEADER
    for key, attributes, row in zip(batch.keys, batch.attributes, numbers, strict=True):
        about = b"\x01" + _json(attributes).encode()
        yield struct.pack("!hi", 3, 16) + UUID(key).bytes
        yield struct.pack("!i", len(about)) + about + vector_head + row.tobytes()
    yield _COPY_TRAILER


def _prefix(layout: CollectionLayout, dim: int, column: str) -> str:
    """The first `dim` numbers of a full vector in SQL."""
    return column if dim == layout.dimension else f"subvector({column}, 1, {dim})::vector({dim})"


def _indexed_lengths(layout: CollectionLayout) -> tuple[int, ...]:
    """Lengths with an index: those shorter than the vectors, the full one if there is no other."""
    return (layout.dims[:-1] or layout.dims) if layout.is_approximate else ()


def _indexed(layout: CollectionLayout, dim: int, column: str = "embedding") -> str:
    """What the index of one length holds: queries must say it in the same words."""
    if layout.precision == "binary":
        return f"binary_quantize({_prefix(layout, dim, column)})::bit({dim})"
    if layout.precision == "float16":
        return f"{_prefix(layout, dim, column)}::halfvec({dim})"
    return _prefix(layout, dim, column)


def _index_order(layout: CollectionLayout, dim: int) -> str:
    """The distance that the index of one length is ordered by."""
    operator = "<~>" if layout.precision == "binary" else "<=>"
    return f"{_indexed(layout, dim)} {operator} {_indexed(layout, dim, f'({_query(layout)})')}"


def _query(layout: CollectionLayout) -> str:
    return f"%(query)s::vector({layout.dimension})"


def _distance(layout: CollectionLayout, dim: int) -> str:
    """The cosine distance of float32 prefixes."""
    return f"{_prefix(layout, dim, 'embedding')} <=> {_prefix(layout, dim, f'({_query(layout)})')}"


def _exact_search(table: str, layout: CollectionLayout, dim: int) -> str:
    """Every row compared; a vector of zeros has a distance of NaN, which is cosine 0 here."""
    distance = f"coalesce(nullif({_distance(layout, dim)}, 'NaN'), 1)"
    return (
        f'SELECT key::text, 1 - ({distance}) FROM "{table}" WHERE attributes @> %(where)s::jsonb '
        f"ORDER BY {distance} LIMIT %(k)s"
    )


def _indexed_search(table: str, layout: CollectionLayout, indexed: int, dim: int) -> str:
    """The graph's list at its length, rescored by float32 prefixes if it holds codes or fewer numbers."""
    by_index = _index_order(layout, indexed)
    limit = "%(k)s" if layout.precision == "float32" and indexed == dim else "%(shortlist)s"
    return (
        f"SELECT key::text, 1 - ({_distance(layout, dim)}) AS score FROM ("
        f'SELECT key, embedding FROM "{table}" WHERE attributes @> %(where)s::jsonb ORDER BY {by_index} LIMIT {limit}'
        ") AS shortlist ORDER BY score DESC LIMIT %(k)s"
    )


def _funnel_search(table: str, layout: CollectionLayout, cascade: Cascade) -> str:
    """A subquery a stage, each ordered by a longer prefix of what the one inside let through."""
    inner = f'"{table}"'
    for place, stage in enumerate(cascade.stages[:-1]):
        by_index = not place and stage.dim in _indexed_lengths(layout)
        order = _index_order(layout, stage.dim) if by_index else _distance(layout, stage.dim)
        order = f"ORDER BY {order} LIMIT {stage.keep}"
        inner = f"(SELECT key, embedding FROM {inner} {order}) AS stage_{place}"
    last = _distance(layout, cascade.stages[-1].dim)
    limit = f"least(%(k)s, {cascade.stages[-1].keep})"
    return f"SELECT key::text, 1 - ({last}) AS score FROM {inner} ORDER BY {last} LIMIT {limit}"


def _answer(rows: Sequence[tuple[str, float]]) -> Nearest:
    return Nearest([key for key, _ in rows], [0.0 if score != score else float(score) for _, score in rows])


def _text(row: FloatMatrix) -> str:
    """A vector as pgvector reads it."""
    return "[" + ",".join(map(str, np.asarray(row, dtype=np.float32).tolist())) + "]"


def _json(attributes: Mapping[str, str]) -> str:
    import json

    return json.dumps(dict(attributes)).replace("\\u0000", "")


def _in_words(error: psycopg.Error) -> EngineError:
    """What helps against an error, without anything of the connection string in it."""
    import psycopg
    import psycopg.errors as kinds

    if isinstance(error, kinds.QueryCanceled):
        return EngineDownError(f"PostgreSQL took longer than {SEARCH_SECONDS} s: add an index (--hnsw) or wait.")
    if isinstance(error, kinds.DiskFull | kinds.OutOfMemory | kinds.ConfigurationLimitExceeded):
        return EngineFullError.no_room("PostgreSQL")
    if isinstance(error, kinds.InsufficientPrivilege | kinds.InvalidAuthorizationSpecification | kinds.InvalidPassword):
        return EngineRefusedError(_NO_RIGHTS)
    if isinstance(error, kinds.UndefinedFile | kinds.FeatureNotSupported):
        return EngineMismatchError("This PostgreSQL has no pgvector: install the extension there.")
    if isinstance(error, kinds.UndefinedTable):
        return EngineMismatchError("That collection is gone: make it with `mrl index`.")
    if isinstance(error, kinds.UndefinedColumn | kinds.DatatypeMismatch | kinds.DataException):
        return EngineMismatchError.changed()
    said = str(error).lower()
    if re.search(
        r"password authentication|no password|authentication failed|no pg_hba|role \".*\" (does|is) not", said
    ):
        return EngineRefusedError("PostgreSQL refuses the user or the password: check both (or set PGPASSWORD).")
    if "database" in said and "does not exist" in said:
        return EngineMismatchError("There is no such database: make it (createdb), or name another one.")
    if isinstance(error, kinds.ReadOnlySqlTransaction):
        return EngineRefusedError("This PostgreSQL only reads (a replica?): load the collection into the main server.")
    if isinstance(error, psycopg.ProgrammingError) and error.sqlstate is None:
        return EngineError("PostgreSQL knows no such option: check what stands behind the ? of the address.")
    if error.sqlstate is None or error.sqlstate[:2] in {"08", "57", "53"}:
        return EngineDownError.silent("PostgreSQL")
    return EngineError(f"PostgreSQL says {type(error).__name__} ({error.sqlstate}): run `mrl index` again.")
