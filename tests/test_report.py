"""Reports: complete, in order, inert, and of the tables that they were given."""

from __future__ import annotations

import base64
import re
from html.parser import HTMLParser
from itertools import pairwise
from types import MappingProxyType, SimpleNamespace

import matplotlib.pyplot as plt
import pandas as pd
import pytest
import reported

import asrlab as lab
from asrlab import tables
from asrlab.errors import InvalidInput, StoreError
from asrlab.views import html, plot
from asrlab.views.report import Report
from asrlab.views.report import asked as of
from asrlab.views.report.listened import most_changed, shown_utterances, worst
from asrlab.views.report.priced import price
from asrlab.views.report.results import shown_result

SECTIONS = [
    *("Question", "Data", "Conditions", "What was sent, and its price", "What came of it", "How it was marked"),
    *("Utterances that went worst", "Utterances that the settings changed most", "Did the parameters do anything?"),
    *("Failures", "Provenance"),
]


@pytest.fixture(autouse=True)
def _agg():
    plt.switch_backend("agg")
    plt.close("all")  # what other tests left
    yield
    assert not plt.get_fignums()  # a notebook would show what is left open


class Reader(HTMLParser):
    """Collects tags with their attributes, and the text below each heading."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags, self.headings, self.below = [], [], {}
        self.feed(page)

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        if tag not in {"wbr", "b", "ins", "del", "bdi"}:
            self.handle_data(" ")
        if tag in {"h1", "h2"}:
            self.headings.append("")
            self._in_heading = True

    def handle_endtag(self, tag):
        if tag in {"h1", "h2"}:
            self._in_heading = False

    def handle_data(self, data):
        if not self.headings:
            return
        if self._in_heading:
            self.headings[-1] += data
        else:
            self.below[self.headings[-1]] = self.below.get(self.headings[-1], "") + data

    def said(self, heading):
        return " ".join(self.below[heading].split())

    @property
    def text(self):
        return " ".join(" ".join(self.below.values()).split())


@pytest.fixture(scope="module")
def known(tmp_path_factory):
    return reported.dataset(tmp_path_factory.mktemp("set"))


@pytest.fixture(scope="module")
def scores(known):
    return reported.marked(reported.transcripts(), known)


@pytest.fixture(scope="module")
def asked(known):
    return reported.sweep(reported.transcripts(), dataset=known)


@pytest.fixture(scope="module")
def effect(scores):
    return lab.compare(scores, along="context", baseline="none", by=["enable_itn"])


@pytest.fixture(scope="module")
def whole(asked, scores, effect, tmp_path_factory):
    """A report with all there may be, as it was saved."""
    plt.switch_backend("agg")
    rates = lab.summarize(scores, by=["context", "enable_itn"])
    report = Report(asked, scores, rates, effect, question="Does it\nhelp?", n=2).add("Advice", "Take it.")
    return saved(report, tmp_path_factory.mktemp("whole"))


def saved(report, tmp_path):
    return report.save(tmp_path / "r.html").read_text(encoding="utf-8")


def test_all_sections_are_there_in_order(whole):
    read = Reader(whole)
    given = ["Summary", "Comparison along context", "Advice"]
    assert read.headings == [
        *("Speech-to-text sweep of harbour", "Contents"),
        *SECTIONS[:6],
        *given,
        *SECTIONS[6:],
    ]
    links = [attrs["href"] for tag, attrs in read.tags if tag == "a"]
    targets = [attrs["id"] for tag, attrs in read.tags if tag == "h2" and attrs["id"] != "contents"]
    assert links == [f"#{target}" for target in targets]
    assert len(set(targets)) == len(SECTIONS) + 3


def test_what_was_asked_is_said(whole):
    read = Reader(whole)
    assert read.said("Question") == "In the author's words: Does it help?"
    data = read.said("Data")
    assert "utterances asked about 8 utterances marked 8 minutes of audio 0.53" in data
    assert "en 8 0.53 8" in data
    assert "Eight *noises*." in data
    assert "More." not in data
    assert "context none not known 16 context terms not known 16" in read.said("Conditions")
    came = read.said("What came of it")
    assert "condition answered failed not run context=none, enable_itn=off 8 0 0" in came
    assert "context=terms, enable_itn=on 7 1 0" in came
    assert "2026-11-01T10:00:00Z, 2026-11-08T10:00:00Z" in came
    assert "In all rows: unit word; form unstated; normalizer en-" in read.said("How it was marked")
    assert read.said("Failures") == "state error_code error questions utterances failed Busy try <later> 2 1"


def said_by(section, sweep):
    """Give what a section says of a sweep."""
    return Reader(f"<h2>S</h2>{section(of.read(sweep))}").said("S")


def test_what_a_label_came_to_is_told_from_what_was_sent():
    frame = reported.transcripts()
    context = frame["context"].map({"none": pd.NA, "terms": "Kestrel, " * 20})
    own = frame[["trial", "utt_id", "condition", "repeat"]].assign(
        context=context, enable_itn=frame["enable_itn"] == "on"
    )
    sent = tables.check(own, "parameters", required=())
    said = said_by(of.grid, reported.sweep(frame, parameters=sent))
    assert "context none nothing 16" in said
    assert re.search(r"context terms Kestrel, Kestrel.*… \(180 characters\) 16", said)
    assert "enable_itn on True 16" in said
    sent.loc[::4, "context"] = "other"
    assert "context none other (8); nothing (8) 16" in said_by(of.grid, reported.sweep(frame, parameters=sent))
    given = {"context": {"none": {"value": None}, "terms": {"function": "right_terms"}}}
    said = said_by(of.grid, reported.sweep(frame, provenance=runs(given=given)))
    assert "context none nothing 16 context terms function right_terms 16 enable_itn off not known 16" in said


def runs(**facts):
    return [{"run": 1, "started": "s", "ended": "e", "outcome": "done", "facts": facts}]


def costs(frame, usd):
    return tables.check(
        frame[["trial", "utt_id", "condition", "repeat", "state", "attempts"]].assign(
            billed_s=1.5, usd=usd, shared_by=1
        ),
        "costs",
        required=(),
    )


def test_price_is_summed_and_never_made_up():
    frame = reported.transcripts()
    paid = {"usd_per_s": 0.000032, "as_of": "2026-11-01", "source": "the price list"}
    partly = pd.array([pd.NA, *[0.01] * 31], dtype="Float64")
    said = said_by(price, reported.sweep(frame, costs=costs(frame, 0.000048), provenance=runs(price=paid)))
    assert "context=none, enable_itn=off 8 8 0.20 0.0004" in said
    assert "all 32 32 0.80 0.0015" in said
    assert "$0.000032 a second of audio, as of 2026-11-01, the price list" in said
    assert "cost" not in said.replace("shared out", "")
    said = said_by(price, reported.sweep(frame, costs=costs(frame, 0.0)))
    assert "What was sent cost nothing." in said  # it is not known whether it always does
    assert "The engine costs nothing." in said_by(
        price, reported.sweep(frame, costs=costs(frame, 0.0), provenance=runs(free=True))
    )
    said = said_by(
        price, reported.sweep(frame, costs=costs(frame, 0.0).assign(billed_s=0.0), provenance=runs(free=False))
    )
    assert "Nothing has been billed." in said
    assert "costs nothing" not in said
    said = said_by(price, reported.sweep(frame, costs=costs(frame, partly)))
    assert "all 32 32 0.80 at least 0.3100; 1 unknown" in said
    assert "context=none, enable_itn=off 8 8 0.20 at least 0.0700; 1 unknown" in said
    assert "context=none, enable_itn=on 8 8 0.20 0.0800" in said
    assert "all 32 32 0.80 not known" in said_by(price, reported.sweep(frame, costs=costs(frame, pd.NA)))
    said = said_by(price, reported.sweep(frame))
    assert said.startswith("Seconds billed and dollars are not known. This sweep keeps no costs. submits 32")


def test_the_submits_of_a_trial_count_once_in_all():
    frame = reported.transcripts()
    shared = costs(frame, 0.01).assign(shared_by=2)
    shared["trial"] = shared["trial"].str.replace("-(on|off)$", "", regex=True)
    said = said_by(price, reported.sweep(frame, costs=shared))
    assert "context=none, enable_itn=on 8 8" in said
    assert "all 32 16" in said
    assert "once in all" in said


def test_each_price_that_held_is_named():
    frame = reported.transcripts()
    paid = {"usd_per_s": 0.01, "as_of": "2026-11-01", "source": "a list"}
    prices = [paid, {**paid, "usd_per_s": 0.02}, {**paid, "usd_per_s": 0.02}, None, {"large": paid, "tiny": None}]
    free = [False, False, False, False, {"large": False, "tiny": True}]
    held = [runs(price=one, free=two)[0] for one, two in zip(prices, free, strict=True)]
    said = said_by(price, reported.sweep(frame, costs=costs(frame, 0.01), provenance=held))
    for line in (
        *("price, run 1 $0.010000 a second", "price, runs 2, 3 $0.020000 a second", "price, run 4 not known"),
        *("price of large, run 5 $0.010000 a second", "price of tiny, run 5 costs nothing"),
    ):
        assert line in said


def test_what_is_still_to_be_sent_is_planned():
    frame = reported.transcripts()
    plan = SimpleNamespace(to_send=[1] * 12, audio_min=0.25, billed_min=0.3, usd=0.018, unknown_lengths=2, free=False)
    said = said_by(price, reported.sweep(frame, plan=lambda: plan))
    assert "still to be sent 12 trials, 0.25 minutes of audio" in said
    assert "what that will cost $0.0180, for 0.30 minutes billed; 2 of unknown length besides" in said

    def broken():
        raise InvalidInput("u3 cannot be read.")

    assert "still to be sent u3 cannot be read." in said_by(price, reported.sweep(frame, plan=broken))
    assert "still to be sent not known" in said_by(price, reported.sweep(frame))


def test_of_a_part_of_the_answers_the_rest_is_that_part(known):
    frame = reported.transcripts()
    part = frame[frame["enable_itn"] == "off"]
    sweep = reported.sweep(
        frame, costs=costs(frame, 0.01), digest="d" * 64, parameters=costs(frame, 0.01)[["trial", *of._ASKING]]
    )
    asked = of.read(sweep, part)
    assert "all 16 16" in Reader(f"<h2>S</h2>{price(asked)}").said("S")
    assert len(asked.more["parameters"]) == 16
    assert "in the whole sweep" in of.origin(asked)
    assert "in the whole sweep" not in of.origin(of.read(sweep))


def test_sentences_and_figures_are_those_of_the_table(whole, effect):
    read = Reader(whole)
    for sentence in lab.sentences(effect):
        assert " ".join(sentence.split()) in read.text
    (alt,) = [attrs["alt"] for tag, attrs in read.tags if tag == "img" and "Comparison" in attrs["alt"]]
    for delta in effect["delta"]:
        assert f"{100 * delta:+.2f} (" in alt
    assert "Could be of a part" in read.said("Comparison along context")  # u7 has no partner
    assert "Recounted" in read.said("Summary")
    assert "23.19%" not in read.text


def test_what_there_is_none_of_is_said_as_it_is(known, scores):
    frame = reported.transcripts()

    def said(ranking, n=3, above=frozenset()):
        return shown_utterances(
            ranking, of.read(reported.sweep(frame)), scores, n=n, normalizer=None, shown_above=set(above), sound_mb=0
        )[0]

    assert said(worst(scores), n=0) == "<p>None is shown: n is 0.</p>"
    right = scores.assign(subs=0, dels=0, ins=0)
    assert "no answer that was marked has an error" in said(worst(right))
    assert "no utterance has more errors under one setting than under another" in said(most_changed(right))
    one = scores[scores["condition"] == "context=none, enable_itn=off"]
    assert "answers were marked under one setting only" in said(most_changed(one))
    apart = scores[(scores["utt_id"] < "u3") == (scores["context"] == "none")]
    apart = apart[apart["enable_itn"] == "off"]
    assert "no question was answered under two settings" in said(most_changed(apart))
    passed = said(worst(scores), n=1, above=["u2", "u7"])
    assert "<p>Shown above: u2, u7.</p>" in passed
    assert passed.count("<h3") == 1
    not_run = frame.assign(state="not run", text=pd.NA)
    assert "Nothing was asked yet." in of.failures(of.read(reported.sweep(not_run)))
    partly = frame.assign(state=["answered", *["not run"] * 31])
    assert "was answered; 31 were not asked yet." in of.failures(of.read(reported.sweep(partly)))


def test_settings_are_held_against_each_other_on_what_both_were_asked():
    """By hand: one hears channel 0 alone, without an error; both hears it without one too, and channel 1 with five."""
    rows = [("a", "one", 0, 0, 10), ("a", "both", 0, 0, 10), ("a", "both", 1, 5, 10), ("b", "one", 0, 1, 10)]
    rows += [("b", "both", 0, 3, 10), ("b", "both", 1, 0, 10), ("c", "one", 0, 4, 80), ("c", "both", 0, 0, 80)]
    frame = pd.DataFrame(rows, columns=["utt_id", "condition", "channel", "subs", "ref_len"])
    scores = tables.check(frame.assign(dels=0, ins=0, repeat=0, unit="char"), "scores", required=())
    found, _ = most_changed(scores)
    assert [one.utt_id for one in found] == ["b", "c"]
    assert found[0].why == "1.0 errors in 10 characters under one, 3.0 errors in 10 characters under both"
    # The rate counts, and not how many there are.
    assert [one.utt_id for one in worst(scores)[0]] == ["a", "b", "c"]
    # Words and characters of one utterance are two things.
    two = pd.concat([scores, scores[scores["condition"] == "one"].assign(unit="word", condition="third", subs=9)])
    assert [one.utt_id for one in most_changed(two)[0]] == ["b", "c"]


def test_scores_without_fingerprints_are_not_verified(asked, scores, known):
    said = of.marking(scores.assign(heard=pd.NA))
    assert "Not verified: 30 of these answers" in said
    assert "Not verified" not in of.marking(scores)
    assert "answers marked" in said


def test_references_that_changed_are_found(scores, tmp_path):
    other = reported.dataset(tmp_path, sound=False, said="entirely other words were said by this person {n}")
    with pytest.raises(InvalidInput, match=r"score of 'u0' .* has 1 errors in 9 units; .* there are 8 in 9"):
        Report(reported.sweep(reported.transcripts(), dataset=other), scores)


def test_each_channel_counts_and_that_is_said(known):
    frame = reported.transcripts()
    both = pd.concat([frame, frame.assign(channel=1)])
    assert "Each channel of an answer counts." in of.outcome(
        of.read(reported.sweep(both)), reported.marked(frame, known)
    )
    assert "Each channel" not in of.outcome(of.read(reported.sweep(frame)), reported.marked(frame, known))


@pytest.mark.parametrize("bad", [{"n": -1}, {"n": 2.5}, {"n": "3"}, {"sound_mb": "10"}, {"sound_mb": -1}])
@pytest.mark.parametrize("also", [{}, {"sound_mb": float("nan")}, {"sound_mb": float("inf")}])
def test_numbers_that_cannot_be_are_refused(asked, scores, bad, also):
    with pytest.raises(InvalidInput, match="must be a"):
        Report(asked, scores, **(also or bad))


def test_rates_in_two_units_get_a_figure_each(known):
    frame = reported.transcripts()
    both = pd.concat([reported.marked(frame, known, unit=unit) for unit in ("word", "char")])
    told = costs(frame, 0.1).assign(audio_s=4.0, elapsed_s=1.0, n_channels=1)
    for result in (lab.summarize(both, by="condition"), lab.frontier(both, told, by="condition", resamples=9)):
        alts = [attrs["alt"] for tag, attrs in Reader(shown_result(result, "", "T")).tags if tag == "img"]
        assert [re.search(r"unit (\w+)", alt)[1] for alt in alts] == ["word", "char"]


def test_a_figure_of_nothing_is_not_drawn(scores, effect):
    many = pd.concat([effect] * 60, ignore_index=True).assign(spoken_language=[f"l{n}" for n in range(120)])
    said = [
        Reader(f"<h2>S</h2>{shown_result(result, 'note', 'heading')}").said("S")
        for result in (lab.agreement(scores), tables.empty("summary"), many)
    ]
    assert "No figure: nothing was asked twice." in said[0]
    assert "Every question was asked once" in said[0]
    assert said[1].endswith("no rows Rates alone are no finding: what differs, a comparison says.")
    assert "No figure: 120 lines do not fit" in said[2]


def test_a_figure_does_not_name_what_it_has_not(effect):
    bare = effect.assign(low=pd.NA, high=pd.NA, n_comparisons=0, correction="holm")
    for result, has in ((effect, True), (bare, False)):
        ax = plot.deltas(tables.check(result, "comparison", required=()))
        said = ax.get_title("left") + ax.get_title() + " ".join(text.get_text() for text in ax.texts)
        plt.close(ax.figure)
        assert ("95% intervals" in said) == has
        assert "0 comparisons" not in said
        assert ("p adjusted" in said) == has


def test_each_table_has_its_heading(asked, scores, tmp_path):
    results = {
        "effects": "Effects",
        "power": "Power",
        "agreement": "Agreement of repeats",
        "comparison": "Comparison",
        "summary": "Summary",
        "utterances": "Table",
        "rates": "Rates",
        "audit": "Did the parameters do anything?",
        "explanation": "What a gap is made of",
        "context_ladder": "Better and better contexts",
        "bias_curve": "Longer and longer lists",
        "confusions": "Confusions",
    }
    report = Report(asked, scores, *(tables.empty(name) for name in results), n=0)
    assert repr(report) == f"<Report Speech-to-text sweep of harbour: {'; '.join(results.values())}>"
    mixed = pd.concat([tables.empty("comparison"), tables.empty("effects")]).reindex([0])
    axes = dict.fromkeys(("moderator", "delta", "design_effect", "n_questions", "power"), "on")
    odd = [
        mixed,
        tables.empty("summary").assign(**axes),
        pd.concat([tables.empty("comparison"), tables.empty("power")]),
    ]
    assert repr(Report(asked, scores, *odd, n=0)).endswith(": Comparison and effects; Summary; Table>")
    twice = Report(asked, scores, tables.empty("summary"), tables.empty("summary"), n=0)
    assert repr(twice).endswith(": Summary (1); Summary (2)>")


def test_worst_and_most_changed_are_heard_within_the_budget(asked, scores, tmp_path):
    read = Reader(saved(Report(asked, scores, n=2), tmp_path))
    sounds = [attrs["src"] for tag, attrs in read.tags if tag == "audio"]
    # By hand: of nine units, of u2 seven are lost under each setting; castle is one, a lost or added word another.
    worst = read.said("Utterances that went worst")
    assert worst.startswith("u2 7.0 errors in 9 words in an answer on average.")
    assert worst.index("u7 1.5 errors in 9 words") > worst.index("u2")
    changed = read.said("Utterances that the settings changed most")
    best, wrong = "0.0 errors in 9 words under context=terms, enable_itn=off", "context=none, enable_itn=on."
    assert f"u0 {best}, 2.0 errors in 9 words under {wrong}" in changed
    assert changed.index("u1 0.0 errors") > changed.index("u0")
    assert len(sounds) == 4
    assert base64.b64decode(sounds[0].split(",")[1])[:4] == b"RIFF"
    # Each recording is 32 kB: 43 kB as it is held. Half of the budget is for the worst.
    small = Reader(saved(Report(asked, scores, n=3, sound_mb=0.1), tmp_path))
    held = [attrs["src"] for tag, attrs in small.tags if tag == "audio"]
    assert 1 <= len(held) <= 2
    assert sum(map(len, held)) <= 100_000
    assert "Sound takes 0.1 MB of 0.1 MB that it may." in small.text
    assert "Left out" in small.text
    assert "audio" not in {tag for tag, _ in Reader(saved(Report(asked, scores, n=1, sound_mb=0), tmp_path)).tags}


def test_without_a_dataset_all_is_said_that_can_be(scores, tmp_path):
    read = Reader(saved(Report(reported.sweep(reported.transcripts()), scores, n=1), tmp_path))
    assert "en 8 0.53 8" in read.said("Data")  # of what was heard and how it was marked
    assert "The dataset has no card here." in read.said("Data")
    assert "There is no sound" in read.said("Utterances that went worst")
    assert "judged by their shape alone" in read.said("Did the parameters do anything?")


def test_a_sweep_in_which_everything_failed(known, tmp_path):
    frame = reported.transcripts()
    frame["state"], frame["text"] = "failed", pd.array([pd.NA] * len(frame), dtype="string")
    scores = reported.marked(frame, known)
    read = Reader(saved(Report(reported.sweep(frame, dataset=known), scores), tmp_path))
    assert read.said("Utterances that went worst") == "There is none: no answer was marked."
    assert "No answer was marked under context=none, enable_itn=off, " in read.said("How it was marked")
    assert "There is no answer that could have a flag." in read.said("Did the parameters do anything?")
    assert "context=none, enable_itn=off 0 8 0" in read.said("What came of it")
    assert "utterances marked 0" in read.said("Data")


def test_failed_not_run_empty_and_missing_stay_apart(known, tmp_path):
    frame = reported.transcripts()
    frame.loc[0, "text"] = ""
    frame.loc[4, ["state", "text"]] = ["not run", pd.NA]
    scores = reported.marked(frame.drop(index=8), known)
    read = Reader(saved(Report(reported.sweep(frame.drop(index=8), dataset=known), scores, n=0), tmp_path))
    said = read.said("What came of it")
    assert "condition answered empty failed not run missing context=none, enable_itn=off 5 1 0 1 1" in said


def test_the_audit_is_of_what_was_sent(asked, scores, tmp_path):
    read = Reader(saved(Report(asked, scores, n=0), tmp_path))
    said = read.said("Did the parameters do anything?")
    assert re.search(r"context terms none (acts|cannot tell|no visible effect)", said)
    assert re.search(r"enable_itn on off (acts|cannot tell|no visible effect)", said)
    assert "No answer has a flag" in said
    frame = reported.transcripts().rename(columns={"context": "snr", "enable_itn": "codec"})
    conditions = frame[["condition", "snr", "codec"]].drop_duplicates()
    other = reported.sweep(reported.transcripts(), transcripts=frame, conditions=conditions)
    renamed = scores.rename(columns={"context": "snr", "enable_itn": "codec"})
    assert "No parameter of the request was varied" in Reader(saved(Report(other, renamed, n=0), tmp_path)).text


def test_it_loads_nothing_and_nothing_runs(whole):
    reader = Reader(whole)
    policy = next(attrs["content"] for tag, attrs in reader.tags if attrs.get("http-equiv"))
    assert policy == "default-src 'none'; img-src data:; media-src data:; style-src 'unsafe-inline'"
    bare = re.sub(r"data:(image|audio)/[a-z]+;base64,[A-Za-z0-9+/=]+", "", whole)
    assert "//" not in bare
    assert "http:" not in bare
    assert "url(" not in bare
    assert not [tag for tag, _ in reader.tags if tag in {"script", "link", "iframe", "object", "base"}]
    assert {attrs["href"][0] for _, attrs in reader.tags if "href" in attrs} == {"#"}
    assert {attrs["src"][:5] for _, attrs in reader.tags if "src" in attrs} == {"data:"}
    assert reader.tags[0] == ("html", {"lang": "en"})
    assert ("meta", {"charset": "utf-8"}) in reader.tags
    assert {"header", "nav", "main", "footer"} <= {tag for tag, _ in reader.tags}


def test_headings_go_down_a_step_at_a_time(whole):
    steps = [int(tag[1]) for tag, _ in Reader(whole).tags if re.fullmatch("h[1-6]", tag)]
    assert steps[0] == 1
    assert steps.count(1) == 1
    assert all(later <= earlier + 1 for earlier, later in pairwise(steps))


def test_long_tables_are_whole_up_to_a_thousand_rows(asked, scores, tmp_path):
    report = Report(asked, scores, n=0).add("T", pd.DataFrame({"n": range(1000)}))
    read = Reader(saved(report.add("U", pd.DataFrame({"n": range(100_000)})), tmp_path))
    assert read.said("T").endswith(" 998 999")
    assert read.said("U").endswith(" 999 … 99000 more rows")


def test_what_was_given_stays_as_it_was(asked, scores, tmp_path):
    frame, other = reported.transcripts(), scores.copy()
    going_on = reported.sweep(frame, dataset=asked.dataset)
    rates = lab.summarize(other, by="context")
    report = Report(going_on, other, rates, n=0)
    before = saved(report, tmp_path)
    rates.loc[0, "rate"] = 0.99
    other["subs"] = 5
    frame["text"] = "changed"
    going_on.conditions.loc[0, "context"] = "changed"
    going_on.about["dataset"] = "changed"
    assert saved(report, tmp_path) == before


def test_texts_lists_views_and_figures_are_taken_as_given(asked, scores, tmp_path):
    ax = plot.rates(lab.summarize(scores, by="context"))
    report = Report(asked, scores, title="Mine", n=0).add("One", "a < b").add("Two", ["c & d", "e"])
    report.add("Three", html.table(pd.DataFrame({"x": ["<y>"]}))).add("Four", ax).add("Five", ax.figure)
    plt.close(ax.figure)
    page = saved(report, tmp_path)
    read = Reader(page)
    assert read.said("One") == "In the author's words: a < b"
    assert '<ul><li dir="auto">c &amp; d</li><li dir="auto">e</li></ul>' in page
    assert read.said("Three") == "As it was given, not made for this report: x <y>"
    assert "<title>Mine</title>" in page
    alts = [attrs["alt"] for tag, attrs in read.tags if tag == "img" and "Audit" not in attrs["alt"]]
    assert [alt.split(";")[:2] for alt in alts] == [
        [f"Figure: {name}", " Word error rate (WER), %"] for name in ("Four", "Five")
    ]
    assert all("none" in alt and "terms" in alt for alt in alts)
    with pytest.raises(InvalidInput, match="not dict"):
        report.add("Six", {})
    with pytest.raises(InvalidInput, match="not list"):
        report.add("Six", [1])


def foreign(text, folder):
    """Save a report in which all that others write holds this."""
    known = reported.dataset(folder, rename=lambda name: f"{text}{name}"[-300:])
    end = text.replace("{", "{{").replace("}", "}}")
    frame = reported.transcripts({key: f"{heard} {end}" for key, heard in reported.HEARD.items()}, (0, 1, 7))
    frame["error"] = frame["error"].where(frame["error"].isna(), text)
    frame["context"] = frame["context"].replace({"none": text})
    scores = reported.marked(frame, known)
    runs = [{"run": 1, "started": "s", "ended": "e", "outcome": text, "facts": {"asrlab": text}}]
    sweep = reported.sweep(frame, about={"dataset": text, text[:50]: text}, dataset=known, provenance=runs)
    rates = lab.summarize(scores, by="context")
    report = Report(sweep, scores, rates, question=text, title=text, n=3).add(text, text)
    return report, saved(report, folder)


def test_nothing_foreign_becomes_markup(tmp_path):
    (tmp_path / "harmless").mkdir()
    _, harmless = foreign("word", tmp_path / "harmless")
    text = " ".join(reported.HOSTILE)
    report, made = foreign(text, tmp_path)
    outline = [
        "html",
        "head",
        "meta",
        "title",
        "style",
        "h1",
        "h2",
        "section",
        "nav",
        "img",
        "audio",
        "blockquote",
        "a",
    ]
    counts = [[sum(tag == wanted for tag, _ in Reader(one).tags) for wanted in outline] for one in (made, harmless)]
    assert counts[0] == counts[1]
    names = [{name for _, attrs in Reader(one).tags for name in attrs} for one in (made, harmless)]
    assert names[0] - {"colspan"} == names[1] - {"colspan"}
    shown = made + repr(report) + report._repr_html_()
    assert not {"\u202e", "\u2066", "\x00", "\x1b"} & set(shown)
    assert "<script" not in made + report._repr_html_()
    assert "\n" not in repr(report)
    assert len(repr(report)) < 300


def test_saving_is_all_or_nothing(scores, tmp_path, monkeypatch):
    one = reported.transcripts().query("context == 'none' and enable_itn == 'off'")
    asked, some = reported.sweep(one), scores.query("context == 'none' and enable_itn == 'off'")
    for name in ("r.html", "r.md"):
        path = Report(asked, some, n=0).save(tmp_path / "new folder" / name)
        before = path.read_bytes()
        assert b"\r" not in before
        with monkeypatch.context() as broken:
            broken.setattr(type(path), "replace", lambda *_: (_ for _ in ()).throw(OSError("full")))
            with pytest.raises(OSError, match="full"):
                Report(asked, some, n=0).add("More", "text").save(path)
        assert path.read_bytes() == before
    assert sorted(file.name for file in (tmp_path / "new folder").iterdir()) == ["r.html", "r.md"]


def test_the_same_is_saved_as_the_same(asked, scores, effect, whole, tmp_path):
    rates = lab.summarize(scores, by=["context", "enable_itn"])
    again = Report(asked, scores, rates, effect, question="Does it\nhelp?", n=2).add("Advice", "Take it.")
    assert saved(again, tmp_path) == whole


def test_a_file_must_be_named_that_can_be_written(asked, scores, tmp_path):
    with pytest.raises(InvalidInput, match="is a folder"):
        Report(asked, scores).save(tmp_path)
    with pytest.raises(InvalidInput, match=r"\.html or \.md"):
        Report(asked, scores).save(tmp_path / "report.pdf")


def test_what_the_sweep_cannot_give_is_said(known, scores, tmp_path):
    class Broken:
        transcripts = reported.transcripts()
        conditions = reported.sweep(transcripts).conditions
        about = MappingProxyType({"dataset": "d"})

        @property
        def costs(self):
            raise StoreError("The ledger of <prices> is torn.")

    read = Reader(saved(Report(Broken(), scores, n=0), tmp_path))
    assert "The ledger of <prices> is torn." in read.said("What was sent, and its price")
    assert "This sweep keeps no parameters." in read.said("Conditions")
    assert "This sweep keeps no provenance." in read.said("Provenance")
    assert "not known. This sweep keeps no digest." in read.said("Provenance")


def test_a_replay_is_named_by_its_digest(tmp_path):
    sweep = lab.open_sweep("notebooks/replays/marking.jsonl")
    known = lab.load_dataset("datasets/dictation")
    scores = lab.score(sweep.transcripts, known, form="spoken", missing="drop")
    read = Reader(saved(Report(sweep, scores, n=0), tmp_path))
    assert sweep.digest in read.said("Provenance")
    assert "fingerprint of the dataset" in read.said("Data")


def test_its_outline_is_short(asked, scores):
    report = Report(asked, scores, question="Why?").add("Errors", "none")
    assert repr(report) == "<Report Speech-to-text sweep of harbour: Errors>"
    assert repr(Report(asked, scores)).endswith(": no results>")
    shown = report._repr_html_()
    assert "<li>Errors</li>" in shown
    assert "Why?" in shown
    assert "4 conditions, 8 utterances" in shown
