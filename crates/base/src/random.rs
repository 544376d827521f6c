//! Randomness: from the system, or from a seed in tests.

use rand::{Rng, SeedableRng, TryRng, rngs::ChaCha12Rng, rngs::SysRng};
use std::sync::{Arc, Mutex, PoisonError};

/// A cryptographic generator behind a lock. Cheap to clone; clones share it.
#[derive(Clone, Debug)]
pub struct Entropy(Arc<Mutex<ChaCha12Rng>>);

impl Entropy {
    /// Seeded by the operating system, which must have randomness to give.
    pub fn system() -> Entropy {
        let mut seed = [0; 32];
        SysRng
            .try_fill_bytes(&mut seed)
            .expect("the operating system gives randomness");
        Entropy(Arc::new(Mutex::new(ChaCha12Rng::from_seed(seed))))
    }

    /// The same bytes for the same seed: for tests alone.
    pub fn seeded(seed: u64) -> Entropy {
        Entropy(Arc::new(Mutex::new(ChaCha12Rng::seed_from_u64(seed))))
    }

    pub fn fill(&self, bytes: &mut [u8]) {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .fill_bytes(bytes);
    }

    pub fn bytes<const N: usize>(&self) -> [u8; N] {
        let mut bytes = [0; N];
        self.fill(&mut bytes);
        bytes
    }

    /// Evenly from 0 up to, not including, `end`.
    pub fn below(&self, end: u64) -> u64 {
        assert!(end > 0, "nothing lies below zero");
        ((u128::from(u64::from_le_bytes(self.bytes())) * u128::from(end)) >> 64) as u64
    }
}
