"""Figures: from a table of results to Axes.

Rates and intervals are drawn as the table has them, and what it does not have is said in the figure. Two figures work
out what no table has, and say so: quartiles of a distribution, and the differences that a dumbbell joins. Colour alone
never tells anything. No backend is set, no global setting changed, and nothing shown.
"""

from asrlab.views.plot.causes import audit as audit
from asrlab.views.plot.causes import waterfall as waterfall
from asrlab.views.plot.cells import dumbbell as dumbbell
from asrlab.views.plot.cells import heat as heat
from asrlab.views.plot.choosing import race as race
from asrlab.views.plot.choosing import ranking as ranking
from asrlab.views.plot.confusions import confusion as confusion
from asrlab.views.plot.context import bias_curve as bias_curve
from asrlab.views.plot.context import slope as slope
from asrlab.views.plot.curves import curve as curve
from asrlab.views.plot.curves import ladder as ladder
from asrlab.views.plot.distribution import distribution as distribution
from asrlab.views.plot.frontier import frontier as frontier
from asrlab.views.plot.ink import column as column
from asrlab.views.plot.planned import power as power
from asrlab.views.plot.repeats import agreement as agreement
from asrlab.views.plot.results import deltas as deltas
from asrlab.views.plot.results import rates as rates
