"""The ledger: a row for each call of an engine."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    counts = ("prompt", "cached", "image", "completion", "reasoning")
    op.create_table(
        "calls",
        sa.Column("turn", sa.String(40), primary_key=True),
        sa.Column("call", sa.String(64), primary_key=True),
        sa.Column("day", sa.Date, nullable=False),
        sa.Column("space", sa.String(40), nullable=False),
        sa.Column("channel", sa.String(40), nullable=False),
        sa.Column("conversation", sa.String(40), nullable=False, index=True),
        sa.Column("persona", sa.String(40), nullable=False),
        sa.Column("person", sa.String(128), nullable=False),
        sa.Column("engine", sa.String(40), nullable=False),
        sa.Column("model", sa.String(200), nullable=False),
        *(sa.Column(f"{name}_tokens", sa.BigInteger, nullable=False) for name in counts),
        sa.Column("cost_micros", sa.BigInteger),
        sa.Column("currency", sa.String(3), nullable=False),
        sa.Column("measured", sa.Boolean, nullable=False),
        sa.Column("price_source", sa.String(80), nullable=False),
    )
    op.create_index("calls_of_days", "calls", ["day", "space"])


def downgrade() -> None:
    op.drop_table("calls")
