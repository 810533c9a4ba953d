"""Browse: which utterances fit what a reader asks for, and in which order, found at once among very many answers.

Everything that can be asked is brought to arrays when the index is made, one cell an utterance and condition; asking
takes milliseconds then. Nothing is counted here that the scores have not counted.
"""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Protocol

import numpy as np
import pandas as pd

from asrlab import groups, tables
from asrlab.errors import InvalidInput
from asrlab.text import plain
from asrlab.views.answers import completed, outcomes
from asrlab.views.filters import COUNTS, ERRORS, NAME, OUTCOMES, SORTS, Choice, contains, folded, stands_in

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    Places = NDArray[np.intp]
    Mask = NDArray[np.bool]


class Told(Protocol):
    """What browsing needs of a dataset: three of its tables (see :data:`asrlab.tables.SCHEMAS`)."""

    @property
    def utterances(self) -> pd.DataFrame:
        """One row a recording."""

    @property
    def references(self) -> pd.DataFrame:
        """One row for each way to write what was said."""

    @property
    def terms(self) -> pd.DataFrame:
        """One row a word or name that matters."""


class Index:
    """All that can be asked of scores and transcripts, as arrays.

    Parameters
    ----------
    scores : DataFrame
        From :func:`asrlab.score`; one marking of each answer.
    transcripts : DataFrame
        As in :data:`asrlab.tables.SCHEMAS`.
    dataset : Dataset, optional
        Knows languages, tags, references and terms.

    Attributes
    ----------
    utt_ids : list of str
        The utterances of the scores, then of the transcripts, in order of appearance.
    conditions : list of str
        The same of the conditions.

    Raises
    ------
    InvalidInput
        If there is no row at all, a column is missing, a row does not say what it is of, or an answer is marked more
        than once.

    Examples
    --------
    >>> heard = pd.DataFrame({"utt_id": ["a", "b"], "text": ["so", "no"], "condition": "none"})
    >>> index = Index(tables.empty("scores"), heard)
    >>> [index.utt_ids[place] for place in index.find(Choice("none", search="NO"))]
    ['b']
    """

    def __init__(self, scores: pd.DataFrame, transcripts: pd.DataFrame, dataset: Told | None = None) -> None:
        self.scores = _marked(scores)
        self.transcripts = completed(transcripts).reset_index(drop=True)
        self._dataset = dataset
        utterance, self.utt_ids = _coded(self.scores, self.transcripts, "utt_id")
        condition, self.conditions = _coded(self.scores, self.transcripts, "condition")
        if not self.conditions:
            raise InvalidInput("There is nothing to explore: neither scores nor transcripts have a row. Run the sweep.")
        n = len(self.scores)
        self._shape = (len(self.utt_ids), len(self.conditions))
        cell = utterance * len(self.conditions) + condition
        self._ids = pd.Index(self.utt_ids, dtype="string")
        self._marked_utterance = utterance[:n]
        self._utterance, self._condition = utterance[n:], condition[n:]  # of the transcripts
        _refuse_second_markings(self.scores, cell[:n])
        self._count(cell[:n])
        self._note_outcomes(cell)
        self._column = dict(zip(self.conditions, range(len(self.conditions)), strict=True))
        self._rank = np.argsort(np.argsort(np.array(self.utt_ids, dtype=object), kind="stable"), kind="stable")
        self._rows_of: dict[str, tuple[pd.Series, Places]] = {}
        self._languages = self._spoken(utterance[:n])
        self._tags = self._tagged()

    def __len__(self) -> int:
        return len(self.utt_ids)

    @property
    def languages(self) -> list[str]:
        """Languages spoken, in alphabetical order."""
        return sorted({str(language) for language in self._languages if not pd.isna(language)})

    @property
    def tags(self) -> list[str]:
        """Tags of the utterances, in alphabetical order."""
        return sorted(self._tags)

    @property
    def terms(self) -> list[str]:
        """Terms of the dataset, each on one line, in alphabetical order."""
        if self._dataset is None:
            return []
        return sorted({" ".join(str(term).split()) for term in self._dataset.terms["term"].dropna()})

    @property
    def units(self) -> list[str]:
        """Units that errors were counted in, in order of appearance."""
        return [str(unit) for unit in self.scores["unit"].dropna().unique()]

    def find(self, choice: Choice) -> Places:
        """Find the utterances that fit, in the order asked for.

        Parameters
        ----------
        choice : Choice
            What is asked for; its confusion is not looked at.

        Returns
        -------
        ndarray of intp
            Places in ``utt_ids``. What the order does not tell apart comes by id; utterances of which it cannot be told
            (no counts, nothing said, not as many answers on either side) come last.

        Raises
        ------
        InvalidInput
            If there is no such condition, kind of error or order.
        """
        self._check(choice)
        fits = np.ones(len(self), bool)
        if choice.language is not None:
            fits &= np.asarray(self._languages == choice.language)
        if choice.tag is not None:
            fits &= self._tags.get(choice.tag, np.zeros(len(self), bool))
        if choice.error is not None:
            fits &= self._came_to(choice.error, self._column[choice.condition])
        if choice.term is not None:
            fits &= self._with_term(choice.term)
        if choice.search is not None:
            fits &= self._with_text(choice.search, choice.shown)
        places = np.flatnonzero(fits)
        weight = self._damage(choice)[places]
        return places[np.lexsort((self._rank[places], np.where(np.isnan(weight), np.inf, -weight)))]

    def line(self, place: int, choice: Choice) -> str:
        """Write an utterance as a line of a list: errors under what is shown first, then its id, which may be long."""
        sides = [choice.condition, *([choice.against] if choice.against else [])]
        return f"errors: {' / '.join(self._errors_in_words(place, sides))}  {plain(self.utt_ids[place], NAME)}"

    def counts(self, places: Sequence[int] | Places, conditions: Sequence[str]) -> pd.DataFrame:
        """Give the errors of some utterances as a table: one row an utterance, one column a condition.

        Returns
        -------
        DataFrame
            Utterance ids, and for each condition errors as text; what is not counted, and why, stands in words.
        """
        told = [self._errors_in_words(place, conditions) for place in places]
        columns = dict(zip(conditions, zip(*told, strict=True), strict=True)) if told else dict.fromkeys(conditions, ())
        return pd.DataFrame({"utt_id": [self.utt_ids[place] for place in places], **columns}, dtype="string")

    def rows(self, place: int) -> tuple[pd.DataFrame, pd.DataFrame]:
        """Give all rows of scores and of transcripts of an utterance."""
        scored, heard = (np.flatnonzero(of == place) for of in (self._marked_utterance, self._utterance))
        return self.scores.iloc[scored], self.transcripts.iloc[heard]

    def places(self, utt_ids: pd.Series) -> Places:
        """Give the place of each of these utterances; -1 where there is none such."""
        return self._ids.get_indexer(pd.Index(utt_ids.astype("string")))

    def mask(self, utt_ids: pd.Series) -> Mask:
        """Tell for each utterance whether it is among these."""
        found = np.zeros(len(self) + 1, bool)
        found[self.places(utt_ids)] = True
        return found[:-1]

    def _check(self, choice: Choice) -> None:
        for name in choice.shown:
            if name not in self._column:
                raise InvalidInput(f"There is no condition {name!r} here. Name one of {', '.join(self.conditions)}.")
        if choice.error not in {None, *ERRORS}:
            raise InvalidInput(f"error must be one of {', '.join(ERRORS)}, not {choice.error!r}.")
        if choice.sort not in SORTS:
            raise InvalidInput(f"sort must be one of {', '.join(SORTS)}, not {choice.sort!r}.")

    def _count(self, cell: NDArray[np.int64]) -> None:
        """Add up what the rows of each cell have counted, and how many of them have counts."""
        size = self._shape[0] * self._shape[1]
        values = {
            name: self.scores[name].to_numpy(np.float64, na_value=np.nan) for name in ("subs", "dels", "ins", "ref_len")
        }
        counted = ~np.isnan(values["subs"] + values["dels"] + values["ins"])

        def added(weights: NDArray[np.float64] | None, rows: Mask | slice = slice(None)) -> NDArray[np.int64]:
            return np.bincount(cell[rows], weights, minlength=size).astype(np.int64).reshape(self._shape)

        self._marked, self._counted = added(None), added(None, counted)
        self._sums = {name: added(np.nan_to_num(value[counted]), counted) for name, value in values.items()}
        self._errors = self._sums["subs"] + self._sums["dels"] + self._sums["ins"]

    def _note_outcomes(self, cell: NDArray[np.int64]) -> None:
        """Note what came of each cell, a bit an outcome; of answers that only the scores know, by their state."""
        n = len(self.scores)
        answer = cell * (1 + max(int(_repeats(frame).max(initial=0)) for frame in (self.scores, self.transcripts)))
        answer += np.concatenate([_repeats(self.scores), _repeats(self.transcripts)])
        alone = ~np.isin(answer[:n], answer[n:])
        known = self.scores["state"].fillna("answered").mask(lambda state: state == "answered", "missing")
        came = pd.concat([known[alone], outcomes(self.transcripts)])
        place = np.concatenate([cell[:n][alone], cell[n:]])
        bits = np.zeros(self._shape[0] * self._shape[1], np.uint8)
        for bit, outcome in enumerate(OUTCOMES):
            bits[place[(came == outcome).to_numpy(bool)]] |= 1 << bit
        bits[bits == 0] = 1 << OUTCOMES.index("missing")  # neither table has a row of it
        self._outcomes = bits.reshape(self._shape)

    def _came_to(self, error: str, column: int) -> Mask:
        counted, errors = self._counted[:, column], self._errors[:, column]
        whole = counted == self._marked[:, column]
        if error == "any error":
            came = errors > 0
        elif error == "no error":
            came = (errors == 0) & (counted > 0) & whole
        elif error == "not counted":
            came = (counted == 0) | ~whole
        elif error in COUNTS:
            came = self._sums[COUNTS[error]][:, column] > 0
        else:
            came = (self._outcomes[:, column] & (1 << OUTCOMES.index(error))) != 0
        return np.asarray(came, dtype=bool)

    def _damage(self, choice: Choice) -> NDArray[np.float64]:
        """Weigh all utterances: the heaviest come first; NaN where it cannot be told."""
        column = self._column[choice.condition]
        counted = self._counted[:, column]
        own: NDArray[np.float64] = np.where(counted > 0, self._errors[:, column], np.nan)
        if choice.sort == "utt_id":
            return np.zeros(len(self))
        if choice.sort == "most errors":
            return own
        if choice.sort == "highest error rate":
            said = self._sums["ref_len"][:, column]
            return np.where(said > 0, own / np.maximum(said, 1), np.nan)
        if choice.sort == "most changed":
            # Only sums of equally many answers can be held against each other.
            columns = [self._column[name] for name in choice.shown]
            alike = (self._counted[:, columns] == counted[:, None]) & (counted > 0)[:, None]
            errors = self._errors[:, columns]
            most = errors.max(1, where=alike, initial=0)
            least = errors.min(1, where=alike, initial=np.iinfo(np.int64).max)
            return np.where(alike.sum(1) > 1, most - least, np.nan)
        if choice.against is None:
            return np.full(len(self), np.nan)
        other = self._column[choice.against]
        more = np.where(counted == self._counted[:, other], own - self._errors[:, other], np.nan)
        return more if choice.sort == "more errors than against" else -more

    def _errors_in_words(self, place: int, conditions: Sequence[str]) -> list[str]:
        """Write the errors under each condition; where they are of more answers here than there, of how many."""
        columns = [self._column[name] for name in conditions]
        unequal = len({int(n) for n in self._counted[place, columns] if n}) > 1
        return [self._of_cell(place, column, unequal=unequal) for column in columns]

    def _of_cell(self, place: int, column: int, *, unequal: bool) -> str:
        counted, marked = int(self._counted[place, column]), int(self._marked[place, column])
        came = [name for bit, name in enumerate(OUTCOMES) if self._outcomes[place, column] >> bit & 1]
        why = [name for name in came if name != "answered"]
        if not counted:
            return ", ".join(why) or "not counted"
        if counted < marked:
            why.insert(0, f"{marked - counted} of {marked} not counted")
        of = f" in {counted} answer{'s' * (counted != 1)}" if unequal else ""
        return f"{self._errors[place, column]}{of}" + (f" ({', '.join(why)})" if why else "")

    def _with_term(self, term: str) -> Mask:
        if self._dataset is None:
            return np.zeros(len(self), bool)
        likely = np.flatnonzero(contains(self._said[0], term))
        whole = [n for n in likely.tolist() if stands_in(term, self._said[0].iloc[n])]
        listed = self._dataset.terms
        named = _folded(listed["term"]) == folded(term)
        present = listed["utt_id"][named.fillna(False) & (listed["role"].fillna("present") == "present")].dropna()
        found = self.mask(present)
        found[self._said[1][whole]] = True
        return found

    def _with_text(self, text: str, conditions: Sequence[str]) -> Mask:
        found = np.zeros(len(self), bool)
        for texts, of in [self._said, *map(self._heard, conditions)]:
            found[of[contains(texts, text)]] = True
        return found

    @cached_property
    def _said(self) -> tuple[pd.Series, Places]:
        """Give the references of these utterances, folded, and which utterance each is of."""
        if self._dataset is None:
            return pd.Series(dtype="string"), np.empty(0, np.intp)
        references = self._dataset.references
        of = self.places(references["utt_id"])
        here = np.flatnonzero(of >= 0)
        return _folded(references["text"].iloc[here]), of[here]

    def _heard(self, condition: str) -> tuple[pd.Series, Places]:
        """Give the answers of a condition, folded, and which utterance each is of."""
        if condition not in self._rows_of:
            rows = np.flatnonzero(self._condition == self._column[condition])
            self._rows_of[condition] = (_folded(self.transcripts["text"].iloc[rows]), self._utterance[rows])
        return self._rows_of[condition]

    def _spoken(self, utterance: NDArray[np.int64]) -> NDArray[np.object_]:
        """Find the language of each utterance: that of the dataset, else that of its scores."""
        spoken = pd.Series(pd.NA, index=range(len(self)), dtype="string")
        told = self.scores["spoken_language"].notna().to_numpy(bool)
        spoken.iloc[utterance[told]] = self.scores["spoken_language"][told].array
        if self._dataset is not None and "language" in self._dataset.utterances:
            rows = self._dataset.utterances.dropna(subset=["language"])
            place = self.places(rows["utt_id"])
            spoken.iloc[place[place >= 0]] = rows["language"].astype("string")[place >= 0].array
        return spoken.to_numpy(object)

    def _tagged(self) -> dict[str, Mask]:
        if self._dataset is None or "tags" not in self._dataset.utterances:
            return {}
        rows = self._dataset.utterances[["utt_id", "tags"]].explode("tags").dropna()
        return {str(tag): self.mask(of) for tag, of in rows["utt_id"].groupby(rows["tags"].astype("string"))}


def _folded(texts: pd.Series) -> pd.Series:
    return texts.astype("string").map(folded, na_action="ignore").astype("string")


def _marked(scores: pd.DataFrame) -> pd.DataFrame:
    frame = tables.check(scores, "scores", required=("utt_id", "condition", "subs", "dels", "ins"))
    return frame.fillna({"condition": "unnamed", "repeat": 0}).reset_index(drop=True)


def _coded(scores: pd.DataFrame, transcripts: pd.DataFrame, column: str) -> tuple[NDArray[np.int64], list[str]]:
    """Give the values of a column of both tables numbers, those of the scores first."""
    both = pd.concat([scores[column], transcripts[column]], ignore_index=True)
    if nameless := int(both.isna().sum()):
        raise InvalidInput(
            f"{nameless} rows have no {column}: every row must say what it is of. Fill it in, or drop them."
        )
    code, names = pd.factorize(both)
    return np.asarray(code, dtype=np.int64), [str(name) for name in names]


def _repeats(frame: pd.DataFrame) -> NDArray[np.int64]:
    return frame["repeat"].to_numpy(np.int64, na_value=0)


def _refuse_second_markings(scores: pd.DataFrame, cell: NDArray[np.int64]) -> None:
    """Refuse scores in which an answer is marked several times: its errors would count as often."""
    channel = scores["channel"].to_numpy(np.int64, na_value=-1) + 1
    number = groups.combined([cell, _repeats(scores), channel])
    if len(number) == 0 or number.max() + 1 == len(number):
        return
    twice = scores[pd.Series(number).duplicated(keep=False).to_numpy(bool)]
    telling = [*groups.APART, "alternative", *groups.axes(scores)]
    first = twice[(number == number[twice.index[0]])[twice.index]]
    differs = [name for name in telling if name in first and first[name].nunique(dropna=False) > 1]
    raise InvalidInput(
        f"{len(twice)} rows of scores mark the same answers more than once "
        f"({plain(twice['utt_id'].iloc[0], NAME)} under {plain(twice['condition'].iloc[0], NAME)}), "
        + (f"by {', '.join(differs)}. Choose one of each." if differs else "and are copies. Drop them.")
    )
