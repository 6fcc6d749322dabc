//! The scripts. The server runs each of them as one atomic step. Each has one key, as a cluster requires.

use std::sync::LazyLock;

use redis::{Cmd, Script, cmd};

/// A script, and its hash.
pub(super) struct ServerScript {
    code: &'static str,
    hash: LazyLock<String>,
    /// Whether the script may write.
    pub(super) writes: bool,
}

impl ServerScript {
    /// Returns the command that runs the script by its hash.
    pub(super) fn by_hash(&self, key: &str) -> Cmd {
        let mut command = cmd("EVALSHA");
        command.arg(&**self.hash).arg(1).arg(key);
        command
    }

    /// Returns the command that also sends the script, for a server that has not cached it.
    pub(super) fn in_full(&self, key: &str) -> Cmd {
        let mut command = cmd("EVAL");
        command.arg(self.code).arg(1).arg(key);
        command
    }
}

macro_rules! scripts {
    ($($(#[$doc:meta])* $name:ident = $file:literal, writes: $writes:literal;)*) => {$(
        $(#[$doc])*
        pub(super) static $name: ServerScript = {
            const CODE: &str = concat!(include_str!("lua/prelude.lua"), include_str!(concat!("lua/", $file)));
            ServerScript { code: CODE, hash: LazyLock::new(|| Script::new(CODE).get_hash().to_owned()), writes: $writes }
        };
    )*};
}

scripts! {
    CREATE = "create.lua", writes: true;
    ROTATE = "rotate.lua", writes: true;
    REVOKE = "revoke.lua", writes: true;
    MARK_ANNOUNCED = "mark_announced.lua", writes: true;
    SUPERSEDE_REUSE = "supersede_reuse.lua", writes: true;
    KEEP_SESSION = "keep_session.lua", writes: true;
    DRAW_EPOCH = "draw_epoch.lua", writes: true;
    RAISE_EPOCH = "raise_epoch.lua", writes: true;
    RAISE_GLOBAL_EPOCH = "raise_global_epoch.lua", writes: true;
    INDEX_SESSION = "index_session.lua", writes: true;
    ANNOUNCE = "announce.lua", writes: true;
    TRIM = "trim.lua", writes: true;
    PAGE = "page.lua", writes: false;
}
