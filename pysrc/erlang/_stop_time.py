# SPDX-License-Identifier: Apache-2.0
"""The time that a hosted loop has for its end, and the shares of it.

A loop that is told to stop is ended by force after its ``stop_timeout``. Until then its requests in
progress, its application and its tasks end one after the other. Each of them must be over when its
share of the time has passed. A step that ends early leaves its time to the others.
"""

from __future__ import annotations

import asyncio
import logging
import time
from dataclasses import dataclass

# The share of the time after which each step must be over: requests in progress, which are then
# cancelled;
REQUESTS = 0.6
# requests in progress, if their user has set a longer time;
MOST_REQUESTS = 0.75
# the clean-up of cancelled requests;
CANCELLED_REQUESTS = 0.8
# the end of the application: its lifespan, its clean-up functions;
APPLICATION = 0.9
# the server, which is then cancelled;
SERVER = 0.95
# a server that was cancelled. The rest is for the tasks of the loop.
CANCELLED_SERVER = 0.97

_logger = logging.getLogger("erlang.hosting")


@dataclass(frozen=True)
class Stop:
    """A stop that is under way."""

    begun: float  # by the loop's clock
    timeout: float  # seconds

    def seconds(self, share: float) -> float:
        """This share of the time, in seconds from the start of the stop."""
        return share * self.timeout

    def left(self, share: float) -> float:
        """Seconds until this share of the time has passed."""
        now = asyncio.get_running_loop().time()
        return max(0.0, self.begun + self.seconds(share) - now)


class StopTime:
    """The time that one loop has."""

    def __init__(self, timeout: float) -> None:
        # Seconds.
        self.timeout = timeout
        self._stop: Stop | None = None

    def begin(self, timeout: float, since: float) -> None:
        """The running loop was told to stop at ``since``, in seconds of the system's clock.

        A busy loop learns of the stop late.
        """
        passed = min(max(0.0, time.time() - since), timeout)
        self._stop = Stop(asyncio.get_running_loop().time() - passed, timeout)

    def stop(self) -> Stop:
        """The stop that is under way, or one that begins now: something ends by itself."""
        return self._stop or Stop(asyncio.get_running_loop().time(), self.timeout)

    def limit(self) -> float | None:
        """Seconds for an end that nobody else limits: the loop ends by itself."""
        return self.timeout if self._stop is None else None


# The times of hosted loops, from before their main coroutines begin until they are closed.
of_loops: dict[asyncio.AbstractEventLoop, StopTime] = {}


def begin_stop() -> Stop | None:
    """The stop of the running loop, or one that begins now: something in it ends by itself.

    None for a loop that is not hosted: nobody ends it by force.
    """
    stop_time = of_loops.get(asyncio.get_running_loop())
    return None if stop_time is None else stop_time.stop()


def for_requests(stop: Stop | None, wanted: float | None) -> float | None:
    """Seconds for requests in progress. ``wanted`` is the user's own setting, if any."""
    if stop is None:
        return wanted
    if wanted is None:
        return stop.left(REQUESTS)
    return min(wanted, stop.left(MOST_REQUESTS))


def warn_of_long(option: str, wanted: float | None, times: int = 1) -> None:
    """Warns of a user's setting, in seconds, that leaves no time for the later steps."""
    stop_time = of_loops.get(asyncio.get_running_loop())
    if stop_time is None or wanted is None:
        return
    most = MOST_REQUESTS * stop_time.timeout
    if wanted * times > most:
        _logger.warning(
            "%s=%g leaves no time to end the application within the loop's stop_timeout "
            "of %g seconds, so a stop waits %g seconds for requests in progress; "
            "lower %s or raise stop_timeout",
            option,
            wanted,
            stop_time.timeout,
            most / times,
            option,
        )


def left(stop: Stop | None, share: float) -> float | None:
    """Seconds until this share of the time has passed; None for no limit."""
    return None if stop is None else stop.left(share)
