"""Record the embedded model's replies for tests/data/recorded.yaml: run this when a prompt has changed (5 minutes)."""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path

from sandbox.cli import main

DATA = Path(__file__).parent / "data"
REPLIES = DATA / "smollm2_replies.jsonl"

if __name__ == "__main__":
    REPLIES.unlink(missing_ok=True)
    os.environ["SANDBOX_REPLIES"] = str(REPLIES)
    os.environ["SANDBOX_RECORD"] = "record"
    with tempfile.TemporaryDirectory() as folder:
        sys.exit(main(["run", str(DATA / "recorded.yaml"), "--store", f"{folder}/recording.db"]))
