"""Limits per account: counted by a clock of the test's own, and once over HTTP."""

from __future__ import annotations

import math

import httpx
import pytest
from by_hand import MODEL, PATH, SUBMIT, body_for
from hypothesis import given, settings
from hypothesis import strategies as st
from stand_ins import Scripted

from asrlab.errors import InvalidInput

pytest.importorskip("starlette")

from asrlab.server.limits import UNLIMITED, Limits, Throttle
from asrlab.server.run import serve


class Clock:
    now = 1000.0

    def __call__(self):
        return self.now


def throttle(**limits):
    clock = Clock()
    return Throttle(Limits(**limits), clock=clock), clock


def test_twenty_queries_pass_in_any_second():
    counter, clock = throttle()
    assert [counter.admit("query", "a") for _ in range(25)] == [True] * 20 + [False] * 5
    clock.now += 0.999
    assert not counter.admit("query", "a")
    clock.now += 0.001
    assert counter.admit("query", "a")
    assert counter.refused == {"query": 6}


def test_the_window_slides():
    counter, clock = throttle(queries_per_s=2)
    admitted = []
    for tenth in range(31):
        clock.now = 1000 + tenth / 10
        if counter.admit("query", "a"):
            admitted.append(tenth)
    assert admitted == [0, 1, 10, 11, 20, 21, 30]


@pytest.mark.parametrize("route", ["query", "list", "cancel"])
def test_queries_lists_and_cancels_are_counted_apart(route):
    counter, _ = throttle()
    assert all(counter.admit(route, "a") for _ in range(20))
    others = {"query", "list", "cancel"} - {route}
    assert not counter.admit(route, "a")
    assert all(counter.admit(other, "a") for other in others)


def test_accounts_and_models_are_counted_apart():
    counter, _ = throttle(uploads_per_s=3)
    assert [counter.admit("policy", "a", "one") for _ in range(4)] == [True, True, True, False]
    assert counter.admit("policy", "a", "other")
    assert counter.admit("policy", "b", "one")


def test_submits_have_a_minute_and_a_sixtieth_of_it_for_each_second():
    counter, clock = throttle()
    assert [counter.admit("submit", "a") for _ in range(11)] == [True] * 10 + [False]
    counter, clock = throttle(submits_per_minute=90)  # 1.5 in a second, rounded up
    for second in range(45):
        clock.now = 1000.0 + second
        assert [counter.admit("submit", "a") for _ in range(3)] == [True, True, False]
    for second, most in ((45, 0), (59.5, 0), (60, 2), (60.5, 0), (61, 2)):
        clock.now = 1000.0 + second
        assert [counter.admit("submit", "a") for _ in range(3)].count(True) == most


def test_few_submits_a_minute_are_one_in_a_second():
    counter, clock = throttle(submits_per_minute=2)
    assert [counter.admit("submit", "a"), counter.admit("submit", "a")] == [True, False]
    clock.now += 1
    assert [counter.admit("submit", "a"), counter.admit("submit", "a")] == [True, False]
    clock.now += 58
    assert not counter.admit("submit", "a")
    clock.now += 1
    assert counter.admit("submit", "a")


@settings(derandomize=True, database=None, deadline=None, max_examples=100)
@given(
    st.integers(1, 5),
    st.lists(st.tuples(st.integers(0, 700), st.sampled_from("abc")), max_size=60),
)
def test_a_request_is_refused_exactly_where_its_window_is_full(most, steps):
    counter, clock = throttle(queries_per_s=most)
    admitted, now = [], 0
    for milliseconds, account in steps:
        now += milliseconds
        clock.now = now / 1024
        full = sum(1 for then, who in admitted if who == account and then > now - 1024) >= most
        assert counter.admit("query", account) is not full
        if not full:
            admitted.append((now, account))


def test_accounts_that_have_gone_are_forgotten():
    counter, clock = throttle()
    for number in range(50_000):
        clock.now += 0.01
        assert counter.admit("query", f"key-{number}")
        assert counter.admit("submit", f"key-{number}")
    assert len(counter._admitted) <= 2 * 60 / 0.01 + 2


def test_without_limits_nothing_is_counted():
    counter = Throttle(UNLIMITED)
    assert all(counter.admit(route, "a") for route in ("submit", "query", "policy") for _ in range(1000))
    assert not counter.refused
    assert not counter._admitted


@pytest.mark.parametrize(
    "wrong",
    [
        {"queries_per_s": 0},
        {"queries_per_s": 0.5},
        {"queries_per_s": "20"},
        {"uploads_per_s": math.nan},
        {"submits_per_minute": -math.inf},
        {"submits_per_minute": True},
        {"submits_per_minute": None},
    ],
)
def test_limits_that_are_none_are_refused(wrong):
    with pytest.raises(InvalidInput, match=next(iter(wrong))):
        Limits(**wrong)


# Over HTTP.


@pytest.fixture(scope="module")
def client():
    """A client of a service that takes two queries and two submits in a second."""
    limits = Limits(queries_per_s=2, submits_per_minute=120, uploads_per_s=2)
    with serve(Scripted(), limits=limits) as service, httpx.Client(base_url=service.url, trust_env=False) as client:
        yield client


def request(client, route, key):
    headers = {**SUBMIT, "Authorization": f"Bearer {key}"}
    policy = {"action": "getPolicy", "model": MODEL}
    return {
        "query": lambda: client.get("/api/v1/tasks/nope", headers=headers),
        "list": lambda: client.get("/api/v1/tasks", headers=headers),
        "cancel": lambda: client.post("/api/v1/tasks/nope/cancel", headers=headers),
        "policy": lambda: client.get("/api/v1/uploads", params=policy, headers=headers),
        "submit": lambda: client.post(PATH, headers=headers, json=body_for("http://127.0.0.1:9/a.wav")),
    }[route]()


@pytest.mark.parametrize("route", ["query", "list", "cancel", "policy", "submit"])
def test_over_a_limit_comes_the_documented_429(client, route):
    before = client.get("/asrlab/status").json()
    answers = [request(client, route, "sk-eager") for _ in range(10)]
    over = [answer for answer in answers if answer.status_code == 429]
    assert over
    assert over[0].json()["code"] == "Throttling.RateQuota"
    assert over[0].json()["message"] == "Requests rate limit exceeded, please try again later."
    assert "retry-after" not in over[0].headers
    assert request(client, route, "sk-other").status_code != 429
    after = client.get("/asrlab/status").json()
    assert after["throttled"][route] - before["throttled"][route] == len(over)
    assert after["requests"][route] - before["requests"][route] == 11
    if route == "submit":
        assert after["submits"] - before["submits"] == 11 - len(over)


def test_the_key_is_checked_before_the_limit_and_the_limit_before_the_body(client):
    wrong = [client.post(PATH, content=b"no JSON") for _ in range(5)]
    assert {answer.status_code for answer in wrong} == {401}
    headers = {"Authorization": "Bearer sk-garbled"}
    statuses = [client.post(PATH, headers=headers, content=b"no JSON").status_code for _ in range(5)]
    assert set(statuses) == {400, 429}
    assert statuses[0] == 400


def test_the_status_tells_the_limits(client):
    assert client.get("/asrlab/status").json()["limits"] == {
        "queries_per_s": 2,
        "uploads_per_s": 2,
        "submits_per_minute": 120,
    }
    with serve(Scripted(), limits=None) as service:
        assert set(service.status()["limits"].values()) == {None}
    with serve(Scripted()) as service:
        status = service.status()
        assert status["limits"] == {"queries_per_s": 20, "uploads_per_s": 100, "submits_per_minute": 600}
        routes = {"submit", "query", "list", "cancel", "policy", "upload", "result", "generate", "chat"}
        assert set(status["requests"]) == set(status["throttled"]) == routes
