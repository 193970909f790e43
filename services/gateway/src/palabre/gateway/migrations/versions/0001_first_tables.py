"""The first tables."""

import sqlalchemy as sa
from alembic import op

from palabre.gateway.tables import Long, Utc

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "tokens",
        sa.Column("id", sa.String(36), primary_key=True),
        sa.Column("name", sa.String(80), nullable=False),
        sa.Column("digest", sa.String(64), nullable=False, unique=True),
        sa.Column("scopes", sa.JSON, nullable=False),
        sa.Column("spaces", sa.JSON, nullable=False),
        sa.Column("groups", sa.JSON, nullable=False),
        sa.Column("requests_per_minute", sa.Integer, nullable=False),
        sa.Column("created_at", Utc, nullable=False),
        sa.Column("expires_at", Utc),
        sa.Column("revoked_at", Utc),
    )
    op.create_table(
        "conversations",
        sa.Column("id", sa.String(40), primary_key=True),
        sa.Column("space", sa.String(40), nullable=False, index=True),
        sa.Column("channel", sa.String(40), nullable=False),
        sa.Column("owner", sa.String(128), nullable=False, index=True),
        sa.Column("persona", sa.String(40), nullable=False),
        sa.Column("language", sa.String(35), nullable=False),
        sa.Column("created_at", Utc, nullable=False),
    )
    op.create_table(
        "turns",
        sa.Column("id", sa.String(40), primary_key=True),
        sa.Column("space", sa.String(40), nullable=False),
        sa.Column("channel", sa.String(40), nullable=False),
        sa.Column("conversation", sa.String(40), nullable=False),
        sa.Column("question", Long),
        sa.Column("answer", Long),
        sa.Column("status", sa.String(12), nullable=False),
        sa.Column("mode", sa.String(16)),
        sa.Column("sources", sa.JSON),
        sa.Column("usage", sa.JSON),
        sa.Column("cost_micros", sa.Integer),
        sa.Column("language", sa.String(35)),
        sa.Column("persona", sa.String(40)),
        sa.Column("reason", sa.String(40)),
        sa.Column("message", sa.Text),
        sa.Column("asked_at", Utc),
        sa.Column("ended_at", Utc),
    )
    op.create_index("turns_of_conversation", "turns", ["conversation", "asked_at"])
    op.create_table(
        "feedback",
        sa.Column("turn", sa.String(40), primary_key=True),
        sa.Column("owner", sa.String(128), primary_key=True),
        sa.Column("conversation", sa.String(40), nullable=False, index=True),
        sa.Column("score", sa.SmallInteger, nullable=False),
        sa.Column("comment", sa.Text),
        sa.Column("given_at", Utc, nullable=False),
    )
    op.create_table(
        "erased",
        sa.Column("conversation", sa.String(40), primary_key=True),
        sa.Column("erased_at", Utc, nullable=False),
    )


def downgrade() -> None:
    for table in ("erased", "feedback", "turns", "conversations", "tokens"):
        op.drop_table(table)
