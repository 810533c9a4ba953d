# make demo        the main job on this machine, without a key: a table, a figure, a report
# make lab         JupyterLab with the manual
# make test        everything that is checked on each change, notebooks included
# make acceptance  the full figures; SPEECH=FOLDER adds real recordings with a manifest.jsonl, BIASING=FOLDER and
#                  CONTEXTASR=FOLDER published transcripts with their counts (tests/test_marking_acceptance.py)
# make bench       speed beside peers, as ratios; BENCH=--quick takes small inputs, to see that all of it runs
# make docs        the pages of docs/, as build/docs/index.html
# make notebooks   run the notebooks anew and keep their output
# make format      lint and format in place

PYTHON ?= python3
BIN := .venv/bin
# What is in .venv: all that a developer wants, or no more than the demo or the manual need.
READY := .venv/.ready
DEMO := $(or $(wildcard .venv/.ready .venv/.lab),.venv/.demo)
LAB := $(or $(wildcard .venv/.ready),.venv/.lab)
.venv/.ready: EXTRAS := dev
.venv/.demo: EXTRAS := local
.venv/.lab: EXTRAS := local,notebooks
export UV_PYTHON_DOWNLOADS := never
# The tests start hundreds of processes, each of which would compile anew what it imports.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: demo lab test check acceptance bench docs notebooks format clean

demo: $(DEMO)
	$(BIN)/asrlab demo

lab: $(LAB)
	$(BIN)/jupyter lab notebooks/01-quickstart.ipynb

test: check
	$(BIN)/pytest -n 2 --dist loadfile --no-loadscope-reorder --durations=25 --doctest-modules asrlab tests
	$(BIN)/pytest -n 2 --dist loadfile --nbval --nbval-current-env --nbval-sanitize-with tests/nbval.cfg --nbval-cell-timeout 300 notebooks

check: $(READY)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy --num-workers 2

acceptance: $(READY)
	ASRLAB_SPEECH="$(SPEECH)" ASRLAB_BIASING="$(BIASING)" ASRLAB_CONTEXTASR="$(CONTEXTASR)" $(BIN)/pytest -m acceptance -s tests

bench: $(READY)
	$(BIN)/uv pip install --quiet --python $(BIN)/python -e '.[bench]'
	$(BIN)/python benchmarks/run.py $(BENCH)

docs: $(READY)
	$(BIN)/python -m sphinx -W --keep-going -q -j auto -c docs . build/docs

notebooks: $(READY)
	$(BIN)/jupyter nbconvert --to notebook --execute --inplace --ExecutePreprocessor.record_timing=False \
	  --ExecutePreprocessor.store_widget_state=False notebooks/*.ipynb notebooks/experiments/*.ipynb

format: $(READY)
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

clean:
	rm -rf .venv build *.egg-info .pytest_cache .mypy_cache .ruff_cache

.venv/.demo .venv/.lab .venv/.ready: pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "asrlab needs Python 3.11 or later; name one with: make PYTHON=python3.12"; exit 1; }
	$(PYTHON) -m venv .venv || \
	  { echo "This Python cannot make environments; on Debian: apt install python3-venv"; exit 1; }
	$(BIN)/python -m pip install --quiet --disable-pip-version-check uv
	$(BIN)/uv pip install --python $(BIN)/python -e '.[$(EXTRAS)]'
	touch $@
