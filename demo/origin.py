# SPDX-License-Identifier: Apache-2.0
"""Browsers let any page open WebSockets to this machine; these answer pages of this host only."""

from collections.abc import Mapping
from urllib.parse import urlsplit


def from_this_host(headers: Mapping[str, str]) -> bool:
    """Return whether the request comes from a page of the requested host, or from no page."""
    origin = headers.get("Origin")
    if origin is None:  # not a browser
        return True
    return urlsplit(origin).hostname == urlsplit(f"//{headers.get('Host', '')}").hostname
