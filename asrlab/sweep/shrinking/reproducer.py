"""Reproducers: a folder with one request that shows a failure, to be run with curl by somebody without asrlab.

What others wrote (context, transcripts, names) stands in JSON, and in the page within fences; the script holds none of
it. No key and no link is written, and no path of this machine, but where it was heard.
"""

from __future__ import annotations

import json
import re
import shutil
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from asrlab.errors import StoreError
from asrlab.sweep.shrinking.script import SCRIPT
from asrlab.text import visible

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from asrlab.engines.base import Parameters
    from asrlab.sweep.shrinking.showing import Reply

# Service documentation: models, regions and base URLs.
_MODEL: Final = "qwen3-asr-flash-filetrans"
_DATE: Final = r"(-\d{4}-\d{2}-\d{2})?"
#: How a request names its recording: each in a line of its own, by the models that are asked so.
_INPUTS: Final = {
    rf"{_MODEL}{_DATE}": '  "input": {"file_url": "AUDIO_URL"},',
    rf"qwen3-asr-flash{_DATE}": '    {"role": "user", "content": [{"audio": "AUDIO_URL"}]}',
    r"(qwen-audio-|fun-asr|paraformer-)[\w.-]*": '  "input": {"file_urls": ["AUDIO_URL"]},',
}
_BASES: Final = {
    "singapore": "https://dashscope-intl.aliyuncs.com",
    "beijing": "https://dashscope.aliyuncs.com",
}
_LOCAL: Final = "http://127.0.0.1:8300"  # where `asrlab serve` listens


@dataclass(frozen=True)
class Facts:
    """What is to be told of a request beside itself.

    Parameters
    ----------
    identity : mapping
        Of the engine that was asked.
    test, meaning, expected : str
        What failed, in the words of a test and in a sentence; and what should have come, where somebody said it.
    shown, at_least : int
        In how many of the replies it is shown, and how many were wanted.
    control : mapping
        Parameters that the control changes.
    left : sequence of (str, str)
        What is left of the case, by name.
    spans_s : sequence of (float, float)
        Where in the recording the audio is, in seconds.
    minimal : str, optional
        What is known of smaller requests, where that is that none shows it.
    hidden : sequence of Path
        Folders whose paths are not to be told, where an error text has them.
    """

    identity: Mapping[str, str]
    test: str
    meaning: str
    shown: int
    at_least: int
    expected: str | None = None
    control: Mapping[str, Any] = field(default_factory=dict)
    left: Sequence[tuple[str, str]] = ()
    spans_s: Sequence[tuple[float, float]] = ()
    minimal: str | None = None
    hidden: Sequence[Path] = ()


def write_reproducer(folder: Path, audio: Path, parameters: Parameters, replies: Sequence[Reply], facts: Facts) -> None:
    """Write the folder: the recording, ``request.json``, ``run.sh``, ``answer.json`` and ``README.md``.

    Parameters
    ----------
    folder : Path
        Where to; files of these names in it are replaced.
    audio : Path
        The recording that is sent.
    parameters : Parameters
        The request.
    replies : sequence of Reply
        What came, one a repeat, with controls where there are.
    facts : Facts
        What else is to be told.

    Raises
    ------
    StoreError
        If it cannot be written.
    """
    name = f"audio{audio.suffix}"
    paid = facts.identity.get("engine") in ("filetrans", "flash")
    base = _BASES.get(facts.identity.get("region", "")) if paid else None
    texts = {
        "request.json": request_json(parameters, facts.identity),
        "answer.json": _answer_json(replies, facts),
        "run.sh": _script(name, base or _LOCAL, facts.identity),
        "README.md": _page(name, parameters, replies, facts, base or _LOCAL),
    }
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder) as half:
            shutil.copyfile(audio, Path(half) / name)
            for file, text in texts.items():
                (Path(half) / file).write_bytes(text.encode("utf-8", "replace"))
            (Path(half) / "run.sh").chmod(0o755)
            for stale in folder.glob("audio.*"):
                stale.unlink()
            for file in (name, *texts):
                (Path(half) / file).replace(folder / file)
    except OSError as error:
        raise StoreError(
            f"The reproducer cannot be written to {folder} ({error}). Make room, or name another."
        ) from error


def request_json(parameters: Parameters, identity: Mapping[str, str]) -> str:
    """Write the body of a request, as it is asked: defaults too, each parameter in a line of its own.

    The link to the recording stands in a line of its own as well, which the script replaces. A model that answers at
    once is asked in the native shape, and not for a stream.
    """
    model, line = _asked(identity)
    language, context = parameters.language, parameters.context
    given: dict[str, Any]
    if "audio" in line:
        options = {"language": language, "enable_itn": parameters.enable_itn}
        given = {"result_format": "message", "asr_options": {n: v for n, v in options.items() if v is not None}}
        system = f'    {{"role": "system", "content": [{{"text": {_json(context)}}}]}},\n' if context else ""
        line = f'  "input": {{"messages": [\n{system}{line}\n  ]}},'
    elif "file_urls" in line:
        given = {
            "language_hints": [language] if language else list(parameters.language_hints) or None,
            "vocabulary_id": parameters.vocabulary_id or None,
            "channel_id": list(parameters.channel_id),
        }
    else:
        given = {
            "language": language,
            "enable_itn": parameters.enable_itn,
            "enable_words": parameters.enable_words,
            "channel_id": list(parameters.channel_id),
            "corpus": {"text": context} if context else None,
            "text": context if context and identity.get("also_send_text") == "true" else None,
        }
    lines = ",\n".join(f'    "{name}": {_json(value)}' for name, value in given.items() if value is not None)
    return f'{{\n  "model": "{model}",\n{line}\n  "parameters": {{\n{lines}\n  }}\n}}\n'


def _asked(identity: Mapping[str, str]) -> tuple[str, str]:
    """Give the model that is asked, and the line in which its request names the recording."""
    model = identity.get("asked_model", identity.get("model", ""))
    for pattern, line in _INPUTS.items():
        if re.fullmatch(pattern, model):
            return model, line
    return _MODEL, next(iter(_INPUTS.values()))


def _script(audio: str, base: str, identity: Mapping[str, str]) -> str:
    model, line = _asked(identity)
    filled = {
        "BASE": base,
        "MODEL": model,
        "AUDIO": audio,
        "LINE": line,
        "PATTERN": line.replace("[", r"\[").replace("]", r"\]"),
        "AT_ONCE": "yes" if "audio" in line else "no",
    }
    return re.sub("@([A-Z_]+)@", lambda found: filled[found[1]], SCRIPT)


def _json(value: Any, indent: int | None = None) -> str:  # noqa: ANN401 - any JSON value
    """Write JSON in which whatever steers a terminal is escaped."""
    text = json.dumps(value, ensure_ascii=False, indent=indent)
    return "".join(c if c.isprintable() or c == "\n" else json.dumps(c)[1:-1] for c in text)


def _answer_json(replies: Sequence[Reply], facts: Facts) -> str:
    shown = [
        {"answer": _record(reply, facts.hidden)}
        | ({} if reply.control is None else {"control": _record(reply.control, facts.hidden)})
        for reply in replies
    ]
    document = {
        "test": facts.test,
        "shown": facts.shown,
        "asked": len(replies),
        "engine": {name: _without(value, facts.hidden) for name, value in facts.identity.items()},
        "control": dict(facts.control),
        "answers": shown,
    }
    return _json(document, indent=1) + "\n"


def _record(reply: Reply, hidden: Sequence[Path]) -> dict[str, Any]:
    channels = [
        {"channel_id": channel, "text": text, "language": language} for channel, text, language in reply.channels
    ]
    facts = {
        "state": reply.state,
        "transcripts": channels if reply.state == "answered" else None,
        "words": [{"text": text, "begin_s": begin, "end_s": end} for text, begin, end in reply.words],
        "error_code": reply.error_code,
        "error": _without(reply.error or "", hidden),
        "request_id": reply.request_id,
        "submitted_at": reply.submitted_at,
    }
    return {name: value for name, value in facts.items() if value}


def _without(text: str, hidden: Sequence[Path]) -> str:
    """Take the paths of this machine out of an error text; never out of what was heard, which is the evidence."""
    named = {str(path) for one in (*hidden, Path.home(), Path.cwd()) for path in (one.absolute(), one.resolve())}
    for path in sorted(named, key=len, reverse=True):
        if len(path) > 1:  # whole folders: not /work of /workshop, of /work-2 or of /net/work
            text = re.sub(rf"(?<![\w.-]){re.escape(path)}(?![\w-]|\.\w)", "...", text)
    return text


def _page(name: str, parameters: Parameters, replies: Sequence[Reply], facts: Facts, base: str) -> str:
    spans = " and ".join(f"{begin:.3f} to {end:.3f} s" for begin, end in facts.spans_s)
    first = replies[0]
    seen = [_heard(reply, facts.hidden) for reply in replies]
    parts = [
        "# A speech-to-text request that fails\n",
        f"`run.sh` sends the request in `request.json` about `{name}` and saves what comes back as `answer-now.json`. "
        "What came back when this was written is in `answer.json`.\n",
        _usage(base),
        "It needs `curl` and a POSIX shell. Set `AUDIO_URL` to a link of the recording that the service can fetch, to "
        "upload nothing. The key is read from the environment and written nowhere. One run is one request, and is "
        "billed as one. " + _afterwards(facts.identity) + "\n",
        "## What fails\n",
        f"{facts.meaning} Shown by {facts.shown} of {len(replies)} answers. The test of an answer:\n",
        _fenced(facts.test),
        "What came:\n",
        *map(_fenced, dict.fromkeys(seen)),
    ]
    if facts.expected is not None:
        parts += ["What should have come:\n", _fenced(facts.expected)]
    if facts.control:
        parts += [
            "The same audio was asked with these parameters changed. An answer counts only where the answer to that "
            "does not show it:\n",
            _fenced(_json(dict(facts.control))),
            "What came of that:\n",
            *map(_fenced, dict.fromkeys(_heard(one, facts.hidden) for reply in replies if (one := reply.control))),
        ]
    if parameters.context:
        parts += ["The context sent:\n", _fenced(parameters.context)]
    parts += [
        "## What this is\n",
        f"The audio is {spans} of the recording in which it was seen. What is left of that case:\n",
    ]
    parts.append(_fenced("\n".join(f"{what}: {value}" for what, value in facts.left)))
    smaller = facts.minimal or "the search for a smaller request was not finished"
    parts += [f"Smaller requests: {smaller}.\n", "Who answered:\n"]
    identity = {name: _without(value, facts.hidden) for name, value in facts.identity.items()}
    told = {**identity, "request_id": first.request_id, "submitted_at": first.submitted_at}
    parts.append(_fenced("\n".join(f"{what}: {value}" for what, value in told.items() if value)))
    return "\n".join(parts)


def _afterwards(identity: Mapping[str, str]) -> str:
    _, line = _asked(identity)
    if "audio" not in line:
        return "If a run ends early, set `TASK` to the task it named: that is fetched, and nothing sent."
    mode = identity.get("mode", "native")
    asked = "" if mode == "native" else f" It was asked as `{mode}`; this asks in the native shape, not for a stream."
    return f"The answer comes at once, and can be had in no other way.{asked}"


def _usage(base: str) -> str:
    lines = [
        ("./run.sh", f"asks {base}, a stand-in on this machine: asrlab serve"),
        (f"DASHSCOPE_API_KEY=... ./run.sh {_BASES['singapore']}", "asks the service"),
    ]
    if base != _LOCAL:
        lines = [
            ("DASHSCOPE_API_KEY=... ./run.sh", f"asks {base}"),
            ("DASHSCOPE_API_KEY=... ./run.sh https://HOST", "asks another host of the service"),
            (f"./run.sh {_LOCAL}", "asks a stand-in on this machine: asrlab serve"),
        ]
    wide = max(len(command) for command, _ in lines)
    return "".join(f"    {command:{wide}}  # {what}\n" for command, what in lines)


def _heard(reply: Reply, hidden: Sequence[Path]) -> str:
    if reply.state != "answered":
        return f"{reply.state}: {reply.error_code or ''} {_without(reply.error or '', hidden)}".strip()
    return reply.text or "(nothing: an empty transcript)"


def _fenced(text: str) -> str:
    """Put a text into a block of code that nothing in it can end."""
    text = visible(text).rstrip("\n")
    longest = max((len(run) for run in re.findall("`+", text)), default=0)
    fence = "`" * max(3, longest + 1)
    return f"{fence}text\n{text}\n{fence}\n"
