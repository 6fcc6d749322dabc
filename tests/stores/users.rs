//! Users in SQLite: two processes on one file, one of which gets killed.

use std::io::Write as _;

use libtest_mimic::Trial;
use tollgate_sessions::SqliteUsers;
use tollgate_sessions::accounts::users::{AddOutcome, NewUser, UserStore as _};

use crate::child::Rotating;
use crate::sqlite::scratch;

pub fn trials() -> Vec<Trial> {
    vec![crate::trial("sqlite-users::two_processes_share_a_file".to_owned(), two_processes_share_a_file)]
}

/// The prefix of a child's task. The path of the file follows.
pub const TASK: &str = "users:";

/// Adds users until the process is killed, and prints for each whether its name was taken.
pub fn run(path: &str) {
    let users = SqliteUsers::open(path).expect("users");
    let mut out = std::io::stdout();
    crate::runtime().block_on(async {
        for number in 0.. {
            let said = added(&users, "child", number).await;
            writeln!(out, "{said} {number}").and_then(|()| out.flush()).expect("the parent reads");
        }
    });
}

async fn added(users: &SqliteUsers, subject: &str, number: u32) -> &'static str {
    let login = format!("user-{number}").parse().expect("a login name");
    match users.add(&NewUser::new(format!("{subject}-{number}"), login)).await.expect("written") {
        AddOutcome::Added => "added",
        other => {
            assert_eq!(other, AddOutcome::Taken);
            "taken"
        }
    }
}

/// Both processes add the same names. Each name goes to exactly one of them and stays with it after the kill.
fn two_processes_share_a_file() {
    const EACH: u32 = 100;
    let path = scratch();
    let users = SqliteUsers::open(&path).expect("users");
    let mut child = Rotating::start(format!("{TASK}{}", path.display()));
    let mut said = vec![child.line().expect("the child starts")];

    crate::runtime().block_on(async {
        let mut here = Vec::new();
        for number in 0..EACH {
            here.push(added(&users, "parent", number).await);
        }

        while said.len() < here.len() {
            said.push(child.line().expect("the child keeps running"));
        }

        said.extend(child.kill());
        let users = SqliteUsers::open(&path).expect("the file reopens");
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
