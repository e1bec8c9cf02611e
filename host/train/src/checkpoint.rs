//! A run as bytes: magic (8), postcard payload, CRC-32 of all before it (4, little-endian).

use crate::config::{Keep, TrainConfig};
use crate::error::TrainError;
use crate::optimizer::Optimizer;
use crate::snapshot::Snapshot;
use crate::trainer::{Position, Trainer};
use bitfab_data::Dataset;
use serde::{Deserialize, Serialize};

/// The first bytes of every checkpoint.
pub const CHECKPOINT_MAGIC: &[u8; 7] = b"BFTRAIN";
/// The first bytes of one that can be read; the last one is the version.
const MAGIC: &[u8; 8] = b"BFTRAIN\x04";

#[derive(Serialize, Deserialize)]
struct Stored {
    /// The settings in JSON.
    config: String,
    fingerprint: u32,
    position: Position,
    net: Snapshot,
    optimizer: Optimizer,
    best: Option<Snapshot>,
}

/// How far the run of a checkpoint is.
#[derive(Clone, Debug, PartialEq)]
pub struct Standing {
    /// The settings of the run.
    pub config: TrainConfig,
    /// Finished epochs.
    pub epoch: u32,
    /// Finished batches of the next one.
    pub batch: u32,
}

impl Standing {
    /// Reads how far a run is, of a whole checkpoint.
    ///
    /// # Errors
    /// [`TrainError::Checkpoint`] if the bytes are damaged or of another version.
    pub fn of(bytes: &[u8]) -> Result<Self, TrainError> {
        let Stored { config, position, .. } = read(bytes)?;
        let config = serde_json::from_str(&config)
            .map_err(|problem| error(format!("its settings cannot be read: {problem}; start afresh by --restart")))?;
        Ok(Self { config, epoch: position.epoch, batch: position.batch })
    }
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
        let stored = Stored {
            config: self.config.text(),
            fingerprint: self.fingerprint,
            position: self.position.clone(),
            net: Snapshot::of(&self.net),
            optimizer: self.optimizer.clone(),
            best: self.best.clone(),
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
        let differences = config.differences_from(&stored.config);
        if !differences.is_empty() {
            return Err(error(format!(
                "it belongs to a run with another {}; use the same settings, or start afresh by --restart",
                differences.join(", ")
            )));
        }
        let mut trainer = Self::new(config, data)?;
        if stored.fingerprint != trainer.fingerprint {
            return Err(error("it belongs to other data; start afresh by --restart"));
        }
        if !trainer.restore(stored) {
            return Err(error("its content does not fit the network; start afresh by --restart"));
        }
        Ok(trainer)
    }

    /// Takes everything over; false if something does not fit.
    #[must_use]
    fn restore(&mut self, stored: Stored) -> bool {
        let Stored { position, net, optimizer, best, .. } = stored;
        if !optimizer.fits(self.config.optimizer, &self.net.parameters) || !self.can_stand_at(&position, best.is_some())
        {
            return false;
        }
        let mut other = self.net.clone();
        if best.as_ref().is_some_and(|best| !best.clone().put(&mut other)) || !net.put(&mut self.net) {
            return false;
        }
        (self.optimizer, self.position, self.best) = (optimizer, position, best);
        true
    }

    /// Whether a run of these settings can be there.
    fn can_stand_at(&self, position: &Position, has_best: bool) -> bool {
        let epochs = 1..=position.epoch;
        let best = position.best.map(|best| best.epoch);
        position.epoch <= self.config.epochs
            && position.batch <= self.batches()
            && position.reports.iter().map(|report| report.epoch).eq(epochs.clone())
            && best.is_none_or(|best| epochs.contains(&best) && !self.data.validation.is_empty())
            && has_best == (best.is_some() && self.config.keep == Keep::Best)
    }
}

/// Undoes the frame around the payload.
fn read(bytes: &[u8]) -> Result<Stored, TrainError> {
    let payload = bytes
        .strip_prefix(MAGIC)
        .ok_or_else(|| error("these bytes are no checkpoint of this version; start afresh by --restart"))?;
    let (payload, sum) = payload
        .split_last_chunk::<4>()
        .ok_or_else(|| error("it ends after its first bytes; start afresh by --restart"))?;
    let body = &bytes[..bytes.len() - sum.len()];
    if crc32fast::hash(body) != u32::from_le_bytes(*sum) {
        return Err(error("its checksum is wrong, the file is damaged; start afresh by --restart"));
    }
    let undecoded = |problem: String| error(format!("cannot be decoded: {problem}; start afresh by --restart"));
    let (stored, rest) = postcard::take_from_bytes(payload).map_err(|problem| undecoded(problem.to_string()))?;
    if rest.is_empty() { Ok(stored) } else { Err(undecoded(format!("{} bytes too many", rest.len()))) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::watch::Silent;
    use bitfab_data::digits;
    use proptest::prelude::*;

    fn framed(payload: &[u8]) -> Vec<u8> {
        let mut bytes = [MAGIC, payload].concat();
        bytes.extend(crc32fast::hash(&bytes).to_le_bytes());
        bytes
    }

    type Lie = Box<dyn Fn(&mut Stored)>;

    /// What no run can have written; `other` is of another network.
    fn lies(other: Snapshot) -> [(&'static str, Lie); 11] {
        [
            ("more epochs than there are", Box::new(|s| s.position.epoch = 4)),
            ("more reports than epochs", Box::new(|s| s.position.epoch = 1)),
            ("more batches than there are", Box::new(|s| s.position.batch = 99)),
            ("no reports", Box::new(|s| s.position.reports.clear())),
            ("reports in another order", Box::new(|s| s.position.reports.reverse())),
            ("a best epoch in the future", Box::new(|s| s.position.best.as_mut().unwrap().epoch = 3)),
            ("a best epoch of zero", Box::new(|s| s.position.best.as_mut().unwrap().epoch = 0)),
            ("a best network of no epoch", Box::new(|s| s.position.best = None)),
            ("a best epoch without network", Box::new(|s| s.best = None)),
            (
                "a best network of another shape",
                Box::new({
                    let other = other.clone();
                    move |s| s.best = Some(other.clone())
                }),
            ),
            ("a network of another shape", Box::new(move |s| s.net = other.clone())),
        ]
    }

    #[test]
    fn a_whole_checkpoint_of_an_impossible_run_is_refused() {
        let data = digits(0).unwrap();
        let arch = "mlp:8".parse().unwrap();
        let config = TrainConfig { arch, epochs: 3, batch: 512, ..TrainConfig::default() };
        let mut trainer = Trainer::new(&config, &data).unwrap();
        trainer.run_epoch(&mut Silent).unwrap();
        trainer.run_epoch(&mut Silent).unwrap();
        let bytes = trainer.checkpoint().unwrap();
        assert_eq!(Standing::of(&bytes).unwrap(), Standing { config: config.clone(), epoch: 2, batch: 0 });
        let other = Trainer::new(&TrainConfig { arch: "mlp:9".parse().unwrap(), ..config.clone() }, &data).unwrap();
        for (what, lie) in lies(Snapshot::of(&other.net)) {
            let mut stored = read(&bytes).unwrap();
            lie(&mut stored);
            let lying = framed(&postcard::to_stdvec(&stored).unwrap());
            let error = Trainer::resume(&config, &data, &lying).map(|_| ()).unwrap_err().to_string();
            assert!(error.contains("does not fit") && error.contains("--restart"), "{what}: {error}");
        }
        let whole = framed(&postcard::to_stdvec(&read(&bytes).unwrap()).unwrap());
        assert_eq!(Trainer::resume(&config, &data, &whole).unwrap().checkpoint().unwrap(), bytes);
        let longer = framed(&[&bytes[MAGIC.len()..bytes.len() - 4], &[0]].concat());
        assert!(Standing::of(&longer).is_err(), "bytes behind the content");
    }

    proptest! {
        #[test]
        fn framed_noise_never_panics(payload in proptest::collection::vec(any::<u8>(), 0..300)) {
            prop_assert!(Standing::of(&framed(&payload)).is_err());
        }

        #[test]
        fn a_changed_byte_is_an_error_or_another_run(at in 0usize..4000, value: u8) {
            let data = digits(0).unwrap();
            let config = TrainConfig { arch: "mlp:2".parse().unwrap(), ..TrainConfig::default() };
            let bytes = Trainer::new(&config, &data).unwrap().checkpoint().unwrap();
            let mut payload = bytes[MAGIC.len()..bytes.len() - 4].to_vec();
            let length = payload.len();
            payload[at % length] = value;
            Trainer::resume(&config, &data, &framed(&payload)).ok();
        }
    }
}
