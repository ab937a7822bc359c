//! uuencoding as EDGAR writes it: a space for zero, trailing spaces trimmed.

/// Appends `content` as a `begin 644` … `end` block to `text`.
///
/// The line of length zero that ends the body is a lone space, and trimmed to nothing.
pub(super) fn write(text: &mut String, filename: &str, content: &[u8]) {
    text.push_str(&format!("begin 644 {filename}\n"));
    for line in content.chunks(45) {
        let start = text.len();
        text.push(digit(line.len() as u8));
        for group in line.chunks(3) {
            let bytes = [
                group[0],
                *group.get(1).unwrap_or(&0),
                *group.get(2).unwrap_or(&0),
            ];
            write_group(text, bytes);
        }
        text.truncate(start + text[start..].trim_end_matches(' ').len());
        text.push('\n');
    }
    text.push_str("\nend\n");
}

fn write_group(text: &mut String, [first, second, third]: [u8; 3]) {
    text.push(digit(first >> 2));
    text.push(digit((first & 3) << 4 | second >> 4));
    text.push(digit((second & 15) << 2 | third >> 6));
    text.push(digit(third & 63));
}

fn digit(six_bits: u8) -> char {
    char::from(six_bits + b' ')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_body_is_the_one_every_uuencoder_writes() {
        let mut text = String::new();

        write(&mut text, "cat.txt", b"Cat");

        assert_eq!(text, "begin 644 cat.txt\n#0V%T\n\nend\n");
    }

    #[test]
    fn trailing_spaces_are_trimmed() {
        let mut text = String::new();

        write(&mut text, "zero.bin", &[1, 0, 0, 0, 0, 0]);

        assert_eq!(text, "begin 644 zero.bin\n& 0\n\nend\n");
    }
}
