# Everything is done by bootstrap.py: it makes what is missing and does nothing twice.
PYTHON ?= python3

.PHONY: run test bench screenshots format

run test bench screenshots format:
	@exec $(PYTHON) bootstrap.py $@
