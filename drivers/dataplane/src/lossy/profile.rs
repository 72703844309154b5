//! How eager a link is, and which of its parts are on.

/// What the user prefers: short delays or little traffic.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Profile {
    /// More parity and repeats, for games and calls.
    Fast,
    /// What suits most.
    #[default]
    Balanced,
    /// Little parity; what is lost is rather sent again.
    Saving,
}

/// What can be switched off, so that its worth can be measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Parts {
    /// Acknowledgements every 2 ms or 16 records; without, every 25 ms or 64.
    pub prompt: bool,
    /// Parity over blocks, and mixes of the last units.
    pub parity: bool,
    /// What is missing in the end is sent again.
    pub resend: bool,
    /// TCP packets wait for the ones before them.
    pub order: bool,
    /// The rate follows what the line delivers, and records are paced; without, a fixed window.
    pub rate: bool,
    /// A fair queue with CoDel at the entry; without, one that drops what does not fit.
    pub fair: bool,
}

/// What a profile says in numbers.
#[derive(Clone, Copy, Debug)]
pub(super) struct Measures {
    /// Share of units that may be missing after parity.
    pub residual: f64,
    /// Parity for each byte of units, at most.
    pub parity: f64,
    /// How much more, or less, is mixed than what restores nine in ten lost units within a round trip.
    pub eager: f64,
    /// Whether that may be more than `parity` says, where units are few.
    pub copies: bool,
    /// How often a unit that is sent again goes out at once, while the line loses much.
    pub again: u8,
}

impl Default for Parts {
    fn default() -> Parts {
        Parts { prompt: true, parity: true, resend: true, order: true, rate: true, fair: true }
    }
}

impl Profile {
    /// Its numbers.
    pub(super) fn measures(self) -> Measures {
        match self {
            Profile::Fast => Measures { residual: 2e-4, parity: 0.5, eager: 1.3, copies: true, again: 2 },
            Profile::Balanced => Measures { residual: 1e-3, parity: 0.4, eager: 1.0, copies: true, again: 2 },
            Profile::Saving => Measures { residual: 2e-2, parity: 0.2, eager: 0.6, copies: false, again: 1 },
        }
    }
}
