//! Mistakes in the description of a circuit panic where they are made, with words.

use std::panic::{AssertUnwindSafe, catch_unwind};

use bitfab_hdl::circuit::Builder;

/// What a description says when it panics.
fn complaint(describe: impl Fn(&Builder)) -> String {
    let hook = std::panic::take_hook();
    std::panic::set_hook(Box::new(|_| {}));
    let result = catch_unwind(AssertUnwindSafe(|| {
        let builder = Builder::new("A mistake.");
        describe(&builder);
        builder.finish();
    }));
    std::panic::set_hook(hook);
    let error = result.expect_err("the mistake was accepted");
    error.downcast_ref::<String>().cloned().or_else(|| error.downcast_ref::<&str>().map(|s| (*s).to_owned())).unwrap()
}

/// A mistake, and what is said about it.
type Mistake = (fn(&Builder), &'static str);

const MISTAKES: &[Mistake] = &[
    (|c| _ = c.input("a", 8) + c.input("b", 9), "a sum: 8 and 9 bits, `a`, `b`"),
    (|c| _ = c.input("a", 8).equals(c.constant(1, 4)), "a comparison: 8 and 4 bits, `a`"),
    (|c| _ = c.input("a", 8).is(256), "256 does not fit 8 bits"),
    (|c| _ = c.input("a", 2).mux(c.low(), c.low()), "a condition has 2 bits, not 1, `a`"),
    (|c| _ = c.high().mux(c.input("a", 3), c.input("b", 4)), "a choice: 3 and 4 bits"),
    (|c| _ = c.input("a", 8).bits(4, 5), "bits 4 to 9 of 8, `a`"),
    (|c| _ = c.input("a", 8).extend(7), "8 bits do not extend to 7"),
    (|c| _ = c.input("a", 2).repeat(3), "what is repeated has 2 bits"),
    (|c| _ = c.sum(&[c.input("a", 3), c.input("b", 3)], 3), "a sum of up to 14 does not fit 3 bits"),
    (|c| _ = c.select(c.input("a", 1), &[c.low(), c.high(), c.low()]), "1 bits do not tell 3 wires apart"),
    (|c| _ = c.table(c.input("a", 1), &[8], 3), "does not fit 3 bits"),
    (|c| _ = c.input("a", 129), "a value of 129 bits"),
    (|c| _ = c.input("a", 0), "a value of 0 bits"),
    (|c| _ = (c.input("a", 1), c.input("a", 1)), "two things are called `a`"),
    (|c| _ = c.input("wire", 1), "`wire` is no name for Verilog"),
    (|c| _ = c.input("a;b", 1), "`a;b` is no name for Verilog"),
    (|c| _ = c.input("clock", 1), "two things are called `clock`"),
    (|c| _ = c.input("n12", 1), "`n12` is no name for Verilog"),
    (|c| c.output("out", c.register("a", 1)), "nothing says what register `a` becomes"),
    (|c| c.next(c.register("a", 2), &[(c.high(), c.low())]), "what becomes of the register, `a` has 1 bits, not 2"),
    (|c| c.next(c.input("a", 1), &[]), "only registers have a next value, `a`"),
    (
        |c| {
            let a = c.register("a", 1);
            (0..2).for_each(|_| c.next(a, &[(c.high(), c.high())]));
        },
        "a register is described twice",
    ),
    (|c| _ = c.ram("m", "", 5, &[8]).read(c.input("a", 4)), "memory `m` has 3 address bits, not 4"),
    (|c| _ = c.ram("m", "", 0, &[8]), "memory `m` is empty"),
    (|c| _ = c.rom("m", "", &[4], vec![16]), "memory `m` holds 0x10 in 4 bits"),
    (|c| _ = c.rom("m", "", &[65], vec![1]), "over 64 bits"),
    (|c| c.ram("m", "", 2, &[8]).write(c.high(), c.low(), 0, c.high()), "what is written has 1 bits, not 8"),
];

#[test]
fn mistakes_are_refused_with_words() {
    for (at, (describe, expected)) in MISTAKES.iter().enumerate() {
        let said = complaint(describe);
        assert!(said.contains(expected), "mistake {at} should say `{expected}`, not `{said}`");
    }
}

#[test]
fn what_no_output_needs_and_what_is_constant_leaves_no_trace() {
    let c = Builder::new("Little is left.");
    let (a, unused) = (c.input("a", 4), c.register("unused", 4));
    c.next(unused, &[(c.high(), unused.next())]);
    let constant = c.counter("constant", 0);
    c.next(constant, &[(c.high(), constant)]);
    let chosen = constant.is(0).mux(a & c.constant(15, 4), unused).named("chosen");
    c.output("out", chosen + c.constant(0, 4));
    assert_eq!(c.finish().verilog(), "// Little is left.\nassign out = a;\n");
}
