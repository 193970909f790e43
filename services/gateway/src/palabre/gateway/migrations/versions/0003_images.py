"""The images of a turn."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("turns", sa.Column("attachments", sa.JSON))


def downgrade() -> None:
    op.drop_column("turns", "attachments")
