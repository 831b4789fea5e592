# SPDX-License-Identifier: Apache-2.0
# Each target sets up what it stands on, in environments of its own beside this file.

PYTHON ?= python3
ROS ?= jazzy
SOURCE ?= sample
NAMESPACE ?=
CSV ?=
YUNET ?=
DATA ?=
VOTES ?=
ELSEWHERE ?=
GROUPS ?=
MODELS ?=
QUICK ?=
SEED ?= 1
SECONDS ?= 60

# Jazzy's environment is .venv, another's stands beside it.
VENV := .venv$(addprefix -,$(filter-out jazzy,$(ROS)))
ROS_WHEELS := requirements/ros$(addprefix -,$(filter-out jazzy,$(ROS))).txt

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help demo view test test-ros test-apt test-training coverage docs wheels bench figures-check fuzz report leaderboard lint build training-env bench-env clean distclean

# ROS comes from .venv, whatever ROS or environment the calling shell has set up.
export AMENT_PREFIX_PATH := $(CURDIR)/$(VENV)
export CMAKE_PREFIX_PATH := $(CURDIR)/$(VENV)
unexport PYTHONPATH PYTHONHOME LD_LIBRARY_PATH VIRTUAL_ENV _ROS_WHEELS_BOOTSTRAP_COMPLETE

PIP_INSTALL := python -m pip install --quiet --disable-pip-version-check
BUILD_FILES := CMakeLists.txt package.xml pyproject.toml setup.cfg setup.py
BUILD_TREES := cmake config docs examples fer_ros launch msg srv
# With the directories, so that a file taken away counts as a change too.
# Not docs itself: that is a target.
SOURCES := $(BUILD_FILES) $(shell find $(BUILD_TREES) -mindepth 1 -name __pycache__ -prune -o -print 2>/dev/null)

# The packages of apt that the tests without ROS need and this machine lacks.
define APT_MISSING
from importlib.util import find_spec
packages = {"cv2": "opencv", "yaml": "yaml", "pytest_timeout": "pytest-timeout"}
names = "aiohttp cv2 hypothesis matplotlib pytest pytest_timeout skimage tqdm yaml".split()
print(*(f"python3-{packages.get(n, n)}" for n in names if not find_spec(n)))
endef
export APT_MISSING

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-14s%s\n", $$1, $$2 }' Makefile

demo: build ## run the whole chain on a sample clip, or on SOURCE=file|folder|camera index|URL
	@$(VENV)/bin/python -m fer_ros.cli.demo --source "$(SOURCE)"

view: build ## see it live in a browser: the sample clip, or SOURCE= as above (NAMESPACE=robot1); Ctrl-C ends it
	@$(VENV)/bin/python -m fer_ros.cli.view --source "$(SOURCE)" \
	    $(if $(NAMESPACE),--namespace "$(NAMESPACE)")

test: build $(VENV)/.messages ## ruff, mypy, every test (ROS=kilted: on ROS 2 Kilted)
	@$(MAKE) --no-print-directory --jobs=2 --keep-going lint test-ros test-apt test-training

test-ros: build $(VENV)/.messages ## the tests of the package
	@$(VENV)/bin/python -m pytest test --reruns 1

test-apt: ## what needs no ROS, on apt packages alone: Debian's or Ubuntu's own Python, OpenCV, NumPy
	@missing=$$(/usr/bin/python3 -sc "$$APT_MISSING" 2>/dev/null || echo python3); \
	if [ -n "$$missing" ]; then echo "make test-apt skipped, for want of: $$missing"; \
	else export PYTHONNOUSERSITE=1; $(call beside,/usr/bin/python3 -m pytest test); fi

test-training: training-env ## the tests of the training code
	@$(call beside,.venv-training/bin/python -m pytest training/tests)

# Beside what must keep time: the tests of nodes and their deadlines. Shown when it has ended.
define beside
{ mkdir -p out; nice -n 10 $(1) >out/$@.txt 2>&1; status=$$?; echo; cat out/$@.txt; exit $$status; }
endef

coverage: build $(VENV)/.messages ## lines and branches of fer_ros that the tests reach (20 minutes)
	@$(VENV)/bin/python -m pytest test --cov --cov-report=term

docs: .venv-docs/.ready ## the pages and a reference of the modules as a site, out/docs/docs/index.html
	@status=0; .venv-docs/bin/sphinx-build -W --keep-going -q -c docs -d build/doctrees . out/docs \
	    || status=1; rm -rf docs/_api; test $$status = 1 || echo out/docs/docs/index.html; exit $$status

wheels: $(VENV)/.ready ## dist/: the wheels of fer_ros, whose build tag names the ROS it is for, and fer_training
	@$(VENV)/bin/python -m pip wheel --quiet --no-deps --no-build-isolation -w dist \
	    --config-settings="--build-option=--build-number=1$(ROS)" .
	@$(VENV)/bin/python -m pip wheel --quiet --no-deps --no-build-isolation -w dist ./training
	@ls dist

bench: build bench-env ## time everything beside its peers (35 minutes; QUICK=1: 8; CSV= VOTES= ELSEWHERE="a.npz": accuracy too)
	@$(VENV)/bin/python -m benchmarks.bench $(if $(QUICK),--quick) $(if $(CSV),--csv "$(CSV)") \
	    $(if $(VOTES),--votes "$(VOTES)") $(if $(ELSEWHERE),--elsewhere $(ELSEWHERE)) \
	    $(if $(DATA),--data $(DATA)) $(if $(MODELS),--model $(MODELS)) $(if $(YUNET),--yunet "$(YUNET)")

figures-check: build ## which of the code that was measured has changed since, and what to measure again
	@$(VENV)/bin/python -m benchmarks.provenance

fuzz: build ## hostile images, bags, videos, models, requests and messages (6 minutes; SEED=2 SECONDS=60 for each)
	@$(VENV)/bin/python -m benchmarks.robustness --seconds $(SECONDS) --seed $(SEED)

report: training-env ## measure the shipped model anew: MODEL_CARD.md (CSV= VOTES= ELSEWHERE="a.npz" GROUPS=a.npz)
	@test -n "$(CSV)" || { echo "make report CSV=fer2013.csv VOTES=fer2013new.csv" >&2; exit 1; }
	@.venv-training/bin/fer-training report --csv "$(CSV)" $(if $(VOTES),--votes "$(VOTES)") \
	    $(if $(ELSEWHERE),--elsewhere $(ELSEWHERE) --people '([0-9]{3})') \
	    $(if $(GROUPS),--groups "$(GROUPS)") \
	    --model fer_ros/models/emotion_mobilenet_v2.tflite

leaderboard: bench-env build ## every model on every data set (CSV= VOTES= DATA="folder set.toml" ELSEWHERE="a.npz" MODELS="a.onnx b.tflite")
	@test -n "$(CSV)$(DATA)$(ELSEWHERE)" || { echo 'make leaderboard CSV=fer2013.csv DATA="folder set.toml" ELSEWHERE="faces.npz"' >&2; exit 1; }
	@TF_CPP_MIN_LOG_LEVEL=3 .venv-bench/bin/python -m benchmarks.accuracy.leaderboard $(if $(CSV),--csv "$(CSV)") \
	    $(if $(VOTES),--votes "$(VOTES)") $(if $(ELSEWHERE),--elsewhere $(ELSEWHERE)) \
	    $(if $(DATA),--data $(DATA)) $(if $(MODELS),--model $(MODELS))

lint: $(VENV)/.ready ## ruff, mypy, codespell, and a licence for each file, alone
	@$(VENV)/bin/ruff check .
	@$(VENV)/bin/mypy
	@$(VENV)/bin/codespell
	@test ! -e .git || $(VENV)/bin/reuse lint --lines

build: $(VENV)/.built ## build the package and install it into .venv

training-env: .venv-training/.ready ## set up .venv-training (TensorFlow on the CPU, Keras)

bench-env: .venv-bench/.ready ## set up .venv-bench (the PyPI package fer, TensorFlow)

clean: ## remove what was built and made, keep the environments
	@rm -rf build install log out dist training/build $(VENV)/.built

distclean: clean ## remove the environments too
	@rm -rf .venv .venv-kilted .venv-docs .venv-training .venv-bench

$(VENV)/.ready: $(ROS_WHEELS) requirements/runtime.txt
	@$(check_tools)
	@echo "Setting up $(VENV): ROS 2 $(ROS), OpenCV, LiteRT (about two minutes, 1 GB)"
	@$(PYTHON) -m venv $(VENV)
	@$(VENV)/bin/$(PIP_INSTALL) -r $(ROS_WHEELS) -r requirements/runtime.txt
	@touch $@

$(VENV)/.built: $(VENV)/.ready $(SOURCES)
	@$(check_tools)
	@echo "Building fer_ros into $(VENV) (half a minute the first time)"
	@$(VENV)/bin/$(PIP_INSTALL) --no-deps --no-build-isolation .
	@touch $@

$(VENV)/.messages: $(VENV)/.ready test/build_messages.py
	@echo "Building tf2_msgs for the tests (20 seconds)"
	@rm -rf $(VENV)/messages
	@$(VENV)/bin/python test/build_messages.py $(VENV)/messages tf2_msgs >$(VENV)/messages.log 2>&1 \
	    || { cat $(VENV)/messages.log >&2; exit 1; }
	@touch $@

.venv-training/.ready: requirements/training.txt training/pyproject.toml
	@$(check_tools)
	@echo "Setting up .venv-training: TensorFlow, Keras (about two minutes, 2 GB)"
	@$(PYTHON) -m venv .venv-training
	@.venv-training/bin/$(PIP_INSTALL) -r requirements/training.txt -e "training[export,tune]"
	@.venv-training/bin/python -c "import pathlib, sysconfig; \
	    pathlib.Path(sysconfig.get_path('purelib'), 'fer_ros.pth').write_text('$(CURDIR)\n')"
	@touch $@

.venv-docs/.ready: requirements/docs.txt
	@$(check_tools)
	@echo "Setting up .venv-docs: Sphinx (half a minute)"
	@$(PYTHON) -m venv .venv-docs
	@.venv-docs/bin/$(PIP_INSTALL) -r requirements/docs.txt
	@touch $@

.venv-bench/.ready: requirements/bench-peers.txt requirements/bench-fer.txt | $(VENV)/.ready
	@echo "Setting up .venv-bench: the PyPI package fer, TensorFlow (about two minutes, 2 GB)"
	@$(PYTHON) -m venv .venv-bench
	@.venv-bench/bin/$(PIP_INSTALL) -r requirements/bench-peers.txt
	@.venv-bench/bin/$(PIP_INSTALL) --no-deps -r requirements/bench-fer.txt
	@.venv-bench/bin/python -c "import pathlib, sysconfig; purelib = sysconfig.get_path('purelib'); \
	    ours = purelib.replace('.venv-bench', '$(VENV)'); \
	    pathlib.Path(purelib, 'fer_ros.pth').write_text('$(CURDIR)\n$(CURDIR)/training\n' + ours)"
	@touch $@

# Ends with one line that names every missing tool by its Debian and Ubuntu package.
define check_tools
missing=""; \
for tool in $(PYTHON) cmake g++; do \
    command -v $$tool >/dev/null || missing="$$missing $$tool"; \
done; \
$(PYTHON) -c "import ensurepip, venv" 2>/dev/null || missing="$$missing python3-venv"; \
$(PYTHON) -c "import os, sysconfig; os.stat(sysconfig.get_path('include') + '/Python.h')" \
    2>/dev/null || missing="$$missing python3-dev"; \
if [ -n "$$missing" ]; then \
    echo "Missing:$$missing. Install with: sudo apt install$$missing" >&2; exit 1; \
fi; \
$(PYTHON) -c "import sys; sys.exit(not (3, 10) <= sys.version_info < (3, 14))" || { \
    echo "ROS 2 wheels exist for Python 3.10 to 3.13: try make PYTHON=python3.12" >&2; exit 1; \
}
endef
