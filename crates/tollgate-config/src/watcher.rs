//! [`ConfigWatcher`]: replaces the gate when the configuration changes.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use arc_swap::ArcSwap;
use tollgate::{ConfigError, Gate, GateHandle};

use crate::build::Built;
use crate::config::Config;
use crate::error::DocumentError;

/// Reads a configuration again on demand, and replaces its gates while requests run. Cheap to clone.
///
/// [`reload`](Self::reload) reads and builds everything first: files, keys, policies, and the first fetch of new remote
/// keys. Only then it replaces the gates, which drops no request. If anything is wrong, the gates stay as they are.
/// Remote keys whose settings are unchanged are taken over, and not fetched again. Settings of sessions need a restart.
///
/// ```no_run
/// use tollgate_config::{ConfigWatcher, Document};
///
/// # async fn serve(_: tollgate::Gate) {}
/// # async fn run() -> Result<(), tollgate_config::DocumentError> {
/// let read = || Document::from_file("tollgate.toml")?.with_environment("TOLLGATE")?.config();
/// let watcher = ConfigWatcher::start(read).await?;
/// let gate = watcher.gate(); // for the layer; it follows every reload
/// // On a signal, or when the file changes:
/// if watcher.reload().await.is_err() {
///     // The log has the error. The previous gate stays in use.
/// }
/// # serve(gate).await; Ok(()) }
/// ```
#[derive(Clone)]
pub struct ConfigWatcher(Arc<Inner>);

struct Inner {
    read: Box<dyn Fn() -> Result<Config, DocumentError> + Send + Sync>,
    current: ArcSwap<Built>,
    gate: Gate,
    handle: GateHandle,
    variants: Mutex<Vec<Variant>>,
    /// Held during a reload, so that the last reload decides.
    reloading: tokio::sync::Mutex<()>,
}

type Make = Arc<dyn Fn(&Built) -> Result<Gate, ConfigError> + Send + Sync>;

/// A gate that differs from that of the document.
struct Variant {
    make: Make,
    handle: GateHandle,
}

impl ConfigWatcher {
    /// Reads and builds the configuration for the first time. `read` is called again for each reload.
    ///
    /// # Errors
    /// The error of `read`, and those of [`Config::build`].
    pub async fn start(
        read: impl Fn() -> Result<Config, DocumentError> + Send + Sync + 'static,
    ) -> Result<Self, DocumentError> {
        let built = read()?.build().await?;
        let (gate, handle) = built.gate().clone().replaceable();
        Ok(Self(Arc::new(Inner {
            read: Box::new(read),
            current: ArcSwap::from_pointee(built),
            gate,
            handle,
            variants: Mutex::default(),
            reloading: tokio::sync::Mutex::default(),
        })))
    }

    /// Returns the gate of the document. It and its clones follow every reload.
    #[must_use]
    pub fn gate(&self) -> Gate {
        self.0.gate.clone()
    }

    /// Returns the gate of the document with a change that the application makes, such as a check of revocations or
    /// an optional token. `change` is called again for each reload, so the gate and its clones follow it. It must not
    /// call the watcher.
    ///
    /// # Errors
    /// The error of `change`.
    pub fn gate_with(
        &self,
        change: impl Fn(Gate) -> Result<Gate, ConfigError> + Send + Sync + 'static,
    ) -> Result<Gate, ConfigError> {
        self.variant(Arc::new(move |built| change(built.gate().clone())))
    }

    /// Returns a gate for routes that require the policy with this name, in addition to the policy of the gate. It and
    /// its clones follow every reload, also in the scopes that a challenge names. A reload of a document without the
    /// policy fails.
    ///
    /// # Errors
    /// [`ConfigError::Conflict`] when the document has no such policy.
    pub fn gate_with_policy(&self, name: impl Into<Box<str>>) -> Result<Gate, ConfigError> {
        let name = name.into();
        self.variant(Arc::new(move |built| {
            let policy = built.policy(&name).cloned();
            let policy =
                policy.ok_or(ConfigError::Conflict("the document lacks a policy that routes require"))?;
            let policy =
                built.gate_policy().map_or_else(|| policy.clone(), |own| own.clone() & policy.clone());
            Ok(built.gate().clone().with_policy(policy))
        }))
    }

    fn variant(&self, make: Make) -> Result<Gate, ConfigError> {
        let mut variants = self.0.variants.lock().unwrap_or_else(PoisonError::into_inner);
        // With the lock, so that a reload either replaces the variant, or the variant is made from what it has built.
        let (gate, handle) = make(&self.0.current.load())?.replaceable();
        variants.push(Variant { make, handle });
        Ok(gate)
    }

    /// Returns what was built last.
    #[must_use]
    pub fn current(&self) -> Arc<Built> {
        self.0.current.load_full()
    }

    /// Reads and builds the configuration again, and replaces the gates if all of it is good. Logs the outcome.
    ///
    /// # Errors
    /// The error of reading or building. The gates are unchanged then.
    pub async fn reload(&self) -> Result<(), DocumentError> {
        let _one_at_a_time = self.0.reloading.lock().await;
        match self.try_reload().await {
            Ok(()) => {
                tracing::info!("the configuration was reloaded");
                Ok(())
            }
            Err(error) => {
                let error_with_causes = with_causes(&error);
                tracing::error!(
                    error = error_with_causes,
                    "the configuration cannot be reloaded; the gate is unchanged"
                );
                Err(error)
            }
        }
    }

    async fn try_reload(&self) -> Result<(), DocumentError> {
        let config = (self.0.read)()?;
        let built = config.rebuild(&self.current()).await?;
        self.replace(built).map_err(|error| config.refused(error))
    }

    /// Makes all variants first, and then replaces the gates.
    fn replace(&self, built: Built) -> Result<(), ConfigError> {
        let variants = self.0.variants.lock().unwrap_or_else(PoisonError::into_inner);
        let changed = variants.iter().map(|variant| (variant.make)(&built));
        let changed: Vec<Gate> = changed.collect::<Result<_, _>>()?;
        self.0.handle.replace(built.gate().clone());
        for (variant, gate) in variants.iter().zip(changed) {
            variant.handle.replace(gate);
        }
        self.0.current.store(Arc::new(built));
        Ok(())
    }
}

/// Returns the error and its causes on one line.
fn with_causes(error: &DocumentError) -> String {
    let mut text = error.to_string();
    let mut source = std::error::Error::source(error);
    while let Some(cause) = source {
        text.push_str(": ");
        text.push_str(&cause.to_string());
        source = cause.source();
    }
    text
}

impl fmt::Debug for ConfigWatcher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ConfigWatcher").field("current", &self.0.current.load()).finish_non_exhaustive()
    }
}
