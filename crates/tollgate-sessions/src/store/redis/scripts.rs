//! What the server does in one step. Every script has one key, so that all of them run on a cluster too.

use std::sync::LazyLock;

use redis::{Cmd, Script, cmd};

/// A script, and the hash that the server knows it by.
pub(super) struct Known {
    code: &'static str,
    hash: LazyLock<String>,
    /// Whether it may change anything.
    pub(super) writes: bool,
}

impl Known {
    /// Asks for it by its hash.
    pub(super) fn by_hash(&self, key: &str) -> Cmd {
        let mut command = cmd("EVALSHA");
        command.arg(&**self.hash).arg(1).arg(key);
        command
    }

    /// Brings it along, for a server that does not know it yet.
    pub(super) fn in_full(&self, key: &str) -> Cmd {
        let mut command = cmd("EVAL");
        command.arg(self.code).arg(1).arg(key);
        command
    }
}

macro_rules! scripts {
    ($($(#[$doc:meta])* $name:ident = $file:literal, writes: $writes:literal;)*) => {$(
        $(#[$doc])*
        pub(super) static $name: Known = {
            const CODE: &str = concat!(include_str!("lua/prelude.lua"), include_str!(concat!("lua/", $file)));
            Known { code: CODE, hash: LazyLock::new(|| Script::new(CODE).get_hash().to_owned()), writes: $writes }
        };
    )*};
}

scripts! {
    CREATE = "create.lua", writes: true;
    ROTATE = "rotate.lua", writes: true;
    END = "end.lua", writes: true;
    CONFIRM = "confirm.lua", writes: true;
    SUPERSEDE = "supersede.lua", writes: true;
    RESTAMP = "restamp.lua", writes: true;
    DRAW = "draw.lua", writes: true;
    RAISE = "raise.lua", writes: true;
    RAISE_ALL = "raise_all.lua", writes: true;
    ENLIST = "enlist.lua", writes: true;
    ANNOUNCE = "announce.lua", writes: true;
    TRIM = "trim.lua", writes: true;
    PAGE = "page.lua", writes: false;
}
