"""Recommendations that no plan made: other services file them, once for each of their origins."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0019"
down_revision = "0018"


def upgrade() -> None:
    op.create_table(
        "filings",
        sa.Column("id", sa.Uuid, nullable=False),
        sa.Column("area", sa.Text, nullable=False),
        sa.Column("caller", JSONB, nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False, server_default=sa.func.now()),
        sa.PrimaryKeyConstraint("id", name="pk_filings"),
    )
    op.create_index("ix_filings_created_at", "filings", ["area", "created_at"])
    filing = sa.ForeignKey("filings.id", name="fk_recommendations_filing_id")
    op.add_column("recommendations", sa.Column("filing_id", sa.Uuid, filing))
    op.alter_column("recommendations", "plan_id", nullable=True)
    op.create_check_constraint("ck_recommendations_by", "recommendations", "num_nonnulls(plan_id, filing_id) = 1")
    op.create_index(
        "ix_recommendations_filing_id",
        "recommendations",
        ["filing_id"],
        postgresql_where=sa.text("filing_id IS NOT NULL"),
    )
    op.drop_constraint("fk_recommendation_state_superseded_by", "recommendation_state")
    op.create_table(
        "filed_origins",
        sa.Column("area", sa.Text, nullable=False),
        sa.Column("origin", sa.Text, nullable=False),
        sa.Column(
            "recommendation_id",
            sa.Uuid,
            sa.ForeignKey("recommendations.id", name="fk_filed_origins_recommendation_id"),
            nullable=False,
        ),
        sa.PrimaryKeyConstraint("area", "origin", name="pk_filed_origins"),
    )
