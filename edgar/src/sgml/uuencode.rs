//! Uuencode as EDGAR writes it, decoded as a stream.
//!
//! Its habits: trailing blanks are trimmed, so that lines are shorter than their
//! length says; zero is a blank or a backtick; the line before `end` is empty, a
//! blank or a backtick. The caller has read the line `begin` already.
//!
//! Invariant: a line gives as many bytes as its first character says, whatever
//! characters follow.

use memchr::memchr2;

use super::damage::Fault;

/// Longest line kept: one length and 84 digits, with room for foreign habits.
const MAX_LINE: usize = 256;
/// Digits of the longest line that says its length in one character.
const MAX_DIGITS: usize = 84;
/// Wrapper tags that may stand after `end`. As data they would be lines of 28 bytes
/// whose digits are blanks: no encoder leaves that after trimming.
const CLOSING_WRAPPERS: [&[u8]; 3] = [b"</PDF>", b"</XML>", b"</XBRL>"];

/// Whether `line` opens uuencoded content: `begin NNN name`.
///
/// Prose may begin with "begin to ship", so the mode of three octal digits counts.
pub(super) fn begin_name(line: &[u8]) -> Option<&[u8]> {
    let rest = line.strip_prefix(b"begin ")?;
    let (mode, rest) = rest.split_at_checked(3)?;
    let octal = mode.iter().all(|digit| (b'0'..=b'7').contains(digit));
    let name = rest.strip_prefix(b" ")?.trim_ascii();
    (octal && !name.is_empty()).then_some(name)
}

/// The state between two pieces of uuencoded content.
#[derive(Debug, Default)]
pub(super) struct Decoder {
    /// The start of a line whose end has not come.
    line: Vec<u8>,
    ended: bool,
    fault: Option<Fault>,
}

impl Decoder {
    /// Appends to `out` what the lines completed by `bytes` hold.
    pub(super) fn push(&mut self, mut bytes: &[u8], out: &mut Vec<u8>) {
        if !self.line.is_empty() {
            bytes = self.complete_line(bytes, out);
        }
        while let Some(end) = memchr2(b'\n', b'\r', bytes) {
            self.decode_line(&bytes[..end], out);
            bytes = &bytes[end + 1..];
        }
        self.keep(bytes);
    }

    /// Decodes the last line and tells the first fault found.
    ///
    /// A last line without its newline is cut: what it lacks is not blanks.
    pub(super) fn finish(mut self, out: &mut Vec<u8>) -> Option<Fault> {
        let line = std::mem::take(&mut self.line);
        let before = out.len();
        self.decode_line(&line, out);
        let whole_groups = line.len().saturating_sub(1) / 4;
        out.truncate(before + whole_groups * 3);
        if !self.ended {
            self.blame(Fault::UuencodeUnended);
        }
        self.fault
    }

    fn complete_line<'a>(&mut self, bytes: &'a [u8], out: &mut Vec<u8>) -> &'a [u8] {
        let Some(end) = memchr2(b'\n', b'\r', bytes) else {
            self.keep(bytes);
            return &[];
        };
        self.keep(&bytes[..end]);
        let mut line = std::mem::take(&mut self.line);
        self.decode_line(&line, out);
        line.clear();
        self.line = line;
        &bytes[end + 1..]
    }

    fn keep(&mut self, bytes: &[u8]) {
        let room = MAX_LINE - self.line.len().min(MAX_LINE);
        self.line.extend_from_slice(&bytes[..bytes.len().min(room)]);
    }

    fn decode_line(&mut self, line: &[u8], out: &mut Vec<u8>) {
        let Some(&first) = line.first() else { return };
        if first == b'<' && CLOSING_WRAPPERS.contains(&line.trim_ascii_end()) {
            return self.end_at_wrapper();
        }
        if self.ended || !(b' '..=b'`').contains(&first) {
            return self.odd_line(line);
        }
        let length = usize::from((first - b' ') & 0x3f);
        let digits = length.div_ceil(3) * 4;
        let given = &line[1..];
        if given.len() < digits {
            let mut padded = [b' '; MAX_DIGITS];
            padded[..given.len()].copy_from_slice(given);
            self.decode_digits(&padded[..digits], length, out);
        } else {
            self.decode_digits(&given[..digits], length, out);
            // One more character is a checksum of some encoders.
            if given[digits..].trim_ascii().len() > 1 {
                self.blame(Fault::UuencodeLine);
            }
        }
    }

    fn odd_line(&mut self, line: &[u8]) {
        let line = line.trim_ascii();
        if !self.ended && line == b"end" {
            self.ended = true;
        } else if !line.is_empty() {
            self.blame(if self.ended {
                Fault::UuencodeTail
            } else {
                Fault::UuencodeLine
            });
        }
    }

    fn end_at_wrapper(&mut self) {
        if !self.ended {
            self.ended = true;
            self.blame(Fault::UuencodeUnended);
        }
    }

    fn decode_digits(&mut self, digits: &[u8], length: usize, out: &mut Vec<u8>) {
        if !all_digits(digits) {
            self.blame(Fault::UuencodeLine);
        }
        let mut bytes = [0; 64];
        for (group, triple) in digits.chunks_exact(4).zip(bytes.chunks_exact_mut(3)) {
            triple.copy_from_slice(&decode_group(group));
        }
        out.extend_from_slice(&bytes[..length]);
    }

    fn blame(&mut self, fault: Fault) {
        self.fault.get_or_insert(fault);
    }
}

fn all_digits(digits: &[u8]) -> bool {
    let outside = |&digit: &u8| digit.wrapping_sub(b' ') > b'`' - b' ';
    !digits.iter().fold(false, |bad, digit| bad | outside(digit))
}

fn decode_group(group: &[u8]) -> [u8; 3] {
    let sextet = |at: usize| u32::from(group[at].wrapping_sub(b' ') & 0x3f);
    let bits = sextet(0) << 18 | sextet(1) << 12 | sextet(2) << 6 | sextet(3);
    let [_, first, second, third] = bits.to_be_bytes();
    [first, second, third]
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn decode(text: &[u8]) -> (Vec<u8>, Option<Fault>) {
        let (mut out, mut decoder) = (Vec::new(), Decoder::default());
        decoder.push(text, &mut out);
        let fault = decoder.finish(&mut out);
        (out, fault)
    }

    /// A plain encoder: `zero` is the digit of zero, `trim` cuts blanks at line ends.
    fn encode(bytes: &[u8], zero: u8, trim: bool, newline: &str) -> Vec<u8> {
        let digit = |bits: u8| if bits == 0 { zero } else { bits + b' ' };
        let mut text = Vec::new();
        for line in bytes.chunks(45).chain([&[][..]]) {
            let mut row = vec![digit(line.len() as u8)];
            for triple in line.chunks(3) {
                let [a, b, c] = [0, 1, 2].map(|i| triple.get(i).copied().unwrap_or(0));
                row.extend(
                    [
                        a >> 2,
                        a << 4 & 0x3f | b >> 4,
                        b << 2 & 0x3f | c >> 6,
                        c & 0x3f,
                    ]
                    .map(digit),
                );
            }
            if trim {
                row.truncate(row.trim_ascii_end().len());
            }
            text.extend(row);
            text.extend(newline.as_bytes());
        }
        text.extend(b"end");
        text.extend(newline.as_bytes());
        text
    }

    #[test]
    fn only_a_mode_and_a_name_begin_uuencode() {
        assert_eq!(
            begin_name(b"begin 644 report.pdf"),
            Some(&b"report.pdf"[..])
        );
        assert_eq!(
            begin_name(b"begin 600 two words.zip  "),
            Some(&b"two words.zip"[..])
        );
        for line in [
            &b"begin to ship"[..],
            b"begin 644",
            b"begin 644 ",
            b"begin 899 x",
            b" begin 644 x",
            b"begin 64",
        ] {
            assert_eq!(begin_name(line), None);
        }
    }

    #[test]
    fn a_line_with_trimmed_blanks_gives_its_full_length() {
        assert_eq!(decode(b"M\n\nend\n"), (vec![0; 45], None));
        assert_eq!(decode(b"#0V%T\n\nend\n"), (b"Cat".to_vec(), None));
    }

    #[test]
    fn backticks_are_zero() {
        assert_eq!(decode(b"#````\n`\nend\n"), (vec![0; 3], None));
    }

    #[test]
    fn missing_end_is_told_and_the_rest_kept() {
        assert_eq!(
            decode(b"#0V%T\n"),
            (b"Cat".to_vec(), Some(Fault::UuencodeUnended))
        );
        assert_eq!(
            decode(b"#0V%T\n</PDF>\n"),
            (b"Cat".to_vec(), Some(Fault::UuencodeUnended))
        );
    }

    #[test]
    fn what_is_no_uuencode_is_told_and_skipped() {
        let fault = Some(Fault::UuencodeLine);
        assert_eq!(
            decode(b"#0V%T\nzzz\n#0V%T\n\nend\n"),
            (b"CatCat".to_vec(), fault)
        );
    }

    #[test]
    fn content_after_end_is_told_but_not_a_closing_wrapper() {
        assert_eq!(decode(b"#0V%T\n\nend\n\n</PDF>\n").1, None);
        assert_eq!(decode(b"#0V%T\n\nend\nmore\n").1, Some(Fault::UuencodeTail));
    }

    #[test]
    fn a_checksum_character_is_ignored() {
        assert_eq!(decode(b"#0V%TX\n \nend\n"), (b"Cat".to_vec(), None));
    }

    proptest! {
        #[test]
        fn every_habit_decodes_to_the_same_bytes(
            bytes in proptest::collection::vec(any::<u8>(), 0..400),
            cut in 0..600usize,
        ) {
            for (zero, trim) in [(b' ', false), (b' ', true), (b'`', false)] {
                for newline in ["\n", "\r\n", "\r"] {
                    let text = encode(&bytes, zero, trim, newline);
                    let (head, tail) = text.split_at(cut.min(text.len()));
                    let (mut out, mut decoder) = (Vec::new(), Decoder::default());

                    decoder.push(head, &mut out);
                    decoder.push(tail, &mut out);
                    let fault = decoder.finish(&mut out);

                    prop_assert_eq!(&out, &bytes);
                    prop_assert_eq!(fault, None);
                }
            }
        }

        #[test]
        fn no_bytes_panic(bytes in proptest::collection::vec(any::<u8>(), 0..600)) {
            decode(&bytes);
        }
    }
}
