"""Write the JSON schema of the document that `--json` prints: `python docs/schema.py`."""

from __future__ import annotations

import json
from pathlib import Path

from sandbox.report.document import Document

TARGET = Path(__file__).with_name("document.schema.json")


def schema_text() -> str:
    """The schema, as the file has it."""
    return json.dumps(Document.model_json_schema(mode="serialization"), indent=2, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    TARGET.write_text(schema_text(), encoding="utf-8")
