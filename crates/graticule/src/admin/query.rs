//! Parameters of a query string.

use std::{collections::BTreeMap, str::FromStr};

use graticule_model::Error;

/// The parameters of one request, all of them known.
#[derive(Debug)]
pub(crate) struct Query(BTreeMap<String, String>);

impl Query {
    /// Reads a raw query string.
    ///
    /// # Errors
    /// If it cannot be read, or has parameters that are not among `known`.
    pub(crate) fn parse(raw: &str, known: &[&str]) -> Result<Query, Error> {
        let mut parameters = BTreeMap::new();
        for pair in raw.split('&').filter(|pair| !pair.is_empty()) {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            let decoded = decode(name).zip(decode(value));
            let (name, value) =
                decoded.ok_or_else(|| Error::Validation(format!("{pair} cannot be read in a query")))?;
            if !known.contains(&name.as_str()) {
                let known = known.join(", ");
                return Err(Error::Validation(format!("{name} is no parameter here; there are {known}")));
            }
            parameters.insert(name, value);
        }
        Ok(Query(parameters))
    }

    /// A parameter, if it was given and is not empty.
    pub(crate) fn text(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str).filter(|value| !value.is_empty())
    }

    /// A parameter that is a number.
    pub(crate) fn number<T: FromStr>(&self, name: &str) -> Result<Option<T>, Error> {
        let parse = |text: &str| {
            text.parse().map_err(|_| Error::Validation(format!("{name}={text} is no number that fits")))
        };
        self.text(name).map(parse).transpose()
    }
}

fn decode(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        bytes.push(match byte {
            b'%' => {
                let digits = [rest.next()?, rest.next()?];
                u8::from_str_radix(std::str::from_utf8(&digits).ok()?, 16).ok()?
            }
            b'+' => b' ',
            byte => byte,
        });
    }
    String::from_utf8(bytes).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_are_read_and_unknown_ones_refused() {
        let query = Query::parse("a=1&b=x%2Fy+z&c=&", &["a", "b", "c"]).unwrap();
        assert_eq!(query.number::<u64>("a").unwrap(), Some(1));
        assert_eq!((query.text("b"), query.text("c"), query.text("d")), (Some("x/y z"), None, None));
        assert!(query.number::<u64>("b").is_err());
        for raw in ["d=1", "a=%", "a=%f", "a=%zz", "a=%ff"] {
            assert!(Query::parse(raw, &["a"]).is_err(), "{raw}");
        }
    }
}
