# SPDX-License-Identifier: Apache-2.0
"""The subjects of the measurements: one file each, with some of three functions.

``call(value)`` blocks, ``one(value)`` is awaited, ``gather(values)`` awaits many at once. All of
them return the double, so that a workload can check every subject.
"""
