//! The form of a scenario file.

use crate::Service;

/// One request and what it should be answered with.
#[derive(Debug)]
pub(crate) struct Step {
    /// The line of the request, from 1.
    pub(crate) line: usize,
    /// As written, with the service in front if it is not DynamoDB, and the Region behind if there is one.
    pub(crate) operation: String,
    pub(crate) service: Service,
    /// The Region that is asked, if the step names one.
    pub(crate) region: Option<String>,
    /// JSON, not expanded yet.
    pub(crate) request: String,
    /// Ask until the answer is the expected one.
    pub(crate) until: bool,
    /// Status and answer, not expanded yet.
    pub(crate) expected: String,
    /// Where it stands: from 0, the end excluded.
    pub(crate) expected_lines: (usize, usize),
}

impl Step {
    /// The operation without its service and Region.
    pub(crate) fn name(&self) -> &str {
        let operation = self.operation.split('@').next().unwrap_or_default();
        operation.rsplit('.').next().unwrap_or_default()
    }
}

/// Reads a file.
pub(crate) fn parse(text: &str) -> Result<Vec<Step>, String> {
    let lines: Vec<&str> = text.lines().collect();
    let mut steps = Vec::new();
    let mut at = 0;
    while at < lines.len() {
        let line = lines[at].trim();
        if line.is_empty() || line.starts_with('#') {
            at += 1;
            continue;
        }
        let number = at + 1;
        let Some(rest) = line.strip_prefix('>') else {
            return Err(format!("line {number}: neither a comment nor a request: {line}"));
        };
        let (until, rest) = match rest.strip_prefix('*') {
            Some(rest) => (true, rest.trim_start()),
            None => (false, rest.trim_start()),
        };
        let (operation, first) = rest.split_once(char::is_whitespace).unwrap_or((rest, ""));
        let separator = (at + 1..lines.len())
            .find(|&at| lines[at].trim() == "---")
            .ok_or_else(|| format!("line {number}: no --- after the request"))?;
        let request: Vec<&str> =
            std::iter::once(first).chain(lines[at + 1..separator].iter().copied()).collect();
        let start = separator + 1;
        let end = (start..lines.len())
            .find(|&at| lines[at].trim().is_empty() || lines[at].starts_with(['#', '>']))
            .unwrap_or(lines.len());
        if start == end {
            return Err(format!("line {number}: no answer after ---"));
        }
        let service = if operation.starts_with("Streams.") { Service::Streams } else { Service::DynamoDb };
        steps.push(Step {
            line: number,
            operation: operation.to_owned(),
            service,
            region: operation.split_once('@').map(|(_, region)| region.to_owned()),
            request: request.join("\n"),
            until,
            expected: lines[start..end].join("\n"),
            expected_lines: (start, end),
        });
        at = end;
    }
    Ok(steps)
}
