//! What loads weights is in the Verilog of chips that need it alone.

use bitfab_format::arbitrary::{self, Random};
use bitfab_format::{Model, Op};
use bitfab_hdl::{Link, Options, Style, Weights, Wire, chip};

#[test]
fn a_chip_without_loaded_weights_has_no_reader_of_a_flash() {
    let words = arbitrary::draft(Op::Dense, &mut Random::new(1)).emit();
    let model = Model::from_words(&words).unwrap();
    for wire in [Wire::Spi, Wire::Uart { divisor: 9 }] {
        let link = Link { wire, kilohertz: 12_000, digests: true };
        let text = |weights| {
            let made = chip(&model, &Options::default().with_weights(weights), &link, &Style::default()).unwrap();
            assert_eq!(made.weights.is_some(), weights == Weights::Loaded);
            made.text
        };
        let found = |text: &str| ["flash", "load_valid", "has_weights"].map(|name| text.contains(name));
        assert_eq!(found(&text(Weights::Contents)), [false; 3]);
        assert_eq!(found(&text(Weights::Loaded)), [true; 3]);
    }
}
