"""What can go wrong between the lab and an engine, by what helps."""

from __future__ import annotations

from mrl_demo.core.errors import LabError


class EngineError(LabError):
    """An engine that cannot be used as it was asked to be."""


class EngineDownError(EngineError):
    """It does not answer, or not in time: it may another time, so it is asked again, and the page goes on without."""


class EngineFullError(EngineError):
    """It has no room left."""


class EngineMismatchError(EngineError):
    """What it holds is something else: another schema, model, rotation or collection, or an upload that never ended."""


class EngineRefusedError(EngineError):
    """It refuses the name or the password, or the right to do this."""
