//! Windows: Wintun's rings for the interface; UDP by what other systems use as well.

pub mod device;
pub mod pair;
pub mod tun;
pub mod waker;
