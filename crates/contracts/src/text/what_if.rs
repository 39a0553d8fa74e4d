//! What the preview of settings says.

use super::Row;

pub(super) const CATALOGUE: &[Row] = &[
    (
        "Simulações limitadas a um período de {n} dias.",
        "A preview covers at most {n} days.",
        "Las simulaciones están limitadas a un período de {n} días.",
    ),
    (
        "Há dados demais para uma simulação; escolha menos recursos ou um período menor.",
        "There is too much for one preview; choose fewer resources or a shorter period.",
        "Hay demasiados datos para una simulación; elija menos recursos o un período menor.",
    ),
];
