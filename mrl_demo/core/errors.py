"""Problems the user can act on: every text names the bad value and the next step."""

from __future__ import annotations


class LabError(Exception):
    """A problem the user can act on: its text names the bad value and the next step."""


class InvalidDimensionError(LabError, ValueError):
    """A prefix length that is not a whole number from 1 to the vectors' full length."""


class CorpusError(LabError, ValueError):
    """A collection that cannot be read or searched as it is."""


class ModelError(LabError, RuntimeError):
    """Weights or adapters that are missing, damaged or not what their hash says."""


class CacheError(LabError, OSError):
    """A cache folder that cannot be read or written."""


class Cancelled(LabError):  # noqa: N818 - a request of the user, not an error
    """The person asked a long task to stop."""
