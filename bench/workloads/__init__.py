# SPDX-License-Identifier: Apache-2.0
"""The workloads: one file each, run inside a separate node by ``bench/workload.py``.

Each has ``run(variant, quick)``, which measures one of the variants in ``plan.py``, checks
every result, and returns its records.
"""
