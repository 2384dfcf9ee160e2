"""The first shape: everything that core/backends/ledger/schema.py describes."""

from alembic import op

from core.backends.ledger.schema import metadata

revision = "0001"
down_revision = None


def upgrade() -> None:
    metadata.create_all(op.get_bind())


def downgrade() -> None:
    metadata.drop_all(op.get_bind())
