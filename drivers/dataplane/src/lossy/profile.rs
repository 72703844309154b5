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
    /// Parity over blocks, and second copies of sparse units.
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
    /// Whether sparse units are sent twice.
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
            Profile::Fast => Measures { residual: 2e-4, parity: 0.5, copies: true, again: 2 },
            Profile::Balanced => Measures { residual: 1e-3, parity: 0.4, copies: true, again: 2 },
            Profile::Saving => Measures { residual: 2e-2, parity: 0.2, copies: false, again: 1 },
        }
    }
}
