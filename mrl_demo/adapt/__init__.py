"""Corpus-fitted rotations: document vectors in, an orthogonal matrix out that makes short prefixes search well.

A rotation changes no cosine at full dimension, so it can cost nothing there; it only decides which directions the
first numbers hold. PCA picks the directions of largest variance. The adapted rotation starts there and learns the
ones that keep each document's nearest neighbours (compare the unsupervised Matryoshka-Adaptor, arXiv 2407.20243),
and those of texts that stand in for queries if there are any.
"""

from mrl_demo.adapt.fit import RECIPE_VERSION, fit_adapted
from mrl_demo.adapt.rotation import AdaptError, Rotation, default_prefixes, fit_pca
from mrl_demo.adapt.settings import AdaptSettings

__all__ = (
    "RECIPE_VERSION",
    "AdaptError",
    "AdaptSettings",
    "Rotation",
    "default_prefixes",
    "fit_adapted",
    "fit_pca",
)
