"""Problems of training that the person can mend."""

from __future__ import annotations

from mrl_demo.core.errors import LabError


class ConfigError(LabError, ValueError):
    """A configuration that cannot be trained."""


class DataError(LabError, ValueError):
    """Training data that cannot be used as it is."""


class RunError(LabError, RuntimeError):
    """A run that cannot start or go on."""
