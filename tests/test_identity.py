"""Identity: whatever can change an answer changes the trial, whatever cannot does not, and all is declared."""

from __future__ import annotations

import asyncio
import inspect
import json
from dataclasses import dataclass, fields, replace
from importlib import import_module
from typing import ClassVar

import pytest
from engine_contract import check_options
from hypothesis import given
from hypothesis import strategies as st

from asrlab import engines
from asrlab.dashscope import Limits
from asrlab.engines.base import Capabilities, Engine, Parameters
from asrlab.engines.filetrans import FiletransEngine
from asrlab.engines.flash import FlashEngine
from asrlab.engines.local import LocalEngine
from asrlab.engines.scripted import ScriptedEngine
from asrlab.engines.sphinx import SphinxEngine
from asrlab.engines.whisper import WhisperEngine
from asrlab.sweep import identity as identity_module
from asrlab.sweep.identity import Identity, canonical_engine, canonical_parameters
from asrlab.text import canonical_json

DIGEST = "pcm-sha256:" + 64 * "0"


@dataclass
class Case:
    """An engine, and another value for each option of its constructor; of a number or switch it is made by itself."""

    base: dict
    changed: dict


CASES = {
    FiletransEngine: Case(
        {"api_key": "sk-one"},
        {
            "model": "qwen3-asr-flash-filetrans-2025-11-17",
            "region": "beijing",
            "api_key": "sk-two",
            "workspace": "llm-other",
            "base_url": "https://proxy.example/api/v1",
            "limits": Limits(submits_per_minute=6),
            "bucket": "s3://recordings",
        },
    ),
    FlashEngine: Case(
        {"api_key": "sk-one"},
        {
            "model": "qwen3-asr-flash-2026-02-10",
            "region": "beijing",
            "mode": "compatible",
            "api_key": "sk-two",
            "workspace": "llm-other",
            "base_url": "https://proxy.example/api/v1",
            "limits": Limits(submits_per_minute=6),
            "bucket": "s3://recordings",
        },
    ),
    LocalEngine: Case(
        {"recogniser": "scripted", "model": "qwen3-asr-flash"},
        {
            "recogniser": "other",
            "url": "as it was started",
            "bucket": "s3://recordings",
            "model": "qwen3-asr-flash-2025-09-08",
            "mode": "compatible",
        },
    ),
    ScriptedEngine: Case(
        {},
        {
            "texts": {DIGEST: "Ship it."},
            "label": "a label",
            "failures": {"DECODE_ERROR": 0.5},
            "free": False,
        },
    ),
    SphinxEngine: Case({}, {}),
    WhisperEngine: Case({}, {"weights": "elsewhere", "threads": 1}),
}


def trial(identity, parameters=None, **parts):
    known = {"audio": DIGEST, "repeat": 0} | parts
    canonical = canonical_parameters(parameters or Parameters())
    return Identity(known["audio"], canonical_engine(identity), canonical, known["repeat"]).trial


def identity_of(engine):
    try:
        return dict(engine.identity)
    except RuntimeError:  # known once entered
        return asyncio.run(_entered(engine))


async def _entered(engine):
    async with engine:
        return dict(engine.identity)


def other_value(option, before, changed):
    """Another value for an option: the one named, or for a number or switch one that follows from it."""
    if option in changed:
        return changed[option]
    if isinstance(before, bool):
        return not before
    if isinstance(before, int | float):
        return before + 1
    raise AssertionError(f"say in tests/test_identity.py what {option} may be beside {before!r}")


def check_mutations(kind, base, changed, identity_of=identity_of):
    """Check that each option of an engine changes the trial, or leaves it, as it is declared."""
    check_options(kind)
    trial_before = trial(identity_of(kind(**base)))
    for option, parameter in inspect.signature(kind).parameters.items():
        value = other_value(option, base.get(option, parameter.default), changed)
        moved = trial(identity_of(kind(**base | {option: value}))) != trial_before
        assert moved == (kind.options[option] == "identity"), f"{option} is declared {kind.options[option]}"


def check_parameters():
    """Check that each request parameter changes the trial."""
    identity = {"engine": "e", "model": "m", "region": "r"}
    others = {"language": "en", "context": "Kestrel", "channel_id": (1,)}
    others |= {"language_hints": ("en",), "vocabulary_id": "vocab-1"}
    trials = {trial(identity)}
    for field in fields(Parameters):
        value = other_value(field.name, field.default, others)
        trials.add(trial(identity, replace(Parameters(), **{field.name: value})))
    assert len(trials) == 1 + len(fields(Parameters)), "a parameter does not change the trial"


@pytest.fixture
def services(monkeypatch):
    """Services that LocalEngine finds by the name of their recogniser, in place of those it would start."""
    pytest.importorskip("starlette")
    from asrlab.server.run import serve

    monkeypatch.setattr("asrlab.engines.local._RECOGNISERS", ("scripted", "other"))
    with serve("scripted") as one, serve("scripted") as same, serve(ScriptedEngine(seed=1)) as other:
        urls = {"scripted": one.url, "other": other.url}
        monkeypatch.setattr("asrlab.engines.local._find_or_start", lambda recogniser, idle_exit_s: urls[recogniser])
        monkeypatch.setitem(CASES[LocalEngine].changed, "url", same.url)
        yield


@pytest.mark.parametrize("kind", CASES)
def test_every_option_changes_the_trial_or_leaves_it_as_declared(kind, services):
    check_mutations(kind, CASES[kind].base, CASES[kind].changed)


def test_every_engine_is_put_to_the_test():
    homes = [home.split(":") for home in (*engines._HOMES.values(), *engines._OF_PATH.values())]
    assert {getattr(import_module(module), name) for module, name in homes} == set(CASES)


def test_every_parameter_changes_the_trial():
    check_parameters()


def test_audio_repeat_and_recipe_change_the_trial():
    engine, parameters = canonical_engine({"engine": "e"}), canonical_parameters(Parameters())
    first = Identity(DIGEST, engine, parameters, 0)
    others = {
        "audio": "pcm-sha256:" + 64 * "1",
        "engine": canonical_engine({"engine": "f"}),
        "parameters": canonical_parameters(Parameters(language="en")),
        "repeat": 1,
        "recipe": first.recipe + 1,
    }
    assert set(others) == {field.name for field in fields(Identity)}
    assert len({first.trial} | {replace(first, **{name: value}).trial for name, value in others.items()}) == 6


# That those checks can fail.


class Honest(Engine):
    """An engine with one option of either kind."""

    name = "honest"
    capabilities = Capabilities(frozenset(), frozenset())
    options: ClassVar = {"beam": "identity", "threads": "runtime"}

    def __init__(self, beam=5, threads=1):
        self.beam, self.threads = beam, threads

    @property
    def identity(self):
        return {"engine": self.name, "model": "m", "region": "local", "beam": str(self.beam)}

    async def transcribe(self, question, steps=None):
        raise NotImplementedError


class Undeclared(Honest):
    options: ClassVar = {"beam": "identity"}


class DeclaredAndNotThere(Honest):
    options: ClassVar = {"beam": "identity", "threads": "runtime", "volume": "runtime"}


class DeclaredAsNeither(Honest):
    options: ClassVar = {"beam": "identity", "threads": "sometimes"}


class Forgotten(Honest):
    options: ClassVar = {"beam": "identity", "threads": "identity"}


class Betrayed(Honest):
    options: ClassVar = {"beam": "runtime", "threads": "runtime"}


class Nameless(Honest):
    def __init__(self, **options):
        super().__init__(**options)


class Unchangeable(Honest):
    options: ClassVar = {"beam": "identity", "threads": "runtime", "device": "runtime"}

    def __init__(self, beam=5, threads=1, device=None):
        super().__init__(beam, threads)


def test_an_honest_engine_passes():
    check_mutations(Honest, {}, {})


@pytest.mark.parametrize(
    ("kind", "match"),
    [
        (Undeclared, "each option, and no other"),
        (DeclaredAndNotThere, "each option, and no other"),
        (DeclaredAsNeither, "sometimes"),
        (Forgotten, "threads is declared identity"),
        (Betrayed, "beam is declared runtime"),
        (Nameless, "options have names"),
        (Unchangeable, "say in .* what device may be"),
    ],
)
def test_an_engine_that_declares_wrongly_fails(kind, match):
    with pytest.raises(AssertionError, match=match):
        check_mutations(kind, {}, {})


@pytest.mark.parametrize("forgotten", [field.name for field in fields(Parameters)])
def test_a_parameter_that_is_forgotten_fails(forgotten, monkeypatch):
    named = [field.name for field in fields(Parameters) if field.name != forgotten]
    monkeypatch.setattr(identity_module, "_PARAMETERS", tuple(named))
    canonical_parameters.cache_clear()
    try:
        with pytest.raises(AssertionError, match="does not change the trial"):
            check_parameters()
    finally:
        canonical_parameters.cache_clear()


# The form.

PINNED = {
    "default": (
        Identity(
            DIGEST,
            canonical_engine({"engine": "filetrans", "model": "qwen3-asr-flash-filetrans", "region": "singapore"}),
            canonical_parameters(Parameters()),
            0,
        ),
        "8675a3b38ee048f0cc4799da7a0eb783",
    ),
    "all": (
        Identity(
            "file-sha256:" + 64 * "f",
            canonical_engine({"engine": "local", "recogniser": "whisper", "model": "whisper-base", "region": "local"}),
            canonical_parameters(Parameters("zh", True, '红隼, "Kestrel"\n', (1, 0), True)),
            2,
        ),
        "1361c63fb14c260c9e6f6c14c138243b",
    ),
}


@pytest.mark.parametrize("name", PINNED)
def test_trials_are_what_they_were(name):
    """A change here orphans every transcript that was ever paid for: it needs a new RECIPE."""
    identity, pinned = PINNED[name]
    assert identity.trial == pinned


def test_the_canonical_form_is_json_without_spaces_and_by_name():
    identity, _ = PINNED["all"]
    document = json.loads(identity.canonical)
    assert list(document) == ["audio", "engine", "parameters", "recipe", "repeat"]
    assert document["parameters"] == {
        "channel_id": [1, 0],
        "context": '红隼, "Kestrel"\n',
        "enable_itn": True,
        "enable_words": True,
        "language": "zh",
    }
    assert identity.canonical == canonical_json(document)
    assert "红隼" in identity.canonical


TEXT = st.text(max_size=12) | st.sampled_from(['"', '","repeat":1,"', "\\", "{}", "\u2028", "\x00", "é", "e\u0301"])
PARAMETERS = st.builds(
    Parameters,
    st.none() | TEXT,
    st.booleans(),
    st.none() | TEXT,
    st.lists(st.integers(0, 9), min_size=1, max_size=3, unique=True).map(tuple),
    st.booleans(),
)
ENGINES = st.dictionaries(TEXT, TEXT, max_size=4)
IDENTITIES = st.builds(
    Identity,
    TEXT,
    ENGINES.map(canonical_engine),
    PARAMETERS.map(canonical_parameters),
    st.integers(0, 3),
    st.integers(1, 3),
)


@given(IDENTITIES)
def test_an_identity_is_read_back_as_it_was_written(identity):
    assert Identity.parse(identity.canonical) == identity


@given(st.data(), IDENTITIES, IDENTITIES)
def test_two_identities_never_share_a_form_and_what_differs_is_named(data, one, another):
    """The other has some parts of the first, so that they often differ in one only."""
    kept = data.draw(st.sets(st.sampled_from([field.name for field in fields(Identity)])))
    other = replace(another, **{name: getattr(one, name) for name in kept})
    assert (one == other) == (one.canonical == other.canonical) == (one.trial == other.trial)
    assert (one == other) == (one.differences(other) == [])
    named = {difference.split()[0] for difference in one.differences(other)}
    assert named == {field.name for field in fields(Identity) if getattr(one, field.name) != getattr(other, field.name)}


def test_differences_are_named_to_the_parameter():
    one = PINNED["default"][0]
    engine = canonical_engine({"engine": "filetrans", "model": "qwen3-asr-flash-filetrans", "region": "beijing"})
    other = replace(one, engine=engine, parameters=canonical_parameters(Parameters(language="en")), repeat=1)
    assert one.differences(other) == ["engine region", "parameters language", "repeat"]
    versioned = replace(one, engine=canonical_engine(json.loads(one.engine) | {"version": "2"}))
    assert one.differences(versioned) == versioned.differences(one) == ["engine version"]
