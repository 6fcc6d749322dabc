//! The same operations on the store and on the one in memory, whose decisions are [`decide`](tollgate_sessions::decide).

use super::*;

pub(super) async fn agrees_with_the_model(under: StoreUnderTest) {
    let model = StoreUnderTest::memory(under.clock.clone());
    let mut random = Random(0x9e37_79b9_7f4a_7c15);
    let mut sessions = Vec::new();
    for step in 0..600 {
        under.clock.set(under.clock.now().saturating_add(Duration::from_millis(random.below(9_000))));
        if sessions.len() < 4 || random.below(12) == 0 {
            let new = under.unborn(if random.below(2) == 0 { "alice" } else { "bob" });
            under.store.create(&new).await.unwrap();
            model.store.create(&new).await.unwrap();
            sessions.push((new, 0_u32));
            continue;
        }
        let recent = sessions.len().min(6);
        let index = sessions.len() - 1 - usize::try_from(random.below(6)).unwrap() % recent;
        let (session, generation) = sessions.get_mut(index).unwrap();
        match random.below(40) {
            0 => assert_eq!(under.logout(session).await.changed, model.logout(session).await.changed),
            1 => {
                under.logout_everywhere(&session.subject).await;
                model.logout_everywhere(&session.subject).await;
            }
            2 => {
                let subject = session.subject.clone();
                let scope = RevokeScope::Subject { subject, keep: Some(session.session) };
                under.revoke(scope.clone()).await;
                model.revoke(scope).await;
            }
            3 => under.clock.set(under.clock.now().saturating_sub(HOUR)),
            4 => {
                under.store.purge(20).await.unwrap();
            }
            kind => {
                let presented = match kind {
                    5 => *generation + 2,
                    6 => generation.saturating_sub(2),
                    7..16 => generation.saturating_sub(1),
                    _ => *generation,
                };
                let mut policy = RotationPolicy::default();
                if kind % 2 == 0 {
                    policy = policy.with_recovery(HOUR);
                }
                let command = Rotate { policy, ..rotate(session, presented) };
                let (one, two) = (
                    under.store.rotate(&command).await.unwrap(),
                    model.store.rotate(&command).await.unwrap(),
                );
                if let Rotation::Live(renewed) = &two {
                    *generation = renewed.session.generation;
                }
                assert_eq!(normal(&one), normal(&two), "step {step}: {command:?}");
            }
        }
        let (here, there) = (under.list("alice").await, model.list("alice").await);
        assert_eq!(generations(here), generations(there), "step {step}");
    }
}

/// A store may have forgotten a session that is over.
fn normal(rotation: &Rotation) -> String {
    match rotation {
        Rotation::Live(renewed) => format!("{:?} {}", renewed.kind, renewed.session.generation),
        Rotation::Reuse(view) => format!("reuse {}", view.session),
        Rotation::Expired(_) | Rotation::Unknown => "over".to_owned(),
        other => format!("{other:?}"),
    }
}

fn generations(views: Vec<SessionView>) -> Vec<(SessionId, u32)> {
    let mut generations: Vec<_> = views.into_iter().map(|view| (view.session, view.generation)).collect();
    generations.sort_unstable();
    generations
}

/// Random enough for a test, and the same in each run.
struct Random(u64);

impl Random {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % limit
    }
}
