//! What is said about holds, check-in and the waiting list, and about policies.

/// (pt-BR, en, es), as in the catalogue.
pub(super) const HOLDS: &[(&str, &str, &str)] = &[
    (
        "Horário retido temporariamente por outra pessoa.",
        "Somebody else is holding this time for the moment.",
        "Otra persona retiene este horario por el momento.",
    ),
    (
        "Capacidade insuficiente neste horário: vagas restantes: {n}.",
        "Not enough places at this time: places left: {n}.",
        "Capacidad insuficiente en este horario: plazas restantes: {n}.",
    ),
    ("A retenção expirou.", "The hold has expired.", "La retención ha caducado."),
    (
        "Token da retenção inválido.",
        "The token of the hold is wrong.",
        "El token de la retención no es válido.",
    ),
    (
        "A retenção já foi prorrogada.",
        "The hold was already extended.",
        "La retención ya fue prorrogada.",
    ),
    (
        "A retenção já foi confirmada.",
        "The hold was already confirmed.",
        "La retención ya fue confirmada.",
    ),
    (
        "Uma retenção só pode ser confirmada, prorrogada ou liberada.",
        "A hold can only be confirmed, extended or released.",
        "Una retención solo puede confirmarse, prorrogarse o liberarse.",
    ),
    (
        "Limite de {n} retenções simultâneas atingido.",
        "The limit of {n} holds at a time is reached.",
        "Se alcanzó el límite de {n} retenciones simultáneas.",
    ),
    (
        "Check-in permitido a partir de {n} minutos antes do início.",
        "Check-in is open from {n} minutes before the start.",
        "El check-in se permite desde {n} minutos antes del inicio.",
    ),
    (
        "O horário da reserva já terminou.",
        "The time of the booking is over.",
        "El horario de la reserva ya terminó.",
    ),
    (
        "Somente reservas pendentes ou confirmadas permitem check-in.",
        "Only pending or confirmed bookings can be checked in.",
        "Solo las reservas pendientes o confirmadas permiten check-in.",
    ),
    (
        "O horário está livre: faça a reserva.",
        "The time is free: book it.",
        "El horario está libre: haga la reserva.",
    ),
    (
        "Você já está na lista de espera deste horário.",
        "You are on the waiting list for this time already.",
        "Ya está en la lista de espera de este horario.",
    ),
    (
        "Limite de {n} lugares em listas de espera atingido.",
        "The limit of {n} places on waiting lists is reached.",
        "Se alcanzó el límite de {n} lugares en listas de espera.",
    ),
    (
        "Entrada da lista de espera não encontrada",
        "Entry of the waiting list not found",
        "Entrada de la lista de espera no encontrada",
    ),
    (
        "Agendamentos exigem antecedência mínima de {n} minutos.",
        "Bookings must be made at least {n} minutes ahead.",
        "Las reservas exigen una antelación mínima de {n} minutos.",
    ),
    ("Duração mínima de {n} minutos.", "At least {n} minutes.", "Duración mínima de {n} minutos."),
    ("Duração máxima de {n} minutos.", "At most {n} minutes.", "Duración máxima de {n} minutos."),
    (
        "Recurso fechado nesta data.",
        "The resource is closed on this date.",
        "El recurso está cerrado en esta fecha.",
    ),
    (
        "Recurso fechado neste período.",
        "The resource is closed at this time.",
        "El recurso está cerrado en este período.",
    ),
    (
        "Limite de {n} reservas por dia.",
        "The limit is {n} bookings a day.",
        "El límite es de {n} reservas por día.",
    ),
    (
        "Limite de {n} reservas por semana.",
        "The limit is {n} bookings a week.",
        "El límite es de {n} reservas por semana.",
    ),
    (
        "Limite de {n} reservas por mês.",
        "The limit is {n} bookings a month.",
        "El límite es de {n} reservas por mes.",
    ),
    (
        "Limite de {n} reservas em aberto.",
        "The limit is {n} open bookings.",
        "El límite es de {n} reservas abiertas.",
    ),
    (
        "Limite de {n} horas por dia.",
        "The limit is {n} hours a day.",
        "El límite es de {n} horas por día.",
    ),
    (
        "Limite de {n} horas por semana.",
        "The limit is {n} hours a week.",
        "El límite es de {n} horas por semana.",
    ),
    (
        "Limite de {n} horas por mês.",
        "The limit is {n} hours a month.",
        "El límite es de {n} horas por mes.",
    ),
    (
        "Limite de {n} horas em aberto.",
        "The limit is {n} open hours.",
        "El límite es de {n} horas abiertas.",
    ),
];
