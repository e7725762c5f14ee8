"""Alembic's entry: runs the migrations over the connection that `trust.migrations.runner` hands in."""

from alembic import context

from trust.db import Base

connection = context.config.attributes["connection"]
context.configure(
    connection=connection,
    target_metadata=Base.metadata,
    render_as_batch=connection.dialect.name == "sqlite",
    transaction_per_migration=True,
)
with context.begin_transaction():
    context.run_migrations()
