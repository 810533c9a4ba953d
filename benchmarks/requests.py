"""Many calls at once through our client, beside plain httpx, against one service in another process.

The service answers each task query after 50 ms. Requests a second, and CPU of the client a request, with 16 and with 64
callers. Ours holds 16 connections whatever the callers: a task in flight is not a request in flight.
Run: python benchmarks/requests.py
"""

from __future__ import annotations

import asyncio
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import httpx
from ratios import tell

from asrlab.dashscope import UNLIMITED, AsyncClient

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

N = 3000
SERVICE = """
import asyncio, uvicorn, socket
BODY = b'{"request_id":"r","output":{"task_id":"t","task_status":"RUNNING"}}'

async def app(scope, receive, send):
    await asyncio.sleep(0.05)
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(BODY)).encode())]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": BODY})

async def main():
    listener = socket.create_server(("127.0.0.1", 0), backlog=512)
    print(listener.getsockname()[1], flush=True)
    config = uvicorn.Config(app, log_level="error", access_log=False, lifespan="off")
    await uvicorn.Server(config).serve(sockets=[listener])

asyncio.run(main())
"""


async def measure(call: Callable[[], Awaitable[object]], callers: int) -> tuple[float, float]:
    """Call N times from so many callers; returns requests a second, and milliseconds of CPU a request."""
    left = iter(range(N))

    async def caller() -> None:
        for _ in left:
            await call()

    cpu, wall = time.process_time(), time.perf_counter()
    await asyncio.gather(*(caller() for _ in range(callers)))
    return N / (time.perf_counter() - wall), 1000 * (time.process_time() - cpu) / N


async def main(base_url: str) -> None:
    """Measure and print."""
    print(f"{N} task queries that are each answered after 50 ms; requests/s, ms of CPU a request")
    rates = {}
    for callers in (16, 64):
        async with AsyncClient(api_key="sk-bench", base_url=base_url, limits=UNLIMITED) as client:
            rates["ours", callers] = await measure(lambda client=client: client.query("t"), callers)
        limits = httpx.Limits(max_connections=callers, max_keepalive_connections=callers)
        async with httpx.AsyncClient(trust_env=False, limits=limits, timeout=60) as plain:
            url = f"{base_url}/tasks/t"
            rates["httpx", callers] = await measure(lambda plain=plain, url=url: plain.get(url), callers)
    for (who, callers), (per_s, cpu_ms) in rates.items():
        print(f"{who:>6} with {callers:2} callers: {per_s:6.0f} /s {cpu_ms:6.2f} ms")
    for callers in (16, 64):
        ratio = rates["ours", callers][1] / rates["httpx", callers][1]
        print(f"CPU a request, ours / plain httpx, {callers} callers: {ratio:.2f}")
        tell(f"{N:,} task queries by {callers} callers", "plain httpx", cpu=1 / ratio)


if __name__ == "__main__":
    process = subprocess.Popen([sys.executable, "-c", SERVICE], stdout=subprocess.PIPE, text=True)
    try:
        asyncio.run(main(f"http://127.0.0.1:{process.stdout.readline().strip()}/api/v1"))
    finally:
        process.kill()
        process.wait()
