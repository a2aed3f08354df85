//! Numbers against the decimals of the `bigdecimal` crate.

use std::str::FromStr;

use bigdecimal::BigDecimal;
use graticule_model::{Error, Number};

const DIGITS_MAX: u64 = 38;
const MAGNITUDES: std::ops::RangeInclusive<i64> = -130..=125;

/// Takes the text apart at its first blank and checks both halves, their order, sum and difference.
pub fn check(text: &str) {
    let (left, right) = text.split_once(' ').unwrap_or((text, "1"));
    let (Some((left, exact_left)), Some((right, exact_right))) = (number(left), number(right)) else {
        return;
    };
    assert_eq!(left.cmp(&right), exact_left.cmp(&exact_right));
    assert_eq!(left == right, exact_left == exact_right);
    check_result(left.checked_add(right), &exact_left + &exact_right, true);
    check_result(left.checked_sub(right), &exact_left - &exact_right, true);
    check_result(right.checked_sub(left), &exact_right - &exact_left, true);
}

/// The number of this text and its exact value, if it is one.
fn number(text: &str) -> Option<(Number, BigDecimal)> {
    let read = text.parse::<Number>();
    if !is_decimal(text) {
        assert_eq!(read, Err(Error::NumberInvalid(text.to_owned())));
        return None;
    }
    let power = text.split(['e', 'E']).nth(1).unwrap_or("0");
    if power.parse::<i32>().is_ok_and(|power| power.abs() < 10_000) {
        let exact = exact(text);
        check_result(read.clone(), exact.clone(), false);
        return read.ok().map(|number| (number, exact));
    }
    // Far out of range, unless it is zero.
    let is_zero = text
        .split(['e', 'E'])
        .next()
        .is_some_and(|digits| !digits.contains(|digit| ('1'..='9').contains(&digit)));
    match read {
        Ok(number) => assert!(is_zero && number.is_zero()),
        Err(Error::NumberTooPrecise | Error::NumberOverflow | Error::NumberUnderflow) => assert!(!is_zero),
        Err(error) => panic!("{error}"),
    }
    None
}

/// The exact value of a decimal: its digits without the point, scaled, for `5.` and `.5` are not to every crate's liking.
fn exact(text: &str) -> BigDecimal {
    let (digits, power) = text.split_once(['e', 'E']).unwrap_or((text, "0"));
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    let unscaled = BigDecimal::from_str(&format!("{whole}{fraction}")).expect("digits");
    let power = power.parse::<i64>().expect("a small power") - fraction.len() as i64;
    unscaled * BigDecimal::from_str(&format!("1e{power}")).expect("a power of ten")
}

/// `[+-] digits [. digits] [e [+-] digits]`, with a digit on one side of the point at least.
fn is_decimal(text: &str) -> bool {
    let unsigned = |text: &str| text.strip_prefix(['+', '-']).unwrap_or(text).to_owned();
    let all_digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    let (digits, power) = match text.split_once(['e', 'E']) {
        Some((digits, power)) => (unsigned(digits), Some(unsigned(power))),
        None => (unsigned(text), None),
    };
    let (whole, fraction) = digits.split_once('.').unwrap_or((&digits, ""));
    !(whole.is_empty() && fraction.is_empty())
        && all_digits(whole)
        && all_digits(fraction)
        && power.is_none_or(|power| !power.is_empty() && all_digits(&power))
}

/// `number` is what the service makes of the exact value, which is computed or was given.
fn check_result(number: Result<Number, Error>, exact: BigDecimal, is_computed: bool) {
    let exact = exact.normalized();
    let (coefficient, scale) = exact.as_bigint_and_exponent();
    let is_zero = coefficient == 0.into();
    let magnitude = exact.digits() as i64 - 1 - scale;
    let expected_error = if is_zero {
        None
    } else if exact.digits() > DIGITS_MAX && !(is_computed && magnitude > *MAGNITUDES.end()) {
        Some(Error::NumberTooPrecise)
    } else if magnitude > *MAGNITUDES.end() {
        Some(Error::NumberOverflow)
    } else if magnitude < *MAGNITUDES.start() {
        Some(Error::NumberUnderflow)
    } else {
        None
    };
    let number = match (number, expected_error) {
        (Ok(number), None) => number,
        (Err(error), Some(expected)) if error == expected => return,
        (number, expected) => panic!("{exact}: {number:?} instead of {expected:?}"),
    };
    let shown = number.to_string();
    assert_eq!(BigDecimal::from_str(&shown).expect("a decimal"), exact);
    assert_eq!(shown.parse(), Ok(number), "what is shown is read back");
    check_form(&shown);
    assert!((1..=21 + 1).contains(&number.size_bytes()), "{shown}: {} bytes", number.size_bytes());
    assert_eq!(number.is_zero(), is_zero);
    assert_eq!(number.is_negative(), shown.starts_with('-'));
}

/// No exponent, no sign but a minus, no zeros that could be left out.
fn check_form(shown: &str) {
    let digits = shown.strip_prefix('-').unwrap_or(shown);
    assert!(digits.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.'), "{shown}");
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, "1"));
    assert!(whole == "0" || !whole.starts_with('0'), "{shown}");
    assert!(!fraction.is_empty() && !fraction.ends_with('0'), "{shown}");
    assert_ne!(shown, "-0");
}
