//! Messages for people: pt-BR templates, with English and Spanish where a translation exists.

mod calendars;
mod engine;
mod holds;
mod links;
mod refusal;
mod what_if;

/// A message of the contract: a pt-BR template and the number that fills its `{n}`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Text {
    template: std::borrow::Cow<'static, str>,
    number: Option<i64>,
}

/// A language a message can be answered in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Language {
    /// Brazilian Portuguese, the contract's own.
    #[default]
    Portuguese,
    /// English.
    English,
    /// Spanish.
    Spanish,
}

impl Language {
    /// The first language of an `Accept-Language` header that we speak, by its order of preference.
    pub fn negotiate(header: &str) -> Self {
        let mut ranked: Vec<(f32, Self)> = header
            .split(',')
            .take(16)
            .filter_map(|item| {
                let (tag, quality) = item.split_once(";q=").unwrap_or((item, "1"));
                let language = match tag.trim().get(..2)?.to_ascii_lowercase().as_str() {
                    "pt" => Self::Portuguese,
                    "en" => Self::English,
                    "es" => Self::Spanish,
                    _ => return None,
                };
                Some((quality.trim().parse().unwrap_or(0.0), language))
            })
            .filter(|(quality, _)| *quality > 0.0)
            .collect();
        ranked.sort_by(|a, b| b.0.total_cmp(&a.0));
        ranked.first().map_or_else(Self::default, |(_, language)| *language)
    }

    /// The tag for `Content-Language`.
    pub const fn tag(self) -> &'static str {
        match self {
            Self::Portuguese => "pt-BR",
            Self::English => "en",
            Self::Spanish => "es",
        }
    }
}

impl Text {
    /// A message without a number in it.
    pub const fn new(template: &'static str) -> Self {
        Self { template: std::borrow::Cow::Borrowed(template), number: None }
    }

    /// A message whose `{n}` is `number`.
    pub const fn with(template: &'static str, number: i64) -> Self {
        Self { template: std::borrow::Cow::Borrowed(template), number: Some(number) }
    }

    /// A message made at run time, in Portuguese only.
    pub const fn owned(message: String) -> Self {
        Self { template: std::borrow::Cow::Owned(message), number: None }
    }

    /// The message in `language`, or in Portuguese where there is no translation.
    pub fn render(&self, language: Language) -> String {
        let row = rows().find(|row| row.0 == self.template);
        let template = match (language, row) {
            (Language::Portuguese, _) | (_, None) => &*self.template,
            (Language::English, Some(row)) => row.1,
            (Language::Spanish, Some(row)) => row.2,
        };
        match self.number {
            Some(number) => template.replace("{n}", &number.to_string()),
            None => template.to_owned(),
        }
    }

    /// Whether this message can be said in every language.
    pub fn is_translated(&self) -> bool {
        rows().any(|row| row.0 == self.template)
    }
}

fn rows() -> impl Iterator<Item = &'static Row> {
    CATALOGUE
        .iter()
        .chain(engine::CATALOGUE)
        .chain(holds::HOLDS)
        .chain(links::LINKS)
        .chain(calendars::CALENDARS)
        .chain(what_if::CATALOGUE)
}

/// (pt-BR, en, es), keyed by the contract's pt-BR wording.
type Row = (&'static str, &'static str, &'static str);

const CATALOGUE: &[Row] = &[
    (
        "Recurso já possui reserva neste intervalo",
        "The resource is already booked in this interval",
        "El recurso ya tiene una reserva en este intervalo",
    ),
    (
        "Horário final deve ser maior que o inicial.",
        "The end must be after the start.",
        "La hora final debe ser posterior a la inicial.",
    ),
    (
        "Agendamentos devem ser criados para horários futuros.",
        "Bookings must be made for a future time.",
        "Las reservas deben hacerse para un horario futuro.",
    ),
    (
        "Agendamentos só podem ser feitos com até {n} dias de antecedência.",
        "Bookings can be made at most {n} days ahead.",
        "Las reservas solo pueden hacerse con hasta {n} días de antelación.",
    ),
    (
        "Duração deve ser múltiplo de {n} minutos.",
        "The duration must be a multiple of {n} minutes.",
        "La duración debe ser múltiplo de {n} minutos.",
    ),
    (
        "Horário fora do expediente configurado.",
        "Outside the configured working hours.",
        "Fuera del horario de atención configurado.",
    ),
    (
        "Recurso indisponível neste dia da semana.",
        "The resource is closed on this day of the week.",
        "El recurso no está disponible este día de la semana.",
    ),
    (
        "Horário não permitido na disponibilidade do recurso.",
        "Outside the hours of the resource.",
        "Horario no permitido en la disponibilidad del recurso.",
    ),
    (
        "Horário inicial deve respeitar intervalos de {n} minutos.",
        "The start must fall on the {n}-minute grid.",
        "La hora inicial debe respetar intervalos de {n} minutos.",
    ),
    (
        "Horário local inexistente neste fuso.",
        "This local time does not exist in the time zone.",
        "Esta hora local no existe en la zona horaria.",
    ),
    (
        "Cancelamento permitido somente até {n} horas antes do início.",
        "Cancellation is allowed until {n} hours before the start only.",
        "La cancelación solo se permite hasta {n} horas antes del inicio.",
    ),
    (
        "Não se sabe se a reserva foi gravada. Consulte-a antes de tentar de novo.",
        "It is not known whether the booking was stored. Read it before trying again.",
        "No se sabe si la reserva fue guardada. Consúltela antes de intentar de nuevo.",
    ),
    (
        "Somente reservas pendentes ou confirmadas podem ser canceladas.",
        "Only pending or confirmed bookings can be cancelled.",
        "Solo las reservas pendientes o confirmadas pueden cancelarse.",
    ),
    ("Tenant inativo.", "The tenant is not active.", "El tenant no está activo."),
    ("Reserva não encontrada", "Booking not found", "Reserva no encontrada"),
    ("Recurso não encontrado", "Resource not found", "Recurso no encontrado"),
    ("Categoria não encontrada", "Category not found", "Categoría no encontrada"),
    ("Usuário não encontrado", "User not found", "Usuario no encontrado"),
    ("Tenant não encontrado", "Tenant not found", "Tenant no encontrado"),
    ("Configurações não encontradas", "Settings not found", "Configuración no encontrada"),
    (
        "Domínio já cadastrado.",
        "This domain is already registered.",
        "Este dominio ya está registrado.",
    ),
    (
        "E-mail já cadastrado para este tenant",
        "This e-mail is already registered for this tenant",
        "Este correo ya está registrado en este tenant",
    ),
    (
        "Sessão inválida ou expirada.",
        "The session is invalid or has expired.",
        "La sesión no es válida o ha caducado.",
    ),
    (
        "A sessão já está sendo renovada. Tente novamente.",
        "The session is being refreshed already. Try again.",
        "La sesión ya se está renovando. Inténtelo de nuevo.",
    ),
    ("Sessão não encontrada", "Session not found", "Sesión no encontrada"),
    ("Origem não permitida.", "This origin is not allowed.", "Este origen no está permitido."),
    ("Chave de API não encontrada", "API key not found", "Clave de API no encontrada"),
    (
        "O tenant já tem {n} chaves de API ativas.",
        "The tenant already has {n} live API keys.",
        "El tenant ya tiene {n} claves de API activas.",
    ),
    (
        "Usuário inativo ou tenant suspenso.",
        "The user is inactive or the tenant suspended.",
        "El usuario está inactivo o el tenant suspendido.",
    ),
    ("Email ou senha inválidos", "Wrong e-mail or password", "Correo o contraseña inválidos"),
    (
        "Senha atual incorreta.",
        "The current password is wrong.",
        "La contraseña actual es incorrecta.",
    ),
    (
        "Código inválido, usado ou expirado.",
        "The code is invalid, used or expired.",
        "El código es inválido, ya fue usado o ha expirado.",
    ),
    (
        "Se houver uma conta com este e-mail, enviaremos instruções.",
        "If there is an account with this e-mail, we will send instructions.",
        "Si existe una cuenta con este correo, enviaremos instrucciones.",
    ),
    (
        "Muitas tentativas. Tente novamente em {n} s.",
        "Too many tries. Try again in {n} s.",
        "Demasiados intentos. Intente de nuevo en {n} s.",
    ),
    (
        "Recurso indisponível para reservas.",
        "The resource cannot be booked.",
        "El recurso no está disponible para reservas.",
    ),
    (
        "Data inválida. Use o formato YYYY-MM-DD.",
        "Invalid date. Use YYYY-MM-DD.",
        "Fecha inválida. Use el formato YYYY-MM-DD.",
    ),
    (
        "Data deve ser igual ou posterior a hoje.",
        "The date must be today or later.",
        "La fecha debe ser hoy o posterior.",
    ),
    (
        "Consultas de disponibilidade limitadas a {n} dias de antecedência.",
        "Availability can be asked for at most {n} days ahead.",
        "Las consultas de disponibilidad se limitan a {n} días de antelación.",
    ),
    (
        "Buscas limitadas a um período de {n} dias.",
        "Searches can span at most {n} days.",
        "Las búsquedas se limitan a un período de {n} días.",
    ),
    ("Status inválido", "Invalid status", "Estado inválido"),
    (
        "Você não pode criar reservas para outro tenant.",
        "You cannot book for another tenant.",
        "No puede crear reservas para otro tenant.",
    ),
    (
        "Usuário comum só pode criar reservas para si mesmo.",
        "A plain user can only book for themselves.",
        "Un usuario común solo puede reservar para sí mismo.",
    ),
    (
        "Você não tem permissão para criar reservas.",
        "You are not allowed to create bookings.",
        "No tiene permiso para crear reservas.",
    ),
    (
        "Você não tem permissão para esta operação.",
        "You are not allowed to do this.",
        "No tiene permiso para esta operación.",
    ),
    (
        "A requisição se refere a outro tenant.",
        "The request names another tenant.",
        "La solicitud se refiere a otro tenant.",
    ),
    (
        "Categoria em uso por recursos.",
        "The category is still used by resources.",
        "La categoría está en uso por recursos.",
    ),
    ("Autenticação necessária.", "Authentication is required.", "Se requiere autenticación."),
    (
        "Token inválido ou expirado.",
        "The token is invalid or has expired.",
        "El token es inválido o ha expirado.",
    ),
    (
        "Dados inválidos na requisição.",
        "The request is not valid.",
        "Datos inválidos en la solicitud.",
    ),
    ("Rota não encontrada.", "There is no such route.", "Ruta no encontrada."),
    (
        "Método não permitido para esta rota.",
        "This route does not support the method.",
        "Método no permitido para esta ruta.",
    ),
    (
        "Corpo da requisição grande demais.",
        "The request body is too large.",
        "El cuerpo de la solicitud es demasiado grande.",
    ),
    (
        "Tipo de conteúdo não suportado. Use application/json.",
        "Unsupported content type. Use application/json.",
        "Tipo de contenido no admitido. Use application/json.",
    ),
    (
        "A reserva foi alterada por outra requisição.",
        "The booking was changed by another request.",
        "La reserva fue modificada por otra solicitud.",
    ),
    (
        "O objeto foi alterado por outra requisição.",
        "The object was changed by another request.",
        "El objeto fue modificado por otra solicitud.",
    ),
    (
        "A Idempotency-Key já foi usada com outra requisição.",
        "The Idempotency-Key was used with another request.",
        "La Idempotency-Key ya se usó con otra solicitud.",
    ),
    (
        "Uma requisição com esta Idempotency-Key ainda está em andamento.",
        "A request with this Idempotency-Key is still under way.",
        "Una solicitud con esta Idempotency-Key todavía está en curso.",
    ),
    (
        "Serviço temporariamente indisponível. Tente novamente.",
        "Temporarily unavailable. Please try again.",
        "Servicio temporalmente no disponible. Intente de nuevo.",
    ),
    (
        "Configurações do tenant indisponíveis. Tente novamente.",
        "The tenant's settings are unavailable. Please try again.",
        "La configuración del tenant no está disponible. Intente de nuevo.",
    ),
    ("Série não encontrada", "Series not found", "Serie no encontrada"),
    ("Grupo não encontrado", "Group not found", "Grupo no encontrado"),
    (
        "A regra não gera nenhuma ocorrência.",
        "The rule has no occurrences.",
        "La regla no genera ninguna ocurrencia.",
    ),
    (
        "A reserva não pertence a uma série.",
        "The booking is not part of a series.",
        "La reserva no pertenece a una serie.",
    ),
    (
        "Ocorrência sobrepõe outra da mesma requisição.",
        "The occurrence overlaps another one of the same request.",
        "La ocurrencia se superpone con otra de la misma solicitud.",
    ),
    ("Erro interno.", "Internal error.", "Error interno."),
    (
        "Muitas requisições. Tente novamente em instantes.",
        "Too many requests. Try again shortly.",
        "Demasiadas solicitudes. Intente de nuevo en breve.",
    ),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_preferred_language_wins_and_portuguese_is_the_default() {
        assert_eq!(Language::negotiate("fr, en;q=0.8, es;q=0.9"), Language::Spanish);
        assert_eq!(Language::negotiate("en-GB"), Language::English);
        assert_eq!(Language::negotiate("fr"), Language::Portuguese);
        assert_eq!(Language::negotiate("é,,;q=x"), Language::Portuguese);
    }

    #[test]
    fn every_refusal_of_the_rules_is_translated_with_its_number() {
        let text = Text::with("Duração deve ser múltiplo de {n} minutos.", 30);
        assert!(text.is_translated());
        assert_eq!(text.render(Language::Portuguese), "Duração deve ser múltiplo de 30 minutos.");
        assert_eq!(
            text.render(Language::English),
            "The duration must be a multiple of 30 minutes."
        );
    }
}
