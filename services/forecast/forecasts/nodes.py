"""A forecast's aggregates as they are stored: one level's nodes at a time."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

import numpy as np
from sqlalchemy.orm import Session

from services.forecast.forecasts.grid import Numbers
from shared.db import psycopg_connection

COPY = "COPY forecast_nodes (forecast_id, level, node, mean, quantiles) FROM STDIN (FORMAT binary)"
COPY_TYPES = ("uuid", "text", "text", "float8[]", "float8[]")


@dataclass(frozen=True)
class Nodes:
    """N nodes of a level x H periods x K quantiles, in units: names [N], mean [N, H], quantiles [N, H, K]."""

    level: str
    names: Sequence[str]
    mean: Numbers
    quantiles: Numbers

    def store(self, session: Session, forecast: UUID) -> None:
        with psycopg_connection(session).cursor() as cursor, cursor.copy(COPY) as copy:
            copy.set_types(COPY_TYPES)
            for name, mean, quantiles in zip(self.names, self.mean, self.quantiles, strict=True):
                numbers = (part.astype(np.float64).ravel().tolist() for part in (mean, quantiles))
                copy.write_row((forecast, self.level, name, *numbers))
