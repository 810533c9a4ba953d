"""Client of Alibaba Cloud Model Studio's speech recognition (DashScope): qwen3-asr-flash-filetrans and its siblings.

:class:`Client` for scripts and notebook cells, :class:`AsyncClient` for ``await``; both have the verbs ``upload``,
``submit``, ``query``, ``wait``, ``result``, ``list_tasks``, ``cancel`` and ``find_submitted``, and ``transcribe`` for
models that answer at once.
"""

from __future__ import annotations

from asrlab.dashscope.bucket import Bucket, LapsesEarly
from asrlab.dashscope.checks import NoEffect, NotForProduction
from asrlab.dashscope.client import AsyncClient
from asrlab.dashscope.links import SignedUrl
from asrlab.dashscope.pacing import UNLIMITED, Limits
from asrlab.dashscope.sync import Client
from asrlab.dashscope.tasks import ListedTask, Recognition, Sentence, Task, TaskPage, Transcript, Transcription, Word

__all__ = [
    "UNLIMITED",
    "AsyncClient",
    "Bucket",
    "Client",
    "LapsesEarly",
    "Limits",
    "ListedTask",
    "NoEffect",
    "NotForProduction",
    "Recognition",
    "Sentence",
    "SignedUrl",
    "Task",
    "TaskPage",
    "Transcript",
    "Transcription",
    "Word",
]
