# Every target works from an empty clone; `make help` lists them.
PYTHON ?= python3
BIN := .venv/bin
READY := .venv/.ready
DEV := .venv/.ready-dev
export QTRACE_DATA_DIR ?= $(CURDIR)/var
export PIP_DISABLE_PIP_VERSION_CHECK := 1

.DEFAULT_GOAL := help
.PHONY: help demo serve test check format types layers translations real bench faults nightly container lock pictures screenshots clean

help: ## Show this list
	@grep -hE '^[a-z]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 16

$(READY): requirements/runtime.txt pyproject.toml
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install -q --require-hashes -r requirements/runtime.txt
	$(BIN)/python -m pip install -q --no-deps -e . -e plugins/qtrace-folder-drop
	@touch $@

$(DEV): $(READY) requirements/dev.txt
	$(BIN)/python -m pip install -q --require-hashes -r requirements/dev.txt
	@touch $@

demo: $(READY) ## From nothing to a demonstration company at http://127.0.0.1:8000
	$(BIN)/qtrace demo
	$(BIN)/qtrace serve

serve: $(READY) ## Serve the site in var/
	$(BIN)/qtrace serve

test: $(DEV) ## The whole test suite, on SQLite and PostgreSQL, with the browser where there is one
	@sh tools/browser_note.sh
	$(BIN)/python -m pytest -q -n 2 --dist loadfile tests plugins

check: $(DEV) ## Lint, types, layers, documents, translations
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python -m tools.check_docs

format: $(DEV) ## Format the code
	$(BIN)/ruff check --fix -q . || true
	$(BIN)/ruff format .

translations: $(DEV) ## Collect messages and compile the catalogues
	$(BIN)/python -m tools.translations

real: $(DEV) ## The whole run on ../shared/data, with its figures
	$(BIN)/python -m bench.real

bench: $(DEV) ## What the README says about speed, measured here and now
	$(BIN)/python -m bench.run

faults: $(DEV) ## kill -9 of web and worker under write load, and decisions that race each other
	$(BIN)/python -m bench.faults
	$(BIN)/python -m bench.flow_races

nightly: $(DEV) ## The long runs: more examples, more kills
	QTRACE_TEST_EXAMPLES=2000 $(BIN)/python -m pytest -q -n 2 tests/unit
	$(BIN)/python -m bench.flow_machine
	$(BIN)/python -m bench.flow_races
	$(BIN)/python -m bench.fuzz
	QTRACE_TEST_ROUNDS=200 $(BIN)/python -m bench.faults

container: ## Build and run the image as far as this machine allows
	sh tools/container.sh

lock: ## Write the locked requirements anew from pyproject.toml
	sh tools/lock.sh

pictures: $(DEV) ## Take the pictures of the documents anew
	$(BIN)/python -m tools.pictures

screenshots: $(DEV) ## Walk the story in a browser and leave pictures in var/screenshots
	$(BIN)/python -m pytest -q tests/browser

clean: ## Remove the virtual environment and everything generated
	rm -rf .venv var build dist *.egg-info
