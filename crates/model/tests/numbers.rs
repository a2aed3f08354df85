//! Numbers: normal form, range, order, sums, sizes.

use graticule_model::{Error, Number};
use proptest::prelude::*;

fn number(text: &str) -> Number {
    text.parse().unwrap_or_else(|error| panic!("{text}: {error}"))
}

#[test]
fn normal_form() {
    let longest = "9".repeat(38);
    for (text, shown) in [
        ("0", "0"),
        ("-0", "0"),
        ("0.000", "0"),
        ("0e999999999999999999999", "0"),
        ("00042", "42"),
        ("+7", "7"),
        ("1.200", "1.2"),
        ("1.5E2", "150"),
        ("15e-1", "1.5"),
        (".5", "0.5"),
        ("5.", "5"),
        ("-0.00120", "-0.0012"),
        ("1000", "1000"),
        ("100000000000000000000000000000000000000000", "100000000000000000000000000000000000000000"),
        (longest.as_str(), longest.as_str()),
        ("0.1234567890123456789012345678901234567800", "0.12345678901234567890123456789012345678"),
    ] {
        assert_eq!(number(text).to_string(), shown, "{text}");
    }
    assert_eq!(number("1E-130").to_string(), format!("0.{}1", "0".repeat(129)));
    assert_eq!(number("1E125").to_string(), format!("1{}", "0".repeat(125)));
}

#[test]
fn what_is_no_number() {
    for text in [
        "", "-", "+", ".", "e5", "1e", "1e+", "1e5.0", "NaN", "Infinity", "0x10", " 1", "1 ", "1_000", "--1",
        "1.2.3", "１",
    ] {
        assert_eq!(text.parse::<Number>(), Err(Error::NumberInvalid(text.to_owned())), "{text}");
    }
    let digits39 = format!("1{}1", "0".repeat(37));
    assert_eq!(digits39.parse::<Number>(), Err(Error::NumberTooPrecise));
    assert_eq!("1.00000000000000000000000000000000000001".parse::<Number>(), Err(Error::NumberTooPrecise));
    for text in ["1E126", "-1e126", "9e99999999999999999999"] {
        assert_eq!(text.parse::<Number>(), Err(Error::NumberOverflow), "{text}");
    }
    for text in ["1E-131", "-9e-99999999999999999999"] {
        assert_eq!(text.parse::<Number>(), Err(Error::NumberUnderflow), "{text}");
    }
}

#[test]
fn sums() {
    for (a, b, sum) in [
        ("1", "2", "3"),
        ("0.1", "0.2", "0.3"),
        ("1", "-1", "0"),
        ("-5", "3", "-2"),
        ("1e20", "1", "100000000000000000001"),
        ("99999999999999999999999999999999999999", "1", "100000000000000000000000000000000000000"),
        ("1e125", "-1e125", "0"),
        ("0", "1e-130", &number("1e-130").to_string()),
    ] {
        assert_eq!(number(a).checked_add(number(b)).unwrap().to_string(), sum, "{a} + {b}");
        assert_eq!(number(b).checked_add(number(a)).unwrap().to_string(), sum, "{b} + {a}");
    }
    assert_eq!(number("1").checked_sub(number("2.5")).unwrap().to_string(), "-1.5");
    assert_eq!(number("1").checked_sub(Number::ZERO).unwrap().to_string(), "1");
    // Found by fuzzing: 39 digits in between are no reason to refuse a difference of 38.
    assert_eq!(number("1e38").checked_sub(number("1")).unwrap().to_string(), "9".repeat(38));
    assert_eq!(number("1e38").checked_add(number("1")), Err(Error::NumberTooPrecise));
    assert_eq!(number("1e100").checked_add(number("1")), Err(Error::NumberTooPrecise));
    assert_eq!(number("9e125").checked_add(number("9e125")), Err(Error::NumberOverflow));
    // Too many digits as well; the range counts first.
    let largest = number(&format!("{}e88", "9".repeat(38)));
    for (text, error) in [
        ("1e125", Error::NumberOverflow),
        ("1e88", Error::NumberOverflow),
        ("1.5e88", Error::NumberOverflow),
        ("9.9e87", Error::NumberTooPrecise),
        ("1e-130", Error::NumberTooPrecise),
    ] {
        assert_eq!(largest.checked_add(number(text)), Err(error), "{text}");
    }
    // Half of a difference that cancels all but the last digit lies below the range.
    assert_eq!(number("1.1e-130").checked_sub(number("1e-130")), Err(Error::NumberUnderflow));
}

#[test]
fn sizes() {
    // One byte, then half a byte for each significant digit on each side of the point.
    for (text, size_bytes) in [
        ("0", 1),
        ("1", 2),
        ("12", 2),
        ("123", 3),
        ("-1", 3),
        ("1000", 2),
        ("1.5", 3),
        ("0.5", 2),
        ("0.005", 2),
        ("12.34", 3),
        ("-12.345", 5),
    ] {
        assert_eq!(number(text).size_bytes(), size_bytes, "{text}");
    }
}

#[test]
fn seconds_of_a_time_to_live() {
    assert_eq!(number("1700000000").to_u64_truncated(), Some(1_700_000_000));
    assert_eq!(number("1700000000.9").to_u64_truncated(), Some(1_700_000_000));
    assert_eq!(number("0.4").to_u64_truncated(), Some(0));
    assert_eq!(number("-5").to_u64_truncated(), None);
    assert_eq!(number("1e30").to_u64_truncated(), None);
    assert_eq!(number("1.5").to_u64(), None);
    assert_eq!(number("1e3").to_u64(), Some(1000));
}

proptest! {
    #[test]
    fn any_text_is_read_or_refused(text in ".{0,60}") {
        let _ = text.parse::<Number>();
    }

    #[test]
    fn what_is_written_is_read_back(coefficient in any::<i64>(), exponent in -100i32..100) {
        let read = number(&format!("{coefficient}e{exponent}"));
        prop_assert_eq!(number(&read.to_string()), read);
    }

    #[test]
    fn sums_and_order_are_those_of_integers(a in any::<i64>(), b in any::<i64>(), scale in 0u32..10) {
        let scaled = |value: i64| number(&format!("{value}e-{scale}"));
        let sum = number(&format!("{}e-{scale}", i128::from(a) + i128::from(b)));
        prop_assert_eq!(scaled(a).checked_add(scaled(b)).unwrap(), sum);
        prop_assert_eq!(scaled(a).cmp(&scaled(b)), a.cmp(&b));
    }

    #[test]
    fn order_is_that_of_the_values(a in -1.0e60f64..1.0e60, b in -1.0e60f64..1.0e60) {
        let exact = |value: f64| number(&format!("{value:.10e}"));
        let rounded = |value: f64| format!("{value:.10e}").parse::<f64>().unwrap();
        prop_assert_eq!(exact(a).partial_cmp(&exact(b)), rounded(a).partial_cmp(&rounded(b)));
    }
}
