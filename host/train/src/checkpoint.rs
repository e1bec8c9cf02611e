//! A run as bytes: magic (8), postcard payload, CRC-32 of all before it (4, little-endian).

use crate::config::TrainConfig;
use crate::error::TrainError;
use crate::layers::Norm;
use crate::net::{Net, Step};
use crate::optimizer::Optimizer;
use crate::rules::Quantizer;
use crate::trainer::{Position, Trainer};
use bitfab_data::Dataset;
use serde::{Deserialize, Serialize};

/// First bytes; the last one is the version.
const MAGIC: &[u8; 8] = b"BFTRAIN\x02";

#[derive(Serialize, Deserialize)]
struct Stored {
    config: TrainConfig,
    fingerprint: u32,
    position: Position,
    parameters: Vec<Vec<f32>>,
    norms: Vec<Norm>,
    quantizers: Vec<Quantizer>,
    optimizer: Optimizer,
}

/// The quantisers of a network in order, with the positions of their latent weights.
fn quantizers(net: &mut Net) -> impl Iterator<Item = (&mut Quantizer, usize)> {
    net.stages.iter_mut().filter_map(|stage| match &mut stage.step {
        Step::Weighted { quantizer, weights, .. } => Some((quantizer, *weights)),
        _ => None,
    })
}

fn error(problem: impl Into<String>) -> TrainError {
    TrainError::Checkpoint { problem: problem.into() }
}

impl<'a> Trainer<'a> {
    /// Everything that is needed to go on from here and end with the same bits.
    ///
    /// # Errors
    /// [`TrainError::Checkpoint`] if the encoder fails.
    pub fn checkpoint(&self) -> Result<Vec<u8>, TrainError> {
        let parameters = self.net.parameters.iter().map(|p| p.values.clone());
        let stored = Stored {
            config: self.config.clone(),
            fingerprint: self.data.fingerprint(),
            position: self.position.clone(),
            parameters: parameters.collect(),
            norms: self.net.clone().norms().map(|norm| norm.clone()).collect(),
            quantizers: quantizers(&mut self.net.clone()).map(|(quantizer, _)| quantizer.clone()).collect(),
            optimizer: self.optimizer.clone(),
        };
        let mut bytes = postcard::to_extend(&stored, MAGIC.to_vec())
            .map_err(|problem| error(format!("cannot be encoded: {problem}")))?;
        bytes.extend(crc32fast::hash(&bytes).to_le_bytes());
        Ok(bytes)
    }

    /// Goes on from a checkpoint of the same configuration and data.
    ///
    /// # Errors
    /// [`TrainError::Checkpoint`] if the bytes are damaged or belong to another run; the message says which setting differs.
    pub fn resume(config: &TrainConfig, data: &'a Dataset, bytes: &[u8]) -> Result<Self, TrainError> {
        let stored = read(bytes)?;
        let differences = stored.config.differences(config);
        if !differences.is_empty() {
            return Err(error(format!(
                "it belongs to a run with another {}; use the same settings or start afresh without --resume",
                differences.join(", ")
            )));
        }
        if stored.fingerprint != data.fingerprint() {
            return Err(error("it belongs to other data; start afresh without --resume"));
        }
        let mut trainer = Self::new(config, data)?;
        trainer.restore(stored)?;
        Ok(trainer)
    }

    fn restore(&mut self, stored: Stored) -> Result<(), TrainError> {
        let unfit = || error("its sizes do not fit the network; start afresh without --resume");
        let own: Vec<usize> = self.net.parameters.iter().map(|p| p.values.len()).collect();
        let found = stored.parameters.iter().map(Vec::len);
        let position = &stored.position;
        if !found.eq(own)
            || !stored.optimizer.fits(self.config.optimizer, &self.net.parameters)
            || position.epoch > self.config.epochs
            || position.batch > self.batches()
        {
            return Err(unfit());
        }
        let mut stored_norms = stored.norms.into_iter();
        for norm in self.net.norms() {
            let channels = norm.mean.len();
            let fits = |other: &Norm| other.mean.len() == channels && other.variance.len() == channels;
            *norm = stored_norms.next().filter(fits).ok_or_else(unfit)?;
        }
        let mut stored_quantizers = stored.quantizers.into_iter();
        for (quantizer, weights) in quantizers(&mut self.net) {
            let fits = |other: &Quantizer| other.is_like(quantizer, stored.parameters[weights].len());
            *quantizer = stored_quantizers.next().filter(fits).ok_or_else(unfit)?;
        }
        for (parameter, values) in self.net.parameters.iter_mut().zip(stored.parameters) {
            parameter.values = values;
        }
        self.optimizer = stored.optimizer;
        self.position = stored.position;
        Ok(())
    }
}

/// Undoes the frame around the payload.
fn read(bytes: &[u8]) -> Result<Stored, TrainError> {
    let payload = bytes
        .strip_prefix(MAGIC)
        .ok_or_else(|| error("these bytes are no checkpoint of this version; start afresh without --resume"))?;
    let (payload, sum) = payload
        .split_last_chunk::<4>()
        .ok_or_else(|| error("it ends after its first bytes; start afresh without --resume"))?;
    let body = &bytes[..bytes.len() - sum.len()];
    if crc32fast::hash(body) != u32::from_le_bytes(*sum) {
        return Err(error("its checksum is wrong, the file is damaged; start afresh without --resume"));
    }
    postcard::from_bytes(payload).map_err(|problem| error(format!("cannot be decoded: {problem}")))
}
