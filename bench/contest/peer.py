"""Forecast one split with one peer: runs in the peers' own environment and imports nothing of ours.

`python peer.py NAME TRAIN.parquet FUTURE.parquet OUT.parquet SETTINGS.json`. TRAIN: unique_id, ds, y and known drivers,
without gaps; FUTURE: unique_id, ds and the drivers; OUT: unique_id, ds, mean, a column per quantile.
Settings follow each library's documentation: seasonal models with the panel's season (no longer than 24 for ETS,
which cannot hold more), gradient boosting on lags, rolling means and calendar with conformal intervals of two windows.
"""

import json
import sys
from pathlib import Path
from typing import Any

import lightgbm
import numpy as np
import pandas as pd
import xgboost
from mlforecast import MLForecast
from mlforecast.lag_transforms import RollingMean
from mlforecast.target_transforms import LocalStandardScaler
from mlforecast.utils import PredictionIntervals
from statsforecast import StatsForecast
from statsforecast.models import AutoETS, AutoTheta, SeasonalNaive

ETS_SEASON = 24
LAGS = {
    "D": (14, (7, 28), ["dayofweek", "month"]),
    "W": (13, (4, 13), ["week", "month"]),
    "M": (12, (3, 12), ["month"]),
}
WIDTHS = {0.025: ("lo", 95), 0.1: ("lo", 80), 0.2: ("lo", 60), 0.3: ("lo", 40), 0.4: ("lo", 20),
          0.6: ("hi", 20), 0.7: ("hi", 40), 0.8: ("hi", 60), 0.9: ("hi", 80), 0.975: ("hi", 95)}  # fmt: skip
LEVELS = [20, 40, 60, 80, 95]


def statistical(name: str, train: pd.DataFrame, how: dict[str, Any]) -> pd.DataFrame:
    season = how["season"]
    model = {
        "AutoETS": lambda: AutoETS(season_length=season if season <= ETS_SEASON else 1),
        "AutoTheta": lambda: AutoTheta(season_length=season),
        "SeasonalNaive": lambda: SeasonalNaive(season_length=season),
    }[name]()
    forecaster = StatsForecast([model], freq=how["freq"], n_jobs=1, fallback_model=SeasonalNaive(season_length=1))
    found: pd.DataFrame = forecaster.forecast(df=train[["unique_id", "ds", "y"]], h=how["horizon"], level=LEVELS)
    return found


def boosted(name: str, train: pd.DataFrame, future: pd.DataFrame, how: dict[str, Any]) -> pd.DataFrame:
    lags, windows, dates = LAGS[how["frequency"]]
    model = (
        lightgbm.LGBMRegressor(n_estimators=200, verbosity=-1, n_jobs=1, random_state=7)
        if name == "LightGBM"
        else xgboost.XGBRegressor(n_estimators=200, n_jobs=1, random_state=7)
    )
    forecaster = MLForecast(
        {name: model},
        freq=how["freq"],
        lags=list(range(1, lags + 1)),
        lag_transforms={1: [RollingMean(window) for window in windows]},
        date_features=dates,
        target_transforms=[LocalStandardScaler()],
        num_threads=1,
    )
    intervals = PredictionIntervals(n_windows=2, h=how["horizon"])
    forecaster.fit(train, static_features=[], prediction_intervals=intervals)
    drivers = future if len(future.columns) > 2 else None
    found: pd.DataFrame = forecaster.predict(how["horizon"], X_df=drivers, level=LEVELS)
    return found


def main() -> None:
    name, train, future, out, settings = sys.argv[1:]
    how = json.loads(Path(settings).read_text())
    history, ahead = pd.read_parquet(train), pd.read_parquet(future)
    boosting = name in {"LightGBM", "XGBoost"}
    found = boosted(name, history, ahead, how) if boosting else statistical(name, history, how)
    told = found[["unique_id", "ds"]].assign(mean=found[name])
    for level, (side, width) in WIDTHS.items():
        told[f"q{level:g}"] = found[f"{name}-{side}-{width}"]
    told["q0.5"] = told["mean"]
    numbers = told.columns[2:]
    told[numbers] = np.maximum(told[numbers].fillna({"mean": 0}), 0)
    told.to_parquet(out, index=False)


if __name__ == "__main__":
    main()
