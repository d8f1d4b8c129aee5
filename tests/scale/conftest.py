"""The builder of spaces without models that the evaluation's tests use."""

from __future__ import annotations

from tests.evaluation.conftest import make_builder

__all__ = ["make_builder"]
