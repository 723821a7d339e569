"""What people do with episodes: forks, which know their parent, and annotations."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

TEXT = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    """Add a column, a table and an index; rows that are there stay as they are."""
    op.add_column("episode", sa.Column("parent", TEXT, nullable=True))
    is_fork = sa.text("parent IS NOT NULL")
    op.create_index("ix_episode_parent", "episode", ["parent"], sqlite_where=is_fork, postgresql_where=is_fork)
    op.create_table(
        "annotation",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("episode", sa.Integer(), nullable=False),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.Column("step", sa.Integer(), nullable=True),
        sa.Column("kind", TEXT, nullable=False),
        sa.Column("name", TEXT, nullable=False),
        sa.Column("value", sa.Float(), nullable=True),
        sa.Column("text", TEXT, nullable=False),
        sa.Column("author", TEXT, nullable=False),
        sa.Column("made", TEXT, nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sa.ForeignKeyConstraint(["episode"], ["episode.number"]),
    )
    op.create_index("ix_annotation_episode", "annotation", ["episode"])
    op.create_index("ix_card_scorer", "card", ["scorer", "episode", "attempt"])
