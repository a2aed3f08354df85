//! DynamoDB's numbers: exact decimals of up to 38 significant digits between 1E-130 and 9.99…E+125.
//!
//! A [`Number`] is always in normal form (no trailing zeros in the coefficient, one zero), so equality and hash are
//! those of the value. Knows nothing of JSON or of stored keys.

use std::{cmp::Ordering, fmt, str::FromStr};

use crate::{error::Error, limits::NUMBER_DIGITS_MAX};

const MAGNITUDE_MAX: i32 = 125;
const MAGNITUDE_MIN: i32 = -130;

/// An exact decimal: `±coefficient · 10^exponent`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Number {
    negative: bool,
    /// Below 10^38, not divisible by ten, 0 only for zero.
    coefficient: u128,
    exponent: i16,
}

impl Number {
    /// Zero.
    pub const ZERO: Number = Number { negative: false, coefficient: 0, exponent: 0 };

    /// Whether this is below zero.
    pub fn is_negative(self) -> bool {
        self.negative
    }

    /// Whether this is zero.
    pub fn is_zero(self) -> bool {
        self.coefficient == 0
    }

    /// The significant digits, most significant first, without leading or trailing zeros; empty for zero.
    pub fn digits(self) -> Vec<u8> {
        if self.is_zero() {
            Vec::new()
        } else {
            self.coefficient.to_string().bytes().map(|b| b - b'0').collect()
        }
    }

    /// The power of ten of the first significant digit: 0 for 1.5, 2 for 150, -1 for 0.15; 0 for zero.
    pub fn magnitude(self) -> i32 {
        if self.is_zero() { 0 } else { i32::from(self.exponent) + digit_count(self.coefficient) as i32 - 1 }
    }

    /// This number's share of an item's size `[L]`.
    pub fn size_bytes(self) -> usize {
        if self.is_zero() {
            return 1;
        }
        let digits = digit_count(self.coefficient) as i32;
        let magnitude = self.magnitude();
        // Digits before the point, trailing zeros trimmed, and digits after it, leading zeros trimmed.
        let integer = (magnitude + 1).clamp(0, digits);
        let fraction = digits - integer;
        (1 + (integer + 1) / 2 + (fraction + 1) / 2 + i32::from(self.negative)) as usize
    }

    /// This number as whole seconds or counts; `None` if it has a fraction or does not fit.
    pub fn to_u64(self) -> Option<u64> {
        if self.is_zero() {
            return Some(0);
        }
        let scale = u32::try_from(self.exponent).ok()?;
        if self.negative {
            return None;
        }
        let value = self.coefficient.checked_mul(10u128.checked_pow(scale)?)?;
        u64::try_from(value).ok()
    }

    /// This number with its fraction cut off, as seconds since the epoch are read; `None` if negative or too big.
    pub fn to_u64_truncated(self) -> Option<u64> {
        if self.exponent >= 0 {
            return self.to_u64();
        }
        if self.negative {
            return None;
        }
        let divisor = 10u128.checked_pow(u32::from(self.exponent.unsigned_abs()));
        u64::try_from(divisor.map_or(0, |divisor| self.coefficient / divisor)).ok()
    }

    /// The sum.
    ///
    /// # Errors
    /// [`Error::NumberOverflow`], [`Error::NumberUnderflow`] or [`Error::NumberTooPrecise`] if it is no DynamoDB
    /// number; of a sum that is too large and has too many digits, the former `[L]`.
    pub fn checked_add(self, other: Number) -> Result<Number, Error> {
        if self.is_zero() {
            return Ok(other);
        }
        if other.is_zero() {
            return Ok(self);
        }
        let (high, low) = if self.exponent >= other.exponent { (self, other) } else { (other, self) };
        // The lower operand has at most 38 digits: it can take one away from the higher one, not more.
        let shift = u32::from((high.exponent - low.exponent).unsigned_abs());
        let scaled = 10u128
            .checked_pow(shift)
            .and_then(|factor| high.coefficient.checked_mul(factor))
            .filter(|scaled| *scaled < 2 * 10u128.pow(NUMBER_DIGITS_MAX))
            .ok_or_else(|| {
                if high.overflows_with(low) { Error::NumberOverflow } else { Error::NumberTooPrecise }
            })?;
        let (negative, coefficient) = if high.negative == low.negative {
            (high.negative, scaled + low.coefficient)
        } else if scaled >= low.coefficient {
            (high.negative, scaled - low.coefficient)
        } else {
            (low.negative, low.coefficient - scaled)
        };
        Number::normalized(negative, coefficient, i32::from(low.exponent))
    }

    /// The difference.
    ///
    /// # Errors
    /// As [`Number::checked_add`].
    pub fn checked_sub(self, other: Number) -> Result<Number, Error> {
        self.checked_add(Number { negative: !other.negative && !other.is_zero(), ..other })
    }

    /// Whether the sum with a smaller number is beyond the range.
    fn overflows_with(self, smaller: Number) -> bool {
        if self.negative != smaller.negative || self.magnitude() < MAGNITUDE_MAX {
            return false;
        }
        // What is missing to the power of ten above the range.
        let missing = 10u128.pow(digit_count(self.coefficient)) - self.coefficient;
        Number::normalized(false, missing, i32::from(self.exponent))
            .is_ok_and(|missing| Number { negative: false, ..smaller } >= missing)
    }

    fn normalized(negative: bool, mut coefficient: u128, mut exponent: i32) -> Result<Number, Error> {
        if coefficient == 0 {
            return Ok(Number::ZERO);
        }
        while coefficient.is_multiple_of(10) {
            coefficient /= 10;
            exponent += 1;
        }
        let digits = digit_count(coefficient);
        let magnitude = exponent + digits as i32 - 1;
        if magnitude > MAGNITUDE_MAX {
            return Err(Error::NumberOverflow);
        }
        if magnitude < MAGNITUDE_MIN {
            return Err(Error::NumberUnderflow);
        }
        if digits > NUMBER_DIGITS_MAX {
            return Err(Error::NumberTooPrecise);
        }
        let exponent = i16::try_from(exponent).map_err(|_| Error::NumberOverflow)?;
        Ok(Number { negative, coefficient, exponent })
    }
}

impl From<u64> for Number {
    fn from(value: u64) -> Number {
        Number::normalized(false, u128::from(value), 0).expect("20 digits are a DynamoDB number")
    }
}

impl From<i64> for Number {
    fn from(value: i64) -> Number {
        Number::normalized(value < 0, u128::from(value.unsigned_abs()), 0)
            .expect("19 digits are a DynamoDB number")
    }
}

fn digit_count(coefficient: u128) -> u32 {
    coefficient.checked_ilog10().map_or(0, |log| log + 1)
}

impl FromStr for Number {
    type Err = Error;

    fn from_str(text: &str) -> Result<Number, Error> {
        let invalid = || Error::NumberInvalid(text.to_owned());
        let bytes = text.as_bytes();
        let (negative, rest) = match bytes.first() {
            Some(b'-') => (true, &bytes[1..]),
            Some(b'+') => (false, &bytes[1..]),
            _ => (false, bytes),
        };
        let mut coefficient: u128 = 0;
        let mut exponent: i64 = 0;
        let mut pending_zeros: i64 = 0;
        let (mut any_digit, mut seen_point, mut too_precise) = (false, false, false);
        let mut position = 0;
        while position < rest.len() {
            let byte = rest[position];
            match byte {
                b'0'..=b'9' => {
                    any_digit = true;
                    let digit = u128::from(byte - b'0');
                    if seen_point {
                        exponent -= 1;
                    }
                    if digit == 0 {
                        // Zeros count only once a later digit shows that they are not trailing.
                        if coefficient != 0 {
                            pending_zeros += 1;
                        }
                    } else {
                        // Within u128 as long as the total stays at 38 digits.
                        let digits = i64::from(digit_count(coefficient)) + pending_zeros + 1;
                        if digits > i64::from(NUMBER_DIGITS_MAX) {
                            too_precise = true;
                        } else {
                            coefficient = coefficient * 10u128.pow(pending_zeros as u32 + 1) + digit;
                            pending_zeros = 0;
                        }
                    }
                }
                b'.' if !seen_point => seen_point = true,
                b'e' | b'E' => break,
                _ => return Err(invalid()),
            }
            position += 1;
        }
        if !any_digit {
            return Err(invalid());
        }
        if position < rest.len() {
            let power = std::str::from_utf8(&rest[position + 1..]).map_err(|_| invalid())?;
            let digits = power.strip_prefix(['+', '-']).unwrap_or(power);
            if digits.is_empty() || !digits.bytes().all(|b| b.is_ascii_digit()) {
                return Err(invalid());
            }
            // An exponent beyond i64 is out of range for any coefficient.
            let power = power.parse::<i64>().unwrap_or(if power.starts_with('-') {
                i64::MIN / 4
            } else {
                i64::MAX / 4
            });
            exponent = exponent.saturating_add(power);
        }
        if too_precise {
            return Err(Error::NumberTooPrecise);
        }
        let exponent = exponent.saturating_add(pending_zeros).clamp(-1_000_000, 1_000_000) as i32;
        Number::normalized(negative, coefficient, exponent)
    }
}

impl fmt::Display for Number {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_zero() {
            return f.write_str("0");
        }
        if self.negative {
            f.write_str("-")?;
        }
        let digits = self.coefficient.to_string();
        let point = self.magnitude() + 1;
        if self.exponent >= 0 {
            write!(f, "{digits}{:0<width$}", "", width = self.exponent as usize)
        } else if point > 0 {
            let (integer, fraction) = digits.split_at(point as usize);
            write!(f, "{integer}.{fraction}")
        } else {
            write!(f, "0.{:0<width$}{digits}", "", width = (-point) as usize)
        }
    }
}

impl PartialOrd for Number {
    fn partial_cmp(&self, other: &Number) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Number {
    fn cmp(&self, other: &Number) -> Ordering {
        let sign = |n: &Number| {
            if n.is_zero() {
                0
            } else if n.negative {
                -1
            } else {
                1
            }
        };
        let by_sign = sign(self).cmp(&sign(other));
        if by_sign.is_ne() || self.is_zero() {
            return by_sign;
        }
        // Same magnitude: scale both coefficients to 38 digits, which always fits.
        let scaled = |n: &Number| n.coefficient * 10u128.pow(NUMBER_DIGITS_MAX - digit_count(n.coefficient));
        let absolute =
            self.magnitude().cmp(&other.magnitude()).then_with(|| scaled(self).cmp(&scaled(other)));
        if self.negative { absolute.reverse() } else { absolute }
    }
}
