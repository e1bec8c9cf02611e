// An SPI flash at the pins of a chip: it rests, as the configuration of an FPGA leaves it, wakes by AB and is read by 03.
// From 1 MiB on it has the bytes of a file; the rest is erased.
#pragma once
#include <cstdint>
#include <cstdio>
#include <vector>

// A macro's value as a string.
#define TEXT_OF(value) #value
#define TEXT(value) TEXT_OF(value)

class Flash {
  std::vector<uint8_t> bytes;
  uint32_t wakes_in, command = 0, bits = 0;
  int64_t sleeps = -1; // clocks until it is awake, once it was told
  bool cs_before = true, sck_before = false, shows = true;

public:
  // 30 microseconds to wake up are those of the slowest.
  Flash(const char *path, uint32_t kilohertz) : wakes_in(30 * kilohertz / 1000 + 1) {
    FILE *file = fopen(path, "rb");
    for (int byte; file && (byte = getc(file)) != EOF;) bytes.push_back(byte);
    if (file) fclose(file);
  }

  // One clock with these pins; the bit that it shows.
  bool step(bool cs_n, bool sck, bool mosi) {
    if (sleeps > 0) sleeps--;
    if (cs_n && !cs_before && bits == 8 && command == 0xab && sleeps < 0) sleeps = wakes_in;
    if (!cs_n && cs_before) command = bits = 0, shows = true;
    if (!cs_n && !cs_before && sck && !sck_before) {
      if (bits < 32) command = command << 1 | mosi;
      if (++bits == 32 && sleeps != 0) command = 0; // it did not hear
    }
    if (!cs_n && !cs_before && !sck && sck_before && bits >= 32 && command >> 24 == 3) {
      uint32_t at = bits - 32, address = (command & 0xffffff) + at / 8 - (1 << 20);
      shows = (address < bytes.size() ? bytes[address] : 0xff) >> (7 - at % 8) & 1;
    }
    cs_before = cs_n, sck_before = sck;
    return shows;
  }
};
