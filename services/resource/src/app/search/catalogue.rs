//! The directory's part of the index: every resource of a tenant that can be booked, ready to decide by.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, PoisonError, RwLock};

use chrono::{DateTime, Days, NaiveDate, Utc};
use common::providers::TenantRules;
use contracts::exception::{ExceptionLevel, exceptions};
use contracts::policy::resolve;
use contracts::resource::ResourceStatus;
use scheduling::{Calendar, Day, Exceptions, Policy, Weekly};
use uuid::Uuid;

use crate::app::availability::schedule;
use crate::store::Exception;
use crate::store::exceptions::MOST;
use crate::store::{Category, Resource};

/// The most days kept as instants.
const MOST_DAYS: usize = 50_000;

/// A resource, as the search sees it.
pub(super) struct Entry {
    pub(super) id: Uuid,
    pub(super) category_id: Uuid,
    pub(super) name: String,
    pub(super) capacity: u32,
    /// Name, description and location, folded.
    search_key: String,
    /// Top-level scalars of the attributes, as text.
    attributes: Vec<(String, String)>,
    /// Which of the calendars it has.
    pub(super) group: usize,
    policy: Policy,
}

/// What resources are narrowed to.
#[derive(Debug, Clone, Default)]
pub(crate) struct Narrow {
    pub(crate) category_id: Option<Uuid>,
    pub(crate) min_capacity: u32,
    /// A literal substring, folded.
    pub(crate) text: Option<String>,
    pub(crate) attributes: Vec<(String, String)>,
}

/// Weekly hours and exceptions that many resources share.
struct Group {
    schedule: Weekly,
    exceptions: Exceptions,
}

/// The resources of a tenant that can be booked, and the rules they can be booked by.
pub(super) struct Catalogue {
    pub(super) rules: Arc<TenantRules>,
    /// By name, then by id.
    pub(super) entries: Vec<Entry>,
    pub(super) places: HashMap<Uuid, usize>,
    groups: Vec<Group>,
    /// The first of the dates that are worth remembering something of.
    first: NaiveDate,
    /// Dates as instants, each computed once for all resources of a group.
    days: RwLock<HashMap<(usize, NaiveDate), Arc<Day>>>,
}

impl Entry {
    fn new(resource: Resource, category: &Category, rules: &TenantRules, group: usize) -> Self {
        let capacity = resource.places(category);
        let tenant = &rules.settings.booking_policy;
        let policy = resolve(tenant, &category.policy(), &resource.policy(), capacity).policy;
        let attributes = resource.attribute_texts.as_object().into_iter().flatten();
        let text = |(key, value): (&String, &serde_json::Value)| {
            Some((key.clone(), value.as_str()?.to_owned()))
        };
        Self {
            id: resource.id,
            category_id: resource.category_id,
            capacity: u32::try_from(resource.capacity).unwrap_or(1),
            attributes: attributes.filter_map(text).collect(),
            name: resource.name,
            search_key: resource.search_key,
            group,
            policy,
        }
    }

    pub(super) fn matches(&self, narrow: &Narrow) -> bool {
        narrow.category_id.is_none_or(|id| id == self.category_id)
            && narrow.min_capacity <= self.capacity
            && narrow.attributes.iter().all(|wanted| self.attributes.contains(wanted))
            && narrow.text.as_ref().is_none_or(|text| self.search_key.contains(text.as_str()))
    }
}

impl Catalogue {
    /// `rows` by name, then by id; the exceptions by id.
    pub(super) fn new(
        rules: Arc<TenantRules>,
        rows: Vec<(Resource, Category)>,
        facts: &[Exception],
        today: NaiveDate,
    ) -> Self {
        let mut made = Self {
            rules,
            entries: Vec::with_capacity(rows.len()),
            places: HashMap::with_capacity(rows.len()),
            groups: Vec::new(),
            first: today.checked_sub_days(Days::new(1)).unwrap_or(today),
            days: RwLock::default(),
        };
        let mut groups: HashMap<(String, Option<Uuid>, Option<Uuid>), usize> = HashMap::new();
        let own: HashSet<Uuid> = facts.iter().filter_map(|it| it.resource_id).collect();
        let shared: HashSet<Uuid> = facts.iter().filter_map(|it| it.category_id).collect();
        for (resource, category) in rows {
            if resource.status() != ResourceStatus::Disponivel {
                continue;
            }
            let (id, kind) = (resource.id, resource.category_id);
            let key = (
                resource.availability_schedule.to_string(),
                shared.contains(&kind).then_some(kind),
                own.contains(&id).then_some(id),
            );
            let group = *groups.entry(key).or_insert_with(|| {
                made.groups.push(Group::new(&resource, facts));
                made.groups.len() - 1
            });
            made.places.insert(id, made.entries.len());
            made.entries.push(Entry::new(resource, &category, &made.rules, group));
        }
        made
    }

    pub(super) fn calendar<'a>(&'a self, entry: &'a Entry) -> Calendar<'a> {
        let group = &self.groups[entry.group];
        Calendar {
            rules: &self.rules.rules,
            schedule: &group.schedule,
            exceptions: &group.exceptions,
            policy: &entry.policy,
        }
    }

    /// The first start on the grid of a group's open hours at or after an instant.
    pub(super) fn opens(
        &self,
        group: usize,
        day: &Day,
        from: DateTime<Utc>,
    ) -> Option<DateTime<Utc>> {
        let Group { schedule, exceptions } = &self.groups[group];
        let rules = &self.rules.rules;
        Calendar { rules, schedule, exceptions, policy: Policy::OPEN }.first_open(day, from)
    }

    /// How many different calendars its resources have.
    pub(super) fn groups(&self) -> usize {
        self.groups.len()
    }

    /// How many dates are worth remembering something of.
    pub(super) fn span(&self) -> usize {
        usize::try_from(self.rules.rules.advance_days).unwrap_or(0) + 3
    }

    /// Which of them a date is.
    pub(super) fn place_of(&self, date: NaiveDate) -> Option<usize> {
        usize::try_from(date.signed_duration_since(self.first).num_days()).ok()
    }

    /// A date of a group, as instants.
    pub(super) fn day(&self, group: usize, date: NaiveDate) -> Arc<Day> {
        let key = (group, date);
        let known = self.days.read().unwrap_or_else(PoisonError::into_inner).get(&key).cloned();
        if let Some(day) = known {
            return day;
        }
        let Group { schedule, exceptions } = &self.groups[group];
        let calendar =
            Calendar { rules: &self.rules.rules, schedule, exceptions, policy: Policy::OPEN };
        let day = Arc::new(calendar.day(date));
        let mut days = self.days.write().unwrap_or_else(PoisonError::into_inner);
        if days.len() >= MOST_DAYS {
            days.clear();
        }
        days.insert(key, Arc::clone(&day));
        day
    }
}

impl Group {
    /// The calendar of a resource, and of all that have the same.
    fn new(resource: &Resource, all: &[Exception]) -> Self {
        let concerns = |it: &&Exception| {
            it.level == ExceptionLevel::Tenant.as_str()
                || it.category_id == Some(resource.category_id)
                || it.resource_id == Some(resource.id)
        };
        // As many as count for the resource elsewhere, and the same ones.
        let most = usize::try_from(MOST).unwrap_or(usize::MAX);
        let own: Vec<_> =
            all.iter().filter(concerns).take(most).map(|it| it.clone().facts()).collect();
        Self { schedule: schedule(&resource.availability_schedule), exceptions: exceptions(&own) }
    }
}
