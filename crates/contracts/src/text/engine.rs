//! What the scheduling engine says: exceptions, policies, capacity and limits.

use super::Row;

pub(super) const CATALOGUE: &[Row] = &[
    ("Exceção não encontrada", "Exception not found", "Excepción no encontrada"),
    (
        "Limite de {n} exceções por nível.",
        "At most {n} exceptions of one level.",
        "Límite de {n} excepciones por nivel.",
    ),
    (
        "Reservas futuras usam mais do que a nova capacidade.",
        "Future bookings use more than the new capacity.",
        "Reservas futuras usan más que la nueva capacidad.",
    ),
    (
        "A categoria tem mais de {n} recursos; mova alguns antes.",
        "The category has more than {n} resources; move some first.",
        "La categoría tiene más de {n} recursos; mueva algunos antes.",
    ),
    (
        "Tipo de conteúdo não suportado. Use text/calendar.",
        "Unsupported content type. Use text/calendar.",
        "Tipo de contenido no admitido. Use text/calendar.",
    ),
    (
        "Agendamentos exigem antecedência mínima de {n} minutos.",
        "Bookings must be made at least {n} minutes ahead.",
        "Las reservas exigen una antelación mínima de {n} minutos.",
    ),
    (
        "Duração mínima de {n} minutos.",
        "The duration must be at least {n} minutes.",
        "Duración mínima de {n} minutos.",
    ),
    (
        "Duração máxima de {n} minutos.",
        "The duration must be at most {n} minutes.",
        "Duración máxima de {n} minutos.",
    ),
    (
        "Recurso fechado nesta data.",
        "The resource is closed on this date.",
        "El recurso está cerrado en esta fecha.",
    ),
    (
        "Recurso fechado neste período.",
        "The resource is closed in this period.",
        "El recurso está cerrado en este período.",
    ),
    (
        "Capacidade insuficiente neste horário: vagas restantes: {n}.",
        "Not enough capacity at this time: places left: {n}.",
        "Capacidad insuficiente en este horario: plazas restantes: {n}.",
    ),
    (
        "Horário retido temporariamente por outra pessoa.",
        "This time is held by somebody else for the moment.",
        "Horario retenido temporalmente por otra persona.",
    ),
    (
        "Limite de {n} reservas por dia.",
        "At most {n} bookings a day.",
        "Límite de {n} reservas por día.",
    ),
    (
        "Limite de {n} reservas por semana.",
        "At most {n} bookings a week.",
        "Límite de {n} reservas por semana.",
    ),
    (
        "Limite de {n} reservas por mês.",
        "At most {n} bookings a month.",
        "Límite de {n} reservas por mes.",
    ),
    (
        "Limite de {n} reservas em aberto.",
        "At most {n} open bookings.",
        "Límite de {n} reservas abiertas.",
    ),
    ("Limite de {n} horas por dia.", "At most {n} hours a day.", "Límite de {n} horas por día."),
    (
        "Limite de {n} horas por semana.",
        "At most {n} hours a week.",
        "Límite de {n} horas por semana.",
    ),
    ("Limite de {n} horas por mês.", "At most {n} hours a month.", "Límite de {n} horas por mes."),
    ("Limite de {n} horas em aberto.", "At most {n} open hours.", "Límite de {n} horas abiertas."),
    (
        "A ocorrência já passou ou não está ativa.",
        "The occurrence is over or not active.",
        "La ocurrencia ya pasó o no está activa.",
    ),
    (
        "Não há recursos livres suficientes neste horário.",
        "There are not enough free resources at this time.",
        "No hay suficientes recursos libres en este horario.",
    ),
];
