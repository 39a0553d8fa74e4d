//! Numbers as JSON has them.

use serde_json::Value;

/// The largest whole number up to which a float knows every one: 2⁵³.
const EXACT: f64 = 9_007_199_254_740_992.0;

/// A whole number. JSON does not tell `3` from `3.0`, and neither does JSON Schema.
pub fn whole(value: &Value) -> Option<i64> {
    value.as_i64().or_else(|| {
        let number = value.as_f64()?;
        let exact = number.fract() == 0.0 && number.abs() <= EXACT;
        // Written without a fraction or an exponent by `Display`, so it can be read as a whole number.
        exact.then(|| format!("{number:.0}").parse().ok()).flatten()
    })
}

#[cfg(test)]
mod tests {
    use super::whole;
    use serde_json::json;

    #[test]
    fn a_fraction_of_zero_is_no_fraction() {
        assert_eq!(whole(&json!(3)), Some(3));
        assert_eq!(whole(&json!(3.0)), Some(3));
        assert_eq!(whole(&json!(-0.0)), Some(0));
        assert_eq!(whole(&json!(1e3)), Some(1_000));
    }

    #[test]
    fn fractions_huge_numbers_and_text_are_not_whole() {
        for value in
            [json!(3.5), json!(1e300), json!(u64::MAX), json!("3"), json!(true), json!(null)]
        {
            assert_eq!(whole(&value), None, "{value}");
        }
    }
}
