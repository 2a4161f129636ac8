"""What the monitors of an area said when its data last changed."""

from sqlalchemy import select
from sqlalchemy.orm import Session

from services.forecast import periods
from services.forecast.monitoring.schemas import DriftOut, InputsOut, ModelMonitorOut, Segment
from services.forecast.monitoring.tables import InputMonitor, Monitor
from shared.principal import Area


def drift(session: Session, area: Area, model: str | None, segment: Segment | None) -> DriftOut:
    """Of all models or one, all classes or one; the newest judged first."""
    found = select(Monitor).where(Monitor.area == area.area).order_by(Monitor.until.desc(), Monitor.model.desc())
    if model is not None:
        found = found.where(Monitor.model == model)
    models = [_model(row, segment) for row in session.scalars(found)]
    return DriftOut(inputs=_inputs(area, session.get(InputMonitor, area.area)), models=models)


def _model(row: Monitor, segment: Segment | None) -> ModelMonitorOut:
    parts = {
        name: [one for one in told if segment in {None, one["segment"]}]
        for name, told in (("segments", row.segments), ("alarms", row.alarms))
    }
    return ModelMonitorOut.model_validate(
        {"model": row.model, "until": row.until, "computed_at": row.computed_at, "decay": row.decay, **parts}
    )


def _inputs(area: Area, row: InputMonitor | None) -> InputsOut | None:
    if row is None or row.until is None or row.computed_at is None:
        return None
    late, period = 0, periods.last_over(area)
    while period > row.until:
        late, period = late + 1, periods.previous_start(area, period)
    return InputsOut.model_validate(
        {
            "until": row.until,
            "computed_at": row.computed_at,
            "late": late,
            "silent": row.silent,
            "drivers": row.drivers,
        }
    )
