"""Drives the accelerator as AXI4-Stream with the source and the sink of cocotbext-axi, pauses on both sides.

A monitor of its own holds the result's stream to the rules of the standard in every cycle.
`rows.json` beside the Verilog holds the bytes of rows and of the answers.
"""

import json
import random

import cocotb
from cocotb.clock import Clock
from cocotb.triggers import ClockCycles, First, ReadOnly, RisingEdge, with_timeout
from cocotbext.axi import AxiStreamBus, AxiStreamSink, AxiStreamSource


async def keep_the_rules(dut):
    """What is offered stays as it is until it is taken; nothing is offered after an edge with reset."""
    before = None
    while True:
        await RisingEdge(dut.aclk)
        ports = (dut.m_axis_tvalid, dut.m_axis_tlast, dut.m_axis_tdata, dut.s_axis_tready, dut.frame_error)
        for port in ports:
            assert port.value.is_resolvable, f"{port._name} is {port.value} behind the first edge"
        offered = tuple(int(port.value) for port in ports[:3])
        if before is not None:
            was, ready, runs = before
            assert runs or not offered[0], "m_axis_tvalid behind a reset"
            if runs and was[0] and not ready:
                assert offered == was, f"valid, last, data: {offered} after {was}, which was not taken"
        before = (offered, int(dut.m_axis_tready.value), int(dut.aresetn.value))


def pauses(seed, busy):
    """Whether to pause, cycle by cycle, the same for the same seed."""
    noise = random.Random(seed)
    while True:
        yield noise.random() >= busy


class Bench:
    """The accelerator between a source and a sink."""

    def __init__(self, dut, case):
        self.dut, self.case = dut, case
        reset = {"reset": dut.aresetn, "reset_active_level": False}
        self.source = AxiStreamSource(AxiStreamBus.from_prefix(dut, "s_axis"), dut.aclk, **reset)
        self.sink = AxiStreamSink(AxiStreamBus.from_prefix(dut, "m_axis"), dut.aclk, **reset)
        load = AxiStreamBus.from_prefix(dut, "s_axis_load") if case["image"] else None
        self.loader = AxiStreamSource(load, dut.aclk, **reset) if load else None
        if case["busy"] < 1.0:
            self.source.set_pause_generator(pauses(case["seed"], case["busy"]))
            self.sink.set_pause_generator(pauses(case["seed"] + 1, case["busy"]))

    async def reset(self, cycles=2):
        self.dut.aresetn.value = 0
        await ClockCycles(self.dut.aclk, cycles)
        self.dut.aresetn.value = 1
        await RisingEdge(self.dut.aclk)
        if self.loader:
            await self.load()

    async def load(self):
        """Fills the memories of weights, with an image whose last byte is wrong first."""
        image = bytes(self.case["image"])
        wrong = image[:-1] + bytes([image[-1] ^ 1])
        for bytes_sent, is_right in ((wrong, False), (image, True)):
            await self.loader.send(bytes_sent)
            await self.loader.wait()
            await ClockCycles(self.dut.aclk, 2)
            found = (bool(self.dut.loaded.value), bool(self.dut.load_error.value))
            assert found == (is_right, not is_right), f"loaded, load_error: {found} behind an image that is {is_right}"

    async def start(self):
        self.dut.aresetn.value = 0
        cocotb.start_soon(Clock(self.dut.aclk, 2, "ns").start())
        await RisingEdge(self.dut.aclk)
        cocotb.start_soon(keep_the_rules(self.dut))
        await self.reset()

    async def rows_give_their_answers(self):
        for row in self.case["rows"]:
            await self.source.send(bytes(row))
        for at, answer in enumerate(self.case["answers"]):
            frame = await with_timeout(self.sink.recv(), 2 * self.case["cycles"], "ns")
            assert bytes(frame.tdata) == bytes(answer), f"row {at}: {bytes(frame.tdata)} instead of {bytes(answer)}"
        await ClockCycles(self.dut.aclk, 20)
        assert self.sink.empty() and self.sink.idle(), "more than the answers"


def read_case():
    with open("rows.json") as file:
        return json.load(file)


@cocotb.test()
async def rows_give_their_answers(dut):
    bench = Bench(dut, read_case())
    await bench.start()
    await bench.rows_give_their_answers()
    assert not dut.frame_error.value, "frame_error without an error"


@cocotb.test()
async def a_reset_forgets_what_a_dead_host_has_begun(dut):
    case = read_case()
    bench = Bench(dut, case)
    await bench.start()
    # Half a frame, and the end of the host.
    await bench.source.send(bytes(case["rows"][0]))
    await ClockCycles(dut.aclk, len(case["rows"][0]) // 2)
    await bench.reset()
    await bench.rows_give_their_answers()
    assert not dut.frame_error.value, "reset leaves frame_error"


@cocotb.test()
async def a_short_frame_is_dropped_and_shown(dut):
    case = read_case()
    bench = Bench(dut, case)
    await bench.start()
    await bench.source.send(bytes(case["rows"][0][:-3]))
    shown = RisingEdge(dut.frame_error)
    assert await First(shown, ClockCycles(dut.aclk, case["cycles"])) is shown, "no frame_error"
    await bench.rows_give_their_answers()
    await ReadOnly()
    assert not dut.frame_error.value, "frame_error stays behind whole frames"
