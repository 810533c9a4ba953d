"""Client of Alibaba Cloud Model Studio's file transcription (DashScope), model qwen3-asr-flash-filetrans.

:class:`Client` for scripts and notebook cells, :class:`AsyncClient` for ``await``; both have the verbs ``upload``,
``submit``, ``query``, ``wait`` and ``result``.
"""

from __future__ import annotations

from asrlab.dashscope.checks import NoEffect
from asrlab.dashscope.client import AsyncClient
from asrlab.dashscope.links import SignedUrl
from asrlab.dashscope.sync import Client
from asrlab.dashscope.tasks import Sentence, Task, Transcript, Transcription, Word

__all__ = [
    "AsyncClient",
    "Client",
    "NoEffect",
    "Sentence",
    "SignedUrl",
    "Task",
    "Transcript",
    "Transcription",
    "Word",
]
