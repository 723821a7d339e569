"""Bringing an older store to the newest schema: an alembic environment that needs no `alembic.ini`.

A revision is a module in `versions/`; the tables of `sandbox.store.tables` and `SCHEMA` there move with it, and a test
holds the two equal. Importing this imports alembic: only `database` does, and only when a store is not up to date.
"""

from __future__ import annotations

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy import Connection

from sandbox.errors import StoreTooNew
from sandbox.store.tables import SCHEMA

LOCATION = Path(__file__).parent


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(LOCATION).replace("%", "%%"))  # alembic interpolates %
    config.set_main_option("path_separator", "os")
    return config


def check_known(revision: str, place: str) -> None:
    """Raises StoreTooNew unless `revision` is one that this version of the sandbox can start from."""
    known = {script.revision for script in ScriptDirectory.from_config(_config()).walk_revisions()}
    if revision not in known:
        raise StoreTooNew(
            f"{place} was written by a later version of the sandbox (its schema is {revision}, the newest known here "
            f"is {SCHEMA}) and was left as it is: pip install -U agent-eval-sandbox, or give another with --store"
        )


def upgrade(connection: Connection) -> None:
    """Migrate to the newest schema inside the transaction that `connection` is in."""
    config = _config()
    config.attributes["connection"] = connection
    command.upgrade(config, "head")
