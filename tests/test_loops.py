"""Loops and invention: cases by hand, what must not be flagged, and a small planted corpus."""

from __future__ import annotations

import pandas as pd
import planted
import pytest

from asrlab.scoring.flags.flags import flags
from asrlab.scoring.flags.invention import syllables

SAID = "we met at nine today"


def found(heard, said, only="loop", **options):
    """The flags of one answer."""
    heard = pd.DataFrame(
        {"utt_id": ["a"], "text": [heard], **{k: options.pop(k) for k in ("audio_s",) if k in options}}
    )
    said = None if said is None else pd.DataFrame({"utt_id": ["a"], "text": [said], **options})
    return flags(heard, said, only=only)


@pytest.mark.parametrize(
    ("heard", "said", "copies", "begin", "end"),
    [
        ("we met at at at at at at nine today", SAID, 6, 2, 8),
        ("thank you thank you thank you thank you", "", 4, 0, 8),
        (" ".join([SAID] * 3), SAID, 3, 0, 15),
        ("we met at nine at nine at nine at nine today", SAID, 4, 2, 10),
        ("no " * 20, "no no no", 20, 0, 20),
        ("okay so okay so okay so okay so", "good morning everyone", 4, 0, 8),
    ],
    ids=["word", "silence", "sentence", "middle", "longer than said", "instead"],
)
def test_words_again_and_again(heard, said, copies, begin, end):
    (row,) = found(heard, said).to_dict("records")
    assert (row["value"], row["begin"], row["end"]) == (copies, begin, end)


@pytest.mark.parametrize(
    ("heard", "said"),
    [
        ("no no no no no no", "no no no no no no"),
        ("ha ha ha ha ha", "ha ha ha"),
        ("okay okay okay okay", "okay okay okay okay"),
        ("I I I think so", "I think so"),
        ("yeah yeah yeah yeah yeah", "yes yes yes yes yes"),
        ("Anna here Ben here Carl here Dora here", "Anna here Ben here Carl here Dora here"),
        ("call five five five zero one zero zero zero", "call 555 0100"),
        ("it cost 1000000 euros", "it cost one million euros"),
        ("we met we met at nine today", SAID),
        ("", SAID),
        ("we met at nine today", SAID),
    ],
)
def test_what_was_said_again_and_again_is_no_loop(heard, said):
    assert found(heard, said).empty


@pytest.mark.parametrize(
    ("heard", "said", "loop"),
    [
        ("谢谢谢谢谢谢谢谢谢谢", "", True),
        ("今天天气很好" + "好的" * 6, "今天天气很好", True),
        ("今天天气很好" * 3, "今天天气很好", True),
        ("哈哈哈哈", "哈哈", False),
        ("哈哈哈哈哈", "哈哈哈哈哈", False),
        ("谢谢谢谢大家", "谢谢谢谢大家", False),
        ("我的号码是13800000000", "我的号码是13800000000", False),
        ("今天WiFiWiFiWiFiWiFiWiFiWiFi很好", "今天很好", True),
    ],
)
def test_chinese(heard, said, loop):
    assert found(heard, said, language="zh").empty != loop


def test_thai_and_words_without_spaces():
    assert not found("สวัสดีครับ" * 5, "สวัสดีครับ", language="th").empty
    assert found("สวัสดีครับ", "สวัสดีครับ", language="th").empty
    assert not found("we met hahahahahahahahahaha at nine", "we met at nine").empty
    assert found("a " + "ha" * 8, "a " + "ha" * 8).empty


def test_a_loop_may_change_from_copy_to_copy():
    heard = "we met at nine on monday we met at nine on tuesday we met at nine on sunday we met at nine on monday"
    (row,) = found(heard, "we met at nine on monday").to_dict("records")
    assert row["value"] >= 3


def test_a_loop_beside_what_was_said_again_and_again():
    said = f"{'no ' * 10}{SAID}"
    (row,) = found(said.replace("at", "at at at at at"), said).to_dict("records")
    assert (row["begin"], row["end"]) == (12, 17)


def test_without_a_reference_more_copies_are_needed():
    assert found("no no no no", None).empty
    assert not found("no no no no no no no", None).empty


def test_compression():
    assert found("thank you " * 4, "", "compression").empty
    (row,) = found("okay " * 30, "", "compression").to_dict("records")
    assert row["value"] > 2.4
    long = " ".join(planted.sentences().query("language == 'en'")["sentence"]) * 2
    assert found(long, long, "compression").empty
    thai = "".join(planted.sentences().query("language == 'th'")["sentence"])
    assert found(thai, "", "compression").empty


def test_insertions_between_right_words():
    heard = "we met one two three four five at nine today"
    (row,) = found(heard, SAID, "insertions").to_dict("records")
    assert (row["value"], row["begin"], row["end"], row["evidence"]) == (5, 2, 7, "one two three four five")
    assert found("we met one two three four at nine today", SAID, "insertions").empty
    (row,) = found("x we y met z at a nine b c today", SAID, "insertions").to_dict("records")
    assert (row["value"], pd.isna(row["begin"])) == (6, True)
    assert found("今天一二三四五六七天气很好", "今天天气很好", "insertions", language="zh").empty
    assert len(found("今天我你他她它谁哪什天气很好", "今天天气很好", "insertions", language="zh")) == 1


def test_silence():
    (row,) = found("thank you.", "", "silence").to_dict("records")
    assert (row["value"], row["begin"], row["end"], row["evidence"]) == (2, 0, 2, "thank you.")
    assert found("", "", "silence").empty
    assert found("thank you", None, "silence").empty  # nobody knows
    assert found("...", "", "silence").empty


def test_rate():
    fast = "this is what nobody could have said in the time that there was " * 3
    assert not found(fast, fast, "speech rate", audio_s=[2.0]).empty
    assert found(fast, fast, "speech rate", audio_s=[12.0]).empty
    for unknown in ([None], [float("nan")], [0.0]):
        assert found(fast, fast, "speech rate", audio_s=pd.array(unknown, dtype="Float64")).empty
    assert found("yes", "yes", "speech rate", audio_s=[0.05]).empty
    assert not found("今天天气很好" * 5, "今天天气很好" * 5, "speech rate", audio_s=[2.0], language="zh").empty


def test_syllables_are_estimated_from_below():
    assert syllables("今天25") == 4
    counted = {"strength": 1, "banana": 3, "Geschwindigkeit": 4, "casa": 2}
    assert all(syllables(word) <= n + 1.5 for word, n in counted.items())


def test_the_length_is_that_of_the_dataset_or_shared_by_channels():
    text = "this is what nobody could have said in the time that there was"
    heard = pd.DataFrame({"utt_id": "a", "channel": [0, 1], "text": text, "audio_s": 4.0})
    said = pd.DataFrame({"utt_id": "a", "channel": [0, 1], "text": text})
    assert flags(heard, said, only="speech rate").empty == (syllables(text) <= 20)
    assert flags(heard.assign(audio_s=2.0), said, only="speech rate")["channel"].tolist() == [0, 1]


def test_planted_loops_are_found_and_nothing_else():
    planter = planted.Planter(1002, 0)
    for draw, least, most in ((planter.loop, 0.95, 1), (planter.no_loop, 0, 0.02)):
        heard, said, _ = planted.tables([draw() for _ in range(150)])
        table = flags(heard, said, only="loop", normalizer="auto+script=fold")
        assert least <= heard["utt_id"].isin(table["utt_id"]).mean() <= most


@pytest.mark.parametrize(
    ("said", "heard", "language"),
    [
        ("my pin is 55555 thanks", "my pin is five five five five five thanks", "en"),
        ("twenty chairs. 00000", "twenty chairs. zero zero zero zero zero", "en"),
        ("号码是55555555谢谢", "号码是五五五五五五五五谢谢", "zh"),
    ],
)
def test_figures_that_are_said_digit_by_digit_are_no_loop(said, heard, language):
    assert found(heard, said, language=[language]).empty
    # More of them than were said are one.
    more = heard.replace("five", "five five").replace("zero", "zero zero").replace("五", "五五")
    assert not found(more, said, language=[language]).empty
