"""Areas, principals, what they may do where, and their keys."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import ARRAY

revision = "0001"
down_revision = None

NOW = sa.func.now()


def upgrade() -> None:
    _areas()
    _principals()
    _role_grants()
    _api_keys()


def _areas() -> None:
    op.create_table(
        "areas",
        sa.Column("area", sa.Text, primary_key=True),
        sa.Column("frequency", sa.Text, nullable=False),
        sa.Column("season_length", sa.Integer, nullable=False),
        sa.Column("horizon", sa.Integer, nullable=False),
        sa.Column("quantiles", ARRAY(sa.Float), nullable=False),
        sa.Column("currency", sa.Text, nullable=False),
        sa.Column("time_zone", sa.Text, nullable=False),
        sa.Column("week_start", sa.Integer, nullable=False),
        sa.Column("holding_rate", sa.Numeric, nullable=False),
        sa.Column("shortage_factor", sa.Numeric, nullable=False),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False, server_default=NOW),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False, server_default=NOW),
        sa.CheckConstraint("area ~ '^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$'", name="ck_areas_key"),
        sa.CheckConstraint("frequency IN ('D', 'W', 'M')", name="ck_areas_frequency"),
        sa.CheckConstraint("season_length >= 1 AND horizon >= 1 AND version >= 1", name="ck_areas_positive"),
        sa.CheckConstraint("week_start BETWEEN 1 AND 7", name="ck_areas_week_start"),
        sa.CheckConstraint("holding_rate >= 0 AND shortage_factor >= 0", name="ck_areas_costs"),
    )


def _principals() -> None:
    op.create_table(
        "principals",
        sa.Column("id", sa.Uuid, primary_key=True),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False, server_default=NOW),
        sa.UniqueConstraint("name", name="uq_principals_name"),
        sa.CheckConstraint("kind IN ('person', 'system')", name="ck_principals_kind"),
    )


def _role_grants() -> None:
    op.create_table(
        "role_grants",
        sa.Column("principal_id", sa.Uuid, sa.ForeignKey("principals.id", name="fk_role_grants_principal_id")),
        sa.Column("area", sa.Text, nullable=False),
        sa.Column("role", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("principal_id", "area", "role", name="pk_role_grants"),
        sa.CheckConstraint(
            "role IN ('viewer', 'planner', 'approver', 'integrator', 'mlops', 'auditor', 'admin', 'service')",
            name="ck_role_grants_role",
        ),
    )


def _api_keys() -> None:
    op.create_table(
        "api_keys",
        sa.Column("id", sa.Text, primary_key=True),
        sa.Column(
            "principal_id",
            sa.Uuid,
            sa.ForeignKey("principals.id", name="fk_api_keys_principal_id"),
            nullable=False,
        ),
        sa.Column("label", sa.Text, nullable=False),
        sa.Column("secret_hash", sa.LargeBinary, nullable=False),
        sa.Column("delegate", sa.Boolean, nullable=False),
        sa.Column("installed", sa.Boolean, nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False, server_default=NOW),
        sa.Column("expires_at", sa.DateTime(timezone=True)),
        sa.Column("revoked_at", sa.DateTime(timezone=True)),
        sa.Column("last_used_at", sa.DateTime(timezone=True)),
        sa.CheckConstraint("octet_length(secret_hash) = 32", name="ck_api_keys_sha256"),
    )
    op.create_index("ix_api_keys_principal_id", "api_keys", ["principal_id"])
