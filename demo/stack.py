"""Start Accord in the background, or find the one that runs."""

import os
import subprocess
import sys
import time
from pathlib import Path

import urllib3

from demo.client import Progress

PATIENCE_SECONDS = 120


def start(port: int, data_dir: Path) -> tuple[str, str]:
    """The gateway's URL and the admin key of a stack that is ready and goes on after the demo."""
    url = f"http://127.0.0.1:{port}"
    log = data_dir / "accord.log"
    data_dir.mkdir(parents=True, exist_ok=True)
    if not _ready(url):
        process = _launch(port, data_dir, log)
        _await(url, process, log)
    return url, _admin_key(url, data_dir)


def _launch(port: int, data_dir: Path, log: Path) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "services", "--port", str(port), "--data-dir", str(data_dir)]
    with log.open("ab") as output:
        return subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT, start_new_session=True
        )


def _await(url: str, process: subprocess.Popen[bytes], log: Path) -> None:
    progress = Progress()
    while not _ready(url):
        if process.poll() is not None or progress.seconds > PATIENCE_SECONDS:
            raise SystemExit(f"\nAccord did not start; the end of {log}:\n{log.read_text()[-3000:]}")
        progress.show(f"starting PostgreSQL, gateway, forecast and planner: {progress.seconds:.0f} s")
        time.sleep(0.2)
    progress.end(f"ready after {progress.seconds:.0f} s (process {process.pid}, log {log})")


def _ready(url: str) -> bool:
    try:
        answer = urllib3.request("GET", f"{url}/v1/health/ready", retries=False, timeout=5)
    except urllib3.exceptions.HTTPError:
        return False
    return answer.status == 200


def _admin_key(url: str, data_dir: Path) -> str:
    key = (data_dir / "admin.key").read_text().strip()
    headers = {"Authorization": f"Bearer {key}"}
    answer = urllib3.request("GET", f"{url}/v1/me", headers=headers, retries=False)
    if answer.status != 200:
        where = os.fspath(data_dir)
        raise SystemExit(f"What runs at {url} does not know the key in {where}; choose another --port or --data-dir.")
    return key
