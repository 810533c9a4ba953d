"""Findings: what was found about a dataset, as a table and as a short report."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal, NamedTuple, TypeAlias

import pandas as pd

from asrlab import tables
from asrlab.text import escape, plain, untypeset

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

Severity: TypeAlias = Literal["error", "warning", "note"]

_SEVERITIES: Final[tuple[Severity, ...]] = ("error", "warning", "note")
_EXAMPLES: Final = 3
_LONGEST: Final = 90  # characters of what is said of an example

#: Column -> dtype, of the table of findings.
#: Check -> its severity and what it means, in the order of the report. An error would be refused or give a wrong
#: number; a warning wants a look; a note is good to know.
CHECKS: Final[Mapping[str, tuple[Severity, str]]] = {
    "no audio": ("error", "names no recording, as others of the set do"),
    "missing audio": ("error", "the recording is not there, or cannot be made"),
    "unreadable audio": ("error", "the recording cannot be decoded"),
    "no samples": ("error", "the recording is empty"),
    "cut-off audio": ("error", "the file ends before the end that its header promises"),
    "too long": ("error", "longer than the engine takes"),
    "too large": ("error", "a larger file than the service takes"),
    "unknown format": ("error", "a container that the service does not name among those it takes"),
    "stretch beyond the end": ("error", "a cut or segment of a recording that ends before it"),
    "no such channel": ("error", "a reference of a channel that the recording has not"),
    "silence with text": ("error", "nothing is to be heard where something is said to be"),
    "same audio, other text": ("error", "of two texts of one recording one is wrong"),
    "broken alternatives": ("error", "braces of alternatives, {one|other}, that cannot be read"),
    "lost characters": ("error", "a text with characters that could not be decoded when it was made"),
    "language code": ("error", "a code that the engine refuses, and another for the same language that it takes"),
    "goes on beyond": ("error", "longer than its NeMo row says: of a stretch, give begin_s and end_s"),
    "unknown language": ("warning", "a language that the engine does not name among its own"),
    "duplicate audio": ("warning", "one recording counted several times"),
    "similar ids": ("warning", "ids that differ in case, white space or form of Unicode alone"),
    "facts differ": ("warning", "the manifest says otherwise than the recording"),
    "clipping": ("warning", "waves cut off at the top, or beyond full scale"),
    "silence": ("warning", "nothing is to be heard, and no reference says so"),
    "low level": ("warning", "very quiet"),
    "low sample rate": ("warning", "less than telephone quality"),
    "very short": ("warning", "too short for a word"),
    "too much text": ("warning", "more text than can be said in the time"),
    "too little text": ("warning", "hardly any text for the time"),
    "only punctuation": ("warning", "a text without a letter or digit"),
    "HTML": ("warning", "tags or entities of HTML, which would count as words"),
    "markup": ("warning", "marks of a transcriber, which would count as words"),
    "control characters": ("warning", "control characters, line breaks or tabs in a text"),
    "invisible characters": ("warning", "characters without a shape, or that turn the direction of the text"),
    "mojibake": ("warning", "UTF-8 that was read as something else"),
    "other script": ("warning", "letters that the language is not written in"),
    "digits": ("warning", "digits in a text that is to be as spoken"),
    "no reference": ("note", "what is said is not known: nothing can be marked"),
    "empty reference": ("note", "the reference says that nothing is said"),
    "channel without text": ("note", "a channel that is heard and has no reference, where others have one"),
    "no language": ("note", "the language is not stated"),
    "no speaker": ("note", "the speaker is not stated: each utterance counts as independent"),
    "few speakers": ("note", "too few speakers for a p by speaker"),
    "capitals": ("note", "texts in capitals alone"),
    "spaces at the ends": ("note", "white space before or after a text"),
    "alternatives": ("note", r"texts with alternatives, {one|other}; braces and bars as they are would be \{ \| \}"),
    "mixed Chinese": ("note", "Traditional and Simplified characters together"),
    "same text": ("note", "texts that are said many times"),
    "unusual length": ("note", "much longer or shorter than the others"),
    "unusual rate": ("note", "much more or less text for its length than others of the language"),
    "DC offset": ("note", "the wave does not swing around zero"),
    "telephone band": ("note", "nothing above 4 kHz, though the sampling rate could hold it"),
    "mixed sample rates": ("note", "recordings of several sampling rates"),
    "same channels": ("note", "all channels hold the same: each is billed"),
    "silent channel": ("note", "one channel of several holds nothing: it is billed too"),
    "overlapping segments": ("note", "segments of one channel at the same time"),
    "not looked at": ("note", "recordings behind links are not fetched"),
}


class Finding(NamedTuple):
    """One thing that was found; of the whole set where there is no utterance."""

    check: str
    what: str
    utt_id: str | None = None
    channel: int | None = None
    value: float | None = None


@dataclass(frozen=True, repr=False)
class Findings:
    """What :meth:`asrlab.Dataset.check` found.

    Parameters
    ----------
    name : str
        Name of the dataset.
    table : DataFrame
        A row a finding, errors first:

        ========  =======  ======================================================================================
        check     string   what was looked for, a key of :data:`asrlab.data.checks.CHECKS`
        severity  string   error: would be refused, or give a wrong number; warning: look at it; note: good to know
        utt_id    string   id of the recording; ``<NA>`` where it is about the whole set
        channel   Int64    audio channel, from 0; ``<NA>`` where it is about all
        value     Float64  what was measured or counted, in the unit that ``what`` names; ``<NA>`` where nothing was
        what      string   what was found, for people
        ========  =======  ======================================================================================
    recordings : int
        Utterances looked at.
    minutes : float
        Minutes of audio that were read; 0 where none was.
    """

    name: str
    table: pd.DataFrame
    recordings: int
    minutes: float

    @property
    def errors(self) -> pd.DataFrame:
        """The rows of what would be refused, or give a wrong number."""
        return self.table[self.table["severity"] == "error"]

    @property
    def counts(self) -> dict[str, int]:
        """Check -> how many findings, in the order of the table."""
        return {str(check): int(n) for check, n in self.table["check"].value_counts(sort=False).items()}

    def __repr__(self) -> str:
        lines = [f"  {severity:7}  {self._headline(check)}: {said}" for severity, check, said in self._kinds()]
        return "\n".join([self._summary(), *lines])

    def _repr_html_(self) -> str:
        cells = "".join(
            "<tr>"
            + "".join(
                f'<td dir="auto" style="text-align:left;vertical-align:top">{escape(cell)}</td>'
                for cell in (severity, self._headline(check), said)
            )
            + "</tr>"
            for severity, check, said in self._kinds()
        )
        return untypeset(f"<p>{escape(self._summary())}</p>" + (f"<table>{cells}</table>" if cells else ""))

    def _summary(self) -> str:
        n = len(self.table)
        found = "nothing found" if not n else f"{n:,} finding{'s' * (n > 1)}"
        read = f"{self.minutes:.1f} min read" if self.minutes else "no audio read"
        return f"{plain(self.name)}: {self.recordings:,} recording{'s' * (self.recordings != 1)}, {read}, {found}"

    def _headline(self, check: str) -> str:
        n = self.counts[check]
        return f"{check} ({n:,})" if n > 1 else check

    def _kinds(self) -> Iterable[tuple[str, str, str]]:
        """Severity, check, and what it means with the first examples."""
        for check, rows in self.table.groupby("check", sort=False):
            severity, meaning = CHECKS[str(check)]
            first = rows.head(_EXAMPLES)
            said = [
                plain(what if pd.isna(utt_id) else f"{utt_id}: {what}", _LONGEST)
                for utt_id, what in zip(first["utt_id"], first["what"], strict=True)
            ]
            more = [f"and {len(rows) - _EXAMPLES:,} more"] if len(rows) > _EXAMPLES else []
            yield severity, str(check), f"{meaning}. {'; '.join([*said, *more])}"


def to_findings(name: str, found: Iterable[Finding], recordings: int, minutes: float) -> Findings:
    """Put findings in order: by severity, then by check, then as they came."""
    ranks = {check: rank for rank, check in enumerate(CHECKS)}
    rows = sorted(found, key=lambda one: (_SEVERITIES.index(CHECKS[one.check][0]), ranks[one.check]))
    frame = pd.DataFrame(rows, columns=list(Finding._fields))
    frame["severity"] = [CHECKS[one.check][0] for one in rows]
    return Findings(name, tables.check(frame, "findings"), recordings, minutes)
