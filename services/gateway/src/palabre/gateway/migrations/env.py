"""Runs the migrations on the connection that `database.migrate` holds."""

from alembic import context

from palabre.gateway.tables import Table

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=Table.metadata,
    render_as_batch=True,  # SQLite cannot alter columns
)
with context.begin_transaction():
    context.run_migrations()
