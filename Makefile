# Every target sets up what it needs by itself: a virtual environment in .venv with the locked packages, and MicroPython
# in .cache. A set-up that is already there is recognised by its stamp and costs nothing.
SHELL := /bin/sh
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory

PYTHON ?=
VENV := .venv
BIN := $(VENV)/bin
TYPINGS := $(VENV)/typings
UV_VERSION := 0.13.9

# A stamp names what it stands for: the packages belong to the locks and this folder, the installed project to pyproject.toml.
key = $(shell (pwd; cat $(1)) | sha256sum | cut -c1-16)
PACKAGES := $(VENV)/packages-$(call key,requirements.lock stubs.lock)
PROJECT := $(VENV)/project-$(call key,pyproject.toml)
MUTATION := $(VENV)/mutation-$(call key,mutation.lock)
# An interpreter that is gone, after an upgrade of the system say, makes every stamp void.
$(shell test -x $(BIN)/python || rm -f $(VENV)/packages-* $(VENV)/project-* $(VENV)/mutation-*)
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet --quiet

.PHONY: help setup venv install-packages install-project install-mutation micropython demo test test-rp2040 test-board mutants bench night image lock docs clean
.PHONY: check check-style check-format check-types check-firmware-types check-imports check-generated check-requirements check-names

help: ## list the targets
	@echo "make TARGET, where TARGET is one of"
	@sed -n 's/^\([a-z][a-z0-9-]*\):.*## \(.*\)/  \1|\2/p' $(MAKEFILE_LIST) | awk -F'|' '{ printf "%-14s %s\n", $$1, $$2 }'
	@echo "PYTHON=/path/to/python3 chooses the interpreter, MICROPYTHON=/path/to/micropython the MicroPython."

setup: venv micropython ## make the environment, without doing anything with it

venv: $(PACKAGES) $(PROJECT) $(MUTATION)

# One make at a time may build the environment; one that had to wait finds the stamp when it comes to look.
one_at_a_time = @if command -v flock >/dev/null; then exec flock Makefile $(MAKE) $(1); else exec $(MAKE) $(1); fi

$(PACKAGES):
	$(call one_at_a_time,install-packages)

$(PROJECT): $(PACKAGES)
	$(call one_at_a_time,install-project)

$(MUTATION): $(PACKAGES)
	$(call one_at_a_time,install-mutation)

install-packages:
	@test -e $(PACKAGES) && exit 0; set -e; \
	  python=$$(PYTHON='$(PYTHON)' sh .ci/python); \
	  echo "setting up $(VENV) with $$python"; \
	  rm -rf $(VENV); \
	  "$$python" -m venv $(VENV); \
	  $(PIP) install --require-hashes --no-deps -r requirements.lock; \
	  $(PIP) install --require-hashes --no-deps --target $(TYPINGS) -r stubs.lock; \
	  touch $(PACKAGES)

install-project:
	@test -e $(PROJECT) && exit 0; set -e; \
	  $(PIP) install --no-deps --no-build-isolation --editable .; \
	  rm -f $(VENV)/project-*; \
	  touch $(PROJECT)

# On top of the packages: its lock names the same versions of what both need.
install-mutation:
	@test -e $(MUTATION) && exit 0; set -e; \
	  $(PIP) install --require-hashes --no-deps -r mutation.lock; \
	  rm -f $(VENV)/mutation-*; \
	  touch $(MUTATION)

micropython: venv
	@$(BIN)/python -m hil.toolchain.micropython --quiet

demo: setup ## a dose on the simulated rig, and what became of it
	@$(BIN)/rig demo

test: setup ## every test but those on the emulated Pico; NANORIG_SEED=n repeats a run
	@$(BIN)/python -m pytest -m "not rp2040" --target twin,vm $(ON_ALL_CORES)

test-rp2040: setup image ## the tests on the emulated Pico
	@$(BIN)/python -m pytest -m rp2040 --target rp2040

# BOARD and PROBE are serial ports; without BOARD the tier is not run, and says so with an exit code of its own (77).
test-board: setup ## the scenarios on a real Pico: BOARD=/dev/ttyUSB0 PROBE=/dev/ttyACM0 CAPABILITIES=i2c-fram,... PROVISION=seed
	@$(BIN)/python -m hil.boards.serial.tier --board-url="$(BOARD)" --probe-url="$(PROBE)" --capabilities="$(CAPABILITIES)" --provision-seed="$(PROVISION)"

mutants: setup ## every small change to a rule of the firmware has to fail a test, or be listed with its reason
	@$(BIN)/python -m tests.mutants.run

# A file's tests stay together: what they share is made once.
ON_ALL_CORES := --numprocesses auto --dist loadfile

CHECKS := check-style check-format check-types check-firmware-types check-imports check-generated check-requirements check-names

check: setup ## style, types, import contracts, generated files, requirements and their tests
	@$(MAKE) --keep-going $(CHECKS)

check-style:
	@$(BIN)/ruff check --quiet .

check-format:
	@$(BIN)/ruff format --check --quiet . || { echo "to do: $(BIN)/ruff format ."; exit 1; }

check-types:
	@$(BIN)/mypy

# The firmware as MicroPython sees it: the controller's modules, and no more of the standard library than there is.
check-firmware-types:
	@MYPYPATH=$(TYPINGS):hil/boards/vm $(BIN)/mypy --config-file mypy-device.ini --custom-typeshed-dir $(TYPINGS)

check-imports:
	@$(BIN)/lint-imports --no-logo

check-generated:
	@$(BIN)/python -m protocol.generate --check
	@$(BIN)/python -m hil.toolchain.firmware_readme --check
	@$(BIN)/python -m host.access.readme --check

check-requirements:
	@$(BIN)/python -m tests.requirements.matrix

# Workers that collect at different times have to agree on the tests' names.
check-names:
	@$(BIN)/python -m tests.same_names

bench: setup ## how fast the bench runs on each board, against real time
	@$(BIN)/rig hil speed
	@$(BIN)/rig hil ticks --functions 0

night: setup ## the tests with many more examples each, and a seed of their own
	@$(BIN)/python -m pytest -m "not rp2040" --target twin,vm $(ON_ALL_CORES) --hypothesis-profile=night
	@$(BIN)/python -m tests.mutants.run
	@$(BIN)/rig hil storm --schedules 500 --seed $$(date +%j)
	@$(BIN)/rig hil model --steps 10000 --seed $$(date +%j)
	@$(BIN)/rig hil sweep power --seed $$(date +%j)
	@$(BIN)/rig hil sweep orders --seed $$(date +%j)
	@$(BIN)/rig hil doses --seed $$(date +%j)
	@$(BIN)/rig hil sweep power --target vm --seed $$(date +%j)
	@$(BIN)/rig hil sweep power --target rp2040 --seed $$(date +%j)
	@$(BIN)/rig hil accuracy --seed $$(date +%j)
	@$(BIN)/rig hil occlusion --seed $$(date +%j)
	@$(BIN)/rig hil rescue --seed $$(date +%j)
	@$(BIN)/rig hil latency --target rp2040 --seed $$(date +%j)
	@$(BIN)/rig hil steps
	@$(BIN)/rig hil memory --target vm --seconds 3600
	@$(BIN)/rig hil memory --target rp2040 --seconds 180

image: setup ## the Pico image, built from Debian's sources
	@$(BIN)/python -m hil.toolchain.image

docs: setup ## write the generated files anew
	@$(BIN)/python -m protocol.generate
	@$(BIN)/python -m hil.toolchain.firmware_readme
	@$(BIN)/python -m host.access.readme

lock: venv ## solve the dependencies anew
	@$(BIN)/python -m venv .cache/solver
	@.cache/solver/bin/python -m pip --disable-pip-version-check --quiet --quiet install uv==$(UV_VERSION)
	@set -e; compile=".cache/solver/bin/uv pip compile --quiet --system-certs --universal --python-version 3.11 --generate-hashes --upgrade --no-header --no-annotate"; \
	  $$compile --group dev pyproject.toml --output-file requirements.lock; \
	  $$compile --group pyproject.toml:stubs --output-file stubs.lock; \
	  $$compile --group pyproject.toml:mutation --constraint requirements.lock --output-file mutation.lock

clean: ## remove everything that make made, downloads included
	@rm -rf $(VENV) .cache build dist *.egg-info .hypothesis .mypy_cache .pytest_cache .ruff_cache .import_linter_cache
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +
