PYTHON ?= python3
VENV ?= .venv
RUNTIMES ?= .venv-runtimes
run := $(VENV)/bin/python

.DEFAULT_GOAL := help
.PHONY: help dev check test quick runtimes conformance bench optimisers docs demo clean

help: ## list the targets
	@grep -hE '^[a-z]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 8

# Debian's bare python3 has no ensurepip: there pip installs itself into the venv.
$(VENV)/ready $(RUNTIMES)/ready:
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed: make PYTHON=python3.x")'
	$(PYTHON) -m venv $(@D) || { $(PYTHON) -m venv --clear --without-pip $(@D) \
	  && $(PYTHON) -m pip --python $(@D)/bin/python install --quiet pip; }
	$(@D)/bin/python -m pip install --quiet --upgrade pip
	touch $@

$(VENV)/%: $(VENV)/ready pyproject.toml
	$(run) -m pip install -qq --editable '.[$*]'
	touch $@

$(RUNTIMES)/runtimes: $(RUNTIMES)/ready pyproject.toml tests/runtimes/requirements.txt
	$(RUNTIMES)/bin/python -m pip install -qq --requirement tests/runtimes/requirements.txt --editable .
	touch $@

dev: $(VENV)/dev ## create .venv with everything needed to work on qjit

check: dev ## lint, formatting, types, and that generated pages are up to date
	$(run) -m ruff check .
	$(run) -m ruff format --check .
	$(run) -m pyright --pythonpath $(run)
	$(run) docs/build.py --check

test: dev ## run the tests; ARGS="-k gates" goes to pytest
	$(run) -m pytest --numprocesses=auto $(ARGS)

quick: dev ## run one of every 21 tests, always the same
	$(run) -m pytest --numprocesses=auto --every=21 $(ARGS)

runtimes: $(RUNTIMES)/runtimes ## run tests/runtimes with the packages of vendors
	$(RUNTIMES)/bin/python -m pytest --numprocesses=auto tests/runtimes $(ARGS)

conformance: dev ## run all of JAX's cases of its primitives, into docs/jax_primitives.md
	QJIT_ALL_HARNESSES=1 $(run) -m pytest --numprocesses=auto tests/lowering/importer/test_jax_primitives.py $(ARGS)

bench: dev ## compare with others, into benchmarks/RESULTS.md; ARGS="--only states" for a part
	PYTHON=$(PYTHON) benchmarks/peer_env
	$(run) benchmarks/run.py $(ARGS)

optimisers: dev ## compare passes with other optimisers; ARGS="--only QFT" for a part
	PYTHON=$(PYTHON) benchmarks/peer_env
	$(run) benchmarks/optimisers.py $(ARGS)

docs: dev ## write the generated pages of docs/
	$(run) docs/build.py

demo: $(VENV)/examples ## train a VQE on lithium hydride, plot vqe.png
	$(run) docs/examples/vqe.py $(ARGS)

clean: ## remove the environments and build outputs
	rm -rf $(VENV) $(RUNTIMES) .venv-catalyst .venv-peers .venv-simulators .venv-optimisers build dist *.egg-info .pytest_cache .ruff_cache
