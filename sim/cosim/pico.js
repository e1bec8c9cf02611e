// A Raspberry Pi Pico from the file that is dropped on it, in rp2040js, with an FPGA at its pins.
//   node pico.js FILE.uf2 [KHZ | sensor]
// The FPGA, whose clock has so many kHz, is a program behind standard input and output (fpga.cpp); what the Pico says on
// UART0 goes to standard error. Ends when the LED is first switched, without an FPGA also when one is asked, or when nothing
// was said in five seconds of the board, without an FPGA in a minute: a self-test tells something every 25 rows.
// With a `sensor`, an MPU-6050 at I2C0 (mpu6050.js), nothing answers at SPI0, and four words of a class end it.
const fs = require('node:fs');
const { GPIOPinState, RP2040 } = require('rp2040js');

const FLASH = 0x10000000;
const BOOT2 = 0x20041f00; // where the boot ROM copies the second stage
const SPI = 1; // the function of a pin
const [MISO, CS, SCK, MOSI, LED] = [16, 17, 18, 19, 25];

const uf2 = fs.readFileSync(process.argv[2]);
const hasSensor = process.argv[3] === 'sensor';
const isAlone = process.argv.length < 4;
const hasFpga = !isAlone && !hasSensor;
const clocksPerNano = Number(process.argv[3]) / 1e6;
let ends = false;
const mcu = new RP2040();
const say = (text) => fs.writeSync(2, text);
// The default writes to standard output.
mcu.logger = { debug() {}, info() {}, warn() {}, error: complain };
function complain(name, text) {
  say(`rp2040js: ${name}: ${text}\n`);
  process.exitCode = 1; // what it emulates wrongly proves nothing
}

for (let at = 0; at < uf2.length; at += 512) {
  const [address, bytes] = [uf2.readUInt32LE(at + 12), uf2.readUInt32LE(at + 16)];
  mcu.flash.set(uf2.subarray(at + 32, at + 32 + bytes), address - FLASH);
}
// The stand-in for the boot ROM: it runs the first 256 bytes of flash in RAM, and they do the rest.
mcu.sram.set(mcu.flash.subarray(0, 256), BOOT2 - 0x20000000);
[mcu.core.SP, mcu.core.LR, mcu.core.PC] = [BOOT2, 0, BOOT2];

// A request to the FPGA: what, its argument, half a period of SCK, clocks that pass before.
const [request, answer] = [Buffer.alloc(8), Buffer.alloc(1)];
let clocks = 0;
function ask(what, argument, half, takes) {
  const now = Math.max(clocks, Math.floor(mcu.clock.nanos * clocksPerNano));
  request.write(what);
  request.writeUInt8(argument, 1);
  request.writeUInt16LE(half, 2);
  request.writeUInt32LE(now - clocks, 4);
  clocks = now + takes;
  fs.writeSync(1, request);
  if (fs.readSync(0, answer) !== 1) throw new Error('the FPGA has gone');
  return answer[0];
}

if (hasFpga) mcu.gpio[CS].addListener((state) => ask('C', Number(state === GPIOPinState.High), 0, 0));

let received = 0;
const transferred = mcu.clock.createAlarm(() => mcu.spi[0].completeTransmit(received));
mcu.spi[0].onTransmit = (byte) => {
  if (isAlone) return void (ends = true);
  if (hasSensor) return void transferred.schedule(5000);
  // rp2040js connects no pins to SPI.
  const unwired = [MISO, SCK, MOSI].filter((pin) => mcu.gpio[pin].functionSelect !== SPI);
  if (unwired.length || mcu.spi[0].spiMode !== 0) throw new Error(`SPI0 is not at its pins (${unwired}) in mode 0`);
  const half = Math.round((clocksPerNano * 1e9) / mcu.spi[0].clockFrequency / 2);
  received = ask('X', byte, half, 16 * half);
  transferred.schedule(clocks / clocksPerNano - mcu.clock.nanos);
};

let heard = 0;
let said = '';
mcu.uart[0].onByte = (byte) => {
  heard = mcu.clock.nanos;
  said += String.fromCharCode(byte);
  say(String.fromCharCode(byte));
  if (hasSensor && byte === 10) ends = said.split('\nclass ').length > 4;
};
if (hasSensor) require('./mpu6050.js')(mcu);
else mcu.gpio[LED].addListener((state) => (ends ||= state === GPIOPinState.High));

const NANOS_PER_CYCLE = 8; // 125 MHz
const patience = hasFpga ? 5 : 60; // seconds
while (!ends && mcu.clock.nanos < heard + patience * 1e9) {
  if (mcu.core.PC < 0x4000) throw new Error('the boot ROM is called, of which there is none');
  if (mcu.core.waiting) mcu.clock.tick(mcu.clock.nanosToNextAlarm || 1000);
  else mcu.clock.tick(mcu.core.executeInstruction() * NANOS_PER_CYCLE);
}
if (!ends) {
  say(`no word in ${patience} seconds\n`);
  process.exitCode = 1;
}
