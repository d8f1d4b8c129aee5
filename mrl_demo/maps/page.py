"""A map as one web page of its own: no server, no network, everything inside."""

from __future__ import annotations

import json
from importlib.resources import files
from pathlib import Path

from mrl_demo.maps.collection_map import CollectionMap

#: The style sheet of a map; a page that shows one has variables of these names.
MAP_STYLE = Path(str(files("mrl_demo.maps"))) / "map.css"
_STYLE = """
:root { color-scheme: light dark; --ink: #211d1a; --soft: #5d564f; --line: #ddd6cc; --sheet: #fff; --focus: #1b6fb3;
  --page: #faf8f4; }
@media (prefers-color-scheme: dark) { :root { --ink: #f1eee9; --soft: #b9b2a9; --line: #3a3d45; --sheet: #23262d;
  --focus: #7db8e8; --page: #17191d; } }
body { max-width: 1160px; margin: 0 auto; padding: 18px; background: var(--page); color: var(--ink);
  font: 15px/1.5 system-ui, sans-serif; }
p { margin: 0; }
.length-slide { display: flex; gap: 12px; align-items: center; max-width: 620px; }
.length-slide input { flex: 1; }
.table-scroll { overflow-x: auto; }
table { border-collapse: collapse; font-size: 13.5px; }
caption { text-align: start; color: var(--soft); padding: 6px 0; }
th, td { padding: 5px 10px; border-top: 1px solid var(--line); text-align: end; }
th:first-child { text-align: start; }
.sort { padding: 0; border: 0; background: none; color: inherit; font: inherit; pointer-events: none; }
"""
_PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Map of a collection</title>
<style>{style}</style>
</head>
<body>
<main>
<h1>How a collection comes apart when its vectors are cut</h1>
<div id="map"></div>
</main>
<script type="application/json" id="data">{data}</script>
<script>
const element = document.getElementById("map");
const props = {{ payload: JSON.parse(document.getElementById("data").textContent) }};
const watch = () => {{}};
{script}
</script>
</body>
</html>
"""


def map_script(range_id: str = "") -> str:
    """The script that draws a map; `range_id` is the id of a slider of lengths to keep step with, "" for none."""
    return f"const rangeId = {json.dumps(range_id)};\n" + _own_text("map.js")


def map_page(view: CollectionMap) -> str:
    """The map as an HTML document; texts of the collection are data in it, never markup."""
    data = json.dumps(view.to_dict(), ensure_ascii=False).replace("<", "\\u003c")
    return _PAGE.format(style=_STYLE + _own_text(MAP_STYLE.name), data=data, script=map_script())


def _own_text(name: str) -> str:
    return (files("mrl_demo.maps") / name).read_text(encoding="utf-8")
