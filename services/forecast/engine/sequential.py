"""Which of two forecasts is better, told by a test that holds however often and whenever somebody looks.

Sources: Ville (1939), Étude critique de la notion de collectif, for the bound over all looks; Waudby-Smith and Ramdas
(2024), "Estimating means of bounded random variables by betting", JRSS B 86, for the test; Henzi and Ziegel (2022),
"Valid sequential inference on probability forecast performance", Biometrika 109, and Choe and Ramdas (2024), "Comparing
sequential forecasters", Operations Research 72, for its use on two forecasters.

The differences must not overlap in time: each is of periods that came after those of the one before.
"""

from dataclasses import dataclass

import numpy as np

from services.forecast.engine.cells import Floats

ALPHA = 0.05  # of a false alarm, whenever during all rounds
BOUND = 0.2  # of the mean of both losses: more than this a round does not count
MOST_LOG = 500.0  # of the evidence: what is larger is no number soon
BETS = np.arange(1, 20) / 20  # shares of the capital, all below what one round can lose


@dataclass(frozen=True)
class Verdict:
    """After how many rounds the evidence sufficed, or None, and the evidence (e-value) of all rounds."""

    after: int | None
    evidence: float


def gains(before: Floats, rival: Floats) -> Floats:
    """What a rival saves in each round, -1 to 1, of losses [..., T]: the difference over the mean, bounded by BOUND."""
    middle = (before + rival) / 2
    share = np.divide(before - rival, middle, out=np.zeros(middle.shape), where=middle > 0)
    found: Floats = np.clip(share / BOUND, -1, 1)
    return found


def evidence(found: Floats) -> Floats:
    """E-values [..., T] after each round of `found` gains [..., T], all in -1 to 1: the capital of one unit that bets.

    Where no gain is expected to be above 0, given all that came before, the capital ever reaches 1 / a with a
    probability of a at most. The capital is split evenly among BETS, none of which is chosen by the data.
    """
    logs = np.cumsum(np.log1p(BETS[:, None] * found[..., None, :]), axis=-1)
    capital: Floats = np.exp(np.minimum(np.logaddexp.reduce(logs, axis=-2) - np.log(len(BETS)), MOST_LOG))
    return capital


def verdict(found: Floats) -> Verdict:
    """Whether gains [T] show that they are no chance at ALPHA, and after which round first."""
    if not len(found):
        return Verdict(None, 1.0)
    told = evidence(found)
    sure = np.flatnonzero(told >= 1 / ALPHA)
    return Verdict(int(sure[0]) + 1 if len(sure) else None, float(told[-1]))
