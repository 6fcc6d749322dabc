//! [`Task`]: one hash to be computed, and [`Buffer`]: the memory it takes.

use std::sync::Arc;

use argon2::{Argon2, Block};
use zeroize::{Zeroize as _, Zeroizing};

use super::password::Password;
use super::phc::Stored;
use crate::support::Counter;

/// What comes out of a hash.
pub(super) type Tag = Zeroizing<Vec<u8>>;

/// A hash to be computed.
pub(super) struct Task {
    pub(super) password: Password,
    pub(super) secret: Zeroizing<Vec<u8>>,
    /// Its tag says how long the answer is to be.
    pub(super) like: Stored,
}

impl Task {
    /// `None` when there is no memory for it.
    pub(super) fn compute(&self, buffer: &mut Buffer) -> Option<Tag> {
        let like = &self.like;
        let mut tag = Zeroizing::new(vec![0; like.tag.len()]);
        let params = like.cost.params(tag.len())?;
        let blocks = params.block_count();
        let argon = Argon2::new_with_secret(&self.secret, like.algorithm, like.version, params).ok()?;
        buffer.lend(blocks, |memory| {
            argon
                .hash_password_into_with_memory(
                    self.password.expose().as_bytes(),
                    &like.salt,
                    &mut tag,
                    memory,
                )
                .ok()
        })??;
        Some(tag)
    }
}

/// Memory for a hash. It is wiped after each.
pub(super) struct Buffer {
    blocks: Vec<Block>,
    /// Counts how many are made.
    made: Arc<Counter>,
}

impl Buffer {
    /// `None` when the system does not have that much.
    pub(super) fn of_kib(kib: u32, made: Arc<Counter>) -> Option<Self> {
        Self::of_blocks(usize::try_from(kib).ok()?, made)
    }

    fn of_blocks(count: usize, made: Arc<Counter>) -> Option<Self> {
        let mut blocks = Vec::new();
        blocks.try_reserve_exact(count).ok()?;
        blocks.resize(count, Block::new());
        made.count();
        Some(Self { blocks, made })
    }

    /// Lends `count` blocks: its own, or others for this once.
    fn lend<T>(&mut self, count: usize, work: impl FnOnce(&mut [Block]) -> T) -> Option<T> {
        let mut larger;
        let blocks = match self.blocks.get_mut(..count) {
            Some(blocks) => blocks,
            None => {
                larger = Self::of_blocks(count, Arc::clone(&self.made))?;
                larger.blocks.as_mut_slice()
            }
        };
        let outcome = work(blocks);
        for block in blocks {
            block.zeroize();
        }
        Some(outcome)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_is_lent_and_wiped() {
        let made = Arc::new(Counter::default());
        let mut buffer = Buffer::of_kib(8, Arc::clone(&made)).unwrap();
        for (count, buffers) in [(8, 1), (5, 1), (9, 2), (8, 2)] {
            let lent = buffer.lend(count, |blocks| {
                let clean = blocks.iter().all(|block| block.as_ref().iter().all(|word| *word == 0));
                for block in &mut *blocks {
                    block.as_mut().fill(7);
                }
                clean.then_some(blocks.len())
            });
            assert_eq!(lent, Some(Some(count)));
            assert_eq!(made.get(), buffers);
            assert_eq!(buffer.blocks.len(), 8, "it does not grow");
        }
    }
}
