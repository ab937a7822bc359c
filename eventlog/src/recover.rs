//! Finding the log as the last run left it, and telling a power cut from damage.
//!
//! Of sealed segments only the ends are looked at here: header, numbering from file
//! to file, last record. Their other records are checked whenever they are read. The
//! last segment is checked as a whole, because a power cut can have spoiled its end.
//!
//! Elsewhere: judging a bad line of the last segment (`torn`), the format (`segment`),
//! going on writing (`writer`).
//!
//! Invariant: only records that nobody can have seen are cut, and what is then
//! found in the log is durable before anybody sees it.

use std::{
    collections::VecDeque,
    io,
    path::{Path, PathBuf},
    sync::Arc,
};

use memchr::memrchr;
use protocol::seq::{Epoch, Seq};

use crate::{
    disk::{Disk, DiskFile},
    error::{Corruption, OpenError},
    kept::Kept,
    lines::Lines,
    segment::{self, Flaw, HEADER_MAX_BYTES, Header, LINE_MAX_BYTES, Line},
    torn::{Order, Tail},
};

/// One piece of a segment that is read as a whole.
const PIECE_BYTES: usize = 256 << 10;

/// The number of the first record ever.
const FIRST: Seq = Seq::new(1);

/// The end of a sealed file in which its last record is looked for first.
const LAST_LINE_BYTES: usize = 16 << 10;

/// The log, ready to be gone on with.
#[derive(Debug)]
pub(crate) struct Recovered {
    pub(crate) kept: Kept,
    pub(crate) tip: Seq,
    pub(crate) active: Segment,
}

/// A segment that is open.
#[derive(Debug)]
pub(crate) struct Segment {
    pub(crate) path: PathBuf,
    pub(crate) file: Arc<dyn DiskFile>,
    /// Good bytes in it.
    pub(crate) bytes: u64,
    /// The first seq it has or will have.
    pub(crate) first: Seq,
}

/// Opens the log in `dir`; a new log gets `new_epoch`.
pub(crate) fn recover(
    disk: &dyn Disk,
    dir: &Path,
    new_epoch: &Epoch,
) -> Result<Recovered, OpenError> {
    let mut firsts = list(disk, dir)?;
    let epoch = check_sealed(disk, dir, &firsts)?;
    let header = match firsts.back() {
        Some(&first) => last_header(disk, dir, first, epoch, new_epoch)?,
        None => {
            firsts.push_back(FIRST);
            make_segment(disk, dir, FIRST, new_epoch.clone())?
        }
    };
    let (tip, active) = check_last(disk, dir, &header)?;
    // The last run may have been killed before its fsync: what is now readable must stay.
    active.file.sync().map_err(OpenError::io(&active.path))?;
    disk.sync_dir(dir).map_err(OpenError::io(dir))?;
    let kept = Kept::new(dir, header.epoch, firsts, active.bytes);
    Ok(Recovered { kept, tip, active })
}

/// Makes the segment of `header`, durable with its name.
pub(crate) fn create_segment(disk: &dyn Disk, dir: &Path, header: &Header) -> io::Result<Segment> {
    let path = dir.join(segment::file_name(header.first));
    let file = disk.create(&path)?;
    let line = header.encode();
    crashpoint::pass("log.segment_created");
    file.write_at(&line, 0)?;
    crashpoint::pass("log.segment_written");
    file.sync()?;
    disk.sync_dir(dir)?;
    crashpoint::pass("log.segment_durable");
    Ok(Segment {
        path,
        file,
        bytes: line.len() as u64,
        first: header.first,
    })
}

fn list(disk: &dyn Disk, dir: &Path) -> Result<VecDeque<Seq>, OpenError> {
    let names = disk.list(dir).map_err(OpenError::io(dir))?;
    let mut firsts: Vec<Seq> = names
        .iter()
        .filter_map(|name| segment::parse_file_name(name))
        .collect();
    firsts.sort_unstable();
    Ok(firsts.into())
}

/// Looks at the ends of all segments but the last. Gives the epoch when there is one.
fn check_sealed(
    disk: &dyn Disk,
    dir: &Path,
    firsts: &VecDeque<Seq>,
) -> Result<Option<Epoch>, OpenError> {
    let mut epoch = None;
    for (&first, &next) in firsts.iter().zip(firsts.iter().skip(1)) {
        let path = dir.join(segment::file_name(first));
        let file = disk.open(&path).map_err(OpenError::io(&path))?;
        let header = match read_header(&file, &path)? {
            Ok(header) => header,
            Err(flaw) => return Err(damage(&path, 0, Some(first), flaw)),
        };
        check_header(&path, &header, first, epoch.as_ref())?;
        check_seal(&file, &path, next)?;
        epoch = Some(header.epoch);
    }
    Ok(epoch)
}

/// The header, or what is wrong with it.
fn read_header(file: &Arc<dyn DiskFile>, path: &Path) -> Result<Result<Header, Flaw>, OpenError> {
    let length = file.length().map_err(OpenError::io(path))?;
    let end = length.min(HEADER_MAX_BYTES as u64);
    let mut lines = Lines::new(Arc::clone(file), 0, end, HEADER_MAX_BYTES);
    match lines.next().map_err(OpenError::io(path))? {
        Some(line) if line.ended => match Header::parse(&line.bytes) {
            Err(Flaw::Version) => Err(OpenError::Version(path.to_owned())),
            header => Ok(header),
        },
        _ => Ok(Err(Flaw::Unterminated)),
    }
}

fn check_header(
    path: &Path,
    header: &Header,
    first: Seq,
    epoch: Option<&Epoch>,
) -> Result<(), OpenError> {
    if header.first != first {
        let what = format!("its header says that it begins with seq {}", header.first);
        return Err(damage(path, 0, Some(first), what));
    }
    match epoch {
        Some(epoch) if *epoch != header.epoch => {
            let what = format!(
                "it is of epoch {}, the files before it of {epoch}",
                header.epoch
            );
            Err(damage(path, 0, Some(first), what))
        }
        _ => Ok(()),
    }
}

/// A sealed segment ends right before the next one begins.
fn check_seal(file: &Arc<dyn DiskFile>, path: &Path, next: Seq) -> Result<(), OpenError> {
    let length = file.length().map_err(OpenError::io(path))?;
    let (offset, line) = last_line(&**file, length).map_err(OpenError::io(path))?;
    let expected = next.prev();
    match line.map(|line| Line::parse(&line).map(|line| line.seq)) {
        Some(Ok(seq)) if seq == expected => Ok(()),
        Some(Ok(seq)) => {
            let what = format!(
                "it ends with seq {seq}, the next file begins with {next}: records are missing"
            );
            Err(damage(path, offset, Some(expected), what))
        }
        Some(Err(flaw)) => Err(damage(path, offset, Some(expected), flaw)),
        None => Err(damage(path, offset, Some(expected), Flaw::Unterminated)),
    }
}

/// Where the last line begins, and its bytes when it has an end.
fn last_line(file: &dyn DiskFile, length: u64) -> io::Result<(u64, Option<Vec<u8>>)> {
    for window in [LAST_LINE_BYTES as u64, LINE_MAX_BYTES as u64 + 1] {
        let start = length.saturating_sub(window);
        let mut bytes = vec![0; (length - start) as usize];
        read_full(file, &mut bytes, start)?;
        if bytes.pop() != Some(b'\n') {
            break;
        }
        if let Some(before) = memrchr(b'\n', &bytes) {
            let line = bytes.split_off(before + 1);
            return Ok((start + before as u64 + 1, Some(line)));
        }
    }
    Ok((length, None))
}

pub(crate) fn read_full(file: &dyn DiskFile, bytes: &mut [u8], offset: u64) -> io::Result<()> {
    let mut done = 0;
    while done < bytes.len() {
        match file.read_at(&mut bytes[done..], offset + done as u64)? {
            0 => return Err(io::ErrorKind::UnexpectedEof.into()),
            read => done += read,
        }
    }
    Ok(())
}

/// The header of the last segment, made anew when a power cut has torn it.
fn last_header(
    disk: &dyn Disk,
    dir: &Path,
    first: Seq,
    epoch: Option<Epoch>,
    new_epoch: &Epoch,
) -> Result<Header, OpenError> {
    let path = dir.join(segment::file_name(first));
    let file = disk.open(&path).map_err(OpenError::io(&path))?;
    let flaw = match read_header(&file, &path)? {
        Ok(header) => {
            check_header(&path, &header, first, epoch.as_ref())?;
            return Ok(header);
        }
        Err(flaw) => flaw,
    };
    // The files before know the epoch; a log that has just been made has none yet.
    let epoch = epoch.or_else(|| (first == FIRST).then(|| new_epoch.clone()));
    match epoch {
        Some(epoch) if is_torn_header(&file, &path, first)? => {
            tracing::warn!(file = %path.display(), "the last segment had no header yet; made anew");
            make_segment(disk, dir, first, epoch)
        }
        _ => Err(damage(&path, 0, Some(first), format!("its header: {flaw}"))),
    }
}

fn make_segment(
    disk: &dyn Disk,
    dir: &Path,
    first: Seq,
    epoch: Epoch,
) -> Result<Header, OpenError> {
    let header = Header { epoch, first };
    create_segment(disk, dir, &header).map_err(OpenError::io(dir))?;
    Ok(header)
}

/// Whether a power cut while the segment was made can have left it so: records come only
/// after the header is durable.
fn is_torn_header(file: &Arc<dyn DiskFile>, path: &Path, first: Seq) -> Result<bool, OpenError> {
    let length = file.length().map_err(OpenError::io(path))?;
    if length > HEADER_MAX_BYTES as u64 {
        return Ok(false);
    }
    let tail = Tail {
        file,
        path,
        from: 0,
        end: length,
    };
    Ok(tail.record_after(first.prev())?.is_none())
}

/// Checks every record of the last segment and cuts what a power cut has spoiled.
fn check_last(disk: &dyn Disk, dir: &Path, header: &Header) -> Result<(Seq, Segment), OpenError> {
    let path = dir.join(segment::file_name(header.first));
    let file = disk.open(&path).map_err(OpenError::io(&path))?;
    let end = file.length().map_err(OpenError::io(&path))?;
    let mut bytes = header.encode().len() as u64;
    let mut lines = Lines::new(Arc::clone(&file), bytes, end, PIECE_BYTES);
    let mut order = Order::from(header.first);
    while let Some(raw) = lines.next().map_err(OpenError::io(&path))? {
        if let Err(misfit) = order.step(&raw) {
            let tail = Tail {
                file: &file,
                path: &path,
                from: raw.offset,
                end,
            };
            tail.judge(&order, &misfit)?;
            cut(&tail, order.next())?;
            break;
        }
        bytes = raw.after();
    }
    let first = header.first;
    Ok((
        order.next().prev(),
        Segment {
            path,
            file,
            bytes,
            first,
        },
    ))
}

fn cut(tail: &Tail<'_>, seq: Seq) -> Result<(), OpenError> {
    let bytes = tail.end - tail.from;
    tracing::warn!(
        file = %tail.path.display(), offset = tail.from, %seq, bytes,
        "cut a torn tail: the last group was not durable yet and nobody has seen it",
    );
    tail.file
        .truncate(tail.from)
        .map_err(OpenError::io(tail.path))?;
    tail.file.sync().map_err(OpenError::io(tail.path))
}

pub(crate) fn damage(path: &Path, offset: u64, seq: Option<Seq>, what: impl ToString) -> OpenError {
    let what = what.to_string();
    OpenError::Corrupt(Corruption {
        file: path.to_owned(),
        offset,
        seq,
        what,
    })
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use std::time::SystemTime;

    use super::*;

    /// A file that gives a byte at a time.
    #[derive(Debug)]
    struct Trickle(&'static [u8]);

    impl DiskFile for Trickle {
        fn length(&self) -> io::Result<u64> {
            Ok(self.0.len() as u64)
        }

        fn modified(&self) -> io::Result<SystemTime> {
            Ok(SystemTime::UNIX_EPOCH)
        }

        fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
            let Some(byte) = self.0.get(offset as usize) else {
                return Ok(0);
            };
            buffer[0] = *byte;
            Ok(1)
        }

        fn write_at(&self, _bytes: &[u8], _offset: u64) -> io::Result<()> {
            Err(io::ErrorKind::ReadOnlyFilesystem.into())
        }

        fn truncate(&self, _length: u64) -> io::Result<()> {
            Err(io::ErrorKind::ReadOnlyFilesystem.into())
        }

        fn sync(&self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn a_file_that_gives_little_at_a_time_is_read_in_full() {
        let mut bytes = [0; 4];

        read_full(&Trickle(b"0123456789"), &mut bytes, 3).unwrap();
        let over_the_end = read_full(&Trickle(b"0123456789"), &mut [0; 4], 8);

        assert_eq!(&bytes, b"3456");
        assert_eq!(
            over_the_end.unwrap_err().kind(),
            io::ErrorKind::UnexpectedEof
        );
    }
}
