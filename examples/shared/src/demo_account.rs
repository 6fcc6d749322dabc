//! [`DemoAccount`]: somebody who may do everything here, to log in as.

use std::fmt;

use tollgate_sessions::{
    Accounts, Addition, Credential, HashError, LoginName, NewUser, Password, PasswordVerdict, RefreshKey,
};

use crate::environment::{self as env, SettingsError, invalid};

/// The demo account, which is there after the start.
pub(crate) struct DemoAccount {
    email: LoginName,
    password: Known,
}

/// Who knows its password.
enum Known {
    /// It was made just now, and is printed once.
    New(Password),
    /// Whoever has set it.
    Given,
    /// Whoever has seen the first start.
    Kept,
}

const EMAIL: &str = "TOLLGATE_DEMO_EMAIL";
const DEFAULT_EMAIL: &str = "demo@tollgate.example";
const PASSWORD: &str = "TOLLGATE_DEMO_PASSWORD";

impl DemoAccount {
    /// Makes the account, unless it is there. A password that was given is its password from then on.
    pub(crate) async fn ensure(accounts: &Accounts) -> Result<Self, SettingsError> {
        let email: LoginName = env::text(EMAIL, DEFAULT_EMAIL)?
            .parse()
            .map_err(|error| invalid(EMAIL, format!("cannot be used: {error}")))?;
        let given = given_password()?;
        let users = accounts.users();
        let found = users.find(&email).await.map_err(SettingsError::DemoAccount)?;
        let password = match (found, given) {
            (Some(_), None) => Known::Kept,
            (Some(credential), Some(password)) => {
                replace(accounts, &credential, &password).await?;
                Known::Given
            }
            (None, Some(password)) => {
                add(accounts, &email, &password).await?;
                Known::Given
            }
            (None, None) => {
                let password = Password::new(random()?).map_err(|_cause| HashError::Crypto)?;
                match add(accounts, &email, &password).await? {
                    Addition::Added => Known::New(password),
                    // Another process was faster, and prints its own.
                    _ => Known::Kept,
                }
            }
        };
        Ok(Self { email, password })
    }

    /// Who to log in as.
    pub(crate) fn introduction(&self) -> String {
        let email = &self.email;
        match &self.password {
            Known::New(password) => format!(
                "The demo account; its password is not printed again:\n\n  email     {email}\n  password  {}\n",
                password.expose()
            ),
            Known::Given => format!("The demo account is {email}, with the password of {PASSWORD}.\n"),
            Known::Kept => format!(
                "The demo account is {email}. Its password was printed at the first start; {PASSWORD} sets another.\n"
            ),
        }
    }

    /// The body of a login, for a line to try.
    pub(crate) fn login_body(&self) -> String {
        let password = match &self.password {
            Known::New(password) => password.expose(),
            Known::Given | Known::Kept => "PASSWORD",
        };
        format!(r#"{{"email":"{}","password":"{password}"}}"#, self.email)
    }
}

/// A password that was printed is no reason to print it again.
impl fmt::Debug for DemoAccount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DemoAccount").field("email", &self.email).finish_non_exhaustive()
    }
}

fn given_password() -> Result<Option<Password>, SettingsError> {
    if !env::is_set(PASSWORD) {
        return Ok(None);
    }
    let password = Password::new(env::text(PASSWORD, "")?);
    password.map(Some).map_err(|error| invalid(PASSWORD, format!("cannot be used: {error}")))
}

/// Some 140 random bits, in letters that a shell leaves alone.
fn random() -> Result<String, SettingsError> {
    let secret = RefreshKey::generate_secret().map_err(|_cause| HashError::Crypto)?;
    Ok(secret.chars().take(24).collect())
}

/// What names the account in tokens and in the log, so it must not be the address of a person.
fn subject(email: &LoginName) -> Result<String, SettingsError> {
    if email.as_str() == DEFAULT_EMAIL { Ok("demo".to_owned()) } else { random() }
}

async fn add(accounts: &Accounts, email: &LoginName, password: &Password) -> Result<Addition, SettingsError> {
    let hash = accounts.passwords().hash(password).await?;
    let demo = NewUser::new(subject(email)?, email.clone())
        .with_hash(hash)
        .with_scopes(["read:items", "write:items"])
        .with_roles(["admin"]);
    accounts.users().add(&demo).await.map_err(SettingsError::DemoAccount)
}

async fn replace(
    accounts: &Accounts,
    credential: &Credential,
    password: &Password,
) -> Result<(), SettingsError> {
    let passwords = accounts.passwords();
    let verdict = passwords.verify(credential.hash.as_ref(), password).await.map_err(HashError::from)?;
    if let (PasswordVerdict::Wrong, Some(old)) = (verdict, &credential.hash) {
        let new = passwords.hash(password).await?;
        let replaced = accounts.users().replace_hash(&credential.user.subject, old, &new).await;
        replaced.map_err(SettingsError::DemoAccount)?;
    }
    Ok(())
}
