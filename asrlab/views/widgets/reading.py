"""Reading: the front end of the explorer, in which a word that is clicked is heard.

The one piece of JavaScript: choices are plain ipywidgets. Sound is sent when it is asked for and is no part of the
state, so a saved notebook stays small.
"""

from __future__ import annotations

from importlib.resources import files
from typing import TYPE_CHECKING, Any, Final

import anywidget
import traitlets

if TYPE_CHECKING:
    from collections.abc import Callable

    from asrlab.views.html import Sound

_HERE: Final = files(__package__)
_NOTHING: Final[dict[str, Any]] = {
    "number": -1,
    "part": 0,
    "parts": 1,
    "where": "",
    "note": "",
    "sound": 0,
    "stacks": [],
}


class Reading(anywidget.AnyWidget):
    """An utterance with what was made of it.

    Parameters
    ----------
    fetch : callable
        Gives the sound of a number from :func:`asrlab.views.widgets.pages.page`, around a time in seconds, or says why
        there is none.
    """

    _esm = _HERE.joinpath("reading.js").read_text(encoding="utf-8")
    _css = _HERE.joinpath("reading.css").read_text(encoding="utf-8")
    page = traitlets.Dict(_NOTHING).tag(sync=True)
    part = traitlets.Int(0).tag(sync=True)

    def __init__(self, fetch: Callable[[int, float], Sound | str]) -> None:
        super().__init__()
        self._fetch = fetch
        self.on_msg(self._asked)

    def clear(self, note: str) -> None:
        """Show nothing but a note."""
        self.page = {**_NOTHING, "note": note}

    def _asked(self, _: object, message: object, __: object) -> None:
        """Answer a question for sound; what is not one is left alone."""
        if not isinstance(message, dict) or message.get("page") != self.page["number"]:
            return  # the reader has gone on
        sound, at = message.get("sound"), message.get("at")
        if not isinstance(sound, int) or isinstance(at, bool) or not isinstance(at, int | float):
            return
        found = self._fetch(sound, float(at))
        about = {"page": message["page"], "sound": sound}
        if isinstance(found, str):
            self.send({**about, "why": found})
            return
        whole = found.begin_s is None and found.end_s is None
        offset = found.begin_s or 0.0
        note = "" if whole else f"Of a long recording, the sound begins at {offset:.1f} s."
        self.send({**about, "mime": found.mime, "offset": offset, "whole": whole, "note": note}, [found.data])
