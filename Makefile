# Everything is done by bootstrap.py: it makes what is missing and does nothing twice.
PYTHON ?= python3

.PHONY: run test bench screenshots format build

run test bench screenshots format build:
	@exec $(PYTHON) bootstrap.py $@
