"""What the terminal replay costs beside Textual's table and Inspect's reader, alone: `python benchmarks/tui.py`.

`--peers` installs Inspect and opens the same 500 episodes with its reader; `--quick` takes small stores.
"""

from __future__ import annotations

import sys

from run import main

if __name__ == "__main__":
    sys.argv += ["--only", "tui"]
    sys.exit(main())
