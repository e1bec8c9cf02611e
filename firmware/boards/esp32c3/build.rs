//! Puts the model of `BITFAB_MODEL`, or this one, into the program with its self-test, and links it.

fn main() -> Result<(), Box<dyn std::error::Error>> {
    bitfab_selftest::build::self_test("esp32c3", "../../../tests/vectors/chain_of_2.bfab")?;
    bitfab_selftest::build::link(&["linkall.x"])
}
