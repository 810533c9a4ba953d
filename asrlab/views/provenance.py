"""Provenance to read: how the answers of a sweep came about, and what was not the same from run to run."""

from __future__ import annotations

from copy import deepcopy
from dataclasses import dataclass
from decimal import Decimal
from itertools import pairwise
from typing import TYPE_CHECKING, Any, Final, Protocol

import pandas as pd

from asrlab.errors import InvalidInput
from asrlab.text import escape, plain
from asrlab.views.markup import EMPTY, MISSING, Html, table

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    Run = Mapping[str, Any]

_NONE: Final = "No provenance is kept: nothing was run yet, or by a version of asrlab that kept none."
_OPEN: Final = "A run without an end was killed, or is under way."
_CHARACTERS: Final = 200  # of a value in a line
_ABSENT: Final = "(absent)"
#: How facts are called where their own name would not say it.
_NAMES: Final = {"given_to_all": "given to all conditions", "git": "version control"}
_SAMPLED_LINES: Final = 2  # in the text


class Recorded(Protocol):
    """What provenance needs of a sweep."""

    @property
    def provenance(self) -> Sequence[Run]:
        """One mapping a run, in order: run, started, ended, outcome, facts."""


@dataclass(frozen=True, repr=False)
class Provenance(Html):
    """How the answers of a sweep came about, as HTML and text; made by :func:`asrlab.provenance`.

    Parameters
    ----------
    runs : sequence of mapping
        One a run, in order: ``run`` (its number), ``started`` and ``ended`` (ISO 8601, UTC; ``ended`` None for one that
        was killed or is under way), ``outcome`` and ``facts``.
    """

    runs: Sequence[Run] = ()

    def to_dict(self) -> dict[str, Any]:
        """Give all of it as JSON values.

        Returns
        -------
        dict
            ``facts`` of the latest run; ``runs``, each with run, started, ended, outcome; and ``changes``: what was not
            the same as in the run before, each with ``run``, ``fact`` (the names that lead to it), ``before`` and
            ``now``, of which one is left out if the fact was not there. Of the sample of what was sent, only what both
            runs sampled is compared.
        """
        return {
            "facts": deepcopy(dict(_facts(self.runs[-1]))) if self.runs else {},
            "runs": [{name: run.get(name) for name in ("run", "started", "ended", "outcome")} for run in self.runs],
            "changes": list(_changes(self.runs)),
        }


def provenance(sweep: Recorded) -> Provenance:
    """Show how the answers of a sweep came about.

    Parameters
    ----------
    sweep : Sweep
        What was asked, or what :func:`asrlab.open_sweep` opened.

    Returns
    -------
    Provenance
        The facts of its latest run (versions, state of the code, dataset, engine, price, settings as given and as
        sent), all runs with their times and outcomes, and what differed between them. ``to_dict()`` gives the same as
        JSON values.

    Raises
    ------
    InvalidInput
        If it is no sweep.

    Examples
    --------
    >>> provenance(open_sweep("runs/dictation"))  # doctest: +SKIP
    """
    if not hasattr(type(sweep), "provenance") and not hasattr(sweep, "provenance"):
        raise InvalidInput(
            f"Provenance is shown of a sweep, not of {type(sweep).__name__}. Open the run first: "
            "lab.provenance(lab.open_sweep(path))."
        )
    runs = list(sweep.provenance)
    if not runs:
        return Provenance(f"<p>{escape(_NONE)}</p>", _NONE)
    parts = [_shown_facts(_facts(runs[-1])), _shown_runs(runs)]
    if changes := list(_changes(runs)):
        parts.append(_shown_changes(changes))
    elif len(runs) > 1:
        said = "Nothing differed between the runs."
        parts.append(Html(f"<p>{said}</p>", said))
    return Provenance("\n".join(part.markup for part in parts), "\n".join(part.text for part in parts), runs)


def _facts(run: Run) -> Mapping[str, Any]:
    facts = run.get("facts")
    return facts if isinstance(facts, dict) else {}


def _changes(runs: Sequence[Run]) -> Iterator[dict[str, Any]]:
    for earlier, later in pairwise(runs):
        before, now = dict(_leaves(_facts(earlier))), dict(_leaves(_facts(later)))
        for path in {**before, **now}:
            sampled_once = path[0] == "sent" and not (path in before and path in now)
            if sampled_once or (path in before and path in now and before[path] == now[path]):
                continue
            change = {"run": later.get("run"), "fact": list(path)}
            yield change | {
                when: deepcopy(facts[path]) for when, facts in (("before", before), ("now", now)) if path in facts
            }


def _leaves(value: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:  # noqa: ANN401 - JSON
    if isinstance(value, dict) and (value or not path):
        for name, inner in value.items():
            yield from _leaves(inner, (*path, name))
    else:
        yield path, value


def _shown_facts(facts: Mapping[str, Any]) -> Html:
    markup, text = [_listed(_lines(facts))], [f"{plain(name)}: {plain(value)}" for name, value in _lines(facts)]
    if sampled := list(_sampled(facts.get("sent"))):
        markup.append(_folded("sent, a sample", _listed(sampled)))
        text += [f"sent, {plain(name)}: {plain(value)}" for name, value in sampled[:_SAMPLED_LINES]]
        if len(sampled) > _SAMPLED_LINES:
            text.append(f"sent: {len(sampled) - _SAMPLED_LINES} more sampled, in to_dict()")
    card = _part(facts, "dataset").get("card")
    if isinstance(card, str) and card.strip():
        body = f'<pre style="white-space:pre-wrap;overflow-wrap:anywhere">{escape(card)}</pre>'
        markup.append(_folded("dataset card", body))
        text.append(f"dataset card: {plain(card.strip().splitlines()[0], 80)} ({len(card)} characters, in to_dict())")
    return Html("\n".join(markup), "\n".join(text))


def _listed(lines: Iterable[tuple[str, str]]) -> str:
    return "<dl>" + "".join(f"<dt>{escape(name)}</dt><dd>{escape(value)}</dd>" for name, value in lines) + "</dl>"


def _folded(summary: str, body: str) -> str:
    return f"<details><summary>{summary}</summary>{body}</details>"


def _part(facts: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    part = facts.get(name)
    return part if isinstance(part, dict) else {}


def _lines(facts: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Bring facts to lines: one each, and one for each axis and repository."""
    for name, value in facts.items():
        title = _NAMES.get(name, name)
        if name in {"given", "git"} and isinstance(value, dict):
            yield from ((f"{title}, {inner}", _words(fact)) for inner, fact in value.items())
        elif name == "dataset" and isinstance(value, dict):
            yield title, _words({key: inner for key, inner in value.items() if key != "card"})
        elif name != "sent" and value != {}:
            yield title, _words(value)


def _sampled(sent: object) -> Iterator[tuple[str, str]]:
    for utt_id, questions in sent.items() if isinstance(sent, dict) else ():
        for condition, parameters in questions.items() if isinstance(questions, dict) else ():
            yield f"{utt_id}, {condition}", _words(parameters)


def _words(value: Any) -> str:  # noqa: ANN401 - any JSON value
    """Write a JSON value as words: ``none (value –), right (column language)``."""
    if isinstance(value, dict):
        return ", ".join(
            f"{name} ({_words(inner)})" if isinstance(inner, dict) else f"{name} {_words(inner)}"
            for name, inner in value.items()
        )
    if isinstance(value, list):
        return f"[{', '.join(map(_words, value))}]"
    if value is None:
        return MISSING
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float) and 1e-9 < abs(value) < 1e15:
        return f"{Decimal(repr(value)):f}"
    text = str(value) or EMPTY
    return text if len(text) <= _CHARACTERS else f"{text[:_CHARACTERS]} … ({len(text)} characters)"


def _shown_runs(runs: Sequence[Run]) -> Html:
    names = ("run", "started", "ended", "outcome")
    frame = pd.DataFrame([[run.get(name) for name in names] for run in runs], columns=list(names), dtype="object")
    shown = table(frame, caption="Runs", max_rows=None)
    if frame["ended"].notna().all():
        return shown
    return Html(f"{shown.markup}<p>{_OPEN}</p>", f"{shown.text}\n{_OPEN}")


def _shown_changes(changes: Sequence[Mapping[str, Any]]) -> Html:
    rows = [
        {
            "run": change["run"],
            "fact": " / ".join(map(str, change["fact"])),
            "before": _words(change["before"]) if "before" in change else _ABSENT,
            "now": _words(change["now"]) if "now" in change else _ABSENT,
        }
        for change in changes
    ]
    return table(pd.DataFrame(rows, dtype="object"), caption="What differed from the run before")
