//! What a board shows without words.

use embedded_hal::delay::DelayNs;
use embedded_hal::digital::OutputPin;

/// Blinks for ever: once a second if all is well, else five times a second.
pub fn blink(led: &mut impl OutputPin, delay: &mut impl DelayNs, is_well: bool) -> ! {
    let pause = if is_well { 500 } else { 100 };
    loop {
        // Where the pin fails, there is nothing to tell it by.
        let _ = led.set_high();
        delay.delay_ms(pause);
        let _ = led.set_low();
        delay.delay_ms(pause);
    }
}

/// Does nothing for ever: without clocks or a UART nothing can be told.
pub fn halt() -> ! {
    loop {
        core::hint::spin_loop();
    }
}
