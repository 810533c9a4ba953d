"""The command line: thin verbs, named as the functions that they call."""

from __future__ import annotations

import click

from asrlab.cli.datasets import check, convert
from asrlab.cli.doctor import doctor
from asrlab.cli.ends import Verbs
from asrlab.cli.local import demo, serve
from asrlab.cli.notebook import new_notebook
from asrlab.cli.results import compare, report, score
from asrlab.cli.sweeps import plan, run


@click.group(cls=Verbs, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(package_name="asrlab", prog_name="asrlab")
def main() -> None:
    """Run experiments on speech-to-text services.

    Which settings should I use on my audio, and is the difference real? Each verb is named as the function that it
    calls, and in Python there is more. Keys are taken from the environment: DASHSCOPE_API_KEY, or
    DASHSCOPE_API_KEY_SINGAPORE and DASHSCOPE_API_KEY_BEIJING.

        asrlab demo                                    the whole job, without a key
        asrlab check DATASET                           what would make numbers wrong
        asrlab plan DATASET --axis ... --store FOLDER  what would be sent, and its price
        asrlab run DATASET --axis ... --store FOLDER   ask, and keep the answers
        asrlab score FOLDER --dataset DATASET -o FILE  error rates
        asrlab compare FILE --along AXIS               is the difference real?
    """


for _verb in (demo, serve, check, plan, run, score, compare, report, convert, new_notebook, doctor):
    main.add_command(_verb)
