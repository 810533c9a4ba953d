"""Explain: why two results differ, as parts that add up exactly to the gap.

The same answers, or others, give another figure when they are normalised, cut, chosen or averaged in another way. Each
such choice is changed from ours to theirs, and what that does to the rate is its part.
"""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from math import factorial
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import pandas as pd

from asrlab import tables
from asrlab.errors import InvalidInput
from asrlab.scoring.explain.choices import DEFAULTS, resolved, same, with_named_script, words
from asrlab.scoring.explain.combinations import Marker
from asrlab.scoring.explain.published import Published, percent, points, published

if TYPE_CHECKING:
    from collections.abc import Sequence

    from asrlab.scoring.explain.combinations import Result
    from asrlab.scoring.given import References, Transcripts

    Settings = Mapping[str, Any]
    Part = tuple[str, ...]

#: Parts that Shapley values are computed of: 2^8 = 256 combinations are marked.
_MOST_PARTS: Final = 8
#: What is left between our answers under their choices and a published rate.
NOT_EXPLAINED: Final = "not explained"
_SHAPLEY: Final = "shapley"
_NOTHING: Final[frozenset[tuple[str, ...]]] = frozenset()
#: Python writes no longer numbers out.
_MOST_DIGITS: Final = 4000


def explain(
    transcripts: Transcripts,
    references: References,
    ours: Settings,
    theirs: Settings | str | float,
    *,
    order: Sequence[str] | str | None = None,
    together: Sequence[Sequence[str]] = (),
    **both: Any,  # noqa: ANN401 - the choices of both, each of its own kind
) -> pd.DataFrame:
    """Explain why two error rates differ: a part for each choice that differs, which add up exactly to the gap.

    Parameters
    ----------
    transcripts, references
        As in :func:`asrlab.score`.
    ours, theirs : mapping of str to value
        What one and the other has chosen (see Notes), where it is not the default. ``theirs`` may also be a published
        rate that our answers are held against, or have one as ``"rate"`` beside what is known of how it was made:
        ``{"rate": "2.41 %", "normalizer": "none"}``; what is not known is then taken to be as ours. A text gives per
        cent, and how many digits were published; a number is a share, as everywhere, and exact to 0.01 points.
    order : sequence of str, or "shapley", optional
        The order in which choices are changed from ours to theirs; by default that of the list in Notes, from the data
        to the figure. What a part comes to depends on it. ``"shapley"``: the mean of each part over all orders (Shapley
        1953), for up to 8 parts, which take 2^8 markings.
    together : sequence of sequence of str
        Choices that are changed in one step, as one part: ``[("unit", "normalizer")]``.
    **both
        What both have chosen alike, such as ``form="spoken"``.

    Returns
    -------
    DataFrame
        An ``explanation`` table: a row a part, in order. The first ``rate_before`` is ours, the last ``rate_after``
        theirs, and each ``rate_after`` the ``rate_before`` of the row below. Rates are fractions of whole numbers until
        they stand here: each ``delta`` is rounded once, and ``exact`` not at all. A choice that does nothing has a
        delta of exactly 0. ``first`` and ``last`` tell how much a part depends on the order. Where a published rate is
        held against, the last row is "not explained": what is left between our answers under their choices and that
        rate. It is never a finding about an engine: other answers, and choices not named, are both in it.

    Raises
    ------
    InvalidInput
        If nothing differs, there is no such choice, or the answers cannot be marked under our choices, under theirs, or
        on the way from one to the other; the error says which choice it is.

    Notes
    -----
    There is to choose, with the defaults of :func:`asrlab.score` where it has the option too:

    - ``transcripts``: other answers; ``references``: other references, with utterances;
    - ``condition``: the name of a setting, or ``{axis: level}``. Needed where there are several;
    - ``split``: which utterances. A query over their table (``"topic == 'numbers'"``), ``{column: value or values}``,
      or a list of utt_ids;
    - ``missing``: how trials without an answer count: raise, drop, all-deleted, or ``"empty"``, which marks them as
      answers of no words, as tools do that store a failed request as an empty text. That differs from all-deleted
      where references have alternatives (of several the one with the fewest errors counts) or are empty;
    - ``channels``, ``language``, ``form``, ``variants``, ``unit``, ``ties``;
    - ``script``: ``"fold"`` or ``"keep"``, the option of the normalizer (also where its name has it). With one that
      knows nothing of scripts, such as ``"none"``, the script is folded after it;
    - ``normalizer``;
    - ``aggregate``: how one figure is made of the answers, as :func:`asrlab.rates` has them: ``"pooled"``,
      ``"clipped"``, ``"mean"`` or ``"median"``; or ``"mean by speaker"`` or any column of the utterances, the mean of
      their pooled rates, in which each counts once.

    What is counted in different units or by different normalizers is never pooled: take one language, or one unit.

    Examples
    --------
    >>> said = ["a b c d e f g h i j", "k"]
    >>> heard = ["a b c d e f g h i x", "l m"]
    >>> parts = explain(heard, said, {}, {"aggregate": "mean"}, normalizer="none")
    >>> parts[["part", "from", "to", "rate_before", "rate_after"]].round(3).to_dict("records")
    [{'part': 'aggregate', 'from': 'pooled', 'to': 'mean', 'rate_before': 0.273, 'rate_after': 1.05}]
    >>> parts["exact"].to_list()  # 21/20 - 3/11
    ['171/220']
    >>> parts["what"][0]
    'aggregate: mean for pooled, 27.27 % to 105.00 %, +77.73 points.'
    """
    their_settings, target = _theirs(theirs)
    if not isinstance(ours, Mapping):
        raise InvalidInput(f"ours must be a mapping of choices to values, not {ours!r}.")
    of_ours = {**both, **ours}
    of_theirs = {**(both if target is None else of_ours), **their_settings}
    our = resolved(of_ours, transcripts, references, "ours")
    their = resolved(of_theirs, transcripts, references, "theirs")
    our, their = with_named_script(our, their), with_named_script(their, our)
    gap = Gap(our, their, _parts(our, their, together))
    if not gap.parts and target is None:
        raise InvalidInput(
            "Our choices and theirs are the same, so there is no gap to explain. Say what theirs are, as in "
            'theirs={"normalizer": "none", "aggregate": "mean"}, or give a published rate.'
        )
    gap.check_sides()
    rows = gap.by_shapley() if order == _SHAPLEY else gap.in_order(_ordered(gap.parts, order))
    method = f"shapley: mean over all {factorial(len(gap.parts))} orders" if order == _SHAPLEY else ""
    method = method or f"in order: {', '.join(map(_name, [row.part for row in rows]))}"
    table = [_row(gap, row, method) for row in rows]
    if target is not None:
        table.append(_residual(gap, target, method))
    return tables.check(pd.DataFrame(table, columns=list(tables.SCHEMAS["explanation"])), "explanation")


class Step(NamedTuple):
    """A part, where it begins and ends, and the results there; None where that is no result but a sum."""

    part: Part
    before: Fraction
    after: Fraction
    result_before: Result | None
    result_after: Result | None


class Gap:
    """What lies between our choices and theirs: every combination, each part taken from one or the other."""

    def __init__(self, ours: Settings, theirs: Settings, parts: list[Part]) -> None:
        self.ours, self.theirs, self.parts = ours, theirs, parts
        self._marker = Marker([ours["aggregate"], theirs["aggregate"]])

    def at(self, changed: frozenset[Part]) -> Result:
        """Give the result with some parts as theirs."""
        keys = {key for part in changed for key in part}
        return self._marker.result({key: (self.theirs if key in keys else self.ours)[key] for key in DEFAULTS})

    def fault(self, changed: frozenset[Part]) -> InvalidInput | None:
        """Say why the answers cannot be marked with some parts as theirs; None where they can."""
        try:
            self.at(changed)
        except InvalidInput as error:
            return error
        return None

    def check_sides(self) -> None:
        """Refuse choices that cannot be marked by themselves, and say which of them it is."""
        for whose, side, changed in (("our", self.ours, _NOTHING), ("their", self.theirs, frozenset(self.parts))):
            if error := self.fault(changed):
                cause = next((part for part in self.parts if not self.fault(changed ^ {part})), None)
                named = "" if cause is None else f" What causes it is {_chosen(cause, side)}."
                if cause and all(same(side[key], DEFAULTS[key]) for key in cause):
                    named += f" If both have chosen alike, give it once, for both: explain(..., {cause[0]}=...)."
                raise InvalidInput(f"With {whose} choices the answers cannot be marked.{named} {error}") from error

    def change(self, before: frozenset[Part], part: Part) -> Result:
        """Give the result with one part more as theirs."""
        if error := self.fault(before | {part}):
            rest = [one for one in self.parts if one not in before and one != part]
            helps = next((one for one in rest if not self.fault(before | {part, one})), rest[0])
            advice = f", or put {_name(helps)} before it in order=[...]" * (not self.fault(before | {helps}))
            raise InvalidInput(
                f"With {_chosen(part, self.theirs)} as theirs, and {' and '.join(_chosen(p, self.ours) for p in rest)} "
                f"still as ours, the answers cannot be marked. {error} Change both in one step, "
                f"together=[{(*part, *helps)}]{advice}."
            ) from error
        return self.at(before | {part})

    def in_order(self, order: list[Part]) -> list[Step]:
        """Change one part after another."""
        steps, changed, before = [], _NOTHING, self.at(_NOTHING)
        for part in order:
            after = self.change(changed, part)
            steps.append(Step(part, before.rate, after.rate, before, after))
            changed, before = changed | {part}, after
        return steps

    def by_shapley(self) -> list[Step]:
        """Average what each part does over all orders: it comes after each set of others equally often by size."""
        if (n := len(self.parts)) > _MOST_PARTS:
            raise InvalidInput(
                f"{n} choices differ, and Shapley values of them would take {2**n} markings; up to {_MOST_PARTS} are "
                'done. Change some of them as one part, together=[("unit", "normalizer")], or name an order.'
            )
        sets = [_NOTHING]
        for part in self.parts:
            sets += [one | {part} for one in sets]
        rates = {one: self._reached(one).rate for one in sorted(sets, key=len)}
        weight = [Fraction(factorial(size) * factorial(n - size - 1), factorial(n)) for size in range(n)]
        steps, before = [], rates[_NOTHING]
        ends = self.at(_NOTHING), self.at(frozenset(self.parts))
        for place, part in enumerate(self.parts):
            others = [one for one in sets if part not in one]
            after = before + sum((weight[len(one)] * (rates[one | {part}] - rates[one]) for one in others), Fraction(0))
            last = place == n - 1
            steps.append(Step(part, before, after, None if place else ends[0], ends[1] if last else None))
            before = after
        return steps

    def _reached(self, changed: frozenset[Part]) -> Result:
        part = next((one for one in self.parts if one in changed), None)
        return self.at(changed) if part is None else self.change(changed - {part}, part)

    def alone(self, part: Part) -> tuple[Fraction | None, Fraction | None]:
        """Give what a part comes to before all others, and after them."""
        whole = frozenset(self.parts)
        sets = [(frozenset({part}), _NOTHING), (whole, whole - {part})]
        found = [
            self.at(more).rate - self.at(less).rate if not (self.fault(more) or self.fault(less)) else None
            for more, less in sets
        ]
        return found[0], found[1]


def _theirs(given: Settings | str | float) -> tuple[Settings, Published | None]:
    if not isinstance(given, Mapping):
        return {}, published(given)
    settings = dict(given)
    return settings, published(settings.pop("rate")) if "rate" in settings else None


def _parts(ours: Settings, theirs: Settings, together: Sequence[Sequence[str]]) -> list[Part]:
    """Name the choices that differ, those that are changed together as one, in their usual order."""
    if isinstance(together, str) or any(isinstance(group, str) for group in together):
        raise InvalidInput(f'together must be a list of groups of choices, [("unit", "normalizer")], not {together!r}.')
    named = [key for group in together for key in group]
    _known(named, "together")
    if len(set(named)) < len(named):
        raise InvalidInput("together names a choice twice. Each is changed once.")
    differ = [key for key in DEFAULTS if not same(ours[key], theirs[key])]
    if idle := [key for key in named if key not in differ]:
        raise InvalidInput(f"together names {idle[0]!r}, in which ours and theirs do not differ. Leave it out.")
    group_of = {key: tuple(sorted(group, key=differ.index)) for group in together for key in group}
    return list(dict.fromkeys(group_of.get(key, (key,)) for key in differ))


def _ordered(parts: list[Part], order: Sequence[str] | str | None) -> list[Part]:
    if order is None:
        return parts
    if isinstance(order, str):
        raise InvalidInput(f'order must be a list of choices or "shapley", not {order!r}.')
    _known(order, "order")
    found = list(dict.fromkeys(part for key in order for part in parts if key in part))
    if lacking := [_name(part) for part in parts if part not in found]:
        raise InvalidInput(
            f"order leaves out what differs too: {', '.join(lacking)}. Name every choice that differs: "
            f"{', '.join(map(_name, parts))}."
        )
    return found


def _known(names: Sequence[str], where: str) -> None:
    if unknown := [name for name in names if name not in DEFAULTS]:
        raise InvalidInput(
            f"{where} names {unknown[0]!r}, which is nothing to choose; there are {', '.join(DEFAULTS)}."
        )


def _name(part: Part) -> str:
    return " + ".join(part)


def _words(part: Part, side: Settings) -> str:
    return " + ".join(words(key, side[key]) for key in part)


def _chosen(part: Part, side: Settings) -> str:
    return f"{_name(part)} ({_words(part, side)})"


def _row(gap: Gap, step: Step, method: str) -> dict[str, object]:
    delta = step.after - step.before
    first, last = gap.alone(step.part)
    changed = f"{_name(step.part)}: {_words(step.part, gap.theirs)} for {_words(step.part, gap.ours)}"
    if step.result_before and step.result_after:
        what = f"{changed}, {percent(step.before)} to {percent(step.after)}, {points(delta)}"
    else:
        what = f"{changed}, {points(delta)} on average"
    elsewhere = {"first": first, "last": last}
    ends = [f"{points(end)} if changed {when}" for when, end in elsewhere.items() if end not in {None, delta}]
    what += f" ({', '.join(ends)})" if ends else ""
    return {
        "part": _name(step.part),
        "from": _words(step.part, gap.ours),
        "to": _words(step.part, gap.theirs),
        **_numbers(step.before, step.after),
        "first": pd.NA if first is None else float(first),
        "last": pd.NA if last is None else float(last),
        "method": method,
        **_counts(step.result_before, "before"),
        **_counts(step.result_after, "after"),
        "what": f"{what}.",
    }


def _residual(gap: Gap, target: Published, method: str) -> dict[str, object]:
    """Make the row of what is left to a published rate."""
    ours = gap.at(frozenset(gap.parts))
    left = target.rate - ours.rate
    reached = f"our answers {'with what is known of their choices ' * bool(gap.parts)}come to {percent(ours.rate)}"
    if abs(left) <= target.half:
        what = f"{NOT_EXPLAINED}: nothing but rounding; {reached}, published is {target.said}."
    else:
        what = (
            f"{NOT_EXPLAINED}: {points(left)}; {reached}, published is {target.said}. That is other answers, or "
            "choices that are not named here."
        )
    return {
        "part": NOT_EXPLAINED,
        "from": percent(ours.rate),
        "to": target.said,
        **_numbers(ours.rate, target.rate),
        "method": method if gap.parts else "no choice differs",
        **_counts(ours, "before"),
        "what": what,
    }


def _numbers(before: Fraction, after: Fraction) -> dict[str, object]:
    exact = after - before
    written = max(abs(exact.numerator), exact.denominator) < 10**_MOST_DIGITS
    return {
        "rate_before": float(before),
        "rate_after": float(after),
        "delta": float(exact),
        "exact": str(exact) if written else pd.NA,
    }


def _counts(result: Result | None, when: str) -> dict[str, object]:
    if result is None:
        return {}
    return {f"{name}_{when}": getattr(result, name) for name in ("n_answers", "n_lost", "ref_len")}
