"""Start the page from a checkout or on a Space: `python app.py [--port 7860]`; `--help` lists the flags."""

from __future__ import annotations

import sys

from mrl_demo.ui.serve import main

if __name__ == "__main__":
    sys.exit(main())
