"""A sweep over a few tones, whose foreign texts are harmless or hostile: the two differ in nothing but how they read.

Imported by tests and, in their servers' kernels, by the notebooks that they open.
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import soundfile

from asrlab.data.loading import load_dataset
from asrlab.engines.base import UNWATCHED, Answer, Capabilities, Engine, Sentence, Transcript, Word
from asrlab.errors import TaskFailed
from asrlab.sweep.grid import grid
from asrlab.sweep.sweep import Sweep

SECONDS = 4.0
#: What others may have written. A harmless twin has letters or ~ in place of each sign that could do something.
HOSTILE = {
    "script": "<script>window.pwned=1</script>",
    "image": "<img src=x onerror=window.pwned=2>",
    "cell": "</td></tr></table></div></p>",
    "quotes": "\"'><svg onload=window.pwned=3>",
    "link": "<img src=https://example.org/x.png>",
    "opened": "<details open ontoggle=window.pwned=4>",
    "over": "<b onmouseover=window.pwned=5 onfocus=window.pwned=5 tabindex=0>",
    "frame": '<iframe srcdoc="<script>parent.pwned=6</script>"></iframe>',
    "directions": "\u202e\u2066\u200f right to left \u2069",
    "math": "$x_1$ and $$y$$ \\(z\\) \\href{javascript:window.pwned=7}{q}",
}
_TWIN = str.maketrans(dict.fromkeys("<>\"'&=/$\\{}\u202e\u2066\u200f\u2069", "~"))


def texts(*, hostile):
    """Give the texts by name, or their harmless twins."""
    return HOSTILE if hostile else {name: text.translate(_TWIN) for name, text in HOSTILE.items()}


def said(texts):
    """Give the rows of the manifest, whose file names, ids, tags, speakers and references hold such texts."""
    rows = [
        ("mall", "she went to the mall today", "en", "ann", ["shop"]),
        ("harbour", "the old harbour lay quiet", "en", "bo", ["sea", "old"]),
        ("weather", "今天天气很好", "zh", "chen", ["weather"]),
        (
            "tags " + texts["cell"].replace("/", "|"),
            f"one {texts['script']} two",
            "en",
            texts["quotes"],
            [texts["opened"]],
        ),
        (
            "image " + texts["link"].replace("/", "|"),
            f"three {texts['math']} four",
            "en",
            texts["image"],
            [texts["frame"]],
        ),
        ("long", "long text", "en", "ann", ["long"]),
    ]
    names = ("utt_id", "text", "language", "speaker", "tags")
    return [dict(zip(names, row, strict=True)) for row in rows]


def heard(texts):
    """Give what is heard, by place in the manifest, without a context and with one; an exception fails."""
    return {
        0: ("she went to the small today", "she went to the mall today"),
        1: ("the old harbor lay quite", "the old harbour lay quite still"),
        2: ("今天天汽很好", "今天天气很好"),
        3: (f"one {texts['script']} {texts['image']} {texts['cell']} two", f"one {texts['directions']} two"),
        4: (TaskFailed(texts["frame"], code="UNKNOWN"), f"three {texts['math']} {texts['link']} four"),
        5: ("x" * 10_000, ""),
    }


class Parrot(Engine):
    """Hears what it is told to, with times of words spread evenly."""

    name = "parrot"
    free = True
    capabilities = Capabilities(frozenset({"context", "enable_words"}), frozenset())

    def __init__(self, answers):
        self._answers = answers

    @property
    def identity(self):
        return {"engine": self.name, "model": "parrot", "version": "1", "region": "nowhere"}

    async def transcribe(self, question, steps=UNWATCHED):
        place = int(Path(question.audio).name.split("-")[0])
        text = self._answers[place][question.parameters.context is not None]
        if isinstance(text, Exception):
            raise text
        units = text.split() if text.isascii() or " " in text else list(text)
        step = SECONDS * 1000 / max(len(units), 1)
        words = tuple(Word(round(k * step), round((k + 1) * step), unit) for k, unit in enumerate(units))
        sentences = (Sentence(0, int(SECONDS * 1000), text, None, words),) if text else ()
        return Answer((Transcript(0, text, None, sentences),), SECONDS, "parrot 1")


def dataset(folder, *, hostile):
    """Write the recordings and the manifest into a new folder; file names are foreign texts too."""
    folder = Path(folder)
    folder.mkdir(parents=True)
    written = texts(hostile=hostile)
    names = [written[name].replace("/", "|") for name in ("image", "script", "quotes", "link", "over", "opened")]
    rows = said(written)
    for place, (row, name) in enumerate(zip(rows, names, strict=True)):
        row["audio"] = f"{place}-{name}.wav"
        tone = 0.1 * np.sin(np.arange(int(SECONDS * 8000)) * (0.2 + 0.05 * place))
        soundfile.write(folder / row["audio"], tone, 8000)
    (folder / "manifest.jsonl").write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    return load_dataset(folder)


def sweep(folder, *, hostile=False):
    """Run the sweep, or open it where that was done."""
    folder = Path(folder)
    asked = load_dataset(folder / "set") if (folder / "set").is_dir() else dataset(folder / "set", hostile=hostile)
    label = "terms " + texts(hostile=hostile)["over"]
    conditions = grid(context={"none": None, label: "names"}, enable_words=True)
    made = Sweep(asked, Parrot(heard(texts(hostile=hostile))), conditions, store=folder / "run")
    if not (folder / "run").is_dir():  # each run is told in the provenance
        made.run(progress=False)
    return made
