"""What happened, on its way to the gateway."""

from alembic import op

from shared import outbox

revision = "0010"
down_revision = "0009"


def upgrade() -> None:
    op.execute(outbox.CREATE)
