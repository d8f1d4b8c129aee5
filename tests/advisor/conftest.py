"""The evaluation's builder of spaces without models or network."""

from __future__ import annotations

from tests.evaluation.conftest import make_builder as make_builder
