"""Rows of columns shared among threads.

The kernels of this package take the first and the last row they are to work on and let go of the
interpreter lock. To share the rows out here, rather than inside the kernels, takes a third of the
time to compile and keeps pace where other programs hold a core.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numba

FEWEST = 200_000  # cells below which to share the work costs more than it saves
SHARES = 3  # per thread, so that one that is held up has less to do


@dataclass(frozen=True, eq=False)
class Team:
    """Threads that work on rows together.

    Parameters
    ----------
    threads
        How many, the calling one being one of them.
    pool
        The others; None when there are none.
    """

    threads: int = 1
    pool: ThreadPoolExecutor | None = None

    def share(self, kernel: Callable[..., None], rows: int, cells: int, *args: Any) -> None:
        """Run a kernel over all rows.

        Parameters
        ----------
        kernel
            Called with the first row, the row after the last and `args`.
        rows
            Number of rows.
        cells
            Cells worked on, to tell whether sharing pays.
        args
            What else the kernel takes.
        """
        shares = min(rows, SHARES * self.threads)
        if self.pool is None or cells < FEWEST or shares < 2:
            kernel(0, rows, *args)
            return
        bounds = [rows * n // shares for n in range(shares + 1)]
        waiting = [self.pool.submit(kernel, first, last, *args)
                   for first, last in pairwise(bounds)]
        for job in waiting:
            job.result()


@contextmanager
def team() -> Iterator[Team]:
    """Give as many threads as `numba.set_num_threads` allows."""
    threads = numba.get_num_threads()
    if threads < 2:
        yield Team()
        return
    with ThreadPoolExecutor(threads, thread_name_prefix="wind") as pool:
        yield Team(threads, pool)
