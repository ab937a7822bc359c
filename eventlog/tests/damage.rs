//! Damage of every kind: what nobody has seen is cut, anything else is an error.

#![allow(clippy::unwrap_used, reason = "tests")]

mod common;

use common::{
    disk_only_config, frames, header_bytes, line_starts, open, path, small_config, write,
};
use eventlog::{
    Config, Corruption, OpenError, ReadError,
    segment::{HEADER_MAX_BYTES, Header, Line},
    testing::ForgetfulDisk,
};
use protocol::seq::{Epoch, Seq};

const GROUPS: [&[&str]; 3] = [
    &[r#"{"n":1}"#],
    &[r#"{"n":2,"J":"*J"}"#, r#"{"n":3}"#],
    &[
        r#"{"n":4,"text":"longer than a block of the disk"}"#,
        r#"{"n":5,"J":"*J"}"#,
        r#"{"n":6}"#,
    ],
];

/// The bytes of a log of [`GROUPS`], and where its lines begin.
fn good_log() -> (Vec<u8>, Vec<usize>) {
    let disk = ForgetfulDisk::default();
    let (mut writer, _) = open(&disk, disk_only_config()).unwrap();
    write(&mut writer, &GROUPS);
    let bytes = disk.bytes(path(1));
    let starts = line_starts(&bytes);
    (bytes, starts)
}

fn good_frames(count: usize) -> Vec<&'static str> {
    GROUPS.concat()[..count].to_vec()
}

fn disk_of(bytes: Vec<u8>) -> ForgetfulDisk {
    let disk = ForgetfulDisk::default();
    disk.set_bytes(path(1), bytes);
    disk
}

/// The damage that opening a log of these bytes reports; the bytes must stay.
fn corruption(bytes: Vec<u8>) -> Option<Corruption> {
    let disk = disk_of(bytes.clone());
    match open(&disk, disk_only_config()) {
        Err(OpenError::Corrupt(corruption)) => {
            assert_eq!(disk.bytes(path(1)), bytes, "damaged bytes were touched");
            Some(corruption)
        }
        Err(other) => panic!("{other}"),
        Ok(_) => None,
    }
}

/// Opens, checks that `count` records are left, and goes on writing.
fn assert_cut_to(bytes: Vec<u8>, count: usize) {
    let disk = disk_of(bytes);
    let (mut writer, reader) = open(&disk, disk_only_config()).unwrap();
    assert_eq!(frames(&reader), good_frames(count));

    write(&mut writer, &[&["{}"]]);
    drop(writer);
    disk.crash();

    let (_, reader) = open(&disk, disk_only_config()).unwrap();
    assert_eq!(frames(&reader), [good_frames(count), vec!["{}"]].concat());
}

#[test]
fn torn_tail_is_cut_at_every_byte_and_earlier_records_survive() {
    let (bytes, starts) = good_log();

    for length in starts[4]..bytes.len() {
        let whole_lines = starts.iter().filter(|&&start| start <= length).count() - 1;
        assert_cut_to(bytes[..length].to_vec(), whole_lines.saturating_sub(1));
    }
}

#[test]
fn a_flipped_bit_in_an_earlier_group_is_reported_and_never_cut() {
    let (bytes, starts) = good_log();

    for bit in 0..starts[4] * 8 {
        let mut bad = bytes.clone();
        bad[bit / 8] ^= 1 << (bit % 8);
        let damage = corruption(bad).unwrap_or_else(|| panic!("bit {bit} was cut"));
        let line = starts.iter().rposition(|&start| start <= bit / 8).unwrap();
        assert_eq!(damage.offset as usize, starts[line], "bit {bit}");
    }
}

#[test]
fn a_flipped_bit_in_the_last_group_is_reported_too() {
    let (bytes, starts) = good_log();

    for bit in starts[4] * 8..bytes.len() * 8 {
        let mut bad = bytes.clone();
        bad[bit / 8] ^= 1 << (bit % 8);
        assert!(corruption(bad).is_some(), "bit {bit} was cut");
    }
}

#[test]
fn a_lost_line_end_before_a_good_group_of_one_is_reported() {
    let (mut bytes, starts) = good_log();
    bytes.truncate(starts[2]);
    let disk = disk_of(bytes);
    let (mut writer, _) = open(&disk, disk_only_config()).unwrap();
    write(&mut writer, &[&["{}"]]);
    let mut bytes = disk.bytes(path(1));

    bytes[starts[2] - 1] = b'7';

    assert_eq!(corruption(bytes).unwrap().seq, Some(Seq::new(1)));
}

#[test]
fn an_overwritten_stretch_in_an_earlier_group_is_reported() {
    let (bytes, starts) = good_log();

    for start in starts[1]..starts[4] {
        for filler in [0, b'\n', b'7', 0xff] {
            let mut bad = bytes.clone();
            bad[start..(start + 20).min(starts[4])].fill(filler);
            assert!(
                bad == bytes || corruption(bad).is_some(),
                "byte {start}, filler {filler}"
            );
        }
    }
}

#[test]
fn a_page_lost_in_the_last_group_is_cut_though_later_records_of_it_are_good() {
    let (mut bytes, starts) = good_log();

    bytes[starts[4]..starts[5]].fill(0);

    assert_cut_to(bytes, 3);
}

#[test]
fn a_frame_that_quotes_a_record_is_no_proof_of_damage() {
    let mut quoted = Vec::new();
    Line {
        seq: Seq::new(999),
        back: 0,
        frame: br#""}"#,
    }
    .encode(&mut quoted);
    let quoted = std::str::from_utf8(&quoted).unwrap().trim_end();
    let disk = ForgetfulDisk::default();
    let (mut writer, _) = open(&disk, disk_only_config()).unwrap();
    write(&mut writer, &[&["{}", &format!("{{\"name\":\"{quoted}")]]);
    let mut bytes = disk.bytes(path(1));
    let starts = line_starts(&bytes);

    bytes[starts[1]..starts[2]].fill(0);

    assert_cut_to(bytes, 0);
}

#[test]
fn a_group_that_became_zeros_is_cut() {
    let (mut bytes, starts) = good_log();
    bytes.truncate(starts[4]);

    bytes.resize(bytes.len() + 3_000_000, 0);

    assert_cut_to(bytes, 3);
}

#[test]
fn a_record_twice_in_a_row_is_reported() {
    let (mut bytes, starts) = good_log();

    bytes.extend_from_within(starts[6]..);

    assert_eq!(corruption(bytes).unwrap().seq, Some(Seq::new(7)));
}

#[test]
fn a_record_lost_before_a_good_group_is_reported() {
    let (mut bytes, starts) = good_log();

    bytes.drain(starts[1]..starts[2]);

    assert_eq!(corruption(bytes).unwrap().seq, Some(Seq::new(1)));
}

#[test]
fn damage_names_file_byte_seq_and_remedy() {
    let (mut bytes, starts) = good_log();
    bytes[starts[2] + 20] ^= 1;

    let text = corruption(bytes).unwrap().to_string();

    for part in [
        "00000000000000000001.log",
        &format!("byte {}", starts[2]),
        "seq 2",
        "Restore",
    ] {
        assert!(text.contains(part), "{part:?} is not in {text:?}");
    }
}

#[test]
fn another_format_version_is_not_called_damage() {
    let text = "eventlog 2 k7q2 1";
    let header = format!("{text} {:08x}\n", crc32c::crc32c(text.as_bytes()));

    let result = open(&disk_of(header.into_bytes()), disk_only_config());

    assert!(matches!(result, Err(OpenError::Version(_))));
}

/// A log of four segments on a disk.
fn rotated_log() -> ForgetfulDisk {
    let disk = ForgetfulDisk::default();
    let (mut writer, _) = open(&disk, small_config()).unwrap();
    while disk
        .paths()
        .iter()
        .filter(|path| path.extension().is_some())
        .count()
        < 4
    {
        write(&mut writer, &[&[r#"{"text":"some record"}"#, r#"{"n":2}"#]]);
    }
    disk
}

fn segment_paths(disk: &ForgetfulDisk) -> Vec<std::path::PathBuf> {
    disk.paths()
        .into_iter()
        .filter(|path| path.extension().is_some())
        .collect()
}

#[test]
fn a_flipped_bit_in_a_sealed_segment_is_found_at_the_start_or_when_read() {
    let disk = rotated_log();
    let sealed = segment_paths(&disk)[1].clone();
    let good = disk.bytes(&sealed);

    for bit in 0..good.len() * 8 {
        let mut bad = good.clone();
        bad[bit / 8] ^= 1 << (bit % 8);
        disk.set_bytes(&sealed, bad);
        let found = match open(&disk, small_config()) {
            Err(OpenError::Corrupt(damage)) => damage,
            Err(other) => panic!("bit {bit}: {other}"),
            Ok((_, reader)) => match reader.replay(Seq::ZERO).find_map(Result::err) {
                Some(ReadError::Corrupt(damage)) => damage,
                other => panic!("bit {bit}: {other:?}"),
            },
        };
        assert_eq!(found.file, sealed, "bit {bit}");
    }
}

#[test]
fn a_sealed_segment_cut_at_any_byte_is_reported() {
    let disk = rotated_log();
    let sealed = segment_paths(&disk)[1].clone();
    let good = disk.bytes(&sealed);

    for length in 0..good.len() {
        disk.set_bytes(&sealed, good[..length].to_vec());
        let result = open(&disk, small_config());
        assert!(
            matches!(result, Err(OpenError::Corrupt(_))),
            "length {length}"
        );
    }
}

#[test]
fn a_damaged_end_of_a_large_sealed_segment_is_named_by_its_byte() {
    let disk = ForgetfulDisk::default();
    let config = Config {
        segment_bytes: 20_000,
        ..disk_only_config()
    };
    let (mut writer, _) = open(&disk, config.clone()).unwrap();
    let frame = "x".repeat(1_000);
    (0..25).for_each(|_| write(&mut writer, &[&[&frame]]));
    drop(writer);
    let mut bytes = disk.bytes(path(1));
    let last = *line_starts(&bytes).last().unwrap();

    bytes[last + 500] ^= 1;
    disk.set_bytes(path(1), bytes);

    let Err(OpenError::Corrupt(damage)) = open(&disk, config) else {
        panic!("damage was stepped over");
    };
    assert_eq!(damage.offset as usize, last);
}

#[test]
fn a_record_that_the_file_lost_while_it_was_read_is_named_where_it_should_begin() {
    let disk = ForgetfulDisk::default();
    let (mut writer, reader) = open(&disk, disk_only_config()).unwrap();
    write(&mut writer, &GROUPS);
    let (bytes, starts) = good_log();
    disk.set_bytes(path(1), bytes[..starts[4]].to_vec());
    let read = |after, records| reader.read_after_blocking(Seq::new(after), records, usize::MAX);
    assert_eq!(read(0, 3).unwrap().len(), 3);

    let Err(ReadError::Corrupt(damage)) = read(3, 1) else {
        panic!("damage was stepped over");
    };

    let (offset, seq) = (starts[4] as u64, Some(Seq::new(4)));
    assert_eq!((damage.offset, damage.seq), (offset, seq));
}

#[test]
fn a_missing_segment_is_reported() {
    let disk = rotated_log();
    let removed = ForgetfulDisk::default();
    for (place, path) in segment_paths(&disk).iter().enumerate() {
        if place != 1 {
            removed.set_bytes(path, disk.bytes(path));
        }
    }

    assert!(matches!(
        open(&removed, small_config()),
        Err(OpenError::Corrupt(_))
    ));
}

#[test]
fn a_segment_of_another_epoch_is_reported() {
    let disk = rotated_log();
    let last = segment_paths(&disk).pop().unwrap();
    let first = eventlog::segment::parse_file_name(last.file_name().unwrap().to_str().unwrap());
    let foreign = Header {
        epoch: Epoch::parse("zzzz").unwrap(),
        first: first.unwrap(),
    };

    disk.set_bytes(&last, foreign.encode());

    assert!(matches!(
        open(&disk, small_config()),
        Err(OpenError::Corrupt(_))
    ));
}

#[test]
fn a_segment_whose_header_was_torn_while_rotating_is_made_anew() {
    let disk = rotated_log();
    let last = segment_paths(&disk).pop().unwrap();
    let first = eventlog::segment::parse_file_name(last.file_name().unwrap().to_str().unwrap());
    let header = disk.bytes(&last)[..header_bytes(first.unwrap().get())].to_vec();

    for length in 0..header.len() {
        for torn in [header[..length].to_vec(), vec![0; length]] {
            disk.set_bytes(&last, torn);
            let (mut writer, reader) = open(&disk, small_config()).unwrap();
            assert_eq!(reader.tip(), first.unwrap().prev());
            write(&mut writer, &[&["{}"]]);
            drop(writer);
            disk.crash();
            let (_, reader) = open(&disk, small_config()).unwrap();
            assert_eq!(reader.tip(), first.unwrap());
        }
    }
}

#[test]
fn what_is_longer_than_a_header_is_no_torn_header() {
    let (header, longer) = (vec![0; HEADER_MAX_BYTES], vec![0; HEADER_MAX_BYTES + 1]);

    assert!(corruption(header).is_none());
    assert!(corruption(longer).is_some());
}

#[test]
fn a_log_torn_while_it_was_made_gets_the_new_epoch() {
    for torn in [vec![], b"eventlog 1 zz".to_vec(), vec![0; 30]] {
        let disk = disk_of(torn);

        let (writer, reader) = open(&disk, disk_only_config()).unwrap();

        assert_eq!(writer.epoch(), &common::epoch());
        assert_eq!((reader.tip(), reader.oldest()), (Seq::ZERO, Seq::new(1)));
    }
}
