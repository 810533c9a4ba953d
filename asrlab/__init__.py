"""asrlab: experiments on speech-to-text services.

Which settings should I use on my audio, and is the difference real? The names below are the whole vocabulary of a
notebook; each is loaded when it is first used.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from asrlab import dashscope as dashscope
    from asrlab.data.dataset import Dataset as Dataset
    from asrlab.data.loading import load_dataset as load_dataset
    from asrlab.engines import engine as engine
    from asrlab.errors import AsrlabError as AsrlabError
    from asrlab.normalize import normalizer as normalizer
    from asrlab.scoring import formatting as formatting
    from asrlab.scoring import hints as hints
    from asrlab.scoring import terms as terms
    from asrlab.scoring.align import align as align
    from asrlab.scoring.confusions import confusions as confusions
    from asrlab.scoring.confusions import word_rates as word_rates
    from asrlab.scoring.edits import edits as edits
    from asrlab.scoring.explain.candidates import candidates as candidates
    from asrlab.scoring.explain.explain import explain as explain
    from asrlab.scoring.flags.flags import flags as flags
    from asrlab.scoring.ladder import ladder as ladder
    from asrlab.scoring.marking import score as score
    from asrlab.scoring.rates import rates as rates
    from asrlab.scoring.segments import by_segment as by_segment
    from asrlab.server.run import serve as serve
    from asrlab.stats.agreement import agreement as agreement
    from asrlab.stats.audit import audit as audit
    from asrlab.stats.comparison import compare as compare
    from asrlab.stats.context import bias_curve as bias_curve
    from asrlab.stats.context import context_ladder as context_ladder
    from asrlab.stats.corrections import adjust as adjust
    from asrlab.stats.effects import effects as effects
    from asrlab.stats.frontier import frontier as frontier
    from asrlab.stats.power import power as power
    from asrlab.stats.precision_recall import precision_recall as precision_recall
    from asrlab.stats.racing import Race as Race
    from asrlab.stats.ranking import rank as rank
    from asrlab.stats.sentences import sentences as sentences
    from asrlab.stats.summary import summarize as summarize
    from asrlab.stats.summary import with_and_without as with_and_without
    from asrlab.sweep.grid import column as column
    from asrlab.sweep.grid import grid as grid
    from asrlab.sweep.opened import open_sweep as open_sweep
    from asrlab.sweep.shrink import shrink as shrink
    from asrlab.sweep.sweep import Sweep as Sweep
    from asrlab.views import html as html
    from asrlab.views import plot as plot
    from asrlab.views.provenance import provenance as provenance
    from asrlab.views.report import Report as Report
    from asrlab.views.widgets import explore as explore

#: Public name -> where it lives: a module, or a module and a name in it.
_HOMES: Final = {
    "AsrlabError": "asrlab.errors:AsrlabError",
    "Dataset": "asrlab.data.dataset:Dataset",
    "Race": "asrlab.stats.racing:Race",
    "Report": "asrlab.views.report:Report",
    "Sweep": "asrlab.sweep.sweep:Sweep",
    "adjust": "asrlab.stats.corrections:adjust",
    "agreement": "asrlab.stats.agreement:agreement",
    "align": "asrlab.scoring.align:align",
    "audit": "asrlab.stats.audit:audit",
    "bias_curve": "asrlab.stats.context:bias_curve",
    "by_segment": "asrlab.scoring.segments:by_segment",
    "candidates": "asrlab.scoring.explain.candidates:candidates",
    "column": "asrlab.sweep.grid:column",
    "compare": "asrlab.stats.comparison:compare",
    "confusions": "asrlab.scoring.confusions:confusions",
    "context_ladder": "asrlab.stats.context:context_ladder",
    "dashscope": "asrlab.dashscope",
    "edits": "asrlab.scoring.edits:edits",
    "effects": "asrlab.stats.effects:effects",
    "engine": "asrlab.engines:engine",
    "explain": "asrlab.scoring.explain.explain:explain",
    "explore": "asrlab.views.widgets:explore",
    "flags": "asrlab.scoring.flags.flags:flags",
    "formatting": "asrlab.scoring.formatting",
    "frontier": "asrlab.stats.frontier:frontier",
    "grid": "asrlab.sweep.grid:grid",
    "hints": "asrlab.scoring.hints",
    "html": "asrlab.views.html",
    "ladder": "asrlab.scoring.ladder:ladder",
    "load_dataset": "asrlab.data.loading:load_dataset",
    "normalizer": "asrlab.normalize:normalizer",
    "open_sweep": "asrlab.sweep.opened:open_sweep",
    "plot": "asrlab.views.plot",
    "power": "asrlab.stats.power:power",
    "precision_recall": "asrlab.stats.precision_recall:precision_recall",
    "provenance": "asrlab.views.provenance:provenance",
    "rank": "asrlab.stats.ranking:rank",
    "rates": "asrlab.scoring.rates:rates",
    "score": "asrlab.scoring.marking:score",
    "sentences": "asrlab.stats.sentences:sentences",
    "serve": "asrlab.server.run:serve",
    "shrink": "asrlab.sweep.shrink:shrink",
    "summarize": "asrlab.stats.summary:summarize",
    "terms": "asrlab.scoring.terms",
    "with_and_without": "asrlab.stats.summary:with_and_without",
    "word_rates": "asrlab.scoring.confusions:word_rates",
}

__all__ = sorted(_HOMES)  # noqa: PLE0605 - one list of names, not two


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f"module 'asrlab' has no attribute {name!r}")
    module, _, attribute = _HOMES[name].partition(":")
    found = import_module(module)
    value = getattr(found, attribute) if attribute else found
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return __all__
