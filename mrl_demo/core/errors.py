"""Problems the user can act on: every text names the bad value and the next step."""

from __future__ import annotations

from typing import Self


class LabError(Exception):
    """A problem the user can act on: its text names the bad value and the next step.

    `field` is the setting it is about ("weights", "query_column"), "" for none: a command line names its flag, a page
    its control.

    >>> LabError("'2,abc' is no list of numbers").about("weights").field
    'weights'
    """

    field: str = ""

    def about(self, field: str) -> Self:
        """Itself, with the setting that is to be mended."""
        self.field = field
        return self


class InvalidDimensionError(LabError, ValueError):
    """A prefix length that is not a whole number from 1 to the vectors' full length."""


class CorpusError(LabError, ValueError):
    """A collection that cannot be read or searched as it is."""


class ModelError(LabError, RuntimeError):
    """Weights or adapters that are missing, damaged or not what their hash says."""


class ServiceError(ModelError):
    """A Hub or an API that did not give what was asked for: it may another time."""


class CacheError(LabError, OSError):
    """A cache folder that cannot be read or written."""


class Cancelled(LabError):  # noqa: N818 - a request of the user, not an error
    """The person asked a long task to stop."""
