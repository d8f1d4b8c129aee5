"""Names of contenders: the catalogue, models, suffixes, and the plus in a folder's own name."""

from __future__ import annotations

import pytest

from mrl_demo.arms.names import resolve_arm
from mrl_demo.core.errors import ModelError
from mrl_demo.lab.lab import Lab


def test_a_suffix_puts_a_transform_on_any_model(lab: Lab) -> None:
    arm = resolve_arm("tiny+pca", lab.builder.menu)
    assert (arm.name, arm.encoder, arm.transform.name) == ("tiny+pca", "tiny", "corpus-pca")
    assert arm.label == "tiny + PCA of this corpus"


def test_a_plus_in_a_model_s_own_name_is_no_suffix(lab: Lab) -> None:
    lab.encoders.add("ours+adapted", lab.encoders.encoder("tiny"))
    assert resolve_arm("ours+adapted", lab.builder.menu).transform.name == "cut"
    assert resolve_arm("ours+adapted+pca", lab.builder.menu).encoder == "ours+adapted"


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("nope", "There is no arm 'nope'"),
        ("nope+pca", "There is no arm 'nope'"),
        ("adapted+pca", "'adapted' is already rotated"),
        ("base-random+pca", "already in random order"),
        ("bm25+adapted", "'bm25' has no vectors"),
        ("base+nope", r"\+adapted"),
    ],
)
def test_what_is_not_possible_says_why(lab: Lab, name: str, says: str) -> None:
    with pytest.raises(ModelError, match=says):
        resolve_arm(name, lab.builder.menu)
