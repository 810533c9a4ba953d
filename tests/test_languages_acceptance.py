"""The presets of the 27 languages on real references, run by `make acceptance`."""

from __future__ import annotations

import os

import pandas as pd
import pytest
from drawn_texts import chains

import asrlab as lab
from asrlab.normalize import normalizer, normalizer_for
from asrlab.normalize.numbers import has_number_forms

pytestmark = pytest.mark.acceptance


def test_twice_is_once_for_real_references():
    folder = os.environ.get("ASRLAB_SPEECH")
    if not folder:
        pytest.skip("name a folder with a manifest.jsonl: make acceptance SPEECH=FOLDER")
    ds = lab.load_dataset(folder)
    said = ds.references.merge(ds.utterances[["utt_id", "language"]], on="utt_id")
    changed = []
    for language, texts in said.groupby("language")["text"]:
        preset = normalizer_for(language).name.removesuffix("-2")
        numbers = has_number_forms(preset)
        for chain in (*chains(preset), *((normalizer(preset, numbers=True),) if numbers else ())):
            once = texts.map(chain)
            again = once.map(chain)
            assert once.equals(again), f"{chain.name}: {once[once != again].tolist()}"
            assert once.ne("").all()
            changed.append((language, len(texts), chain.name, int((once != texts).sum())))
    table = pd.DataFrame(changed, columns=["language", "texts", "normalizer", "changed"])
    table["normalizer"] = table["normalizer"].str.replace(r"^.*?-2", "", regex=True).replace("", "(preset)")
    wide = table.pivot(index=["language", "texts"], columns="normalizer", values="changed").astype("Int64")
    print(f"\n{wide.to_string(na_rep='')}\n{len(said)} texts, {table['changed'].sum()} changes, twice is once")
