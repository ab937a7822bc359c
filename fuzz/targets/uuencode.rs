//! Uuencoded content: decoded as by a plain reading, and what is encoded comes back.
#![no_main]

use libfuzzer_sys::fuzz_target;

/// Longer lines are no uuencode; how much of them is decoded is not promised.
const MAX_LINE: usize = 80;

fuzz_target!(|input: &[u8]| {
    let bytes = read(input);
    if !input.contains(&b'<') && lines(input).all(|line| line.len() <= MAX_LINE) {
        assert_eq!(bytes, decoded(input));
    }
    assert_eq!(read(&encoded(input)), input);
});

/// The first document of a submission whose content is `body` behind `begin`.
fn read(body: &[u8]) -> Vec<u8> {
    let text = [
        b"<DOCUMENT>\n<TYPE>GRAPHIC\n<TEXT>\nbegin 644 x\n",
        body,
        b"\n</TEXT>\n</DOCUMENT>\n",
    ]
    .concat();
    let submission = fuzz::submission::checked(&text).expect("it begins like one");
    let mut documents = submission.documents.into_iter();
    let document = documents.next().expect("a document is there");
    assert!(document.head.uuencoded);
    document.bytes.into_owned()
}

fn lines(text: &[u8]) -> impl Iterator<Item = &[u8]> {
    text.split(|byte| matches!(byte, b'\n' | b'\r'))
}

/// Decodes digit by digit: a second reading to compare with.
fn decoded(text: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for line in lines(text) {
        let Some((b' '..=b'`', digits)) = line.split_first() else {
            match line.trim_ascii() {
                b"end" => break,
                _ => continue,
            }
        };
        let length = usize::from((line[0] - b' ') & 0x3f);
        let digit = |at: usize| digits.get(at).map_or(0, |d| d.wrapping_sub(b' ') & 0x3f);
        for at in 0..length {
            let first = at / 3 * 4 + at % 3;
            let pair = u16::from(digit(first)) << 6 | u16::from(digit(first + 1));
            bytes.push((pair >> (4 - 2 * (at % 3))) as u8);
        }
    }
    bytes
}

/// Encodes as EDGAR does: a blank is zero, blanks at the end of a line are cut.
fn encoded(bytes: &[u8]) -> Vec<u8> {
    let mut text = Vec::new();
    for line in bytes.chunks(45) {
        let mut row = vec![b' ' + line.len() as u8];
        for triple in line.chunks(3) {
            let byte = |at: usize| triple.get(at).copied().map_or(0, u32::from);
            let bits = byte(0) << 16 | byte(1) << 8 | byte(2);
            row.extend([18, 12, 6, 0].map(|shift| b' ' + (bits >> shift & 0x3f) as u8));
        }
        text.extend_from_slice(row.trim_ascii_end());
        text.push(b'\n');
    }
    text.extend_from_slice(b"\nend");
    text
}
