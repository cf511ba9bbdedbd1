# SPDX-License-Identifier: Apache-2.0
"""Run one workload inside a node: ``erlpy bench/workload.py [--quick] FILE NAME VARIANT``.

Write one line of JSON to FILE: the workload's own processes may use standard output.
"""

import argparse
import importlib
import json
import os
import platform
import resource
from pathlib import Path

import erlang


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("file", type=Path)
    parser.add_argument("name")
    parser.add_argument("variant")
    options = parser.parse_args()

    module = importlib.import_module(f"workloads.{options.name}")
    records = module.run(options.variant, options.quick)
    line = {
        "workload": options.name,
        "variant": options.variant,
        "quick": options.quick,
        "python": platform.python_version(),
        "otp": erlang.call("otp_release"),
        "processors": os.cpu_count(),
        "load": os.getloadavg()[0],
        # Kilobytes on Linux.
        "peak_rss_mib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
        "records": records,
    }
    with options.file.open("w") as file:
        file.write(json.dumps(line) + "\n")


if __name__ == "__main__":
    main()
