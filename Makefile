# Two commands do everything: `make demo` and `make test`. The rest are their parts.

PYTHON ?= python3
VENV ?= .venv
EXTRAS ?= train,cpu,line,dev
# Where PyTorch's CUDA packages are not wanted:
# make setup PIP_ARGS="--extra-index-url https://download.pytorch.org/whl/cpu"
PIP_ARGS ?=
BIN := $(VENV)/bin
READY := $(VENV)/.ready

.PHONY: demo test setup lint types bench clean

demo: setup
	$(BIN)/slsg-edge demo demo

test: lint types
	$(BIN)/python -m pytest

setup: $(READY)

$(READY): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import ensurepip, sys; sys.exit(sys.version_info < (3, 10))' || \
	  { echo "Needs Python 3.10 or later with venv. Run: sudo apt install python3-venv"; exit 2; }
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --disable-pip-version-check $(PIP_ARGS) \
	  --constraint constraints.txt --editable ".[$(EXTRAS)]"
	@touch $@

lint: setup
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: setup
	$(BIN)/mypy

bench: setup
	test -d demo/module.slsg || $(BIN)/slsg-edge demo demo
	$(BIN)/slsg-edge bench demo/module.slsg

clean:
	rm -rf $(VENV) build *.egg-info .mypy_cache .ruff_cache .pytest_cache
