//! [`GateHandle`]: replaces a gate while requests run.

use std::sync::Arc;

use arc_swap::ArcSwap;

use super::Gate;

/// Replaces a [`Gate`] in place, for changes of keys, issuers, policies or sources while the service runs.
/// [`Gate::replaceable`] returns it. Cheap to clone.
#[derive(Clone, Debug)]
pub struct GateHandle(Arc<Slot>);

/// The gate that the clones of a replaceable gate use.
#[derive(Debug)]
pub(super) struct Slot(ArcSwap<Gate>);

impl Gate {
    /// Makes this gate replaceable: the returned gate and its clones, in every layer that they were given to, then use
    /// the gate that [`GateHandle::replace`] has set last.
    ///
    /// Each request is decided by one gate. Its token is verified again, because each gate has a cache of its own. The
    /// `with_*` methods of the returned gate change a copy, which is not replaceable.
    ///
    /// ```
    /// # fn serve(_: tollgate::Gate) {}
    /// # fn build(gate: tollgate::Gate, changed: tollgate::Gate) {
    /// let (gate, handle) = gate.replaceable();
    /// serve(gate);
    /// // Later, for example when the configuration changes:
    /// handle.replace(changed);
    /// # }
    /// ```
    #[must_use]
    pub fn replaceable(self) -> (Self, GateHandle) {
        let current = self.settled();
        let handle = GateHandle(Arc::new(Slot(ArcSwap::from_pointee(current.clone()))));
        let gate = current.change(|inner| inner.slot = Some(Arc::clone(&handle.0)));
        (gate, handle)
    }

    /// Returns the current gate, which is not replaced.
    pub(super) fn settled(self) -> Self {
        match &self.0.slot {
            Some(slot) => slot.current(),
            None => self,
        }
    }
}

impl GateHandle {
    /// Replaces the gate. Requests that come from now on are decided by `gate`. This neither waits for requests nor
    /// drops one.
    ///
    /// A request that waits for keys is decided by the new gate. Build the new gate with keys that have been fetched.
    pub fn replace(&self, gate: Gate) {
        self.0.0.store(Arc::new(gate.settled()));
    }

    /// Returns the gate that decides at present. It is not replaceable.
    #[must_use]
    pub fn current(&self) -> Gate {
        self.0.current()
    }
}

impl Slot {
    fn current(&self) -> Gate {
        Gate::clone(&self.0.load())
    }

    /// Calls `read` with the current gate. It neither locks nor waits.
    pub(super) fn with<T>(&self, read: impl FnOnce(&Gate) -> T) -> T {
        read(&self.0.load())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::adapter::Decision;
    use crate::request::testing::FakeRequest;
    use crate::testing::{NOW, token, verifier};
    use crate::{Policy, TokenSource};

    fn admits(gate: &Gate) -> bool {
        let value = format!("Bearer {}", token(r#""scope":"a""#));
        let request = FakeRequest::get("/").header("authorization", value.as_bytes());
        matches!(gate.admit(&request, NOW), Decision::Admitted(_))
    }

    #[test]
    fn all_clones_use_the_gate_that_was_set_last() {
        let (gate, handle) = Gate::new(verifier()).with_policy(Policy::scope("a")).replaceable();
        let clone = gate.clone();
        assert!(admits(&gate) && admits(&clone));
        handle.replace(Gate::new(verifier()).with_policy(Policy::scope("b")));
        assert!(!admits(&gate) && !admits(&clone) && !admits(&handle.current()));
        handle.replace(Gate::new(verifier()).with_sources([TokenSource::cookie("at").unwrap()]).unwrap());
        assert!(gate.reads_cookie("at") && !gate.needs_headers_only());
    }

    #[test]
    fn gate_can_be_replaced_by_a_replaceable_one() {
        let (gate, handle) = Gate::new(verifier()).replaceable();
        handle.replace(gate.clone());
        assert!(admits(&gate), "not an endless chain");
        let (other, _) = gate.clone().replaceable();
        handle.replace(other);
        assert!(admits(&gate));
    }

    #[test]
    fn changed_copy_is_not_replaced() {
        let (gate, handle) = Gate::new(verifier()).replaceable();
        let copy = gate.clone().with_realm("other").unwrap();
        handle.replace(Gate::new(verifier()).with_policy(Policy::scope("b")));
        assert!(admits(&copy) && !admits(&gate));
    }
}
