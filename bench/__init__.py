"""What Accord claims, measured: `python -m bench.NAME` prints one JSON object and exits 1 when a goal is missed."""

import os

os.environ.setdefault(
    "OMP_WAIT_POLICY", "passive"
)  # as the worker: no thread waits spinning for one that others hold up
