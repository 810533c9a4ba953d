"""Reports: one file that says what was asked, and what came of it."""

from asrlab.views.report.report import Report as Report
