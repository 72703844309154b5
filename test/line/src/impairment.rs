//! What one direction of a line does to what passes.

/// All of it; the default passes everything at once.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Impairment {
    /// Microseconds that every frame takes.
    pub delay: u64,
    /// Up to so many microseconds more, drawn anew for each frame; frames keep their order.
    pub jitter: u64,
    /// Share of the frames that are lost, 0–1; address resolution is spared.
    pub loss: f64,
    /// Mean number of frames that are lost in a row (Gilbert–Elliott); below 1: each by itself.
    pub burst: f64,
    /// Share of the frames that come late, overtaken by others, 0–1.
    pub late: f64,
    /// By how many microseconds.
    pub lateness: u64,
    /// Share of the frames that come twice, 0–1.
    pub duplicate: f64,
    /// Bits per second, counted over whole Ethernet frames without preamble and checksum; 0: without limit.
    pub rate: u64,
    /// What finds more than so many microseconds of others waiting for the rate is dropped.
    pub queue: u64,
}
