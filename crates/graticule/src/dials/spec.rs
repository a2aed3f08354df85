//! Dials as words on a command line, and back.
//!
//! ```text
//! delay=A:B:MS[:JITTER_MS][:one-way]   cut=A:B[:one-way]   pause=A:B[:one-way]   heal=A:B[:one-way]
//! clock=REGION:MS
//! error=NAME:PROBABILITY[:table=T][:operation=O][:region=R]
//! ```
//!
//! Links are meant both ways unless `one-way` says that only the way from A to B is.

use graticule_model::RegionName;

use super::{ClockEntry, DialState, LinkEntry, faults::FaultRule};

/// Reads one dial.
pub(crate) fn parse(word: &str) -> Result<DialState, String> {
    let (kind, rest) =
        word.split_once('=').ok_or("a dial is written KIND=..., for example cut=us-east-1:eu-west-1")?;
    let mut parts: Vec<&str> = rest.split(':').collect();
    let mut state = DialState::default();
    match kind {
        "delay" | "cut" | "pause" | "heal" => {
            let one_way = parts.pop_if(|last| *last == "one-way").is_some();
            let ([from, to], figures) = parts
                .split_first_chunk()
                .ok_or_else(|| format!("{kind} names two Regions, for example {kind}=us-east-1:eu-west-1"))?;
            let mut entry = LinkEntry {
                from: region(from)?,
                to: region(to)?,
                both: !one_way,
                delay_ms: None,
                jitter_ms: None,
                paused: None,
                cut: None,
            };
            match (kind, figures) {
                ("delay", [delay]) => (entry.delay_ms, entry.jitter_ms) = (Some(figure(delay)?), Some(0)),
                ("delay", [delay, jitter]) => {
                    (entry.delay_ms, entry.jitter_ms) = (Some(figure(delay)?), Some(figure(jitter)?));
                }
                ("delay", _) => {
                    return Err("a delay is written delay=A:B:MS or delay=A:B:MS:JITTER_MS".to_owned());
                }
                ("cut", []) => entry.cut = Some(true),
                ("pause", []) => entry.paused = Some(true),
                ("heal", []) => (entry.paused, entry.cut) = (Some(false), Some(false)),
                _ => return Err(format!("{kind} takes two Regions and perhaps one-way, nothing else")),
            }
            state.links.push(entry);
        }
        "clock" => {
            let [name, ahead] = parts[..] else {
                return Err("a clock is written clock=REGION:MS, for example clock=eu-west-1:-250".to_owned());
            };
            state.clocks.push(ClockEntry { region: region(name)?, ahead_ms: figure(ahead)? });
        }
        "error" => state.faults.push(fault(&parts)?),
        other => {
            return Err(format!("{other} is no dial; there are delay, cut, pause, heal, clock and error"));
        }
    }
    Ok(state)
}

fn fault(parts: &[&str]) -> Result<FaultRule, String> {
    let [name, probability, conditions @ ..] = parts else {
        return Err("an error is written error=NAME:PROBABILITY, for example error=ThrottlingException:0.2"
            .to_owned());
    };
    let probability = probability.parse().map_err(|_| format!("{probability} is no probability"))?;
    let mut rule =
        FaultRule { error: (*name).to_owned(), probability, table: None, operation: None, region: None };
    for condition in conditions {
        match condition.split_once('=') {
            Some(("table", table)) => {
                rule.table = Some(table.parse().map_err(|_| format!("{table} is no name of a table"))?);
            }
            Some(("operation", operation)) => rule.operation = Some(operation.to_owned()),
            Some(("region", name)) => rule.region = Some(region(name)?),
            _ => return Err(format!("{condition} is none of table=T, operation=O and region=R")),
        }
    }
    Ok(rule)
}

fn region(name: &str) -> Result<RegionName, String> {
    name.parse().map_err(|_| format!("{name:?} is no Region's name, which looks like us-east-1"))
}

fn figure<T: std::str::FromStr>(text: &str) -> Result<T, String> {
    text.parse().map_err(|_| format!("{text:?} is no number of milliseconds"))
}

/// One change from several.
pub(crate) fn together(states: Vec<DialState>) -> DialState {
    let mut all = DialState::default();
    for state in states {
        all.links.extend(state.links);
        all.clocks.extend(state.clocks);
        all.faults.extend(state.faults);
    }
    all
}

/// The words that set what is set.
pub(crate) fn words(state: &DialState) -> Vec<String> {
    let mut words = Vec::new();
    for LinkEntry { from, to, both, delay_ms, jitter_ms, paused, cut } in &state.links {
        let way = if *both { "" } else { ":one-way" };
        if let (Some(delay_ms), Some(jitter_ms)) = (delay_ms, jitter_ms)
            && (*delay_ms, *jitter_ms) != (0, 0)
        {
            words.push(format!("delay={from}:{to}:{delay_ms}:{jitter_ms}{way}"));
        }
        for (kind, set) in [("cut", cut), ("pause", paused)] {
            if *set == Some(true) {
                words.push(format!("{kind}={from}:{to}{way}"));
            }
        }
    }
    words.extend(state.clocks.iter().map(|clock| format!("clock={}:{}", clock.region, clock.ahead_ms)));
    for rule in &state.faults {
        let mut word = format!("error={}:{}", rule.error, rule.probability);
        let table = rule.table.as_ref().map(ToString::to_string);
        let region = rule.region.as_ref().map(ToString::to_string);
        for (name, value) in [("table", table), ("operation", rule.operation.clone()), ("region", region)] {
            if let Some(value) = value {
                word += &format!(":{name}={value}");
            }
        }
        words.push(word);
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dials::Dials;

    #[test]
    fn what_is_set_is_shown_as_the_words_that_set_it() {
        let words_in = [
            "delay=a:b:80:10:one-way",
            "cut=a:b:one-way",
            "pause=b:a:one-way",
            "clock=a:-250",
            "error=ThrottlingException:0.2:table=orders:operation=PutItem:region=a",
            "error=InternalServerError:1",
        ];
        let dials = Dials::default();
        let states: Vec<DialState> = words_in.iter().map(|word| parse(word).unwrap()).collect();
        dials.change(&together(states)).unwrap();
        assert_eq!(words(&dials.state()), words_in);
        for (word, left) in [("heal=a:b", "delay=a:b:80:10:one-way"), ("delay=a:b:0", "clock=a:-250")] {
            dials.change(&parse(word).unwrap()).unwrap();
            assert_eq!(words(&dials.state())[0], left);
        }
    }

    #[test]
    fn a_dial_without_one_way_is_meant_both_ways() {
        let dials = Dials::default();
        dials.change(&parse("cut=a:b").unwrap()).unwrap();
        assert_eq!(words(&dials.state()), ["cut=a:b:one-way", "cut=b:a:one-way"]);
    }

    #[test]
    fn what_is_wrong_is_said() {
        for (word, wrong) in [
            ("cut", "KIND="),
            ("cut=a", "two Regions"),
            ("cut=a:B", "looks like us-east-1"),
            ("cut=a:b:7", "nothing else"),
            ("delay=a:b", "delay=A:B:MS"),
            ("delay=a:b:soon", "no number"),
            ("delay=a:b:1:2:3", "delay=A:B:MS"),
            ("clock=a", "clock=REGION:MS"),
            ("error=ThrottlingException", "NAME:PROBABILITY"),
            ("error=ThrottlingException:often", "no probability"),
            ("error=ThrottlingException:1:tables=x", "none of table=T"),
            ("error=ThrottlingException:1:table=?", "no name of a table"),
            ("fly=a:b", "no dial"),
        ] {
            let said = parse(word).unwrap_err();
            assert!(said.contains(wrong), "{word}: {said}");
        }
    }
}
