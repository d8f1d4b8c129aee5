"""`python -m mrl_demo`: the command line."""

from __future__ import annotations

import sys

from mrl_demo.cli import main

if __name__ == "__main__":
    sys.exit(main())
