//! A number of places for what may be under way at once; a place is free again when its permit is dropped.

use crossbeam_channel::{Receiver, Sender, bounded};

/// So many places.
pub struct Permits {
    taken: Sender<()>,
    given: Receiver<()>,
}

/// A place that is taken.
pub struct Permit(Receiver<()>);

impl Permits {
    /// That many places, at least one.
    pub fn new(places: usize) -> Permits {
        let (taken, given) = bounded(places.max(1));
        Permits { taken, given }
    }

    /// Waits for a place.
    pub fn take(&self) -> Permit {
        // It can't fail: the other end of the channel is held beside it.
        let _ = self.taken.send(());
        Permit(self.given.clone())
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        let _ = self.0.try_recv();
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};

    use super::*;

    #[test]
    fn no_more_are_under_way_than_there_are_places() {
        let (permits, now, most) = (Permits::new(2), AtomicUsize::new(0), AtomicUsize::new(0));
        std::thread::scope(|scope| {
            for _ in 0..6 {
                scope.spawn(|| {
                    for _ in 0..50 {
                        let permit = permits.take();
                        most.fetch_max(now.fetch_add(1, SeqCst) + 1, SeqCst);
                        std::thread::yield_now();
                        now.fetch_sub(1, SeqCst);
                        drop(permit);
                    }
                });
            }
        });
        assert!((1..=2).contains(&most.load(SeqCst)), "{most:?}");
    }
}
