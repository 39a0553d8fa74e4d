//! What is said about calendars.

/// (pt-BR, en, es), as in the catalogue.
pub(super) const CALENDARS: &[(&str, &str, &str)] = &[
    ("Calendário não encontrado", "Calendar not found", "Calendario no encontrado"),
    (
        "Limite de {n} calendários por usuário atingido.",
        "The limit of {n} calendars of a user is reached.",
        "Se alcanzó el límite de {n} calendarios por usuario.",
    ),
    (
        "Períodos limitados a {n} dias.",
        "Periods are limited to {n} days.",
        "Los períodos están limitados a {n} días.",
    ),
];
