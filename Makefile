# Two commands do all the set-up: `make demo` and `make test`.
# They need Python 3.11 or newer and the package index, nothing else.

VENV := .venv
BIN := $(VENV)/bin
# The first Python that is new enough and can make virtual environments; or say PYTHON=...
PYTHON ?= $(shell for python in python3 python3.13 python3.12 python3.11; do \
	$$python -c 'import sys, ensurepip; sys.exit(sys.version_info < (3, 11))' \
	2>/dev/null && { echo $$python; break; }; done)
PIP_INSTALL := $(BIN)/python -m pip install --quiet --disable-pip-version-check \
	--constraint constraints.txt
PYTEST_ARGS ?=
PORT ?= 3000
# dagster.yaml is here; the history goes to .dagster_home.
DAGSTER := DAGSTER_HOME=$(CURDIR) DAGSTER_DISABLE_TELEMETRY=yes

.PHONY: help demo ui test lint bench constraints clean

help:
	@echo "make demo    light curves of a real variable star, from the catalogues in data/ey_uma"
	@echo "make ui      Dagster's pages: start, schedule and watch the work (PORT=3000)"
	@echo "make test    the tests (PYTEST_ARGS='-k name' for some of them)"
	@echo "make lint    ruff and mypy"
	@echo "make bench   speed and memory against others, in one run"
	@echo "make clean   remove what the above made"

demo: $(VENV)/run.stamp
	@mkdir -p .dagster_home
	@$(DAGSTER) $(BIN)/python -m lc_pipeline.pipeline
	@$(BIN)/lc-pipeline info data/ey_uma
	@echo
	@echo "What varies:"
	@$(BIN)/lc-pipeline candidates data/ey_uma
	@$(BIN)/lc-pipeline lightcurve data/ey_uma 135.58650,+49.81926 --compare auto \
		-o data/ey_uma/ey_uma.png
	@echo
	@echo "The plot of the variable star: data/ey_uma/ey_uma.png"
	@echo "Everything on one page:        data/ey_uma/store/report.html"
	@echo "What to type next:"
	@echo "  make ui                                                # the same in Dagster's pages"
	@echo "  source $(VENV)/bin/activate"
	@echo "  lc-pipeline objects data/ey_uma                        # all stars"
	@echo "  lc-pipeline lightcurve data/ey_uma 135.58650,+49.81926 # one light curve, as a table"
	@echo "  lc-pipeline init --from YOUR_CATALOGUES... -o survey.toml && lc-pipeline run survey.toml"

ui: $(VENV)/run.stamp
	@mkdir -p .dagster_home
	@echo "Dagster: http://127.0.0.1:$(PORT)   (survey: $(or $(LC_PIPELINE_SURVEY),data/ey_uma); Ctrl-C ends it)"
	@$(DAGSTER) $(BIN)/dagster dev --host 127.0.0.1 --port $(PORT) --log-level warning

test: $(VENV)/test.stamp
	$(BIN)/python -m pytest -n auto $(PYTEST_ARGS)

lint: $(VENV)/test.stamp
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

bench: $(VENV)/bench.stamp
	$(BIN)/python -m benchmarks $(BENCH_ARGS)

$(BIN)/python:
	@test -n "$(PYTHON)" || { echo "No Python 3.11 or newer with venv was found" \
		"(on Debian: apt install python3-venv). Say where: make PYTHON=/path/to/python3 ..."; exit 1; }
	$(PYTHON) -m venv $(VENV)

$(VENV)/run.stamp: $(BIN)/python pyproject.toml constraints.txt
	@echo "Installing into $(VENV) ..."
	@$(PIP_INSTALL) --editable '.[dagster]'
	@touch $@

$(VENV)/test.stamp: $(BIN)/python pyproject.toml constraints.txt
	@echo "Installing into $(VENV) ..."
	@$(PIP_INSTALL) --editable '.[test,lint]'
	@touch $@

# What is not built for this platform is left out of the comparison.
$(VENV)/bench.stamp: $(BIN)/python pyproject.toml constraints.txt
	@echo "Installing into $(VENV) ..."
	@$(PIP_INSTALL) --editable '.[bench]' || $(PIP_INSTALL) --editable .
	@touch $@

# Newest versions that work together; run the tests before committing the result.
constraints:
	$(PYTHON) -m venv --clear $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade --editable '.[bench,test,lint]'
	{ grep '^#' constraints.txt; $(BIN)/python -m pip freeze --exclude-editable; } > constraints.new
	mv constraints.new constraints.txt

clean:
	rm -rf $(VENV) data/*/store data/*/*.png .dagster_home .mypy_cache .pytest_cache .ruff_cache .hypothesis
