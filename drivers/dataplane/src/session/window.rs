//! Replay window of one lane (after RFC 6479): the last 65,536 sequence numbers.

/// Numbers seen, in a ring of words; one word more than the window, so that moving on clears whole words.
pub(crate) struct Window {
    highest: u64,
    words: Box<[u64; WORDS]>,
}

impl Window {
    pub(crate) fn new() -> Window {
        Window { highest: 0, words: Box::new([0; WORDS]) }
    }

    /// Takes a number that is authentic; false when it was seen or is older than the window.
    #[inline]
    pub(crate) fn accept(&mut self, number: u64) -> bool {
        if number > self.highest {
            self.advance(number);
        } else if self.highest - number >= SIZE {
            return false;
        }
        let word = &mut self.words[(number / 64 % WORDS as u64) as usize];
        let bit = 1 << (number % 64);
        let fresh = *word & bit == 0;
        *word |= bit;
        fresh
    }

    #[inline]
    fn advance(&mut self, number: u64) {
        let (from, to) = (self.highest / 64, number / 64);
        let steps = (to - from).min(WORDS as u64);
        for step in 0..steps {
            self.words[((to - step) % WORDS as u64) as usize] = 0;
        }
        self.highest = number;
    }
}

/// Width of the window.
pub(super) const SIZE: u64 = 65_536;
const WORDS: usize = SIZE as usize / 64 + 1;
