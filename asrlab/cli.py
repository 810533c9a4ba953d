"""The command line: thin verbs, named as the functions."""

from __future__ import annotations

from pathlib import Path

import click

from asrlab.errors import AsrlabError


class _Verbs(click.Group):
    """Shows our own errors as messages, without a traceback."""

    def invoke(self, ctx: click.Context) -> object:
        try:
            return super().invoke(ctx)
        except AsrlabError as error:
            raise click.ClickException(str(error)) from error


@click.group(cls=_Verbs, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="asrlab", prog_name="asrlab")
def main() -> None:
    """Run experiments on speech-to-text services.

    Which settings should I use on my audio, and is the difference real?
    """


@main.command()
@click.option("--engine", type=click.Choice(["whisper", "sphinx"]), default="whisper", help="What recognises.")
@click.option("--host", default="127.0.0.1", show_default=True, help="Loopback address to listen on.")
@click.option("--port", type=int, default=8300, show_default=True, help="Port; 0 for a free one.")
@click.option("--media", multiple=True, metavar="URL", help="A file server it may fetch from; repeatable.")
@click.option("--key", envvar="ASRLAB_SERVE_KEY", help="The one API key it takes; any key if not given.")
@click.option("--idle-exit", type=float, metavar="SECONDS", help="End after so long without a request.")
def serve(engine: str, host: str, port: int, media: tuple[str, ...], key: str | None, idle_exit: float | None) -> None:
    """Run a transcription service on this machine that speaks the protocol of the real one."""
    from asrlab.server.run import run  # noqa: PLC0415 - an extra, and slow to import

    run(engine, host=host, port=port, media=media, key=key, idle_exit=idle_exit)


@main.command()
@click.option("--dataset", type=click.Path(path_type=Path), default="datasets/dictation", show_default=True)
@click.option("--store", type=click.Path(path_type=Path), default="runs/demo", show_default=True)
@click.option("--report", type=click.Path(path_type=Path), default="runs/demo.html", show_default=True)
def demo(dataset: Path, store: Path, report: Path) -> None:
    """Run the main job on the embedded default: ask, mark, compare, report."""
    from asrlab.demo import run_demo  # noqa: PLC0415 - brings pandas and matplotlib

    run_demo(dataset, store, report)
