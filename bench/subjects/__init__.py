# SPDX-License-Identifier: Apache-2.0
"""Who is measured: one file each, with those of three functions that make sense for it.

``call(value)`` blocks, ``one(value)`` is awaited, ``gather(values)`` awaits many at once. All of
them answer with the double, so that a workload can check whoever it measures.
"""
