"""Case: the failing trial of a sweep that is to be shrunk, and the control it is held against."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pandas as pd

from asrlab.engines.base import Parameters, differences
from asrlab.errors import InvalidInput
from asrlab.sweep.shrinking.attempts import reply_of
from asrlab.sweep.shrinking.parts import NAMES
from asrlab.sweep.store import is_run
from asrlab.sweep.sweep import Sweep
from asrlab.text import plain

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from asrlab.engines.base import Engine
    from asrlab.sweep.shrinking.showing import Reply, Showing


@dataclass
class Case:
    """A case of a sweep: what was asked about which recording, and what came of it so far."""

    utt_id: str
    condition: str
    parameters: Parameters
    engine: Engine
    file: Path
    said: tuple[tuple[str, ...], str | None]
    stored: list[Reply]

    @classmethod
    def find(cls, sweep: Sweep, trial: str | None, utt_id: str | None, condition: str | None) -> Case:
        """Look it up."""
        if not isinstance(sweep, Sweep):
            raise InvalidInput(
                f"shrink asks anew, and needs a Sweep with its dataset, engine and grid, not {sweep!r}. Make it as it "
                "was made when it was run: Sweep(dataset, engine, grid(...), store=...)."
            )
        if (trial is None) == (utt_id is None and condition is None) or (utt_id is None) != (condition is None):
            raise InvalidInput("Say which case: its trial; or its utt_id and condition, both.")
        frame = sweep.transcripts if is_run(sweep.source) or sweep.source.suffix == ".jsonl" else None
        if trial is not None:
            rows = frame[frame["trial"] == trial] if frame is not None else pd.DataFrame()
            if rows.empty:
                raise InvalidInput(
                    f"There is no trial {trial!r} in {sweep.source.name}. Take it from sweep.transcripts."
                )
            utt_id, condition = str(rows["utt_id"].iloc[0]), str(rows["condition"].iloc[0])
        heard = sweep.heard(str(condition))  # says what conditions there are
        file = heard.audio_path(str(utt_id))  # says what utterances there are, and that a link is none of its files
        utterances, references = heard.utterances, heard.references
        row = utterances[utterances["utt_id"] == utt_id].iloc[0]
        parameters = heard.condition.parameters(row)
        places = [one.name for one in sweep.grid]
        spoken = row.get("language")
        texts = tuple(map(str, references[references["utt_id"] == utt_id]["text"]))
        said = texts, None if pd.isna(spoken) else str(spoken)
        stored = []
        if frame is not None:
            asked = frame[(frame["utt_id"] == utt_id) & (frame["condition"] == condition)]
            stored = [
                reply_of(list(rows.itertuples()), parameters, said)
                for _, rows in asked[asked["state"].isin(["answered", "failed"])].groupby("repeat")
            ]
        engine = sweep._asked[places.index(str(condition))]
        return cls(str(utt_id), str(condition), parameters, engine, file, said, stored)

    def check(self, test: Showing, control: Mapping[str, Any]) -> None:
        """Refuse a test that has nothing to go by, and a case that is known not to show it."""
        has = {"reference": bool(self.said[0]), "control": bool(control), "language": self.said[1] is not None}
        if test.wants and not any(has[name] for name in test.wants):
            raise InvalidInput(
                f'The test "{test.name}" of {self.utt_id} needs a {" or a ".join(test.wants)}, and there is none.'
                + (' Give one, such as control={"context": None}.' if "control" in test.wants else "")
            )
        # A case that failed is none that is known not to show it, unless the test is of how it failed.
        known = self.stored if test.failures else [reply for reply in self.stored if test.resolves(reply)]
        if known and test.wants != ("control",) and not any(map(test.shown_by, known)):
            came = plain(known[0].text if known[0].state == "answered" else known[0].error_code, 60)
            raise InvalidInput(
                f"None of the {len(known)} stored answers to {self.utt_id} under {self.condition} shows "
                f'"{test.name}"; the first is {came!r}. Give the case or the test that fails.'
            )


def control_of(sweep: Sweep, case: Case, control: str | Mapping[str, Any] | None) -> dict[str, Any]:
    """Say which parameters the control changes, and to what."""
    if control is None:
        return {}
    if isinstance(control, str):
        heard = sweep.heard(control)
        row = heard.utterances[heard.utterances["utt_id"] == case.utt_id].iloc[0]
        other = heard.condition.parameters(row)
        changed = {name: getattr(other, name) for name in differences(other, case.parameters)}
    else:
        Parameters.from_mapping(control)  # says what is no parameter
        changed = {name: value for name, value in control.items() if value != getattr(case.parameters, name)}
    if "channel_id" in changed or not changed:
        raise InvalidInput(
            f"control={control!r} changes {'channel_id' if changed else 'no parameter of the case'}. It is to change "
            f"one of {', '.join(name for name in NAMES if name != 'channel_id')}."
        )
    return changed
