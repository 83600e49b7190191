# Two commands on a fresh machine: `make run` and `make test`. Both set themselves up.
PYTHON ?= python3
VENV   ?= .venv
BIN    := $(VENV)/bin
SOURCE ?= synthetic
SIZE   ?= 250k
PORT   ?= 4200

.DEFAULT_GOAL := help
.PHONY: help setup run diagnose sweep test faults lint types format bench verdicts serve doctor clean

help:  ## show this list
	@awk -F':.*## ' '/^[a-z-]+:.*## / {printf "  make %-8s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: $(VENV)/.ready-dev  ## create .venv and install everything with plain pip

run: $(VENV)/.ready  ## raw log to a trained, evaluated, reported model (SOURCE=synthetic SIZE=250k)
	@$(BIN)/python -m flows nightly --source.preset $(SOURCE) --size $(SIZE) $(OPTIONS)

diagnose: $(VENV)/.ready  ## why the curves saw: orders, rates and remedies compared (SOURCE SIZE OPTIONS as for run)
	@$(BIN)/python -m flows diagnose --source.preset $(SOURCE) --size $(SIZE) $(OPTIONS)

sweep: $(VENV)/.ready  ## how the sawtooth goes with the learning rate (SOURCE SIZE OPTIONS as for run)
	@$(BIN)/python -m flows sweep --source.preset $(SOURCE) --size $(SIZE) $(OPTIONS)

test: $(VENV)/.ready-dev  ## all tests, with branch coverage
	$(BIN)/python -m pytest --cov --cov-report=term

faults: $(VENV)/.ready-dev  ## kill nights by the hundred and ask again, twenty minutes at most
	timeout 1200 $(BIN)/python -m pytest -n 0 -o log_cli=true --log-cli-level=INFO tests/faults

lint: $(VENV)/.ready-dev  ## style, format and the import contracts of the rooms
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/lint-imports

types: $(VENV)/.ready-dev  ## strict type check
	$(BIN)/mypy

format: $(VENV)/.ready-dev  ## rewrite in the project's format
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

bench: $(VENV)/.ready-dev  ## speed and memory beside what is used instead (OPTIONS='--online-retail PATH --rounds 3')
	$(BIN)/python benchmarks/extraction.py
	$(BIN)/python benchmarks/training.py $(OPTIONS)

verdicts: $(VENV)/.ready-dev  ## judge the judge: trainings with planted causes (OPTIONS='--seeds 2 --kinds ...')
	OMP_NUM_THREADS=1 OMP_WAIT_POLICY=PASSIVE $(BIN)/python benchmarks/verdicts.py $(OPTIONS)

serve: $(VENV)/.ready  ## server, work pool, deployments and worker on 127.0.0.1, until Ctrl-C
	@$(BIN)/python -m flows serve --port $(PORT)

doctor: $(VENV)/.ready  ## what is wrong with versions, server, worker, schedules, disk or store, and what to do
	@$(BIN)/python -m flows doctor --port $(PORT) $(OPTIONS)

clean:  ## remove what make and the tools made (the store stays)
	rm -rf $(VENV) .venv-recbole *.egg-info build htmlcov .coverage .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis

$(VENV)/.ready: pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Sawtooth needs Python 3.11 or newer; this is " + sys.version.split()[0] + ". Try: make PYTHON=python3.12 run")'
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet -c constraints.txt -e '.[demo]'
	@touch $@

$(VENV)/.ready-dev: $(VENV)/.ready
	$(BIN)/python -m pip install --quiet -c constraints.txt -e '.[demo,dev]'
	@touch $@
