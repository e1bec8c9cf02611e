//! Every layer's backward pass against differences of its forward pass.
//!
//! Each check weighs the outputs with random numbers and compares the slope along every input value.

use bitfab_graph::{PadValue, Shape, Window};
use bitfab_train::codecs::{Codec, Lossless};
use bitfab_train::estimators::StraightThrough;
use bitfab_train::layers::*;
use bitfab_train::{Net, Parameter, Saved, Stage, Step};

/// Reproducible numbers in [-1, 1), none closer to another kink than floats allow.
fn numbers(count: usize, seed: u64) -> Vec<f32> {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 40) as f32 / 8_388_608.0 - 1.0
    };
    (0..count).map(|_| next()).collect()
}

fn batch(shape: Shape, count: usize, seed: u64) -> Batch {
    let values = numbers(count * shape.elements() as usize, seed);
    Batch { values, count, shape, form: Form::Reals }
}

/// Slopes of `f` along every value of `at`, by central differences.
fn slopes(at: &[f32], step: f32, f: impl Fn(&[f32]) -> f64) -> Vec<f32> {
    let mut moved = at.to_vec();
    let slope = |index: usize| {
        moved[index] = at[index] + step;
        let (high, above) = (f(&moved), moved[index]);
        moved[index] = at[index] - step;
        let (low, below) = (f(&moved), moved[index]);
        moved[index] = at[index];
        ((high - low) / f64::from(above - below)) as f32
    };
    (0..at.len()).map(slope).collect()
}

fn weighed(values: &[f32], weights: &[f32]) -> f64 {
    assert_eq!(values.len(), weights.len());
    values.iter().zip(weights).map(|(&v, &w)| f64::from(v) * f64::from(w)).sum()
}

fn assert_close(what: &str, found: &[f32], expected: &[f32]) {
    assert_eq!(found.len(), expected.len(), "{what}");
    let size = expected.iter().fold(0f32, |size, v| size.max(v.abs()));
    assert!(size > 0.0, "{what}: nothing to compare");
    for (index, (found, expected)) in found.iter().zip(expected).enumerate() {
        assert!((found - expected).abs() < 3e-3 * size, "{what}[{index}]: backward {found}, differences {expected}");
    }
}

fn check_weighted(what: &str, layer: Weighted, x: &Batch) {
    let weights = numbers(layer.weights(), 2);
    let y = layer.forward(x, &weights);
    let pull = numbers(y.values.len(), 3);
    let dy = Batch { values: pull.clone(), ..y };
    let (dw, dx) = layer.backward(&dy, &weights, &Lossless.save(x.clone()), true);
    let along_w = slopes(&weights, 0.125, |w| weighed(&layer.forward(x, w).values, &pull));
    assert_close(&format!("{what} weights"), &dw, &along_w);
    let along_x = slopes(&x.values, 0.125, |values| {
        let x = Batch { values: values.to_vec(), ..x.clone() };
        weighed(&layer.forward(&x, &weights).values, &pull)
    });
    assert_close(&format!("{what} input"), &dx.unwrap(), &along_x);
    let (again, none) = layer.backward(&dy, &weights, &Lossless.save(x.clone()), false);
    assert!(none.is_none() && again == dw, "{what}: without input gradient");
}

#[test]
fn dense_follows_its_differences() {
    check_weighted("dense", Weighted::Dense { features: 24, outputs: 5 }, &batch(Shape::new(2, 3, 4), 7, 1));
}

#[test]
fn convolutions_follow_their_differences() {
    let window = |kernel, stride, padding, pad_value| Window { kernel, stride, padding, pad_value };
    for (name, window, groups) in [
        ("valid", Window::valid(3, 1), 1),
        ("same", Window::same(3, PadValue::MinusOne), 1),
        ("grouped", Window::same(3, PadValue::PlusOne), 2),
        ("depthwise", Window::same(3, PadValue::Zero), 4),
        ("uneven", window([2, 3], [2, 1], [1, 0, 0, 2], PadValue::Zero), 2),
    ] {
        let input = Shape::new(5, 6, 4);
        let [height, width] = window.output(input).unwrap();
        let shape = ConvShape { input, output: Shape::new(height, width, 8), window, groups };
        check_weighted(name, Weighted::Conv(shape), &batch(input, 3, 4));
    }
}

/// Windows along one axis only, with steps and borders of their own, by groups and channel by channel.
#[test]
fn convolutions_over_series_follow_their_differences() {
    let window = |kernel, stride, padding, pad_value| Window { kernel, stride, padding, pad_value };
    for (name, length, window, groups) in [
        ("along", 9, window([5, 1], [1, 1], [2, 0, 2, 0], PadValue::Zero), 1),
        ("strided", 9, window([5, 1], [2, 1], [2, 0, 2, 0], PadValue::MinusOne), 1),
        ("even", 8, window([4, 1], [3, 1], [1, 0, 2, 0], PadValue::PlusOne), 2),
        ("depthwise", 9, window([3, 1], [2, 1], [1, 0, 1, 0], PadValue::MinusOne), 4),
        ("beyond", 3, window([5, 1], [1, 1], [2, 0, 2, 0], PadValue::Zero), 4),
        ("point", 7, window([1, 1], [2, 1], [0; 4], PadValue::Zero), 1),
    ] {
        for is_lying in [false, true] {
            let (mut input, mut window) = (Shape::new(length, 1, 4), window);
            if is_lying {
                input = Shape::new(1, length, 4);
                window.kernel.reverse();
                window.stride.reverse();
                let [top, left, bottom, right] = window.padding;
                window.padding = [left, top, right, bottom];
            }
            let [height, width] = window.output(input).unwrap();
            let shape = ConvShape { input, output: Shape::new(height, width, 8), window, groups };
            check_weighted(name, Weighted::Conv(shape), &batch(input, 3, 4));
        }
    }
}

#[test]
fn batch_norm_follows_its_differences() {
    let x = batch(Shape::new(2, 3, 4), 5, 5);
    let (gamma, beta) = (numbers(4, 6), numbers(4, 7));
    let pull = numbers(x.values.len(), 8);
    let forward = |x: &Batch, gamma: &[f32], beta: &[f32]| Norm::new(4, 1e-3).forward(x, gamma, beta);
    let (y, statistics) = forward(&x, &gamma, &beta);
    let dy = Batch { values: pull.clone(), ..y };
    let found = Norm::backward(&dy, &x.values, &statistics, &gamma);
    let loss = |x: &Batch, gamma: &[f32], beta: &[f32]| weighed(&forward(x, gamma, beta).0.values, &pull);
    assert_close("gamma", &found.gamma, &slopes(&gamma, 0.1, |gamma| loss(&x, gamma, &beta)));
    assert_close("beta", &found.beta, &slopes(&beta, 0.1, |beta| loss(&x, &gamma, beta)));
    let along_x =
        slopes(&x.values, 4e-3, |values| loss(&Batch { values: values.to_vec(), ..x.clone() }, &gamma, &beta));
    assert_close("input", &found.input, &along_x);
}

/// After its start the forward pass uses running statistics; their ratio to the batch's counts as a constant.
#[test]
fn batch_renorm_follows_its_differences() {
    let x = batch(Shape::new(2, 3, 4), 5, 5);
    let other = batch(Shape::new(2, 3, 4), 5, 19);
    let (gamma, beta) = (numbers(4, 6), numbers(4, 7));
    let mut norm = Norm::new(4, 1e-3);
    for _ in 0..60 {
        norm.forward(&other, &gamma, &beta);
    }
    let pull = numbers(x.values.len(), 8);
    let (y, statistics) = norm.clone().forward(&x, &gamma, &beta);
    let dy = Batch { values: pull.clone(), ..y.clone() };
    let found = Norm::backward(&dy, &x.values, &statistics, &gamma);
    let loss = |gamma: &[f32], beta: &[f32]| weighed(&norm.clone().forward(&x, gamma, beta).0.values, &pull);
    assert_close("gamma", &found.gamma, &slopes(&gamma, 0.1, |gamma| loss(gamma, &beta)));
    assert_close("beta", &found.beta, &slopes(&beta, 0.1, |beta| loss(&gamma, beta)));
    // The same line with the constants written out, over a norm that uses the batch's own statistics.
    let scaled: Vec<f32> = statistics.iter().zip(&gamma).map(|(s, g)| g * s.used_inverse / s.inverse).collect();
    let shift = |(s, (g, b)): (&Statistics, (&f32, &f32))| b + g * (s.mean - s.used_mean) * s.used_inverse;
    let shifted: Vec<f32> = statistics.iter().zip(gamma.iter().zip(&beta)).map(shift).collect();
    let own = |values: &[f32]| {
        let x = Batch { values: values.to_vec(), ..x.clone() };
        Norm::new(4, 1e-3).forward(&x, &scaled, &shifted).0
    };
    assert_close("output", &y.values, &own(&x.values).values);
    assert_ne!(y.values, Norm::new(4, 1e-3).forward(&x, &gamma, &beta).0.values);
    assert_close("input", &found.input, &slopes(&x.values, 4e-3, |values| weighed(&own(values).values, &pull)));
}

#[test]
fn running_statistics_normalise_like_the_batch_once_they_have_converged() {
    let x = batch(Shape::new(2, 3, 4), 5, 5);
    let mut norm = Norm::new(4, 1e-3);
    let mut last = None;
    for _ in 0..300 {
        last = Some(norm.forward(&x, &[1.0, 2.0, -1.0, 0.5], &[0.0, 1.0, -1.0, 2.0]).0);
    }
    let applied = norm.apply(&x, &[1.0, 2.0, -1.0, 0.5], &[0.0, 1.0, -1.0, 2.0]);
    assert_close("applied", &applied.values, &last.unwrap().values);
}

#[test]
fn quantisers_pass_gradients_like_their_clamped_lines() {
    // Values away from the kinks, where differences say nothing.
    let mut x = batch(Shape::flat(200), 1, 9);
    for (index, value) in x.values.iter_mut().enumerate() {
        *value = (index as f32 - 90.0) / 40.0 + 0.003;
    }
    let pull = numbers(200, 10);
    let dy = Batch { values: pull.clone(), ..x.clone() };
    let line = |step: f32, low: f32, high: f32| {
        let sum = |values: &[f32]| {
            let clamped: Vec<f32> = values.iter().map(|v| (v / step).clamp(low, high)).collect();
            weighed(&clamped, &pull)
        };
        slopes(&x.values, 1e-3, sum)
    };
    let estimator = &StraightThrough;
    let passes = |layer: &mut dyn Layer| {
        let (y, entry) = layer.forward(&[], Inputs { x: x.clone(), other: None }, &Lossless);
        assert_eq!(y, layer.infer(&[], Inputs { x: x.clone(), other: None }));
        let [dx, none] = layer.backward(&[], &entry, &dy, true, &mut []);
        assert!(none.is_none());
        (y, dx.unwrap())
    };
    let (y, dx) = passes(&mut Sign { estimator });
    assert!(y.values.iter().zip(&x.values).all(|(y, x)| *y == if *x >= 0.0 { 1.0 } else { -1.0 }));
    assert_close("sign", &dx, &line(1.0, -1.0, 1.0));
    for (bits, step) in [(1, 1.0), (2, 0.5), (3, 0.25), (4, 0.125)] {
        let top = ((1 << bits) - 1) as f32;
        let (y, dx) = passes(&mut Quantize { bits, step, estimator });
        let level = |x: &f32| (x / step + 0.5).floor().clamp(0.0, top);
        assert_eq!(y.values, x.values.iter().map(level).collect::<Vec<_>>());
        assert_close("levels", &dx, &line(step, -0.5, top + 0.5));
    }
}

#[test]
fn pools_follow_their_differences() {
    for (kernel, stride) in [([2, 2], [2, 2]), ([3, 2], [1, 2]), ([2, 1], [2, 1]), ([1, 3], [1, 3])] {
        let window = Window { kernel, stride, ..Window::valid(1, 1) };
        let input = Shape::new(5, 6, 3);
        let [height, width] = window.output(input).unwrap();
        let shape = PoolShape { input, output: Shape::new(height, width, 3), window };
        // Distinct values on a grid, so that a step of an eighth of its spacing never changes the order.
        let mut x = batch(input, 4, 11);
        for (index, value) in x.values.iter_mut().enumerate() {
            *value = (index * 151 % 360) as f32 / 128.0;
        }
        let pull = numbers(4 * shape.output.elements() as usize, 12);
        let pulled = |shape: Shape| Batch { values: pull.clone(), shape, ..x.clone() };
        let moved = |values: &[f32]| Batch { values: values.to_vec(), ..x.clone() };
        let (y, saved) = max_pool_forward(&x, &shape);
        assert_eq!(y.shape, shape.output);
        let along = slopes(&x.values, 1.0 / 1024.0, |v| weighed(&max_pool_forward(&moved(v), &shape).0.values, &pull));
        assert_close("max pool", &max_pool_backward(&pulled(shape.output), &saved, &shape), &along);
        let along = slopes(&x.values, 0.125, |v| weighed(&sum_pool_forward(&moved(v), &shape).values, &pull));
        assert_close("sum pool", &sum_pool_backward(&pulled(shape.output), &shape), &along);
    }
}

#[test]
fn max_pool_takes_the_first_of_equal_values() {
    let input = Shape::new(2, 2, 1);
    let shape = PoolShape { input, output: Shape::new(1, 1, 1), window: Window::valid(2, 2) };
    let x = Batch { values: vec![-1.0, 1.0, 1.0, -1.0], count: 1, shape: input, form: Form::Signs };
    let (y, saved) = max_pool_forward(&x, &shape);
    assert!(matches!(&saved, Saved::Indices(places) if *places == [1]), "{saved:?}");
    let dy = Batch { values: vec![5.0], ..y };
    assert_eq!(max_pool_backward(&dy, &saved, &shape), [0.0, 5.0, 0.0, 0.0]);
}

#[test]
fn relu_follows_its_differences() {
    let mut x = batch(Shape::flat(60), 2, 21);
    x.values.iter_mut().for_each(|value| *value += 0.01f32.copysign(*value));
    let pull = numbers(120, 22);
    let inputs = |values: &[f32]| Inputs { x: Batch { values: values.to_vec(), ..x.clone() }, other: None };
    let (y, entry) = Relu.forward(&[], inputs(&x.values), &Lossless);
    let [dx, _] = Relu.backward(&[], &entry, &Batch { values: pull.clone(), ..y }, true, &mut []);
    let along = slopes(&x.values, 1.0 / 256.0, |values| weighed(&Relu.infer(&[], inputs(values)).values, &pull));
    assert_close("relu", &dx.unwrap(), &along);
}

/// batch norm -> (sum pool of one place, itself) -> add: both ways to the addition carry gradient.
#[test]
fn additions_follow_their_differences_on_both_inputs() {
    let shape = Shape::new(2, 2, 3);
    let pool = PoolShape { input: shape, output: shape, window: Window::valid(1, 1) };
    let stage = |name: &str, inputs: Vec<usize>, step| Stage { name: name.into(), inputs, step, shape };
    let net = Net {
        input: shape,
        thermometer: None,
        stages: vec![
            stage("norm", vec![0], Step::Norm(Normed { norm: Norm::new(3, 1e-3), gamma: 0, beta: 1 })),
            stage("pool", vec![1], Step::SumPool(SumPool(pool))),
            stage("add", vec![2, 1], Step::Add(Add { shift: 2 })),
        ],
        parameters: vec![Parameter::free(numbers(3, 13)), Parameter::free(numbers(3, 14))],
        logit_scale: 1.0,
        variants: Vec::new(),
        selected: 0,
        codec: &Lossless,
    };
    let x = batch(shape, 4, 15);
    let pull = numbers(x.values.len(), 16);
    let loss = |index: usize, values: &[f32]| {
        let mut net = net.clone();
        net.parameters[index].values = values.to_vec();
        weighed(&net.forward(x.clone()).0.values, &pull)
    };
    let (_, tape) = net.clone().forward(x.clone());
    assert!(tape.bytes() >= x.values.len() * 4);
    let found = net.backward(tape, pull.clone());
    for (index, (parameter, found)) in net.parameters.iter().zip(&found).enumerate() {
        let along = slopes(&parameter.values, 0.1, |values| loss(index, values));
        assert_close("add", found, &along);
    }
}

#[test]
fn cross_entropy_follows_its_differences() {
    let scores = batch(Shape::flat(5), 6, 17);
    let labels = [0, 4, 2, 2, 1, 3];
    for smoothing in [0.0, 0.2] {
        let loss = cross_entropy(&scores, &labels, 1.7, smoothing);
        let along = slopes(&scores.values, 1e-2, |values| {
            let scores = Batch { values: values.to_vec(), ..scores.clone() };
            cross_entropy(&scores, &labels, 1.7, smoothing).sum / 6.0
        });
        assert_close("cross-entropy", &loss.gradient, &along);
    }
    let certain = Batch { values: vec![200.0, -200.0, 1e6, 0.0], count: 2, shape: Shape::flat(2), form: Form::Reals };
    let loss = cross_entropy(&certain, &[0, 0], 1.0, 0.0);
    assert_eq!((loss.correct, loss.sum), (2, 0.0));
    assert_eq!(arg_max(&[1.0, 3.0, 3.0]), 1);
}
