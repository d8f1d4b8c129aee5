"""What adapters of engines have in common: a collection's card and its checks, the client, faults said in words."""

from __future__ import annotations

import threading
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from typing import ClassVar, Generic, TypeVar

from mrl_demo.core.errors import LabError
from mrl_demo.search.engines.address import EngineAddress
from mrl_demo.search.engines.errors import EngineDownError, EngineError, EngineMismatchError
from mrl_demo.search.engines.require import require_client
from mrl_demo.search.engines.vector_engine import CollectionCard, CollectionLayout, EngineBytes

ClientT = TypeVar("ClientT")
#: Uploads that a server takes at once.
_WORKERS = 4


@dataclass(frozen=True)
class StoredCollection:
    """What an engine says of a collection: the text of its card, None without one, and the type of each vector field.

    >>> StoredCollection(None, {"embedding": "vector(384)"}).describe_fields()
    'embedding vector(384)'
    """

    card: str | None
    fields: Mapping[str, str]

    def describe_fields(self) -> str:
        """For a message."""
        return ", ".join(f"{name} {kind}" for name, kind in self.fields.items()) or "no vectors"


class EngineAdapter(ABC):
    """The part of a `VectorEngine` that is the same whatever the product: which collection, whose it is, its layout.

    A product says how its collections are read (`read_stored`), removed (`remove_stored`) and laid out
    (`fields_of`), and what its own errors mean (`explain`).

    >>> from mrl_demo.search.engines.opening import open_engine
    >>> engine = open_engine("qdrant:///:memory:?collection=bees")
    >>> engine.name, engine.read_card()
    ('Qdrant', None)
    """

    product: ClassVar[str]
    #: The package that talks to it, and the extra that installs the package.
    client_package: ClassVar[str]
    extra: ClassVar[str]

    def __init__(self, address: EngineAddress) -> None:
        """Connect when first needed; raises `EngineError` with the line that installs the client if it is missing."""
        require_client(self.client_package, self.extra)
        self.address, self.collection = address, address.collection
        self.most_workers = 1 if address.is_local else _WORKERS
        self._layout: CollectionLayout | None = None

    @property
    def name(self) -> str:
        """As `VectorEngine` has it."""
        return self.product

    @property
    def layout(self) -> CollectionLayout:
        """The layout of the collection, read once; raises `EngineMismatchError` if there is none."""
        if self._layout is None:
            self.read_card()
        if self._layout is None:
            raise EngineMismatchError.missing(self.collection)
        return self._layout

    def read_card(self) -> CollectionCard | None:
        """As `VectorEngine` has it."""
        stored = self.read_stored()
        if stored is None:
            return None
        card = CollectionCard.from_json(self._card_text(stored))
        wanted = StoredCollection(None, self.fields_of(card.layout))
        if dict(stored.fields) != dict(wanted.fields):
            raise EngineMismatchError(
                f"The collection {self.collection} has {stored.describe_fields()}, not {wanted.describe_fields()}: "
                "somebody changed it; make it anew with `mrl index --replace`."
            )
        self._layout = card.layout
        return card

    def check_loading(self, layout: CollectionLayout) -> None:  # noqa: B027 - most products refuse nothing
        """As `VectorEngine` has it: nothing is known against it, unless a product says what."""

    def create(self, card: CollectionCard) -> None:
        """As `VectorEngine` has it."""
        self.check_loading(card.layout)
        self.create_stored(card)
        self._layout = card.layout

    def drop(self) -> None:
        """As `VectorEngine` has it; a collection that is not the lab's stays."""
        stored = self.read_stored()
        if stored is not None:
            self._card_text(stored)
            self.remove_stored()
            self._layout = None

    def stats(self) -> EngineBytes:
        """As `VectorEngine` has it: not told."""
        return EngineBytes(None, None)

    @abstractmethod
    def fields_of(self, layout: CollectionLayout) -> Mapping[str, str]:
        """The vector fields of a layout and their types, as `read_stored` tells them."""

    @abstractmethod
    def read_stored(self) -> StoredCollection | None:
        """What there is under the collection's name, the lab's or not; None if nothing is."""

    @abstractmethod
    def create_stored(self, card: CollectionCard) -> None:
        """Make the collection with its schema and its card."""

    @abstractmethod
    def remove_stored(self) -> None:
        """Remove the collection, which is the lab's."""

    @abstractmethod
    def explain(self, error: Exception) -> EngineError | None:
        """What an error of the client means and what helps, naming no password; None if it is not the engine's."""

    @contextmanager
    def explained(self) -> Iterator[None]:
        """Errors inside are said in words."""
        try:
            yield
        except LabError:
            raise
        except Exception as error:
            said = self.explain(error)
            if said is None and isinstance(error, ConnectionError | TimeoutError):
                said = EngineDownError.silent(self.product)
            if said is None:
                raise
            raise said from error

    def _card_text(self, stored: StoredCollection) -> str:
        if not stored.card:
            raise EngineMismatchError(f"The collection {self.collection} is not one of the lab's: name another one.")
        return stored.card


class ClientAdapter(EngineAdapter, Generic[ClientT]):
    """An adapter whose product has one client that threads share, connected when it is first needed.

    >>> from mrl_demo.search.engines.opening import open_engine
    >>> engine = open_engine("milvus://127.0.0.1:1/bees")  # Nothing listens there, and nobody has asked yet.
    >>> engine.close()
    """

    def __init__(self, address: EngineAddress) -> None:
        super().__init__(address)
        self._client: ClientT | None = None
        self._connecting = threading.Lock()

    @abstractmethod
    def connect(self) -> ClientT:
        """A client for the address."""

    @abstractmethod
    def disconnect(self, client: ClientT) -> None:
        """Close a client."""

    def close(self) -> None:
        """Close the client; a local file can be opened by others then."""
        with self._connecting:
            client, self._client = self._client, None
        if client is not None:
            self.disconnect(client)

    @contextmanager
    def asking(self) -> Iterator[ClientT]:
        """The client, its errors said in words."""
        with self.explained(), self.guarding():
            with self._connecting:
                if self._client is None:
                    self._client = self.connect()
                client = self._client
            yield client

    def guarding(self) -> AbstractContextManager[object]:
        """What has to be held while the client is asked: nothing."""
        return nullcontext()
