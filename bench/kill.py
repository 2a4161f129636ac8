"""What is left of acknowledged writes when processes are killed at random moments: nothing lost, nothing doubled.

Eleven clients write demand, imports, master data, decisions, annotations and runs. Meanwhile everything at once
(PostgreSQL too), PostgreSQL alone, an API process, the gateway or a worker is killed with SIGKILL and started again on
the same data.
"""

import argparse
import statistics
import sys
import tempfile
from pathlib import Path

from bench.report import Goal, report
from bench.trial.killer import trial

KILLS = 200
SEED = 1

GOALS = (
    Goal("lost", "at_most", 0),
    Goal("doubled", "at_most", 0),
    Goal("unfinished_runs", "at_most", 0),
    Goal("astray", "at_most", 0),
)


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m bench.kill", description=__doc__)
    parser.add_argument("--kills", type=int, default=KILLS)
    parser.add_argument("--seed", type=int, default=SEED)
    wish = parser.parse_args()
    with tempfile.TemporaryDirectory() as place:
        outcome = trial(Path(place), wish.kills, wish.seed)
    history, verdict = outcome.history, outcome.verdict
    astray = verdict.astray + history.surprises
    for finding in (*verdict.lost, *verdict.doubled, *verdict.unfinished, *astray):
        print(finding, file=sys.stderr)
    figures = {
        "seed": wish.seed,
        "kills": sum(map(len, outcome.restart_seconds.values())),
        "acknowledged": history.acknowledged,
        "sent_again": history.counts["sent_again"],
        "answered_from_the_first_effect": history.counts["replayed"],
        "lost": len(verdict.lost),
        "doubled": len(verdict.doubled),
        "unfinished_runs": len(verdict.unfinished),
        "astray": len(astray),
        "runs": dict(verdict.ended),
        "restart_seconds": {
            kind: {"kills": len(each), "median": round(statistics.median(each), 2)}
            for kind, each in outcome.restart_seconds.items()
        },
        "seconds": round(outcome.seconds),
    }
    return report(figures, GOALS)


if __name__ == "__main__":
    sys.exit(main())
