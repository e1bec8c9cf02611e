// The pins of a chip behind standard input and output: requests of four bytes, answers of a length and so many bytes.
//   'T': clocks pass (u16). 'R': so many with reset.
//   SPI:  'C', level: chip select. 'X', byte, half a period of SCK in clocks: a byte, mode 0, and what came back.
//         'B', so many bits, half a period: bits that are no byte.
//   UART: 'P', byte: it goes out, with a wrong stop bit where the u16 is not 0. What came in answers 'T'.
//         'B', eighths of a bit: the line is low so long. 'S', percent: the host is so much slower from now on.
#include "Vchip.h"
#include "verilated.h"
#include <cstdint>
#include <cstdio>
#include <deque>
#ifdef FLASH
#include "flash.h"

static Flash flash(TEXT(FLASH), KILOHERTZ);
#endif

static Vchip *chip;
static std::deque<uint8_t> came;

#ifdef DIVISOR
static std::deque<bool> goes;

// Samples tx in the middle of its bits.
static void sample() {
  static int left = -1, bits, byte;
  if (left < 0 && !chip->tx) left = DIVISOR / 2, bits = 0;
  if (left < 0 || left-- > 0) return;
  left = DIVISOR - 1;
  if (bits == 0 && chip->tx) left = -1; // no start bit
  else if (bits == 9) {
    if (chip->tx) came.push_back(byte);
    left = -1;
  } else if (bits > 0) byte = byte >> 1 | (chip->tx ? 128 : 0);
  bits++;
}
#endif

static void pass(uint32_t clocks) {
  while (clocks--) {
#ifdef DIVISOR
    chip->rx = goes.empty() || goes.front();
    if (!goes.empty()) goes.pop_front();
#endif
    chip->clock = 0;
#ifdef FLASH
    chip->flash_miso = flash.step(chip->flash_cs_n, chip->flash_sck, chip->flash_mosi);
#endif
    chip->eval();
#ifdef DIVISOR
    sample();
#endif
    chip->clock = 1;
    chip->eval();
  }
}

#ifdef DIVISOR
static int percent, hundredths; // how much slower the host is, and what it owes

static void bit(bool level) {
  hundredths += DIVISOR * percent;
  int more = hundredths / 100;
  hundredths -= 100 * more;
  goes.insert(goes.end(), DIVISOR + more, level);
}

static void request(uint8_t what, uint8_t byte, uint16_t number) {
  if (what == 'B') {
    goes.insert(goes.end(), (byte * DIVISOR + 7) / 8, false);
    bit(true);
  }
  if (what == 'S') percent = (int8_t)byte;
  if (what != 'P') return;
  bit(false);
  for (int at = 0; at < 8; at++) bit(byte >> at & 1);
  bit(number == 0);
  if (number != 0) bit(true); // a line that rests shows where the next byte begins
}
#else
static uint8_t transfer(uint8_t out, uint32_t half, int bits = 8) {
  uint8_t in = 0;
  for (int bit = bits - 1; bit >= 0; bit--) {
    chip->mosi = out >> bit & 1;
    pass(half);
    in = in << 1 | chip->miso;
    chip->sck = 1;
    pass(half);
    chip->sck = 0;
  }
  return in;
}

static void request(uint8_t what, uint8_t byte, uint16_t number) {
  if (what == 'C') {
    pass(2);
    chip->cs_n = byte;
    pass(8);
  }
  if (what == 'X') came.push_back(transfer(byte, number));
  if (what == 'B') transfer(0x5a, number, byte);
}
#endif

int main(int count, char **arguments) {
  Verilated::commandArgs(count, arguments);
  chip = new Vchip;
#ifndef DIVISOR
  chip->cs_n = 1;
#endif
  uint8_t asked[4];
  while (fread(asked, sizeof asked, 1, stdin) == 1) {
    uint16_t number = asked[2] | asked[3] << 8;
    if (asked[0] == 'R') chip->reset = 1;
    if (asked[0] == 'R' || asked[0] == 'T') pass(number);
    else request(asked[0], asked[1], number);
    chip->reset = 0;
    putchar(came.size());
    for (uint8_t byte : came) putchar(byte);
    came.clear();
    if (fflush(stdout) != 0) return 1;
  }
}
