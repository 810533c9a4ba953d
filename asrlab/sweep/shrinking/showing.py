"""Showing: whether an answer shows the failure that is looked for, by simple tests of its text."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass, field
from difflib import SequenceMatcher
from itertools import accumulate, pairwise
from typing import TYPE_CHECKING, Final

from asrlab.data.manifests.locales import language_of
from asrlab.errors import InvalidInput
from asrlab.lists import items
from asrlab.shown import Shown

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from asrlab.engines.base import Parameters

_UNSPACED: Final = re.compile("[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff]")
"""Letters of scripts that are written without spaces: Thai, Lao, Burmese, Khmer, kana, Chinese."""
_SEPARATED: Final = re.compile(r"\s*[,;|、，；｜､،؛•‣▪●◦\t\n\v\f\r\x85\u2028\u2029]+\s*")
_SENTENCE: Final = re.compile(r"(?<=[.!?])\s+|(?<=[。！？])\s*")
_SPACE: Final = re.compile(r"\s+")
_TEXT: Final = r'"(?:[^"\\\x00-\x1f]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*"'
_GAP: Final = r"[ \t\n\r]*"
_LIST: Final = re.compile(rf"{_GAP}\[{_GAP}(?:{_TEXT}{_GAP}(?:,{_GAP}{_TEXT}{_GAP})*)?\]{_GAP}")
"""A JSON list of texts (RFC 8259, section 7)."""
_SEVERAL: Final = frozenset({"mul", "und", "mis", "zxx"})  # ISO 639-2: labels that name no one language
READY: Final = (
    '"says X", "lacks X", "says an item of the context", "empty", "other language or script", '
    '"differs from control by more than 0.3", "differs from reference by more than 0.3", "fails with CODE"'
)


@dataclass(frozen=True, repr=False)
class Reply(Shown):
    """What came of asking one request once; what a test is given.

    Parameters
    ----------
    text : str
        What was heard, the channels one after the other with ends of lines between them; empty where nothing was.
    language : str or None
        Code of the language that the engine reports.
    parameters : Parameters
        The request.
    words : tuple
        Of words with times: text, begin and end in seconds of the audio sent.
    references : tuple of str
        What was said in the whole recording, in every form and wording that the dataset has.
    spoken : str or None
        Code of the language spoken, as the dataset has it.
    control : Reply or None
        The answer to the control: the same audio, asked otherwise.
    state, error_code, error : str or None
        As in the ``transcripts`` table.
    trial, request_id, submitted_at : str or None
        As there.
    channels : tuple
        Of channel, text and language of each.
    """

    text: str
    language: str | None
    parameters: Parameters
    words: tuple[tuple[str, float, float], ...] = ()
    references: tuple[str, ...] = ()
    spoken: str | None = None
    control: Reply | None = None
    state: str = "answered"
    error_code: str | None = None
    error: str | None = None
    trial: str | None = field(default=None, compare=False)
    request_id: str | None = field(default=None, compare=False)
    submitted_at: str | None = field(default=None, compare=False)
    channels: tuple[tuple[int, str | None, str | None], ...] = ()

    @property
    def items(self) -> list[str]:
        """The items of the context sent, as :func:`asrlab.lists.items` reads them."""
        return items(self.parameters.context or "")


def _nothing(_: Reply) -> Sequence[str]:
    return ()


@dataclass(frozen=True)
class Showing:
    """A test of answers, and what is to be known of it.

    Parameters
    ----------
    name : str
        The test in words.
    meaning : str
        What is wrong with an answer that shows it: a sentence.
    test : callable
        Whether an answer shows the failure.
    phrases : callable
        Of an answer that shows it, what to look for to find where in the recording it is.
    cuttable : bool
        Whether audio may be cut with nothing to compare with. Not where silence would show it too.
    wants : tuple of str
        What it cannot do without: one of ``reference``, ``control`` and ``language``.
    failures : bool
        Whether it is a test of trials that failed; others are only asked of answers.
    """

    name: str
    meaning: str
    test: Callable[[Reply], bool]
    phrases: Callable[[Reply], Sequence[str]] = _nothing
    cuttable: bool = True
    wants: tuple[str, ...] = ()
    failures: bool = False

    @property
    def locates(self) -> bool:
        """Whether times of words can tell where it is."""
        return self.phrases is not _nothing

    def resolves(self, reply: Reply) -> bool:
        """Whether a reply says anything about it: a trial that failed otherwise is neither right nor wrong."""
        return reply.state == "answered" or (self.failures and reply.state == "failed" and self._tested(reply))

    def decides(self, reply: Reply) -> bool:
        """Whether a reply, and its control if it has one, say anything about it."""
        return self.resolves(reply) and (reply.control is None or self.resolves(reply.control))

    def shown_by(self, reply: Reply) -> bool:
        """Whether a reply shows it, and its control does not; not where one of them is no answer."""
        control = reply.control
        return self.decides(reply) and self._tested(reply) and not (control is not None and self._tested(control))

    def where(self, reply: Reply) -> tuple[float, float] | None:
        """When in the audio sent it is shown, in seconds, by the times of words; None where they do not tell."""
        found = [place for phrase in self.phrases(reply) if (place := _place_of(phrase, reply.words)) is not None]
        return (min(begin for begin, _ in found), max(end for _, end in found)) if found else None

    def _tested(self, reply: Reply) -> bool:
        try:
            return bool(self.test(reply))
        except Exception as error:  # a function of the user's may raise anything
            raise InvalidInput(
                f"The test {self.name} raised {type(error).__name__}: {error}. It is given a Reply with text, "
                "language, words, parameters, references and control, and says True or False."
            ) from error


def showing(fails: str | Callable[[Reply], bool]) -> Showing:
    """Read a test: one of the ready ones, in words, or a function of the answer.

    Texts are compared without case, punctuation and width of characters; in scripts with spaces X is whole words. The
    tests are plain ones, that a support engineer can check by eye, and not the flags of :func:`asrlab.flags`: those
    find misspelt items, prose of a context and translations too, and let pass what is near to what was said. To test by
    them give a function, as below.

    ``says X``, ``lacks X``
        X is in the answer, or is not.
    ``says an item of the context``
        An item of the context sent is in the answer, and in none of the references, nor in the answer to the control.
    ``empty``
        Nothing was heard.
    ``other language or script``
        Where no language was sent, the engine reports another than the dataset has; or most letters of the answer are
        of another script than most of the reference's, or of the control's answer.
    ``differs from reference by more than R``, ``differs from control by more than R``
        1 less the ratio of characters in common, as ``difflib.SequenceMatcher`` counts them, is above R, from 0 to
        below 1: a rough measure. For an error rate give a function.
    ``fails with CODE``
        The trial fails with this error code.

    Raises
    ------
    InvalidInput
        If it is none of them.

    Examples
    --------
    A function that asks for a flag:

    >>> import pandas as pd
    >>> import asrlab as lab
    >>> from asrlab.engines.base import Parameters
    >>> def leaks(reply):
    ...     if not reply.text or not reply.references:
    ...         return False
    ...     heard = pd.DataFrame({"utt_id": ["u"], "text": [reply.text]})
    ...     said = pd.DataFrame({"utt_id": ["u"], "text": [reply.references[0]]})
    ...     sent = pd.DataFrame({"utt_id": ["u"], "context": [reply.parameters.context]})
    ...     return not lab.flags(heard, said, parameters=sent, only="leak").empty
    >>> asked = Parameters(context="Kestrel, Ostrava, Van Houten")
    >>> misspelt = Reply("Kestral, Ostrava, hello there", "en", asked, references=("Hello there.",))
    >>> showing(leaks).shown_by(misspelt)
    True
    """
    if not isinstance(fails, str):
        if not callable(fails):
            raise InvalidInput(f"fails= is a function of the answer, or one of {READY}; not {fails!r}.")
        name = getattr(fails, "__name__", "")
        name = "the given function" if not name or name == "<lambda>" else name
        return Showing(name, "A function told it, which is not here.", fails)
    for pattern, make in _READY:
        if match := pattern.fullmatch(fails.strip()):
            return make(*match.groups())
    raise InvalidInput(f"fails={fails!r} is no test. There are {READY}; or give a function of the answer.")


def bare(text: str) -> str:
    """Take case, width and punctuation from a text: letters, digits, marks, and single spaces."""
    folded = unicodedata.normalize("NFKC", text).casefold()
    return " ".join("".join(c if c.isalnum() or unicodedata.category(c)[0] == "M" else " " for c in folded).split())


def says(text: str, phrase: str) -> bool:
    """Whether a text has a phrase: as whole words, or as characters in a script without spaces.

    Examples
    --------
    >>> says("The Kestrel, again.", "kestrel"), says("Kestrels again.", "kestrel"), says("他说收到了。", "收到")
    (True, False, True)
    """
    text, phrase = bare(text), bare(phrase)
    if _UNSPACED.search(phrase):
        return phrase.replace(" ", "") in text.replace(" ", "")
    return bool(phrase) and f" {phrase} " in f" {text} "


def leaked(reply: Reply) -> list[str]:
    """Name the items of the context sent that are in an answer, and were not said as far as is known."""
    control = reply.control
    known = [*reply.references, *([] if control is None else [control.text])]
    return [item for item in reply.items if says(reply.text, item) and not any(says(text, item) for text in known)]


def split_context(context: str) -> list[tuple[str, str]]:
    """Take a context apart: items as they are written, each with what follows it, that joined are the context again.

    A JSON list comes apart into its texts, in their quotes, a list into what lies between commas, semicolons, bars and
    ends of lines (ASCII and Chinese), other text into sentences, and a single sentence or item into words.

    Examples
    --------
    >>> split_context("Kestrel, Ostrava plant")
    [('Kestrel', ', '), ('Ostrava plant', '')]
    >>> split_context('["Kestrel","Ostrava plant"]')
    [('"Kestrel"', ','), ('"Ostrava plant"', '')]
    >>> split_context("Ostrava plant")
    [('Ostrava', ' '), ('plant', '')]
    """
    if _LIST.fullmatch(context):
        texts = list(re.finditer(_TEXT, context))
        gaps = [context[one.end() : other.start()] for one, other in pairwise(texts)]
        return list(zip((text[0] for text in texts), [*gaps, ""], strict=False))
    for between in (_SEPARATED, _SENTENCE, _SPACE):
        parts, begin = list[tuple[str, str]](), 0
        for match in between.finditer(context):
            parts.append((context[begin : match.start()], match[0]))
            begin = match.end()
        parts = [(item, after) for item, after in [*parts, (context[begin:], "")] if item.strip()]
        if len(parts) > 1:
            return parts
    return [(context, "")] if context.strip() else []


def join_context(parts: Sequence[tuple[str, str]], of: str) -> str | None:
    """Put items of a context together again, as they stood there; None for no items."""
    if not parts:
        return None
    *before, last = parts
    joined = "".join(item + after for item, after in before) + last[0]
    if _LIST.fullmatch(of):
        *_, end = re.finditer(_TEXT, of)
        joined = of[: of.index('"')] + joined + of[end.end() :]
    return joined


def _place_of(phrase: str, words: Sequence[tuple[str, float, float]]) -> tuple[float, float] | None:
    phrase = bare(phrase)
    joint = "" if _UNSPACED.search(phrase) else " "
    said = [bare(text) for text, _, _ in words]
    found = f"{joint}{joint.join(said)}{joint}".find(f"{joint}{phrase.replace(' ', joint)}{joint}")
    if found < 0 or not phrase:
        return None
    ends = list(accumulate(len(text) + len(joint) for text in said))
    after = found + len(phrase.replace(" ", joint))
    touched = [k for k, end in enumerate(ends) if end > found and end - len(said[k]) - len(joint) < after]
    return min(words[k][1] for k in touched), max(words[k][2] for k in touched)


def _differs_from_control(reply: Reply, least: float) -> bool:
    return reply.control is not None and _apart(reply.text, reply.control.text) > least


def _distance(reply: Reply) -> float:
    return min((_apart(reply.text, reference) for reference in reply.references), default=0.0)


def _apart(one: str, other: str) -> float:
    return 1 - SequenceMatcher(None, bare(one), bare(other), autojunk=False).ratio()


def _is_foreign(reply: Reply) -> bool:
    unhinted = reply.parameters.language is None
    if unhinted and reply.language is not None and reply.spoken is not None:
        spoken = _languages(reply.spoken)
        if spoken and any(language_of(found) not in spoken for found in reply.language.split(",")):
            return True
    control = reply.control
    expected = control.text if control is not None and control.text else " ".join(reply.references)
    heard, wanted = _script(reply.text), _script(expected)
    return None not in (heard, wanted) and heard != wanted


def _languages(label: str) -> set[str]:
    """Languages that a label names: "zh-en" names two, "en-US" and "zh-yue" (Cantonese) one, and "mul" none."""
    first, *others = re.split(r"[-_,;+/ ]+", label.strip())
    whole, one = language_of(label), language_of(first)
    if whole not in {one, label.strip().lower()}:
        return {whole}
    more = {language_of(part) for part in others if part.islower() and len(part) in {2, 3}}  # "US" is a region
    return set() if one in _SEVERAL else {one, *more}


def _script(text: str) -> str | None:
    """Name the script that most letters are of; kana and Chinese characters are one, as Japanese has them together."""
    counts: dict[str, int] = {}
    for letter in filter(str.isalpha, text):
        script = unicodedata.name(letter, "?").split()[0]
        script = {"HIRAGANA": "CJK", "KATAKANA": "CJK"}.get(script, script)
        counts[script] = counts.get(script, 0) + 1
    return max(counts, key=counts.__getitem__) if counts else None


def _of_phrase(verb: str, phrase: str) -> Showing:
    phrase = phrase.strip("\"'“”")
    name = f"{verb} {phrase}"
    if not bare(phrase):
        raise InvalidInput(f"{name!r} names no word. Write {verb} and what the answer {verb}.")
    if verb == "says":
        meaning = "The answer has these words, and should not."
        return Showing(name, meaning, lambda reply: says(reply.text, phrase), lambda reply: [phrase])
    meaning = "The answer has not these words, and should have."
    return Showing(name, meaning, lambda reply: not says(reply.text, phrase), cuttable=False)


def _of_difference(source: str, least: str) -> Showing:
    name = f"differs from {source} by more than {least}"
    if not re.fullmatch(r"0*\.\d+|0+", least):
        raise InvalidInput(
            f"fails={name!r} names no share from 0 to below 1, above which it never is. Write it as in "
            f"'differs from {source} by more than 0.3', for 30 %."
        )
    if source == "control":
        meaning = "The answer is another than to the control, by more than this share of its characters."
        return Showing(name, meaning, lambda reply: _differs_from_control(reply, float(least)), wants=("control",))
    meaning = "The answer is another than what was said, by more than this share of its characters."
    return Showing(name, meaning, lambda reply: _distance(reply) > float(least), cuttable=False, wants=("reference",))


def _of_failure(code: str) -> Showing:
    return Showing(
        f"fails with {code}", "The task fails with this code.", lambda reply: reply.error_code == code, failures=True
    )


def _of_leak() -> Showing:
    meaning = "The answer has an item of the context that was sent, and nobody says it."
    name = "says an item of the context"
    return Showing(name, meaning, lambda reply: bool(leaked(reply)), leaked, wants=("reference", "control"))


def _of_silence() -> Showing:
    meaning = "The answer is empty, though somebody speaks."
    return Showing("empty", meaning, lambda reply: not reply.text.strip(), cuttable=False)


def _of_language() -> Showing:
    meaning = "The answer is in another language or script than the one spoken."
    return Showing("other language or script", meaning, _is_foreign, wants=("reference", "control", "language"))


#: The ready tests: how each is written, and what makes it of the parts in brackets.
_READY: Final[tuple[tuple[re.Pattern[str], Callable[..., Showing]], ...]] = (
    (re.compile("says an item of the context"), _of_leak),
    (re.compile(r"(says|lacks)\s+(\S.*)", re.DOTALL), _of_phrase),
    (re.compile(r"differs from (reference|control) by more than (\S.*)"), _of_difference),
    (re.compile(r"fails with (\S+)"), _of_failure),
    (re.compile("empty"), _of_silence),
    (re.compile("other language or script"), _of_language),
)
