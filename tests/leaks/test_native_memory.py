# SPDX-License-Identifier: Apache-2.0
"""The native memory that earlier tests in the same node have lost.

This test needs the AddressSanitizer of `./dev test --sanitize address`, which includes
LeakSanitizer.
"""

import ctypes
import gc


def test_no_native_memory_is_lost() -> None:
    gc.collect()
    # The reports of LeakSanitizer have the details, and fail the run as well.
    assert ctypes.CDLL(None).__lsan_do_recoverable_leak_check() == 0
