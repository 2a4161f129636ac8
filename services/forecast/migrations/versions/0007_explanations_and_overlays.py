"""What an explanation of a forecast needs of all item-locations at once; overlays, and what they are laid over."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    """Forecasts that were made before have no `profile` and cannot be explained. The previous release writes none."""
    op.add_column("forecasts", sa.Column("profile", ARRAY(sa.Float)))
    op.add_column("forecasts", sa.Column("overlays", JSONB, nullable=False, server_default="[]"))
    op.add_column("forecasts", sa.Column("base", sa.Uuid, sa.ForeignKey("forecasts.id", name="fk_forecasts_base")))
