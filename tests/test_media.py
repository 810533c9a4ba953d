"""What the local service fetches: from whom, to which address, and how much."""

from __future__ import annotations

import asyncio
import contextlib
import gzip
import itertools
import socket
import time

import httpx
import numpy as np
import pytest
import soundfile
from recordings import tones, write
from stand_ins import Scripted, file_server

from asrlab.errors import InvalidInput, TaskFailed
from asrlab.server.media import Media, named_origin

pytest.importorskip("starlette")

from asrlab.server.run import serve

MODEL = "qwen3-asr-flash-filetrans"
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\naudio"
REAL_LOOKUP = socket.getaddrinfo


@pytest.fixture
def names(monkeypatch):
    """Names and where they lead; it may be changed. What has been looked up is in ``asked``."""

    class Names(dict):
        def __init__(self):
            self.asked = []

    names = Names()

    def getaddrinfo(host, port, *args, **kwargs):
        host = host.decode() if isinstance(host, bytes) else host
        names.asked.append(host)
        if host.replace(".", "").isdigit() or ":" in host:
            return REAL_LOOKUP(host, port, *args, **kwargs)
        if host not in names:
            raise socket.gaierror(socket.EAI_NONAME, "no such name")
        return [found for address in names[host] for found in REAL_LOOKUP(address, port, *args, **kwargs)]

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    return names


class Server:
    """A file server that says to each request just what it is told to; what it was asked is in ``seen``."""

    def __init__(self, answer):
        self.answer = answer
        self.seen = []
        self.sent = 0

    async def __call__(self, reader, writer):
        with contextlib.suppress(ConnectionError):
            self.seen.append(await reader.readuntil(b"\r\n\r\n"))
            for part in [self.answer] if isinstance(self.answer, bytes) else self.answer:
                await asyncio.sleep(0)
                writer.write(part)
                await writer.drain()
                self.sent += len(part)
        writer.close()


def fetch(tmp_path, answer, *urls, named="http://127.0.0.1:{port}", then=None, host="127.0.0.1", **bounds):
    """Fetch URLs from a server; returns it, and for each URL the bytes or the failure."""
    server = Server(answer)
    got = []

    async def scenario():
        listening = await asyncio.start_server(server, host, 0)
        port = listening.sockets[0].getsockname()[1]
        media = Media(None, tmp_path, frozenset({named_origin(named.format(port=port))}), **bounds)
        if then is not None:
            then()
        for url in urls or ("http://127.0.0.1:{port}/a.wav",):
            try:
                async with media.local(url.format(port=port), MODEL) as path:
                    got.append(path.read_bytes())
            except TaskFailed as error:
                got.append(error)
            assert list(tmp_path.iterdir()) == []
        await media.aclose()
        listening.close()

    asyncio.run(scenario())
    return server, *got


# To which address.


def test_a_name_is_looked_up_once_a_fetch_and_the_connection_goes_there(tmp_path, names):
    names["files.example"] = ["127.0.0.1"]
    url = "http://files.example:{port}/a%20b.wav?Signature=x%2By"
    server, *got = fetch(tmp_path, OK, url, url, named="http://files.example:{port}", then=names.asked.clear)
    assert got == [b"audio", b"audio"]
    assert [name for name in names.asked if name == "files.example"] == ["files.example"] * 2
    for request in server.seen:
        head = request.decode().split("\r\n")
        assert head[0] == "GET /a%20b.wav?Signature=x%2By HTTP/1.1"
        (host,) = [line for line in head if line.lower().startswith("host:")]
        assert host.split(":", 1)[1].strip().startswith("files.example:")
        assert "Accept-Encoding: identity" in head


@pytest.mark.parametrize(
    "address",
    [
        *(
            "127.0.0.1",
            "127.9.9.9",
            "0.0.0.0",
            "10.1.2.3",
            "172.16.0.1",
            "192.168.1.1",
            "169.254.169.254",
            "100.64.0.1",
        ),
        *("::1", "::", "fd00::1", "fe80::1", "::ffff:127.0.0.1", "::ffff:10.0.0.1"),
    ],
)
@pytest.mark.parametrize("at_start", [["93.184.215.14"], ["2606:2800:21f:cb07::1"], None])
def test_a_name_that_led_out_may_not_lead_in(tmp_path, names, address, at_start):
    if at_start is not None:
        names["files.example"] = at_start

    def turn():
        names["files.example"] = ["93.184.215.14", address]

    url = "http://files.example:{port}/a.wav"
    server, got = fetch(tmp_path, OK, url, named="http://files.example:{port}", then=turn)
    assert server.seen == []
    assert got.code == "FILE_DOWNLOAD_FAILED"
    assert "private network" in got.message


def test_a_name_within_may_move_within_and_every_address_of_it_is_tried(tmp_path, names):
    names["files.example"] = ["192.168.1.1"]

    def move():
        names["files.example"] = ["127.0.0.2", "127.0.0.1"]  # nothing listens at the first

    _, got = fetch(tmp_path, OK, "http://files.example:{port}/a", named="http://files.example:{port}", then=move)
    assert got == b"audio"


def test_a_name_that_leads_nowhere_is_said(tmp_path, names):
    url = "http://files.example:{port}/a.wav"
    _, got = fetch(tmp_path, OK, url, named="http://files.example:{port}")
    assert (got.code, got.message) == ("FILE_DOWNLOAD_FAILED", "The file could not be fetched: ConnectError.")


def test_an_address_of_the_newer_kind(tmp_path):
    try:
        socket.create_server(("::1", 0), family=socket.AF_INET6).close()
    except OSError:
        pytest.skip("this machine has no IPv6")
    server, got = fetch(tmp_path, OK, "http://[::1]:{port}/a.wav", named="http://[::1]:{port}", host="::1")
    assert got == b"audio"
    assert b"host: [::1]:" in server.seen[0].lower()


def test_a_secure_server_is_asked_for_the_certificate_of_its_name(tmp_path, names):
    names["files.example"] = ["127.0.0.1"]
    hello = []

    class Secure(Server):
        async def __call__(self, reader, writer):
            hello.append(await reader.read(4096))
            writer.close()

    async def scenario():
        listening = await asyncio.start_server(Secure(b""), "127.0.0.1", 0)
        port = listening.sockets[0].getsockname()[1]
        media = Media(None, tmp_path, frozenset({f"https://files.example:{port}"}))
        with pytest.raises(TaskFailed, match="ConnectError"):
            async with media.local(f"https://files.example:{port}/a.wav", MODEL):
                pass
        listening.close()

    asyncio.run(scenario())
    assert b"files.example" in hello[0]  # the server name, in the clear


def test_no_cookie_outlives_its_fetch_and_no_connection(tmp_path):
    answer = OK.replace(b"\r\n\r\n", b"\r\nSet-Cookie: who=you; Path=/\r\n\r\n")
    server, *_ = fetch(tmp_path, answer, *["http://127.0.0.1:{port}/a.wav"] * 2)
    assert len(server.seen) == 2
    assert b"who=you" not in server.seen[1]


# From whom.


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1:{port}@evil.example/a.wav",
        "http://127.0.0.1%3A{port}%2F@evil.example/a.wav",
        "http://evil.example#@127.0.0.1:{port}/a.wav",
        "http://evil.example?@127.0.0.1:{port}/a.wav",
        "http://user@127.0.0.1:{port}/a.wav",
        "http://127.0.0.1:{port}.evil.example/a.wav",
        "http://127.0.0.1/a.wav",
        "http://127.0.0.1:0{port}0/a.wav",
        "https://127.0.0.1:{port}/a.wav",
        "http://127.0.0.1.:{port}/a.wav",
        "http://127.0.0.%31:{port}/a.wav",
        "http://%31%32%37.0.0.1:{port}/a.wav",
        "http://2130706433:{port}/a.wav",
        "http://0x7f000001:{port}/a.wav",
        "http://0177.0.0.1:{port}/a.wav",
        "http://127.1:{port}/a.wav",
        "http://localhost:{port}/a.wav",
        "http://[::ffff:127.0.0.1]:{port}/a.wav",
        "http://[::1]:{port}/a.wav",
        "http://127.0.0.1\\@evil.example:{port}/a.wav",
        "http://127.0.0.1;evil.example:{port}/a.wav",
        "http://xn--ls8h=:{port}/a.wav",
        "http:///a.wav",
        "http:/127.0.0.1:{port}/a.wav",
        "http://[::1/a.wav",
        "http://127.0.0.1:port/a.wav",
        "http://127.0.0.1:{port}/\x00.wav",
        "http://127.0.0.1:{port}/\r\nX-Header: smuggled",
        "http://" + "a" * 70_000,
    ],
)
def test_another_spelling_is_another_server(tmp_path, url):
    server, got = fetch(tmp_path, OK, url)
    assert server.seen == []
    assert isinstance(got, TaskFailed)
    assert got.code in ("FILE_DOWNLOAD_FAILED", "InvalidParameter.MalformedURL")


@pytest.mark.parametrize(
    ("named", "url"),
    [
        ("http://FILES.example:{port}", "HTTP://files.EXAMPLE:{port}/a.wav"),
        ("http://files.example:{port}/", "http://files.example:{port}"),
        ("http://files.example:0{port}", "http://files.example:{port}/a.wav#fragment"),
        ("http://münchen.example:{port}", "http://xn--mnchen-3ya.example:{port}/a.wav"),
        ("http://files.example:{port}", "http://files.example:{port}/../../etc/passwd"),
        ("http://files.example:{port}", "http://files.example:{port}//evil.example/a.wav"),
    ],
)
def test_one_server_is_one_server_however_it_is_written(tmp_path, names, named, url):
    names["files.example"] = names["xn--mnchen-3ya.example"] = ["127.0.0.1"]
    server, got = fetch(tmp_path, OK, url, named=named)
    assert got == b"audio"
    assert len(server.seen) == 1
    assert b"fragment" not in server.seen[0]


def test_the_usual_port_may_be_left_out():
    assert named_origin("http://a.example") == named_origin("HTTP://A.example:80/") == "http://a.example:80"
    assert named_origin("https://[::1]") == "https://[::1]:443"
    assert named_origin("http://a.example:0") == "http://a.example:0"
    for wrong in ("a.example", "http://", "http://a.example/x", "http://a@b", "http://a?x", "http://a#x", "file:///a"):
        with pytest.raises(InvalidInput, match="scheme, host and port"):
            named_origin(wrong)


@pytest.mark.parametrize("to", ["/b.wav", "//evil.example/b.wav", "http://127.0.0.1:9/b.wav", "file:///etc/passwd"])
@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_no_redirect_is_followed(tmp_path, status, to):
    answer = f"HTTP/1.1 {status} Elsewhere\r\nLocation: {to}\r\nContent-Length: 0\r\n\r\n".encode()
    server, got = fetch(tmp_path, answer)
    assert got.code == "FILE_DOWNLOAD_FAILED"
    assert "final URL" in got.message
    assert len(server.seen) == 1


# How much.


def body(content, *headers):
    return b"HTTP/1.1 200 OK\r\n" + b"".join(header + b"\r\n" for header in headers) + b"\r\n" + content


def test_what_is_announced_as_too_large_is_not_read(tmp_path):
    server, got = fetch(tmp_path, body(b"", b"Content-Length: 1001"), bound=1000)
    assert got.code == "FILE_TOO_LARGE"
    _, got = fetch(tmp_path, body(b"x" * 1000, b"Content-Length: 1000"), bound=1000)
    assert got == b"x" * 1000
    assert server.seen


@pytest.mark.parametrize("chunked", [True, False])
def test_a_body_without_an_end_ends_at_the_bound(tmp_path, chunked):
    piece = b"x" * 65536
    head = body(b"", b"Transfer-Encoding: chunked") if chunked else body(b"", b"Connection: close")
    endless = itertools.chain([head], itertools.repeat(b"%x\r\n%b\r\n" % (len(piece), piece) if chunked else piece))
    server, got = fetch(tmp_path, endless, bound=1 << 20)
    assert got.code == "FILE_TOO_LARGE"
    assert server.sent < 100 << 20


@pytest.mark.parametrize("coding", [b"gzip", b"deflate", b"br", b"identity, gzip", b"unheard-of"])
def test_what_is_compressed_is_not_unpacked(tmp_path, coding):
    bomb = gzip.compress(bytes(10 << 20))
    answer = body(bomb, b"Content-Encoding: " + coding, b"Content-Length: %d" % len(bomb))
    _, got = fetch(tmp_path, answer, bound=1 << 20)
    assert got.code == "FILE_DOWNLOAD_FAILED"
    assert "compressed" in got.message


def test_a_body_shorter_than_announced_is_no_file(tmp_path):
    _, got = fetch(tmp_path, body(b"audi", b"Content-Length: 5"))
    assert got.code == "CONTENT_LENGTH_CHECK_FAILED"
    assert got.message == "The file server announced 5 bytes and sent 4."
    _, got = fetch(tmp_path, body(b"5\r\naudio\r\n", b"Transfer-Encoding: chunked"))
    assert got.code == "FILE_DOWNLOAD_FAILED"
    _, got = fetch(tmp_path, body(b"audio and more", b"Content-Length: 5"))
    assert got == b"audio"


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"\x16\x03\x01",
        b"HTTP/1.1 200 OK\r\n",
        b"HTTQ/1.1 200 OK\r\n\r\n",
        body(b"audio", b"Content-Length: five"),
        body(b"audio", b"Content-Length: -5"),
        body(b"audio", b"Content-Length: 5", b"Content-Length: 6"),
        body(b"zz\r\n", b"Transfer-Encoding: chunked"),
        body(b"", b"X: " + b"x" * 200_000),
        body(b"", b"Transfer-Encoding: gzip"),
    ],
)
def test_an_answer_that_is_no_http_fails_the_task(tmp_path, answer):
    _, got = fetch(tmp_path, answer)
    assert got.code == "FILE_DOWNLOAD_FAILED"


def test_a_fetch_has_an_end_in_time(tmp_path):
    def drip():
        yield body(b"", b"Content-Length: 1000000000")
        yield from itertools.repeat(b"x")

    _, got = fetch(tmp_path, drip(), seconds=0.2)
    assert (got.code, got.message) == ("FILE_DOWNLOAD_FAILED", "The file could not be fetched: TimeoutError.")


@pytest.mark.parametrize(
    ("status", "code"),
    [
        (204, "FILE_DOWNLOAD_FAILED"),
        (206, "FILE_DOWNLOAD_FAILED"),
        (401, "FILE_DOWNLOAD_FAILED"),
        (403, "FILE_403_FORBIDDEN"),
        (404, "FILE_404_NOT_FOUND"),
        (500, "FILE_SERVER_ERROR"),
        (503, "FILE_SERVER_ERROR"),
    ],
)
def test_only_a_whole_file_is_a_file(tmp_path, status, code):
    _, got = fetch(tmp_path, f"HTTP/1.1 {status} Word\r\nContent-Length: 0\r\n\r\n".encode())
    assert got.code == code


# What becomes of it.


@pytest.fixture(scope="module")
def transcribed(tmp_path_factory):
    """Ask a service for the transcript of a file: its result, or the code and the message of the failure."""
    folder = tmp_path_factory.mktemp("audio")
    two = tones((440, 1000), 48_000)
    write(folder / "a.m4a", two, 48_000, "aac")
    write(folder / "a.webm", two, 48_000, "libopus", video="libvpx")
    write(folder / "a.amr", tones((440,), 8_000), 8_000, "libopencore_amrnb")
    write(folder / "a.wma", two, 48_000, "wmav2", bit_rate=128_000)
    write(folder / "picture.mp4", None, 0, None, video="mpeg4")
    whole = (folder / "a.m4a").read_bytes()
    (folder / "cut.m4a").write_bytes(whole[: len(whole) // 2])
    (folder / "noise.mkv").write_bytes(b"\x1aE\xdf\xa3" + np.random.default_rng(1).bytes(5000))
    (folder / "list.m3u8").write_text(f"#EXTM3U\n#EXTINF:1,\n{folder / 'a.m4a'}\n#EXT-X-ENDLIST\n")
    soundfile.write(folder / "long.flac", np.zeros(61 * 1000, np.int16), 1000)

    def ask(name, **parameters):
        body = {"model": MODEL, "input": {"file_url": f"{files.url}/{name}"}, "parameters": parameters}
        headers = {"Authorization": "Bearer sk", "X-DashScope-Async": "enable"}
        url = f"{service.base_url}/services/audio/asr/transcription"
        task_id = client.post(url, json=body, headers=headers).json()["output"]["task_id"]
        output = {"task_status": "PENDING"}
        while output["task_status"] in ("PENDING", "RUNNING"):
            time.sleep(0.01)
            document = client.get(f"{service.base_url}/tasks/{task_id}", headers=headers).json()
            output = document["output"]
        if output["task_status"] == "FAILED":
            return output["code"], output["message"]
        return document["usage"]["seconds"], client.get(output["result"]["transcription_url"]).json()

    with (
        file_server(folder) as files,
        serve(Scripted(), media=(files.url,), limits=None) as service,
        httpx.Client(trust_env=False) as client,
    ):
        yield ask


@pytest.mark.parametrize(
    ("name", "rate", "seconds"),
    [("a.m4a", 48_000, 2), ("a.webm", 48_000, 1), ("a.amr", 8_000, 2), ("a.wma", 48_000, 1)],
)
def test_documented_formats_are_transcribed(transcribed, name, rate, seconds):
    usage, result = transcribed(name)
    assert usage == seconds  # the last frame is filled up; the encoder for WMA drops the first
    assert result["audio_info"] == {"format": name.rpartition(".")[2], "sample_rate": rate}
    assert result["transcripts"][0]["text"] == "Ship it."


def test_channels_of_a_container_are_counted(transcribed):
    usage, result = transcribed("a.webm", channel_id=[1, 0])
    assert usage == 2
    assert [transcript["channel_id"] for transcript in result["transcripts"]] == [1, 0]
    assert transcribed("a.webm", channel_id=[2])[0] == transcribed("a.amr", channel_id=[1])[0] == "InvalidParameter"


@pytest.mark.parametrize(
    ("name", "code", "said"),
    [
        ("picture.mp4", "NO_VALID_AUDIO_ERROR", "no audio in the file"),
        ("cut.m4a", "DECODE_ERROR", "Convert it"),
        ("noise.mkv", "DECODE_ERROR", "Convert it"),
        ("list.m3u8", "DECODE_ERROR", "Convert it"),
    ],
)
def test_what_has_no_audio_fails_by_its_cause(transcribed, name, code, said):
    failed, message = transcribed(name)
    assert failed == code
    assert said in message


def test_audio_longer_than_the_service_takes_fails(transcribed, monkeypatch):
    monkeypatch.setattr("asrlab.server.service.AUDIO_S", 60)
    code, message = transcribed("long.flac")
    assert (code, "Split it" in message) == ("AUDIO_DURATION_TOO_LONG", True)
    monkeypatch.setattr("asrlab.server.service.AUDIO_S", 61)
    assert transcribed("long.flac")[0] == 61
