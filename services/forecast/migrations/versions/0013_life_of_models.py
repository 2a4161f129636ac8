"""Gates, cards and approvals of model versions, rules of promotion, rollbacks, and aliases that somebody moved."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

revision = "0013"
down_revision = "0011"


def upgrade() -> None:
    op.add_column("training_runs", sa.Column("principal", sa.Text))
    op.add_column("model_versions", sa.Column("gates", JSONB))
    op.add_column("model_versions", sa.Column("judged_against", sa.Integer))
    op.add_column("model_versions", sa.Column("card", sa.JSON))
    op.create_table(
        "model_approvals",
        sa.Column("id", sa.Uuid, nullable=False),
        sa.Column("area", sa.Text, nullable=False),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("sequence", sa.Integer, nullable=False),
        sa.Column("action", sa.Text, nullable=False),
        sa.Column("overrides", ARRAY(sa.Text), nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("decided_by", sa.Text, nullable=False),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=False, server_default=sa.func.now()),
        sa.PrimaryKeyConstraint("id", name="pk_model_approvals"),
        sa.ForeignKeyConstraint(
            ["area", "version"],
            ["model_versions.area", "model_versions.version"],
            name="fk_model_approvals_area_version",
        ),
        sa.CheckConstraint("action IN ('approve', 'reject')", name="ck_model_approvals_action"),
    )
    op.create_index("ix_model_approvals_area_version_sequence", "model_approvals", ["area", "version", "sequence"])
    op.create_table(
        "promotion_rules",
        sa.Column("area", sa.Text, nullable=False),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("content", JSONB, nullable=False),
        sa.PrimaryKeyConstraint("area", name="pk_promotion_rules"),
    )
    op.add_column("promotions", sa.Column("action", sa.Text, nullable=False, server_default="promote"))
    op.add_column("promotions", sa.Column("overridden", ARRAY(sa.Text), nullable=False, server_default="{}"))
    for name in ("returns_to", "diverged_to"):
        op.add_column("promotions", sa.Column(name, sa.Integer))
    op.add_column("promotions", sa.Column("diverged_at", sa.DateTime(timezone=True)))
    op.execute("UPDATE promotions SET returns_to = sequence - 1 WHERE sequence > 1")
