"""What Accord claims, measured: `python -m bench.NAME` prints one JSON object and exits 1 when a goal is missed."""
