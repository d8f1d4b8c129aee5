"""Names of contenders: the catalogue, models, suffixes, and the plus in a folder's own name."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mrl_demo.arms.names import resolve_arm, split_name, suffixes
from mrl_demo.core.errors import ModelError
from mrl_demo.lab.lab import Lab


@given(st.text("ab+pcdt", min_size=1, max_size=12), st.sampled_from(["pca", "adapted", "random"]))
def test_a_name_with_a_suffix_is_that_name_and_that_suffix_unless_it_is_known_itself(name: str, suffix: str) -> None:
    assert split_name(f"{name}+{suffix}", set()) == (name, suffix)
    assert split_name(f"{name}+{suffix}", {f"{name}+{suffix}"}) == (f"{name}+{suffix}", "")
    assert split_name(f"{name}+none", set()) == (f"{name}+none", "")
    assert suffix in suffixes()


def test_a_suffix_puts_a_transform_on_any_model(lab: Lab) -> None:
    arm = resolve_arm("tiny+pca", lab.builder.menu)
    assert (arm.name, arm.encoder, arm.transform.name) == ("tiny+pca", "tiny", "corpus-pca")
    assert arm.label == "tiny + PCA of this corpus"


def test_a_plus_in_a_model_s_own_name_is_no_suffix(lab: Lab) -> None:
    lab.encoders.add("ours+adapted", lab.encoders.encoder("tiny"))
    assert resolve_arm("ours+adapted", lab.builder.menu).transform.name == "cut"
    assert resolve_arm("ours+adapted+pca", lab.builder.menu).encoder == "ours+adapted"


def test_a_model_called_like_an_arm_stands_beside_it(lab: Lab) -> None:
    lab.encoders.add("adapted", lab.encoders.encoder("tiny"))
    arms = {arm.name: arm.encoder for arm in lab.arms()}
    assert (arms["adapted"], arms["adapted-model"]) == ("minilm", "adapted")
    assert len(arms) == len(lab.arms())


def test_what_the_owner_adds_joins_the_menu_once(lab: Lab) -> None:
    before = lab.arms()
    assert [lab.add_arm(name) for name in ("tiny", "tuned", "bm25")] == ["tiny", "tuned", "bm25"]
    assert lab.arms() == before
    assert lab.add_arm("tiny+adapted") == lab.add_arm("tiny+adapted") == "tiny+adapted"
    assert [arm.name for arm in lab.arms()] == [*(arm.name for arm in before), "tiny+adapted"]


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
    with pytest.raises(ModelError, match=says):
        lab.add_arm(name)
