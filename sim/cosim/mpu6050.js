// An MPU-6050 at I2C0 of an RP2040 in rp2040js, as far as a driver of its samples looks at it (RM-MPU-6000A).
const [SDA, SCL, I2C] = [4, 5, 3];
const ADDRESS = 0x68;
const [RATE, STATUS, DATA, POWER, WHO_AM_I] = [0x19, 0x3a, 0x3b, 0x6b, 0x75];

// Count `axis` of sample `number`: the test has the same.
function count(number, axis) {
  return (Math.imul(number * 6 + axis, 0x9e3779b1) >>> 12) & 0xffff;
}

module.exports = (mcu) => {
  const bus = mcu.i2c[0];
  const registers = new Uint8Array(128);
  const reset = () => {
    registers.fill(0);
    [registers[POWER], registers[WHO_AM_I]] = [0x40, ADDRESS]; // it sleeps
  };
  let [samples, since, at, isFirst] = [0, 0, 0, true];
  reset();

  // A new sample: its registers, and the bit that says so.
  function look() {
    const period = (1 + registers[RATE]) * 1e6; // of a thousand a second
    registers[STATUS] = Number(!(registers[POWER] & 0x40) && mcu.clock.nanos - since >= period);
    if (!registers[STATUS]) return;
    since = mcu.clock.nanos;
    // A temperature is between the two.
    [0, 1, 2, 6, 3, 4, 5].forEach((axis, place) => {
      const value = count(samples, axis);
      registers.set([value >> 8, value & 0xff], DATA + 2 * place);
    });
    samples++;
  }

  bus.onStart = () => bus.completeStart();
  bus.onStop = () => bus.completeStop();
  bus.onConnect = (address) => {
    if (mcu.gpio[SDA].functionSelect !== I2C || mcu.gpio[SCL].functionSelect !== I2C) throw new Error('I2C0 has no pins');
    isFirst = true;
    bus.completeConnect(address === ADDRESS);
  };
  bus.onWriteByte = (byte) => {
    if (isFirst) at = byte;
    else if (at === POWER && byte & 0x80) reset();
    else registers[at++] = byte;
    isFirst = false;
    bus.completeWrite(true);
  };
  bus.onReadByte = () => {
    if (at === STATUS) look();
    bus.completeRead(registers[at++]);
  };
};
