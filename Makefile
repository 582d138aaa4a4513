.PHONY: environment test test-slow test-pages test-exploring test-kd test-slurm coverage lint docs bench bench-check bench-kd reference lock
.NOTPARALLEL:

PYTHON := .venv/bin/python
RECORDINGS := $(wildcard ../shared/data)

# Real recordings beside the checkout are used unless others are named.
ifneq ($(RECORDINGS),)
export CAN_TRAIN_RECORDINGS ?= $(abspath $(RECORDINGS))
endif
# The targets below work on .venv, whatever the shell's own setting is.
unexport CAN_TRAIN_VENV
# Tests and benchmarks start many processes: each would compile our modules anew.
unexport PYTHONDONTWRITEBYTECODE

# Whole files go to one process, since a module's fixtures are dear; in the order of the folders,
# since the few long tests of e2e would else come last and keep one process busy alone.
IN_PARALLEL := -n 2 --dist loadfile --no-loadscope-reorder

test: environment
	$(PYTHON) -m pytest -q $(IN_PARALLEL) -m "not browser and not slow"

# Those that take more than ten seconds each: kills, locks, plugins' whole lives, several processes.
test-slow: environment
	$(PYTHON) -m pytest -q $(IN_PARALLEL) -m "slow and not browser"

# Pages in a real browser, which is installed where it is missing: as root, on Debian.
test-pages: environment
	[ -x /usr/bin/chromium ] || { apt-get update -qq && \
		DEBIAN_FRONTEND=noninteractive apt-get install -y -qq chromium; }
	$(PYTHON) -m pytest -q -m browser

# The tests that draw inputs, on ten times as many that nobody drew before.
test-exploring: environment
	$(PYTHON) -m pytest -q $(IN_PARALLEL) -m hypothesis --hypothesis-profile=exploring

# On a Slurm cluster of virtual nodes on this machine: as root, on Debian.
test-slurm: environment
	tests/slurm/cluster up
	SLURM_CONF=$$(tests/slurm/cluster path) CAN_TRAIN_SLURM=1 $(PYTHON) -m pytest -q tests/slurm; \
		code=$$?; tests/slurm/cluster down; exit $$code

# The specification's checklist of knowledge distillation.
test-kd: environment
	$(PYTHON) -m pytest -q -m kd

# Lines and branches of src that the tests run in their own processes: all modules that aren't fully
# covered, the least covered last, and the total. Failing tests don't hide the figures.
coverage: environment
	$(PYTHON) -m pytest -q $(IN_PARALLEL) -m "not browser" --cov --cov-report=; code=$$?; \
		$(PYTHON) -m coverage report --sort=-cover --skip-covered; exit $$code

lint: environment
	$(PYTHON) -m ruff check .
	$(PYTHON) -m ruff format --check .
	$(PYTHON) -m mypy

# The guide as a site in site/. A link, anchor or picture that leads nowhere and a page without a place
# in mkdocs.yml are errors. What is said about MkDocs 2 at each build: docs/decisions/0019-site.md.
docs: environment
	NO_MKDOCS_2_WARNING=1 $(PYTHON) -m mkdocs build --quiet

# All figures of docs/performance.md beside their references, some ten minutes; renews page and CSV.
bench: environment
	$(PYTHON) -m benchmarks

# The same, compared with the stored ratios; fails where one fell beyond noise.
bench-check: environment
	$(PYTHON) -m benchmarks --check

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
