//! Query strings, decoded leniently as EDGAR does: what makes no sense is absent.

/// The parameters of a request.
#[derive(Debug, Default)]
pub(crate) struct Query {
    pairs: Vec<(String, String)>,
}

impl Query {
    /// Decodes `text`, the part after the question mark.
    pub(crate) fn parse(text: &str) -> Self {
        let pair = |part: &str| {
            let (name, value) = part.split_once('=').unwrap_or((part, ""));
            (decode(name), decode(value))
        };
        Self {
            pairs: text
                .split('&')
                .filter(|part| !part.is_empty())
                .map(pair)
                .collect(),
        }
    }

    /// The first value of `name`; absent and empty are the same.
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        let found = self.pairs.iter().find(|(key, _)| key == name);
        found
            .map(|(_, value)| value.as_str())
            .filter(|value| !value.is_empty())
    }

    /// The first value of `name` as a number.
    pub(crate) fn number(&self, name: &str) -> Option<usize> {
        self.get(name)?.parse().ok()
    }

    /// The comma list `name`.
    pub(crate) fn list(&self, name: &str) -> Vec<&str> {
        let values = self.get(name).unwrap_or_default().split(',');
        values
            .map(str::trim)
            .filter(|value| !value.is_empty())
            .collect()
    }
}

/// Percent-decodes `text`; a broken escape stands for itself.
fn decode(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut decoded = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while at < bytes.len() {
        let escaped = bytes
            .get(at + 1..at + 3)
            .and_then(|hex| u8::from_str_radix(std::str::from_utf8(hex).ok()?, 16).ok());
        match (bytes[at], escaped) {
            (b'%', Some(byte)) => {
                decoded.push(byte);
                at += 2;
            }
            (b'+', _) => decoded.push(b' '),
            (byte, _) => decoded.push(byte),
        }
        at += 1;
    }
    String::from_utf8_lossy(&decoded).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_decoded() {
        let query = Query::parse("forms=8-K%2CSCHEDULE+13G%2FA,-0&from=100&q=100%&empty=");

        assert_eq!(query.list("forms"), ["8-K", "SCHEDULE 13G/A", "-0"]);
        assert_eq!(query.number("from"), Some(100));
        assert_eq!(query.get("q"), Some("100%"));
        assert_eq!(query.get("empty"), None);
    }
}
