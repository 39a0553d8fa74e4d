//! The shapes of requests: what is read, and that every bad field is named at once.

use contracts::booking::{EditBooking, PlaceBooking};
use contracts::form::{Change, decode, merge};
use contracts::resource::{CategoryMetadata, CreateCategory, CreateResource};
use contracts::tenant::{CreateTenant, TENANT_NESTED};
use contracts::user::CreateUser;
use serde_json::{Value, json};

fn faults<T: contracts::form::Decode>(value: &Value) -> Vec<(String, String)> {
    let found = decode::<T>(value).err().unwrap_or_default();
    let mut list: Vec<_> = found.into_iter().map(|fault| (fault.path, fault.code)).collect();
    list.sort();
    list
}

fn named(list: &[(&str, &str)]) -> Vec<(String, String)> {
    list.iter().map(|(path, code)| ((*path).to_owned(), (*code).to_owned())).collect()
}

fn tenant() -> Value {
    json!({
        "name": "Clínica", "domain": "clinica.example", "logo_url": "https://clinica.example/l.png",
        "theme_primary_color": "#0af", "plan": "basico",
        "settings": {
            "business_type": "clinica", "working_hours_start": "08:00", "working_hours_end": "24:00",
            "custom_labels": {
                "resource_singular": "Sala", "resource_plural": "Salas",
                "booking_label": "Consulta", "user_label": "Paciente"
            }
        }
    })
}

#[test]
fn a_tenant_has_the_contracts_defaults() {
    let read: CreateTenant = decode(&tenant()).unwrap();
    assert!(read.is_active);
    let settings = &read.settings;
    assert_eq!((settings.timezone.as_str(), settings.booking_interval), ("UTC", 30));
    assert_eq!((settings.advance_booking_days, settings.cancellation_hours), (30, 24));
    assert_eq!(settings.default_booking_status.as_str(), "pendente");
}

#[test]
fn every_bad_field_of_a_tenant_is_named_at_once() {
    let bad = json!({
        "name": "", "domain": "a b", "logo_url": "ftp://x", "theme_primary_color": "#12", "plan": "ouro",
        "is_active": null, "colour": 1,
        "settings": {
            "business_type": 7, "timezone": "Mars/Base", "working_hours_start": "25:00",
            "working_hours_end": "08:00", "booking_interval": 4, "advance_booking_days": 366,
            "cancellation_hours": -1, "custom_labels": { "resource_singular": "Sala" },
            "default_booking_status": "cancelado"
        }
    });
    let expected = named(&[
        ("colour", "unknown"),
        ("domain", "format"),
        ("is_active", "null"),
        ("logo_url", "format"),
        ("name", "length"),
        ("plan", "choice"),
        ("settings.advance_booking_days", "range"),
        ("settings.booking_interval", "range"),
        ("settings.business_type", "type"),
        ("settings.cancellation_hours", "range"),
        ("settings.custom_labels.booking_label", "missing"),
        ("settings.custom_labels.resource_plural", "missing"),
        ("settings.custom_labels.user_label", "missing"),
        ("settings.default_booking_status", "choice"),
        ("settings.timezone", "timezone"),
        ("settings.working_hours_start", "format"),
        ("theme_primary_color", "format"),
    ]);
    assert_eq!(faults::<CreateTenant>(&bad), expected);
}

#[test]
fn closing_must_be_after_opening() {
    let patch = json!({ "settings": { "working_hours_end": "08:00" } });
    let merged = merge(&tenant(), &patch, TENANT_NESTED);
    assert_eq!(faults::<CreateTenant>(&merged), named(&[("settings.working_hours_end", "range")]));
}

#[test]
fn a_merge_overlays_typed_objects_and_replaces_free_ones() {
    let current =
        json!({ "settings": { "a": 1, "b": 2 }, "metadata": { "a": 1, "b": 2 }, "kept": true });
    let patch = json!({ "settings": { "b": 3 }, "metadata": { "b": 3 } });
    let merged = merge(&current, &patch, &["settings"]);
    assert_eq!(
        merged,
        json!({ "settings": { "a": 1, "b": 3 }, "metadata": { "b": 3 }, "kept": true })
    );
}

#[test]
fn a_user_takes_its_metadata_under_either_name_and_no_unknown_permission() {
    let id = "01a20096-6fec-7544-a596-1d9b04bd2e05";
    let user = |extra: Value| {
        let base = json!({ "tenant_id": id, "name": "Ana", "email": "ana@example.com", "user_type": "user" });
        merge(&base, &extra, &[])
    };
    let read: CreateUser = decode(&user(json!({ "profile_metadata": { "k": 1 } }))).ok().unwrap();
    assert_eq!(read.metadata, json!({ "k": 1 }));
    let wrong =
        user(json!({ "permissions": { "can_fly": true }, "password": "short", "email": "x@y" }));
    let expected = named(&[
        ("email", "format"),
        ("password", "too_short"),
        ("permissions.can_fly", "unknown"),
    ]);
    assert_eq!(faults::<CreateUser>(&wrong), expected);
}

#[test]
fn custom_fields_are_checked_when_written_and_enforced_on_attributes() {
    let category = |fields: Value| {
        json!({
            "tenant_id": "01a20096-6fec-7544-a596-1d9b04bd2e05", "name": "Salas", "type": "fisico",
            "category_metadata": { "custom_fields": fields, "note": "kept" }
        })
    };
    let fields = json!([
        { "key": "piso", "type": "number", "required": true },
        { "key": "tipo", "type": "enum", "options": ["a", "b"] }
    ]);
    let read: CreateCategory = decode(&category(fields)).unwrap();
    let metadata: &CategoryMetadata = &read.category_metadata;
    assert_eq!(metadata.extra["note"], "kept");
    assert!(metadata.check(&json!({ "piso": 2, "tipo": "a", "other": null })).is_empty());
    let paths: Vec<String> =
        metadata.check(&json!({ "tipo": "c" })).into_iter().map(|fault| fault.path).collect();
    assert_eq!(paths, ["attributes.piso", "attributes.tipo"]);
    let bad = category(json!([{ "key": "x", "type": "enum" }]));
    let found = faults::<CreateCategory>(&bad);
    assert_eq!(found[0].0, "category_metadata.custom_fields[0].options", "{found:?}");
}

#[test]
fn a_resources_schedule_is_checked_in_place() {
    let resource = json!({
        "tenant_id": "01a20096-6fec-7544-a596-1d9b04bd2e05", "category_id": "01a20096-6fec-7544-a596-1d9b04bd2e05",
        "name": "Sala", "capacity": 0, "availability_schedule": { "monday": ["12:00-08:00"], "segunda": [] }
    });
    let paths: Vec<String> =
        faults::<CreateResource>(&resource).into_iter().map(|fault| fault.0).collect();
    assert_eq!(
        paths,
        ["availability_schedule.monday[0]", "availability_schedule.segunda", "capacity"]
    );
}

#[test]
fn a_reversed_booking_is_a_matter_of_shape_where_no_zone_is_needed() {
    let id = "01a20096-6fec-7544-a596-1d9b04bd2e05";
    let booking = |start: &str, end: &str| json!({ "tenant_id": id, "resource_id": id, "user_id": id, "start_time": start, "end_time": end });
    let reversed = named(&[("end_time", "range")]);
    assert_eq!(
        faults::<PlaceBooking>(&booking("2027-03-10T15:00:00Z", "2027-03-10T14:00:00Z")),
        reversed
    );
    assert_eq!(faults::<PlaceBooking>(&booking("2027-03-10T15:00", "2027-03-10T15:00")), reversed);
    // One with and one without an offset: only the tenant's zone can tell.
    assert!(decode::<PlaceBooking>(&booking("2027-03-10T15:00", "2027-03-10T14:00:00Z")).is_ok());
}

#[test]
fn an_edit_tells_absent_from_null() {
    let edit: EditBooking = decode(&json!({ "notes": null })).unwrap();
    assert_eq!((edit.notes, edit.client_id), (Change::Set(None), Change::Keep));
    assert_eq!(
        faults::<EditBooking>(&json!({ "start_time": null })),
        named(&[("start_time", "null")])
    );
    assert_eq!(faults::<EditBooking>(&json!({ "user_id": "x" })), named(&[("user_id", "unknown")]));
}

#[test]
fn what_is_no_object_is_refused_as_a_whole() {
    for value in [json!([]), json!(1), json!("x"), json!(null)] {
        assert_eq!(faults::<EditBooking>(&value), named(&[("body", "type")]));
    }
}
