"""How the documentation is built: `make docs`, without network, into build/docs.

The pages are where they are written anyway: notebooks with the output they were committed with (nbval proves it),
README, cards of datasets, docstrings. So the root of the sources is that of the repository.
"""

import sys
from importlib.metadata import version as installed
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))  # for `generated`

project = "asrlab"
release = installed("asrlab")
copyright = "the authors of asrlab, Apache-2.0"  # noqa: A001 - Sphinx's name for it
language = "en"

extensions = ["sphinx.ext.autodoc", "numpydoc", "sphinx_click", "myst_nb", "generated"]
root_doc = "docs/index"
include_patterns = [
    "docs/**.md",
    "notebooks/*.ipynb",
    "notebooks/experiments/*.ipynb",
    "datasets/*/README.md",
    "benchmarks/*.md",
    "benchmarks/results/*.md",
    "*.md",
]
exclude_patterns = [".*", "asrlab", "build", "runs", "tests", "*.egg-info", "**/__pycache__", "datasets/*/audio"]

nitpicky = True  # a reference to nothing is an error
autodoc_typehints = "none"  # numpydoc's Parameters say it, with units
autodoc_member_order = "groupwise"
numpydoc_show_class_members = False  # autodoc does
numpydoc_class_members_toctree = False

smartquotes = False  # what is quoted is to be typed
myst_heading_anchors = 3
nb_execution_mode = "off"
nb_merge_streams = True
# What a saved notebook shows where there is no kernel; and no script of widgets, which would be loaded from elsewhere.
nb_mime_priority_overrides = [("html", "application/vnd.jupyter.widget-view+json", None)]
nb_ipywidgets_js = {}

html_theme = "furo"
html_title = f"asrlab {release}"
html_static_path = ["_static"]
html_css_files = ["asrlab.css"]
templates_path = ["_templates"]
html_additional_pages = {"index": "redirect.html"}  # the root of the built pages leads to docs/index.html
html_copy_source = False
html_show_sourcelink = False
html_show_search_summary = False  # it would fetch pages, which a browser refuses from a folder
html_last_updated_fmt = None  # the same sources make the same pages
