//! Ethernet frames, each behind the header in which the kernel says what it has left undone (virtio-net).

/// One frame in a place of its own, which is used again.
pub struct Frame {
    pub bytes: Box<[u8; SIZE]>,
    /// Bytes that are filled, the header before the frame among them.
    pub length: usize,
}

impl Frame {
    /// Bytes on the line.
    pub fn on_line(&self) -> usize {
        self.length.saturating_sub(HEADER)
    }

    /// Whether it carries IP, not address resolution or the like.
    pub fn is_ip(&self) -> bool {
        let kind = [self.bytes[HEADER + 12], self.bytes[HEADER + 13]];
        kind == [0x08, 0x00] || kind == [0x86, 0xdd]
    }
}

/// Frames that are not in use.
#[derive(Default)]
pub struct Pool(Vec<Frame>);

impl Pool {
    pub fn take(&mut self) -> Frame {
        self.0.pop().unwrap_or_else(|| Frame { bytes: Box::new([0; SIZE]), length: 0 })
    }

    pub fn give(&mut self, frame: Frame) {
        self.0.push(frame);
    }
}

/// Of the kernel's header (`struct virtio_net_hdr`).
pub const HEADER: usize = 10;
/// Room for the largest frame of an ordinary Ethernet, and its header.
pub const SIZE: usize = 2048;
