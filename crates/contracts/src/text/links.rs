//! What is said about links to bookings.

/// (pt-BR, en, es), as in the catalogue.
pub(super) const LINKS: &[(&str, &str, &str)] = &[
    ("Link não encontrado", "Link not found", "Enlace no encontrado"),
    ("O link expirou.", "The link has expired.", "El enlace ha caducado."),
    (
        "Este link não permite esta ação.",
        "This link does not allow that.",
        "Este enlace no permite esta acción.",
    ),
    (
        "A reserva já tem {n} links ativos.",
        "The booking already has {n} active links.",
        "La reserva ya tiene {n} enlaces activos.",
    ),
    (
        "Somente reservas pendentes ou confirmadas podem ser movidas.",
        "Only pending or confirmed bookings can be moved.",
        "Solo las reservas pendientes o confirmadas pueden moverse.",
    ),
];
