# SPDX-License-Identifier: Apache-2.0
"""Print a port that is free on 127.0.0.1 together with the next port."""

import socket

while True:
    with socket.socket() as one, socket.socket() as next_one:
        one.bind(("127.0.0.1", 0))
        port = one.getsockname()[1]
        try:
            next_one.bind(("127.0.0.1", port + 1))
        except (OSError, OverflowError):
            continue
        print(port)
        break
