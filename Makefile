# Everything a user or a developer does, one word each. `make` alone lists them.

# PYTHON=3.14t or 3.15t: that version and no other, in a .venv of its own. A PYTHON in the environment that is
# something else (a path, say) is not meant for us; on the command line it is a mistake.
version := $(filter 3.14t 3.15t,$(PYTHON))
ifeq ($(origin PYTHON)$(version),command line)
    $(error PYTHON=$(PYTHON): set-up knows 3.14t and 3.15t; for an interpreter of your own: FTORCH_PYTHON=/path make ...)
endif
venv := .venv$(if $(version),-$(version))
bin := $(venv)/bin

# Rounds of each fault in `make faults`.
N ?= 20
# More for pytest: make test ARGS="-k ledger -x"
ARGS ?=

.DEFAULT_GOAL := help
.PHONY: help setup parts run test check faults bench manifests lock check-lock clean

help: ## what there is
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)
	@echo "  PYTHON=3.14t or 3.15t picks the version, FTORCH_PYTHON=/path the interpreter."

setup: ## a free-threaded Python and .venv, with .venv/bin/ftorch in it
	@tools/setup $(version)

parts:
	@tools/setup parts

run: setup ## hash half a gigabyte of real files on every CPU this container may use, and report
	@$(bin)/python jobs/hashing/make_input.py --size full
	@$(bin)/ftorch submit jobs/hashing/job.yaml

check: setup ## shell, style, types, layers: what can be read without running
	@$(bin)/python -VV
	$(bin)/shellcheck -x tools/setup tools/lock .ci/run $(addprefix tools/image/,assemble finish interpreter packages trim)
	$(bin)/hadolint Dockerfile
	$(bin)/ruff check
	$(bin)/ruff format --check
	$(bin)/mypy
	$(bin)/lint-imports
	@rm -rf .cache/sizes && $(bin)/ftorch submit tools/sizes/job.yaml --quiet --run .cache/sizes
	@grep -q '"over":0,' tools/sizes/out/sizes.json || { cat tools/sizes/out/sizes.json; exit 1; }
	$(bin)/python tools/check_lock.py

test: check parts ## the checks, then the tests (in CI, or with ALL=1, the slow ones as well)
	$(bin)/python -m pytest $(if $(CI)$(ALL),-m "") $(ARGS)

faults: setup ## kills, full disks and torn writes, N=20 rounds of each
	FTORCH_FAULT_ROUNDS=$(N) $(bin)/python -m pytest -m faults $(ARGS)

bench: setup ## every figure of the README, next to what it is compared to
	$(bin)/python -m benchmarks $(ARGS)

manifests: setup ## manifests/ again, from jobs/, and what is made of the chart (ARGS=--image=...: another image)
	@$(bin)/python -m tools.manifests $(ARGS)
	@$(bin)/python -m tools.chart

lock: setup ## requirements.lock again, from pyproject.toml (ARGS=--upgrade: newest versions)
	LOCK_PYTHON=$(bin)/python tools/lock $(ARGS)
	@$(MAKE) --no-print-directory setup

check-lock: setup ## does requirements.lock say what pyproject.toml wants?
	$(bin)/python tools/check_lock.py

clean: ## everything that was made here; the interpreter built in the user's cache stays
	rm -rf .venv .venv-3.14t .venv-3.15t .cache .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
