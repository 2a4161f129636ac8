"""`python -m services.forecast.explanations`: the process that explains, as `process.py` begins it."""

import sys

sys.modules["sklearn"] = None  # type: ignore[assignment]  # XGBoost would load it, unused: a third of the start

from services.forecast.explanations.explaining import main  # noqa: E402

main()
