"""Fuzzing: what others wrote, spoilt in every way that is thought of here, must end in tables or in an AsrlabError.

Four targets: manifests, answers of the service, stores and replays, normalizers. A case is made of bytes, each
decision taken from the next of them: random ones in the gate; in acceptance those that atheris finds to reach new code.
So a case that fails is told by its bytes, and can be tried again:

    python tests/fuzzing.py manifests --case 0a1b2c
    python tests/fuzzing.py manifests --seconds 600          # guided by coverage
"""

from __future__ import annotations

import argparse
import asyncio
import json
import random
import shutil
import signal
import sqlite3
import sys
import tempfile
import unicodedata
import warnings
from contextlib import closing, contextmanager, suppress
from copy import deepcopy
from functools import cache, partial
from pathlib import Path

HERE = Path(__file__).parent
REPLAYS = HERE.parent / "notebooks/replays"
#: Longest that one case may take, in seconds, on a machine that does other things too.
LONGEST_S = 60
ODD = (
    None,
    True,
    False,
    0,
    -1,
    2**31,
    2**63,
    10**400,
    1e308,
    float("nan"),
    float("inf"),
    "",
    " ",
    "\0",
    "\ud800",
    "a" * 5000,
    "../../x",
    "9" * 5000,
    [],
    {},
    [[]],
    [None],
    {"a": None},
    {"": [{}]},
    "2026-13-45",
    "\u202e\u2028",
    "<script>",
    "{a|b",
    "\\",
    "٣",
    "1e5",
    "nan",
)
SPLINTERS = (
    b"",
    b"\0",
    b"\xff",
    b"\xef\xbb\xbf",
    b"\t",
    b"\n",
    b"\r",
    b"\r\n",
    b" ",
    b"|",
    b"-",
    b'"',
    b"'",
    b"{",
    b"}",
    b"[",
    b",",
    b";",
    b"../",
    b"/",
    b"\\",
    b"-->",
    b"<",
    b"9" * 400,
    b"-1",
    b"nan",
    b"1e999",
    b"00:00:00.000",
    b"\xe3\x80\x80",
    b"\xed\xa0\x80",
    b"\xe2\x80\xa8",
    b"null",
    b"http://[",
    b"file:///etc/passwd",
)


class Draws(random.Random):
    """Random decisions that are read off bytes; 0 when there are no more."""

    def __init__(self, data):
        super().__init__(0)
        self._bits = int.from_bytes(data, "little")

    def getrandbits(self, k):
        found = self._bits & ((1 << k) - 1)
        self._bits >>= k
        return found

    def random(self):
        return self.getrandbits(16) / 65536


def attack(target, data, longest_s=LONGEST_S):
    """Try one case; raises what is no AsrlabError. Returns whether it was read."""
    from asrlab.errors import AsrlabError

    with warnings.catch_warnings(), at_most(longest_s), tempfile.TemporaryDirectory(dir=_memory()) as folder:
        warnings.simplefilter("ignore")
        try:
            TARGETS[target](Draws(data), Path(folder))
        except AsrlabError:
            return False
        return True


@contextmanager
def at_most(seconds):
    def late(*_):
        raise TimeoutError(f"A case takes more than {seconds} s")

    before = signal.signal(signal.SIGALRM, late)
    signal.alarm(seconds)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


def _memory():
    return "/dev/shm" if Path("/dev/shm").is_dir() else None


# How things are spoilt


def spoilt_bytes(draws, content, others=()):
    """Change a few places of a file."""
    for _ in range(1 + draws.randrange(4)):
        place = draws.randrange(len(content) + 1)
        gone = draws.choice((0, 0, 1, 1, 4, 40, len(content)))
        put = draws.choice(SPLINTERS)
        match draws.randrange(6):
            case 0 if content:  # one bit
                put, gone = bytes([content[min(place, len(content) - 1)] ^ (1 << draws.randrange(8))]), 1
            case 1:  # said twice
                put, gone = content[place : place + draws.choice((1, 20, 300))] * draws.choice((1, 2, 20)), 0
            case 2 if others:  # a piece of another file
                other = draws.choice(others)
                begin = draws.randrange(len(other) + 1)
                put = other[begin : begin + draws.choice((1, 20, 300))]
            case 3:  # cut off
                put, gone = b"", len(content)
        content = content[:place] + put + content[place + gone :]
    return content


def spoilt_value(draws, value):
    """Change a few values, names or lengths within a JSON value."""
    value = json.loads(json.dumps(value))
    for _ in range(1 + draws.randrange(3)):
        holders = [[value]]
        while True:  # walk down to some place
            inner = [v for v in _values(holders[-1]) if isinstance(v, dict | list) and v]
            if not inner or (len(holders) > 1 and draws.random() < 0.3):
                break
            holders.append(draws.choice(inner))
        holder = holders[-1]
        if len(holders) == 1:
            return deepcopy(draws.choice(ODD))
        keys = list(holder) if isinstance(holder, dict) else list(range(len(holder)))
        key = draws.choice(keys)
        match draws.randrange(5):
            case 0:
                del holder[key]
            case 1 if isinstance(holder, dict):
                holder[draws.choice(["", "text", "utt_id", "audio", "language", "id", str(key).upper()])] = deepcopy(
                    holder[key]
                )
            case 2 if isinstance(holder, list):
                holder.insert(0, deepcopy(holder[key]))
            case _:
                holder[key] = deepcopy(draws.choice(ODD))
    return value


def _values(holder):
    return list(holder.values()) if isinstance(holder, dict) else holder


def as_json(value):
    return json.dumps(value, ensure_ascii=True).encode()  # half surrogate pairs escaped, as in files


# Manifests


@cache
def corpora():
    """Small corpora in every format that is read from files: (format, {name: content})."""
    import test_corpora as made

    found = [
        (name, files if isinstance(files, dict) else dict.fromkeys(files, made.SPEECH)) for name, files in made.SETS
    ]
    row = {"id": "a", "audio": "a.wav", "text": "so {um|uh} yes", "language": "en", "speaker": "s", "duration_s": 1.5}
    rows = [row, {**row, "id": "b", "audio": "b.wav", "text": "two"}]
    found.append(("jsonl", {"manifest.jsonl": b"\n".join(map(as_json, rows))}))
    found.append(("csv", {"m.csv": 'id,audio,text,language\na,a.wav,"so, ""yes""",en\nb,b.wav,two,de\n'}))
    found.append(("tsv", {"m.tsv": "id\taudio\ttext\na\ta.wav\tso yes\n"}))
    nemo = {"audio_filepath": "a.wav", "duration": 1.5, "text": "so yes", "offset": 0.5, "lang": "en"}
    found.append(("nemo", {"manifest.json": as_json(nemo) + b"\n" + as_json({**nemo, "audio_filepath": "b.wav"})}))
    found.append(("urls", {"list.txt": "https://example.com/a.wav\nhttps://example.com/b.wav?Signature=x&Expires=1\n"}))
    body = {"model": "m", "input": {"file_url": "https://example.com/a.wav"}, "parameters": {"language": "en"}}
    found.append(("urls", {"bodies.jsonl": as_json(body) + b"\n"}))
    stm = ";; LABEL\na A spk 0.00 1.50 <o,f0,male> so {um / @} yes\na A spk 1.50 2.00 ignore_time_segment_in_scoring\n"
    found.append(("stm", {"r.stm": stm, "a.wav": b"no sound"}))
    found.append(("ctm", {"h.ctm": "a A 0.00 0.40 so 0.9\na A 0.40 0.60 yes\n;; x\n", "a.wav": b"no sound"}))
    found.append(("trn", {"r.trn": "so yes (spk-a)\n{two / 2} (spk-b)\n"}))
    srt = "1\n00:00:00,000 --> 00:00:01,500\n<i>So</i> yes\n\n2\n00:00:01,500 --> 00:00:02,000\ntwo\nlines\n"
    found.append(("srt", {"a.srt": srt, "a.wav": b"no sound"}))
    vtt = "WEBVTT\n\nNOTE x\n\n00:00.000 --> 00:01.500 align:start\n<v Ann>So yes\n\n00:01.500 --> 00:02.000\ntwo\n"
    found.append(("vtt", {"a.vtt": vtt, "a.wav": b"no sound"}))
    cuts = sorted((HERE / "formats/lhotse").glob("*cuts.jsonl"))
    found += [("lhotse", {file.name: file.read_bytes()}) for file in cuts]
    dictation = HERE.parent / "datasets/quiet"
    tables = {
        file.name: file.read_bytes() for file in sorted(dictation.glob("*.jsonl")) + sorted(dictation.glob("*.md"))
    }
    found.append(("tables", tables))
    return [
        (name, {file: content.encode() if isinstance(content, str) else content for file, content in files.items()})
        for name, files in found
    ]


def manifests(draws, folder):
    from asrlab import load_dataset

    name, files = draws.choice(corpora())
    file = draws.choice(sorted(files))
    content = files[file]
    lines = content.splitlines()
    if file.endswith((".jsonl", ".json")) and lines and draws.random() < 0.6:
        at = draws.randrange(len(lines))
        try:
            lines[at] = as_json(spoilt_value(draws, json.loads(lines[at])))
            content = b"\n".join(lines) + b"\n"
        except ValueError:
            content = spoilt_bytes(draws, content)
    else:
        content = spoilt_bytes(draws, content, [other for _, all_ in corpora() for other in all_.values()])
    for other, whole in files.items():
        path = folder / "set" / other
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if other == file else whole)
    only = len(files) == 1 or name in {"stm", "ctm", "srt", "vtt"}
    source = folder / "set" / sorted(files)[-1 if name in {"stm", "ctm"} else 0] if only else folder / "set"
    options = {"format": name} if draws.random() < 0.7 else {}
    if draws.random() < 0.05:
        options["columns"] = {draws.choice(["text", "wav", "", "id"]): draws.choice(["text", "audio", "utt_id", "x"])}
    if draws.random() < 0.2:
        options["language"] = draws.choice(["en", "", "xx", "\0", "zh-yue"])
    ds = load_dataset(source, **options)
    repr(ds), ds._repr_html_()
    outside = ds.utterances["audio"].dropna().str.contains(r"(?:^|/)\.\.(?:/|$)")
    assert not outside.any()
    ds.check()
    _or_refused(partial(ds.write, folder / "again.jsonl"))


# Answers of the service


@cache
def answers():
    word = {"begin_time": 0, "end_time": 400, "text": "So ", "punctuation": ","}
    sentence = {
        "begin_time": 0,
        "end_time": 900,
        "text": "So, yes.",
        "language": "en",
        "emotion": "neutral",
        "words": [word],
    }
    result = {
        "file_url": "https://example.com/a.wav?Signature=x",
        "audio_info": {"format": "wav", "sample_rate": 16000},
        "transcripts": [
            {"channel_id": 0, "text": "So, yes.", "sentences": [sentence, {**sentence, "begin_time": 900}]},
            {"channel_id": 1, "text": "", "sentences": []},
        ],
    }
    task = {
        "request_id": "r",
        "output": {
            "task_id": "t",
            "task_status": "SUCCEEDED",
            "submit_time": "2026-11-27 10:00:00.123",
            "scheduled_time": "2026-11-27 10:00:01.123",
            "end_time": "2026-11-27 10:00:02.123",
            "result": {"transcription_url": "https://example.com/r.json?Signature=x"},
        },
        "usage": {"seconds": 2},
    }
    failed = {
        "request_id": "r",
        "output": {"task_id": "t", "task_status": "FAILED", "code": "SUCCESS_WITH_NO_VALID_FRAGMENT", "message": "m"},
    }
    row = {
        "task_id": "t",
        "status": "RUNNING",
        "model_name": "m",
        "gmt_create": 1764238800000,
        "start_time": 1764238801000,
        "region": "x",
    }
    page = {"request_id": "r", "data": [row, row], "total": 2, "total_page": 1, "page_no": 1, "page_size": 100}
    policy = {
        "request_id": "r",
        "data": {
            "upload_host": "https://example.com",
            "upload_dir": "a/b",
            "oss_access_key_id": "k",
            "signature": "s",
            "policy": "p",
            "x_oss_object_acl": "private",
            "x_oss_forbid_overwrite": "true",
            "max_file_size_mb": "100",
        },
    }
    part = {
        "file_url": "https://example.com/a.wav",
        "transcription_url": "https://r.example/x",
        "subtask_status": "FAILED",
    }
    several = {
        "output": {"task_id": "t", "task_status": "SUCCEEDED", "results": [part | {"code": "c", "message": "m"}]},
        "usage": {"duration": 3},
    }
    note = {"type": "audio_info", "language": "en", "emotion": "neutral"}
    message = {"role": "assistant", "content": [{"text": "Ship it."}], "annotations": [note]}
    choices = [{"finish_reason": "stop", "message": message}]
    native = {"request_id": "r", "output": {"choices": choices}, "usage": {"seconds": 3}}
    chat = {"id": "c", "choices": choices, "usage": {"seconds": 3}}
    return result, task, failed, page, policy, several, native, chat


def results(draws, folder):
    """A result goes all the way into a store and out of it; the other answers are parsed."""
    from asrlab.dashscope import wire, wire_uploads
    from asrlab.engines.base import Answer
    from asrlab.engines.filetrans import _transcripts
    from asrlab.errors import ServiceError

    document = draws.choice(answers())
    whole = draws.random() < 0.7
    body = as_json(spoilt_value(draws, document)) if whole else spoilt_bytes(draws, as_json(document))
    status = draws.choice((200, 200, 200, 204, 400, 401, 429, 500))
    said = wire.complaint(status, body)
    assert said is None or all(isinstance(part, str) for part in said[:2])
    read = wire.read_json(body)
    if said is not None or read is None:
        return
    tasks = wire.parse_task, partial(wire.parse_task, submitted=True), wire.parse_task_page
    at_once = [partial(_read_at_once, mode) for mode in wire.MODES]
    for parse in (*tasks, wire_uploads.parse_policy, *at_once):
        with suppress(ServiceError):
            repr(parse(read))
    task = wire.parse_task(answers()[draws.choice((1, 2))])
    found = wire.parse_transcription(read)
    repr(found)
    heard = _transcripts(found, draws.choice(((0,), (0, 1), (1, 0))), task)
    _through_store(Answer(heard, task.audio_s, "m", raw=found.document), channels=len(heard))


def _read_at_once(mode, document):
    from asrlab.dashscope.sse import Events
    from asrlab.dashscope.wire_sync import Reading

    reading = Reading(mode)
    for event in Events().feed(b"data: " + as_json(document) + b"\n\n"):
        reading.take(json.loads(event.data))
    heard = reading.whole()
    assert isinstance(heard.text, str)
    assert heard.audio_s is None or isinstance(heard.audio_s, float)
    return heard


def _through_store(answer, channels):
    from asrlab.engines.base import Parameters
    from asrlab.sweep.identity import Identity, canonical_engine, canonical_parameters
    from asrlab.sweep.store import Asking, Intent, Store

    identity = Identity(
        "pcm:x", canonical_engine({"engine": "e", "model": "m", "region": "r"}), canonical_parameters(Parameters()), 0
    )
    asking = Asking("u", "c", 0, identity.trial, {"axis": "c"})
    with Store(None) as store:
        store.plan([asking], {identity.trial: identity}, {"axes": [["axis", ["c"]]]})

        async def answered():
            attempt = await store.begin(Intent(identity.trial, 1.0))
            await store.submitted(identity.trial, attempt, "t")
            await store.answered(attempt, identity.trial, answer)

        asyncio.run(answered())
        assert len(store.transcripts()) == max(channels, 1)
        store.words()
        json.dumps(store.raw(identity.trial))
        assert store.verify() == []
        store.records([asking])


# Stores and replays


@cache
def stored():
    """(name, content): a replay of today, one of format 1, and ledgers of both."""
    from asrlab.sweep.replay import read_replay
    from asrlab.sweep.store import Store

    found = [("r.jsonl", (REPLAYS / "marking.jsonl").read_bytes())]
    found.append(("r.jsonl", (HERE / "stores/format-1.replay.jsonl").read_bytes()))
    found.append(("ledger.sqlite", (HERE / "stores/format-1.sqlite").read_bytes()))
    with tempfile.TemporaryDirectory() as folder, read_replay(REPLAYS / "marking.jsonl") as replay:
        with Store(Path(folder) / "run", create=True) as store:
            store.restore(replay.records(replay.askings()), replay.meta(), replay.runs())
        with closing(sqlite3.connect(Path(folder) / "run/ledger.sqlite")) as db:
            db.execute("pragma wal_checkpoint(truncate)")
        found.append(("ledger.sqlite", (Path(folder) / "run/ledger.sqlite").read_bytes()))
    return found


def stores(draws, folder):
    from asrlab import open_sweep

    name, content = draws.choice(stored())
    path = folder / "run" / name
    path.parent.mkdir()
    how = draws.randrange(3)
    if how == 0:
        path.write_bytes(spoilt_bytes(draws, content))
    elif name == "r.jsonl":
        path.write_bytes(_signed_anew(draws, content))
    else:
        path.write_bytes(content)
        _spoil_ledger(draws, path)
    if draws.random() < 0.1:
        (path.parent / f"{name}-wal").write_bytes(draws.choice(SPLINTERS))
    sweep = open_sweep(path if name == "r.jsonl" else path.parent)
    repr(sweep), sweep._repr_html_()
    sweep.transcripts  # noqa: B018 - it is read
    for table in ("words", "costs", "parameters", "failures", "conditions", "about", "digest", "provenance"):
        _or_refused(partial(getattr, sweep, table))
    _or_refused(sweep.verify)
    _or_refused(partial(sweep.save_replay, folder / "again.jsonl"))


def _or_refused(call):
    from asrlab.errors import AsrlabError

    try:
        return call()
    except AsrlabError:
        return None


def _signed_anew(draws, content):
    from asrlab.sweep.replay import _digest, _line

    lines = [json.loads(line) for line in content.splitlines()]
    at = draws.randrange(min(len(lines), 8)) if draws.random() < 0.8 else draws.randrange(len(lines))
    lines[at] = spoilt_value(draws, lines[at])
    for n, line in enumerate(lines):
        if isinstance(line, dict):
            line.pop("digest", None)
            try:
                lines[n] = {**line, "digest": _digest(line)}
            except (UnicodeError, TypeError, ValueError):
                continue
    return b"".join(as_json(line) + b"\n" if _is_odd(line) else _line(line).encode() for line in lines)


def _is_odd(line):
    try:
        json.dumps(line, ensure_ascii=False).encode()
    except (UnicodeError, ValueError):
        return True
    return not isinstance(line, dict)


#: What SQLite can hold of it.
CELLS = (
    *(one for one in ODD if not isinstance(one, list | dict) and one not in {"\ud800", 10**400}),
    b"\0\xff",
    b"",
    -5.5,
)


def _spoil_ledger(draws, path):
    with closing(sqlite3.connect(path, isolation_level=None)) as db:
        tables = [name for (name,) in db.execute("select name from sqlite_master where type = 'table' order by name")]
        for _ in range(1 + draws.randrange(3)):
            table = draws.choice(tables)
            columns = [row[1] for row in db.execute(f"pragma table_info({table})")]
            (n,) = db.execute(f"select count(*) from {table}").fetchone() if columns else (0,)
            odd = draws.choice(CELLS)
            try:
                match draws.randrange(6):
                    case 0:
                        db.execute(
                            f"delete from {table} where (select count(*) from {table}) % 2 = {draws.randrange(2)}"
                        )
                    case 1:
                        db.execute(f"pragma user_version = {draws.choice((0, 1, 2, 3, 99, -1))}")
                    case 2:
                        db.execute(f"drop table {table}")
                        tables.remove(table)
                    case _ if columns and n:
                        column = draws.choice(columns)
                        key = columns[0]
                        first = f"(select {key} from {table} limit 1 offset {draws.randrange(n)})"
                        db.execute(f"update {table} set {column} = ? where {key} = {first}", (odd,))
            except (sqlite3.Error, OverflowError):  # the ledger would not take it
                continue


# Normalizers


@cache
def chains():
    from asrlab import normalizer

    names = [
        "none",
        "default",
        "basic",
        "english",
        "chinese",
        "japanese",
        "korean",
        "auto",
        "wording",
        "jiwer",
        "whisper",
        "whisper-basic",
    ]
    names += [
        "en",
        "zh",
        "yue",
        "ja",
        "ko",
        "de",
        "fr",
        "es",
        "it",
        "pt",
        "ru",
        "ar",
        "hi",
        "id",
        "th",
        "tr",
        "uk",
        "vi",
        "cs",
        "da",
        "fil",
        "fi",
        "is",
        "ms",
        "no",
        "pl",
        "sv",
    ]
    found = []
    for name in names:
        for numbers in ("", "+numbers", "+digits", "+spoken"):
            chain = _or_refused(partial(normalizer, name + numbers))
            if chain is not None and chain not in found:
                found.append(chain)
    assert len(found) > 5
    return found


@cache
def scraps():
    """Pieces of text: words for numbers, dates, money, marks, and every kind of sign that Unicode has."""
    from foreign_corpora import sentences

    pieces = [word for texts in sentences().values() for text in texts for word in text.split()]
    pieces += [
        "twenty",
        "twenty-one",
        "o'clock",
        "half",
        "past",
        "hundred",
        "thousand",
        "million",
        "billion",
        "point",
        "oh",
        "double",
        "triple",
        "dollars",
        "cents",
        "percent",
        "third",
        "january",
        "3rd",
        "$",
        "£",
        "€",
        "%",
        "1,234.50",
        "12:30",
        "1/2",
        "2026-11-27",
        "007",
        "VIII",
        "x2",
        "a.m.",
        "no.",
        "#5",
        "@",
        "&",
        "+",
        "=",
        "*",
        "^",
        "~",
        "_",
        "一百二十三",
        "万亿",
        "点",
        "两",
        "百分之五",
        "二〇二六年",
        "三点半",
        "块",
        "毛",
        "廿",
        "卅",
        "零",
        "〇",
        "十万零五百",
        "負",
        "三十",
        "二十一日",
        "九百九十九兆",
        "vierundzwanzig",
        "quatre-vingt-dix",
        "veintiuno",
        "ventuno",
        "двадцать",
        "пять",
        "сорок",
        "тысяча",
        "миллион",
    ]
    signs = [
        chr(n)
        for n in (
            *range(0x300),
            *range(0x2000, 0x2070),
            *range(0xFE00, 0xFE10),
            *range(0xFF00, 0xFF70),
            0x200B,
            0x0E33,
            0xE0001,
            0x1F468,
            0x10FFFF,
            0xD800,
            0xDFFF,
            0x1100,
            0xAC00,
            0x0345,
        )
    ]
    kinds = {}
    for n in range(0x110000):
        kinds.setdefault((unicodedata.category(chr(n)), unicodedata.bidirectional(chr(n))), []).append(n)
    signs += [chr(numbers[len(numbers) // 2]) for numbers in kinds.values()]
    return pieces, signs


def normalizers(draws, folder):
    """A chain turns any text into text, the same each time; and marking copes with it."""
    import asrlab as lab

    pieces, signs = scraps()
    said = "".join(
        draws.choice(pieces if draws.random() < 0.7 else signs) + draws.choice((" ", " ", "", "-", ".", ",", "\n"))
        for _ in range(draws.randrange(25))
    )
    if draws.random() < 0.05:
        said *= draws.choice((10, 300))
    chain = draws.choice(chains())
    made = chain(said)
    assert isinstance(made, str)
    assert chain(said) == made
    if draws.random() < 0.2 and "\ud800" not in said and "\udfff" not in said:
        scores = lab.score([made], [said], normalizer=chain, unit=draws.choice(("word", "char", "codepoint", "mixed")))
        assert (scores["hits"] + scores["subs"] + scores["dels"] == scores["ref_len"]).all()
    if draws.random() < 0.2:
        lab.score([made], [said.replace("\ud800", "").replace("\udfff", "")], normalizer=chain, unit="auto")


TARGETS = {"manifests": manifests, "results": results, "stores": stores, "normalizers": normalizers}


def random_cases(target, cases, seed):
    """Try so many cases of random bytes; returns how many could be read."""
    read = 0
    for n in range(cases):
        data = random.Random(f"{target} {seed} {n}").randbytes(400)
        try:
            read += attack(target, data)
        except BaseException as error:
            error.add_note(f"python tests/fuzzing.py {target} --case {data.hex()}")
            raise
    return read


def main():
    """Fuzz one target: a case again, or as many as fit into some seconds, guided by coverage."""
    parser = argparse.ArgumentParser()
    parser.add_argument("target", choices=sorted(TARGETS))
    parser.add_argument("--case")
    parser.add_argument("--seconds", type=int, default=600)
    options = parser.parse_args()
    sys.path.insert(0, str(HERE))
    if options.case is not None:
        print("read" if attack(options.target, bytes.fromhex(options.case)) else "refused")  # noqa: T201
        return
    import atheris

    with atheris.instrument_imports(include=["asrlab"]):
        attack(options.target, b"", longest_s=3600)  # whose imports are instrumented, which takes its time
    tried = {"cases": 0, "read": 0}

    def one(data):
        tried["cases"] += 1
        try:
            tried["read"] += attack(options.target, data)
        except BaseException:
            print(f"\npython tests/fuzzing.py {options.target} --case {data.hex()}", flush=True)  # noqa: T201
            raise

    import atexit

    atexit.register(lambda: print(tried))  # noqa: T201
    folder = tempfile.mkdtemp()
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    for n in range(50):
        (Path(folder) / str(n)).write_bytes(random.Random(n).randbytes(200))
    atheris.Setup(
        [
            sys.argv[0],
            f"-max_total_time={options.seconds}",
            f"-artifact_prefix={folder}/",
            "-max_len=500",
            "-timeout=120",
            "-rss_limit_mb=6000",
            "-print_final_stats=0",
            folder,
        ],
        one,
    )
    atheris.Fuzz()


if __name__ == "__main__":
    main()
