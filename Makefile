# make demo   a photo segmented by the shipped weights
# make test   the tests: once what needs no backend, the rest on TensorFlow, JAX and torch
# make test-versions  the tests with the lowest versions; RESOLUTION=highest BACKENDS=torch
# make lint   style checks
# make fuzz   damaged images, masks, presets and checkpoints: CASES=2000, SEED=0
# make docs   builds the site of the documentation into site/
# make notebooks  runs examples/notebooks, on the BACKENDS in turn, into build/notebooks/
# make web    the page that segments photos in the browser, built into web/dist
# make web-demo  serves it on this computer: WEB_PORT=8321
# make web-test  its tests: units, and headless Chromium (CHROMIUM=/usr/bin/chromium)
# make wheel  builds dist/: the wheel and the source distribution
# make clean  removes the environment and the results of the demo

PYTHON ?= python3
TORCH ?= torch==2.13.0
PRESET ?= ecenet/ade20k
PHOTOS ?= examples/photos
BACKENDS ?= tensorflow jax torch
RESOLUTION ?= lowest-direct
JOBS ?= auto --maxprocesses 4
CASES ?= 2000
SEED ?= 0
CHROMIUM ?= /usr/bin/chromium
WEB_PORT ?= 8321

VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check
TESTED := --constraint constraints.txt

.PHONY: help demo test test-versions lint fuzz docs notebooks web web-demo web-test wheel clean
.DEFAULT_GOAL := help

help:
	@sed -n 's/^# make/make/p' Makefile

demo: $(VENV)/.demo
	$(BIN)/keras-seg predict $(PHOTOS) --preset $(PRESET) --output demo --overwrite
	@echo "Look at:"
	@ls -1 $(CURDIR)/demo/*_overlay.*

# Tests that need no backend run once, on the last backend of the list; the others run on
# each backend in processes of its own, also if one fails. Most of the time goes into
# tracing and compiling on one core, so test files run side by side with one thread each.
# A file stays in one process (loadfile), which builds the models of its fixtures once.
PYTEST := TF_CPP_MIN_LOG_LEVEL=3 OMP_NUM_THREADS=1 $(BIN)/python -m pytest -q \
	--numprocesses $(JOBS) --dist loadfile

test: $(VENV)/.test
	@status=0; \
	echo "=== tests that need no backend"; \
	KERAS_BACKEND=$(lastword $(BACKENDS)) $(PYTEST) -m no_backend || status=1; \
	for backend in $(BACKENDS); do \
		echo "=== tests on $$backend"; \
		KERAS_BACKEND=$$backend $(PYTEST) -m 'not no_backend' || status=1; \
	done; exit $$status

# In an environment of its own, with the lowest versions that pyproject.toml allows, or the
# newest ones, of what the package names; the versions of what those need are chosen by uv.
# UV_TORCH_BACKEND=cpu in the environment chooses builds of torch without CUDA.
OTHER := .venv-$(RESOLUTION)

test-versions: $(VENV)/.made
	$(PIP) uv
	$(BIN)/uv venv --quiet --allow-existing --python $(BIN)/python $(OTHER)
	$(BIN)/uv pip install --quiet --python $(OTHER)/bin/python \
		--resolution $(RESOLUTION) --editable '.[test,$(firstword $(BACKENDS))]'
	KERAS_BACKEND=$(firstword $(BACKENDS)) TF_CPP_MIN_LOG_LEVEL=3 OMP_NUM_THREADS=1 \
		$(OTHER)/bin/python -m pytest -q --numprocesses $(JOBS) --dist loadfile

lint: $(VENV)/.lint
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

# Each case in a process with a limit on memory and on time; see scripts/fuzz.py.
fuzz: $(VENV)/.test
	$(BIN)/python scripts/fuzz.py --cases $(CASES) --seed $(SEED)

docs: $(VENV)/.docs
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build

notebooks: $(VENV)/.notebooks
	TF_CPP_MIN_LOG_LEVEL=3 $(BIN)/python scripts/run_notebooks.py --backends $(BACKENDS)

# The page needs Node and the exported model. Its tests compare it with Keras.
WEB_MODEL := web/public/model/ecenet_ade20k.onnx
WEB_EXPECTED := web/tests/expected/single/ecenet_ade20k.onnx

web: web/node_modules/.made $(WEB_MODEL)
	npm --prefix web run --silent build
	@echo "Upload web/dist to any static host, or see it here: make web-demo"

web-demo: web/node_modules/.made $(WEB_MODEL)
	@test -f web/dist/index.html || $(MAKE) web
	@echo "Open http://127.0.0.1:$(WEB_PORT)/ and stop with Ctrl+C"
	$(PYTHON) -m http.server $(WEB_PORT) --bind 127.0.0.1 --directory web/dist

web-test: web $(WEB_EXPECTED)
	@test -x '$(CHROMIUM)' || { echo "No browser '$(CHROMIUM)'. Install Chromium, or" \
		"name a browser: make web-test CHROMIUM=/path/to/chrome"; exit 1; }
	npm --prefix web run --silent test:unit
	CHROMIUM='$(CHROMIUM)' npm --prefix web run --silent test:browser

$(WEB_MODEL): weights/ecenet_ade20k/metadata.json | $(VENV)/.web
	$(BIN)/keras-seg export --preset ecenet/ade20k --format onnx --weights float16 \
		--head-logits --output $(@D) --overwrite
	@touch $@

$(WEB_EXPECTED): $(WEB_MODEL) web/tests/make_expected.py
	$(BIN)/python web/tests/make_expected.py web/tests/expected $(WEB_MODEL)
	@touch $@

web/node_modules/.made: web/package-lock.json
	@node -e 'process.exit(process.versions.node.split(".")[0] < 20 ? 1 : 0)' || { \
		echo "The page is built with Node 20.19 or newer."; exit 1; }
	npm --prefix web ci
	@touch $@

wheel: $(VENV)/.made
	$(PIP) build
	rm -rf dist
	$(BIN)/python -m build

clean:
	rm -rf $(VENV) .venv-* build demo dist site web/dist web/node_modules web/public/model \
		web/tests/expected web/test-results

# The environment and what each task needs in it, renewed when pyproject.toml changes.

$(VENV)/.made:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
		echo "keras_seg needs Python 3.11 or newer, found $$($(PYTHON) --version)." \
			"Name another: make PYTHON=python3.12 ..."; exit 1; }
	$(PYTHON) -m venv $(VENV)
	@touch $@

$(VENV)/.demo: pyproject.toml $(VENV)/.made
	@echo "Installing keras_seg with TensorFlow into $(VENV): some minutes at first"
	$(PIP) --editable '.[tensorflow]'
	@touch $@

# All versions but torch's are those of constraints.txt, which the tests were run with.
# torch comes first and alone, so that pip takes the build named, not what another
# package asks for. Name another build with `make test TORCH='torch==...'`.
$(VENV)/.test: pyproject.toml constraints.txt $(VENV)/.made
	@echo "Installing keras_seg with all backends into $(VENV): some minutes at first"
	$(PIP) $(TESTED) $(TORCH)
	$(PIP) $(TESTED) --editable '.[tensorflow,jax,torch,test]'
	@touch $@ $(VENV)/.demo $(VENV)/.lint

# Conversion to ONNX runs on TensorFlow.
$(VENV)/.web: pyproject.toml constraints.txt $(VENV)/.made
	@echo "Installing what the export of the model needs into $(VENV)"
	$(PIP) $(TESTED) --editable '.[tensorflow]' tf2onnx onnx onnxruntime
	@touch $@

# The pages of the API are read from the source, so Keras is not needed.
$(VENV)/.docs: pyproject.toml $(VENV)/.made
	$(PIP) 'mkdocs-material>=9.6' 'mkdocstrings[python]>=0.30'
	@touch $@

$(VENV)/.notebooks: $(VENV)/.test
	$(PIP) $(TESTED) --editable '.[notebooks]'
	@touch $@

$(VENV)/.lint: pyproject.toml constraints.txt $(VENV)/.made
	$(PIP) $(TESTED) 'ruff>=0.9'
	@touch $@
