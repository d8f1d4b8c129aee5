"""The rows of the catalogue: told apart in every view, on light pages and dark ones."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from mrl_demo.arms.catalogue import ARMS, arm_styles, best_contender, reserved_names


def luminance(colour: str) -> float:
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [v / 12.92 if v <= 0.03928 else ((v + 0.055) / 1.055) ** 2.4 for v in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    dark, light = sorted((luminance(one), luminance(other)))
    return (light + 0.05) / (dark + 0.05)


def test_colours_show_on_light_and_dark_and_no_two_arms_look_alike() -> None:
    spare = arm_styles([f"model-{i}" for i in range(40)]).values()
    styles = [*(arm.style for arm in ARMS if arm.style), *dict.fromkeys(spare)]
    assert len(styles) > len(ARMS)
    for style in styles:
        assert contrast(style.colour, "#ffffff") >= 3
        assert contrast(style.colour, "#131417") >= 3
    assert len({style.colour for style in styles}) == len(styles)
    assert len({style.symbol for style in styles}) == len(styles)


@given(st.lists(st.sampled_from(["base", "tuned", "mine", "other", "third", "tiny+pca", "a/b"]), unique=True))
def test_an_arm_keeps_its_style_whatever_is_beside_it_and_no_two_share_one(names: list[str]) -> None:
    styles = arm_styles(names)
    assert set(styles) == set(names)
    assert len(set(styles.values())) == len(names)
    assert styles == arm_styles(names[::-1])
    for shipped in {"base", "tuned"} & set(names):
        assert styles[shipped] == arm_styles([shipped])[shipped]


def test_more_models_than_spare_styles_are_still_drawn() -> None:
    assert len(arm_styles([f"model-{i}" for i in range(40)])) == 40


def test_the_best_contender_is_one_of_those_there_are() -> None:
    assert best_contender(["base", "adapted", "corpus-pca"]) == "adapted"
    assert best_contender(["base", "mine"]) is None


def test_names_of_arms_and_of_their_encoders_are_reserved() -> None:
    assert {"base", "adapted", "minilm", "tuned", "bm25", "bge-base"} <= reserved_names()
    assert "" not in reserved_names()
