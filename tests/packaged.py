"""What an installed asrlab must be able to do, by a process of that install: `python -I packaged.py core FOLDER`.

Needs nothing but asrlab. Prints one JSON object: for `core` what came of every stage, for `local` what this machine's
recognisers heard of a recording, for `extras` which extra was named where one is missing.
"""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path

import numpy as np
import soundfile

import asrlab as lab
from asrlab.errors import AsrlabError

SAID = "the committee approved the budget for a new bridge near Kestrel and the old mill"


def corpus(folder: Path) -> lab.Dataset:
    """Write eight speakers' recordings, which differ, and a manifest."""
    rng = np.random.default_rng(7)
    rows = []
    for n in range(24):
        name = f"u{n:02}.wav"
        soundfile.write(folder / name, 0.1 * rng.standard_normal(80_000), 16_000)
        said = " ".join(rng.permutation(SAID.split()))
        rows.append({"utt_id": f"u{n:02}", "audio": name, "language": "en", "speaker": f"s{n % 8}", "text": said})
    (folder / "manifest.jsonl").write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    return lab.load_dataset(folder)


def helped(asked):
    """Make a third of the words wrong, and none where a context is given."""
    return 0.0 if asked.context else 0.33


def core(folder: Path) -> dict[str, object]:
    """Go through every stage once, from a manifest to a report."""
    from asrlab import plot
    from asrlab.data.audio import digest

    ds = corpus(folder)
    said = ds.references.set_index("utt_id")["text"]
    texts = {digest(ds.audio_path(name)): text for name, text in said.items()}
    engine = lab.engine("scripted", texts=texts, substitutions=helped, label="helped")
    conditions = lab.grid(context={"none": None, "terms": "Kestrel"})
    sweep = lab.Sweep(ds, engine, conditions, store=folder / "store")
    planned = repr(sweep.plan())
    sweep.run(progress=False)
    sweep.save_replay(folder / "replay.jsonl")
    again = lab.open_sweep(folder / "replay.jsonl", ds)
    scores = lab.score(again.transcripts, ds, normalizer="auto+numbers")
    rates = lab.summarize(scores, by=["context"])
    effect = lab.compare(scores, along="context", baseline="none")
    plot.deltas(effect).figure.savefig(folder / "deltas.svg")
    report = lab.Report(sweep, scores, rates, effect).save(folder / "report.html")
    return {
        "file": lab.__file__,
        "findings": ds.check().counts,
        "planned": planned,
        "store": sweep.verify(),
        "digests": [sweep.digest, again.digest],
        "rates": rates.set_index("context")["rate"].round(3).to_dict(),
        "sentences": [str(said) for said in lab.sentences(effect)],
        "figure": (folder / "deltas.svg").stat().st_size,
        "report": Path(report).stat().st_size,
        "explorer": repr(lab.explore(sweep, scores)),
        "errors": len(lab.edits(sweep.transcripts, ds)),
        "chinese": lab.normalizer("zh", numbers=True)("五十八歲"),
    }


def local(folder: Path) -> dict[str, object]:
    """Hear one recording by each recogniser of this machine, on disk and through the service, also as Opus."""
    recording = Path(shutil.copy(sys.argv[3], folder))
    row = {"utt_id": "u", "audio": recording.name, "language": "en"}
    (folder / "manifest.jsonl").write_text(json.dumps(row), encoding="utf-8")
    ds = lab.load_dataset(folder)
    heard = {}
    for name in ("whisper", "sphinx", "local"):
        grid = lab.grid(enable_itn=[True], codec=[None, "opus-24k"] if name == "whisper" else [None])
        sweep = lab.Sweep(ds, lab.engine(name), grid, store=folder / name)
        sweep.run(progress=False)
        heard[name] = sweep.transcripts["text"].tolist()
    return heard


def extras(folder: Path) -> dict[str, object]:
    """Ask for all that needs an extra, and tell what was raised."""
    ds = corpus(folder)
    (folder / "a.webm").write_bytes(b"\x1a\x45\xdf\xa3" + bytes(500))
    webm = folder / "webm.jsonl"
    webm.write_text(json.dumps({"utt_id": "w", "audio": "a.webm", "language": "en"}), encoding="utf-8")

    def asked(engine):
        lab.Sweep(ds, engine, lab.grid(enable_itn=[True]), store=folder / "asked").run(progress=False)

    def served():
        with lab.serve():
            pass

    wanted = {
        "Whisper": lambda: asked(lab.engine("whisper")),
        "pocketsphinx": lambda: asked(lab.engine("sphinx")),
        "the local service": lambda: asked(lab.engine("local")),
        "serving": served,
        "a codec": lambda: ds.perturb(codec="opus-24k").audio_path("u00"),
        "WebM": lambda: lab.load_dataset(webm).measure(),
        **{
            f"numbers in {code}": lambda code=code, said=said: lab.normalizer(code, numbers=True)(said)
            for code, said in (
                *(("de", "zwanzig"), ("es", "veinte"), ("fr", "vingt")),
                *(("it", "venti"), ("pt", "vinte"), ("ru", "двадцать")),
            )
        },
        "a dataset by HTTP": lambda: lab.load_dataset("http://127.0.0.1:9/corpus.jsonl"),
        "a dataset on S3": lambda: lab.load_dataset("s3://bucket/corpus"),
        "a dataset written to S3": lambda: ds.write("s3://bucket/corpus"),
        "a store on S3": lambda: lab.Sweep(ds, lab.engine("scripted"), lab.grid(), store="s3://bucket/run").plan(),
        "a stored sweep on S3": lambda: lab.open_sweep("s3://bucket/run", ds),
        "scores of answers on S3": lambda: lab.score("s3://bucket/transcripts.parquet", ds),
        "a summary of scores on S3": lambda: lab.summarize("s3://bucket/scores.parquet"),
    }
    return {name: outcome(ask) for name, ask in wanted.items()}


def outcome(ask) -> list[str]:
    """Give the name of what is raised, and its message."""
    try:
        ask()
    except AsrlabError as error:
        return [type(error).__name__, str(error)]
    except Exception as error:
        return [type(error).__name__, repr(error)]
    return ["nothing", ""]


if __name__ == "__main__":
    print(json.dumps({"core": core, "local": local, "extras": extras}[sys.argv[1]](Path(sys.argv[2]))))
