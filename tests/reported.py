"""A small sweep to be reported on: eight speakers, two contexts, number forms off and on, with sound."""

from __future__ import annotations

import json
from types import SimpleNamespace

import numpy as np
import pandas as pd
import soundfile

import asrlab as lab
from asrlab import tables

SAID = "we met mister Kestrel at the harbour number {n}"
HEARD = {
    ("none", "off"): "we met mister castle at the harbour number {n}",
    ("none", "on"): "we met mister castle at harbour number {n}",
    ("terms", "off"): "we met mister Kestrel at the harbour number {n}",
    ("terms", "on"): "we met mister Kestrel at the old harbour number {n}",
}
#: What others may write.
HOSTILE = [
    "<script>window.pwned=1</script>",
    "\"'><img src=x onerror=window.pwned=1>",
    "</td></tr></table></section><style>*{}</style>",
    "$x_1$ & &lt; | ` ``` ~~no~~ **b** [a](javascript:alert(1)) ![i](x) <!-- c --> https://x.test a@x.test www.x.test",
    "# no heading\n- no list\n1. nor this\n    nor code\n> nor a quote\n---\n===",
    "\u202eשלום\u2066 سلام",
    "😀 盱眙 ก็",
    "a\nb\x00\x1b[31m",
    "x" * 10_000,
]


def dataset(folder, *, name="harbour", card=True, sound=True, rename=str, said=SAID):
    """Write and load the recordings; ``rename`` makes a speaker's name of another."""
    folder = folder / name
    folder.mkdir()
    rng = np.random.default_rng(3)
    rows = []
    for n in range(8):
        if sound:
            soundfile.write(folder / f"u{n}.wav", 0.1 * rng.standard_normal(16_000), 4_000)
        rows.append(
            {"id": f"u{n}", "audio": f"u{n}.wav", "language": "en", "duration_s": 4.0, "text": said.format(n=n)}
        )
        rows[-1]["speaker"] = rename(f"s{n}")
    (folder / "manifest.jsonl").write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    if card:
        (folder / "README.md").write_text("# harbour\n\nEight *noises*.\n\nMore.\n", encoding="utf-8")
    return lab.load_dataset(folder)


def transcripts(heard=HEARD, ids=range(8), **more):
    """Give what was heard under each setting; of u7 nothing came back with terms, which failed."""
    rows = [
        {
            "trial": f"t{n}-{context}-{itn}",
            "utt_id": f"u{n}",
            "condition": f"context={context}, enable_itn={itn}",
            "repeat": 0,
            "channel": 0,
            "state": "answered",
            "text": text.format(n=n) if n != 2 else "we met",
            "audio_s": 4.0,
            "attempts": 1,
            "submitted_at": f"2026-11-0{n + 1}T10:00:00Z",
            "context": context,
            "enable_itn": itn,
        }
        for n in ids
        for (context, itn), text in heard.items()
    ]
    frame = tables.check(pd.DataFrame(rows), "transcripts", required=())
    lost = (frame["utt_id"] == "u7") & (frame["context"] == "terms")
    frame.loc[lost, "state"] = "failed"
    frame.loc[lost, "text"] = pd.NA
    frame.loc[lost, "error_code"], frame.loc[lost, "error"] = "Busy", "try <later>"
    return frame.assign(**more)


def sweep(frame, about=None, **more):
    """Give a sweep of these transcripts."""
    axes = [name for name in ("condition", "context", "enable_itn") if name in frame]
    settings = frame[axes].drop_duplicates().reset_index(drop=True)
    told = {"dataset": "harbour", "engine": "engine local, model tiny", **(about or {})}
    return SimpleNamespace(**{"transcripts": frame, "conditions": settings, "about": told, "dataset": None, **more})


def marked(frame, known, **how):
    """Mark transcripts."""
    return lab.score(frame, known, missing="drop", **how)
