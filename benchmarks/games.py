"""What games cost beside TextArena and PettingZoo, alone: `python benchmarks/games.py [--peers] [--quick]`.

The same as `python benchmarks/run.py --only games --only scripted`, which has bargaining with and without a trace.
"""

from __future__ import annotations

import sys

from run import main

if __name__ == "__main__":
    sys.argv += ["--only", "games", "--only", "scripted"]
    sys.exit(main())
