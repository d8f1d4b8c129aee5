"""What an address says of the Compare tab, for the tab itself and for the picture of a link."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from mrl_demo.arms.catalogue import best_contender
from mrl_demo.lab.protocol import LabProtocol
from mrl_demo.ui.address.kinds import FreeText, Kind, OneOf, WholeNumber

FIRST_DIM = 64
#: No link asks for more numbers; what a model has is looked up once its name is known.
LONGEST_VECTOR = 8_192
#: Characters of a condition on the documents searched, such as "topic=bees".
LONGEST_CONDITION = 300


@dataclass(frozen=True)
class ComparisonLink:
    """A comparison by its parameters."""

    q: str
    corpus: str
    left: str
    right: str
    dim: int = FIRST_DIM
    part: str = ""

    @classmethod
    def first(cls, lab: LabProtocol, corpus: str, arm: str | None = None) -> ComparisonLink:
        """What the page opens with: the first example, under the first arm and `arm`, or else the best contender."""
        names = [spec.name for spec in lab.arms()]
        second = arm if arm and arm != names[0] else best_contender(names) or names[-1]
        examples = lab.examples(corpus)
        left, right = lab.arms_serving(corpus, (names[0], second))
        return cls(examples[0].text if examples else "", corpus, left, right)

    def with_values(self, values: dict[str, Any]) -> ComparisonLink:
        """The same with some parameters replaced."""
        return ComparisonLink(**{**asdict(self), **values})


def comparison_kinds(lab: LabProtocol) -> dict[str, Kind]:
    """The kind of each parameter; names are those of the menus at the moment of reading."""
    arms = OneOf(lambda: [arm.name for arm in lab.arms()])
    corpora = OneOf(lambda: [choice.name for choice in lab.corpora()])
    dims, part = WholeNumber(1, LONGEST_VECTOR), FreeText(LONGEST_CONDITION)
    return {"q": FreeText(), "corpus": corpora, "left": arms, "right": arms, "dim": dims, "part": part}
