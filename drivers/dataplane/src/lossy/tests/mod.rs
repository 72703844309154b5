//! The link on simulated lines: figures, endurance, and what others may send.

mod cable;
mod figures;
mod hostile;
mod line;
mod parts;
mod tcp;
mod trouble;
mod world;
