"""Builds engine.v of a folder in Icarus as cocotb does, in SystemVerilog, and runs a bench on it: python run.py FOLDER BENCH."""

import os
import sys

from cocotb_tools.check_results import get_results
from cocotb_tools.runner import get_runner

here, (folder, bench) = os.path.dirname(os.path.abspath(__file__)), sys.argv[1:]
icarus = get_runner("icarus")
icarus.build(sources=[f"{folder}/engine.v"], hdl_toplevel="bitfab", build_dir=f"{folder}/build", timescale=("1ns", "1ps"))
results = icarus.test(
    hdl_toplevel="bitfab", test_module=bench, build_dir=f"{folder}/build", test_dir=folder, extra_env={"PYTHONPATH": here}
)
tests, failures = get_results(results)
print(f"cocotb: {tests} tests, {failures} failures")
sys.exit(0 if tests == 3 and failures == 0 else 1)
