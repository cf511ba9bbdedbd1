# SPDX-License-Identifier: Apache-2.0
"""Browsers let any page open WebSockets to this machine; ours answer pages from this host only."""

from collections.abc import Mapping
from urllib.parse import urlsplit


def from_this_host(headers: Mapping[str, str]) -> bool:
    """Whether the request comes from a page of the host it was sent to, or from no page at all."""
    origin = headers.get("Origin")
    if origin is None:  # not a browser
        return True
    return urlsplit(origin).hostname == urlsplit(f"//{headers.get('Host', '')}").hostname
