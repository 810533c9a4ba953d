"""Presets: a normalizer for each language of the service, with options, and the rungs of the ladder.

What a normalizer does decides the error rate as much as the engine does, so its name, version and options stand in
every table. A change that can alter a count makes a new version.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache
from typing import TYPE_CHECKING, Final, TypeAlias

from asrlab.errors import InvalidInput
from asrlab.normalize.chain import Normalizer
from asrlab.normalize.languages import BASIC, LANGUAGES, base_language, preset_of
from asrlab.normalize.numbers import has_number_forms, number_steps
from asrlab.normalize.scripts import only_han, traditional_to_simplified

if TYPE_CHECKING:
    from collections.abc import Callable

    from asrlab.normalize.languages import Steps

#: What a caller may give: a name (or "auto"), a normalizer, or one of these for each language.
NormalizerChoice: TypeAlias = "str | Normalizer | Mapping[str, str | Normalizer]"
#: The ladder: each rung forgives what the ones before it do, and one thing more.
RUNGS: Final = ("surface", "characters", "case", "punctuation", "script", "spelling", "numbers")

_VERSION: Final = "2"
_SCRIPTS: Final = ("fold", "keep")
#: Options that are on or off, in the order in which a name has them.
_SWITCHES: Final = ("spelling", "numbers", "fillers")


def normalizer(
    name: str,
    *,
    script: str | None = None,
    spelling: bool = False,
    numbers: bool = False,
    fillers: bool = False,
    upto: str | None = None,
) -> Normalizer:
    """Get a normalizer by its name.

    Parameters
    ----------
    name : str
        ``"none"`` leaves text as it is.
        A language of the service (``"en"``, ``"zh"``, ``"yue"``, ``"th"`` ...): characters in one form, lower case as
        that language has it, punctuation to white space with the apostrophes and hyphens of that language, and script
        (see there). ``"basic"``, for any other language: the same without what is a language's own.
        In all but ``"none"``, marks that belong to a number stay (``3.5``, ``10:15``, ``3/4``, ``-5``, ``$150``,
        ``20%``), because "$150" is not "150"; and combining marks that are vowels stay.
        A name as it stands in a table (``"zh-2+script=keep"``) gives the same normalizer again.
    script : {"fold", "keep"}, optional
        For ``"zh"`` and ``"yue"``: fold Traditional to Simplified (OpenCC, ``t2s``), or keep the script as it is. For
        ``"ar"``: leave out the vowel marks, which few texts have, or keep them. Left out, the script is folded, since
        Whisper and its kin write either one, and a context in one script switches it: unfolded, that would pass for
        recognition errors. But :func:`asrlab.score` refuses to do so silently where the script is what is under test.
    spelling : bool
        Bring spellings of one word to one: for ``"en"`` British to American, contractions that can be opened up in one
        way only (not "he's", which is "he is" or "he has"), and a few more (okay, email, Mr); for other languages what
        :mod:`asrlab.normalize.spelling` says.
    numbers : bool
        Bring numbers to one form, as spoken or as written (:mod:`asrlab.normalize.numbers`).
    fillers : bool
        Leave out sounds of hesitation, such as "um".
    upto : str, optional
        Stop at a rung of the ladder: ``"surface"`` (the text as it is), ``"characters"``, ``"case"``,
        ``"punctuation"``, ``"script"``, ``"spelling"`` or ``"numbers"``; each has the steps of those before it.
        Of the other options, only ``script`` goes with it.

    Returns
    -------
    Normalizer
        Callable on a text.

    Raises
    ------
    InvalidInput
        If there is no such normalizer, or no such option of it.
    MissingExtra
        If a library is not installed that number forms of this language need.

    Examples
    --------
    >>> normalizer("en")("It’s $1,500.50 -- at 10:15, half-price!")
    "it's $1500.50 at 10:15 half price"
    >>> normalizer("zh")("臺灣的天氣，很 熱。")
    '台湾的天气很热'
    >>> normalizer("zh", script="keep").name
    'zh-2+script=keep'
    """
    if not isinstance(name, str):
        raise _no_choice("normalizer() takes", name)
    bare, options = _parsed(name)
    given = {"script": script, "spelling": spelling, "numbers": numbers, "fillers": fillers, "upto": upto}
    given = {option: value for option, value in given.items() if value}
    if twice := [option for option, value in given.items() if options.get(option, value) != value]:
        raise InvalidInput(f"{twice[0]}={given[twice[0]]!r} contradicts the name {name!r}. Say it once.")
    options |= given
    return _made(bare, tuple(sorted(options.items())))


def preset_for(language: str | None, text: str = "") -> str:
    """Name the preset for a language; ``"basic"`` for one that has none.

    Where the language is not known, a text in Han characters without kana is taken for Chinese.
    """
    return preset_of(language) or ("zh" if not base_language(language) and only_han(text) else "basic")


def folds_by_default(chain: Normalizer) -> bool:
    """Tell whether a preset folds Traditional Chinese to Simplified without having been told to."""
    named = chain.name.partition("+")[0] in {f"zh-{_VERSION}", f"yue-{_VERSION}"}
    return named and traditional_to_simplified in chain.steps and "script=" not in chain.name


def normalizer_for(language: str | None, text: str = "") -> Normalizer:
    """Choose the normalizer for a language, see :func:`preset_for`."""
    return normalizer(preset_for(language, text))


def choose(wanted: NormalizerChoice, language: str | None, text: str = "") -> Normalizer:
    """Find the normalizer that is meant for a language.

    Parameters
    ----------
    wanted : str, Normalizer, or mapping of language to either
        ``"auto"`` goes by the language (:func:`normalizer_for`), and may have options (``"auto+spelling+numbers"``),
        which are left out for languages that have no such. A mapping is asked for the tag as it is, then for its plain
        code.
    language : str or None
        Language code of the recording.
    text : str
        Its reference, for where the language is not known.

    Returns
    -------
    Normalizer
        Callable on a text.

    Raises
    ------
    InvalidInput
        If it is none of these, a name is unknown, or a mapping lacks the language.
    """
    if isinstance(wanted, Normalizer):
        _check_name(wanted)
        return wanted
    if isinstance(wanted, str):
        bare, options = _parsed(wanted)
        if bare != "auto":
            return normalizer(wanted)
        preset = preset_for(language, text)
        has = _options_of(preset)
        return _made(preset, tuple(sorted((o, v) for o, v in options.items() if o in has or o == "upto")))
    if not isinstance(wanted, Mapping):
        raise _no_choice("normalizer= takes", wanted)
    for tag in (language or "", base_language(language)):
        if tag in wanted:
            return choose(wanted[tag], language, text)
    raise InvalidInput(
        f"normalizer= gives one for {', '.join(map(repr, wanted)) or 'no language'}, and there are recordings in "
        f'{language or ""!r}. Add that language to the mapping (as "auto" for the usual one).'
    )


def _no_choice(takes: str, given: object) -> InvalidInput:
    """Make the error of what can be no normalizer."""
    return InvalidInput(
        f'{takes} a name, such as "en" or "none"; score() and its kin also "auto", a Normalizer, or a mapping of '
        f"languages to these; not {given!r}. For your own chain of steps make "
        'asrlab.scoring.Normalizer("mine-1", (step, step, ...)) and pass that.'
    )


def _check_name(chain: Normalizer) -> None:
    """Raise if a chain of one's own bears the name of a preset: tables would say what is not so."""
    bare = re.split("[-+@]", chain.name, maxsplit=1)[0]
    if bare in {"none", "basic", *LANGUAGES} and re.fullmatch(rf"{bare}(-{_VERSION})?([+@].*)?", chain.name):
        try:
            same = normalizer(chain.name) == chain
        except InvalidInput:
            same = False
        if not same:
            raise InvalidInput(f"{chain!r} has the name of a preset and is another chain. Name it otherwise.")


def _parsed(name: str) -> tuple[str, dict[str, object]]:
    """Take a name apart: ``"zh-2+script=keep+numbers"``, ``"en-2@case"``."""
    rest, at, upto = name.partition("@")
    bare, *parts = rest.split("+")
    options: dict[str, object] = {"upto": upto} if at else {}
    for part in parts:
        option, _, value = part.partition("=")
        if option not in {"script", *_SWITCHES} or (option == "script") != bool(value):
            raise InvalidInput(
                f"{part!r} in the normalizer {name!r} is no option. There are script=fold, script=keep, "
                f"{', '.join(_SWITCHES)}."
            )
        if option in options:
            raise InvalidInput(f"The normalizer {name!r} has {option} twice. Write it once.")
        options[option] = value or True
    _check_options(options)
    return bare.removesuffix(f"-{_VERSION}"), options


def _check_options(options: Mapping[str, object]) -> None:
    """Raise if options are of no use for any language."""
    script, upto = options.get("script"), options.get("upto")
    if script is not None and script not in _SCRIPTS:
        raise InvalidInput(f"script must be one of {', '.join(_SCRIPTS)}, not {script!r}.")
    if upto is not None and upto not in RUNGS:
        raise InvalidInput(f"upto must be one of {', '.join(RUNGS)}, not {upto!r}.")
    if upto is not None and (more := [option for option in _SWITCHES if option in options]):
        raise InvalidInput(f"{more[0]}= does not go with upto=: the rung says what is forgiven.")


def _unknown(bare: str, options: Mapping[str, object]) -> InvalidInput:
    """Make the error of a normalizer that there is not, with what may be meant."""
    preset, _, version = bare.partition("-")
    meant = preset_of(bare.lower())
    if bare == "auto":
        hint = 'Here one language is meant: "auto" is for score() and its kin, which know the languages.'
    elif bare == "none":
        hint = f'"none" leaves text as it is, and so has no {next(iter(options))}.'
    elif version.isdigit() and (preset == "basic" or preset in LANGUAGES):
        hint = (
            f"{bare!r} is of another version of asrlab; here it is {preset}-{_VERSION}, which may count otherwise. "
            "Mark the transcripts again."
        )
    elif meant:
        hint = f"For recordings in {bare!r} it is {meant!r}."
    else:
        hint = (
            f"There are none, basic, {', '.join(LANGUAGES)}. For your own chain of steps make "
            'asrlab.scoring.Normalizer("mine-1", (step, step, ...)) and pass that.'
        )
    return InvalidInput(f"There is no normalizer {bare!r}{' with options' * bool(options)}. {hint}")


def _steps_of(preset: str) -> Steps:
    return BASIC if preset == "basic" else LANGUAGES[preset]


def _options_of(preset: str) -> set[str]:
    steps = _steps_of(preset)
    there = {"script": steps.script, "spelling": steps.spelling, "fillers": steps.fillers}
    return {option for option, made in there.items() if made} | ({"numbers"} if has_number_forms(preset) else set())


@cache
def _made(bare: str, options: tuple[tuple[str, object], ...]) -> Normalizer:
    given = dict(options)
    if bare == "none" and not given:
        return Normalizer("none", ())
    if bare != "basic" and bare not in LANGUAGES:
        raise _unknown(bare, given)
    _check_options(given)
    if foreign := [option for option in given if option not in _options_of(bare) | {"upto"}]:
        having = [preset for preset in LANGUAGES if foreign[0] in _options_of(preset)]
        raise InvalidInput(
            f"{foreign[0]}= is no option of normalizer({bare!r}), but of {', '.join(having)}. Leave it out."
        )
    return _chain(bare, given)


def _chain(preset: str, given: Mapping[str, object]) -> Normalizer:
    """Put a chain together. Numbers come first, while case and marks still tell where one ends."""
    steps = _steps_of(preset)
    upto = given.get("upto")
    reached = RUNGS if upto is None else RUNGS[: RUNGS.index(str(upto)) + 1]
    with_numbers = has_number_forms(preset) and ("numbers" in given or upto == "numbers")
    parts: dict[str, tuple[Callable[[str], str], ...]] = {
        "characters": steps.characters,
        "numbers": number_steps(preset) if with_numbers else (),
        "case": steps.case,
        "punctuation": steps.punctuation,
        "script": () if given.get("script") == "keep" else steps.script,
        "spelling": steps.spelling if upto is not None or "spelling" in given else (),
        "fillers": steps.fillers if "fillers" in given else (),
    }
    chain = tuple(step for part, made in parts.items() if part in {*reached, "fillers"} for step in made)
    script = f"+script={given['script']}" if "script" in given else ""
    switches = "".join(f"+{option}" for option in _SWITCHES if option in given)
    name = f"{preset}-{_VERSION}{script}{switches}{f'@{upto}' if upto else ''}"
    return Normalizer(name, chain, settle=with_numbers)
