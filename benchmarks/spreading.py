"""What spreading costs: parts and bytes a second through one driver, and what follows for 10, 100 and 1,000 workers.

    python benchmarks/spreading.py [--parts 2000] [--workers 1 2 4 8]

The workers are processes of this machine, more of them than it has processors: what is measured is what the one driver
and its scheduler can hand out and take back, which no worker can speed up.
"""

from __future__ import annotations

import argparse
import os
import time
from concurrent.futures import ProcessPoolExecutor
from itertools import repeat

from distributed import Client, LocalCluster
from ratios import tell

from asrlab.executors import mapped

MB = 1 << 20


def nothing(part: int) -> int:
    """Give a part back."""
    return part


def turned(part: bytes) -> bytes:
    """Give as many bytes back as came."""
    return part[::-1]


def parts_a_second(executor: Client | ProcessPoolExecutor, parts: int) -> float:
    list(mapped(nothing, range(50), executor))
    start = time.perf_counter()
    assert list(mapped(nothing, range(parts), executor)) == list(range(parts))
    return parts / (time.perf_counter() - start)


def megabytes_a_second(executor: Client | ProcessPoolExecutor, megabytes: int) -> float:
    """There and back, in parts of 2 MB, as many as marking sends."""
    part = os.urandom(2 * MB)
    start = time.perf_counter()
    for _ in mapped(turned, repeat(part, megabytes // 2), executor):
        pass
    return megabytes / (time.perf_counter() - start)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--parts", type=int, default=2000)
    parser.add_argument("--megabytes", type=int, default=400)
    parser.add_argument("--workers", type=int, nargs="+", default=[1, 2, 4, 8])
    options = parser.parse_args()
    print(f"{os.cpu_count()} processors, load {os.getloadavg()[0]:.1f}")
    for workers in options.workers:
        with ProcessPoolExecutor(workers) as pool:
            pooled = said = parts_a_second(pool, options.parts), megabytes_a_second(pool, options.megabytes)
        print(f"pool of {workers}: {said[0]:,.0f} parts/s, {said[1]:,.0f} MB/s there and back", flush=True)
        start = time.perf_counter()
        with (
            LocalCluster(n_workers=workers, threads_per_worker=1, dashboard_address=":0") as cluster,
            Client(cluster) as client,
        ):
            client.wait_for_workers(workers)
            began = time.perf_counter() - start
            said = parts_a_second(client, options.parts), megabytes_a_second(client, options.megabytes)
        print(
            f"Dask, {workers} workers: {said[0]:,.0f} parts/s, {said[1]:,.0f} MB/s there and back; "
            f"{began:.1f} s to start",
            flush=True,
        )
        tell(f"handing out parts to a pool of {workers}", "as many Dask workers", time=pooled[0] / said[0])
        tell(f"2 MB there and back, a pool of {workers}", "as many Dask workers", time=pooled[1] / said[1])


if __name__ == "__main__":
    main()
