"""What can go wrong between the lab and an engine, by what helps."""

from __future__ import annotations

from mrl_demo.core.errors import LabError


class EngineError(LabError):
    """An engine that cannot be used as it was asked to be."""


class EngineDownError(EngineError):
    """It does not answer, or not in time: it may another time, so it is asked again, and the page goes on without.

    >>> str(EngineDownError.silent("Qdrant"))
    'Qdrant does not answer: start it, or check host and port.'
    """

    @classmethod
    def silent(cls, product: str) -> EngineDownError:
        """A server that does not answer at all."""
        return cls(f"{product} does not answer: start it, or check host and port.")


class EngineFullError(EngineError):
    """It has no room left.

    >>> str(EngineFullError.no_room("Milvus"))
    'Milvus has no room left: free some space, then run `mrl index` again to go on.'
    """

    @classmethod
    def no_room(cls, product: str) -> EngineFullError:
        """A server whose disk, memory or quota is used up."""
        return cls(f"{product} has no room left: free some space, then run `mrl index` again to go on.")


class EngineMismatchError(EngineError):
    """What it holds is something else: another schema, model, rotation or collection, or an upload that never ended.

    >>> str(EngineMismatchError.missing("docs"))
    'There is no collection docs there: check the address, or make it with `mrl index`.'
    """

    @classmethod
    def changed(cls, detail: str = "") -> EngineMismatchError:
        """A collection that the lab made and somebody has changed; `detail` is what the engine says of it."""
        said = f" ({detail})" if detail else ""
        return cls(f"The collection is not as the lab made it{said}: run `mrl index --replace` to make it anew.")

    @classmethod
    def missing(cls, collection: str) -> EngineMismatchError:
        """No collection of that name."""
        return cls(f"There is no collection {collection} there: check the address, or make it with `mrl index`.")


class EngineRefusedError(EngineError):
    """It refuses the name or the password, or the right to do this."""
