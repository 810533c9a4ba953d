"""Hints: languages found, and what hints do."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from asrlab.errors import InvalidInput
from asrlab.scoring import hints, score

NO_HINT = pd.NA


def transcripts(rows, columns=("utt_id", "text", "detected_language"), **more):
    return pd.DataFrame(rows, columns=list(columns)).assign(**more)


def spoken(**languages):
    return pd.DataFrame({"utt_id": list(languages), "text": "x", "language": list(languages.values())})


def sent(ids, hint=NO_HINT, **more):
    return pd.DataFrame({"utt_id": ids, "language": pd.array([hint] * len(ids), dtype="string"), **more})


def records(table, *columns):
    return table[list(columns)].astype(object).where(table[list(columns)].notna(), None).values.tolist()


class TestLanguages:
    def found(self, rows, said, **more):
        heard = transcripts(rows)
        return hints.languages(heard, said, parameters=sent(heard["utt_id"].unique()), **more)

    def test_by_hand(self):
        rows = [("a", "x", "de"), ("b", "x", "nl"), ("c", "x", "de"), ("d", "x", "en"), ("e", "x", None)]
        table = self.found(rows, spoken(a="de", b="de", c="de", d="en", e="de"))
        columns = ["spoken_language", "found", "right", "n_answers", "share", "n_spoken", "n_utts", "n_lost", "source"]
        assert records(table, *columns) == [
            ["de", "de", True, 2, 0.5, 4, 2, 0, "engine"],
            ["de", "nl", False, 1, 0.25, 4, 1, 0, "engine"],
            ["de", None, False, 1, 0.25, 4, 1, 0, "engine"],
            ["en", "en", True, 1, 1.0, 1, 1, 0, "engine"],
        ]
        assert table.dtypes.astype(str).tolist()[:3] == ["string", "string", "boolean"]

    def test_codes_are_compared_as_languages(self):
        rows = [("a", "x", "zh"), ("b", "x", "fil"), ("c", "x", "no"), ("d", "x", "zh")]
        table = self.found(rows, spoken(a="zh-TW", b="tl", c="nb", d="yue"))
        assert records(table, "spoken_language", "found", "right") == [
            ["fil", "fil", True],
            ["no", "no", True],
            ["yue", "zh", False],
            ["zh", "zh", True],
        ]

    def test_unknown_spoken_language_is_neither_right_nor_wrong(self):
        table = self.found([("a", "x", "de")], pd.DataFrame({"utt_id": ["a"], "text": ["x"]}))
        assert records(table, "spoken_language", "found", "right", "share") == [[None, "de", None, 1.0]]

    def test_failed_trials_are_in_no_share(self):
        heard = transcripts([("a", "x", "de"), ("b", None, None)], state=["answered", "failed"])
        table = hints.languages(heard, spoken(a="de", b="de"), parameters=sent(["a", "b"]))
        assert records(table, "found", "n_answers", "n_spoken", "n_lost") == [["de", 1, 1, 1]]

    def test_a_language_without_any_answer_is_told(self):
        heard = transcripts([("a", "x", "de"), ("b", None, None)], state=["answered", "failed"])
        table = hints.languages(heard, spoken(a="de", b="en"), parameters=sent(["a", "b"]))
        assert records(table, "spoken_language", "found", "n_answers", "share", "n_lost") == [
            ["de", "de", 1, 1.0, 0],
            ["en", None, 0, None, 1],
        ]

    def test_nobody_speaks_a_language_in_silence(self):
        said = spoken(a="de").assign(text="")
        table = self.found([("a", "", "nn")], said)
        assert records(table, "spoken_language", "found", "right") == [[None, "no", None]]

    @pytest.mark.parametrize("hinted", ["de", "en"])
    def test_refused_where_an_answer_was_hinted(self, hinted):
        heard = transcripts([("a", "x", "de"), ("b", "x", "de")])
        parameters = pd.DataFrame({"utt_id": ["a", "b"], "language": [hinted, None]})
        with pytest.raises(InvalidInput, match=r"1 of 2 answers .* language hint \(a\)(.|\n)*Leave them out") as error:
            hints.languages(heard, spoken(a="de", b="de"), parameters=parameters)
        assert 'parameters["language"].isna()' in str(error.value)

    def test_what_the_error_says_to_do_works(self):
        heard = transcripts([("a", "x", "de"), ("b", "x", "de")], trial=["t1", "t2"])
        parameters = pd.DataFrame({"trial": ["t1", "t2"], "utt_id": ["a", "b"], "language": ["de", None]})
        unhinted = parameters.loc[parameters["language"].isna(), "trial"]
        heard = heard[heard["trial"].isin(unhinted)]
        assert len(hints.languages(heard, spoken(a="de", b="de"), parameters=parameters)) == 1

    def test_empty_hint_is_none(self):
        heard = transcripts([("a", "x", "de")])
        assert len(hints.languages(heard, spoken(a="de"), parameters=sent(["a"], ""))) == 1

    def test_refused_where_nothing_says_what_was_sent(self):
        heard = transcripts([("a", "x", "de")])
        with pytest.raises(InvalidInput, match="no column 'language'"):
            hints.languages(heard, spoken(a="de"), parameters=pd.DataFrame({"utt_id": ["a"]}))
        with pytest.raises(InvalidInput, match="no row in the parameters"):
            hints.languages(heard, spoken(a="de"), parameters=sent(["b"]))

    def test_engine_that_reports_none(self):
        heard = pd.DataFrame({"utt_id": ["a"], "text": ["Der Hund schläft neben der Tür"]})
        with pytest.raises(InvalidInput, match='source="text"'):
            hints.languages(heard, spoken(a="de"), parameters=sent(["a"]))
        table = hints.languages(heard, spoken(a="de"), parameters=sent(["a"]), source="text")
        assert records(table, "found", "right", "source") == [["de", True, "text"]]

    def test_a_text_without_letters_is_in_no_language(self):
        heard = transcripts([("a", "", "de"), ("b", "12", "de")])
        table = hints.languages(heard, spoken(a="de", b="de"), parameters=sent(["a", "b"]), source="text")
        assert records(table, "found", "right", "n_answers") == [[None, False, 2]]

    def test_of_a_language_that_texts_cannot_be_told_to_be_in_nothing_is_found(self):
        rows = [("a", "Kei te pēhea koe i tēnei rā", None), ("b", "Der Hund schläft neben der Tür", None)]
        table = self.found(rows, spoken(a="mi", b="de"), source="text")
        assert records(table, "spoken_language", "found", "right", "share") == [
            ["de", "de", True, 1.0],
            ["mi", None, None, 1.0],
        ]
        table = self.found([("a", "Kei te pēhea koe", "en"), ("b", "x", "mi")], spoken(a="mi", b="mi"))
        assert records(table, "found", "right") == [["mi", True], ["en", False]]  # the engine may know it

    def test_cantonese_by_its_longer_code(self):
        table = self.found([("a", "x", "yue"), ("b", "x", "zh")], spoken(a="zh-yue", b="zh_Yue-HK"))
        assert records(table, "spoken_language", "found", "right") == [["yue", "yue", True], ["yue", "zh", False]]

    @pytest.mark.parametrize("settings_of", [{"condition": ["none", "en"]}, {"hint": ["none", "en"]}])
    def test_of_several_settings_the_parameters_say_which(self, settings_of):
        heard = transcripts([("a", "x", "de"), ("a", "y", "en")], **settings_of)
        for unhinted in (sent(["a"]), sent(["a"], condition=[None]), sent(["a"], repeat=[0])):
            with pytest.raises(InvalidInput, match=r"several settings.*trial\s+or condition"):
                hints.languages(heard, spoken(a="de"), parameters=unhinted)
        named = heard.assign(condition=["none", "en"], trial=["t1", "t2"])
        for parameters in (sent(["a"] * 2, condition=["none", "en"]), sent(["a"] * 2, trial=["t1", "t2"])):
            assert hints.languages(named, spoken(a="de"), parameters=parameters)["n_answers"].sum() == 2

    def test_by_axes(self):
        rows = [("a", "x", "de", "clean"), ("a", "x", "nl", "noisy")]
        heard = transcripts(rows, ("utt_id", "text", "detected_language", "noise"), condition=["c", "n"])
        parameters = pd.DataFrame({"utt_id": ["a", "a"], "condition": ["c", "n"], "language": [None, None]})
        table = hints.languages(heard, spoken(a="de"), parameters=parameters, by="noise")
        assert records(table, "noise", "found", "share") == [["clean", "de", 1.0], ["noisy", "nl", 1.0]]
        with pytest.raises(InvalidInput, match=r"no axis 'snr'.*noise"):
            hints.languages(heard, spoken(a="de"), parameters=parameters, by="snr")

    @pytest.mark.parametrize(
        ("rows", "said", "message"),
        [
            ([("a", "x", "German")], {"a": "de"}, "detected_language holds 'German', which is no code"),
            ([("a", "x", "de")], {"a": "German"}, "spoken_language holds 'German'"),
            ([("b", "x", "de")], {"a": "de"}, "are of no utterance"),
        ],
    )
    def test_refused(self, rows, said, message):
        with pytest.raises(InvalidInput, match=message):
            self.found(rows, spoken(**said))

    def test_no_answers(self):
        table = hints.languages(transcripts([]), spoken(a="de"), parameters=sent(["a"]))
        assert table.empty
        assert list(table)[:3] == ["spoken_language", "found", "right"]
        with pytest.raises(InvalidInput, match="source must be"):
            hints.languages(transcripts([]), spoken(a="de"), parameters=sent(["a"]), source="ear")


def asked(rows):
    """Scores and parameters of (utterance, spoken, hint, errors of 4 words, or None where it failed)."""
    frame = pd.DataFrame(rows, columns=["utt_id", "spoken_language", "hint", "subs"])
    answered = frame["subs"].notna()
    subs = frame["subs"].astype("Int64")
    condition = frame["hint"].fillna("none")
    scores = frame.drop(columns="hint").assign(
        condition=condition,
        language=condition,
        unit="word",
        subs=subs,
        dels=subs * 0,
        ins=subs * 0,
        ref_len=subs * 0 + 4,
        state=np.where(answered, "answered", "failed"),
        form="spoken",
        normalizer="n",
        ties="jiwer",
    )
    return scores, frame[["utt_id", "hint"]].rename(columns={"hint": "language"}).assign(condition=condition)


class TestPairs:
    def test_by_hand(self):
        scores, parameters = asked(
            [
                *[("a", "de", None, 1), ("a", "de", "en", 4), ("a", "de", "de", 0)],
                *[("b", "de", None, 2), ("b", "de", "en", 2), ("b", "de", "de", 2)],
                *[("c", "es", None, 1), ("c", "es", "en", 0)],
            ]
        )
        table = hints.pairs(scores, parameters=parameters)
        columns = [
            "spoken_language",
            "hint",
            "right",
            "rate",
            "rate_unhinted",
            "delta",
            "n_pairs",
            "better",
            "worse",
            "tied",
        ]
        assert records(table, *columns) == [
            ["de", "de", True, 0.25, 0.375, -0.125, 2, 1, 0, 1],
            ["de", "en", False, 0.75, 0.375, 0.375, 2, 0, 1, 1],
            ["es", "en", False, 0.0, 0.25, -0.25, 1, 1, 0, 0],
        ]
        # Nobody looked at scripts and translations: that is not none.
        assert table[["script", "translation", "script_unhinted"]].isna().all(axis=None)

    def test_only_the_same_utterances_are_compared(self):
        scores, parameters = asked(
            [
                *[("a", "de", None, 0), ("a", "de", "en", 1)],
                *[("b", "de", "en", 4), ("c", "de", None, 4)],
                *[("d", "de", None, None), ("d", "de", "en", 4)],  # the unhinted one failed
            ]
        )
        (row,) = hints.pairs(scores, parameters=parameters).to_dict("records")
        assert (row["rate"], row["rate_unhinted"], row["n_pairs"], row["n_unpaired"]) == (0.25, 0.0, 1, 2)

    def test_languages_and_hints_without_a_pair_are_told(self):
        scores, parameters = asked([("a", "de", None, 0), ("a", "de", "en", 1), ("b", "fr", "en", 4)])
        columns = ["spoken_language", "hint", "n_pairs", "n_unpaired", "n_utts", "better", "ref_len"]
        table = hints.pairs(scores, parameters=parameters)
        assert records(table, *columns) == [["de", "en", 1, 0, 1, 0, 4], ["fr", "en", 0, 1, 0, 0, 0]]
        assert records(table, "rate", "rate_unhinted", "delta") == [[0.25, 0.0, 0.25], [None, None, None]]

    def test_shares_of_strayed_answers(self):
        heard = pd.DataFrame(
            {
                "utt_id": ["a", "a", "b", "b"],
                "condition": ["none", "en"] * 2,
                "text": [
                    *("der Hund schläft an der Tür", "the dog sleeps at the door"),
                    *["die Katze frisst im Garten"] * 2,
                ],
            }
        )
        said = heard[heard["condition"] == "none"].assign(language="de").drop(columns="condition")
        parameters = heard[["utt_id", "condition"]].assign(language=[None, "en"] * 2)
        scores = pd.concat([score(heard, said), hints.foreign(heard, said, parameters=parameters)])
        (row,) = hints.pairs(scores, parameters=parameters).to_dict("records")
        shares = [row[name] for name in ("script", "script_unhinted", "translation", "translation_unhinted")]
        assert shares == [0.0, 0.0, 0.5, 0.0]
        assert row["unit"] == "word"
        assert row["rate"] == pytest.approx(6 / 11)
        other = pd.concat([score(heard, said), hints.foreign(heard, said, parameters=parameters, form="best")])
        with pytest.raises(InvalidInput, match=r"form best, .*of unstated.*the same form="):
            hints.pairs(other, parameters=parameters)

    def test_two_levels_that_show_the_same_trial_are_one_question(self):
        scores, parameters = asked([("a", "de", None, 1), ("a", "de", "de", 0)])
        scores = scores.assign(trial=["t1", "t2"])
        again = scores[scores["condition"] == "de"].assign(condition="right", language="right")
        parameters = pd.concat([parameters, parameters[1:].assign(condition="right")])
        (row,) = hints.pairs(pd.concat([scores, again]), parameters=parameters).to_dict("records")
        assert row["n_pairs"] == 1
        # Without the trial nobody knows, whether their errors are equally many or not.
        for other in (again.assign(subs=2), again.assign(trial=None), again.assign(trial=None, subs=2)):
            with pytest.raises(InvalidInput, match=r"several answers with the same hint.*leave one out"):
                hints.pairs(pd.concat([scores, other]), parameters=parameters)
        with pytest.raises(InvalidInput, match="several answers with the same hint"):
            hints.pairs(pd.concat([scores, again]).assign(trial=None), parameters=parameters)

    def test_other_axes_and_parameters_must_agree(self):
        scores, parameters = asked([("a", "de", None, 1), ("a", "de", "de", 0)])
        with pytest.raises(InvalidInput, match="None of 1 answers with a hint has a partner"):
            hints.pairs(scores.assign(snr=[0, 10]), parameters=parameters)
        with pytest.raises(InvalidInput, match="None of 1 answers with a hint has a partner"):
            hints.pairs(scores, parameters=parameters.assign(context=["a", "b"]))
        assert len(hints.pairs(scores.assign(snr=[10, 10]), parameters=parameters.assign(context=["a", "a"]))) == 1

    def test_the_axis_of_the_hint_may_have_another_name(self):
        scores, parameters = asked([("a", "de", None, 1), ("a", "de", "de", 0)])
        renamed = scores.rename(columns={"language": "told"})
        with pytest.raises(InvalidInput, match="along="):
            hints.pairs(renamed, parameters=parameters)
        assert len(hints.pairs(renamed, parameters=parameters, along="told")) == 1

    def test_refused(self):
        scores, parameters = asked([("a", None, None, 1), ("a", None, "de", 0)])
        with pytest.raises(InvalidInput, match="spoken_language"):
            hints.pairs(scores, parameters=parameters)
        scores, parameters = asked([("a", "de", None, 1), ("a", "de", "German", 0)])
        with pytest.raises(InvalidInput, match="hint holds 'German'"):
            hints.pairs(scores, parameters=parameters)
        with pytest.raises(InvalidInput, match="needs the column"):
            hints.pairs(scores.drop(columns="unit"), parameters=parameters)

    @settings(deadline=None, max_examples=8)
    @given(
        st.lists(
            st.tuples(
                st.sampled_from("abcd"),
                st.sampled_from([None, "de", "en", "fr"]),
                st.one_of(st.none(), st.integers(0, 4)),
            ),
            unique_by=lambda row: row[:2],
            min_size=5,
        )
    )
    def test_against_loops(self, drawn):
        language = dict(zip("abcd", ("de", "en", "de", "fr"), strict=True))
        rows = [(utt, language[utt], hint, subs) for utt, hint, subs in drawn]
        plain = {utt: subs for utt, hint, subs in drawn if hint is None and subs is not None}
        expected = {}
        for utt, hint, subs in drawn:
            if hint is not None and subs is not None:
                cell = expected.setdefault((language[utt], hint), [0, 0, 0, 0])
                if utt not in plain:
                    cell[3] += 1
                    continue
                cell[0] += subs
                cell[1] += plain[utt]
                cell[2] += 4
        scores, parameters = asked(rows)
        if not any(length for _, _, length, _ in expected.values()):
            with pytest.raises(InvalidInput, match="None of"):
                hints.pairs(scores, parameters=parameters)
            return
        table = hints.pairs(scores, parameters=parameters)
        found = {(row["spoken_language"], row["hint"]): row for row in table.to_dict("records")}
        assert set(found) == set(expected)
        for pair, (errors, before, length, alone) in expected.items():
            assert (found[pair]["n_pairs"], found[pair]["n_unpaired"]) == (length / 4, alone)
            if not length:
                assert pd.isna([found[pair]["rate"], found[pair]["delta"]]).all()
                continue
            assert found[pair]["rate"] == pytest.approx(errors / length)
            assert found[pair]["rate_unhinted"] == pytest.approx(before / length)


class TestForeign:
    def test_is_a_table_of_scores(self):
        heard = pd.DataFrame({"utt_id": ["a", "b"], "text": ["привет вам всем", None], "state": ["answered", "failed"]})
        said = pd.DataFrame({"utt_id": ["a", "b"], "text": ["hello to all", "yes"], "language": "en", "speaker": "s"})
        table = hints.foreign(heard, said, missing="drop", only="script")
        assert records(table, "utt_id", "unit", "hits", "subs", "ref_len", "block") == [
            ["a", "script", 0, 1, 1, "speaker:s"],
            ["b", "script", None, None, None, "speaker:s"],
        ]
        with pytest.raises(InvalidInput, match="not there to mark"):
            hints.foreign(heard, said, only="script")
        with pytest.raises(InvalidInput, match="no answer is no other language"):
            hints.foreign(heard, said, missing="all-deleted")
        with pytest.raises(InvalidInput, match="only must name"):
            hints.foreign(heard, said, missing="drop", only=["leak"])

    def test_nearest_form_and_axes(self):
        heard = pd.DataFrame(
            {"utt_id": ["a"] * 2, "text": ["5 Uhr", "пять часов ровно"], "condition": ["x", "y"], "snr": [1, 2]}
        )
        said = pd.DataFrame({"utt_id": ["a"] * 2, "text": ["fünf Uhr", "5 Uhr"], "form": ["spoken", "written"]})
        table = hints.foreign(heard, said.assign(language="de"), form="best", only="script")
        assert records(table, "snr", "subs") == [[1, 0], [2, 1]]
