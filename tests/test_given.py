"""What is given to be marked: what is no table, text or option is refused, with what is wanted."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

import asrlab as lab
from asrlab.errors import InvalidInput
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
