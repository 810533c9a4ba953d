"""Options that several verbs share, and what is made of them."""

from __future__ import annotations

import os
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final, TypeVar

import click

import asrlab as lab
from asrlab.cli.axes import grid, plain_value
from asrlab.cli.out import lasting
from asrlab.errors import MissingExtra

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from asrlab.data.dataset import Dataset
    from asrlab.engines.base import Engine
    from asrlab.executors import Where
    from asrlab.sweep.sweep import Sweep

Command = TypeVar("Command", bound="Callable[..., object]")

as_json = click.option("--json", "as_json", is_flag=True, help="Write one JSON document on the standard output.")
force = click.option("--force", is_flag=True, help="Replace what is there.")
spread = click.option(
    "--executor",
    metavar="N|ADDRESS",
    help="Work in so many processes, or on the Dask cluster at an address such as tcp://host:8786.",
)
by = click.option(
    "--by", multiple=True, metavar="COLUMN", help="Column that makes a row; repeatable. '' pools over all."
)


def several(*options: Callable[[Command], Command]) -> Callable[[Command], Command]:
    """Make one decorator of several, so that help lists them in this order."""

    def decorate(command: Command) -> Command:
        for option in reversed(options):
            command = option(command)
        return command

    return decorate


_format = click.option("--format", metavar="NAME", help="What it is written in, where that is not to be recognised.")
reading = several(
    click.option(
        "--column", "columns", multiple=True, metavar="THEIRS=OURS", help="Column by another name; repeatable."
    ),
    click.option("--language", metavar="CODE", help="Language of recordings whose manifest states none."),
    click.option("--audio-root", metavar="FOLDER", help="Folder that audio paths are relative to."),
    click.option("--select", metavar="QUERY", help="""Part of it, such as "language == 'en'"."""),
)
dataset_first = several(click.argument("dataset"), _format, reading)
_SAID: Final = "What was said, in any form that asrlab reads."
dataset_named = several(click.option("--dataset", required=True, metavar="DATASET", help=_SAID), _format, reading)
dataset_or_references = several(
    click.option("--dataset", metavar="DATASET", help=_SAID),
    click.option("--references", metavar="PARQUET", help="Or a table that needs not fit into memory: utt_id, text ..."),
    _format,
    reading,
)

marking = several(
    click.option("--form", help="Form of the reference, such as spoken or written; needed where there are several."),
    click.option("--unit", default="auto", show_default=True, help="auto, word, char, mixed, term, sentence ..."),
    click.option("--normalizer", default="auto", show_default=True, help="auto, none, basic, en, zh+script=keep ..."),
    click.option("--channels", default="each", show_default=True, help="each, or joined."),
    click.option("--ties", default="jiwer", show_default=True, help="jiwer, or sclite."),
    click.option(
        "--missing", default="raise", show_default=True, help="Trials without an answer: raise, drop or all-deleted."
    ),
    click.option("--variants", metavar="FILE", help="What may be written in several ways: .csv, .tsv or .glm."),
)

asking = several(
    dataset_first,
    click.option(
        "--engine", "engines", multiple=True, metavar="NAME", default=["local"], show_default=True,
        help="local, whisper, sphinx, scripted or qwen3-asr-flash-filetrans; several, [LABEL=]NAME, are an axis.",
    ),
    click.option("--region", help="Where the paid service is asked: singapore or beijing."),
    click.option("--model", help="Model of the engine, where it has several."),
    click.option("--bucket", metavar="URL", help="Where the service is to fetch recordings: s3://bucket/folder."),
    click.option("--option", "options", multiple=True, metavar="NAME=VALUE", help="Another option of the engine."),
    click.option(
        "--axis", "axes", multiple=True, metavar="NAME=LEVELS",
        help="Parameter to vary: values with commas, each with LABEL: before it if you like. "
        "@COLUMN, note:FILE, file:FILE and JSON are values too: see above.",
    ),
    click.option("--set", "settings", multiple=True, metavar="NAME=VALUE", help="Parameter that all conditions have."),
    click.option("--where", metavar="QUERY", help="""Part of the grid: "language == 'right' or context == 'none'"."""),
    click.option("--store", required=True, metavar="FOLDER", help="Where the answers are kept; continued if there."),
    click.option("--repeats", type=int, default=1, show_default=True, help="How often each question is asked."),
    click.option("--seed", type=int, default=0, show_default=True, help="Of the order in which questions are asked."),
)  # fmt: skip


def take_dataset(chosen: dict[str, Any], instead: Path | str | None = None) -> Any:  # noqa: ANN401 - a Dataset, or a place
    """Take the options of :data:`reading` out of a verb's, and load the dataset; or give what is there instead."""
    names = ("dataset", "format", "columns", "language", "audio_root", "select")
    given = {name: chosen.pop(name) for name in names}
    if (given["dataset"] is None) == (instead is None):
        raise click.UsageError("Say what was said by --dataset, or by --references: by one of them.")
    if instead is None:
        return load(**given)
    if any(given.values()):
        raise click.UsageError("--format, --column, --language, --audio-root and --select are of a --dataset.")
    return instead


def load(
    dataset: str,
    *,
    format: str | None = None,  # noqa: A002 - as load_dataset has it
    columns: Sequence[str] = (),
    language: str | None = None,
    audio_root: str | None = None,
    select: str | None = None,
) -> Dataset:
    """Load a dataset by the options of :data:`reading`; what was remarked is said on the standard error output."""
    loaded = lab.load_dataset(
        dataset, format=format, columns=pairs("--column", columns), language=language, audio_root=audio_root
    )
    for remark in loaded.remarks:
        click.echo(f"{loaded.name}: {remark}", err=True)
    return loaded if select is None else loaded.select(select)


def make_sweep(
    *,
    engines: Sequence[str],
    region: str | None,
    model: str | None,
    bucket: str | None,
    options: Sequence[str],
    axes: Sequence[str],
    settings: Sequence[str],
    where: str | None,
    store: str,
    repeats: int,
    seed: int,
    **dataset: Any,  # noqa: ANN401 - options of click
) -> Sweep:
    """Make a sweep by the options of :data:`asking`."""
    given = engine_options(options)
    named = {"region": region, "model": model, "bucket": bucket}
    given |= {name: value for name, value in named.items() if value is not None}
    lasting(store)
    loaded = load(**dataset)
    return lab.Sweep(
        loaded, _engine_of(engines, given), grid(loaded, axes, settings, where), store=store, repeats=repeats, seed=seed
    )


def engine_options(options: Sequence[str]) -> dict[str, Any]:
    """Read ``--option``, and refuse a key there, where others see it.

    Raises
    ------
    UsageError
        If there is a key among them, or one cannot be read.
    """
    given = {name: plain_value(value) for name, value in pairs("--option", options).items()}
    if secret := sorted(name for name in given if name.lower() in {"api_key", "key"}):
        raise click.UsageError(
            f"--option {secret[0]} would show the key to everybody on this machine who lists processes. Set "
            "DASHSCOPE_API_KEY, or DASHSCOPE_API_KEY_SINGAPORE, in the environment."
        )
    return given


def _engine_of(engines: Sequence[str], options: dict[str, Any]) -> Engine | dict[str, Engine]:
    if len(engines) == 1 and "=" not in engines[0]:
        return lab.engine(engines[0], **options)
    if options:
        raise click.UsageError("--region, --model, --bucket and --option are of one engine, and there are several.")
    named = [(label, name) if name else (label, label) for label, _, name in (one.partition("=") for one in engines)]
    if len(dict(named)) < len(named):
        raise click.UsageError(
            "Two engines have the same label. Give them labels: --engine a=whisper --engine b=sphinx."
        )
    return {label: lab.engine(name) for label, name in named}


def pairs(option: str, given: Sequence[str]) -> dict[str, str]:
    """Read ``name=value`` of an option that may be repeated."""
    parts = [text.partition("=") for text in given]
    if wrong := next(
        (text for text, (name, equals, _) in zip(given, parts, strict=True) if not (name and equals)), None
    ):
        raise click.UsageError(f"{option} takes NAME=VALUE, not {wrong!r}.")
    return {name.strip(): value for name, _, value in parts}


def columns_of(by: Sequence[str]) -> list[str] | None:
    """Give the columns that ``--by`` names: None where it is left out, none of them where it is empty."""
    return [name for text in by for name in text.split(",") if name] if by else None


@contextmanager
def workers(given: str | None) -> Iterator[Where]:
    """Start so many processes, or connect to a cluster; None where nothing is said.

    Raises
    ------
    MissingExtra
        If a cluster is named, and distributed is not installed.
    UsageError
        If it is neither a number nor an address, or nothing answers there.
    """
    if given is None:
        yield None
    elif given.isdigit() and 0 < int(given) <= 64 * (os.cpu_count() or 1):
        from concurrent.futures import ProcessPoolExecutor  # noqa: PLC0415 - seldom needed
        from multiprocessing import get_context  # noqa: PLC0415 - as above

        with ProcessPoolExecutor(int(given), mp_context=get_context("spawn")) as pool:
            yield pool
    elif ":" in given:
        try:
            from distributed import Client  # noqa: PLC0415 - an extra, and slow to import
        except ImportError as error:
            raise MissingExtra("Working on a cluster", "cluster") from error
        try:
            client = Client(given, timeout=10)  # type: ignore[no-untyped-call]
        except (OSError, ValueError) as error:
            raise click.UsageError(f"No Dask scheduler answers at {given} ({type(error).__name__}).") from error
        with client:
            yield client
    else:
        raise click.UsageError(f"--executor takes a number of processes or the address of a scheduler, not {given!r}.")
