"""What all tests share."""

from __future__ import annotations

import hashlib
import random
import warnings
from pathlib import Path

import numpy as np
import pytest
import soundfile
import virtual_time
from hypothesis import settings
from stand_ins import Scripted, file_server

DICTATION = Path(__file__).parents[1] / "datasets" / "dictation"

pytest.register_assert_rewrite("engine_contract", "browsing", "explored")
collect_ignore_glob = ["formats/*", "tables/*"]  # what other tools wrote, and the scripts that had them do so

# Without deadlines: a machine may be busy with other things.
settings.register_profile("drawn", deadline=None)
settings.register_profile("seeded", deadline=None, derandomize=True)


def pytest_configure(config):
    """Let a change be judged by the same few examples each time; `make acceptance` draws new ones, and all of them."""
    settings.load_profile("drawn" if config.getoption("-m") else "seeded")


#: Files of which the gate takes one case of each test, chosen by its name: they start processes, servers or browsers,
#: or draw figures.
ONE_CASE_EACH = {
    f"test_{name}.py"
    for name in (
        *("browser", "cli", "dataset_s3", "local", "out_of_core", "parts", "running", "spread_data", "spread_engines"),
        *("spread_stats", "store_s3", "store_s3_sweeps"),
        *("agreement", "context_tables", "monitor", "plot", "plot_context", "plot_curves", "plot_frontier"),
        *("plot_repeats", "plot_room", "report", "store"),
    )
}
#: Files that take longest, first: of two that test, neither then waits long for the other in the end.
LONGEST = [
    f"test_{name}.py"
    for name in (
        *("docs", "running", "browser", "cli", "docs_code", "packaging", "local", "whisper", "parts", "spread_engines"),
        *("fuzz", "demo", "contract", "engines", "sphinx", "store_s3_sweeps", "dataset_s3", "simulations", "sweep"),
        *("comparison", "manifests", "store_s3", "store", "plot", "reprs", "saved_notebooks", "executors", "package"),
    )
]
ONE_CASE_EACH_OF = {
    "test_a_bomb_is_stopped_while_it_is_read",
    "test_a_broken_file_is_read_or_refused_and_nothing_else",
    "test_a_name_is_never_marked_as_a_text",
    "test_detectable_by_its_formula",
    "test_each_rung_forgives_its_own_form_and_no_rung_before_it_does",
    "test_every_effect_by_hand",
    "test_lossless_is_the_same_in_every_container",
    "test_mapsswe_of_the_edits_by_hand",
    "test_parts_of_any_size_make_the_same_table",
    "test_power_of_swaps_of_few_blocks_is_eighty_per_cent_at_what_is_detectable",
    "test_sentences_end_at_pauses_and_with_words_at_punctuation_too",
    "test_tables_of_text_keep_hostile_text",
    "test_ten_thousand_pairs_count_as_in_jiwer",
    "test_template_takes_other_recordings_and_another_engine",
    "test_the_ends_of_lines_and_the_head_count_too",
    "test_the_order_of_rows_does_not_matter",
    "test_typed_formats_keep_hostile_text",
    "test_what_never_came_and_what_was_joined",
    "test_wilcoxon_with_ties_is_scipys_permutation_test",
}


def a_third(test):
    """Let the gate draw a third of the examples of a test, though ten if it has so many."""
    whole = test._hypothesis_internal_use_settings
    test._hypothesis_internal_use_settings = settings(
        whole, max_examples=max(min(whole.max_examples, 10), whole.max_examples // 3)
    )


def pytest_collection_modifyitems(config, items):
    """Leave the full figures, and most cases of what is slow, to `make acceptance`, which asks for them by name."""
    drawn = [item for item in items if getattr(getattr(item, "obj", None), "is_hypothesis_test", False)]
    if config.getoption("-m"):
        for item in drawn:
            item.add_marker("acceptance")
    else:
        for test in {item.function for item in drawn}:
            a_third(test)
    of_test = {}
    for item in items:
        name = getattr(item, "originalname", item.name)
        of_many = item.path.name in ONE_CASE_EACH or name in ONE_CASE_EACH_OF
        if of_many and "acceptance" not in item.keywords:
            of_test.setdefault((item.parent.nodeid, name), []).append(item)
    for cases in of_test.values():
        chosen = min(cases, key=lambda item: hashlib.sha256(item.nodeid.encode()).digest())
        for item in cases:
            if item is not chosen:
                item.add_marker("acceptance")
    if config.getoption("-m"):
        return
    full = [item for item in items if "acceptance" in item.keywords]
    items[:] = [item for item in items if "acceptance" not in item.keywords]
    config.hook.pytest_deselected(items=full)
    place = {name: number for number, name in enumerate(LONGEST)}
    items.sort(key=lambda item: place.get(item.path.name, len(place)))


@pytest.fixture(autouse=True)
def no_settings_of_the_user(monkeypatch):
    """Keep keys and switches of whoever runs the tests out of them."""
    for variable in (
        "ASRLAB_OFFLINE",
        "ASRLAB_WHISPER",
        "DASHSCOPE_API_KEY",
        "DASHSCOPE_API_KEY_SINGAPORE",
        "DASHSCOPE_API_KEY_BEIJING",
    ):
        monkeypatch.delenv(variable, raising=False)


@pytest.fixture
def in_virtual_time(monkeypatch):
    """Let the client's paces go by the clock of virtual_time, and remember no account of another test."""
    virtual_time.reset()
    random.seed(7)  # of jitter: what is counted here is the same each time
    monkeypatch.setattr("asrlab.dashscope.account._accounts", {})
    monkeypatch.setattr("asrlab.dashscope.pacing.monotonic", virtual_time.now)
    monkeypatch.setattr("asrlab.dashscope.account.TurnFile", lambda path: None)


@pytest.fixture(autouse=True)
def paces_of_its_own(monkeypatch, tmp_path_factory):
    """Keep the turns of these tests apart from those of the user's other processes."""
    folder = tmp_path_factory.getbasetemp() / "pacing"
    monkeypatch.setattr("asrlab.dashscope.account.cache_folder", lambda name: folder)


@pytest.fixture(autouse=True)
def facts_of_its_own(monkeypatch, tmp_path_factory):
    """Keep what these tests find out of recordings apart from what the user's processes did."""
    folder = tmp_path_factory.getbasetemp() / "recordings"
    monkeypatch.setattr("asrlab.data.recordings.cache_folder", lambda name: folder)


@pytest.fixture(autouse=True)
def files_of_its_own(monkeypatch, tmp_path_factory):
    """Keep what these tests fetch, unpack and make of recordings out of the user's cache."""
    folder = tmp_path_factory.getbasetemp() / "cache"
    for module in ("archives", "audio_cache", "places"):
        monkeypatch.setattr(f"asrlab.data.{module}.cache_folder", lambda name: folder / name, raising=False)


@pytest.fixture(scope="module")
def audio(tmp_path_factory):
    """A folder of recordings, and of files that are none: ``mono.wav`` has 1.5 s, ``stereo.flac`` 0.4 s."""
    folder = tmp_path_factory.mktemp("audio")
    rng = np.random.default_rng(7)
    soundfile.write(folder / "mono.wav", 0.1 * rng.standard_normal(24_000), 16_000)
    soundfile.write(folder / "stereo.flac", 0.1 * rng.standard_normal((17_640, 2)), 44_100)
    soundfile.write(folder / "phone.ogg", 0.1 * rng.standard_normal(12_000), 8_000)
    soundfile.write(folder / "music.mp3", 0.1 * rng.standard_normal(44_100), 44_100)
    soundfile.write(folder / "nothing.wav", np.zeros(0), 16_000)
    (folder / "text.wav").write_text("this is no audio")
    (folder / "empty.wav").touch()
    for name in ("with space.wav", "é.wav"):
        (folder / name).write_bytes((folder / "mono.wav").read_bytes())
    return folder


@pytest.fixture(scope="session")
def digits(tmp_path_factory):
    """Two seconds, cut from a longer recording: "five five zero one four two", a fifth of its work for pocketsphinx."""
    samples, rate = soundfile.read(DICTATION / "audio" / "en" / "en-flite_awb-1.flac")
    path = tmp_path_factory.mktemp("digits") / "digits.flac"
    soundfile.write(path, samples[2 * rate : 4 * rate], rate)
    return path


@pytest.fixture(scope="module")
def files(audio):
    """A file server for them, with the headers of what it was asked in ``seen``."""
    with file_server(audio) as server:
        yield server


@pytest.fixture(scope="module")
def shared(files):
    """A service for all tests of a module that do not count, and its recogniser."""
    from asrlab.server.run import serve

    engine = Scripted()
    with serve(engine, media=(files.url,), limits=None) as service:
        yield service, engine


@pytest.fixture
def engine(shared):
    """The recogniser of the shared service, as new."""
    shared[1].__init__()
    yield shared[1]
    shared[1].__init__()


@pytest.fixture
def figures_drawn():
    """Draw without a screen, leave nothing open and no setting changed; no warning, such as of a missing glyph."""
    import matplotlib as mpl
    import matplotlib.pyplot as plt

    plt.switch_backend("agg")
    before = mpl.rcParams.copy()
    yield
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            for number in plt.get_fignums():
                plt.figure(number).canvas.draw()
    finally:
        plt.close("all")
    assert mpl.rcParams == before
