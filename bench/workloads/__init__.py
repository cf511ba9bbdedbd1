# SPDX-License-Identifier: Apache-2.0
"""What is measured: one file each, run inside a node of its own by ``bench/workload.py``.

Each has ``VARIANTS``, the ways it can be run, and ``run(variant, quick)``, which measures, checks
every result, and returns its records.
"""
