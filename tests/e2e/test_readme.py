"""The README's commands, run as they stand against a running stack."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PATIENCE_SECONDS = 240
README = (ROOT / "README.md").read_text()


def blocks(page):
    return re.findall(r"^```sh\n(.*?)^```$", page, re.MULTILINE | re.DOTALL)


DAY = [block for block in blocks(README) if "make " not in block]


def bash(script, cwd):
    strict = 'set -euo pipefail\ncurl() { command curl --fail-with-body "$@"; }\n'
    return subprocess.run(
        ["bash", "-c", strict + script], cwd=cwd, capture_output=True, text=True, timeout=PATIENCE_SECONDS, check=False
    )


@pytest.fixture(scope="module")
def run(accord, tmp_path_factory):
    """Runs commands as somebody would who has the stack running."""
    place = tmp_path_factory.mktemp("user")
    (place / ".accord").symlink_to(accord.data_dir)

    def run(commands):
        done = bash("\n".join(commands).replace("http://127.0.0.1:8080", accord.url), place)
        assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
        return done

    return run


@pytest.fixture(scope="module")
def day(run):
    return run(DAY)


def test_the_day_with_the_api(day):
    done = day
    assert '"status":"accepted"' in done.stdout.replace(" ", "")
    assert '"intact":true' in done.stdout.replace(" ", "")
    assert '"intact":false' not in done.stdout.replace(" ", "")
    forecast = re.search(r'^"?4711"?,"?DC-1"?,2026-03-02,', done.stdout, re.MULTILINE)
    assert forecast is not None


def test_the_page_on_scenarios(day, run):
    """Its commands go on from the README's day."""
    done = run([DAY[0], *blocks((ROOT / "docs" / "scenarios.md").read_text())])
    assert '"scenario":"flu","plan":' in done.stdout.replace(" ", "")


def test_the_page_on_forecasting(day, run):
    """Its commands go on from the README's day."""
    done = run([DAY[0], *blocks((ROOT / "docs" / "forecasting.md").read_text())])
    told = done.stdout.replace(" ", "")
    assert '"stage":"consensus"' in told
    assert '"cause":"recent_demand"' in told
    assert '"cause":"data_revision"' in told
    assert '"cause":"shock"' in told


def test_the_page_on_models(day, run):
    done = run([DAY[0], *blocks((ROOT / "docs" / "models.md").read_text())])
    assert done.returncode == 0, done.stderr
    assert "warm_up True" in done.stdout
    assert "# Model card" in done.stdout
    assert '"kind":"challenger"' in done.stdout
    assert '"stage":"shadow"' in done.stdout


def test_the_page_on_external_forecasts(day, run):
    done = run([DAY[0], *blocks((ROOT / "docs" / "external-forecasts.md").read_text())])
    assert '"rival":"agency"' in done.stdout
    assert '"sources":[{"name":"agency"' in done.stdout


def test_the_page_on_decisions(day, run):
    """Its proof needs the package, so that its program is run from where that is."""
    commands = "\n".join(blocks((ROOT / "docs" / "decisions.md").read_text()))
    done = run([DAY[0], commands.replace(".venv/bin/python", f"PYTHONPATH={ROOT} {sys.executable}")])
    told = done.stdout.replace(" ", "")
    assert '"intact":true' in told
    assert '"automated":' in told


def test_the_page_for_planners(day, run):
    done = run([DAY[0], *blocks((ROOT / "docs" / "planner.md").read_text())])
    told = done.stdout.replace(" ", "")
    assert '"status":"demand_review"' in told
    assert '"assignee":"sales"' in told
    assert '"snapshots":' in told


def test_the_page_on_events(day, run):
    done = run([DAY[0], *blocks((ROOT / "docs" / "events.md").read_text())])
    told = done.stdout.replace(" ", "")
    assert '"type":"plans.succeeded"' in told
    assert "event: decision.accept" in done.stdout


def test_the_page_on_monitoring(day, run):
    done = run([DAY[0], *blocks((ROOT / "docs" / "monitoring.md").read_text())])
    told = done.stdout.replace(" ", "")
    assert '"inputs":' in told
    assert '"models":[' in told


def test_the_commands_that_are_named_exist():
    listed = subprocess.run(["make", "help"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    targets = {line.split()[0] for line in listed.splitlines()}
    wanted = "help setup demo run test check bench openapi migrate mlflow clean"
    assert targets >= set(wanted.split())
    named = set(re.findall(r"\bmake ([a-z]+)", README + (ROOT / "CONTRIBUTING.md").read_text()))
    assert named - targets == set()


@pytest.mark.parametrize("page", ["README.md", "ARCHITECTURE.md", "CONTRIBUTING.md", "SECURITY.md", "CHANGELOG.md"])
def test_links_between_pages_lead_somewhere(page):
    for link in re.findall(r"\]\((?!https?:|#)([^)#]+)", (ROOT / page).read_text()):
        assert (ROOT / link).exists(), link
    for path in re.findall(r"^\| `([\w/.]+)`", (ROOT / page).read_text(), re.MULTILINE):
        assert (ROOT / path).exists() or list(ROOT.glob(path)), path
