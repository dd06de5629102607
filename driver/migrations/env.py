"""What Alembic runs; the connection, already in a transaction, comes from `store.migrate`."""

from alembic import context

from launchplane_lane_driver.store.schema import Base

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=Base.metadata,
)
with context.begin_transaction():
    context.run_migrations()
