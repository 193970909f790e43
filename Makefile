# Everything a developer or an operator of one machine does. `make` alone lists it.
.DEFAULT_GOAL := help
.PHONY: help install run test test-xtts check format proto docs bench clean
SHELL := /bin/bash

# uv where it works; otherwise a Python 3.12 installs it into .tools.
PYTHON := $(shell command -v python3.12 || command -v python3)
UV := $(shell uv --version >/dev/null 2>&1 && echo uv || echo .tools/bin/uv)
RUN := $(UV) run --no-sync

help: ## list the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

.tools/bin/uv:
	$(PYTHON) -m venv .tools && .tools/bin/pip install --quiet 'uv>=0.8'

.venv/.synced: pyproject.toml uv.lock $(wildcard */pyproject.toml */*/pyproject.toml) $(filter .tools/bin/uv,$(UV))
	$(UV) sync --quiet --locked --all-packages --all-extras --no-extra xtts --no-extra watermark --all-groups
	@touch $@

install: .venv/.synced ## install everything into .venv

run: install ## run everything on this machine, on http://127.0.0.1:8080
	@exec $(RUN) palabre run

# Three at a time: most wait for a process that begins or a clock. ARGS="a/file.py -k name" is one after the other.
test: install ## run every test that can run here
	$(RUN) pytest $(or $(ARGS),--numprocesses 3 --dist loadfile --no-loadscope-reorder)

# Its environment takes 5 GB: apart from the others, and only where somebody asks for it.
test-xtts: export UV_PROJECT_ENVIRONMENT = .venv-xtts
test-xtts: $(filter .tools/bin/uv,$(UV)) ## install XTTS into .venv-xtts (5 GB), and test it
	$(UV) sync --quiet --locked --all-packages --all-extras --all-groups
	OMP_NUM_THREADS=1 $(RUN) pytest -W default services/tts/tests/test_coqui.py services/tts/tests/test_xtts.py services/tts/tests/test_engine_contract.py -k "xtts or coqui" $(ARGS)

check: install ## lint, format, types, imports, contracts, generated files
	$(RUN) ruff check .
	$(RUN) ruff format --check .
	$(RUN) mypy
	$(RUN) lint-imports
	$(RUN) python -m tests.architecture.dependencies
	$(RUN) python proto/generate.py --check
	$(RUN) python -m tests.architecture.contracts
	$(RUN) python -m docs.tables --check
	$(RUN) python -m deploy.generate --check
	$(RUN) hadolint services/*/Dockerfile cli/Dockerfile
	$(RUN) shellcheck .ci/run deploy/k8s/tests/*.sh
	$(RUN) check-jsonschema --quiet --builtin-schema vendor.github-workflows .github/workflows/*.yaml
	@if command -v promtool >/dev/null; then \
	  promtool check config --syntax-only deploy/prometheus/*.yml && promtool test rules deploy/prometheus/tests/*.yml; \
	else echo "SKIPPED: the rules of Prometheus: there is no promtool (Debian's package prometheus)"; fi
	$(RUN) pytest --quiet tests/deploy --deselect tests/deploy/test_nats.py
	$(RUN) python -m tests.architecture.figures

format: install ## format and fix what can be fixed
	$(RUN) ruff check --fix --quiet . || true
	$(RUN) ruff format .

proto: install ## generate the code of proto/
	$(RUN) python proto/generate.py

docs: install ## renew the tables in ARCHITECTURE.md and docs/, and what is generated in deploy/
	$(RUN) python -m docs.tables
	$(RUN) python -m deploy.generate

bench: install ## the benchmarks, one after the other
	for name in overhead search ingest reading speech speech.whole resume fallback budgets replay discord discord.summaries discord.solved discord.killed kill; do $(RUN) python -m bench.$$name || exit 1; done
	$(RUN) python -m bench.load --quick

clean: ## remove what was installed or made here, but no data
	rm -rf .venv .venv-xtts .tools .mypy_cache .ruff_cache .pytest_cache .import_linter_cache
