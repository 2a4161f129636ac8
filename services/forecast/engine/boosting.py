"""The one place that talks to XGBoost: fit, predict, bytes and back."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import xgboost as xgb

from services.forecast.engine.cells import Floats, Ints, Watch

_THREADED_ROWS = 20_000  # below, threads wait for each other longer than they work


@dataclass(frozen=True)
class Fit:
    """How to fit: `seed` for sampling rows and columns, `threads` (no influence on results), and a watch."""

    seed: int = 7
    threads: int = 2
    watch: Watch = field(default_factory=Watch)


class _Stop(xgb.callback.TrainingCallback):
    def __init__(self, watch: Watch) -> None:
        self.watch = watch

    def after_iteration(self, model: xgb.Booster, epoch: int, evals_log: object) -> bool:
        del model, epoch, evals_log
        self.watch.check()
        return False


class Booster:
    """Trees fitted to a float32 matrix [r, f] in which NaN is missing."""

    def __init__(self, trees: xgb.Booster) -> None:
        self._trees = trees

    @classmethod
    def fit(cls, matrix: Floats, labels: Floats, rounds: int, how: Fit, **parameters: float | str) -> "Booster":
        """Fit `rounds` rounds to `labels` [r] or, with vector leaves, [r, outputs]; raises Cancelled."""
        threads = how.threads if len(matrix) >= _THREADED_ROWS else 1
        # A QuantileDMatrix would give the same trees, but takes longer to cut into bins.
        data = xgb.DMatrix(matrix, labels, nthread=threads)
        settings: Mapping[str, object] = {
            "tree_method": "hist",
            "nthread": threads,
            "seed": how.seed,
            "verbosity": 0,
            "max_bin": 128,
            **parameters,
        }
        return cls(xgb.train(dict(settings), data, rounds, callbacks=[_Stop(how.watch)]))

    def predict(self, matrix: Floats) -> Floats:
        found: Floats = self._trees.inplace_predict(matrix)
        return found

    def effects(self, matrix: Floats) -> Floats:
        """Exact TreeSHAP [r, f + 1] on the scale of the margin; the last column is the bias."""
        found: Floats = self._trees.predict(xgb.DMatrix(matrix, nthread=1), pred_contribs=True)
        return found

    def leaves(self, matrix: Floats) -> Ints:
        """Leaf number of each row in each tree, [r, trees]."""
        found = self._trees.predict(xgb.DMatrix(matrix), pred_leaf=True)
        return np.asarray(found).reshape(len(matrix), -1).astype(np.intp)

    def to_bytes(self) -> bytes:
        return bytes(self._trees.save_raw("ubj"))

    @classmethod
    def from_bytes(cls, raw: bytes, threads: int) -> "Booster":
        trees = xgb.Booster({"nthread": threads})
        trees.load_model(bytearray(raw))
        trees.set_param({"nthread": threads})
        return cls(trees)
