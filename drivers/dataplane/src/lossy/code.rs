//! Reed-Solomon over the shards of a block, in buffers that are used again.

use reed_solomon_simd::{ReedSolomonDecoder, ReedSolomonEncoder};

/// Makes parity. Its tables are set up when the first block is coded.
#[derive(Default)]
pub struct Encoder {
    inner: Option<ReedSolomonEncoder>,
}

/// Restores shards.
#[derive(Default)]
pub struct Decoder {
    inner: Option<ReedSolomonDecoder>,
}

/// Counts or sizes that do not fit one another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Unfit;

impl Encoder {
    /// Hands over `parities` shards of `length` bytes, an even number; `shards` have this length or are padded to it.
    pub fn encode<'a>(
        &mut self,
        parities: usize,
        length: usize,
        shards: impl ExactSizeIterator<Item = &'a mut Vec<u8>>,
        mut take: impl FnMut(&[u8]),
    ) -> Result<(), Unfit> {
        let units = shards.len();
        let inner = match &mut self.inner {
            Some(inner) => {
                inner.reset(units, parities, length).map_err(|_| Unfit)?;
                inner
            }
            empty => empty.insert(ReedSolomonEncoder::new(units, parities, length).map_err(|_| Unfit)?),
        };
        for shard in shards {
            let bytes = shard.len();
            shard.resize(length, 0);
            inner.add_original_shard(&shard[..]).map_err(|_| Unfit)?;
            shard.truncate(bytes);
        }
        inner.encode().map_err(|_| Unfit)?.recovery_iter().for_each(&mut take);
        Ok(())
    }
}

impl Decoder {
    /// Begins a block of `units` with `parities`, of `length` bytes each.
    pub fn begin(&mut self, units: usize, parities: usize, length: usize) -> Result<(), Unfit> {
        match &mut self.inner {
            Some(inner) => inner.reset(units, parities, length).map_err(|_| Unfit),
            empty => {
                *empty = Some(ReedSolomonDecoder::new(units, parities, length).map_err(|_| Unfit)?);
                Ok(())
            }
        }
    }

    /// The shard of a unit, as long as all are.
    pub fn add_unit(&mut self, index: usize, shard: &[u8]) -> Result<(), Unfit> {
        self.inner.as_mut().ok_or(Unfit)?.add_original_shard(index, shard).map_err(|_| Unfit)
    }

    pub fn add_parity(&mut self, index: usize, shard: &[u8]) -> Result<(), Unfit> {
        self.inner.as_mut().ok_or(Unfit)?.add_recovery_shard(index, shard).map_err(|_| Unfit)
    }

    /// Hands over the shards that were missing, with their index.
    pub fn finish(&mut self, mut take: impl FnMut(usize, &[u8])) -> Result<(), Unfit> {
        let result = self.inner.as_mut().ok_or(Unfit)?.decode().map_err(|_| Unfit)?;
        result.restored_original_iter().for_each(|(index, shard)| take(index, shard));
        Ok(())
    }
}
