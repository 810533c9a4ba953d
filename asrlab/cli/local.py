"""Verbs of this machine alone: demo, serve."""

from __future__ import annotations

from pathlib import Path

import click

from asrlab.cli.ends import verb


@verb(short_help="Run the main job on this machine.")
@click.option("--dataset", type=click.Path(path_type=Path), default="datasets/dictation", show_default=True,
              help="Folder of the dataset dictation, which is in a checkout.")  # fmt: skip
@click.option("--store", type=click.Path(path_type=Path), default="runs/demo", show_default=True,
              help="Where the answers are kept.")  # fmt: skip
@click.option("--report", type=click.Path(path_type=Path), default="runs/demo.html", show_default=True,
              help="Where the report goes; its figures go beside it.")  # fmt: skip
def demo(*, dataset: Path, store: Path, report: Path) -> None:
    """Run the main job on the embedded default: ask, mark, compare, report.

    About two minutes, without a key. Interrupt it as you like, and run it again: it asks only for what is missing.
    """
    from asrlab.demo import run_demo  # noqa: PLC0415 - brings pandas and matplotlib

    run_demo(dataset, store, report)


@verb(short_help="Run a transcription service here.")
@click.option(
    "--engine", type=click.Choice(["whisper", "sphinx", "scripted"]), default="whisper", help="What recognises."
)
@click.option("--host", default="127.0.0.1", show_default=True, help="Loopback address to listen on.")
@click.option(
    "--port",
    type=click.IntRange(0, 65535),
    metavar="NUMBER",
    default=8300,
    show_default=True,
    help="Port; 0 for a free one.",
)
@click.option("--media", multiple=True, metavar="URL", help="A file server it may fetch from; repeatable.")
@click.option("--key", envvar="ASRLAB_SERVE_KEY", help="The one API key it takes; any key if not given.")
@click.option("--workers", type=int, default=1, show_default=True, help="How much is worked on at once.")
@click.option("--no-limits", is_flag=True, help="Let accounts ask as often as they like.")
@click.option("--submits-per-minute", type=float, help="Submits an account may send in a minute, in place of 600.")
@click.option("--queries-per-second", type=float, help="Task queries an account may send in a second, in place of 20.")
@click.option("--page-rows", type=int, default=100, show_default=True, help="Most rows on a page of the task list.")
@click.option("--queue-delay", type=float, default=0.0, metavar="SECONDS", help="How long a task is PENDING at least.")
@click.option("--run-delay", type=float, default=0.0, metavar="SECONDS", help="How long a task is RUNNING at least.")
@click.option("--fault", multiple=True, metavar="ROUTE=KIND[@RATE]", help="What is to go wrong; repeatable.")
@click.option("--seed", type=int, default=0, show_default=True, help="Of faults with a rate.")
@click.option(
    "--vocabulary",
    multiple=True,
    metavar="NAME=FILE",
    help="Words, one a line, that sibling models take by this vocabulary_id; repeatable.",
)
@click.option("--idle-exit", type=float, metavar="SECONDS", help="End after so long without a request.")
def serve(
    *,
    engine: str,
    host: str,
    port: int,
    media: tuple[str, ...],
    key: str | None,
    workers: int,
    no_limits: bool,
    submits_per_minute: float | None,
    queries_per_second: float | None,
    page_rows: int,
    queue_delay: float,
    run_delay: float,
    fault: tuple[str, ...],
    seed: int,
    vocabulary: tuple[str, ...],
    idle_exit: float | None,
) -> None:
    """Run a transcription service on this machine that speaks the protocol of the real one.

    It serves qwen3-asr-flash-filetrans, its siblings on that path, and the synchronous qwen3-asr-flash. Emotion is not
    modelled and always neutral; times are UTC; usage is whole seconds, rounded up, times channels.
    """
    from asrlab.server.limits import Limits  # noqa: PLC0415 - not needed by other verbs
    from asrlab.server.run import run  # noqa: PLC0415 - an extra, and slow to import

    given = {"submits_per_minute": submits_per_minute, "queries_per_s": queries_per_second}
    chosen = {name: number for name, number in given.items() if number is not None}
    if no_limits and chosen:
        raise click.UsageError("--no-limits leaves no limit to set. Give one or the other.")
    run(
        engine,
        host=host,
        port=port,
        media=media,
        key=key,
        workers=workers,
        limits=None if no_limits else Limits(**chosen),
        page_rows=page_rows,
        queue_s=queue_delay,
        run_s=run_delay,
        faults=fault,
        seed=seed,
        vocabularies=dict(_vocabulary(text) for text in vocabulary),
        idle_exit=idle_exit,
    )


def _vocabulary(text: str) -> tuple[str, list[str]]:
    """Read a vocabulary that is written NAME=FILE."""
    name, equals, file = text.partition("=")
    try:
        lines = Path(file).read_text(encoding="utf-8-sig").splitlines() if equals else []
    except (OSError, ValueError) as error:
        raise click.UsageError(f"The words of {name!r} cannot be read from {file} ({error}).") from error
    words = [line.strip() for line in lines if line.strip()]
    if not name or not words:
        raise click.UsageError(f"A vocabulary is written NAME=FILE, with a word on each line of FILE, not {text!r}.")
    return name, words
