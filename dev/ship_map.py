"""Makes the places of the built-in collection's map that ship: run again after its texts or base's vectors change."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from mrl_demo.core.cache import save_vectors
from mrl_demo.core.config import Settings
from mrl_demo.lab.lab import Lab
from mrl_demo.maps.collection_map import layout_key, shipped_layout_name
from mrl_demo.maps.layout import lay_out


def main() -> None:
    """Lay the collection out by base's full vectors and write the file."""
    settings = Settings.from_environment()
    lab = Lab(settings)
    corpus, arm = lab.corpus("builtin"), lab.builder.menu.find("base")
    vectors = lab.builder.space(arm, corpus).documents
    path = settings.assets_dir / "vectors" / f"{shipped_layout_name(corpus, arm)}.safetensors"
    save_vectors(path, lay_out(vectors), layout_key(vectors))
    print(f"{len(vectors):,} places are in {path.name}")


if __name__ == "__main__":
    main()
