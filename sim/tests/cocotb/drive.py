"""Drives the accelerator as an engineer would from cocotb: rows in, scores out, pauses on both streams.

`rows.json` beside the Verilog holds the bytes of rows and of the answers, in the order of the streams.
"""

import json
import random

import cocotb
from cocotb.triggers import FallingEdge, ReadOnly, RisingEdge, Timer


async def clock(dut, cycles):
    """One edge a nanosecond; an accelerator that never answers ends the test in words."""
    for _ in range(cycles):
        dut.clock.value = 0
        await Timer(1, "ns")
        dut.clock.value = 1
        await Timer(1, "ns")
    raise AssertionError(f"no end after {cycles} cycles")


@cocotb.test()
async def rows_give_their_answers(dut):
    with open("rows.json") as file:
        case = json.load(file)
    pauses = random.Random(case["seed"])
    given, expected, found = case["input"], case["output"], []
    dut.in_valid.value, dut.in_data.value, dut.out_ready.value = 0, 0, 0
    ticking = cocotb.start_soon(clock(dut, case["cycles"]))
    sent = 0
    await RisingEdge(dut.clock)
    while len(found) < len(expected):
        await FallingEdge(dut.clock)
        offered = sent < len(given) and pauses.random() < case["busy"]
        ready = pauses.random() < case["busy"]
        dut.in_valid.value, dut.out_ready.value = int(offered), int(ready)
        dut.in_data.value = given[sent] if offered else pauses.randrange(256)
        await ReadOnly()
        for port in (dut.in_ready, dut.out_valid):
            assert port.value.is_resolvable, f"{port._name} is {port.value} behind the first edge"
        if offered and dut.in_ready.value:
            sent += 1
        if ready and dut.out_valid.value:
            found.append(int(dut.out_data.value))
    ticking.cancel()
    assert found == expected, f"{found[:20]}... instead of {expected[:20]}..."
