# Two commands do everything: `make demo` and `make test`. CONTRIBUTING.md has the rest.

PYTHON ?= python3
VENV ?= .venv
EXTRAS ?= train,cpu,line,station,scale,dev,docs
# PyTorch's small build where there is no NVIDIA GPU; `make setup PIP_ARGS=` takes what pip finds.
PIP_ARGS ?= $(shell $(PYTHON) .ci/small_torch.py)
# Processes that run the tests at once.
WORKERS ?= 2
BIN := $(VENV)/bin
READY := $(VENV)/.ready
LINT := $(BIN)/ruff check . && $(BIN)/ruff format --check .
TYPES := ($(BIN)/mypy --config-file tests/mypy.ini & $(BIN)/mypy; package=$$?; \
  wait $$! && exit $$package)
# A worker runs what lies together in order, and then takes from the other what is left there.
TESTS := $(BIN)/python -m pytest -n $(WORKERS) --dist worksteal

# Modules are compiled once, not by each process that a test starts.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: demo test quick setup lint types docs bench fuzz release clean

demo: setup
	$(BIN)/slsg-edge demo demo

test: lint types
	@started=$$(date +%s); $(TESTS); status=$$?; \
	echo "the tests took $$(($$(date +%s) - started)) s"; exit $$status

# What to run after each change: no network is trained.
quick: setup
	@started=$$(date +%s); \
	$(LINT) && $(TYPES) && $(TESTS) -m "not slow and not gpu"; status=$$?; \
	echo "make quick took $$(($$(date +%s) - started)) s"; exit $$status

setup: $(READY)

$(READY): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import ensurepip, sys; sys.exit(sys.version_info < (3, 10))' || \
	  { echo "Needs Python 3.10 or later with venv. Run: sudo apt install python3-venv"; exit 2; }
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --disable-pip-version-check $(PIP_ARGS) \
	  --constraint constraints.txt --editable ".[$(EXTRAS)]"
	@touch $@

lint: setup
	$(LINT)

types: setup
	$(TYPES)

# The site of docs/, in build/site; nothing is fetched, and a warning is an error.
docs: setup
	rm -rf build/site
	PYTHONPATH=docs $(BIN)/python -m sitegen build/docs
	$(BIN)/zensical build --strict --clean

bench: setup
	test -d demo/module.slsg || $(BIN)/slsg-edge demo demo
	$(BIN)/slsg-edge bench demo/module.slsg

# Inputs that nobody should send, for so many seconds: what fails is left in build/fuzz.
fuzz: SECONDS ?= 300
fuzz: setup
	BIN=$(BIN) .ci/fuzz $(SECONDS)

# dist/ as it could be published: built, checked, and each file seen to run on its own.
release: setup
	BIN=$(BIN) .ci/release

clean:
	rm -rf $(VENV) build dist *.egg-info .mypy_cache .ruff_cache .pytest_cache
