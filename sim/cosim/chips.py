"""Registers of microcontrollers, as far as the programs of `firmware/boards` wait for them.

A register keeps what is written to it. Described besides are those that a start waits for (clocks that are ready, resets
that are left, time that passes), one UART, which hears what is sent to it, one SPI and the pin of its chip select, as
the data sheets say: everything is ready at once.
"""

from collections import deque

WORD = 0xFFFFFFFF


class Chip:
    reset = {}

    def __init__(self, uc, outside):
        self.uc, self.outside, self.kept, self.received, self.time = uc, outside, dict(self.reset), deque(), 0
        self.heard = None

    def get(self, at):
        return self.kept.get(at, 0)

    def ready(self, at, pairs):
        """What is kept, with the second bit of each pair set where the first is."""
        value = self.get(at)
        return value | sum(1 << answer for on, answer in pairs if value >> on & 1)

    def read(self, at):
        return self.get(at)

    def write(self, at, value):
        self.kept[at] = value

    def exchange(self, byte):
        self.received.append(self.outside.exchange(byte & 0xFF))

    def pop(self):
        return self.received.popleft() if self.received else 0

    def hears(self):
        """Whether the UART has a byte."""
        if self.heard is None:
            self.heard = self.outside.hear()
        return self.heard is not None

    def take(self):
        heard, self.heard = self.heard, None
        return heard or 0

    def pin(self, value, high, low):
        """A register of which one bit sets the chip select, and another one clears it."""
        for bit, is_high in ((high, 1), (low, 0)):
            if bit is not None and value >> bit & 1:
                self.outside.select(is_high)


class Stm32f405(Chip):
    core = "UC_CPU_ARM_CORTEX_M4"
    memory = ((0x0800_0000, 1 << 20), (0x2000_0000, 128 << 10))
    registers = ((0x4000_0000, 0x80000), (0x4200_0000, 0x100_0000), (0xE000_0000, 0x100000))

    def read(self, at):
        match at:
            case 0x4002_3800:  # RCC: the chip's own oscillator runs
                return self.get(at) | 2
            case 0x4001_1000:  # USART1 sends, and has sent
                return 0xC0 | self.hears() << 5
            case 0x4001_1004:
                return self.take()
            case 0x4001_3008:  # SPI1 takes, and gives what came
                return 2 | bool(self.received)
            case 0x4001_300C:
                return self.pop()
            case 0xE000_E010:  # SysTick has reached its end
                return self.get(at) | 1 << 16
        return super().read(at)

    def write(self, at, value):
        if at >> 24 == 0x42:  # each bit of the registers once more, as a word
            bit, at = at >> 2 & 31, 0x4000_0000 | at >> 5 & 0x7_FFFC
            value = self.get(at) & ~(1 << bit) | (value & 1) << bit
        super().write(at, value)
        match at:
            case 0x4001_1004:
                self.outside.tell(bytes([value & 0xFF]))
            case 0x4001_300C:
                self.exchange(value)
            case 0x4002_0018:  # A4
                self.pin(value, 4, 20)


class Stm32h743(Chip):
    core = "UC_CPU_ARM_CORTEX_M7"
    memory = ((0x0800_0000, 2 << 20), (0x2400_0000, 512 << 10))
    registers = ((0x4000_0000, 0x30000), (0x5200_0000, 0x10000), (0x5800_0000, 0x30000), (0x5C00_0000, 0x10000),
                 (0xE000_0000, 0x100000))
    reset = {0x5802_4400: 1}  # on its own oscillator

    def read(self, at):
        match at:
            case 0x5802_4400:  # RCC: oscillators and PLLs that are on are ready
                return self.ready(at, [(0, 2), (7, 8), (12, 13), (16, 17), (24, 25), (26, 27), (28, 29)])
            case 0x5802_4474:
                return self.ready(at, [(0, 1)])
            case 0x5802_4410:  # the clock that is chosen is used
                return self.get(at) & 7 | (self.get(at) & 7) << 3
            case 0x5802_4804 | 0x5802_4818:  # PWR: the voltage is reached
                return self.kept.get(0x5802_4818, 0x4000) & 0xC000 | 0x2000
            case 0x5800_0420:  # SYSCFG: pins are compensated
                return self.ready(at, [(0, 8)])
            case 0x4000_481C:  # USART3 sends, and has sent
                return 0x60_00C0 | self.hears() << 5
            case 0x4000_4824:
                return self.take()
            case 0x4001_3014:  # SPI1 takes, and gives what came: or both at once
                return 7 if self.received else 2
            case 0x4001_3030:
                return self.pop()
            case 0xE000_E010:
                return self.get(at) | 1 << 16
        return super().read(at)

    def write(self, at, value):
        super().write(at, value)
        match at:
            case 0x4000_4828:
                self.outside.tell(bytes([value & 0xFF]))
            case 0x4001_3020:
                self.exchange(value)
            case 0x5802_0C18:  # D14
                self.pin(value, 14, 30)


class Nrf52840(Chip):
    core = "UC_CPU_ARM_CORTEX_M4"
    memory = ((0, 1 << 20), (0x2000_0000, 256 << 10))
    registers = ((0x4000_0000, 0x30000), (0x5000_0000, 0x1000), (0xE000_0000, 0x100000))

    def read(self, at):
        if at in (0x4000_0100, 0x4000_8140):  # the crystal runs; TIMER0 has reached its end
            return 1
        if at == 0x4000_2110 and self.get(0x4000_214C) and not self.get(at) and self.hears():
            to, length = self.get(0x4000_2534), 1  # UARTE0 keeps what came in RAM
            self.lent(to, length)
            self.uc.mem_write(to, bytes([self.take()]))
            self.kept |= {0x4000_253C: length, at: 1}
        return super().read(at)

    def write(self, at, value):
        super().write(at, value)
        match at:
            case 0x4000_2008 if value:  # UARTE0 sends what lies in RAM
                self.outside.tell(self.lent(self.get(0x4000_2544), self.get(0x4000_2548)))
                self.kept |= {0x4000_2120: 1, 0x4000_2150: 1}
            case 0x4000_2000 if value:
                self.kept[0x4000_214C] = 1
            case 0x4000_200C if value:
                self.kept[0x4000_2158] = 1
            case 0x4002_3010 if value:
                self.move()
            case 0x5000_0808:  # P1.12
                self.pin(value, 12, None)
            case 0x5000_080C:
                self.pin(value, None, 12)

    def lent(self, at, length):
        """Bytes that the chip may reach by itself: RAM alone."""
        start, size = self.memory[1]
        assert length == 0 or start <= at and at + length <= start + size, f"{length} bytes at {at:#x} are not in RAM"
        return bytes(self.uc.mem_read(at, length))

    def move(self):
        """SPIM2 sends from RAM, and keeps what comes there; the shorter one is filled up."""
        (to, room), (at, length) = [(self.get(base), self.get(base + 4)) for base in (0x4002_3534, 0x4002_3544)]
        sent = self.lent(at, length) + bytes([self.get(0x4002_35C0) & 0xFF]) * max(0, room - length)
        got = bytes(self.outside.exchange(byte) for byte in sent)
        self.lent(to, room)
        self.uc.mem_write(to, got[:room])
        self.kept |= {0x4002_353C: room, 0x4002_354C: length, 0x4002_3118: 1}


class Pico2(Chip):
    core = "UC_CPU_ARM_CORTEX_M33"
    memory = ((0x1000_0000, 4 << 20), (0x2000_0000, 520 << 10))
    registers = ((0x4000_0000, 0x200000), (0xD000_0000, 0x40000), (0xE000_0000, 0x100000))
    reset = {0x4002_0000: WORD}

    def read(self, at):
        match at:
            case 0x4002_0008:  # RESETS: what is not held has left
                return ~self.get(0x4002_0000) & WORD
            case 0x4004_8004 | 0x4005_0000 | 0x4005_8000:  # the crystal is stable, PLLs are locked
                return self.get(at) | 1 << 31
            case 0x4001_0038 | 0x4001_0044:  # CLOCKS: the one that is chosen is used
                return 1 << (self.get(at - 8) & 3)
            case 0x4007_0018:  # UART0 has sent
                return 0x80 | (not self.hears()) << 4
            case 0x4007_0000:
                return self.take()
            case 0x4008_000C:  # SPI0 has sent, takes, and gives what came
                return 3 | bool(self.received) << 2
            case 0x4008_0008:
                return self.pop()
            case 0x400B_0028 | 0x400B_000C:  # TIMER0: microseconds
                self.time += 7
                return self.time & WORD
        return super().read(at)

    def write(self, at, value):
        if 0x4000_0000 <= at < 0x5000_0000:  # the same register thrice more: flips, sets, clears
            alias, at = at >> 12 & 3, at & ~0x3000
            old = self.get(at)
            value = [value, old ^ value, old | value, old & ~value][alias]
        super().write(at, value)
        match at:
            case 0x4007_0000:
                self.outside.tell(bytes([value & 0xFF]))
            case 0x4008_0008:
                self.exchange(value)
            case 0xD000_0018:  # GP17
                self.pin(value, 17, None)
            case 0xD000_0020:
                self.pin(value, None, 17)


class Esp32c3(Chip):
    memory = ((0x3C00_0000, 4 << 20), (0x3FC8_0000, 384 << 10), (0x3FF0_0000, 128 << 10), (0x4038_0000, 384 << 10),
              (0x4200_0000, 4 << 20), (0x5000_0000, 8 << 10))
    registers = ((0x6000_0000, 0x100000),)
    rom = (0x4000_0000, 0x60000)
    stack = 0x3FCC_0000
    # What the ROM computes of two numbers of 64 bits.
    wide = {
        "__udivdi3": lambda a, b: a // b,
        "__umoddi3": lambda a, b: a % b,
        "__muldi3": lambda a, b: a * b,
        "__lshrdi3": lambda a, b: a >> (b & 63),
        "__ashldi3": lambda a, b: a << (b & 63),
    }

    @classmethod
    def call(cls, uc, name, given):
        """A function of the ROM; those that set what is not described here do nothing."""
        a, b, length, high = given
        match name:
            case "memcpy" | "memmove":
                uc.mem_write(a, bytes(uc.mem_read(b, length)))
                return a
            case "memset":
                uc.mem_write(a, bytes([b & 0xFF]) * length)
                return a
            case "memcmp" | "bcmp":
                one, other = bytes(uc.mem_read(a, length)), bytes(uc.mem_read(b, length))
                return (one > other) - (one < other)
        return cls.wide[name](a | b << 32, length | high << 32) if name in cls.wide else 0

    def read(self, at):
        match at:
            case 0x6002_3004:  # SYSTIMER: its value is there to be read
                return 1 << 29
            case 0x6002_3040:
                return self.time >> 32
            case 0x6002_3044:
                return self.time & WORD
            case 0x6001_F068:  # TIMG0: the slow clock has been measured
                return self.get(at) | 1 << 15
            case 0x6001_F06C:
                return 100 << 7
            case 0x6000_001C:  # UART0 has sent; bytes that came
                return self.hears()
            case 0x6000_0000:
                return self.take()
            case 0x6000_0080:  # UART0 uses what it was set to
                return 0
            case 0x6002_4000:  # SPI2 has moved what it should
                return self.get(at) & ~(3 << 23)
        return super().read(at)

    def write(self, at, value):
        super().write(at, value)
        match at:
            case 0x6000_0000:
                self.outside.tell(bytes([value & 0xFF]))
            case 0x6002_3004:
                self.time += 320
            case 0x6002_4000 if value >> 24 & 1:
                self.move()
            case 0x6000_4008:  # GPIO10
                self.pin(value, 10, None)
            case 0x6000_400C:
                self.pin(value, None, 10)

    def move(self):
        """Sends what lies in SPI2's sixteen words, if it should, and keeps what comes there."""
        count, user = (self.get(0x6002_401C) + 1) // 8, self.get(0x6002_4010)
        places = [(0x6002_4098 + at // 4 * 4, at % 4 * 8) for at in range(count)]
        sent = [self.get(at) >> shift & 0xFF if user >> 27 & 1 else 0 for at, shift in places]
        got = [self.outside.exchange(byte) for byte in sent]
        for (at, shift), byte in zip(places, got):
            self.kept[at] = self.get(at) & ~(0xFF << shift) | byte << shift


CHIPS = {
    "stm32f405": Stm32f405,
    "stm32h743": Stm32h743,
    "nrf52840": Nrf52840,
    "pico2": Pico2,
    "esp32c3": Esp32c3,
}
