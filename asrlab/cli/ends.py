"""Ends: how a command ends, whatever happens, and the exit code that says so."""

from __future__ import annotations

import errno
import inspect
import os
import re
import signal
import sys
import threading
import warnings
from contextlib import contextmanager, suppress
from functools import partial
from io import TextIOWrapper, UnsupportedOperation
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from asrlab.errors import AsrlabError, BudgetSpent, MissingTrials

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

DONE: Final = 0
FAILED: Final = 1
USAGE: Final = 2
FAULTS: Final = 3
UNANSWERED: Final = 4
SPENT: Final = 5
MISSING: Final = 6
INTERRUPTED: Final = 130
TERMINATED: Final = 143
CLOSED: Final = 141

#: Exit code -> what it says.
MEANINGS: Final[Mapping[int, str]] = {
    DONE: "done",
    FAILED: "it could not be done, and the message says why",
    USAGE: "the command line could not be read",
    FAULTS: "check: there are errors, which would be refused or give a wrong number",
    UNANSWERED: "run: some trials have no answer: they failed, or nobody knows",
    SPENT: "run: the budget did not suffice for everything",
    MISSING: "run with ASRLAB_OFFLINE=1: answers are missing, and nothing was sent",
    INTERRUPTED: "interrupted (SIGINT); 143 by SIGTERM, 141 where the reader of a pipe went away",
}


#: Why an output is not taken: a full disk or quota, one that fails, one that is not there.
_UNWRITTEN: Final = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO, errno.EBADF}
#: Names in our errors, as Python has them, that are options of verbs.
_OPTIONS: Final = re.compile(r"\b((?:bare|select)(?=\(\))|(?:form|missing|retry|allow_unknown_length)(?==))")


class Verb(click.Command):
    """A command whose help keeps indented paragraphs as they are: examples."""

    def format_help_text(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Mark such paragraphs as click wants those marked that are not to be filled."""
        self.help = re.sub(r"(?<=\n\n)(?=    )", "\b\n", inspect.cleandoc(self.help or ""))
        super().format_help_text(ctx, formatter)


class Verbs(Verb, click.Group):
    """Verbs in the order of the work; what goes wrong is said on the standard error output, without a traceback."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Name the verbs in the order in which they were added."""
        del ctx
        return list(self.commands)

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """List the exit codes."""
        del ctx
        with formatter.section("Exit codes"):
            formatter.write_dl([(str(code), meaning) for code, meaning in MEANINGS.items()])

    def main(self, *args: Any, **options: Any) -> Any:  # noqa: ANN401 - as click has it
        """Run a command line; a terminal that lacks a character gets an escape in its place."""
        _open_streams()
        if isinstance(sys.stdout, TextIOWrapper):
            sys.stdout.reconfigure(errors="backslashreplace")
        try:
            return super().main(*args, **options)
        except OSError as error:
            if isinstance(error.filename, str):
                click.echo(f"Error: {error.filename} cannot be read or written ({error.strerror}).", err=True)
                sys.exit(FAILED)
            if error.errno not in _UNWRITTEN:
                raise
            _to_nowhere()
            click.echo(f"Error: The output cannot be written ({error.strerror}).", err=True)
            sys.exit(FAILED)

    def make_context(self, *args: Any, **options: Any) -> click.Context:  # noqa: ANN401 - as click has it
        """Parse a command line, which may write help, or the version."""
        try:
            return super().make_context(*args, **options)
        except BrokenPipeError:
            _to_nowhere()
            raise click.exceptions.Exit(CLOSED) from None

    def invoke(self, ctx: click.Context) -> object:
        """Do what a verb says, and tell how it ended."""
        try:
            with warnings.catch_warnings():
                warnings.showwarning = _warn  # type: ignore[assignment]  # of the message alone
                return super().invoke(ctx)
        except AsrlabError as error:
            raise _Failed(error, self.commands.get(ctx.invoked_subcommand or "")) from error
        except BrokenPipeError:
            _to_nowhere()
            ctx.exit(CLOSED)
        except KeyboardInterrupt:
            click.echo("\nInterrupted.", err=True)
            ctx.exit(INTERRUPTED)


#: Makes a verb of a function.
verb = partial(click.command, cls=Verb)


@contextmanager
def terminable() -> Iterator[None]:
    """Let SIGTERM end a verb as an exception does, so that it takes away what it has half written.

    Not for verbs that run sweeps: there it is counted, see :mod:`asrlab.sweep.interrupts`.
    """

    def end(*_: object) -> None:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)  # a second one ends it at once
        raise SystemExit(TERMINATED)

    before = signal.getsignal(signal.SIGTERM)
    if before is not signal.SIG_DFL or threading.current_thread() is not threading.main_thread():
        yield
        return
    signal.signal(signal.SIGTERM, end)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


class _Failed(click.ClickException):
    """One of our own errors, as click shows errors."""

    def __init__(self, error: AsrlabError, command: click.Command | None) -> None:
        there = {option for one in command.params for option in one.opts} if command else set()
        named = dict.fromkeys(f"--{name.replace('_', '-')}" for name in _OPTIONS.findall(str(error)))
        said = ", ".join(option for option in named if option in there)
        super().__init__(f"{error}\nOn the command line: {said}" if said else str(error))
        self.exit_code = {  # type: ignore[misc]  # click reads it of the instance
            BudgetSpent: SPENT,
            MissingTrials: MISSING,
        }.get(type(error), FAILED)


def _warn(message: Warning | str, *_: object) -> None:
    click.echo(f"Warning: {message}", err=True)


def _open_streams() -> None:
    """Give streams that were closed a file, or a file that is opened next is taken for them by its number.

    Nothing can be read, what is said is not heard, and an output cannot be written, which is told as of any other.
    """
    nowhere = Path(os.devnull)
    if sys.stdin is None:
        sys.stdin = nowhere.open(encoding="utf-8")
    if sys.stdout is None:
        sys.stdout = os.fdopen(os.open(nowhere, os.O_RDONLY), "w", encoding="utf-8")
    if sys.stderr is None:
        sys.stderr = nowhere.open("w", encoding="utf-8")


def _to_nowhere() -> None:
    """Let what is still to be written to a closed pipe go nowhere, so that Python does not complain at its end."""
    with suppress(OSError, UnsupportedOperation):  # it is no file
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
