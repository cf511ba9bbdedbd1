# SPDX-License-Identifier: Apache-2.0
"""What is measured: one file each, run inside a node of its own by ``bench/workload.py``.

Each has ``run(variant, quick)``, which measures one of the variants in ``plan.py``, checks
every result, and returns its records.
"""
