"""Views: tables, alignments and figures to look at, recordings to listen to, and a report to hand on."""
