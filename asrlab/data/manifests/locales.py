"""Codes of languages, as corpora write them: a language, with a script or a region after it."""

from __future__ import annotations

from typing import Final

# Where a language goes by another code here, which is that of services; and where a region makes it another language.
_LANGUAGES: Final = {"cmn": "zh", "nb": "no", "nn": "no", "tl": "fil"}
_LOCALES: Final = {"zh-hk": "yue", "zh-hant-hk": "yue", "zh-yue": "yue"}


def language_of(locale: str) -> str:
    """Give the language of a locale.

    Parameters
    ----------
    locale : str
        A code with whatever follows it: ``"en_us"``, ``"cmn_hans_cn"``, ``"zh-HK"``, ``"sv-SE"``, ``"rm-sursilv"``.

    Returns
    -------
    str
        Its first part, in small letters: ``"en"``, ``"zh"``, ``"yue"``, ``"sv"``, ``"rm"``. Mandarin is ``zh``, what is
        spoken in Hong Kong ``yue``; Bokmål and Nynorsk are ``no``, Tagalog is ``fil``.
    """
    code = locale.strip().lower().replace("_", "-")
    first = code.partition("-")[0]
    return _LOCALES.get(code) or _LANGUAGES.get(first, first)
