"""Many equal pieces of work on several processes: of this machine, or of a Dask cluster."""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from typing import TypeVar

from errors import ConfigurationError, InputError

Item = TypeVar("Item")
Answer = TypeVar("Answer")

CONNECT_S = 10.0
"""Longest wait for a scheduler, s."""


@dataclass(frozen=True, kw_only=True)
class Cluster:
    """Where pieces of work run: in this process, in `workers` processes, or at the Dask scheduler of an address.

    The address is Dask's, such as tcp://host:8786; with one, `workers` does not count.
    """

    workers: int = 1
    scheduler: str = ""

    def __post_init__(self) -> None:
        if self.workers < 1:
            raise InputError(f"workers = {self.workers}: give at least 1.")

    def map(self, function: Callable[[Item], Answer], items: Sequence[Item]) -> Iterator[Answer]:
        """Yield the answers of `function`, in the order of `items`; raises what it raises.

        Other processes import `function` by its name, so that it must belong to a module; items and answers are
        pickled. Raises ConfigurationError if the scheduler does not answer within 10 s, or Dask is not installed.
        """
        if self.scheduler:
            yield from _on_dask(self.scheduler, function, items)
        elif min(self.workers, len(items)) > 1:
            # Spawned, not forked: a fork copies the locks of threads that do not exist in it, those of libca among
            # them.
            context = multiprocessing.get_context("spawn")
            with ProcessPoolExecutor(min(self.workers, len(items)), mp_context=context) as pool:
                yield from pool.map(function, items)
        else:
            yield from map(function, items)


def _on_dask(scheduler: str, function: Callable[[Item], Answer], items: Sequence[Item]) -> Iterator[Answer]:
    try:
        from distributed import Client
    except ImportError as error:
        raise ConfigurationError("Dask is not installed. Install it with `pip install distributed`.") from error
    try:
        client = Client(scheduler, timeout=CONNECT_S, set_as_default=False)
    except (OSError, ValueError) as error:
        raise ConfigurationError(
            f"No Dask scheduler answers at {scheduler}: {error}. Start one with `dask scheduler`, and its workers with "
            f"`dask worker {scheduler}`, in an environment with trxas."
        ) from error
    with client:
        # Not pure: a run of the same uid may have grown since it was reduced the last time.
        for future in client.map(function, items, pure=False):
            yield future.result()
