//! The gRPC example: the commands that the server prints, sent with its client.

use std::process::Command;

use tollgate_tests::app::{App, GRPC_PACKAGE, executable, scratch};

/// Runs the client, and returns whether it succeeded and what it printed.
fn client(app: &App, token: Option<&str>, arguments: &[&str]) -> (bool, String) {
    let mut command = Command::new(executable("client"));
    command.env_clear().env("TOLLGATE_ADDR", app.address.to_string()).args(arguments);
    command.envs(token.map(|token| ("TOLLGATE_TOKEN", token)));
    let output = command.output().expect("the client starts");
    (output.status.success(), String::from_utf8(output.stdout).expect("UTF-8"))
}

/// Returns a token from the text that the server prints.
fn exported<'a>(app: &'a App, name: &str) -> &'a str {
    let (_, after) = app.banner.split_once(&format!("export {name}=")).expect("a token");
    after.lines().next().expect("a line")
}

#[test]
fn server_prints_commands_that_work() {
    let data = scratch("grpc");
    let app = App::start(GRPC_PACKAGE, &data, &[]);
    let (reader, writer) = (exported(&app, "READER"), exported(&app, "WRITER"));

    let rejected = |token, arguments: &[&str], expected: &str| {
        assert_eq!(client(&app, token, arguments), (false, expected.to_owned()));
    };
    let missing = "Unauthenticated: an access token is required\nwww-authenticate: Bearer realm=\"api\"\n";
    rejected(None, &["list"], missing);
    let invalid = "Unauthenticated: the access token is not valid here\n\
                   www-authenticate: Bearer realm=\"api\", error=\"invalid_token\"\n";
    let forged = format!("{reader}x");
    rejected(Some(&forged), &["list"], invalid);
    let insufficient = "PermissionDenied: the access token does not grant enough\n\
         www-authenticate: Bearer realm=\"api\", error=\"insufficient_scope\", scope=\"write:items\"\n";
    rejected(Some(reader), &["add", "pencil"], insufficient);

    let admitted = |token, arguments: &[&str], expected: &str| {
        assert_eq!(client(&app, Some(token), arguments), (true, expected.to_owned()));
    };
    admitted(reader, &["list"], "ListResponse { user: \"alice\", items: [] }\n");
    admitted(writer, &["add", "pencil"], "AddResponse { count: 1 }\n");
    admitted(reader, &["list"], "ListResponse { user: \"alice\", items: [\"pencil\"] }\n");

    #[cfg(unix)]
    assert!(app.ends_after("INT"));
    std::fs::remove_dir_all(data).expect("removed");
}
