//! What the index holds of each tenant, and what speaks against it.
//!
//! Everything that happens has a ticket: events (marks), questions, and the moments at which somebody
//! was asked. What was asked for before a mark is stale, whenever its answer came; what was asked for
//! after a question is good enough for that question, whatever came since.

use std::collections::HashMap;
use std::sync::atomic::{AtomicI64, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use chrono::{DateTime, TimeDelta, Utc};
use common::providers::TenantRules;
use scheduling::Claim;
use uuid::Uuid;

use super::catalogue::Catalogue;
use super::occupancy::Slot;

/// The most tenants held.
const MOST_TENANTS: usize = 256;
/// The most that all tenants together may keep: about two steps of 24 bytes a booking.
const MOST_WEIGHT: usize = 8_000_000;
/// Marks of one tenant beyond this are one mark of everything.
const MOST_MARKS: usize = 20_000;
/// A tenant nobody asks for is not held longer.
const IDLE: TimeDelta = TimeDelta::minutes(15);

/// The tenants held.
#[derive(Default)]
pub(super) struct Index {
    tickets: AtomicU64,
    tenants: Mutex<HashMap<Uuid, Arc<Held>>>,
}

/// What is held of a tenant.
pub(super) struct Held {
    pub(super) tenant: Uuid,
    marks: Mutex<Marks>,
    state: RwLock<State>,
    /// Held by whoever asks the owners: everybody else's question is answered by the same.
    pub(super) asking: tokio::sync::Mutex<()>,
    /// When it was last asked for, in microseconds since 1970.
    used: AtomicI64,
    weight: AtomicUsize,
}

/// What was heard, by the ticket of the last of each kind.
#[derive(Default)]
struct Marks {
    resources: HashMap<Uuid, u64>,
    everything: u64,
    directory: u64,
}

/// What is known.
#[derive(Default)]
pub(super) struct State {
    pub(super) catalogue: Option<Arc<Catalogue>>,
    /// When it was read.
    ticket: u64,
    asked: DateTime<Utc>,
    /// In the order of the catalogue.
    pub(super) slots: Vec<Slot>,
    /// The first ticket and the first moment of all slots.
    least: u64,
    pub(super) oldest: DateTime<Utc>,
}

/// For whom something has to be good enough.
#[derive(Debug, Clone, Copy)]
pub(super) struct Bar {
    /// What was asked for after this ticket is good whatever was heard.
    pub(super) question: u64,
    /// What was asked before this moment is too old.
    pub(super) horizon: DateTime<Utc>,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Index {
    /// The next ticket; the first is 1.
    pub(super) fn ticket(&self) -> u64 {
        self.tickets.fetch_add(1, Ordering::SeqCst) + 1
    }

    /// What is held of a tenant, perhaps nothing yet. Whoever was not asked for longest makes room.
    pub(super) fn tenant(&self, tenant: Uuid, now: DateTime<Utc>) -> Arc<Held> {
        let mut tenants = lock(&self.tenants);
        let held = Arc::clone(tenants.entry(tenant).or_insert_with(|| Arc::new(Held::new(tenant))));
        held.used.store(now.timestamp_micros(), Ordering::Relaxed);
        loop {
            let weight: usize = tenants.values().map(|held| held.weight()).sum();
            if tenants.len() <= MOST_TENANTS && weight <= MOST_WEIGHT {
                return held;
            }
            let others = tenants.values().filter(|other| other.tenant != tenant);
            let oldest = others.min_by_key(|other| other.used.load(Ordering::Relaxed));
            let Some(oldest) = oldest.map(|oldest| oldest.tenant) else { return held };
            tenants.remove(&oldest);
        }
    }

    /// Everybody held, without those nobody asks for any more.
    pub(super) fn held(&self, now: DateTime<Utc>) -> Vec<Arc<Held>> {
        let mut tenants = lock(&self.tenants);
        let last = (now - IDLE).timestamp_micros();
        tenants.retain(|_, held| held.used.load(Ordering::Relaxed) >= last);
        tenants.values().cloned().collect()
    }

    /// Bookings of a resource changed. Whether that concerns anything held.
    pub(super) fn mark(&self, tenant: Uuid, resource: Uuid) -> bool {
        let ticket = self.ticket();
        let Some(held) = lock(&self.tenants).get(&tenant).cloned() else { return false };
        let mut marks = lock(&held.marks);
        if marks.resources.len() >= MOST_MARKS {
            marks.resources.clear();
            marks.everything = marks.everything.max(ticket);
        } else {
            // Two that draw at once may come here in either order.
            let mark = marks.resources.entry(resource).or_insert(ticket);
            *mark = (*mark).max(ticket);
        }
        true
    }

    /// The directory of a tenant changed.
    pub(super) fn mark_directory(&self, tenant: Uuid) -> bool {
        let ticket = self.ticket();
        let Some(held) = lock(&self.tenants).get(&tenant).cloned() else { return false };
        let mut marks = lock(&held.marks);
        marks.directory = marks.directory.max(ticket);
        true
    }

    /// Events may have been missed.
    pub(super) fn mark_all(&self) {
        let ticket = self.ticket();
        for held in lock(&self.tenants).values() {
            let mut marks = lock(&held.marks);
            marks.resources.clear();
            marks.everything = marks.everything.max(ticket);
            marks.directory = marks.directory.max(ticket);
        }
    }
}

impl Held {
    fn new(tenant: Uuid) -> Self {
        Self {
            tenant,
            marks: Mutex::default(),
            state: RwLock::default(),
            asking: tokio::sync::Mutex::new(()),
            used: AtomicI64::new(0),
            weight: AtomicUsize::new(0),
        }
    }

    pub(super) fn weight(&self) -> usize {
        self.weight.load(Ordering::Relaxed)
    }

    /// Whether one tenant alone is more than everything may be.
    pub(super) fn is_too_large(&self) -> bool {
        self.weight() > MOST_WEIGHT
    }

    pub(super) fn state(&self) -> RwLockReadGuard<'_, State> {
        self.state.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn change(&self) -> RwLockWriteGuard<'_, State> {
        self.state.write().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether the directory has to be read, for these rules.
    pub(super) fn wants_catalogue(&self, rules: &TenantRules, bar: Bar) -> bool {
        let directory = lock(&self.marks).directory;
        let state = self.state();
        let Some(catalogue) = &state.catalogue else { return true };
        let known = &catalogue.rules;
        let same = (known.version, known.is_active) == (rules.version, rules.is_active)
            && known.settings == rules.settings;
        let outdated = state.ticket <= directory || state.asked <= bar.horizon;
        !same || (outdated && state.ticket <= bar.question)
    }

    /// The resources whose bookings have to be asked for, those that were heard of first.
    pub(super) fn stale(&self, bar: Bar) -> Vec<Uuid> {
        // Taken along: whoever hears of an event must not wait for those who read the state.
        let (everything, marks) = {
            let marks = lock(&self.marks);
            (marks.everything, marks.resources.clone())
        };
        let state = self.state();
        let Some(catalogue) = &state.catalogue else { return Vec::new() };
        let fresh = state.least > everything && state.oldest > bar.horizon;
        if fresh && marks.is_empty() {
            return Vec::new();
        }
        let (mut heard, mut old) = (Vec::new(), Vec::new());
        for (slot, entry) in state.slots.iter().zip(&catalogue.entries) {
            if slot.ticket > bar.question {
                continue;
            }
            let mark = marks.get(&entry.id).copied().unwrap_or(0).max(everything);
            if slot.ticket <= mark {
                heard.push(entry.id);
            } else if slot.asked <= bar.horizon {
                old.push(entry.id);
            }
        }
        heard.append(&mut old);
        heard
    }

    /// Takes over a directory that was asked for with this ticket, with what is known of its resources.
    pub(super) fn install(&self, catalogue: Catalogue, ticket: u64, asked: DateTime<Utc>) {
        let mut state = self.change();
        let mut known: HashMap<Uuid, Slot> = HashMap::new();
        if let Some(before) = state.catalogue.take() {
            let slots = std::mem::take(&mut state.slots);
            known.extend(before.entries.iter().map(|entry| entry.id).zip(slots));
        }
        let dates = catalogue.span();
        let slot = |id: &Uuid| {
            let mut slot = known.remove(id).unwrap_or_else(Slot::unknown);
            slot.forget_dates(dates);
            slot
        };
        let ids: Vec<Uuid> = catalogue.entries.iter().map(|entry| entry.id).collect();
        state.slots = ids.iter().map(slot).collect();
        (state.ticket, state.asked) = (ticket, asked);
        state.catalogue = Some(Arc::new(catalogue));
        self.count(&mut state);
    }

    /// Takes over what is taken of these resources, which was asked for with this ticket.
    pub(super) fn learn(
        &self,
        ids: &[Uuid],
        mut claims: HashMap<Uuid, Vec<Claim>>,
        ticket: u64,
        asked: DateTime<Utc>,
    ) {
        let mut state = self.change();
        let Some(catalogue) = state.catalogue.clone() else { return };
        for id in ids {
            let Some(place) = catalogue.places.get(id) else { continue };
            let claims = claims.remove(id).unwrap_or_default();
            state.slots[*place] = Slot::new(claims, ticket, asked, catalogue.span());
        }
        self.count(&mut state);
        drop(state);
        // What was heard before this was asked for is in it.
        let mut marks = lock(&self.marks);
        for id in ids {
            if marks.resources.get(id).is_some_and(|mark| *mark < ticket) {
                marks.resources.remove(id);
            }
        }
    }

    /// Marks of what is no resource here were of no concern: should it become one, it is asked for.
    pub(super) fn drop_strangers(&self) {
        let catalogue = self.state().catalogue.clone();
        if let Some(catalogue) = catalogue {
            lock(&self.marks).resources.retain(|id, _| catalogue.places.contains_key(id));
        }
    }

    fn count(&self, state: &mut State) {
        state.least = state.slots.iter().map(|slot| slot.ticket).min().unwrap_or(u64::MAX);
        state.oldest =
            state.slots.iter().map(|slot| slot.asked).min().unwrap_or(DateTime::<Utc>::MAX_UTC);
        let weight = state.slots.iter().map(Slot::weight).sum();
        self.weight.store(weight, Ordering::Relaxed);
    }
}
