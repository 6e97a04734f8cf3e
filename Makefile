# Everything a newcomer needs: make run, make test. PROFILE=quick for a first look, MODELS=--all for every model.
PYTHON ?= python3
VENV ?= .venv
PROFILE ?= full
MODELS ?=
TESTS ?=
THREADS ?= 1 2
# No instruction beyond AVX2 in any library that chooses its own; NumPy's names are those of 2.4.
PORTABLE = ONEDNN_MAX_CPU_ISA=AVX2 ATEN_CPU_CAPABILITY=avx2 OPENBLAS_CORETYPE=Haswell MKL_ENABLE_INSTRUCTIONS=AVX2 \
  NPY_DISABLE_CPU_FEATURES="X86_V4 AVX512_ICL AVX512_SPR"
# The core models and the best baseline, network from scratch and pre-trained network.
CORRUPTED = logistic-regression svm-rbf knn cnn-simple cnn-augmented hog-svm resnet transfer
BIN = $(VENV)/bin
READY = $(VENV)/.installed

.PHONY: run data test simulations test-all test-portable check lint types format html docs pages reference speed tune clean help

help:
	@echo "make run                 virtual environment, data, the core models, report (a quarter of an hour)"
	@echo "make run MODELS=--all    every registered model (about 40 minutes)"
	@echo "make run PROFILE=quick   on 10,000 training images (about 2 minutes)"
	@echo "make data                Fashion-MNIST alone, checked and decoded"
	@echo "make test                the test suite"
	@echo "make test-all            with the nightly soak, fuzz and simulation runs"
	@echo "make simulations         how often tests and intervals are right, into docs/explanation (a quarter of an hour)"
	@echo "make test-portable       the test suite as on a laptop with AVX2 only, with 1 and 2 threads"
	@echo "make check               all that CI checks: format, lint, types, tests, quick profile, thresholds"
	@echo "make html                the reference report as one interactive page, from the committed records"
	@echo "make docs                the documentation as a site in site/"
	@echo "make pages               docs/reference again, from the program's own texts"
	@echo "make speed               our speed against others', side by side (an hour or more)"
	@echo "make tune                the searches for the baselines' parameters again (15 minutes)"
	@echo "make reference           the committed reference results and report again (about 12 hours)"

$(READY): pyproject.toml constraints.txt
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed: make PYTHON=python3.12")'
	@echo "Installing into $(VENV): a few minutes and about 6 GB, most of it PyTorch"
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade pip
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable '.[dev]'
	@touch $(READY)

run: $(READY)
	$(BIN)/python -m benchmark run $(MODELS) --profile $(PROFILE)

data: $(READY)
	$(BIN)/python -m benchmark data fetch

test: $(READY)
	$(BIN)/python -m pytest -n 2 --dist worksteal $(TESTS)

test-all: $(READY)
	$(BIN)/python -m pytest -n 2 --dist worksteal -m "nightly or not nightly" $(TESTS)

simulations: $(READY)
	$(BIN)/python tests/models/simulations.py

test-portable: $(READY)
	for threads in $(THREADS); do \
	  env $(PORTABLE) OMP_NUM_THREADS=$$threads $(BIN)/python -m pytest -n 2 --dist worksteal $(TESTS) || exit 1; done

lint: $(READY)
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/lint-imports

types: $(READY)
	$(BIN)/mypy

format: $(READY)
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

check: lint types data test
	$(BIN)/python -m benchmark run --all --profile quick
	$(BIN)/python -m benchmark check --profile quick

html: $(READY)
	$(BIN)/python -m benchmark report --collection reference

docs: $(READY)
	$(BIN)/python -m mkdocs build --strict

pages: $(READY)
	$(BIN)/python docs/generate.py

speed: $(READY)
	$(BIN)/python tests/speed/run.py $(SPEED)

tune: $(READY)
	for model in linear-svm pca-svm random-forest; do \
	  $(BIN)/python -m benchmark tune $$model --budget 2m --train-size 10000 --collection reference || exit 1; done
	for model in hog-svm gradient-boosting; do \
	  $(BIN)/python -m benchmark tune $$model --budget 4m --train-size 10000 --collection reference || exit 1; done

reference: $(READY)
	$(BIN)/python -m benchmark run --all --profile quick --collection reference --no-report
	$(BIN)/python -m benchmark run $(CORRUPTED) --seeds 5 --corruptions --collection reference --no-report
	$(BIN)/python -m benchmark run --all --seeds 5 --collection reference --no-report
	$(BIN)/python -m benchmark curve --seeds 5 --collection reference --no-report
	$(BIN)/python -m benchmark data audit --collection reference
	$(BIN)/python -m benchmark report --collection reference --into README.md
	$(BIN)/python -m benchmark check --collection reference

clean:
	rm -rf $(VENV) site build *.egg-info .mypy_cache .pytest_cache .ruff_cache .hypothesis
