"""Audits: whether each parameter of the request did anything, and answers that are wrong as no error rate shows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import pandas as pd

from asrlab import tables
from asrlab.errors import AsrlabError
from asrlab.scoring.flags.flags import flags
from asrlab.stats.audit import audit
from asrlab.text import escape
from asrlab.views.markup import table
from asrlab.wordings import form_as_given

if TYPE_CHECKING:
    from asrlab.views.report.asked import Asked

#: Rows of transcripts up to which they are looked through, and conditions up to which flags are counted in one table.
_MOST_AUDITED: Final = 50_000
_MOST_SEARCHED: Final = 10_000


def audited(asked: Asked, main: pd.DataFrame) -> tuple[pd.DataFrame | None, str]:
    """Audit each axis that is a parameter of the request; give the table, or why there is none."""
    axes = [str(name) for name in asked.conditions.columns if name != "condition"]
    sent = [axis for axis in axes if axis in tables.SCHEMAS["parameters"]]
    sent = [axis for axis in sent if asked.conditions[axis].nunique(dropna=False) > 1]
    if not sent:
        return None, "No parameter of the request was varied: there is nothing to audit."
    if not set(axes) <= set(asked.transcripts.columns):
        return None, "The transcripts do not say under which labels they were heard: there is nothing to audit by."
    if len(asked.transcripts) > _MOST_AUDITED:
        return None, f"Not audited here: there are more than {_MOST_AUDITED:,} answers. See lab.audit()."
    try:
        return audit(asked.transcripts, main if len(main) else None, along=sent), ""
    except AsrlabError as error:
        return None, f"Not audited: {error}"


def flagged(asked: Asked, main: pd.DataFrame) -> str:
    """Count the answers that have a flag, under each condition."""
    if len(asked.transcripts) > _MOST_SEARCHED:
        return f"<p>Flags were not looked for: there are more than {_MOST_SEARCHED:,} answers. See lab.flags().</p>"
    if asked.transcripts["text"].isna().all():
        return "<p>There is no answer that could have a flag.</p>"
    forms = main["form"].dropna().unique()
    parameters = asked.more.get("parameters")
    try:
        found = flags(
            asked.transcripts,
            asked.dataset,  # type: ignore[arg-type]  # what a dataset has, if it is one
            parameters=parameters if isinstance(parameters, pd.DataFrame) else None,
            form=form_as_given(str(forms[0])) if asked.dataset is not None and len(forms) else None,
        )
    except AsrlabError as error:
        return f"<p>Flags were not looked for: {escape(error)}</p>"
    how = "" if asked.dataset is not None else " They were judged by their shape alone: the references are not here."
    if found.empty:
        return f"<p>No answer has a flag (leak, loop, invention, another script, translation).{how}</p>"
    key = ["utt_id", "condition", "repeat", "channel"]
    once = found.drop_duplicates([*key, "flag"])
    counts = pd.crosstab(once["condition"], once["flag"]).rename_axis(columns=None)
    counts = counts.reindex(asked.transcripts["condition"].unique(), fill_value=0).rename_axis("condition")
    n = len(found.drop_duplicates(key))
    said = f"{n:,} of {len(asked.transcripts):,} rows of transcripts have a flag; none is left out of the rates.{how}"
    return table(counts, caption="Answers with a flag", max_rows=200).markup + f"<p>{escape(said)}</p>"
