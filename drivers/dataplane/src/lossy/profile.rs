//! How eager a link is.

/// What the user prefers: short delays or little traffic.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Profile {
    /// More parity, for games and calls.
    Fast,
    /// What suits most.
    #[default]
    Balanced,
    /// Little parity; what is lost is rather sent again.
    Saving,
}
