//! [`DemoAccount`]: an account with every scope and role of the example, to log in with.

use std::fmt;

use tollgate_sessions::accounts::passwords::{HashError, Password, PasswordVerdict};
use tollgate_sessions::accounts::users::{AddOutcome, LoginName, NewUser, StoredCredential};
use tollgate_sessions::{Accounts, RefreshKey};

use crate::environment::{self as env, SettingsError, invalid};

/// The demo account, which exists after the start.
pub(crate) struct DemoAccount {
    email: LoginName,
    password: Known,
}

/// The origin of the demo account's password.
enum Known {
    /// This process generated it and prints it once.
    New(Password),
    /// The operator set it in the environment.
    Given,
    /// An earlier or another process printed it at the first start.
    Kept,
}

const EMAIL: &str = "TOLLGATE_DEMO_EMAIL";
const DEFAULT_EMAIL: &str = "demo@tollgate.example";
const PASSWORD: &str = "TOLLGATE_DEMO_PASSWORD";

impl DemoAccount {
    /// Creates the account unless it exists. A password from the environment replaces the account's password.
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
                    AddOutcome::Added => Known::New(password),
                    // Another process created the account first, and prints its own password.
                    _ => Known::Kept,
                }
            }
        };
        Ok(Self { email, password })
    }

    /// Returns the part of the banner that names the account and the source of its password.
    pub(crate) fn introduction(&self) -> String {
        let email = &self.email;
        match &self.password {
            Known::New(password) => format!(
                "Demo account. The password is printed only this once:\n\n  email     {email}\n  password  {}\n",
                password.expose()
            ),
            Known::Given => format!("The demo account is {email}, with the password from {PASSWORD}.\n"),
            Known::Kept => format!(
                "The demo account is {email}. Its password was printed at the first start; set {PASSWORD} to change it.\n"
            ),
        }
    }

    /// Returns the body of a login request, for the curl command in the banner.
    pub(crate) fn login_body(&self) -> String {
        let password = match &self.password {
            Known::New(password) => password.expose(),
            Known::Given | Known::Kept => "PASSWORD",
        };
        format!(r#"{{"email":"{}","password":"{password}"}}"#, self.email)
    }
}

/// Hides the password, even one that was printed before.
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

/// Returns about 140 random bits, in characters that need no quoting in a shell.
fn random() -> Result<String, SettingsError> {
    let secret = RefreshKey::generate_secret().map_err(|_cause| HashError::Crypto)?;
    Ok(secret.chars().take(24).collect())
}

/// Returns the account's subject. Tokens and the log contain it, so it must not be a person's email address.
fn subject(email: &LoginName) -> Result<String, SettingsError> {
    if email.as_str() == DEFAULT_EMAIL { Ok("demo".to_owned()) } else { random() }
}

async fn add(
    accounts: &Accounts,
    email: &LoginName,
    password: &Password,
) -> Result<AddOutcome, SettingsError> {
    let hash = accounts.passwords().hash(password).await?;
    let demo = NewUser::new(subject(email)?, email.clone())
        .with_hash(hash)
        .with_scopes(["read:items", "write:items"])
        .with_roles(["admin"]);
    accounts.users().add(&demo).await.map_err(SettingsError::DemoAccount)
}

async fn replace(
    accounts: &Accounts,
    credential: &StoredCredential,
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
