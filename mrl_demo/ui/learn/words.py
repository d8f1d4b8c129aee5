"""What the Learn tab says: the screens, what others published, the family of methods, notes for teachers."""

from __future__ import annotations

from dataclasses import dataclass

from markupsafe import Markup

from mrl_demo.ui.components.markup import html, join_html
from mrl_demo.ui.components.published import published_items

INTRO = html(
    '<h2>What is a Matryoshka embedding?</h2><p class="lead">Five short screens with one thing to try on each, then the'
    " mistakes that people make, two games, and a sheet for a class.</p>"
)


@dataclass(frozen=True)
class Screen:
    """One of the five: its title and two or three sentences above what can be tried."""

    title: str
    words: str


SCREENS = (
    Screen(
        "1 A text becomes numbers",
        "A model reads a text and gives a list of numbers, here {full}. Bars that point up are above zero, bars that"
        " point down below. Other words for the same thing give a similar bar code. Type something and look.",
    ),
    Screen(
        "2 Likeness is a sum",
        "Two texts are compared number by number: each pair is multiplied, and the products are added up. The sum is"
        " 1 for the same direction and about 0 for texts with nothing in common. Move the slider and watch it grow.",
    ),
    Screen(
        "3 Cut it",
        "Keep the first numbers and throw the rest away. What is left is shorter than 1, so it is brought back to"
        " length 1 before anything is compared: without that, the sum is not a likeness any more.",
    ),
    Screen(
        "4 Why the order matters",
        "An ordinary model spreads the meaning evenly: the first sixth of the numbers holds a sixth of it. Matryoshka"
        " training asks for good answers at several lengths at once, so that the meaning moves to the front. A"
        " rotation that puts the widest directions of your own documents first (PCA) does that too, with no training.",
    ),
    Screen(
        "5 What it costs",
        "Fewer numbers mean less memory and less to read for every search, and some answers get lost. How many depends"
        " on the method and on your documents, so it is measured, with an interval.",
    ),
)


@dataclass(frozen=True)
class Member:
    """One of the family: what it does, what this lab shows of it, where it is described."""

    name: str
    does: str
    shown: str
    address: str


FAMILY = (
    Member(
        "Matryoshka (MRL)",
        "Trains one model so that every prefix of its vectors works.",
        "the Matryoshka model of Compare and Curves; the recipe is on the Train tab.",
        "https://arxiv.org/abs/2205.13147",
    ),
    Member(
        "2D Matryoshka and Starbucks",
        "Also stops at earlier layers, so that encoding gets cheaper as well as storing.",
        "The layer slider under the length slider of Compare, and the method tuned-2d: a learned exit behind every "
        "layer. Without one an early layer of the ordinary model is of no use for search; with one it keeps some seven "
        "tenths at half the layers. Training the layers themselves takes far longer; nobody has tried it here.",
        "https://arxiv.org/abs/2402.14776",
    ),
    Member(
        "MatFormer",
        "Nests the layers themselves: a quarter or half of the neurons is a model too.",
        "Measured on the ordinary model as it is, its neurons ordered by importance: half keep some nine tenths of the "
        "quality at 64 numbers and less in full. Without training for it a nested layer does not pay here.",
        "https://arxiv.org/abs/2310.07707",
    ),
    Member(
        "Sparse codes (CSR)",
        "Keeps few of many numbers for each text, not always the first ones.",
        "The method csr, learned from the documents: at the bytes of 8 to 32 numbers it finds more than any short "
        "vector here, at 64 as much, beyond that less.",
        "https://arxiv.org/abs/2503.01776",
    ),
    Member(
        "Matryoshka adaptor",
        "Fits a small map on finished vectors; the model stays as it is.",
        "The method “Re-ordered for these documents” (adapted): seconds on a processor, no training of the model. And "
        "supervised, taught by judged questions: here it gains nothing on questions about other topics, and no harm "
        "either.",
        "https://arxiv.org/abs/2407.20243",
    ),
    Member(
        "Coarse to fine by labels",
        "Lets the first numbers tell domains apart, the next ones topics, the rest passages.",
        "The method hierarchical and the view “Walk the tree”: 8 numbers name the domain of topics never taught right "
        "56% of the time (the Matryoshka model 48%, all 384 numbers of the ordinary model 50%); searching for passages "
        "it is behind the Matryoshka model up to 32 numbers, and level from 64 on.",
        "https://arxiv.org/abs/2004.11362",
    ),
    Member(
        "Few examples a class",
        "The Matryoshka paper promises up to 2% more accuracy on rare classes.",
        "Not seen here in full: with 5 examples for each of 120 topics the same training with and without the loss "
        "differ by nothing at 384 numbers; at 16 numbers the Matryoshka model names 38% right, the other 13%.",
        "https://arxiv.org/abs/2205.13147",
    ),
    Member(
        "Query-aware maps (LeanVec)",
        "Uses one map for documents and another for queries.",
        "The method leanvec: two maps in closed form, a second for a collection; a little ahead of PCA from 64 numbers "
        "on in this collection, and behind it in another (tldr).",
        "https://arxiv.org/abs/2410.22347",
    ),
    Member(
        "Matryoshka diffusion",
        "Makes pictures: one network draws them at several sizes at once, small inside large. Its name comes from the "
        "same doll, but it nests pixels, not meaning, and nothing of it serves search.",
        "Not here: this lab is about search.",
        "https://arxiv.org/abs/2310.15111",
    ),
    Member(
        "PCA",
        "Turns the axes so that the widest ones come first; known for a century.",
        "Ordinary + PCA, of training text or of these documents: often as good as training at 64.",
        "https://en.wikipedia.org/wiki/Principal_component_analysis",
    ),
)

TEACHER_NOTES = (
    "Ten minutes: screens 1 to 3 on the big screen (add ?present=1 to the address), everybody types a text.",
    "Twenty minutes: open “For a class”, write a name for the sheet on the board, let everybody open the link. Each"
    " question is guessed alone first; the histogram fills as guesses arrive. Reveal last.",
    "What usually surprises: the ordinary model holds easy questions down to 8 numbers; questions in other words than"
    " the text break first; one model is not better on every question.",
    "Talk about: why an average over 800 questions says more than three examples; why the examples on Compare are"
    " picked; what the interval means; why agreement with the full vector is not quality.",
    "Answers leave as CSV. Guesses carry no names, stay in this server's memory, and go six hours after the last.",
)


def published_list() -> Markup:
    """What others measured, those that disagree with the usual story too, with links."""
    return html(
        '<p class="lead">Others measured other models on other tasks, and do not agree: one finds that half of the'
        " numbers dropped at random cost under a tenth; one finds that the same training without the Matryoshka loss"
        " keeps nearly as much; and an average over many tasks hides what search loses.</p>"
        '<ul class="published">{items}</ul>',
        items=published_items(),
    )


def family_list() -> Markup:
    """A paragraph each, with what the lab shows of it."""
    items = (
        html(
            '<li><h3>{name}</h3><p>{does} <a href="{address}" target="_blank" rel="noopener noreferrer">paper</a></p>'
            "<p><b>Here:</b> {shown}</p></li>",
            name=member.name,
            does=member.does,
            shown=member.shown,
            address=member.address,
        )
        for member in FAMILY
    )
    return html('<ul class="family">{items}</ul>', items=join_html(items))


def teacher_notes() -> Markup:
    """Notes for a lesson, folded away."""
    lines = join_html(html("<li>{note}</li>", note=note) for note in TEACHER_NOTES)
    return html('<details class="notes"><summary>Notes for teachers</summary><ul>{lines}</ul></details>', lines=lines)
