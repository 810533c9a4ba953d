"""Recordings behind links: what makes two links one recording, and what is fetched, bounded, kept and told."""

from __future__ import annotations

import contextlib
import hashlib
import http.server
import logging
import re
import signal
import threading
import time
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import soundfile
from hypothesis import given
from hypothesis import strategies as st
from stand_ins import file_server, recording_server

from asrlab.data import recordings
from asrlab.data.dataset import Dataset
from asrlab.data.links import link_digest, shown, stable_link
from asrlab.errors import InvalidInput

HERE = Path(__file__).parent
#: Who signs links -> the parameters that a signature of theirs consists of.
SIGNATURES = {
    "S3": "X-Amz-Algorithm X-Amz-Credential X-Amz-Date X-Amz-Expires X-Amz-SignedHeaders X-Amz-Signature",
    "S3 with a session": "X-Amz-Algorithm X-Amz-Credential X-Amz-Date X-Amz-Security-Token X-Amz-Signature",
    "S3, old": "AWSAccessKeyId Signature Expires",
    "CloudFront": "Expires Signature Key-Pair-Id",
    "CloudFront with a policy": "Policy Signature Key-Pair-Id Hash-Algorithm",
    "OSS": "Expires OSSAccessKeyId Signature security-token",
    "OSS, new": "x-oss-signature-version x-oss-credential x-oss-date x-oss-expires x-oss-additional-headers "
    "x-oss-signature x-oss-security-token",
    "Google": "X-Goog-Algorithm X-Goog-Credential X-Goog-Date X-Goog-Expires X-Goog-SignedHeaders X-Goog-Signature",
    "Google, old": "GoogleAccessId Expires Signature",
    "Azure": "sv ss srt sp st se spr sr sig",
    "Azure for a user": "skoid sktid skt ske sks skv sv st se sr sp sig",
    "Tencent": "q-sign-algorithm q-ak q-sign-time q-key-time q-header-list q-url-param-list q-signature "
    "x-cos-security-token",
    "Volcano": "X-Tos-Algorithm X-Tos-Credential X-Tos-Date X-Tos-Expires X-Tos-SignedHeaders X-Tos-Signature",
    "Huawei": "AccessKeyId Expires Signature x-obs-security-token",
    "Alibaba CDN": "auth_key",
    "OAuth": "access_token",
}
#: What names a recording, or what is made of it.
NAMING = [
    "id=3", "versionId=abc", "x-oss-process=audio%2Fconvert", "generation=17", "file=a.wav", "token=x",
    "versionid=2026", "Expires=5", "policy=9", "sig=5", "e=12", "sp=r",
    "auth_key=abc", "key=a", "snapshot=1", "q=1", "x-oss-meta=1",
]  # fmt: skip


def signed(maker, n):
    value = f"17000000{n}-0-0-" + str(n) * 16 if maker == "Alibaba CDN" else f"{n}%3D"
    return "&".join(f"{name}={value}" for name in SIGNATURES[maker].split())


def links(urls, **columns):
    return Dataset(
        "d", pd.DataFrame({"utt_id": [f"u{n}" for n in range(len(urls))], "audio": list(urls), **columns}), folder=HERE
    )


def wav(folder, name="a.wav", seconds=0.5, channels=2):
    folder.mkdir(exist_ok=True)
    soundfile.write(folder / name, np.random.default_rng(3).uniform(-1, 1, (int(16_000 * seconds), channels)), 16_000)
    return (folder / name).read_bytes()


def digest_of(content):
    return f"file-sha256:{hashlib.sha256(content).hexdigest()}"


@pytest.fixture(autouse=True)
def facts_of_this_test(monkeypatch, tmp_path_factory):
    """Ports come again, and with them links: what one test fetched is not known to the next."""
    folder = tmp_path_factory.mktemp("recordings")
    monkeypatch.setattr("asrlab.data.recordings.cache_folder", lambda name: folder)


# What a link stands for.


@pytest.mark.parametrize("maker", SIGNATURES)
@pytest.mark.parametrize("more", ["", *NAMING[:6]])
def test_another_signature_is_not_another_recording(maker, more):
    queries = [signed(maker, 11), signed(maker, 22)]
    assert queries[0] != queries[1]
    urls = [f"https://h/a/b.wav?{'&'.join(filter(None, parts))}" for q in queries for parts in ([q, more], [more, q])]
    assert {stable_link(url) for url in urls} == {f"https://h/a/b.wav{'?' * bool(more)}{more}"}
    other = [f"https://h/a/c.wav?{queries[0]}&{more}", f"https://h/a/b.wav?{queries[0]}&id=4"]
    assert not {stable_link(url) for url in other} & {stable_link(url) for url in urls}


@given(st.data())
def test_whatever_else_a_query_says_makes_another_recording(data):
    pairs = data.draw(st.lists(st.sampled_from(NAMING), min_size=1, max_size=5, unique=True))
    query = signed(data.draw(st.sampled_from(list(SIGNATURES))), 11)
    if {pair.partition("=")[0].lower() for pair in pairs} & {"expires", "policy", "sp", "sig"}:
        query = signed("S3", 11)  # names that mean something else beside some of the signatures
    base = "https://h/b.wav?" + "&".join([*pairs, query])
    place = data.draw(st.integers(0, len(pairs) - 1))
    others = [*pairs[:place], pairs[place] + "0", *pairs[place + 1 :]]
    assert stable_link(base) == "https://h/b.wav?" + "&".join(pairs)
    assert link_digest(base) != link_digest("https://h/b.wav?" + "&".join([*others, query]))


def test_who_asks_and_where_in_a_page_is_no_part_of_a_link():
    assert stable_link("HTTPS://ann:p@ss@Host.X:8443/A.wav?id=1#t=3") == "https://host.x:8443/A.wav?id=1"
    plain = "https://host.x/a%20b/%E4%BD%A0.wav?b=2&a=1"
    assert stable_link(plain) == plain
    assert link_digest(plain) == f"url-sha256:{hashlib.sha256(plain.encode()).hexdigest()}"
    assert len({link_digest(plain), link_digest(plain, '"1"'), link_digest(plain, '"2"')}) == 3


@pytest.mark.parametrize(
    "url",
    [
        "http://ann:s3cret@127.0.0.1:9/a.wav?Signature=s3cret#s3cret",
        "http://ann:x@s3cret@127.0.0.1:9/a.wav",
        "http://ann:s3cret/s3cret@127.0.0.1:9/a.wav",
        "http://[s3cret/a.wav",
        "http://ann:s3cret@[::1/a.wav",
        "oss://ann:s3cret@bucket/a.wav?s3cret",
        "ftp://ann:s3cret@127.0.0.1/a.wav",
        "ftp://ann:s3cret@127.0.0.1/../../../../../../../a.wav",
    ],
)
def test_what_is_secret_in_a_link_is_never_said(url):
    assert "s3cret" not in shown(url).replace("[s3cret", "")
    ds = links([url])
    said = []
    for act in (ds.fetch_digests, lambda: ds.audio_path("u0"), lambda: ds.facts("u0")):
        try:
            act()
        except InvalidInput as error:
            said.append(f"{error} {error.__cause__!r} {'' if error.__suppress_context__ else repr(error.__context__)}")
    assert said
    assert "s3cret" not in "".join(said)


# What is fetched.


def test_a_download_is_hashed_and_measured(tmp_path):
    content = wav(tmp_path)
    (tmp_path / "b.bin").write_bytes(b"what cannot be read here may be read there")
    wav(tmp_path, "given.wav")
    with file_server(tmp_path) as server:
        urls = [f"{server.url}/{name}" for name in ("a.wav", "b.bin", "given.wav")]
        ds = links([*urls, "here.wav"], duration_s=[9.0, 9.0, 9.0, 9.0], sha256=[None, None, "a" * 64, None])
        fetched = ds.fetch_digests()
        assert [request.get("Range") for request in server.seen] == [None, None], "what has a sha256 is not fetched"
    digests = [digest_of(content), digest_of((tmp_path / "b.bin").read_bytes()), "file-sha256:" + "a" * 64]
    assert fetched.utterances["digest"].to_list() == [*digests, pd.NA]
    assert fetched.utterances["duration_s"].to_list() == [0.5, 9.0, 9.0, 9.0]
    assert fetched.utterances["channels"].to_list() == [2, pd.NA, pd.NA, pd.NA]
    assert not fetched.facts("u0").weak
    assert ds.utterances["digest"].isna().to_list() == [True, True, False, True], "the first set is as it was"


def test_links_to_one_recording_are_fetched_once(tmp_path):
    content = wav(tmp_path)
    with file_server(tmp_path) as server:
        ds = links([f"{server.url}/a.wav?{signed('OSS', n)}" for n in (11, 22, 33)]).fetch_digests()
        assert len(server.seen) == 1
    assert ds.utterances["digest"].to_list() == [digest_of(content)] * 3


def test_a_signed_link_is_not_logged(tmp_path, caplog):
    for name in ("httpx", "httpcore"):
        caplog.set_level(logging.DEBUG, name)
    wav(tmp_path)
    with file_server(tmp_path) as server:
        signed_links = links([f"{server.url}/a.wav?{signed('OSS', 44)}", f"{server.url}/none.wav?{signed('S3', 55)}"])
        with pytest.raises(InvalidInput, match="HTTP 404"):
            signed_links.fetch_digests()
    told = "".join(record.getMessage() for record in caplog.records)
    assert not re.search("44%3D|55%3D", told)


@pytest.fixture
def host(monkeypatch):
    """A host of one recording with an ETag, which sends it again only where it has changed; ``served`` is how often."""

    def answer(path):
        asked = server.seen[-1][2]
        headers = {} if server.etag is None else {"ETag": server.etag}
        if server.etag is not None and asked.get("If-None-Match") == server.etag:
            return 304, headers, b""
        server.served += 1
        return 200, headers, server.content

    with recording_server() as server:
        server.answer, server.etag, server.content, server.served = answer, '"1"', b"one", 0
        yield server


def another_process(monkeypatch):
    monkeypatch.setattr("asrlab.data.recordings._recordings_in", recordings.Recordings)


def test_what_has_an_etag_is_downloaded_again_only_when_it_changes(host, monkeypatch):
    ds = links([f"{host.url}/a.wav?{signed('S3', 11)}"])
    again = links([f"{host.url}/a.wav?{signed('S3', 22)}"])
    assert ds.fetch_digests().digest("u0") == digest_of(b"one")
    another_process(monkeypatch)
    assert again.fetch_digests().digest("u0") == digest_of(b"one")
    assert host.served == 1
    host.etag, host.content = '"2"', b"two"
    assert again.fetch_digests().digest("u0") == digest_of(b"two")
    assert host.served == 2


@pytest.mark.parametrize("etag", ['W/"1"', None])
def test_what_has_no_strong_etag_is_downloaded_each_time(host, etag):
    host.etag = etag
    ds = links([f"{host.url}/a.wav"])
    assert ds.fetch_digests().digest("u0") == digest_of(b"one")
    host.content = b"two"
    assert ds.fetch_digests().digest("u0") == digest_of(b"two")


def test_the_etag_alone_can_be_asked_for_and_is_weak(host):
    ds = links([f"{host.url}/a.wav?{signed('OSS', 11)}"])
    first = ds.fetch_digests(download=False)
    assert first.facts("u0").weak
    assert [command for command, *_ in host.seen] == ["GET"], "a link that is signed for GET refuses HEAD"
    assert host.seen[0][2]["Range"] == "bytes=0-0"
    other = links([f"{host.url}/a.wav?{signed('OSS', 22)}"]).fetch_digests(download=False)
    assert first.digest("u0") == other.digest("u0") != ds.digest("u0")
    host.etag = '"2"'
    assert first.fetch_digests(download=False).digest("u0") != first.digest("u0")
    assert first.fetch_digests().digest("u0") == digest_of(b"one"), "a download takes the place of what is weak"
    host.etag = None
    assert ds.fetch_digests(download=False).digest("u0") == ds.digest("u0")


def test_without_a_network_what_was_fetched_is_known(host, monkeypatch):
    ds = links([f"{host.url}/a.wav"])
    monkeypatch.setenv("ASRLAB_OFFLINE", "1")
    with pytest.raises(InvalidInput, match="not fetched before, and ASRLAB_OFFLINE is set"):
        ds.fetch_digests()
    assert host.seen == []
    monkeypatch.delenv("ASRLAB_OFFLINE")
    ds.fetch_digests()
    monkeypatch.setenv("ASRLAB_OFFLINE", "1")
    assert ds.fetch_digests().digest("u0") == digest_of(b"one")
    assert len(host.seen) == 1


def test_this_machine_is_reached_past_proxies(host, monkeypatch):
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    monkeypatch.delenv("NO_PROXY", raising=False)
    monkeypatch.delenv("no_proxy", raising=False)
    ds = links([f"{host.url}/a.wav"])
    assert ds.fetch_digests().digest("u0") == digest_of(b"one")
    with pytest.raises(InvalidInput, match="ConnectError"):
        links(["http://example.invalid/a.wav"]).fetch_digests()


# What is refused.


def test_what_cannot_be_fetched_is_named_and_the_rest_is_kept(host, monkeypatch):
    good, answer = host.answer, host.answer

    def some(path):
        match path:
            case "/gone.wav":
                return 404, {}, b"no"
            case "/page.wav":
                return 200, {"Content-Type": "text/html; charset=utf-8"}, b"<p>Sign in, please"
            case "/empty.wav":
                return 200, {}, b""
            case "/hangs-up.wav":
                return None
        return good(path)

    host.answer = some
    urls = [f"{host.url}/{n}.wav" for n in ("gone", "page", "empty", "hangs-up", "good")]
    with pytest.raises(InvalidInput) as caught:
        links([*urls, "http://127.0.0.1:9/a.wav"]).fetch_digests()
    said = str(caught.value)
    assert said.startswith("5 of the recordings cannot be fetched: ")
    for part in ("gone.wav): HTTP 404", "page.wav): a web page", "empty.wav): empty",
                 "hangs-up.wav): RemoteProtocolError", "9/a.wav): ConnectError"):  # fmt: skip
        assert part in said
    host.answer = answer
    links([urls[-1]]).fetch_digests()
    assert host.served == 1


@pytest.mark.parametrize("link", ["oss://bucket/a.wav", "http:///a.wav", "https:///a.wav"])
def test_only_http_is_fetched(link):
    with pytest.raises(InvalidInput, match=r"u0 \(.*\): not a http\(s\) link"):
        links([link]).fetch_digests()


def test_files_are_not_fetched_by_a_link(tmp_path):
    (tmp_path / "a.wav").write_bytes(wav(tmp_path))
    ds = links([f"file://{tmp_path}/a.wav"])
    assert ds.fetch_digests().utterances["digest"].isna().all()
    with pytest.raises(InvalidInput, match="is not a file below"):
        ds.facts("u0")


@pytest.mark.parametrize(
    ("target", "said"),
    [
        ("file:///etc/hostname", "UnsupportedProtocol"),
        ("oss://bucket/a.wav", "UnsupportedProtocol"),
        ("/hop/0", "TooManyRedirects"),
    ],
)
def test_redirects_lead_only_to_http_and_end(host, target, said):
    host.answer = lambda path: (302, {"Location": target}, b"")
    with pytest.raises(InvalidInput, match=said):
        links([f"{host.url}/a.wav"]).fetch_digests()
    assert len(host.seen) <= 6


def test_a_few_redirects_are_followed(host):
    good = host.answer

    def hop(path):
        left = re.fullmatch(r"/hop/(\d)", path)
        return (
            (307, {"Location": f"/hop/{int(left[1]) - 1}" if left[1] != "1" else "/end"}, b"") if left else good(path)
        )

    host.answer = hop
    assert links([f"{host.url}/hop/5"]).fetch_digests().digest("u0") == digest_of(b"one")
    with pytest.raises(InvalidInput, match="TooManyRedirects"):
        links([f"{host.url}/hop/6"]).fetch_digests()


class Endless(http.server.BaseHTTPRequestHandler):
    """Sends zeros until nobody takes them: in chunks, or under a length that is announced."""

    protocol_version = "HTTP/1.1"

    def do_GET(self):
        self.send_response(200)
        if "length" in self.path:
            self.send_header("Content-Length", str(int(self.path.rpartition("=")[2])))
        else:
            self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        block = bytes(1 << 16)
        with contextlib.suppress(OSError):
            while True:
                self.wfile.write(block if "length" in self.path else b"10000\r\n" + block + b"\r\n")
                self.server.sent += len(block)
                time.sleep(self.server.pause)
                if "breaks" in self.path:
                    break
        self.close_connection = True

    def log_message(self, *args):
        pass


@pytest.fixture
def endless():
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Endless)
    server.sent, server.pause, server.url = 0, 0, f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


def test_a_recording_without_end_is_left(endless):
    with pytest.raises(InvalidInput, match="larger than 1,000,000 bytes"):
        links([f"{endless.url}/a.wav"]).fetch_digests(max_bytes=1_000_000)
    assert endless.sent < 20_000_000, "what is on its way when the connection ends is some MB"


def test_a_length_that_is_too_great_is_believed(endless):
    endless.pause = 0.2
    with pytest.raises(InvalidInput, match="larger than 1,000,000 bytes"):
        links([f"{endless.url}/a.wav?length=1000001"]).fetch_digests(max_bytes=1_000_000)
    assert endless.sent < 1_000_000


@pytest.mark.parametrize("path", ["breaks", "breaks?length=1000000"])
def test_a_recording_that_breaks_off_has_no_digest(endless, path):
    with pytest.raises(InvalidInput, match="RemoteProtocolError"):
        links([f"{endless.url}/{path}"]).fetch_digests()


def test_a_recording_of_exactly_the_bound_is_taken(host):
    ds = links([f"{host.url}/a.wav"])
    assert ds.fetch_digests(max_bytes=3).digest("u0") == digest_of(b"one")
    host.etag = '"2"'
    with pytest.raises(InvalidInput, match="larger than 2 bytes"):
        ds.fetch_digests(max_bytes=2)


def test_a_fetch_that_takes_too_long_ends(endless, monkeypatch):
    monkeypatch.setattr("asrlab.data.links._FETCH_S", 0.3)
    endless.pause = 0.05
    begun = time.monotonic()
    with pytest.raises(InvalidInput, match="not done after"):
        links([f"{endless.url}/a.wav"]).fetch_digests()
    assert time.monotonic() - begun < 3


def test_a_fetch_can_be_interrupted(endless):
    endless.pause = 0.05
    previous = signal.signal(signal.SIGALRM, signal.default_int_handler)
    signal.setitimer(signal.ITIMER_REAL, 0.5)
    begun = time.monotonic()
    try:
        with pytest.raises(KeyboardInterrupt):
            links([f"{endless.url}/{n}.wav" for n in range(20)]).fetch_digests()
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, previous)
    assert time.monotonic() - begun < 3


def test_no_file_is_left_behind(host, tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    links([f"{host.url}/a.wav"]).fetch_digests()
    with pytest.raises(InvalidInput):
        links([f"{host.url}/b.wav"]).fetch_digests(max_bytes=1)
    assert list(tmp_path.iterdir()) == []
