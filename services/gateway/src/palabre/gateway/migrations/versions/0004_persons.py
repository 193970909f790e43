"""Who asked each turn: several people may ask in one conversation."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("turns", sa.Column("person", sa.String(128)))
    op.create_index("turns_of_person", "turns", ["person"])


def downgrade() -> None:
    op.drop_index("turns_of_person", "turns")
    op.drop_column("turns", "person")
