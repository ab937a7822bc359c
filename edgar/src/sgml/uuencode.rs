//! Uuencode as EDGAR writes it, decoded as a stream.
//!
//! Its habits: trailing blanks are trimmed, so that lines are shorter than their
//! length says; zero is a blank or a backtick; the line before `end` is empty, a
//! blank or a backtick; until 2023 a point at the start of a line is doubled, as in
//! mail. The caller has read the line `begin` already.
//!
//! Nearly all lines are 45 bytes in 60 digits, so these have a way of their own, and
//! eight digits at a time become six bytes.
//!
//! Invariant: a line gives as many bytes as its first character says, whatever
//! characters follow.

use memchr::memchr2;

use super::damage::Fault;

/// Longest line kept: one length and 84 digits, with room for foreign habits.
const MAX_LINE: usize = 256;
/// Digits of the longest line that says its length in one character, in whole octets.
const MAX_DIGITS: usize = 88;
/// Digits of a full line: 45 bytes, told by its first character `M`.
const FULL_DIGITS: usize = 60;
/// A full line: `M`, its digits, the first character of its end.
const FULL_LINE: usize = FULL_DIGITS + 2;
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
        out.reserve(bytes.len() / 4 * 3);
        if !self.line.is_empty() {
            bytes = self.complete_line(bytes, out);
        }
        loop {
            bytes = self.decode_full_lines(bytes, out);
            let Some(end) = memchr2(b'\n', b'\r', bytes) else {
                break;
            };
            self.decode_line(&bytes[..end], out);
            bytes = &bytes[end + 1..];
        }
        self.keep(bytes);
    }

    /// Decodes full lines up to the first line that is shorter or odd.
    fn decode_full_lines<'a>(&self, mut bytes: &'a [u8], out: &mut Vec<u8>) -> &'a [u8] {
        while !self.ended
            && let Some((line, rest)) = bytes.split_first_chunk::<FULL_LINE>()
            && let [b'M', digits @ .., b'\n' | b'\r'] = line
        {
            // A line that ends sooner has its newline among the digits.
            let digits = padded::<64>(digits);
            if !all_digits(&digits) {
                break;
            }
            out.extend_from_slice(&decode_digits::<48>(&digits)[..FULL_DIGITS / 4 * 3]);
            bytes = rest;
        }
        bytes
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
        // The rest of a longer line is not kept between two pieces either.
        let line = &line[..line.len().min(MAX_LINE)];
        let Some(&first) = line.first() else { return };
        if first == b'<' && CLOSING_WRAPPERS.contains(&line.trim_ascii_end()) {
            return self.end_at_wrapper();
        }
        if self.ended || !(b' '..=b'`').contains(&first) {
            return self.odd_line(line);
        }
        let length = usize::from((first - b' ') & 0x3f);
        let given = &without_doubled_point(line)[1..];
        let (digits, rest) = given.split_at(given_digits(length).min(given.len()));
        // One more character is a checksum of some encoders.
        if rest.trim_ascii().len() > 1 {
            self.blame(Fault::UuencodeLine);
        }
        let digits = padded::<MAX_DIGITS>(digits);
        if !all_digits(&digits) {
            self.blame(Fault::UuencodeLine);
        }
        out.extend_from_slice(&decode_digits::<66>(&digits)[..length]);
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

    fn blame(&mut self, fault: Fault) {
        self.fault.get_or_insert(fault);
    }
}

/// `line` as it was before its point was doubled.
///
/// A point says that 14 bytes follow. Two of them may be this and a digit, unless
/// there is one digit too many.
fn without_doubled_point(line: &[u8]) -> &[u8] {
    const DOUBLED: usize = 1 + given_digits(14);
    match line {
        [b'.', once @ ..] if once.starts_with(b".") && once.len() == DOUBLED => once,
        _ => line,
    }
}

/// Digits that `length` bytes take.
const fn given_digits(length: usize) -> usize {
    length.div_ceil(3) * 4
}

/// `digits` with the blanks that were trimmed; they are at most `N`.
fn padded<const N: usize>(digits: &[u8]) -> [u8; N] {
    let mut padded = [b' '; N];
    padded[..digits.len()].copy_from_slice(digits);
    padded
}

fn all_digits(digits: &[u8]) -> bool {
    let outside = |&digit: &u8| digit.wrapping_sub(b' ') > b'`' - b' ';
    !digits.iter().fold(false, |bad, digit| bad | outside(digit))
}

/// The bytes of `digits`, whose number is a multiple of eight; `N` is three quarters of it.
fn decode_digits<const N: usize>(digits: &[u8]) -> [u8; N] {
    let mut bytes = [0; N];
    let (octets, _) = digits.as_chunks();
    let (sixes, _) = bytes.as_chunks_mut();
    for (six, octet) in sixes.iter_mut().zip(octets) {
        *six = decode_octet(*octet);
    }
    bytes
}

/// Eight digits of six bits, put together in three steps, all lanes at once.
fn decode_octet(digits: [u8; 8]) -> [u8; 6] {
    // A digit is its six bits and a blank, of which only bit five counts.
    let bits = u64::from_be_bytes(digits) ^ 0x2020_2020_2020_2020;
    let twelves = (bits & 0x3f00_3f00_3f00_3f00) >> 2 | bits & 0x003f_003f_003f_003f;
    let pairs = (twelves & 0x0fff_0000_0fff_0000) >> 4 | twelves & 0x0000_0fff_0000_0fff;
    let all = (pairs >> 32) << 24 | pairs & 0x00ff_ffff;
    let [_, _, bytes @ ..] = all.to_be_bytes();
    bytes
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
    fn a_doubled_point_is_one() {
        let fourteen = b"\r\n116\r\n%%EOF\r\n";
        assert_eq!(
            decode(b"..#0HQ,38-\"B4E14]&#0H!\n\nend\n"),
            (fourteen.to_vec(), None)
        );
        assert_eq!(
            decode(b".#0HQ,38-\"B4E14]&#0H!\n\nend\n"),
            (fourteen.to_vec(), None)
        );
        assert_eq!(decode(b"..E+]S:M 'UU1110!_]D!\n\nend\n").0.len(), 14);
        assert_eq!(decode(b"..E+]S:M 'UU1110!_]D!\n\nend\n").0[0], 0x3a);
    }

    #[test]
    fn a_checksum_character_is_ignored() {
        assert_eq!(decode(b"#0V%TX\n \nend\n"), (b"Cat".to_vec(), None));
    }

    #[test]
    fn a_full_line_with_a_foreign_character_is_told_and_keeps_its_length() {
        for foreign in [b'\x1f', b'a', b'\xff'] {
            let mut text = encode(&[0x55; 90], b' ', false, "\n");
            text[30] = foreign;

            let (bytes, fault) = decode(&text);

            assert_eq!((bytes.len(), fault), (90, Some(Fault::UuencodeLine)));
            assert_eq!(bytes[45..], [0x55; 45]);
        }
    }

    proptest! {
        #[test]
        fn eight_digits_are_their_bits_in_a_row(digits in any::<[u8; 8]>()) {
            let six = |&digit: &u8| (0..6).rev().map(move |bit| digit.wrapping_sub(b' ') >> bit & 1);
            let bits: Vec<u8> = digits.iter().flat_map(six).collect();
            let bytes = bits.chunks(8).map(|bits| bits.iter().fold(0, |byte, bit| byte << 1 | bit));

            prop_assert_eq!(decode_octet(digits).to_vec(), bytes.collect::<Vec<u8>>());
        }

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
