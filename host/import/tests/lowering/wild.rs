//! Random models with what stands between sums and quantisers of one to eight bits: cuts, bends, curves, other steps;
//! and with results of one score, of a constant, of levels, or of signs.

use bitfab_compile::{CompileOptions, Rounded, compile_with};
use bitfab_import::{Attribute, ImportOptions, Imported, Prepared, Ranges, lower};
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

use crate::agreement;
use crate::random::Builder;

impl Builder {
    /// The file's own bytes, with or without a sign.
    pub fn own_bytes(&mut self) {
        let (zero, kind) = [(-128.0, "int8"), (128.0, "uint8"), (3.0, "int8")][self.rng.random_range(0..3)];
        let constants = vec![self.number(0.03), self.number(zero)];
        let attribute = ("zero_point_type", Attribute::Text(kind.into()));
        self.push("QuantizeLinear", constants.clone(), vec![attribute]);
        self.push("DequantizeLinear", constants, Vec::new());
    }

    /// A function of the sums, and a quantiser.
    pub fn wild_activation(&mut self) {
        let float = |name: &'static str, value: f64| (name, Attribute::Float(value));
        let kind = self.rng.random_range(0..12);
        let mut is_signed = false;
        match kind {
            0..4 => {
                let (low, high) = [(0.0, 6.0), (-1.0, 1.0), (0.0, 2.5), (-0.7, 3.1)][kind];
                let limits = vec![self.number(low), self.number(high)];
                self.push("Clip", limits, Vec::new());
                is_signed = low < 0.0;
            }
            4 => drop(self.push("LeakyRelu", Vec::new(), vec![float("alpha", 0.25)])),
            5 => drop(self.push("Tanh", Vec::new(), Vec::new())),
            6 => drop(self.push("Sigmoid", Vec::new(), Vec::new())),
            7 => drop(self.push("HardSigmoid", Vec::new(), vec![float("alpha", 0.2), float("beta", 0.5)])),
            8 => {
                // A coarser step, or a finer one, before the last.
                let scale = self.real(0.02, 0.3);
                self.quant(scale, 8.0, true, false);
                is_signed = true;
            }
            9 => drop(self.push("Softplus", Vec::new(), Vec::new())),
            10 => {
                let top = self.real(0.5, 4.0);
                let top = self.number(top);
                self.push("Relu", Vec::new(), Vec::new());
                self.push("Min", vec![top], Vec::new());
            }
            _ => drop(self.push("Relu", Vec::new(), Vec::new())),
        }
        is_signed |= [4, 5].contains(&kind);
        let bits = f64::from(self.rng.random_range(2..9));
        // Powers of two are steps of ties; others fill the bits, or leave some.
        let scale = match self.rng.random_range(0..3) {
            0 => 2f64.powi(self.rng.random_range(-7..1)),
            1 => 6.0 / (2f64.powf(bits) - 1.0),
            _ => self.real(0.005, 0.3),
        };
        self.quant(scale, bits, is_signed, false);
        (self.has_zero, self.step) = (true, None);
    }

    /// One score or several, with a constant of all, a scale of one sign or the other, and what may follow.
    pub fn wild_end(&mut self) {
        let count = self.rng.random_range(1..5);
        self.dense_to(count);
        if self.rng.random() {
            let scale = self.real(-1.0, 2.0);
            let scale = self.number(scale);
            self.push("Mul", vec![scale], Vec::new());
        }
        if self.rng.random() {
            let constant = self.real(-90.0, 90.0);
            let constant = self.number(constant);
            self.push("Add", vec![constant], Vec::new());
        }
        match self.rng.random_range(0..6) {
            0 => drop(self.push("Sigmoid", Vec::new(), Vec::new())),
            1 => {
                let (scale, bits) = (self.real(0.05, 3.0), f64::from(self.rng.random_range(2..9)));
                self.quant(scale, bits, true, false);
            }
            2 => {
                let scale = self.number(1.5);
                self.push("BipolarQuant", vec![scale], Vec::new());
            }
            3 => {
                let (scale, zero) = (self.real(0.02, 2.0), self.rng.random_range(-100..100));
                let constants = vec![self.number(scale), self.number(f64::from(zero))];
                let attribute = ("zero_point_type", Attribute::Text("int8".into()));
                self.push("QuantizeLinear", constants.clone(), vec![attribute]);
                self.push("DequantizeLinear", constants, Vec::new());
            }
            _ => {}
        }
        self.source.outputs = vec![self.last.clone()];
    }
}

/// What was seen.
#[derive(Debug, Default)]
struct Seen {
    models: usize,
    tensors: usize,
    neighbours: usize,
    cut: usize,
    one: usize,
    stated: usize,
    refused: usize,
    curved: usize,
    nearest: usize,
}

impl Seen {
    /// Judges one model; false if it is refused.
    fn judge(&mut self, imported: &Imported, seed: u64) -> bool {
        let compiled =
            compile_with(&imported.graph, &CompileOptions::default()).unwrap_or_else(|e| panic!("{seed}: {e}"));
        // What `import` refuses by the compiler's word.
        if compiled.rounded.iter().any(|one| matches!(one, Rounded::Levels { levels: 2.., .. })) {
            return false;
        }
        for one in &compiled.rounded {
            assert!(
                !matches!(one, Rounded::Levels { accumulators, of, .. } if accumulators > of),
                "seed {seed}: {one}"
            );
        }
        let found = agreement(imported, &compiled, seed);
        self.models += 1;
        self.tensors += found.tensors;
        self.neighbours += found.neighbours;
        self.cut += usize::from(imported.graph.nodes.iter().any(|node| node.name.ends_with(".cut")));
        let model = bitfab_format::Model::from_words(&compiled.words).expect("compile checked it");
        let is_one = model.output().shape.volume() == 1;
        self.one += usize::from(is_one);
        self.stated += usize::from(model.output_scale().is_some_and(|scale| scale.constant != 0));
        let says_class = imported.notes.iter().any(|note| note.contains("largest"));
        assert!(!(is_one && says_class), "seed {seed}: {:?}", imported.notes);
        true
    }

    /// The nearest model of one that is refused.
    fn nearest(&mut self, prepared: Prepared, seed: u64) {
        let mut rng = StdRng::seed_from_u64(seed);
        let mut ranges = Ranges::default();
        for _ in 0..8 {
            let row: Vec<u8> = (0..prepared.shape().elements()).map(|_| rng.random()).collect();
            ranges.see(&prepared.run(&row).expect("it runs"));
        }
        let Ok((imported, changes)) = prepared.nearest(&ranges) else { return };
        assert!(!changes.is_empty(), "seed {seed}");
        self.nearest += usize::from(self.judge(&imported, seed));
    }
}

#[test]
fn wild_models_are_exact_or_a_level_beside_or_refused() {
    let mut seen = Seen::default();
    for seed in 0..1500 {
        let (source, input) = crate::random::wild(seed);
        let prepared =
            Prepared::new(source.clone(), &ImportOptions { input }).unwrap_or_else(|e| panic!("{seed}: {e}"));
        match lower(source, &ImportOptions { input }) {
            Ok(imported) => seen.refused += usize::from(!seen.judge(&imported, seed)),
            Err(error) => {
                seen.refused += 1;
                seen.curved += usize::from(error.to_string().contains("no straight line"));
                if seed % 3 == 0 {
                    seen.nearest(prepared, seed);
                }
            }
        }
    }
    println!("{seen:?}");
    assert!(seen.models > 700 && seen.tensors > 5000, "{seen:?}");
    assert!(seen.cut > 50 && seen.one > 100 && seen.stated > 100, "{seen:?}");
    assert!(seen.curved > 50 && seen.nearest > 30, "{seen:?}");
}
