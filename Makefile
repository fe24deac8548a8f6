# Every command of the project; `make help` lists them.
.DEFAULT_GOAL := help
# More workers than processors: some tests wait. `loadgroup`: those with the same xdist_group share a worker.
PARALLEL := -n 3 --dist loadgroup
FAST := -m "not slow and not browser and not mailhost" --ignore tests/sending/engine/faults
PYTHON_VENV := .venv/bin/python
export PYTHONDONTWRITEBYTECODE := 1
# What is started often is compiled once; tests start the product's programs a hundred times.
run demo test test-fast test-versions e2e fault-test: export PYTHONDONTWRITEBYTECODE :=

.PHONY: help run demo test test-fast test-versions check e2e bench bench-send bench-contacts fault-test fmt hooks messages lock clean runtime dev

help: ## this list
	@grep -hE '^[a-z0-9-]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*##/\t/' | expand -t 12

run: runtime ## the whole product in the foreground (HOST, PORT, YANSHU_VAR)
	@exec $(PYTHON_VENV) manage.py up

demo: runtime ## the same, with a workspace that looks lived in
	@exec $(PYTHON_VENV) manage.py up --demo

test: dev ## every test: also in a browser, of whole installations, with mail servers
	@$(PYTHON_VENV) -m pytest $(PARALLEL) -q

test-fast: dev ## the tests for every day, within minutes
	@$(PYTHON_VENV) -m pytest $(PARALLEL) -q $(FAST); code=$$?; \
		echo "Left out: tests marked slow (all of tests/stack), browser or mailhost, and the engine's faults. 'make test' runs all."; \
		exit $$code

test-versions: dev ## tests of queries on PostgreSQL 15, and of mails, files and designs on a newer Python
	@tools/versions

check: dev ## what CI runs: lint, types, layers, templates, migrations, translations, scripts, tests
	@tools/check
	@$(MAKE) --no-print-directory test-versions test

e2e: dev ## the browser tests alone
	@$(PYTHON_VENV) -m pytest -q -m browser

bench: dev ## measurements
	@for name in $(filter-out bench_send bench_contacts,$(basename $(notdir $(wildcard benchmarks/bench_*.py)))); do \
		$(PYTHON_VENV) -m benchmarks.$$name || exit; done

bench-send: dev ## how fast a campaign goes out, beside Postfix's smtp-source (OPTIONS=--quick)
	@$(PYTHON_VENV) -m benchmarks.bench_send $(OPTIONS)

fmt: dev ## format Python, scripts and style sheets
	@.venv/bin/ruff check -q --no-cache --fix . && .venv/bin/ruff format -q .
	@PATH="$$PWD/.venv/bin:$$PATH" npm run --prefix frontend --silent format

hooks: dev ## check what changed before each commit
	@.venv/bin/pre-commit install

messages: dev ## bring the translation catalogues up to date
	@$(PYTHON_VENV) -m pages.catalogues extract

lock: dev ## write the lock files anew from pyproject.toml
	@tools/lock

clean: ## remove what was made, except the state in var/
	@rm -rf .venv frontend/node_modules frontend/dist .pytest_cache .mypy_cache .ruff_cache
	@find . -name '*.mo' -not -path './.venv/*' -delete

runtime:
	@quickstart/bootstrap runtime

dev:
	@quickstart/bootstrap dev

bench-contacts: dev ## a million contacts: imports, segments, pages (OPTIONS="--people 100000")
	@$(PYTHON_VENV) -m benchmarks.bench_contacts $(OPTIONS)

fault-test: dev ## random schedules of faults, many of them (YANSHU_FAULT_SCHEDULES=200)
	@YANSHU_FAULT_SCHEDULES=$${YANSHU_FAULT_SCHEDULES:-200} $(PYTHON_VENV) -m pytest -q tests/sending/engine/faults
