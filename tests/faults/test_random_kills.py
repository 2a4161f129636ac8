"""Twenty kills at random moments under load; `python -m bench.kill` does two hundred."""

import random

from bench.trial.killer import trial

KILLS = 20


def test_what_was_acknowledged_is_there_once_and_every_run_ends(tmp_path):
    seed = random.randrange(10**6)
    print(f"seed {seed}")  # shown where the test fails  # noqa: T201
    outcome = trial(tmp_path, KILLS, seed)
    verdict, history = outcome.verdict, outcome.history
    assert (verdict.lost, verdict.doubled, verdict.unfinished) == ([], [], [])
    assert (verdict.astray, history.surprises) == ([], [])
    assert sum(map(len, outcome.restart_seconds.values())) == KILLS
    assert len(history.demand) > KILLS
    assert sum(history.notes.values()) > KILLS
    assert all(history.runs.values())
