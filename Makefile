# Everything is done by bootstrap.py: it makes what is missing and does nothing twice.
PYTHON ?= python3
BOOTSTRAP = @exec $(PYTHON) bootstrap.py

.PHONY: run test bench screenshots format build

run:
	$(BOOTSTRAP) run

test:
	$(BOOTSTRAP) test

bench:
	$(BOOTSTRAP) bench

screenshots:
	$(BOOTSTRAP) screenshots

format:
	$(BOOTSTRAP) format

build:
	$(BOOTSTRAP) build
