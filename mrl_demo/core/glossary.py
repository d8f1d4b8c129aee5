"""The words of the field, each explained in one sentence: what the page's word buttons open, in one place."""

from __future__ import annotations

from enum import StrEnum


class Term(StrEnum):
    """A word that a newcomer may not know; its value is how the page writes it.

    >>> Term("known answer").sentence
    'The passage that the question was written for, or that people judged to answer it.'
    """

    AGREEMENT = "agreement"
    BM25 = "BM25"
    BREAKS = "breaks"
    COSINE = "similarity"
    CUT = "cut"
    DIMENSIONS = "numbers"
    FLOAT32 = "float32"
    FRONTIER = "frontier"
    FULL_VECTOR = "full vector"
    INT8 = "int8"
    BINARY = "binary"
    INTERVAL = "95% interval"
    KNOWN_ANSWER = "known answer"
    MATRYOSHKA = "Matryoshka model"
    METHOD = "method"
    NDCG = "nDCG@10"
    MRR = "MRR@10"
    RECALL = "recall@10"
    NEWCOMER = "newcomer"
    ORDINARY = "Ordinary model"
    PCA = "PCA"
    QUALITY_KEPT = "quality kept"
    RE_NORMALISED = "re-normalised"
    RE_ORDERED = "Re-ordered for these documents"
    RESCORED = "rescored"
    STAND_IN = "stand-in questions"
    TIED = "tied"
    TRAINED_LENGTH = "trained length"
    HOLM = "Holm correction"

    @property
    def sentence(self) -> str:
        """What it means, in one sentence."""
        return _SENTENCES[self]


_SENTENCES: dict[Term, str] = {
    Term.AGREEMENT: (
        "How many of the ten results that the full vector gives are still among the ten: it says that little changed, "
        "not that the results are good."
    ),
    Term.BM25: "A search that counts the words which question and document share, without any vector.",
    Term.BREAKS: "A question breaks at the length at which its passage leaves the first ten results.",
    Term.COSINE: (
        "The cosine between question and document, 1 for the same direction: it can be compared within one method at "
        "one length, and not across lengths or methods."
    ),
    Term.CUT: "Keeping the first numbers of a vector and dropping the rest.",
    Term.DIMENSIONS: "What a vector is made of, also called dimensions: each takes 4 bytes as float32.",
    Term.FLOAT32: "A number stored in 4 bytes, as models put them out.",
    Term.FRONTIER: "The settings that no other beats in both quality and bytes.",
    Term.FULL_VECTOR: "All the numbers that the model gives for a text, nothing cut.",
    Term.INT8: "A number rounded to one of 256 steps, so that it takes 1 byte instead of 4.",
    Term.BINARY: "Only the sign of each number is kept: 1 bit instead of 32.",
    Term.INTERVAL: (
        "Where the average would lie in 95 of 100 samples of questions like these, found by drawing them again at "
        "random (bootstrap)."
    ),
    Term.KNOWN_ANSWER: "The passage that the question was written for, or that people judged to answer it.",
    Term.MATRYOSHKA: (
        "A model trained with MatryoshkaLoss: its first numbers alone have to find the right passage too, so they "
        "carry the most."
    ),
    Term.METHOD: "A model and what is done to its vectors before they are cut (the command line calls it an arm).",
    Term.NDCG: "A score from 0 to 1 for the first ten results: 1 if all that answers the question stands on top.",
    Term.MRR: "One divided by the rank of the first right result, averaged over questions; 0 beyond the tenth.",
    Term.RECALL: "The share of all that answers a question which is among the first ten results.",
    Term.NEWCOMER: "A result that is not among the first ten of the full vector: the cut brought it up.",
    Term.ORDINARY: "A model trained for its whole vector: cutting it short was not planned for.",
    Term.PCA: "A rotation of the vectors that puts the directions in which the documents differ most first.",
    Term.QUALITY_KEPT: "The score at this length divided by the same method's score with the full vector.",
    Term.RE_NORMALISED: "Brought back to length 1 after the cut, which a cosine search needs.",
    Term.RE_ORDERED: (
        "The model's vectors are rotated so that their first numbers tell these documents apart best: computed from "
        "the documents in seconds, without training the model."
    ),
    Term.RESCORED: "The best of a coarse search are put in order once more by exact vectors.",
    Term.STAND_IN: (
        "Titles or first sentences taken out of their documents and used as questions, where nobody has asked and "
        "judged any: an estimate, easier than real questions."
    ),
    Term.TIED: "Two documents have the same similarity, so their order says nothing.",
    Term.TRAINED_LENGTH: "A length at which the training loss was computed; lengths in between work as well.",
    Term.HOLM: "A correction for looking at many lengths at once: one lucky difference does not count as found.",
}
