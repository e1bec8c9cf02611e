// The pins of a board's FPGA behind standard input and output: requests of eight bytes, answers of one.
//   'C', level: chip select; 'X', byte: a byte over SPI, mode 0; the answer is the byte that came back.
//   Then, both little-endian: half a period of SCK in clocks (u16), clocks that pass before (u32).
// With FLASH, a file, the board has a flash with its bytes from 1 MiB on, and a chip with a clock of KILOHERTZ.
#include "Vboard.h"
#include "verilated.h"
#include <cstdint>
#include <cstdio>
#ifdef FLASH
#include "flash.h"

static Flash flash(TEXT(FLASH), KILOHERTZ);
#endif

static Vboard *board;

static void pass(uint32_t clocks) {
  while (clocks--) {
    board->clk = 0;
#ifdef FLASH
    board->flash_miso = flash.step(board->flash_cs_n, board->flash_sck, board->flash_mosi);
#endif
    board->eval();
    board->clk = 1;
    board->eval();
  }
}

static uint8_t transfer(uint8_t out, uint32_t half) {
  uint8_t in = 0;
  for (int bit = 7; bit >= 0; bit--) {
    board->mosi = out >> bit & 1;
    pass(half);
    in = in << 1 | board->miso;
    board->sck = 1;
    pass(half);
    board->sck = 0;
  }
  return in;
}

int main() {
  board = new Vboard;
  board->cs_n = 1;
  uint8_t request[8];
  while (fread(request, sizeof request, 1, stdin) == 1) {
    uint32_t half = request[2] | request[3] << 8;
    pass(request[4] | request[5] << 8 | request[6] << 16 | (uint32_t)request[7] << 24);
    if (request[0] == 'C') board->cs_n = request[1];
    int answer = request[0] == 'X' ? transfer(request[1], half) : 0;
    if (putchar(answer) == EOF || fflush(stdout) != 0) return 1;
  }
}
