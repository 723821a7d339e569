"""What alembic runs: the migrations, on the connection that `sandbox.store.migrations.upgrade` hands over."""

from alembic import context

from sandbox.store.tables import Base

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=Base.metadata,
    transactional_ddl=True,  # true of SQLite as `sandbox.store.database` begins transactions
    render_as_batch=True,
)
with context.begin_transaction():
    context.run_migrations()
