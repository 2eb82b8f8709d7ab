"""Runs migrations on the connection that the program hands over; leaves its logging alone."""

from alembic import context

from adapters.store.schema import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    transactional_ddl=False,  # the caller's transaction holds all steps or none
)
context.run_migrations()
