# make run | test | lint | bench | audit: each does all its own set-up in .venv.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
export OMP_WAIT_POLICY = PASSIVE
export TOKENIZERS_PARALLELISM = false

.PHONY: run test lint bench audit format clean up-qdrant up-milvus up-pgvector

run: $(VENV)/run.stamp
	$(BIN)/python app.py $(ARGS)

test: $(VENV)/dev.stamp
	@sh dev/get-chromium.sh
	$(BIN)/python -m pytest -n 2 $(ARGS)

lint: $(VENV)/dev.stamp
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	@! command -v node >/dev/null || for script in mrl_demo/ui/static/*.js; do node --check "$$script" || exit 1; done

format: $(VENV)/dev.stamp
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

bench: $(VENV)/dev.stamp
	@sh dev/get-chromium.sh
	for script in benchmarks/bench_*.py; do echo "== $$script"; $(BIN)/python $$script || exit 1; done

# Looks every installed package up in the list of known holes: needs a network.
audit: $(VENV)/dev.stamp
	$(BIN)/pip-audit --vulnerability-service osv --local --skip-editable --progress-spinner off $(ARGS)
	$(BIN)/python dev/licences.py

$(VENV)/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' || \
		{ echo "Python 3.11 to 3.13 is needed; choose one with: make PYTHON=python3.12 ..."; exit 1; }
	$(PYTHON) -m venv $(VENV) || { echo "The venv module is missing: on Debian, apt-get install python3-venv"; exit 1; }

$(VENV)/run.stamp: requirements.txt | $(VENV)/bin/python
	@echo "Installing what the page needs into $(VENV): some minutes and 2.3 GB of disk, more if torch comes with CUDA; once."
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements.txt
	@touch $@

$(VENV)/dev.stamp: $(wildcard requirements*.txt) | $(VENV)/bin/python
	@echo "Installing what tests need into $(VENV): some minutes, once."
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements-dev.txt
	@touch $@ $(VENV)/run.stamp

# Servers for `mrl index`, in Docker: docs/engines.md.
up-qdrant up-milvus up-pgvector: up-%:
	docker compose -f deploy/$*.yaml up --detach --wait

clean:
	rm -rf $(VENV) .pytest_cache .mypy_cache .ruff_cache .hypothesis
