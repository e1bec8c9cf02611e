//! The model behind the UART that told how the board is, so that a laptop can ask it.

use bitfab_link::server::{Server, Slip};
use bitfab_runtime::Machine;
use embedded_hal::delay::DelayNs;
use embedded_hal::digital::OutputPin;

use crate::signs::Light;
use crate::{Health, SelfTest};

/// How long the UART is left alone where nothing comes: a byte takes 87 µs at 115,200 baud, and some chips keep only one.
const PAUSE_US: u32 = 20;
/// Pauses in a row before something else is done.
const WORK_AFTER: u32 = 50;

impl<const LAYERS: usize, const ARENA: usize, const WORDS: usize, const FRAME: usize>
    SelfTest<LAYERS, ARENA, WORDS, FRAME>
{
    /// Answers the link's protocol in software for ever, digests of every layer too, and lets the LED say how the board is;
    /// one that is ill answers nothing.
    ///
    /// `exchange` waits until the UART takes a byte, if it gets one, and gives the byte that came since, if one did. Bytes
    /// that come while a result is computed may be lost: whoever asks waits for the answer.
    pub fn serve(
        &self,
        health: Health,
        led: &mut impl OutputPin,
        delay: &mut impl DelayNs,
        exchange: impl FnMut(Option<u8>) -> Option<u8>,
    ) -> ! {
        self.answer::<0, _>(health, led, delay, exchange, |_, _| {})
    }

    /// As [`SelfTest::serve`]; does `work` with the engine about every millisecond while the UART asks nothing.
    pub(crate) fn answer<const BYTES: usize, X: FnMut(Option<u8>) -> Option<u8>>(
        &self,
        health: Health,
        led: &mut impl OutputPin,
        delay: &mut impl DelayNs,
        mut exchange: X,
        mut work: impl FnMut(&mut Machine<'_, ARENA, BYTES>, &mut X),
    ) -> ! {
        let mut light = Light::new(led, health);
        // What cannot be served, such as an input that the protocol cannot say, was told or is refused by the silence.
        if health != Health::Ill
            && let Ok(model) = self.model.model()
            && let Ok(machine) = Machine::<ARENA, BYTES>::new(model)
            && let (frame, digests) = (&mut [0; FRAME], &mut [0; LAYERS])
            && let Ok(server) = Server::new(machine, frame, digests)
        {
            let (mut slip, mut sent, mut idle) = (Slip::new(server), None, 0);
            loop {
                match exchange(sent) {
                    Some(byte) => {
                        slip.push(byte);
                        idle = 0;
                    }
                    None if idle == WORK_AFTER => {
                        work(slip.server.engine_mut(), &mut exchange);
                        idle = 0;
                    }
                    None if sent.is_none() => {
                        light.wait(delay, PAUSE_US);
                        idle += 1;
                    }
                    None => {}
                }
                sent = slip.pull();
            }
        }
        loop {
            light.wait(delay, PAUSE_US);
        }
    }
}
