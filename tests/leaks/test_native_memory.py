# SPDX-License-Identifier: Apache-2.0
"""What the tests before this one, in the same node, have lost of native memory.

It needs the AddressSanitizer of `./dev test --sanitize address`, which has LeakSanitizer in it.
"""

import ctypes
import gc


def test_no_native_memory_is_lost() -> None:
    gc.collect()
    # What was found stands in the reports, which fail the run as well.
    assert ctypes.CDLL(None).__lsan_do_recoverable_leak_check() == 0
