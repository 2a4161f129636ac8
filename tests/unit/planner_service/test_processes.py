"""What each process of the planner service loads."""

import json
import subprocess
import sys


def loaded(module):
    code = f"import {module}, json, sys; print(json.dumps(sorted(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return set(json.loads(done.stdout))


def test_the_api_loads_no_engine():
    modules = loaded("services.planner.app")
    assert "services.planner.recommendations.routes" in modules
    assert modules & {"pandas", "scipy", "urllib3", "services.planner.engine", "services.planner.jobs"} == set()


def test_the_worker_loads_it():
    assert {"pandas", "scipy", "urllib3", "services.planner.engine.plan"} <= loaded("services.planner.jobs")


def test_the_contract_needs_no_settings():
    done = subprocess.run(
        [sys.executable, "-m", "services.planner", "openapi"], capture_output=True, text=True, check=True, env={}
    )
    document = json.loads(done.stdout)
    assert "/v1/areas/{area}/recommendations/{recommendation}/decisions" in document["paths"]
    named = [operation["operationId"] for path in document["paths"].values() for operation in path.values()]
    assert len(named) == len(set(named)) == 81
