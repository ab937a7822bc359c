//! A second, simple reading of submissions to compare with: the whole in memory, cut
//! at exact lines, uudecoded character by character. It shares no code with the parser
//! and knows no damage.

/// A document as the plain reading sees it.
pub(super) struct Plain {
    pub(super) document_type: String,
    pub(super) filename: Option<String>,
    pub(super) bytes: Vec<u8>,
}

/// The documents of an undamaged submission.
pub(super) fn documents(submission: &[u8]) -> Vec<Plain> {
    let lines = lines(submission);
    let mut documents = Vec::new();
    let mut at = 0;
    while at < lines.len() {
        if tag(lines[at]) != b"<DOCUMENT>" {
            at += 1;
            continue;
        }
        let text = (at..).find(|&i| tag(lines[i]) == b"<TEXT>").unwrap();
        let end = (text..).find(|&i| closes(&lines, i)).unwrap();
        let value = |name: &str| {
            let line = lines[at..text]
                .iter()
                .find(|line| line.starts_with(name.as_bytes()))?;
            Some(String::from_utf8(line[name.len()..].trim_ascii().to_vec()).unwrap())
        };
        documents.push(Plain {
            document_type: value("<TYPE>").unwrap(),
            filename: value("<FILENAME>"),
            bytes: content(&lines[text + 1..end]),
        });
        at = end;
    }
    documents
}

/// Lines with their ends: LF, CRLF or CR.
fn lines(bytes: &[u8]) -> Vec<&[u8]> {
    let mut lines = Vec::new();
    let mut start = 0;
    for at in 0..bytes.len() {
        let crlf = bytes[at] == b'\r' && bytes.get(at + 1) == Some(&b'\n');
        if bytes[at] == b'\n' || (bytes[at] == b'\r' && !crlf) {
            lines.push(&bytes[start..=at]);
            start = at + 1;
        }
    }
    lines.push(&bytes[start..]);
    lines
}

fn tag(line: &[u8]) -> &[u8] {
    line.strip_suffix(b"\r\n")
        .or(line.strip_suffix(b"\n"))
        .or(line.strip_suffix(b"\r"))
        .unwrap_or(line)
}

fn closes(lines: &[&[u8]], at: usize) -> bool {
    let next = lines[at + 1..].iter().find(|line| !tag(line).is_empty());
    tag(lines[at]) == b"</TEXT>" && next.is_some_and(|line| tag(line) == b"</DOCUMENT>")
}

fn content(mut lines: &[&[u8]]) -> Vec<u8> {
    for name in ["XML", "XBRL", "PDF"] {
        if lines
            .first()
            .is_some_and(|line| tag(line) == format!("<{name}>").as_bytes())
        {
            lines = &lines[1..];
            assert_eq!(tag(lines.last().unwrap()), format!("</{name}>").as_bytes());
            lines = &lines[..lines.len() - 1];
            break;
        }
    }
    if lines
        .first()
        .is_some_and(|line| line.starts_with(b"begin 644 "))
    {
        return uudecode(&lines[1..]);
    }
    tag(&lines.concat()).to_vec()
}

fn uudecode(lines: &[&[u8]]) -> Vec<u8> {
    let mut out = Vec::new();
    for line in lines {
        let line = tag(line);
        if line == b"end" {
            break;
        }
        // Fourteen bytes take twenty digits; one more is a doubled point.
        let line = if line.starts_with(b"..") && line.len() == 22 {
            &line[1..]
        } else {
            line
        };
        let Some(first) = line.first() else { continue };
        let length = usize::from((first - 32) % 64);
        let mut bits = Vec::new();
        for at in 0..length.div_ceil(3) * 4 {
            let digit = line.get(1 + at).copied().unwrap_or(b' ');
            let value = (digit - 32) % 64;
            bits.extend((0..6).rev().map(|bit| value >> bit & 1));
        }
        let bytes = bits
            .chunks(8)
            .map(|bits| bits.iter().fold(0, |byte, bit| byte << 1 | bit));
        out.extend(bytes.take(length));
    }
    out
}
