"""Makes the files beside it with lhotse 1.33: ``pip install lhotse urllib3``, ``python make.py``."""

from pathlib import Path

import numpy as np
import soundfile
from lhotse import CutSet, MonoCut, MultiCut, Recording, RecordingSet, SupervisionSegment, SupervisionSet
from lhotse.audio import AudioSource
from lhotse.cut import PaddingCut

HERE = Path(__file__).parent


def recording(name, seconds, channels=1):
    path = HERE / f"{name}.flac"
    soundfile.write(path, np.zeros((int(seconds * 8000), channels)), 8000)
    made = Recording.from_file(path, recording_id=name)
    path.unlink()
    source = AudioSource("file", made.sources[0].channels, f"audio/{name}.flac")
    return Recording(name, [source], made.sampling_rate, made.num_samples, made.duration, made.channel_ids)


def said(name, of, start, duration, text, speaker=None, *, channel=0, **more):  # noqa: PLR0917
    return SupervisionSegment(name, of, start, duration, channel, text, "en", speaker, **more)


one, long, call = recording("one", 2), recording("long", 9), recording("call", 5, 2)
texts = [
    said("one-1", "one", 0, 2, "good morning", "anna", gender="female", custom={"topic": "greeting"}),
    said("long-1", "long", 1, 2, "first words", "anna"),
    said("long-2", "long", 3.5, 2.5, "second words", "bob"),
    said("long-3", "long", 7, 1, None, "bob"),
    said("call-1", "call", 0.5, 1.5, "hello", "anna", channel=0),
    said("call-2", "call", 2, 2.5, "who is there", "bob", channel=1),
]
recordings, supervisions = RecordingSet.from_recordings([one, long, call]), SupervisionSet.from_segments(texts)
whole = CutSet.from_manifests(recordings=recordings, supervisions=supervisions)
trimmed = whole.trim_to_supervisions(keep_overlapping=False).filter(lambda cut: cut.supervisions[0].text).to_eager()

recordings.to_file(HERE / "set_recordings.jsonl.gz")
supervisions.to_file(HERE / "set_supervisions.jsonl.gz")
whole.to_file(HERE / "whole_cuts.jsonl.gz")
trimmed.to_file(HERE / "trimmed_cuts.jsonl")
padding = PaddingCut("pad", 1.0, 8000, -23, num_samples=8000)
CutSet.from_cuts([*whole.subset(first=1), padding]).to_file(HERE / "padding_cuts.jsonl")
CutSet.from_cuts([whole["one-0"].pad(3)]).to_file(HERE / "mixed_cuts.jsonl")
CutSet.from_cuts([whole["one-0"].perturb_speed(1.1)]).to_file(HERE / "speed_cuts.jsonl")
linked = Recording("web", [AudioSource("url", [0], "https://example.org/web.flac")], 8000, 16000, 2.0)
CutSet.from_cuts([MonoCut("web", 0, 2, 0, [said("web", "web", 0, 2, "on the web")], recording=linked)]).to_file(
    HERE / "url_cuts.jsonl"
)
run = Recording("run", [AudioSource("command", [0], "touch pwned")], 8000, 16000, 2.0)
CutSet.from_cuts([MonoCut("run", 0, 2, 0, [], recording=run)]).to_file(HERE / "command_cuts.jsonl")
apart = Recording(
    "apart",
    [AudioSource("file", [0], "audio/left.flac"), AudioSource("file", [1], "audio/right.flac")],
    8000,
    16000,
    2.0,
)
CutSet.from_cuts(
    [
        MonoCut("left", 0, 2, 0, [said("l", "apart", 0, 2, "left")], recording=apart),
        MonoCut("right", 0.5, 1.5, 1, [said("r", "apart", 0, 1.5, "right", channel=1)], recording=apart),
        MultiCut("both", 0, 2, [0, 1], [], recording=apart),
    ]
).to_file(HERE / "apart_cuts.jsonl")
