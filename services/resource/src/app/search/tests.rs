//! Law 10: whatever is heard, missed and overtaken, what the index ends up with is what asking for
//! everything anew gives.

use std::collections::HashMap;
use std::sync::{Arc, OnceLock};

use chrono::{DateTime, TimeDelta, Utc};
use common::providers::TenantRules;
use contracts::form;
use contracts::resource::{CreateCategory, CreateResource};
use contracts::tenant::Settings;
use scheduling::{Claim, Load, Span};
use serde_json::json;
use testkit::dice::Dice;
use uuid::Uuid;

use super::catalogue::Catalogue;
use super::index::{Bar, Held, Index};
use crate::store::{Category, Resource};

const CASES: u64 = 10_000;
const TENANT: Uuid = Uuid::from_u128(1);
const NOW: DateTime<Utc> = DateTime::UNIX_EPOCH;
/// Nothing is too old.
const EVER: DateTime<Utc> = DateTime::<Utc>::MIN_UTC;

/// The same rules for everyone, made once.
fn rules() -> Arc<TenantRules> {
    static RULES: OnceLock<Arc<TenantRules>> = OnceLock::new();
    Arc::clone(RULES.get_or_init(made_rules))
}

fn made_rules() -> Arc<TenantRules> {
    let labels = json!({
        "resource_singular": "R", "resource_plural": "R", "booking_label": "B", "user_label": "U",
    });
    let settings = json!({
        "business_type": "x", "timezone": "UTC", "working_hours_start": "08:00",
        "working_hours_end": "18:00", "custom_labels": labels,
    });
    let settings: Settings = form::decode(&settings).unwrap();
    Arc::new(TenantRules::defaults(&settings).unwrap())
}

fn catalogue(ids: &[Uuid]) -> Catalogue {
    let category = json!({ "tenant_id": TENANT, "name": "x", "type": "fisico" });
    let category: CreateCategory = form::decode(&category).unwrap();
    let category = Category::new(Uuid::from_u128(2), NOW, category);
    let row = |id: &Uuid| {
        let wish = json!({ "tenant_id": TENANT, "category_id": category.id, "name": "x" });
        let wish: CreateResource = form::decode(&wish).unwrap();
        (Resource::new(*id, NOW, wish), category.clone())
    };
    Catalogue::new(rules(), ids.iter().map(row).collect(), &[], NOW.date_naive())
}

/// The booking service, the bus, and an index that hears of it.
struct World {
    dice: Dice,
    truth: HashMap<Uuid, Vec<Claim>>,
    ids: Vec<Uuid>,
    /// Events on their way.
    pending: Vec<Uuid>,
    index: Index,
}

impl World {
    fn new(seed: u64) -> Self {
        let mut dice = Dice::new(seed);
        let ids = (0..=dice.roll(3)).map(|id| Uuid::from_u128(u128::from(id) + 10)).collect();
        let (truth, pending, index) = (HashMap::new(), Vec::new(), Index::default());
        Self { dice, truth, ids, pending, index }
    }

    fn someone(&mut self) -> Uuid {
        let place = self.dice.roll(self.ids.len() as u64);
        self.ids[usize::try_from(place).unwrap()]
    }

    /// A booking is made or goes, and an event of it is under way.
    fn change(&mut self) {
        let id = self.someone();
        let hour = i64::try_from(self.dice.roll(48)).unwrap();
        let claims = self.truth.entry(id).or_default();
        if claims.len() > 2 {
            claims.remove(0);
        } else {
            let start = NOW + TimeDelta::hours(hour);
            claims.push(Span::new(start, start + TimeDelta::hours(1)).unwrap().into());
        }
        self.pending.push(id);
    }

    /// Something that may happen at any time.
    fn happen(&mut self) {
        match self.dice.roll(6) {
            0..=2 => self.change(),
            3 | 4 if !self.pending.is_empty() => {
                // In order for each booking, but not across resources.
                let place = self.dice.roll(self.pending.len() as u64);
                let heard = self.pending.remove(usize::try_from(place).unwrap());
                self.index.mark(TENANT, heard);
            }
            5 => {
                // The bus was away: what was on its way is never heard of.
                self.pending.clear();
                self.index.mark_all();
            }
            _ => {}
        }
    }

    /// Asks what is taken, and whatever happens meanwhile. Perhaps the answer never comes.
    fn ask(&mut self, held: &Held, ids: &[Uuid], may_fail: bool) {
        let ticket = self.index.ticket();
        let early: HashMap<Uuid, Vec<Claim>> = self.truth.clone();
        for _ in 0..self.dice.roll(4) {
            self.happen();
        }
        if may_fail && self.dice.roll(4) == 0 {
            return;
        }
        held.learn(ids, early, ticket, NOW);
    }

    fn directory(&mut self, held: &Held) {
        let ticket = self.index.ticket();
        for _ in 0..self.dice.roll(3) {
            self.happen();
        }
        held.install(catalogue(&self.ids), ticket, NOW);
        held.drop_strangers();
    }
}

#[test]
fn an_index_is_what_it_would_be_if_it_were_made_anew() {
    for seed in 0..CASES {
        let mut world = World::new(seed);
        let held = world.index.tenant(TENANT, NOW);
        let rules = rules();
        for _ in 0..world.dice.roll(25) {
            match world.dice.roll(4) {
                0 => world.directory(&held),
                1 => {
                    let bar = Bar { question: u64::MAX, horizon: EVER };
                    let stale = held.stale(bar);
                    world.ask(&held, &stale, true);
                }
                _ => world.happen(),
            }
        }
        // Everything arrives in the end.
        for heard in std::mem::take(&mut world.pending) {
            world.index.mark(TENANT, heard);
        }
        let bar = Bar { question: world.index.ticket(), horizon: EVER };
        if held.wants_catalogue(&rules, bar) {
            let ticket = world.index.ticket();
            held.install(catalogue(&world.ids), ticket, NOW);
        }
        let doubtful = held.stale(bar);
        let ticket = world.index.ticket();
        held.learn(&doubtful, world.truth.clone(), ticket, NOW);
        assert!(held.stale(bar).is_empty(), "seed {seed}");
        let state = held.state();
        for (slot, id) in state.slots.iter().zip(&world.ids) {
            let claims = world.truth.get(id).cloned().unwrap_or_default();
            assert_eq!(*slot.load(NOW), Load::at(claims, NOW), "seed {seed}");
        }
    }
}

#[test]
fn what_was_asked_for_after_a_question_answers_it_whatever_comes() {
    let index = Index::default();
    let held = index.tenant(TENANT, NOW);
    let id = Uuid::from_u128(10);
    let question = index.ticket();
    let bar = Bar { question, horizon: EVER };
    held.install(catalogue(&[id]), index.ticket(), NOW);
    assert_eq!(held.stale(bar), [id], "it was never asked for");
    held.learn(&[id], HashMap::new(), index.ticket(), NOW);
    index.mark(TENANT, id);
    index.mark_all();
    assert!(held.stale(bar).is_empty());
    let next = Bar { question: index.ticket(), horizon: EVER };
    assert_eq!(held.stale(next), [id], "the next question hears of it");
    let later = Bar { question: next.question, horizon: NOW };
    held.learn(&[id], HashMap::new(), index.ticket(), NOW);
    assert!(held.stale(later).is_empty());
    let old = Bar { question: index.ticket(), horizon: NOW };
    assert_eq!(held.stale(old), [id], "it is too old");
}

#[test]
fn those_who_were_not_asked_for_longest_make_room() {
    let index = Index::default();
    let first = index.tenant(Uuid::from_u128(1), NOW);
    for number in 2..=257_u128 {
        let at = NOW + TimeDelta::seconds(i64::try_from(number).unwrap());
        index.tenant(Uuid::from_u128(number), at);
    }
    let again = index.tenant(Uuid::from_u128(1), NOW + TimeDelta::minutes(10));
    assert!(!Arc::ptr_eq(&first, &again));
    let left = index.held(NOW + TimeDelta::minutes(20));
    assert_eq!(left.len(), 1, "the others were idle");
}
