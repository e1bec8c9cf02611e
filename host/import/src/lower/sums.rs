//! Sums of products: dense layers, convolutions, and additions of two tensors.

use bitfab_graph::{Op, PadValue};

use crate::cure::Cure;
use crate::grid::{self, Matrix};
use crate::layout::Layout;
use crate::lower::coded::{Code, Coded, Pending};
use crate::lower::lowering::{Fault, Lowering};
use crate::operators::{CONV, GEMM};
use crate::{Array, SourceNode};

/// A weighted node whose weights are known as real numbers.
struct Product {
    /// Weights, a row an output, in the order of the integers that are read.
    rows: Vec<Vec<f64>>,
    /// The channel of the integers that each weight of a row meets, for each output's group.
    channels: Vec<Vec<usize>>,
    /// What is added to each output.
    bias: Vec<f64>,
}

/// The integers of a product: the matrix, and the least and greatest sum of each output.
struct Sums {
    matrix: Matrix,
    low: Vec<i64>,
    high: Vec<i64>,
    scale: Vec<f64>,
    offset: Vec<f64>,
}

impl Lowering<'_> {
    pub fn dense(&mut self, index: usize, node: &SourceNode, variables: &[usize]) -> Result<(), Fault> {
        let name = node.inputs[0].clone();
        let weights = match (variables, self.constant(node.inputs.get(1).map_or("", String::as_str))) {
            ([0], Some(weights)) if weights.dims.len() == 2 => weights,
            ([0], Some(weights)) => {
                return Err(self.fault(index, format!("weights of sizes {:?}, needs two axes", weights.dims)));
            }
            _ => return Err(self.fault(index, "needs computed values first and constant weights second")),
        };
        let (rows, bias) = self.gemm(index, node, weights)?;
        let coded = self.plain(&name)?;
        let inputs = coded.layout.places.len();
        if rows.iter().any(|row| row.len() != inputs)
            || coded.layout.dims.last() != Some(&inputs)
            || node.int("transA") == Some(1)
        {
            let problem = format!(
                "reads sizes {:?}, the weights are for one row of {}",
                coded.layout.dims,
                rows.first().map_or(0, Vec::len)
            );
            return Err(self.fault(index, problem));
        }
        let outputs = rows.len();
        let sums = self.product(index, &coded, placed(&coded, &rows, bias))?;
        let shape = [outputs as u32, 1, 1, (inputs * coded.each) as u32];
        let mut layout = Layout::flat(vec![outputs]);
        layout.dims = coded.layout.dims.clone();
        *layout.dims.last_mut().expect("an axis") = outputs;
        let op = Op::Dense { weights: sums.matrix.weights(shape) };
        self.sum(node, &coded, op, sums, layout);
        Ok(())
    }

    /// Weights as rows of outputs, and the bias, of MatMul or Gemm.
    fn gemm(&self, index: usize, node: &SourceNode, weights: &Array) -> Result<(Vec<Vec<f64>>, Vec<f64>), Fault> {
        let is_gemm = node.op == GEMM.name;
        let is_rows = is_gemm && node.int("transB") == Some(1);
        let alpha = if is_gemm { node.float("alpha").unwrap_or(1.0) } else { 1.0 };
        let [first, second] = [weights.dims[0], weights.dims[1]];
        let (outputs, inputs) = if is_rows { (first, second) } else { (second, first) };
        let at = |o: usize, i: usize| weights.values[if is_rows { o * inputs + i } else { i * outputs + o }] * alpha;
        let rows = (0..outputs).map(|o| (0..inputs).map(|i| at(o, i)).collect()).collect();
        let beta = node.float("beta").unwrap_or(1.0);
        let bias = self.bias(index, node, outputs)?.into_iter().map(|bias| bias * beta).collect();
        Ok((rows, bias))
    }

    /// Input 2 of a node: one number, or one for each output; zeros if it is left out.
    fn bias(&self, index: usize, node: &SourceNode, outputs: usize) -> Result<Vec<f64>, Fault> {
        let Some(name) = node.inputs.get(2).filter(|name| !name.is_empty()) else { return Ok(vec![0.0; outputs]) };
        match self.constant(name) {
            Some(bias) if bias.values.len() == outputs => Ok(bias.values.clone()),
            Some(bias) if bias.values.len() == 1 => Ok(vec![bias.values[0]; outputs]),
            Some(bias) => {
                Err(self.fault(index, format!("a bias of {} values for {outputs} outputs", bias.values.len())))
            }
            None => Err(self.fault(index, format!("its bias `{name}` is computed, it must be a constant"))),
        }
    }

    pub fn conv(&mut self, index: usize, node: &SourceNode, variables: &[usize]) -> Result<(), Fault> {
        let name = node.inputs[0].clone();
        let weights = match (variables, self.constant(node.inputs.get(1).map_or("", String::as_str))) {
            ([0], Some(weights)) => weights.clone(),
            _ => return Err(self.fault(index, "needs computed values first and constant weights second")),
        };
        let coded = self.plain(&name)?;
        let (image, sizes) = self.image(index, &coded)?;
        let axes = sizes.len();
        let groups = node.int("group").unwrap_or(1).clamp(0, 1 << 20) as usize;
        let (inputs, outputs) = (coded.channels(), weights.dims.first().copied().unwrap_or(0));
        if weights.dims.len() != axes + 2
            || groups == 0
            || !inputs.is_multiple_of(groups)
            || !outputs.is_multiple_of(groups)
            || weights.dims[1] != inputs / groups
        {
            let problem = format!("weights of sizes {:?} in {groups} groups for {inputs} channels", weights.dims);
            return Err(self.fault(index, problem));
        }
        let kernel = weights.dims[2..].to_vec();
        let mut window = self.window(index, &kernel, &sizes)?;
        if window.has_padding() {
            window.pad_value = self.border(index, &coded)?;
        }
        let layout = self.slid(index, &window, &image, outputs as u32, axes)?;
        let product = self.filters(index, node, &coded, &weights, groups)?;
        let sums = self.product(index, &coded, product)?;
        let shape = [outputs, window.kernel[0] as usize, window.kernel[1] as usize, inputs / groups * coded.each];
        let weights = sums.matrix.weights(shape.map(|size| size as u32));
        self.sum(node, &coded, Op::Conv2d { weights, window, groups: groups as u32 }, sums, layout);
        Ok(())
    }

    /// Rows of a convolution in the order of the integers: taps, then channels of the group.
    fn filters(
        &self,
        index: usize,
        node: &SourceNode,
        coded: &Coded,
        weights: &Array,
        groups: usize,
    ) -> Result<Product, Fault> {
        let (outputs, depth, each) = (weights.dims[0], weights.dims[1], coded.each);
        let taps: usize = weights.dims[2..].iter().product();
        let row = |o: usize| {
            let at = |tap: usize, c: usize| weights.values[(o * depth + c / each) * taps + tap];
            (0..taps).flat_map(|tap| (0..depth * each).map(move |c| at(tap, c))).collect()
        };
        let group = |g: usize| (0..taps * depth * each).map(|at| g * depth * each + at % (depth * each)).collect();
        let bias = self.bias(index, node, outputs)?;
        Ok(Product { rows: (0..outputs).map(row).collect(), channels: (0..groups).map(group).collect(), bias })
    }

    /// The integer that stands for zero, as a border can hold it.
    fn border(&self, index: usize, coded: &Coded) -> Result<PadValue, Fault> {
        let channels = coded.channels();
        let zero = |channel: usize| {
            // Zero is where offset + sum of scale * integer vanishes with all integers equal.
            let sum: f64 = coded.scale[channel * coded.each..][..coded.each].iter().sum();
            let code = -coded.offset[channel] / sum;
            if (code - code.round()).abs() < 1e-9 { Some(code.round() as i64) } else { None }
        };
        let first = zero(0).filter(|first| (0..channels).all(|channel| zero(channel) == Some(*first)));
        let (low, high) = coded.code.range(0);
        match (&coded.code, first) {
            (_, Some(0)) => return Ok(PadValue::Zero),
            (Code::Signs { .. }, Some(-1)) => return Ok(PadValue::MinusOne),
            (Code::Signs { .. }, Some(1)) => return Ok(PadValue::PlusOne),
            (Code::Bytes { .. } | Code::Levels { .. }, Some(level)) if (low..=high).contains(&level) => {
                return Ok(PadValue::Level(level as i32));
            }
            _ => {}
        }
        let problem = "its border holds zeros, which none of its input's levels stands for (or not the same one in \
                       every channel); use a quantiser that has a zero, or no border";
        Err(self.curable(index, problem, self.one_scale(index)))
    }

    /// Integers of a product and what they are worth.
    fn product(&mut self, index: usize, coded: &Coded, product: Product) -> Result<Sums, Fault> {
        let Product { mut rows, channels, bias } = product;
        let uniform = coded.scale.iter().all(|scale| *scale == coded.scale[0]).then_some(coded.scale[0]);
        let outputs = rows.len();
        let group = |output: usize| &channels[output * channels.len() / outputs];
        let offset = |(output, row): (usize, &Vec<f64>)| {
            let terms = row.iter().zip(group(output)).enumerate();
            // Each source channel's offset counts once, at the first of its integers.
            let first = terms.filter(|(at, _)| at % coded.each == 0);
            bias[output] + first.map(|(_, (weight, &channel))| weight * coded.offset[channel / coded.each]).sum::<f64>()
        };
        let offset: Vec<f64> = rows.iter().enumerate().map(offset).collect();
        if uniform.is_none() {
            for (output, row) in rows.iter_mut().enumerate() {
                row.iter_mut().zip(group(output)).for_each(|(weight, &channel)| *weight *= coded.scale[channel]);
            }
        }
        let matrix = Matrix::new(&rows).map_err(|row| {
            let cure = if uniform.is_none() { self.one_scale(index) } else { self.rounded(index) };
            self.curable(index, off_grid(row, &rows[row], uniform.is_none()), cure)
        })?;
        if let Some((count, most)) = matrix.snapped {
            let name = &self.source.nodes[index].name;
            self.notes.push(format!(
                "`{name}`: weights of {count} outputs are products that the file rounded to 32 bits; \
                 they were put back on their grid, at most {most:.1e} of a step away"
            ));
        }
        let (mut low, mut high) = (Vec::new(), Vec::new());
        for row in &matrix.integers {
            let (a, b) = coded.code.range(0);
            let ends = || row.iter().map(|&w| (i64::from(w) * a, i64::from(w) * b));
            low.push(ends().map(|(a, b)| a.min(b)).sum::<i64>().min(0));
            high.push(ends().map(|(a, b)| a.max(b)).sum::<i64>().max(0));
        }
        if low.iter().chain(&high).any(|sum| i32::try_from(*sum).is_err()) {
            return Err(self.fault(index, "its sums may leave 32 bits; use fewer inputs or fewer bits"));
        }
        let scale = matrix.scales.iter().map(|scale| scale * uniform.unwrap_or(1.0)).collect();
        Ok(Sums { matrix, low, high, scale, offset })
    }

    /// The change that gives a node's input one step and a zero.
    fn one_scale(&self, index: usize) -> Cure {
        self.quantised(&self.source.nodes[index].inputs[..1])
    }

    /// The change that puts each output's weights on a grid.
    fn rounded(&self, index: usize) -> Cure {
        let node = &self.source.nodes[index];
        let mut weights = self.constant(&node.inputs[1]).cloned().expect("the product was made of them");
        let is_rows = node.op == CONV.name || node.op == GEMM.name && node.int("transB") == Some(1);
        let outputs = weights.dims[usize::from(!is_rows)];
        let length = weights.values.len() / outputs;
        // Each output's weights stand side by side, or one in every `outputs`.
        let place = |output: usize, at: usize| if is_rows { output * length + at } else { at * outputs + output };
        for output in 0..outputs {
            let row: Vec<f64> = (0..length).map(|at| weights.values[place(output, at)]).collect();
            grid::nearest(row)
                .into_iter()
                .enumerate()
                .for_each(|(at, value)| weights.values[place(output, at)] = value);
        }
        Cure::Weights { output: node.outputs[0].clone(), weights }
    }

    /// Remembers sums as the result of `node`; their operation stays pending.
    fn sum(&mut self, node: &SourceNode, coded: &Coded, op: Op, sums: Sums, layout: Layout) {
        let pending = Pending { name: node.name.clone(), op, input: coded.code.at().unwrap_or(0), residual: None };
        let code = Code::Sums { pending: pending.into(), low: sums.low.into(), high: sums.high.into() };
        self.values.insert(node.outputs[0].clone(), Coded::plain(code, layout, sums.scale, sums.offset));
    }

    /// The sum of two computed tensors of the same sizes.
    pub fn addition(&mut self, index: usize, node: &SourceNode) -> Result<(), Fault> {
        let [first, second] = [0, 1].map(|at| node.inputs[at].clone());
        let is_raw = |coded: &Coded| matches!(coded.code, Code::Sums { .. }) && coded.chain.is_empty();
        let (raw, other) = match (is_raw(&self.values[&first]), is_raw(&self.values[&second])) {
            (true, false) => (self.values[&first].clone(), self.plain(&second)?),
            (false, true) => (self.values[&second].clone(), self.plain(&first)?),
            (true, true) => {
                let problem = "adds two sums that are not quantised; put a quantiser before one of them";
                return Err(self.curable(index, problem, self.quantised(&[first, second])));
            }
            (false, false) => {
                // The one of the finer step is summed, the other is shifted onto it.
                let (a, b) = (self.plain(&first)?, self.plain(&second)?);
                let (fine, coarse) = if a.scale[0].abs() <= b.scale[0].abs() { (a, b) } else { (b, a) };
                (self.summed(&node.name, &fine)?, coarse)
            }
        };
        let next = self.added(index, node, &raw, &other)?;
        self.values.insert(node.outputs[0].clone(), next);
        Ok(())
    }

    /// Sums and a tensor of signs or levels, shifted.
    fn added(&self, index: usize, node: &SourceNode, raw: &Coded, other: &Coded) -> Result<Coded, Fault> {
        let Code::Sums { pending, low, high } = &raw.code else {
            return Err(self.fault(index, "adds what is not a sum"));
        };
        if raw.layout.dims != other.layout.dims || raw.layout.places != other.layout.places {
            let problem =
                format!("adds sizes {:?} and {:?}; they must be the same", raw.layout.dims, other.layout.dims);
            return Err(self.fault(index, problem));
        }
        if other.each != 1 || matches!(other.code, Code::Bytes { .. }) || pending.residual.is_some() {
            return Err(self.fault(index, "a layer takes one addition, of signs or levels; put a quantiser between"));
        }
        let ratio = other.scale[0] / raw.scale[0];
        let shift = (0..16).find(|&shift| f64::from(1u32 << shift) == ratio);
        let is_even = raw.scale.iter().zip(other.scale.iter()).all(|(raw, other)| other / raw == ratio);
        let Some(shift) = shift.filter(|_| is_even) else {
            let problem = format!(
                "adds tensors whose steps are {:.6} and {:.6}; the second must be the first times 1, 2, 4 and so on in \
                 every channel: give both branches quantisers of one scale",
                raw.scale[0], other.scale[0]
            );
            return Err(self.curable(index, problem, self.quantised(&node.inputs)));
        };
        let mut pending = Pending::clone(pending);
        pending.residual = Some((other.code.at().unwrap_or(0), shift));
        pending.name = format!("{}.{}", pending.name, node.name);
        let (a, b) = other.code.range(0);
        let code = Code::Sums {
            pending: pending.into(),
            low: low.iter().map(|low| low + (a << shift)).collect::<Vec<_>>().into(),
            high: high.iter().map(|high| high + (b << shift)).collect::<Vec<_>>().into(),
        };
        let offset = raw.offset.iter().zip(other.offset.iter()).map(|(a, b)| a + b).collect();
        Ok(Coded::plain(code, raw.layout.clone(), raw.scale.to_vec(), offset))
    }
}

/// Rows of a dense layer in the order of the integers that it reads.
fn placed(coded: &Coded, rows: &[Vec<f64>], bias: Vec<f64>) -> Product {
    let (each, channels, inputs) = (coded.each, coded.channels(), coded.layout.places.len());
    let place = |row: &Vec<f64>| {
        let mut placed = vec![0.0; inputs * each];
        for (weight, &at) in row.iter().zip(coded.layout.places.iter()) {
            placed[at as usize * each..][..each].fill(*weight);
        }
        placed
    };
    let of = (0..inputs * each).map(|at| at % (channels * each)).collect();
    Product { rows: rows.iter().map(place).collect(), channels: vec![of], bias }
}

/// What is wrong with a row of weights.
fn off_grid(row: usize, weights: &[f64], has_scales: bool) -> String {
    let sizes = || weights.iter().map(|weight| weight.abs()).filter(|&size| size > 0.0);
    let unit = sizes().fold(f64::INFINITY, f64::min);
    let is_whole = sizes().all(|size| size / unit == (size / unit).round());
    let reach = sizes().fold(0.0, f64::max) / unit;
    let reach =
        if is_whole { format!(" (they are whole, but go up to {reach}; 127 is the most)") } else { String::new() };
    let scales = if has_scales { " (its inputs have a scale a channel, which the weights must take up)" } else { "" };
    format!(
        "the weights of output {row} are not whole numbers of at most 8 bits times one scale{reach}{scales}; \
         quantise them (Quant, DequantizeLinear, or integers in the file)"
    )
}
