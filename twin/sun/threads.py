"""Jobs shared among threads.

Kernels that let go of the interpreter lock take one share of the work each; the shares do not
depend on the number of threads, and so neither does the result.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numba


def run(kernel: Callable[..., None], jobs: Sequence[tuple[Any, ...]]) -> None:
    """Call a kernel once per job, on as many threads as `numba.set_num_threads` allows.

    Parameters
    ----------
    kernel
        What to call.
    jobs
        Its arguments, one tuple a call. No two may write to the same place.
    """
    threads = min(numba.get_num_threads(), len(jobs))
    if threads < 2:
        for job in jobs:
            kernel(*job)
        return
    with ThreadPoolExecutor(threads, thread_name_prefix="sun") as pool:
        waiting = [pool.submit(kernel, *job) for job in jobs]
        for done in waiting:
            done.result()
