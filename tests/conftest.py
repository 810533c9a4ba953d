"""What all tests share."""

from __future__ import annotations

import pytest
import virtual_time


def pytest_collection_modifyitems(config, items):
    """Leave the full figures to `make acceptance`, which asks for them by name."""
    if config.getoption("-m"):
        return
    full = [item for item in items if "acceptance" in item.keywords]
    items[:] = [item for item in items if "acceptance" not in item.keywords]
    config.hook.pytest_deselected(items=full)


@pytest.fixture(autouse=True)
def no_settings_of_the_user(monkeypatch):
    """Keep keys and switches of whoever runs the tests out of them."""
    for variable in (
        "ASRLAB_OFFLINE",
        "ASRLAB_WHISPER",
        "DASHSCOPE_API_KEY",
        "DASHSCOPE_API_KEY_SINGAPORE",
        "DASHSCOPE_API_KEY_BEIJING",
    ):
        monkeypatch.delenv(variable, raising=False)


@pytest.fixture
def in_virtual_time(monkeypatch):
    """Let the client's paces go by the clock of virtual_time, and remember no account of another test."""
    virtual_time.reset()
    monkeypatch.setattr("asrlab.dashscope.pacing._accounts", {})
    monkeypatch.setattr("asrlab.dashscope.pacing.monotonic", virtual_time.now)
    monkeypatch.setattr("asrlab.dashscope.pacing.TurnFile", lambda path: None)


@pytest.fixture(autouse=True)
def paces_of_its_own(monkeypatch, tmp_path_factory):
    """Keep the turns of these tests apart from those of the user's other processes."""
    folder = tmp_path_factory.getbasetemp() / "pacing"
    monkeypatch.setattr("asrlab.dashscope.pacing.cache_folder", lambda name: folder)
