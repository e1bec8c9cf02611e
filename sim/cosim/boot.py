"""Boots the image of a microcontroller board on a core of Unicorn, among the registers of `chips.py`.

    boot.py CHIP ELF [asked]

What its UART sends goes to standard error. What it does at SPI goes to standard output, one byte of what happens (0: the
chip select goes low, 1: it goes high, 2: a byte is exchanged, which follows), and the byte that comes back is read from
standard input. The program ends behind the line that tells the link, well or not, or after LIMIT seconds; one that is
`asked` hears at its UART what is written to the terminal that the first line of standard error names, and ends later.
"""

import os
import struct
import sys
import tty
from pathlib import Path

from unicorn import UC_ARCH_ARM, UC_ARCH_RISCV, UC_HOOK_CODE, UC_HOOK_INTR, UC_MODE_MCLASS, UC_MODE_RISCV32
from unicorn import UC_MODE_THUMB, Uc, arm_const, riscv_const

from chips import CHIPS

LIMIT = 120
RETURN = bytes.fromhex("67800000")
NOTHING = bytes.fromhex("13000000")
PMPCFG = range(0x3A0, 0x3A4)
ILLEGAL, SYSTEM = 2, 0x73
CODE = 0x4000_0000  # above it an ESP32-C3 sees instructions


class Outside:
    """What is around a chip: whoever reads its UART, and who is at its SPI."""

    def __init__(self, uc, is_asked):
        self.uc, self.line, self.terminal, self.is_over = uc, b"", None, False
        if is_asked:
            self.terminal, other = os.openpty()  # `other` stays open, so that nobody hangs up
            tty.setraw(other)
            os.set_blocking(self.terminal, False)
            print(os.ttyname(other), file=sys.stderr, flush=True)

    def hear(self):
        """The byte that was sent to the UART, if one was."""
        try:
            return os.read(self.terminal, 1)[0] if self.terminal is not None else None
        except BlockingIOError:
            return None

    def tell(self, data):
        if self.terminal is not None and self.is_over:
            os.write(self.terminal, data)
            return
        sys.stderr.buffer.write(data)
        sys.stderr.buffer.flush()
        *whole, self.line = (self.line + data).split(b"\n")
        if any(line.startswith(b"link: ") or line.startswith(b"link ok") for line in whole):
            self.is_over = True
            if self.terminal is None:
                self.uc.emu_stop()

    def select(self, is_high):
        sys.stdout.buffer.write(bytes([is_high]))
        sys.stdout.buffer.flush()

    def exchange(self, byte):
        sys.stdout.buffer.write(bytes([2, byte]))
        sys.stdout.buffer.flush()
        return sys.stdin.buffer.read(1)[0]


def segments(elf):
    """What is loaded, by the address at which it is seen."""
    (headers,) = struct.unpack_from("<I", elf, 28)
    size, count = struct.unpack_from("<HH", elf, 42)
    for at in range(headers, headers + size * count, size):
        kind, offset, address, _, length = struct.unpack_from("<5I", elf, at)
        if kind == 1:
            yield address, elf[offset : offset + length]


def symbols(elf, first, last):
    """The names that a linker's script gives to addresses."""
    (headers,) = struct.unpack_from("<I", elf, 32)
    size, count = struct.unpack_from("<HH", elf, 46)
    sections = [struct.unpack_from("<10I", elf, headers + index * size) for index in range(count)]
    table = next(section for section in sections if section[1] == 2)
    names = sections[table[6]][4]
    for at in range(table[4], table[4] + table[5], 16):
        name, address = struct.unpack_from("<II", elf, at)
        if first <= address < last:
            yield address, elf[names + name : elf.index(b"\0", names + name)].decode()


def arm(chip_class, elf):
    """A Cortex-M as it leaves reset."""
    uc = Uc(UC_ARCH_ARM, UC_MODE_THUMB | UC_MODE_MCLASS)
    uc.ctl_set_cpu_model(getattr(arm_const, chip_class.core))
    load(uc, chip_class, elf)
    stack, reset = struct.unpack("<II", uc.mem_read(chip_class.memory[0][0], 8))
    uc.reg_write(arm_const.UC_ARM_REG_SP, stack)
    return uc, reset


def riscv(chip_class, elf):
    """An ESP32-C3 as its second-stage boot loader leaves it; its ROM in Python."""
    uc = Uc(UC_ARCH_RISCV, UC_MODE_RISCV32)
    load(uc, chip_class, elf)
    unprotect(uc, elf)
    first, size = chip_class.rom
    uc.mem_map(first, size)
    uc.mem_write(first, RETURN * (size // 4))
    names = dict(reversed(list(symbols(elf, first, first + size))))  # the first of several names
    register = lambda number: riscv_const.UC_RISCV_REG_X0 + number

    def rom(uc, at, _size, _data):
        given = [uc.reg_read(register(number)) for number in range(10, 14)]
        result = chip_class.call(uc, names.get(at, ""), given)
        uc.reg_write(register(10), result & 0xFFFFFFFF)
        uc.reg_write(register(11), result >> 32 & 0xFFFFFFFF)

    def trap(uc, cause, _data):
        # Registers of Espressif's own that count cycles and watch the stack read as 0.
        at = uc.reg_read(riscv_const.UC_RISCV_REG_PC)
        word = int.from_bytes(uc.mem_read(at, 4), "little")
        if cause != ILLEGAL or word & 0x7F != SYSTEM:
            raise SystemExit(f"trap {cause} at {at:#x}")
        if word >> 7 & 31:
            uc.reg_write(register(word >> 7 & 31), 0)
        uc.reg_write(riscv_const.UC_RISCV_REG_PC, at + 4)

    uc.hook_add(UC_HOOK_CODE, rom, begin=first, end=first + size - 1)
    uc.hook_add(UC_HOOK_INTR, trap)
    (entry,) = struct.unpack_from("<I", elf, 24)
    uc.reg_write(riscv_const.UC_RISCV_REG_SP, chip_class.stack)
    return uc, entry


def unprotect(uc, elf):
    """Leaves memory unprotected: QEMU, from which the core is, refuses a page of which a part is protected otherwise.

    Whatever accesses the registers of the protection does nothing.
    """
    for address, data in segments(elf):
        for at in range(0, len(data) - 3, 2) if address >= CODE else ():
            word = int.from_bytes(data[at : at + 4], "little")
            if word & 0x7F == SYSTEM and word >> 12 & 3 and word >> 20 in PMPCFG:
                uc.mem_write(address + at, NOTHING)


def load(uc, chip_class, elf):
    for at, size in chip_class.memory:
        uc.mem_map(at, size)
    for address, data in segments(elf):
        uc.mem_write(address, data)


def main():
    _, name, path, *asked = sys.argv
    chip_class, elf = CHIPS[name], Path(path).read_bytes()
    uc, start = (arm if hasattr(chip_class, "core") else riscv)(chip_class, elf)
    chip = chip_class(uc, Outside(uc, bool(asked)))
    for at, size in chip_class.registers:
        read = lambda _uc, offset, _size, base: chip.read(base + offset)
        write = lambda _uc, offset, _size, value, base: chip.write(base + offset, value)
        uc.mmio_map(at, size, read, at, write, at)
    uc.emu_start(start, 0, timeout=LIMIT * 1_000_000)


if __name__ == "__main__":
    main()
