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


def frame(row):
    """Bytes and marks of a row."""
    return [(byte, at + 1 == len(row)) for at, byte in enumerate(row)]


class Host:
    """Sends bytes and takes results, with pauses on both sides."""

    def __init__(self, dut, case):
        self.dut, self.case, self.pauses = dut, case, random.Random(case["seed"])
        self.found, self.errors = [], 0

    async def cycle(self, byte=None, reset=0):
        """One cycle; whether the byte was taken."""
        dut, busy = self.dut, self.case["busy"]
        await FallingEdge(dut.clock)
        offered = byte is not None and self.pauses.random() < busy
        ready = not reset and self.pauses.random() < busy
        dut.reset.value, dut.in_valid.value, dut.out_ready.value = reset, int(offered), int(ready)
        dut.in_data.value = byte[0] if offered else self.pauses.randrange(256)
        dut.in_last.value = int(byte[1]) if offered else self.pauses.randrange(2)
        await ReadOnly()
        for port in (dut.in_ready, dut.out_valid, dut.frame_error):
            assert port.value.is_resolvable, f"{port._name} is {port.value} behind the first edge"
        self.errors += int(dut.frame_error.value)
        if ready and dut.out_valid.value:
            self.found.append((int(dut.out_data.value), bool(dut.out_last.value)))
        return offered and bool(dut.in_ready.value)

    async def send(self, stream):
        for byte in stream:
            while not await self.cycle(byte):
                pass

    async def receive(self, count):
        while len(self.found) < count:
            await self.cycle()

    async def start(self):
        dut = self.dut
        dut.reset.value, dut.in_valid.value, dut.out_ready.value = 0, 0, 0
        dut.in_data.value, dut.in_last.value = 0, 0
        ticking = cocotb.start_soon(clock(dut, self.case["cycles"]))
        await RisingEdge(dut.clock)
        return ticking


def read_case():
    with open("rows.json") as file:
        return json.load(file)


def check(host, case):
    expected = [byte for answer in case["answers"] for byte in frame(answer)]
    assert host.found == expected, f"{host.found[:20]}... instead of {expected[:20]}..."


@cocotb.test()
async def rows_give_their_answers(dut):
    case = read_case()
    host = Host(dut, case)
    ticking = await host.start()
    await host.send([byte for row in case["rows"] for byte in frame(row)])
    await host.receive(sum(map(len, case["answers"])))
    ticking.cancel()
    check(host, case)
    assert host.errors == 0, "frame_error without an error"


@cocotb.test()
async def a_new_host_resets_what_a_dead_one_has_begun(dut):
    case = read_case()
    host = Host(dut, case)
    ticking = await host.start()
    await host.send([(byte, False) for byte in case["rows"][0][:-3]])
    await host.cycle(reset=1)
    host.found.clear()
    await host.send([byte for row in case["rows"] for byte in frame(row)])
    await host.receive(sum(map(len, case["answers"])))
    ticking.cancel()
    check(host, case)
    assert host.errors == 0, "reset leaves frame_error"


@cocotb.test()
async def without_a_reset_the_broken_frame_is_shown_and_dropped(dut):
    case = read_case()
    host = Host(dut, case)
    ticking = await host.start()
    await host.cycle(reset=1)
    first, *others = case["rows"]
    await host.send([(byte, False) for byte in first[:-3]])
    # The first frame of the new host ends too late for the old one: both are lost, and that is seen.
    await host.send(frame(first))
    await host.cycle()
    assert host.errors > 0, "no frame_error"
    await host.send([byte for row in [first, *others] for byte in frame(row)])
    await host.receive(sum(map(len, case["answers"])))
    assert not dut.frame_error.value, "frame_error stays behind whole frames"
    ticking.cancel()
    check(host, case)
