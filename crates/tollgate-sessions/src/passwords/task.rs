//! [`Task`]: one hash to be computed, and [`Buffer`]: the memory it takes.

use argon2::{Argon2, Block};
use zeroize::{Zeroize as _, Zeroizing};

use super::password::Password;
use super::phc::Stored;
use super::pool::Tag;

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
pub(super) struct Buffer(Vec<Block>);

impl Buffer {
    /// `None` when the system does not have that much.
    pub(super) fn of_kib(kib: u32) -> Option<Self> {
        Self::of_blocks(usize::try_from(kib).ok()?)
    }

    fn of_blocks(count: usize) -> Option<Self> {
        let mut blocks = Vec::new();
        blocks.try_reserve_exact(count).ok()?;
        blocks.resize(count, Block::new());
        Some(Self(blocks))
    }

    pub(super) fn holds(&self, task: &Task) -> bool {
        usize::try_from(task.like.cost.memory_kib()).is_ok_and(|blocks| blocks <= self.0.len())
    }

    /// Lends `count` blocks: its own, or others for this once.
    fn lend<T>(&mut self, count: usize, work: impl FnOnce(&mut [Block]) -> T) -> Option<T> {
        let mut larger;
        let blocks = match self.0.get_mut(..count) {
            Some(blocks) => blocks,
            None => {
                larger = Self::of_blocks(count)?;
                larger.0.as_mut_slice()
            }
        };
        let outcome = work(blocks);
        for block in blocks {
            block.zeroize();
        }
        Some(outcome)
    }
}
