//! Users in SQLite: two processes on one file, one of which is killed.

use std::io::Write as _;

use libtest_mimic::Trial;
use tollgate_sessions::{Addition, NewUser, SqliteUsers, UserStore as _};

use crate::child::Rotating;
use crate::sqlite::scratch;

pub fn trials() -> Vec<Trial> {
    vec![crate::trial("sqlite-users::two_processes_share_a_file".to_owned(), two_processes)]
}

/// What a child is to do, before the path of the file.
pub const TASK: &str = "users:";

/// Adds users until it is killed, and says of each whether it was there before.
pub fn run(path: &str) {
    let users = SqliteUsers::open(path).expect("users");
    let mut out = std::io::stdout();
    crate::runtime().block_on(async {
        for number in 0.. {
            let said = added(&users, "child", number).await;
            writeln!(out, "{said} {number}").and_then(|()| out.flush()).expect("somebody listens");
        }
    });
}

async fn added(users: &SqliteUsers, whose: &str, number: u32) -> &'static str {
    let login = format!("user-{number}").parse().expect("a login name");
    match users.add(&NewUser::new(format!("{whose}-{number}"), login)).await.expect("written") {
        Addition::Added => "added",
        other => {
            assert_eq!(other, Addition::Taken);
            "taken"
        }
    }
}

/// Both add the same names. Each is given to one of them, and stays with whoever was told so.
fn two_processes() {
    const EACH: u32 = 100;
    let path = scratch();
    let users = SqliteUsers::open(&path).expect("users");
    let mut child = Rotating::start(format!("{TASK}{}", path.display()));
    let mut said = vec![child.line().expect("it comes up")];
    crate::runtime().block_on(async {
        let mut here = Vec::new();
        for number in 0..EACH {
            here.push(added(&users, "parent", number).await);
        }
        while said.len() < here.len() {
            said.push(child.line().expect("it goes on"));
        }
        said.extend(child.kill());
        let users = SqliteUsers::open(&path).expect("it opens again");
        for (number, (there, _)) in said.iter().enumerate() {
            let here = here.get(number).copied();
            assert!(here.is_none_or(|here| here != there), "user-{number} was {there} for both");
            let owner = if there == "added" { "child" } else { "parent" };
            let login = format!("user-{number}").parse().expect("a login name");
            let found = users.find(&login).await.expect("an answer").expect("the user");
            assert_eq!(*found.user.subject, *format!("{owner}-{number}"));
        }
    });
}
