"""What is published is what is routed, what is served, and what is committed."""

import importlib
import json
import pkgutil
import re
from pathlib import Path

import pytest

import services
from services.gateway.access import OPERATIONS
from shared.errors import Problem

ROOT = Path(__file__).parents[2]
METHODS = {"get", "post", "put", "patch", "delete"}


@pytest.fixture(scope="module")
def document(accord):
    return accord.admin.get("/openapi.json").json()


def operations(document):
    return {
        (method.upper(), re.sub(r"\{\w+\}", "{}", path))
        for path, methods in document["paths"].items()
        for method in methods
        if method in METHODS
    }


def test_the_published_document_is_the_committed_one(document):
    assert document == json.loads((ROOT / "openapi" / "accord.json").read_text())


def test_every_route_is_published_and_every_published_call_is_routed(document):
    routed = {(operation.method, re.sub(r"\{\w+\}", "{}", operation.path)) for operation in OPERATIONS}
    public = {call for call in operations(document) if "/health/" not in call[1]}
    assert public == routed


def test_operations_have_names_of_their_own_and_say_what_they_do(document):
    described = [one for methods in document["paths"].values() for name, one in methods.items() if name in METHODS]
    names = [one["operationId"] for one in described]
    assert len(set(names)) == len(names)
    assert [one["operationId"] for one in described if not one.get("description") and not one.get("summary")] == []


def test_references_in_the_document_lead_somewhere(document):
    for reference in set(re.findall(r'"\$ref": "#/([^"]+)"', json.dumps(document))):
        node = document
        for part in reference.split("/"):
            node = node[part]
        assert node


def test_documentation_is_served_without_a_key_and_without_other_hosts(accord):
    page = accord.admin.get("/docs", headers={"Authorization": ""}, follow_redirects=True)
    assert page.status_code == 200
    assert page.headers["content-type"].startswith("text/html")
    assert re.findall(r'(?:src|href)="https?://', page.text) == []


def problems(kind=Problem):
    for each in kind.__subclasses__():
        yield each
        yield from problems(each)


def test_every_problem_has_its_page(accord):
    for module in pkgutil.walk_packages(services.__path__, "services."):
        if "migrations" not in module.name and "__main__" not in module.name:
            importlib.import_module(module.name)  # loading it defines its problems

    headings = set(re.findall(r"^## (\S+)$", (ROOT / "docs" / "errors.md").read_text(), re.MULTILINE))
    slugs = {each.slug for each in problems()} | {"internal", "method-not-allowed"}
    assert slugs - headings == set()
    assert headings - slugs == set()
    served = accord.admin.get("/docs/errors")
    assert served.status_code == 200
    assert "## stale-version" in served.text
