import copy
import subprocess
import sys

import pytest

from services.forecast.app import contract as forecast_contract
from services.gateway.access import OPERATIONS
from services.gateway.app import FEATURES
from services.gateway.contract import PERSONAS, ContractError, by_shape, merged, shape_of
from services.planner.app import contract as planner_contract
from shared import app


@pytest.fixture(scope="module")
def documents(own):
    return {"gateway": own, "forecast": forecast_contract(), "planner": planner_contract()}


@pytest.fixture(scope="module")
def own():

    return app.document("Accord gateway", FEATURES, prefix="")


def test_the_table_is_what_the_services_offer(documents):
    for name, document in documents.items():
        mine = {operation for operation in OPERATIONS if name == (operation.service or "gateway")}
        assert {(each.method, shape_of(each.path)) for each in mine} == set(by_shape(document)), name


def test_the_document_says_who_may_and_what_the_gateway_adds(documents):
    paths = merged(documents)["paths"]
    verify = paths["/v1/areas/{area}/decisions:verify"]["post"]
    assert verify["x-accord-roles"] == ["admin", "auditor", "planner"]
    assert verify["tags"] == ["Recommendations and decisions"]
    assert {"401", "403", "404", "422", "502", "503", "504"} <= set(verify["responses"])
    assert "x-accord-roles" not in paths["/v1/me"]["get"]
    assert "503" not in paths["/v1/me"]["get"]["responses"]


def test_every_persona_is_explained():
    assert {operation.persona for operation in OPERATIONS} == set(PERSONAS)


def test_an_operation_that_no_service_offers_is_not_published(documents):
    documents = copy.deepcopy(documents)
    del documents["planner"]["paths"]["/v1/areas/{area}/orders"]
    with pytest.raises(ContractError, match=r"planner does not describe GET /v1/areas/\{area\}/orders"):
        merged(documents)


def test_one_name_has_one_meaning(documents):
    documents = copy.deepcopy(documents)
    documents["planner"]["components"]["schemas"]["ProblemOut"] = {"type": "string"}
    with pytest.raises(ContractError, match="planner describes the schema ProblemOut differently"):
        merged(documents)


def test_the_gateway_holds_no_tables_of_numbers():
    heavy = "{'numpy', 'pandas', 'pyarrow', 'xgboost', 'mlflow', 'scipy', 'services.forecast', 'services.planner'}"
    script = f"import sys, services.gateway.app; print(sorted({heavy} & set(sys.modules)))"
    told = subprocess.run([sys.executable, "-c", script], check=True, capture_output=True, text=True)
    assert told.stdout.strip() == "[]"
