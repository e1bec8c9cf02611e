//! Prints the Verilog of a chip: `cargo run --release -p bitfab-hdl --example link -- MODEL spi|uart`.

use bitfab_format::Model;
use bitfab_hdl::{Link, Memories, Options, Style, Wire, chip};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [file, wire] = arguments.as_slice() else { return Err("MODEL and spi or uart".into()) };
    let bytes = std::fs::read(file)?;
    let words: Vec<u32> = bytes.chunks_exact(4).map(|word| u32::from_le_bytes(word.try_into().unwrap())).collect();
    let model = Model::from_words(&words)?;
    let wire = if wire == "spi" { Wire::Spi } else { Wire::Uart { divisor: 104 } };
    let style = Style { memories: Memories::Inline, ..Style::default() };
    print!("{}", chip(&model, &Options::default(), &Link { wire, kilohertz: 12_000 }, &style)?.text);
    Ok(())
}
