//! What a user names: a file or stdin, plain or compressed.

use std::{
    fs::File,
    io::{self, BufReader, Read},
    path::Path,
};

use flate2::bufread::MultiGzDecoder;

/// Bytes read at a time.
const BUFFER: usize = 64 * 1024;
const GZIP: &[u8] = &[0x1f, 0x8b];
const ZSTD: &[u8] = &[0x28, 0xb5, 0x2f, 0xfd];

/// The bytes of a submission.
pub(super) struct Input(Box<dyn Read>);

/// Whether the name stands for stdin.
pub(super) fn is_stdin(file: &Path) -> bool {
    file.as_os_str() == "-"
}

impl Input {
    /// Opens a file, or stdin for `-`.
    ///
    /// # Errors
    /// When it cannot be read.
    pub(super) fn open(file: &Path) -> io::Result<Self> {
        if is_stdin(file) {
            return Self::of(io::stdin());
        }
        let opened = File::open(file)?;
        if opened.metadata()?.is_dir() {
            return Err(io::Error::other("is a folder; name the files in it"));
        }
        Self::of(opened)
    }

    /// Undoes the compression that the first bytes tell of.
    fn of(source: impl Read + 'static) -> io::Result<Self> {
        let (magic, source) = first_bytes(source)?;
        let source = BufReader::with_capacity(BUFFER, source);
        Ok(Self(if magic.starts_with(GZIP) {
            Box::new(MultiGzDecoder::new(source))
        } else if magic.starts_with(ZSTD) {
            Box::new(zstd::stream::read::Decoder::with_buffer(source)?)
        } else {
            Box::new(source)
        }))
    }
}

/// The first four bytes, fewer at the end, and a reader that begins with them.
fn first_bytes(mut source: impl Read) -> io::Result<(Vec<u8>, impl Read)> {
    let mut magic = Vec::with_capacity(ZSTD.len());
    source
        .by_ref()
        .take(ZSTD.len() as u64)
        .read_to_end(&mut magic)?;
    Ok((magic.clone(), io::Cursor::new(magic).chain(source)))
}

impl Read for Input {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.0.read(buffer)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use std::io::Write;

    use super::*;

    fn read(bytes: Vec<u8>) -> io::Result<Vec<u8>> {
        let mut all = Vec::new();
        Input::of(io::Cursor::new(bytes))?.read_to_end(&mut all)?;
        Ok(all)
    }

    fn gzip(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    #[test]
    fn compression_is_told_by_the_first_bytes_not_by_the_name() {
        let plain = b"<SUBMISSION>\n".repeat(20_000);
        let (first, second) = plain.split_at(7);

        assert_eq!(read(plain.clone()).unwrap(), plain);
        assert_eq!(
            read(zstd::encode_all(&plain[..], 1).unwrap()).unwrap(),
            plain
        );
        assert_eq!(read([gzip(first), gzip(second)].concat()).unwrap(), plain);
    }

    #[test]
    fn short_files_are_read_as_they_are() {
        for bytes in [&b""[..], b"\x1f", b"(\xb5", b"ab"] {
            assert_eq!(read(bytes.to_vec()).unwrap(), bytes);
        }
    }

    #[test]
    fn compressed_files_that_are_cut_are_errors() {
        let plain = b"<SUBMISSION>\n".repeat(20_000);
        let gz = gzip(&plain);
        let zst = zstd::encode_all(&plain[..], 1).unwrap();

        assert!(read(gz[..gz.len() - 9].to_vec()).is_err());
        assert!(read(zst[..zst.len() - 1].to_vec()).is_err());
    }
}
