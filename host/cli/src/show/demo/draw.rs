//! The demo's picture.

use bitfab::format::Model;
use bitfab::report::picture::{Bar, Bars, Page, Sample};
use bitfab::report::{ModelSummary, table};

use super::Findings;

/// The page.
pub fn page(findings: &Findings, model: &Model<'_>) -> Page {
    let summary = ModelSummary::new(model);
    let confusion = findings.confusion.clone();
    let wrong = confusion.total() - confusion.correct();
    let agreeing = if findings.verdicts.iter().all(|verdict| verdict.agrees()) { "agree" } else { "do NOT agree" };
    let shown = wrong.min(22);
    Page {
        title: format!("Digits in {} bytes (weights: {})", table::thousands(summary.file_bytes), findings.kind),
        subtitle: format!(
            "{} of {} test images right ({}); the reference, {} other engines and every tensor between {agreeing}",
            confusion.correct(),
            confusion.total(),
            table::percent(confusion.accuracy()),
            findings.verdicts.len()
        ),
        charts: vec![bytes(&summary), arena(&summary), cycles(findings, &summary)],
        samples_title: if wrong > shown {
            format!("{shown} of the {wrong} wrong ones")
        } else {
            format!("All {wrong} wrong ones")
        },
        samples: samples(findings),
        confusion,
    }
}

fn bytes(summary: &ModelSummary) -> Bars {
    let mut bars: Vec<Bar> = vec![Bar { label: "header".into(), parts: vec![0.0, 0.0, summary.header_bytes as f64] }];
    bars.extend(summary.layers.iter().map(|layer| Bar {
        label: layer.title(),
        parts: [layer.weight_bytes, layer.threshold_bytes, layer.record_bytes].map(|bytes| bytes as f64).into(),
    }));
    Bars {
        title: "Where the bytes go".into(),
        note: format!("{} bytes of flash", table::thousands(summary.file_bytes)),
        parts: ["weights", "thresholds", "records"].map(str::to_owned).into(),
        bars,
    }
}

fn arena(summary: &ModelSummary) -> Bars {
    let of =
        |tensor: &bitfab::report::TensorSummary| if tensor.kind.ends_with('8') { 0.0 } else { tensor.bytes as f64 };
    let bar = |layer: &bitfab::report::LayerSummary| Bar {
        label: layer.title(),
        parts: vec![of(&layer.input), layer.scratch_bytes as f64, of(&layer.output)],
    };
    Bars {
        title: "Where the memory goes".into(),
        note: format!("{} bytes of RAM while a layer runs, at most", table::thousands(summary.arena_bytes)),
        parts: ["input", "scratch", "output"].map(str::to_owned).into(),
        bars: summary.layers.iter().map(bar).collect(),
    }
}

fn cycles(findings: &Findings, summary: &ModelSummary) -> Bars {
    let mut bars: Vec<Bar> =
        summary.layers.iter().map(|layer| Bar { label: layer.title(), parts: vec![0.0; 3] }).collect();
    for (row, counts) in findings.program.rows.iter().zip(&findings.cycles.rows) {
        if let Some(bar) = bars.get_mut(usize::from(row.layer)) {
            bar.parts.iter_mut().zip(counts).for_each(|(part, &count)| *part += count as f64);
        }
    }
    Bars {
        title: "Where the cycles go".into(),
        note: format!(
            "{} clock cycles of the accelerator per image, {} lanes",
            table::thousands(findings.cycles.interval),
            findings.accelerator.lanes
        ),
        parts: ["useful", "overhead", "waiting"].map(str::to_owned).into(),
        bars,
    }
}

fn samples(findings: &Findings) -> Vec<Sample> {
    let data = &findings.data;
    let (width, height) = (data.shape.width as usize, data.shape.height as usize);
    let top = data.test.inputs.iter().copied().max().unwrap_or(1).max(1);
    let images = data.test.inputs.chunks_exact(width * height).zip(&data.test.labels).zip(&findings.runs);
    let wrong = images.filter(|((_, label), run)| usize::from(**label) != run.arg_max());
    let sample = |((image, label), run): ((&[u8], &u8), &bitfab::sim::Run)| Sample {
        width,
        height,
        values: image.iter().map(|&value| f64::from(value) / f64::from(top)).collect(),
        caption: format!("{label} taken for {}", run.arg_max()),
    };
    wrong.map(sample).collect()
}
