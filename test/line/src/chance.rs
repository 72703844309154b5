//! Numbers as by chance: the same for the same seed (SplitMix64).

/// A stream of them.
pub struct Chance(u64);

impl Chance {
    pub fn new(seed: u64) -> Chance {
        Chance(seed)
    }

    /// Any number.
    pub fn number(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// True in this share of the cases, 0–1.
    pub fn happens(&mut self, share: f64) -> bool {
        share > 0.0 && ((self.number() >> 11) as f64) < share * (1u64 << 53) as f64
    }

    /// A number from 0 to `most`.
    pub fn up_to(&mut self, most: u64) -> u64 {
        ((u128::from(self.number()) * (u128::from(most) + 1)) >> 64) as u64
    }
}
