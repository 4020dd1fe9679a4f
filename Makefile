# Few lines a target; CI calls the same ones. `make help` lists them.
SHELL := /bin/bash
.DELETE_ON_ERROR:
PYTHON ?= $(shell for p in python3 python3.13 python3.12 python3.11; do command -v $$p >/dev/null && $$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$p && break; done)
BIN := .venv/bin
export PYTHONSAFEPATH := 1
export PIP_DISABLE_PIP_VERSION_CHECK := 1

.PHONY: help run demo test lint fix bench fuzz mutants docs package lock clean
help:  ## what there is
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*##/\t/' | expand -t 10

run: .venv/run.stamp  ## set up and start issuer, verifier and worker
	@$(BIN)/certsvc up $(ARGS)

demo: .venv/run.stamp  ## the whole story once, without questions
	@$(BIN)/certsvc demo $(ARGS)

test: .venv/dev.stamp  ## every test, with coverage floors
	@$(BIN)/python tests/system_packages.py && $(BIN)/python tests/oracles/install.py
	@rm -f .coverage .coverage.*; $(BIN)/python -m coverage run -m pytest -n $${TEST_WORKERS:-2} --dist loadfile $(ARGS)
	@$(BIN)/python tests/coverage_floors.py

lint: .venv/dev.stamp  ## ruff, mypy strict, import-linter
	@$(BIN)/ruff check . && $(BIN)/ruff format --check .
	@$(BIN)/mypy && $(BIN)/lint-imports

fix: .venv/dev.stamp  ## let ruff mend what it can
	@$(BIN)/ruff check --fix . ; $(BIN)/ruff format .

bench: .venv/dev.stamp  ## measure all, write docs/performance.md; ARGS="flat disclosed" for some
	@$(BIN)/python -m bench $(or $(ARGS),--write)
	@$(BIN)/python bench/qr_sizes.py

fuzz: .venv/dev.stamp  ## look for surprises in the core: SECONDS=60 TARGETS="token frame"
	@$(BIN)/python tests/fuzz/run.py --seconds $(or $(SECONDS),60) $(TARGETS)

mutants: .venv/dev.stamp  ## delete each check of the core in turn: some vector must notice
	@$(BIN)/python tests/mutants $(ARGS)

docs: .venv/dev.stamp  ## write the generated pages anew
	@$(BIN)/python docs/generate.py

package: .venv/dev.stamp  ## both wheels and sdists into dist/
	@rm -rf dist && $(BIN)/python -m build --outdir dist . && $(BIN)/python -m build --outdir dist sdk

lock: .venv/dev.stamp  ## pin every dependency with its hashes
	@$(BIN)/uv pip compile -q --universal --generate-hashes --no-header --no-annotate --no-emit-index-url -o requirements.lock pyproject.toml
	@$(BIN)/uv pip compile -q --universal --generate-hashes --no-header --no-annotate --no-emit-index-url --extra dev -o requirements-dev.lock pyproject.toml

clean:  ## forget the environment and what was built (var/ stays: `certsvc reset` removes it)
	rm -rf .venv build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache .coverage .coverage.* .fuzz tests/oracles/node/node_modules

.venv/bin/python:
	@test -n "$(PYTHON)" || { echo "需要 Python 3.11 或更高版本 / Python 3.11 or newer is needed"; exit 1; }
	@$(PYTHON) -m venv .venv || { rm -rf .venv; echo "venv 模块缺失 / the venv module is missing (Debian: apt-get install python3-venv)"; exit 1; }

.venv/run.stamp: requirements.lock pyproject.toml | .venv/bin/python
	@echo "安装依赖 / installing pinned dependencies …" && $(BIN)/pip install -q --require-hashes -r requirements.lock && $(BIN)/pip install -q --no-deps -e .
	@touch $@

.venv/dev.stamp: requirements-dev.lock pyproject.toml | .venv/bin/python
	@echo "安装开发依赖 / installing pinned development dependencies …" && $(BIN)/pip install -q --require-hashes -r requirements-dev.lock && $(BIN)/pip install -q --no-deps -e .
	@touch $@ .venv/run.stamp
