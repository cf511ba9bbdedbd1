# SPDX-License-Identifier: Apache-2.0
"""A web service under an Erlang supervisor, with py_loop: it starts, crashes, restarts, stops."""

import hosted_service
import pytest
from conftest import Host
from hosted import Hosted


@pytest.fixture
def service(host: Host) -> Hosted:
    hosted_service.stopped.clear()
    return host("hosted_service", "main")


def test_it_serves_on_the_loop_that_was_asked_for(service: Hosted, loop_name: str) -> None:
    assert service.get("/loop") == loop_name


def test_its_lifespan_ends_with_its_supervisor(service: Hosted) -> None:
    assert not hosted_service.stopped.is_set()
    assert service.stop() == "shutdown"
    assert hosted_service.stopped.is_set()
    assert service.pid() is None
    service.await_refusal()


def test_it_is_restarted_when_it_crashes(service: Hosted) -> None:
    first = service.pid()
    service.get("/crash")
    service.await_restarted(first)
