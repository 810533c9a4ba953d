"""Verbs on sweeps: plan, run."""

from __future__ import annotations

import sys
from functools import partial
from typing import TYPE_CHECKING, Any, Final, Literal

import click

import asrlab as lab
from asrlab.cli.ends import UNANSWERED, verb
from asrlab.cli.options import as_json, asking, make_sweep, several, spread, workers
from asrlab.cli.out import document, facts, named, records, table
from asrlab.errors import BudgetSpent, InvalidInput, MissingTrials
from asrlab.folders import is_set

if TYPE_CHECKING:
    from collections.abc import Mapping

    from asrlab.data.dataset import Dataset
    from asrlab.sweep.plan import Plan, Retry
    from asrlab.sweep.sweep import Sweep

_FAILURES: Final = 5
_TOLD: Final = ["utt_id", "condition", "repeat", "state", "error_code", "error"]

_pricing = several(
    click.option(
        "--retry", type=click.Choice(["failed", "unknown"]), help="Send trials again that ended without an answer."
    ),
    click.option("--price-usd-per-s", type=float, metavar="USD", help="Price of a second of audio, in place of ours."),
)
_racing = several(
    click.option(
        "--race", "race_level", type=float, metavar="LEVEL",
        help="Drop settings that are clearly worse: with this confidence, such as 0.95, the best is kept.",
    ),
    click.option("--looks", type=int, metavar="N", help="How often the race looks; 20 times."),
    click.option("--form", help="How the race marks: form of the reference."),
    click.option("--unit", help="How the race marks: word, char, mixed ..."),
    click.option("--normalizer", help="How the race marks: as for score."),
    click.option("--missing", help="How trials without an answer count in the race: all-deleted, or drop."),
)  # fmt: skip


@verb(short_help="Say what would be sent, and its price.")
@asking
@_pricing
@spread
@as_json
def plan(*, retry: Retry, price_usd_per_s: float | None, executor: str | None, as_json: bool, **chosen: Any) -> None:  # noqa: ANN401 - click's
    r"""Say what a run would send, what it costs and how long it takes; nothing is sent.

    The grid is written as --axis NAME=LEVELS, a parameter each:

        --axis language=none,right:@language           LABEL:VALUE; @ is a column of the utterances
        --axis enable_itn=false,true
        --axis 'context=none,terms:note:terms.{language}.txt'    a file of the dataset's folder
        --axis 'context=none,names:"Kestrel, Ostrava"'           quotes, where there are commas
        --axis snr=none,20,10,0 --set noise=babble               audio made worse
        --axis 'audio={"wire": null, "GSM": {"codec": "gsm"}}'   or JSON

        asrlab plan datasets/dictation --axis language=none,right:@language --axis enable_itn=false,true \
          --store runs/first
    """
    sweep = make_sweep(**chosen)
    with workers(executor) as where:
        made = sweep.plan(retry=retry, price_usd_per_s=price_usd_per_s, executor=where)
    if as_json:
        document(_told_of(made))
    else:
        click.echo(facts(made))


@verb(short_help="Send what the store lacks, and keep it.")
@asking
@_pricing
@click.option("--budget-usd", type=float, metavar="USD", help="Most that all runs of this store may spend together.")
@click.option("--budget-minutes", type=float, metavar="MIN", help="The same in billed minutes of audio.")
@click.option("--allow-unknown-length", is_flag=True, help="Send recordings of unknown length in spite of a budget.")
@click.option("--on-interrupt", type=click.Choice(["wait", "leave"]), default="wait", show_default=True,
              help="What Ctrl-C does with what is in flight.")  # fmt: skip
@click.option("--concurrency", type=int, metavar="N", help="How many trials are under way at once.")
@click.option("--yes", is_flag=True, help="Do not ask before money is spent.")
@_racing
@spread
@as_json
def run(
    *,
    retry: Retry,
    price_usd_per_s: float | None,
    budget_usd: float | None,
    budget_minutes: float | None,
    yes: bool,
    executor: str | None,
    as_json: bool,
    allow_unknown_length: bool,
    on_interrupt: Literal["wait", "leave"],
    concurrency: int | None,
    race_level: float | None,
    looks: int | None,
    form: str | None,
    unit: str | None,
    normalizer: str | None,
    missing: str | None,
    **chosen: Any,  # noqa: ANN401 - options of click
) -> None:
    r"""Send what the store lacks, and keep what comes back.

    The options of the grid are those of plan. Interrupt it as you like (Ctrl-C; twice to leave what is in flight) and
    run it again: it asks only for what is missing. Before money is spent it asks you, unless there is a budget or
    --yes; where nobody can be asked, that is an error.
    With --json the document says how all askings stand, also where it was interrupted.
    With ASRLAB_OFFLINE=1 nothing is sent, and missing answers are an error.
    With --race settings that have lost are asked no more: see asrlab.Race.

        asrlab run datasets/dictation --axis enable_itn=false,true --store runs/itn
        asrlab run datasets/dictation --axis snr=none,20,10,0 --set noise=pink --race 0.95 --form spoken --unit word \
          --store runs/race
        asrlab run calls/ --engine qwen3-asr-flash-filetrans --region singapore --axis language=none,right:@language \
          --store runs/calls --budget-usd 2
    """
    from asrlab.sweep.store import is_run  # noqa: PLC0415 - slow to import

    sweep = make_sweep(**chosen)
    marking = {"form": form, "unit": unit, "normalizer": normalizer, "missing": missing}
    race = _race(sweep.dataset, race_level, {"looks": looks}, marking)
    offline = is_set("ASRLAB_OFFLINE")
    if offline and sweep.source.suffix != ".jsonl" and not is_run(sweep.source):
        raise MissingTrials(
            "Nothing is sent with ASRLAB_OFFLINE=1, and all answers are missing: there is no run in "
            f"{named(sweep.source)} yet. Ask for them without it, or check the path."
        )
    if not (yes or offline) and budget_usd is None and budget_minutes is None:
        _ask(sweep.plan(retry=retry, price_usd_per_s=price_usd_per_s), asks=not as_json)
    ended: BaseException | None = None
    try:
        with workers(executor) as where:
            sweep.run(
                retry=retry,
                budget_usd=budget_usd,
                budget_minutes=budget_minutes,
                allow_unknown_length=allow_unknown_length,
                price_usd_per_s=price_usd_per_s,
                on_interrupt=on_interrupt,
                concurrency=concurrency,
                race=race,
                executor=where,
            )
    except BudgetSpent as error:
        ended = error
    except (KeyboardInterrupt, SystemExit) as error:  # SystemExit: by SIGTERM
        if not (as_json and is_run(sweep.source)):
            raise
        ended = error
    answered = _report(sweep, raced=race is not None, as_json=as_json)
    if ended is not None:
        raise ended
    click.get_current_context().exit(0 if answered else UNANSWERED)


def _ask(plan: Plan, *, asks: bool) -> None:
    """Ask whether money may be spent, if it would be."""
    if plan.free or not plan.to_send:
        return
    if not (asks and sys.stdin.isatty()):
        raise InvalidInput(
            f"This would cost money, and there is nobody to be asked ({plan!r}). Set --budget-usd or --budget-minutes, "
            "or say --yes."
        )
    click.echo(facts(plan), err=True)
    if not click.confirm("Send them?", err=True):
        click.echo("Nothing was sent.", err=True)
        raise click.exceptions.Exit(1)


def _race(
    dataset: Dataset, level: float | None, looks: Mapping[str, Any], marking: Mapping[str, Any]
) -> lab.Race | None:
    """Make a race by the options of :data:`_racing`."""
    given, marked = ({n: v for n, v in some.items() if v is not None} for some in (looks, marking))
    if level is None:
        if unused := [*given, *marked]:
            raise click.UsageError(f"--{unused[0]} is of a race. Give --race LEVEL, such as 0.95, or leave it out.")
        return None
    marked = {"missing": "all-deleted", **marked}
    return lab.Race(partial(lab.score, references=dataset, **marked), level=level, **given)


def _report(sweep: Sweep, *, raced: bool, as_json: bool) -> bool:
    """Say how the askings of a sweep stand, and whether all that were to be asked are answered."""
    frame, costs, looks = sweep.transcripts, sweep.costs, sweep.race
    lost = looks.loc[looks["dropped"].astype(bool) & raced, ["condition", "rival", "n_asked"]]
    asked = frame.drop_duplicates(["utt_id", "condition", "repeat"])
    states = {str(state): int(n) for state, n in asked["state"].value_counts(sort=False).items()}
    wrong = asked.loc[~asked["state"].isin(["answered", *(["spared"] if raced else [])]), _TOLD]
    usd = None if costs["usd"].isna().any() else float(costs["usd"].sum())
    told = {"store": named(sweep.source), "askings": len(asked), "states": states, "usd": usd, "digest": sweep.digest}
    if as_json:
        document(told | {"unanswered": records(wrong)} | ({"dropped": records(lost)} if raced else {}))
        return wrong.empty
    told |= {"usd": _usd(usd), "digest": f"{sweep.digest[:16]}…"}
    click.echo(facts(told.items()))
    if len(lost):
        click.echo(f"\nDropped by the race, after so many blocks:\n{table(lost)}")
    if len(wrong):
        click.echo(f"\n{table(wrong, max_rows=_FAILURES)}")
    return wrong.empty


def _usd(usd: float | None) -> str:
    """Say a sum; a small one with its digits, for it is not nothing."""
    if usd is None:
        return "not known"
    return f"{usd:.4f}" if usd == 0 or usd >= 0.01 else f"{usd:.3g}"


def _told_of(plan: Plan) -> dict[str, Any]:
    return {
        "askings": len(plan.table),
        "trials": plan.counts,
        "to_send": len(plan.to_send),
        "audio_min": plan.audio_min,
        "billed_min": plan.billed_min,
        "unknown_lengths": plan.unknown_lengths,
        "free": plan.free,
        "usd": plan.usd,
        "expected_s": plan.expected_s,
        "warnings": plan.warnings,
    }
