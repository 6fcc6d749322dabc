//! [`Task`]: one hash to compute, and [`Buffer`]: its memory.

use std::sync::Arc;

use argon2::{Argon2, Block};
use zeroize::{Zeroize as _, Zeroizing};

use super::password::Password;
use super::phc::Stored;
use crate::support::Counter;

/// The output of the hash function.
pub(super) type Tag = Zeroizing<Vec<u8>>;

/// A hash to compute.
pub(super) struct Task {
    pub(super) password: Password,
    pub(super) secret: Zeroizing<Vec<u8>>,
    /// The parameters. The length of its tag is the length of the output.
    pub(super) like: Stored,
}

impl Task {
    /// Computes the tag. Returns `None` when there is not enough memory.
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

/// The memory for a hash. It is wiped after each hash.
pub(super) struct Buffer {
    blocks: Vec<Block>,
    /// The number of buffers that were allocated.
    made: Arc<Counter>,
}

impl Buffer {
    /// Allocates a buffer. Returns `None` when the operating system has not enough memory.
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

    /// Lends `count` blocks to `work`: its own, or a larger buffer that is allocated for this call.
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
    fn buffer_is_wiped_after_each_use() {
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
            assert_eq!(buffer.blocks.len(), 8, "the buffer does not grow");
        }
    }
}
