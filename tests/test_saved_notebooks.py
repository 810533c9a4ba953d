"""Notebooks that prove themselves: one word of one stored transcript changed, and the notebook fails."""

from __future__ import annotations

import json
import random
import re
import subprocess
import sys
from collections import defaultdict
from functools import cache
from pathlib import Path

import nbformat

from asrlab.data.loading import load_dataset
from asrlab.sweep.opened import open_sweep
from asrlab.sweep.replay import _digest, _line

ROOT = Path(__file__).parents[1]
BOOKS = ROOT / "notebooks"
#: A word, a sign of a script without spaces, or what is between them.
PARTS = re.compile(r"[\u3040-\u9fff]|[^\W\u3040-\u9fff]+|[\W]+")
REPLAY = re.compile(r"([\w-]+\.jsonl)")


def replays_of(path):
    """Replays that a notebook names and that are there."""
    source = "\n".join(cell.source for cell in code(path))
    return sorted({name for name in REPLAY.findall(source) if (BOOKS / "replays" / name).is_file()})


def code(path):
    return [cell for cell in nbformat.read(path, as_version=4).cells if cell.cell_type == "code"]


PAIRS = [
    (path.relative_to(BOOKS), replay)
    for path in sorted(BOOKS.rglob("*.ipynb"))
    if ".ipynb_checkpoints" not in path.parts
    for replay in replays_of(path)
]
#: A quick one.
QUICK = next((pair for pair in PAIRS if pair[1] == "itn.jsonl"), None)


def copied(path, folder, *, cells=None):
    """Copy a notebook, or its first cells of code, with links to all that it may read beside it."""
    books = folder / "notebooks"
    (books / "replays").mkdir(parents=True)
    (folder / "datasets").symlink_to(ROOT / "datasets")
    for replay in (BOOKS / "replays").glob("*.jsonl"):
        (books / "replays" / replay.name).symlink_to(replay)
    (books / "texts").symlink_to(BOOKS / "texts")
    notebook = nbformat.read(BOOKS / path, as_version=4)
    if cells is not None:
        places = [place for place, cell in enumerate(notebook.cells) if cell.cell_type == "code"]
        notebook.cells = notebook.cells[: places[cells - 1] + 1]
    copy = books / path
    copy.parent.mkdir(exist_ok=True)
    nbformat.write(notebook, copy)
    return copy


def respelled(replay, seed):
    """Change one word of one transcript of a replay, and sign its line anew, so that it reads as whole.

    Of odd seeds a word that was heard wrongly, to one that nobody says: no count of errors changes.
    """
    header, *records = [json.loads(line) for line in replay.read_text(encoding="utf-8").splitlines()]
    rng = random.Random(f"{replay.name} {seed}")
    said = words_said(header["meta"]["dataset"])
    places = [
        (record["trial"], channel, place, word)
        for record in records
        for channel, heard in enumerate(heard_in(record))
        for place, word in enumerate(PARTS.findall(heard["text"]))
        if word.isalnum() and (seed % 2 == 0 or word.casefold() not in said[record["utt_id"]])
    ]
    trial, channel, place, word = rng.choice(places)
    other = "zugzwang" if seed % 2 else rng.choice(sorted({word for *_, word in places} - {word}))
    for record in records:
        if record["trial"] == trial:  # conditions that come to one question share its answer
            heard = heard_in(record)[channel]
            parts = PARTS.findall(heard["text"])
            heard["text"] = "".join([*parts[:place], other, *parts[place + 1 :]])
            record["digest"] = _digest({name: value for name, value in record.items() if name != "digest"})
    replay.unlink()  # a link to the one that is kept
    replay.write_text("".join(map(_line, [header, *records])), encoding="utf-8", newline="\n")
    return f"{word} -> {other}"


def heard_in(record):
    """What was heard, channel by channel; a replay of format 1 has it beside its answer."""
    return record["heard"] if "heard" in record else (record["answer"] or {"heard": []})["heard"]


def words_said(dataset):
    """Words of all references of each recording; none where a replay is of a table that was not kept as a folder."""
    said = defaultdict(set)
    if not (ROOT / "datasets" / dataset).is_dir():
        return said
    references = load_dataset(ROOT / "datasets" / dataset).references
    for utt_id, text in zip(references["utt_id"], references["text"], strict=True):
        said[utt_id] |= {word.casefold() for word in PARTS.findall(text)}
    return said


def by_nbval(copy):
    """Run a notebook as `make test` does; gives the outcome of each of its cells of code."""
    ini = copy.parent / "nbval.ini"
    ini.write_text("[pytest]\n")
    done = subprocess.run(
        [
            *(
                sys.executable,
                "-m",
                "pytest",
                "-c",
                ini,
                "--rootdir",
                copy.parent,
                "-p",
                "no:cacheprovider",
                "-q",
                "-rA",
            ),
            *("--nbval", "--nbval-current-env", "--nbval-sanitize-with", ROOT / "tests/nbval.cfg"),
            *("--nbval-cell-timeout", "300", copy),
        ],
        capture_output=True,
        text=True,
        check=False,
    )
    cells = {int(n): state for state, n in re.findall(r"^(PASSED|FAILED) .*::Cell (\d+)\b", done.stdout, re.M)}
    assert cells, done.stdout + done.stderr
    assert (done.returncode == 0) == ("FAILED" not in cells.values()), done.stdout
    return [cells[n] == "PASSED" for n in sorted(cells)]


def shows(path):
    """Numbers of the cells of code that show a digest, of those that are compared."""
    return [
        number
        for number, cell in enumerate(code(BOOKS / path))
        if ".digest" in cell.source and "nbval-ignore-output" not in cell.metadata.get("tags", [])
    ]


def test_the_change_is_one_word_and_reads_as_whole(tmp_path):
    for seed in range(3):
        copy = copied("05-marking.ipynb", tmp_path / str(seed), cells=1)
        replay = copy.parent / "replays" / "demo.jsonl"
        was = open_sweep(replay).transcripts
        respelled(replay, seed)
        assert open_sweep(replay).verify() == []
        now = open_sweep(replay).transcripts
        changed = was.index[was["text"] != now["text"]]
        assert was.loc[changed, "trial"].nunique() == 1
        before, after = (PARTS.findall(frame.loc[changed[0], "text"]) for frame in (was, now))
        assert sum(map(str.__ne__, before, after)) == 1
        assert len(before) == len(after)
        assert was.drop(columns="text").equals(now.drop(columns="text"))


@cache
def digest_of(replay):
    return open_sweep(BOOKS / "replays" / replay).digest[:16]


def test_every_notebook_that_reads_a_replay_shows_its_digest():
    assert len(PAIRS) > 10
    for path, replay in PAIRS:
        cells = code(BOOKS / path)
        assert any(digest_of(replay) in str(cells[number].outputs) for number in shows(path)), (path, replay)


def fails(path, replay, folder, seed, *, cells=None):
    """Change a word in a copy; gives what was changed, and whether each cell still passes."""
    copy = copied(path, folder, cells=cells)
    said = respelled(folder / "notebooks" / "replays" / replay, seed)
    return said, by_nbval(copy)


def test_one_word_and_the_notebook_fails(tmp_path):
    """Up to the cell that shows the digest: what fails there fails the notebook."""
    last = shows(QUICK[0])[-1]
    said, passed = fails(*QUICK, tmp_path, 1, cells=last + 1)
    assert passed[0]  # the copy runs: it fails for what was changed
    assert not passed[last], said
