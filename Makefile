# SPDX-License-Identifier: MIT
# Every target does the set-up that it needs; scripts/setup.sh is quick when there is nothing to do.
.DEFAULT_GOAL := help
.PHONY: help setup build demo test test-all test-sanitizers bench format lint clean

help: ## list the targets
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/make \1\t\2/p' $(MAKEFILE_LIST) | expand -t 18

setup: ## system packages, .venv, PyTorch (CPU), Triton, MLX, first build
	@scripts/setup.sh all

build: ## compile what changed and install it into .venv
	@scripts/setup.sh all

demo: ## run the example kernels, check them, time them
	@scripts/setup.sh all
	@.venv/bin/triton-metal demo

test: ## lit tests, C++ unit tests, Python tests
	@scripts/setup.sh all
	@scripts/test.sh

test-all: ## the same, with the sweeps that take long
	@scripts/setup.sh all
	@scripts/test.sh --long

test-sanitizers: ## all tests with AddressSanitizer and UBSan, in build-asan
	@scripts/setup.sh all
	@scripts/sanitizers.sh all

bench: ## compare with PyTorch on this machine; writes benchmark/results
	@scripts/setup.sh all
	@.venv/bin/python -m benchmark

format: ## rewrite C++ and Python sources in the project's style
	@scripts/setup.sh all
	@scripts/style.sh format

lint: ## check style and run clang-tidy
	@scripts/setup.sh all
	@scripts/style.sh lint

clean: ## remove what was built; .venv stays
	@rm -rf build build-asan dist benchmark/results
