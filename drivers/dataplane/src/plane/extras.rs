//! The extra sockets of this process, by their numbers.

use super::port::Port;
use arc_swap::ArcSwap;
use std::collections::HashMap;
use std::io;
use std::num::NonZeroU32;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

/// Read for every path that goes by an extra socket; changed when punching begins and ends.
#[derive(Default)]
pub struct Extras {
    ports: ArcSwap<HashMap<NonZeroU32, Arc<Port>>>,
    last: AtomicU32,
}

impl Extras {
    pub fn find(&self, number: NonZeroU32) -> Option<Arc<Port>> {
        self.ports.load().get(&number).cloned()
    }

    /// Opens up to `count` sockets beside `main`: fewer where the system gives no more, an error where it gives none.
    pub fn open(&self, main: &Port, count: usize) -> io::Result<Vec<(NonZeroU32, Arc<Port>)>> {
        let mut opened = Vec::with_capacity(count);
        while opened.len() < count {
            let number = self.last.fetch_add(1, Ordering::Relaxed).wrapping_add(1);
            let Some(number) = NonZeroU32::new(number) else { continue };
            match Port::extra(main, number) {
                Ok(port) => opened.push((number, Arc::new(port))),
                Err(error) if opened.is_empty() => return Err(error),
                Err(_) => break,
            }
        }
        self.change(|ports| ports.extend(opened.iter().cloned()));
        Ok(opened)
    }

    #[cfg(test)]
    pub fn count(&self) -> usize {
        self.ports.load().len()
    }

    /// Closes them; their numbers are not used again.
    pub fn close(&self, numbers: &[NonZeroU32]) {
        for number in numbers {
            if let Some(port) = self.find(*number) {
                port.close();
            }
        }
        if !numbers.is_empty() {
            self.change(|ports| numbers.iter().for_each(|number| drop(ports.remove(number))));
        }
    }

    fn change(&self, change: impl Fn(&mut HashMap<NonZeroU32, Arc<Port>>)) {
        self.ports.rcu(|ports| {
            let mut changed = HashMap::clone(ports);
            change(&mut changed);
            changed
        });
    }
}
