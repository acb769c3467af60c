# Everything that the lab does, with its own set-up. `make` alone says what there is.
# Variables reach the commands through the environment, never through a shell's command line.

SHELL := /bin/sh
PYTHON := .venv/bin/python
MAKEFLAGS += --no-print-directory --no-builtin-rules
.SUFFIXES:
.DELETE_ON_ERROR:
.DEFAULT_GOAL := help

# $(value …) keeps a dollar sign in a folder's name from being expanded by make.
export PACSLAB_NAME := $(value NAME)
export PACSLAB_STACK := $(value STACK)
export PACSLAB_BACKEND := $(value BACKEND)
export PACSLAB_KEEP := $(value KEEP)
export PACSLAB_STUDY := $(value STUDY)
export PACSLAB_JSON := $(value JSON)
export PACSLAB_JUNIT := $(value JUNIT)
export PACSLAB_WORKERS := $(value WORKERS)
export PACSLAB_SEED := $(value SEED)
export PACSLAB_ALLOW_CONFIG := $(value ALLOW_CONFIG)
export PACSLAB_ALL := $(value ALL)
export PACSLAB_TESTS := $(value TESTS)
export NO_APT

RUN_READY := .venv/run.stamp
TEST_READY := .venv/test.stamp
INPUTS := pyproject.toml constraints.txt tools/setup

.PHONY: help setup scenario scenarios test lint bench bench-modalities images up down clean distclean

help: ## say what there is
	@printf 'make scenario NAME=wrong-aetitle   break it, see what each vendor does, repair it\n'
	@printf 'make test                          try everything that this machine can try\n\n'
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1|\2/p' Makefile | while IFS='|' read -r target text; \
	    do printf '%-24s %s\n' "$$target" "$$text"; done
	@printf '\nscenario takes: NAME= (names, categories, globs, all)  STACK=  BACKEND=docker|local\n'
	@printf '  KEEP=1  STUDY=folder  JSON=1  JUNIT=file  WORKERS=n  SEED=n  ALLOW_CONFIG=1\n'
	@printf 'NO_APT=1 keeps the set-up from installing Debian packages.\n'

setup: $(RUN_READY) ## prepare without running anything

scenario: $(RUN_READY) ## run scenarios: make scenario NAME=wrong-aetitle
	@tools/scenario

scenarios: $(RUN_READY) ## list the scenarios by category
	@$(PYTHON) -m orchestrator list

test: $(TEST_READY) ## run the tests (TESTS= limits them to files or folders)
	@tools/test

lint: $(TEST_READY) ## check style and types
	@$(PYTHON) -m ruff check .
	@$(PYTHON) -m ruff format --check .
	@$(PYTHON) -m mypy

bench: $(TEST_READY) ## measure what the README promises
	@$(PYTHON) -m bench

bench-modalities: $(TEST_READY) ## measure how fast modalities send and make images
	@$(PYTHON) -m bench.modalities

images: $(RUN_READY) ## get the container images, with or without a registry
	@$(PYTHON) -m orchestrator images

up: $(RUN_READY) ## start the whole lab, to be used by hand
	@$(PYTHON) -m orchestrator up

down: $(RUN_READY) ## stop the lab that up started
	@$(PYTHON) -m orchestrator down

clean: $(RUN_READY) ## remove all that runs left; records stay (ALL=1 also stops runs at work)
	@$(PYTHON) -m orchestrator clean $(if $(PACSLAB_ALL),--all)

distclean: ## clean, then remove the virtual environment and all records
	@if [ -x $(PYTHON) ]; then $(PYTHON) -m orchestrator clean; fi
	@rm -rf .venv runs .cache build *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis

$(RUN_READY): $(INPUTS)
	@tools/setup run

$(TEST_READY): $(INPUTS)
	@tools/setup test
