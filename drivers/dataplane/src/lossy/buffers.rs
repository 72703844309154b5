//! Byte buffers that are used again, the last one first: it is still in the cache.

/// Room that each has from the beginning.
const CAPACITY: usize = 1_536;
/// Free ones that are kept, and how many of them when nothing passes.
const KEPT: usize = 1_024;
const KEPT_IDLE: usize = 16;

#[derive(Default)]
pub struct Buffers {
    free: Vec<Vec<u8>>,
}

impl Buffers {
    /// An empty one.
    pub fn take(&mut self) -> Vec<u8> {
        self.free.pop().unwrap_or_else(|| Vec::with_capacity(CAPACITY))
    }

    pub fn put(&mut self, mut buffer: Vec<u8>) {
        if self.free.len() < KEPT {
            buffer.clear();
            self.free.push(buffer);
        }
    }

    #[cfg(test)]
    pub fn held(&self) -> usize {
        self.free.iter().map(Vec::capacity).sum()
    }

    /// Nothing passes: gives the memory back.
    pub fn rest(&mut self) {
        if self.free.len() > KEPT_IDLE {
            self.free.truncate(KEPT_IDLE);
            self.free.shrink_to_fit();
        }
    }
}
