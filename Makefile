# make demo        the main job on this machine, without a key: a table, a figure, a report
# make test        everything that is checked on each change, notebooks included
# make acceptance  the full figures; SPEECH=FOLDER adds real recordings with a manifest.jsonl, BIASING=FOLDER and
#                  CONTEXTASR=FOLDER published transcripts with their counts (tests/test_marking_acceptance.py)
# make bench       speed beside peers, as ratios
# make notebooks   run the notebooks anew and keep their output
# make format      lint and format in place

PYTHON ?= python3
BIN := .venv/bin
READY := .venv/.ready
export UV_PYTHON_DOWNLOADS := never

.PHONY: demo test check acceptance bench notebooks format clean

demo: $(READY)
	$(BIN)/asrlab demo

test: check
	$(BIN)/pytest -n 2 --dist loadfile --durations=25 --doctest-modules asrlab tests
	$(BIN)/pytest --nbval --nbval-current-env --nbval-sanitize-with tests/nbval.cfg --nbval-cell-timeout 300 notebooks

check: $(READY)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

acceptance: $(READY)
	ASRLAB_SPEECH="$(SPEECH)" ASRLAB_BIASING="$(BIASING)" ASRLAB_CONTEXTASR="$(CONTEXTASR)" $(BIN)/pytest -m acceptance -s tests

bench: $(READY)
	$(BIN)/uv pip install --quiet --python $(BIN)/python -e '.[bench]'
	for file in comparing conditions exploring loading normalizing requests running scoring store; do $(BIN)/python benchmarks/$$file.py || exit 1; done

notebooks: $(READY)
	$(BIN)/jupyter nbconvert --to notebook --execute --inplace --ExecutePreprocessor.record_timing=False \
	  --ExecutePreprocessor.store_widget_state=False notebooks/*.ipynb notebooks/experiments/*.ipynb

format: $(READY)
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

clean:
	rm -rf .venv build *.egg-info .pytest_cache .mypy_cache .ruff_cache

$(READY): pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "asrlab needs Python 3.11 or later; name one with: make PYTHON=python3.12"; exit 1; }
	$(PYTHON) -m venv .venv || \
	  { echo "This Python cannot make environments; on Debian: apt install python3-venv"; exit 1; }
	$(BIN)/python -m pip install --quiet --disable-pip-version-check uv
	$(BIN)/uv pip install --quiet --python $(BIN)/python -e '.[dev]'
	touch $@
