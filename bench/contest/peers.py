"""The peers on the same split: an environment of their own, answers kept, since some take many minutes."""

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path

import numpy as np
import pandas as pd

from bench.contest.panel import KEYS, Contest, gaps
from services.forecast.engine.panel import DEFAULT_SEASON, Panel

NAMES = ("SeasonalNaive", "AutoETS", "AutoTheta", "LightGBM", "XGBoost")
HERE = Path(__file__).parent
REQUIREMENTS = HERE / "peers.txt"
OFFSETS = {"D": "D", "M": "MS"}
SEPARATOR = "\x1f"


def cache() -> Path:
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "accord"


def environment() -> Path:
    """Interpreter of the peers' environment, which is made when it is not there or its pins have changed."""
    place = cache() / "peers"
    python, stamp = place / "bin" / "python", place / "peers.txt"
    if not stamp.exists() or stamp.read_text() != REQUIREMENTS.read_text():
        uv = str(Path(".uv/bin/uv").absolute())
        subprocess.run([uv, "venv", "--quiet", "--clear", "--python", sys.executable, str(place)], check=True)
        subprocess.run([uv, "pip", "install", "--quiet", "--python", str(python), "-r", str(REQUIREMENTS)], check=True)
        shutil.copy(REQUIREMENTS, stamp)
    return python


@dataclass(frozen=True)
class Answer:
    """A peer's forecast of one split, or None where it failed, and why."""

    table: pd.DataFrame | None
    seconds: float
    failure: str = ""


def ask(name: str, contest: Contest, known: Panel, place: Path | None = None) -> Answer:
    """Ask a peer for the periods after `known`, or look up what it said before; answers are kept in `place`."""
    train, future = _split(contest, known)
    how = {
        "horizon": contest.horizon,
        "season": DEFAULT_SEASON[contest.frequency],
        "frequency": contest.frequency,
        "freq": OFFSETS.get(contest.frequency) or "W-" + known.periods[0].astype(object).strftime("%a").upper(),
    }
    kept = (place or cache() / "answers") / f"{name}-{_digest(train, future, how)}"
    if not (kept / "answer.json").exists():
        _run(name, train, future, how, kept)
    told = json.loads((kept / "answer.json").read_text())
    return Answer(_told(kept) if not told["failure"] else None, told["seconds"], told["failure"])


def _run(name: str, train: pd.DataFrame, future: pd.DataFrame, how: dict[str, object], kept: Path) -> None:
    with tempfile.TemporaryDirectory() as place:
        inside = Path(place)
        train.to_parquet(inside / "train.parquet", index=False)
        future.to_parquet(inside / "future.parquet", index=False)
        (inside / "how.json").write_text(json.dumps(how))
        files = [str(inside / file) for file in ("train.parquet", "future.parquet", "out.parquet", "how.json")]
        command = [str(environment()), str(HERE / "peer.py"), name, *files]
        began = time.perf_counter()
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        seconds = time.perf_counter() - began
        kept.mkdir(parents=True, exist_ok=True)
        if done.returncode == 0:
            shutil.copy(inside / "out.parquet", kept / "told.parquet")
    failure = "" if done.returncode == 0 else done.stderr.strip().splitlines()[-1]
    (kept / "answer.json").write_text(json.dumps({"seconds": seconds, "failure": failure}))


def _told(kept: Path) -> pd.DataFrame:
    told = pd.read_parquet(kept / "told.parquet")
    item = told["unique_id"].str.split(SEPARATOR, expand=True)
    return told.assign(item=item[0], location=item[1]).rename(columns={"ds": "period"})


def _split(contest: Contest, known: Panel) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Complete histories, as peers need them: a period out of stock or without a record repeats the one before."""
    drivers = [*contest.known]
    table = contest.table
    names = table[KEYS].astype(str)
    table = table.assign(unique_id=names["item"] + SEPARATOR + names["location"], ds=table["period"])
    if "in_stock" in table.columns:
        table = table.assign(quantity=table["quantity"].where(table["in_stock"].fillna(value=True)))
    complete = _complete(table, np.concatenate([known.periods, known.future]), drivers, gaps(contest.table))
    past = complete[complete["ds"] <= known.periods[-1]].dropna(subset=["y"])
    ahead = complete[complete["ds"].isin(known.future) & complete["unique_id"].isin(past["unique_id"])]
    return past, ahead.drop(columns="y")


def _complete(table: pd.DataFrame, line: np.ndarray, drivers: list[str], gap: str) -> pd.DataFrame:
    series = np.sort(table["unique_id"].unique())
    index = pd.MultiIndex.from_product([series, pd.DatetimeIndex(line)], names=["unique_id", "ds"])
    known = table.set_index(["unique_id", "ds"])[["quantity", *drivers]].rename(columns={"quantity": "y"})
    whole = known.reindex(index)
    held = whole.groupby(level=0).ffill()
    begun = held["y"].notna()
    whole["y"] = whole["y"].fillna(0).where(begun) if gap == "zero" else held["y"]
    whole[drivers] = held[drivers].groupby(level=0).bfill().fillna(0)
    return whole.reset_index().astype({"ds": "datetime64[ns]"})


def _digest(train: pd.DataFrame, future: pd.DataFrame, how: dict[str, object]) -> str:
    digest = blake2b(json.dumps(how).encode(), digest_size=12)
    digest.update((HERE / "peer.py").read_bytes() + REQUIREMENTS.read_bytes())
    for frame in (train, future):
        digest.update(
            ",".join(frame.columns).encode() + pd.util.hash_pandas_object(frame, index=False).to_numpy().tobytes()
        )
    return digest.hexdigest()
