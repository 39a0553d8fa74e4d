//! What a password must be like. Pure.

use contracts::password::{PasswordPolicy, too_short};
use contracts::problem::FieldFault;

/// The 10,000 commonest passwords in lower case, sorted by their bytes: the first 10,000 different
/// ones of the list `passwords` of zxcvbn 4.5.0 (`PyPI`), which is ordered by how often each was seen
/// in published collections. Its licence is beside it.
const COMMONEST: &str = include_str!("common_passwords.txt");

/// The first thing that is wrong with `password` at `path`, if anything is.
pub(super) fn fault(policy: PasswordPolicy, path: &str, password: &str) -> Option<FieldFault> {
    let fewest = usize::try_from(policy.min_length).unwrap_or(usize::MAX);
    if password.chars().count() < fewest {
        return Some(FieldFault::new(path, "too_short", too_short(fewest)));
    }
    if let Some(lacking) = lacking(policy, password) {
        return Some(FieldFault::new(path, "weak", format!("Deve conter {lacking}.")));
    }
    if is_common(password) {
        return Some(FieldFault::new(
            path,
            "common",
            "É uma das senhas mais usadas. Escolha outra.",
        ));
    }
    None
}

/// The kinds of characters that are not there and must be.
fn lacking(policy: PasswordPolicy, password: &str) -> Option<String> {
    let none = |wanted: fn(char) -> bool| !password.chars().any(wanted);
    let symbol = |c: char| !c.is_alphanumeric() && !c.is_whitespace();
    let lacking: Vec<&str> = [
        (none(char::is_alphabetic), "uma letra"),
        (none(char::is_numeric), "um dígito"),
        (policy.require_uppercase && none(char::is_uppercase), "uma letra maiúscula"),
        (policy.require_symbol && none(symbol), "um símbolo"),
    ]
    .into_iter()
    .filter_map(|(missing, what)| missing.then_some(what))
    .collect();
    match lacking.split_last() {
        None => None,
        Some((last, [])) => Some((*last).to_owned()),
        Some((last, others)) => Some(format!("{} e {last}", others.join(", "))),
    }
}

fn is_common(password: &str) -> bool {
    let wanted = password.to_lowercase();
    let (mut from, mut to) = (0, COMMONEST.len());
    // By halves of the text: a list of its lines would be 160 KiB more.
    while from < to {
        let middle = usize::midpoint(from, to);
        let start =
            COMMONEST.get(..middle).and_then(|head| head.rfind('\n')).map_or(0, |at| at + 1);
        let rest = COMMONEST.get(start..).unwrap_or_default();
        let word = rest.split('\n').next().unwrap_or_default();
        match word.as_bytes().cmp(wanted.as_bytes()) {
            std::cmp::Ordering::Equal => return true,
            std::cmp::Ordering::Less => from = start + word.len() + 1,
            std::cmp::Ordering::Greater => to = start,
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    fn code(policy: PasswordPolicy, password: &str) -> Option<String> {
        fault(policy, "password", password).map(|fault| fault.code)
    }

    #[test]
    fn every_password_of_the_list_is_common_in_any_case_and_its_neighbours_are_not() {
        let words: Vec<&str> = COMMONEST.lines().collect();
        assert_eq!(words.len(), 10_000);
        assert!(words.windows(2).all(|pair| pair[0].as_bytes() < pair[1].as_bytes()));
        for word in words {
            assert!(is_common(word) && is_common(&word.to_uppercase()), "{word}");
            assert!(!is_common(&format!("{word}\u{1}")), "{word}");
        }
        for rare in ["", "\n", "zzzzzzzzzzzz", "!", "correct horse 1", "demo-password-1", "ção"] {
            assert!(!is_common(rare), "{rare}");
        }
    }

    #[test]
    fn by_default_length_a_letter_and_a_digit_count_and_nothing_else_does() {
        let usual = PasswordPolicy::default();
        for (password, expected) in [
            ("a1", Some("too_short")),
            ("çãõéíó1", Some("too_short")),
            ("correct horse", Some("weak")),
            ("8675309 42", Some("weak")),
            ("        ", Some("weak")),
            ("Password1", Some("common")),
            ("qwerty123", Some("common")),
            ("correct horse 1", None),
            ("çãõéíóú1", None),
        ] {
            assert_eq!(code(usual, password).as_deref(), expected, "{password}");
        }
    }

    #[test]
    fn a_tenant_may_ask_for_more() {
        let strict =
            PasswordPolicy { min_length: 12, require_uppercase: true, require_symbol: true };
        for (password, expected) in [
            ("Correct-1", Some("too_short")),
            ("correct horse 1", Some("weak")),
            ("Correct horse 1", Some("weak")),
            ("correct-horse 1", Some("weak")),
            ("Correct-horse 1", None),
        ] {
            assert_eq!(code(strict, password).as_deref(), expected, "{password}");
        }
        let fault = fault(strict, "new_password", "correct horse").map(|fault| fault.message);
        assert_eq!(
            fault.as_deref(),
            Some("Deve conter um dígito, uma letra maiúscula e um símbolo.")
        );
    }
}
