# Everything is in bootstrap.py: it makes .venv and the theme first, as far as they are not there yet.
PYTHON ?= python3
export ARGS

.PHONY: run test bench format screenshots build

run test bench format screenshots build:
	@$(PYTHON) bootstrap.py $@
