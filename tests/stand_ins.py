"""What stands in for a recogniser and for a host of audio files, in the tests of client and server alike."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import http.server
import re
import threading
from typing import ClassVar

from asrlab.engines.base import UNWATCHED, Answer, Capabilities, Engine, Sentence, Steps, Transcript, Word


class Scripted(Engine):
    """A recogniser that says what it is told to, when it is told to."""

    name = "scripted"
    identity: ClassVar = {"engine": "scripted", "model": "parrot", "version": "1", "region": "local"}
    capabilities = Capabilities(frozenset({"language", "channel_id", "enable_words"}), frozenset({"en", "zh", "nl"}))

    def __init__(self, text="Ship it.", error=None):
        self.text = text
        self.error = error
        self.asked = []
        self.go = threading.Event()
        self.go.set()

    async def transcribe(self, question, steps=UNWATCHED):
        self.asked.append(question)
        while not self.go.is_set():  # noqa: ASYNC110 - the event is set on another thread
            await asyncio.sleep(0.005)
        if self.error is not None:
            raise self.error
        asked = question.parameters
        words = (Word(0, 400, "Ship "), Word(400, 900, "it", ".")) if asked.enable_words else ()
        sentences = (Sentence(0, 900, self.text, "en", words),) if self.text else ()
        transcripts = tuple(Transcript(channel, self.text, "en", sentences) for channel in asked.channel_id)
        unsupported = self.capabilities.unsupported(asked)
        return Answer(transcripts, 1.5, "parrot 1", None if asked.context is None else 3, unsupported)


class Noted(Steps):
    """Steps in the order in which they were told: ``("sending", link)``, ``("submitted", task_id)``."""

    def __init__(self):
        self.told = []

    async def sending(self, link):
        self.told.append(("sending", link))

    async def submitted(self, task_id):
        self.told.append(("submitted", task_id))


class Files(http.server.SimpleHTTPRequestHandler):
    """A file server that also redirects, refuses and breaks."""

    def do_GET(self):
        self.server.seen.append(dict(self.headers))
        status = re.fullmatch(r"/status/(\d+)", self.path)
        if status is None:
            super().do_GET()
            return
        self.send_response(int(status[1]))
        self.send_header("Location", "http://127.0.0.1:9/elsewhere.wav")
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *args):
        pass


class Recorder(http.server.BaseHTTPRequestHandler):
    """Notes requests, and answers them by the server's ``answer``: a function of the path; None hangs up."""

    protocol_version = "HTTP/1.1"

    def do_GET(self):
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        self.server.seen.append((self.command, self.path, self.headers, body))
        answer = self.server.answer(self.path)
        if answer is None:
            self.close_connection = True
            return
        status, headers, content = answer
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    do_POST = do_GET  # noqa: N815 - named by the base class

    def log_message(self, *args):
        pass


def file_server(folder):
    """Serve a folder over HTTP while entered; the server has a ``url``, and the headers of each request in ``seen``."""
    return _served(functools.partial(Files, directory=str(folder)))


def recording_server():
    """Serve recorded answers over HTTP while entered; the requests are in ``seen``: method, path, headers, body."""
    return _served(Recorder)


@contextlib.contextmanager
def _served(handler):
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.seen = []
    server.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
