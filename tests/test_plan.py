"""Plans: what is stored and will be sent, what it costs, how long it takes, and what they warn of."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from math import inf

import numpy as np
import pandas as pd
import pytest
import soundfile

from asrlab.data.dataset import Dataset
from asrlab.engines.base import UNWATCHED, Answer, Capabilities, Engine, Parameters, Transcript
from asrlab.engines.filetrans import FiletransEngine
from asrlab.errors import InvalidInput
from asrlab.sweep.grid import column, grid
from asrlab.sweep.sweep import Sweep


class Parrot(Engine):
    """Says what it is told to obey and to take."""

    name = "parrot"

    def __init__(self, *, free=False, model="qwen3-asr-flash-filetrans", per_minute=inf, **takes):
        obeyed = takes.pop("obeys", {"language", "enable_itn", "context", "channel_id", "enable_words"})
        self.capabilities = Capabilities(frozenset(obeyed), frozenset({"en", "zh", "de"}), **takes)
        self.free = free
        self.model = model
        self.submits_per_minute = per_minute

    @property
    def identity(self):
        return {"engine": "parrot", "model": self.model, "region": "singapore"}

    async def transcribe(self, question, steps=UNWATCHED):
        if question.task_id is None:
            await steps.sending(question.audio)
            await steps.submitted("t")
        return Answer(tuple(Transcript(c, "x", None) for c in question.parameters.channel_id), 1.0, "parrot")


@pytest.fixture
def dataset(tmp_path):
    """Three recordings of 1.25, 2.5 and 3 s, the last of two channels and in several languages."""
    rows = []
    for number, (seconds, channels, language) in enumerate([(1.25, 1, "en"), (2.5, 1, "de"), (3.0, 2, "zh-en")]):
        noise = 0.1 * np.random.default_rng(number).standard_normal((int(16_000 * seconds), channels))
        soundfile.write(tmp_path / f"{number}.wav", noise, 16_000)
        # The manifest does not tell the truth about the lengths, and money is not reckoned by it.
        rows.append({"utt_id": f"u{number}", "audio": f"{number}.wav", "language": language, "duration_s": 0.1,
                     "channels": channels})  # fmt: skip
    return Dataset("three", pd.DataFrame(rows), folder=tmp_path)


@pytest.fixture
def planned(dataset, tmp_path):
    def planned(engine, conditions=grid(), **options):  # noqa: B008 - it is not changed
        return Sweep(dataset, engine, conditions, store=tmp_path / "run").plan(**options)

    return planned


def test_each_begun_second_of_each_channel_is_reckoned(planned):
    channels = grid(
        channel_id=lambda utterance: [0, 1] if utterance["channels"] == 2 else [0], enable_itn=[False, True]
    )
    plan = planned(Parrot(), channels)
    assert plan.audio_min == pytest.approx(2 * (1.25 + 2.5 + 2 * 3.0) / 60)
    assert plan.billed_min == 2 * (2 + 3 + 2 * 3) / 60
    assert plan.usd == pytest.approx(22 * 0.000035)
    assert plan.table["audio_s"].tolist() == [1.25, 1.25, 2.5, 2.5, 6.0, 6.0]
    assert "$0.0008 for 0.4 billed minutes" in repr(plan)
    assert planned(Parrot(), channels, price_usd_per_s=1).usd == 22
    with pytest.raises(InvalidInput, match="price_usd_per_s must be a number from 0"):
        planned(Parrot(), price_usd_per_s=-1)


def test_what_is_stored_costs_nothing_and_is_not_reckoned(dataset, tmp_path):
    Sweep(dataset, Parrot(), grid(), store=tmp_path / "run").run(progress=False)
    plan = Sweep(dataset, Parrot(), grid(enable_itn=[False, True]), store=tmp_path / "run").plan()
    assert plan.counts == {"stored": 3, "new": 3}
    assert plan.billed_min == 8 / 60
    assert plan.table["sends"].tolist() == [False, True] * 3
    assert Sweep(dataset, Parrot(), grid(), store=tmp_path / "run").plan().usd == 0


def test_the_expected_time_follows_from_what_is_taken_in_a_minute_or_from_what_was_answered_before(planned, dataset):
    assert planned(Parrot(per_minute=2)).expected_s == 90
    assert planned(Parrot()).expected_s is None
    assert FiletransEngine(api_key="sk-x").submits_per_minute == 540


ITN = {"itn_languages": frozenset({"en", "zh"})}
MAIN = {"main": lambda utterance: utterance["language"][:2]}


@pytest.mark.parametrize(
    ("takes", "conditions", "said"),
    [
        (ITN, grid(enable_itn=True, language=MAIN), "enable_itn acts on en and zh only, and is on for de (1 trials)"),
        (ITN, grid(enable_itn=True), "is on for de (1 trials)"),
        ({}, grid(language="zh"), "1 trials give a language hint for audio in several languages"),
        ({"context_tokens": 3}, grid(context="one two three four"), "1 contexts are too long: of up to 4 words the f"),
        ({"audio_s": 2.6}, grid(), "1 recordings (u2) last longer than the 3 s the engine takes"),
        ({"audio_bytes": 50_000}, grid(), "2 recordings (u1, u2) are larger than the 50,000 bytes"),
        ({"obeys": {"channel_id"}}, grid(context="x", enable_itn=True), "does not obey context (3 trials), enable_itn"),
        ({}, grid(language="yue"), "does not obey language='yue' (3 trials)"),
    ],
)  # fmt: skip
def test_what_is_asked_in_vain_is_warned_of(planned, takes, conditions, said):
    plan = planned(Parrot(**takes), conditions)
    assert [warning for warning in plan.warnings if said in warning], plan.warnings
    assert said in repr(plan)


def test_nothing_is_warned_of_where_nothing_is_amiss_or_nothing_is_sent(planned, dataset, tmp_path):
    fine = grid(language={"none": None}, context={"none": None, "terms": "Kestrel"})
    assert planned(Parrot(context_tokens=1, itn_languages=frozenset({"en"}), audio_s=3.0), fine).warnings == []
    deaf = Parrot(obeys={"channel_id"})
    with pytest.warns(UserWarning, match="does not obey"):
        Sweep(dataset, deaf, grid(context="x"), store=tmp_path / "run").run(progress=False)
    assert planned(deaf, grid(context="x")).warnings == []


@pytest.mark.parametrize(("days", "model", "warned"), [
    (31, "qwen3-asr-flash-filetrans", True),
    (29, "qwen3-asr-flash-filetrans", False),
    (31, "qwen3-asr-flash-filetrans-2025-11-17", False),
])  # fmt: skip
def test_answers_of_an_undated_model_from_long_ago_are_not_mixed_unnoticed(
    dataset, tmp_path, monkeypatch, *, days, model, warned
):
    Sweep(dataset, Parrot(model=model), grid(), store=tmp_path / "run").run(progress=False)
    now = time.time()
    monkeypatch.setattr("asrlab.sweep.warn.time.time", lambda: now + days * 24 * 3600)
    plan = Sweep(dataset, Parrot(model=model), grid(enable_itn=[False, True]), store=tmp_path / "run").plan()
    day = datetime.fromtimestamp(now, UTC).date()
    assert [f"this run has answers from {day}" in warning for warning in plan.warnings] == [True] * warned


def test_recordings_known_by_their_links_only_are_told(dataset, tmp_path):
    audio = ["https://media.example.org/a.wav", "0.wav", "1.wav"]
    linked = Dataset("linked", dataset.utterances.assign(audio=audio, duration_s=[4.5, 1, 1]), folder=dataset.folder)
    plan = Sweep(linked, Parrot(), grid(), store=tmp_path / "run").plan()
    (warning,) = plan.warnings
    assert "1 recordings (u0) are known by their links only" in warning
    assert plan.billed_min == (5 + 2 + 3) / 60


def test_an_engine_must_say_what_it_is(dataset, tmp_path, monkeypatch):
    monkeypatch.setattr(Parrot, "identity", {"engine": "parrot", "model": "m", "region": ""})
    with pytest.raises(InvalidInput, match="does not say region"):
        Sweep(dataset, Parrot(), grid(), store=tmp_path / "run").plan()


def test_a_plan_is_read_in_a_notebook_and_holds_no_markup_of_others(dataset, tmp_path):
    evil = Dataset("evil", dataset.utterances.assign(utt_id=["<script>", "b", "c"]), folder=dataset.folder)
    plan = Sweep(evil, Parrot(audio_s=1), grid(), store=tmp_path / "run").plan()
    page = plan._repr_html_()
    assert "<script>" not in page
    assert "&lt;script&gt;" in page
    assert "3 trials" in page
    assert "as of" in page  # the price is a dated one


def test_an_answer_that_may_be_gone_is_told(dataset, tmp_path, monkeypatch):
    engine = Parrot()

    async def leave(question, steps=UNWATCHED):
        await steps.sending(question.audio)
        await steps.submitted("t")
        raise ZeroDivisionError

    monkeypatch.setattr(engine, "transcribe", leave)
    sweep = Sweep(dataset, engine, grid(), store=tmp_path / "run")
    sweep.run(progress=False)
    assert sweep.plan().counts == {"collected: its task was submitted before": 3}
    now = time.time()
    monkeypatch.setattr("asrlab.sweep.plan.time.time", lambda: now + timedelta(hours=25).total_seconds())
    assert sweep.plan().counts == {"collected: submitted over 24 h ago, so its answer may be gone": 3}
    assert sweep.plan().usd == 0  # collecting is not billed


def test_levels_are_resolved_for_each_recording_and_checked_before_anything_is_sent(dataset, tmp_path):
    sweep = Sweep(
        dataset, FiletransEngine(api_key="sk-x"), grid(language={"right": column("language")}), store=tmp_path / "r"
    )
    with pytest.raises(InvalidInput, match="language='zh-en' is not a code of qwen3-asr-flash-filetrans"):
        sweep.plan()
    half = grid(context="half \ud83d")
    with pytest.raises(InvalidInput, match="half a surrogate pair"):
        Sweep(dataset, Parrot(), half, store=tmp_path / "run").plan()


class Deaf(Parrot):
    """A model that has neither ITN nor context, and takes a recording in pieces of two seconds."""

    def sent(self, parameters):
        return Parameters(language=parameters.language, channel_id=parameters.channel_id)

    def requests(self, duration_s):
        return int(duration_s // 2) + 1


def test_settings_that_come_to_the_same_request_are_one_question(dataset, tmp_path):
    conditions = grid(enable_itn=[False, True], context={"none": None, "terms": "Kestrel"})
    sweep = Sweep(dataset, Deaf(obeys={"language", "channel_id"}), conditions, store=tmp_path / "run")
    plan = sweep.plan()
    assert (len(plan.table), plan.table["trial"].nunique(), len(plan.to_send)) == (12, 3, 3)
    assert [warning for warning in plan.warnings if "does not take" in warning] == [
        "<Deaf> does not take context (6 askings), enable_itn (6 askings): not sent, so that settings which differ in "
        "nothing else are one question there"
    ]
    with pytest.warns(UserWarning, match="does not take"):
        sweep.run(progress=False)
    heard = sweep.transcripts
    assert (len(heard), set(heard["state"]), heard["trial"].nunique()) == (12, {"answered"}, 3)
    assert sweep.costs["shared_by"].eq(4).all()
    assert sweep.costs["usd"].sum() == pytest.approx(plan.usd)
    assert sweep.parameters["context"].isna().all()
    again = sweep.plan()
    assert (again.counts, again.warnings) == ({"stored": 3}, [])


def test_what_is_asked_in_pieces_is_reckoned_by_their_begun_seconds(planned):
    # Of 1.25, 2.5 and 3 s in at most 1, 2 and 2 pieces.
    plan = planned(Deaf(obeys={"language", "channel_id"}, per_minute=60))
    assert plan.billed_min == (2 + 4 + 4) / 60
    assert plan.expected_s == 5


def test_conditions_of_an_utterance_are_asked_together(planned):
    plan = planned(Parrot(), grid(enable_itn=[False, True]))
    asked = [job.utt_id for job in plan.jobs]
    assert plan.order == [(0, utt_id) for utt_id in asked[::2]]
    assert asked == [utt_id for _, utt_id in plan.order for _ in range(2)]
