.PHONY: environment test test-kd test-slurm lint bench bench-kd reference lock
.NOTPARALLEL:

PYTHON := .venv/bin/python
RECORDINGS := $(wildcard ../shared/data)

# Real recordings beside the checkout are used unless others are named.
ifneq ($(RECORDINGS),)
export CAN_TRAIN_RECORDINGS ?= $(abspath $(RECORDINGS))
endif
# The targets below work on .venv, whatever the shell's own setting is.
unexport CAN_TRAIN_VENV

test: environment
	$(PYTHON) -m pytest -q -n 2 --dist loadfile

# On a Slurm cluster of virtual nodes on this machine: as root, on Debian.
test-slurm: environment
	tests/slurm/cluster up
	SLURM_CONF=$$(tests/slurm/cluster path) CAN_TRAIN_SLURM=1 $(PYTHON) -m pytest -q tests/slurm; \
		code=$$?; tests/slurm/cluster down; exit $$code

# The specification's checklist of knowledge distillation.
test-kd: environment
	$(PYTHON) -m pytest -q -m kd

lint: environment
	$(PYTHON) -m ruff check .
	$(PYTHON) -m ruff format --check .
	$(PYTHON) -m mypy

bench: environment
	$(PYTHON) -m benchmarks

bench-kd: environment
	$(PYTHON) -m benchmarks.distillation

reference: environment
	$(PYTHON) -m docs.generator

lock: environment
	.ci/lock

# Runtime packages by the launcher, development packages here; both are quick when nothing changed.
environment:
	@CAN_TRAIN_SETUP_ONLY=1 ./can-train
	@cmp -s requirements-dev.lock .venv/can-train-dev.stamp || { \
		$(PYTHON) -m pip --disable-pip-version-check install \
			--require-hashes --no-deps -r requirements-dev.lock && \
		cp requirements-dev.lock .venv/can-train-dev.stamp; }
