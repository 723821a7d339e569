"""What the shop and the choice model cost beside peers, alone: `python benchmarks/market.py [--peers] [--quick]`."""

from __future__ import annotations

import sys

from run import main

if __name__ == "__main__":
    sys.argv += ["--only", "market"]
    sys.exit(main())
