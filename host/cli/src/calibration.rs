//! Rows by which ranges are measured: of tensors, and of real values before it is known what bytes stand for them.

use std::path::Path;

use anyhow::{Context, Result, bail, ensure};
use bitfab::data::{Reading, Rows, Takes, Values, fit, suits};
use bitfab::format::Kind;
use bitfab::graph::{ByteKind, Shape};
use bitfab::import::Prepared;

use crate::io::data::Loaded;
use crate::io::inputs::{From, first};
use crate::io::models::Need;
use crate::io::{files, npy};

impl From {
    /// Rows to measure the ranges of tensors by, as bytes: of the part to learn from where there are two, at most `limit`.
    pub fn calibration(&self, prepared: &Prepared, limit: usize) -> Result<Vec<Vec<u8>>> {
        let kind = if prepared.input().kind == ByteKind::I8 { Kind::I8 } else { Kind::U8 };
        let takes = Takes::bytes(prepared.shape(), kind).coded(&prepared.interface());
        let path = Path::new(&self.data);
        let is_array = path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("npy"));
        if is_array && takes.codings.is_empty() {
            let Shape { height, width, channels } = prepared.shape();
            let need = Need { shape: bitfab::format::Shape { height, width, channels }, kind };
            let rows = npy::rows(&files::read(path)?, &need).with_context(|| path.display().to_string())?;
            return Ok(rows.slices().into_iter().take(limit).map(<[u8]>::to_vec).collect());
        }
        let fitted = fit(self.to_learn_from(&takes, limit)?, &takes, Reading::Values)?;
        Ok(fitted.rows().into_iter().map(<[u8]>::to_vec).collect())
    }

    /// Rows of real values of this shape to measure their range by, as [`Self::calibration`] chooses them.
    pub fn values(&self, shape: Shape, limit: usize) -> Result<Vec<Vec<f32>>> {
        let takes = Takes::bytes(shape, Kind::U8);
        let rows = self.to_learn_from(&takes, limit)?;
        let Values::Reals(values) = &rows.values else {
            bail!(
                "the rows of {} are bytes, and it is not said what one is worth to the file: name it by --input, as in u8/255 \
                 for pictures from 0 to 1, or convert rows of real values by x.astype(numpy.float32)",
                rows.name
            );
        };
        ensure!(
            suits(rows.shape, shape),
            "rows of {} are {}, the file takes {shape} (height x width x channels)",
            rows.name,
            rows.shape
        );
        if let Some(at) = values.iter().position(|value| !value.is_finite()) {
            bail!(
                "{}, {}: value {} is {}",
                rows.name,
                rows.place(at / rows.width()),
                at % rows.width() + 1,
                values[at]
            );
        }
        Ok(values.chunks_exact(rows.width()).map(<[f32]>::to_vec).collect())
    }

    /// Names of the values of a row, where the file has any.
    pub fn names(&self, shape: Shape) -> Result<Vec<String>> {
        Ok(self.to_learn_from(&Takes::bytes(shape, Kind::U8), 1)?.names)
    }

    /// The first rows of the part to learn from.
    fn to_learn_from(&self, takes: &Takes, limit: usize) -> Result<Rows> {
        let loaded = Loaded::of(&self.data, &self.choice.format, &[], Some(self.expected(takes)))?;
        let mut rows = loaded.rows_to_learn_from(&self.choice.splitting)?;
        rows.labels = None;
        let rows = rows.settled()?;
        ensure!(!rows.is_empty(), "{} has no rows", rows.name);
        Ok(first(&rows, limit.min(rows.len()) as u32))
    }
}
