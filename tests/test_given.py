"""What is given to be marked: what is no table, text or option is refused, with what is wanted."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import asrlab as lab
from asrlab.errors import InvalidInput
from asrlab.scoring.given import numbers_of
from asrlab.scoring.marking import score


@pytest.mark.parametrize("options", [{}, {"to": "scores"}])
def test_names_of_what_is_stored_are_not_marked_as_texts(options, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    said = pd.DataFrame({"utt_id": ["a", "b"], "text": ["x", "y"]})
    for name in ("my heard", "my said"):
        said.to_parquet(f"{name}.parquet")
        Path(name).mkdir()
        said.to_parquet(f"{name}/1.parquet")
    with pytest.raises(InvalidInput, match=r"'my heard' and 'my said' are there as files or folders.*pathlib\.Path"):
        score("my heard", "my said", **options)
    for of_files in (score("my heard.parquet", "my said.parquet"), score(Path("my heard"), Path("my said"))):
        assert of_files["utt_id"].tolist() == ["a", "b"]
    assert score("my heard", "my saint")["subs"].tolist() == [1]  # texts
    assert score(["my heard"], ["my said"])["subs"].tolist() == [1]


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"normalizer": str.lower}, r"normalizer= takes a name, .*Normalizer\(\"mine-1\""),
        ({"normalizer": 5}, "normalizer= takes a name"),
        ({"normalizer": ["en"]}, r"not \['en'\]"),
        ({"normalizer": {"en": str.lower, "": "none"}, "language": "en"}, "normalizer= takes a name"),
        ({"unit": ["word"]}, r"unit must be one of .*not \['word'\]"),
        ({"form": ["spoken"]}, r"form takes the name of a form, .*not \['spoken'\]"),
        ({"language": ["en"]}, r"language takes one language code, .*not \['en'\]"),
    ],
)
@pytest.mark.parametrize("where", [{}, {"to": "scores"}])
def test_options_of_another_kind(options, says, where, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InvalidInput, match=says):
        score(["x"], ["y"], **options, **where)
    assert not list(tmp_path.iterdir())


def test_a_normalizer_is_had_by_name():
    with pytest.raises(InvalidInput, match=r"normalizer\(\) takes a name"):
        lab.normalizer(5)


NO_TEXTS = {
    "dict": {"transcript": "hi there"},
    "list": ["hi there"],
    "bytes": b"hi there",
    "flag": True,
    "time": dt.datetime(2020, 1, 1),
    "date": dt.date(2020, 1, 1),
}


@pytest.mark.parametrize("name", ["utt_id", "text", "condition"])
@pytest.mark.parametrize("kind", NO_TEXTS)
def test_what_is_no_text_is_not_marked_by_its_repr(kind, name, tmp_path):
    said = pd.DataFrame({"utt_id": ["a", "b"], "text": ["x", "y"]})
    heard = pd.DataFrame({"utt_id": ["a", "b"], "text": ["x", "y"], "condition": ["p", "p"]}, dtype=object)
    heard[name] = pd.Series([None, NO_TEXTS[kind]], dtype=object)
    pq.write_table(pa.Table.from_pandas(heard), tmp_path / "heard.parquet")
    says = rf"Column {name} of the transcripts table \(.*\) must be string, and holds .*Write it as text"
    with pytest.raises(InvalidInput, match=says):
        score(heard, said, missing="drop")
    with pytest.raises(InvalidInput, match=says):
        score(heard.infer_objects(), said, missing="drop")
    for options in ({}, {"to": tmp_path / "scores"}):
        with pytest.raises(InvalidInput, match=says):
            score(tmp_path / "heard.parquet", said, missing="drop", **options)


@pytest.mark.parametrize("value", [{"x"}, ("x",), np.array(["x"]), np.True_, np.datetime64("2020"), pd.Timedelta("1s")])
def test_other_things_that_are_no_texts(value):
    said = pd.DataFrame({"utt_id": ["a"], "text": ["x"]})
    for given in (pd.Series([value], dtype=object), pd.Categorical(pd.Series([value], dtype=object).map(repr))):
        heard = said.assign(text=given)
        if isinstance(given, pd.Categorical):
            assert score(heard, said)["ref_len"].tolist() == [1]
        else:
            with pytest.raises(InvalidInput, match="Column text of the transcripts table"):
                score(heard, said)


def test_levels_that_are_no_texts_are_refused_if_they_are_used():
    said = pd.DataFrame({"utt_id": ["a"], "text": ["x"]})
    with pytest.raises(InvalidInput, match="must be string, and holds True"):
        score(said.assign(condition=pd.Categorical([True], [False, True])), said)
    assert score(said.assign(condition=pd.Categorical([3], [3])), said)["condition"].tolist() == ["3"]


@pytest.mark.parametrize("value", [5, 5.5, Decimal("5.5"), np.int64(5), np.float32(5.5)])
def test_numbers_are_taken_as_they_are_written(value):
    said = pd.DataFrame({"utt_id": ["a", "b"], "text": ["x", "y"]})
    for dtype in (None, object):
        heard = said.assign(text=pd.Series([value, value], dtype=dtype))
        assert score(heard, said)["subs"].tolist() == [1, 1]
    gaps = said.assign(condition=pd.Series([pd.NaT, pd.NaT]), text=pd.Series([None, value], dtype=object))
    assert score(gaps, said, missing="drop")["state"].tolist() == ["failed", "answered"]


@pytest.mark.parametrize("codes", [[[2, -1, 2, -1]], [[0, 1, 0, 1], [1, -1, 1, -1]], [[1, -3, 1], [-1, 1, 0]], [[]]])
def test_numbers_of_any_codes_come_in_order(codes):
    made = numbers_of(np.zeros(len(codes[0]), np.int64), *(np.array(code, np.int64) for code in codes))
    wanted = pd.factorize(pd.Series(list(zip(*codes, strict=True)), dtype=object))[0]
    assert made.tolist() == wanted.tolist()


@pytest.mark.parametrize("name", ["utt_id", "text"])
def test_stored_texts_that_are_not_utf_8(name, tmp_path):
    said = pd.DataFrame({"utt_id": ["a", "b"], "text": ["x", "y"]})
    bad = pa.array([b"a", b"\xff\xfe"]).view(pa.string())
    pq.write_table(pa.table({"utt_id": ["a", "b"], "text": ["x", "y"], name: bad}), tmp_path / "bad.parquet")
    for given in ((tmp_path / "bad.parquet", said), (said, tmp_path / "bad.parquet")):
        for options in ({}, {"to": tmp_path / "scores"}):
            with pytest.raises(InvalidInput, match=r"bad\.parquet holds what is no text in UTF-8"):
                score(*given, **options)


@pytest.mark.parametrize("spread", [1, 3, 50])  # all of them, one in three, and so few that a table of them is too long
@pytest.mark.parametrize("order", ["as they come", "again and again", "mixed"])
def test_many_numbers_are_as_pandas_numbers_them(order, spread):
    many = np.arange(20_000) * spread
    code = {"as they come": many, "again and again": np.tile(many, 3)}.get(order)
    if code is None:
        code = np.random.default_rng(1).choice(many, 60_000)
    found = numbers_of(np.zeros(len(code), np.int64), code)
    assert found.tolist() == pd.factorize(code)[0].tolist()
