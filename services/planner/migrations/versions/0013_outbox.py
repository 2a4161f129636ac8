"""What happened, on its way to the gateway."""

from alembic import op

from shared import outbox

revision = "0013"
down_revision = "0012"


def upgrade() -> None:
    op.execute(outbox.CREATE)
