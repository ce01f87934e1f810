//! Tests of unpacking: every container, nested, damaged and hostile.

use std::io::Write;

use super::*;

#[derive(Default)]
struct Collected {
    members: Vec<(String, Vec<u8>, Option<String>)>,
    refused: Vec<(String, String)>,
    decide: Option<Decision>,
    restarts: usize,
}

impl Sink for Collected {
    fn begin(&mut self, member: &Member, _: &[u8]) -> Result<Decision, Stop> {
        let decision = self.decide.clone().unwrap_or(Decision::Take);
        if decision != Decision::Skip {
            self.members.push((member.name.clone(), Vec::new(), None));
        }
        Ok(decision)
    }

    fn resumed(&mut self, _: &Sha256) -> Result<(), Stop> {
        Ok(())
    }

    fn restarted(&mut self, _: &Member) -> Result<(), Stop> {
        self.restarts += 1;
        Ok(())
    }

    fn chunk(&mut self, bytes: Vec<u8>) -> Result<(), Stop> {
        self.members.last_mut().unwrap().1.extend(bytes);
        Ok(())
    }

    fn end(&mut self, end: MemberEnd) -> Result<(), Stop> {
        self.members.last_mut().unwrap().2 = end.skipped.map(|skipped| skipped.reason);
        Ok(())
    }

    fn refused(&mut self, name: &str, reason: &str) -> Result<(), Stop> {
        self.refused.push((name.to_owned(), reason.to_owned()));
        Ok(())
    }

    fn progress(&mut self, _: u64) {}
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn tar_of(files: &[(&str, &[u8])]) -> Vec<u8> {
    let mut builder = tar::Builder::new(Vec::new());
    for (name, bytes) in files {
        let mut header = tar::Header::new_ustar();
        // `set_path` would refuse the names a hostile archive has.
        header.as_mut_bytes()[..name.len()].copy_from_slice(name.as_bytes());
        header.set_size(bytes.len() as u64);
        header.set_mode(0o644);
        header.set_cksum();
        builder.append(&header, *bytes).unwrap();
    }
    builder.into_inner().unwrap()
}

fn zip_of(files: &[(&str, &[u8])]) -> Vec<u8> {
    let mut writer = zip::ZipWriter::new(io::Cursor::new(Vec::new()));
    for (name, bytes) in files {
        writer.start_file(*name, zip::write::SimpleFileOptions::default()).unwrap();
        writer.write_all(bytes).unwrap();
    }
    writer.finish().unwrap().into_inner()
}

fn collect(bytes: &[u8], name: &str, caps: Caps, decide: Option<Decision>) -> Collected {
    let mut sink = Collected { decide, ..Collected::default() };
    read_stream(Box::new(io::Cursor::new(bytes.to_vec())), name, caps, &mut sink).unwrap().unwrap();
    sink
}

fn read(bytes: &[u8], name: &str) -> Collected {
    collect(bytes, name, Caps::default(), None)
}

#[test]
fn every_container_is_told_by_content_and_nested() {
    let text = b"one\ntwo\n";
    let mut two_members = gzip(b"one\n");
    two_members.extend(gzip(b"two\n"));
    let mut bzip = bzip2::write::BzEncoder::new(Vec::new(), bzip2::Compression::fast());
    bzip.write_all(text).unwrap();
    let mut xz = liblzma::write::XzEncoder::new(Vec::new(), 1);
    xz.write_all(text).unwrap();
    for (packed, name, expected) in [
        (text.to_vec(), "a.gz", "a.gz"),
        (two_members, "a.gz", "a"),
        (zstd::encode_all(&text[..], 1).unwrap(), "a.log.zst", "a.log"),
        (bzip.finish().unwrap(), "strange name", "strange name"),
        (xz.finish().unwrap(), "a.xz", "a"),
        (gzip(&tar_of(&[("d/a.log", text)])), "b.tgz", "b.tar/d/a.log"),
        (zip_of(&[("a.log.gz", &gzip(text))]), "b.zip", "b.zip/a.log"),
        (tar_of(&[("inner.zip", &zip_of(&[("x", text)]))]), "o.tar", "o.tar/inner.zip/x"),
    ] {
        let sink = read(&packed, name);
        assert_eq!(sink.members, [(expected.to_owned(), text.to_vec(), None)], "{name}");
        assert_eq!(sink.refused, [], "{name}");
    }
}

#[test]
fn names_that_lead_elsewhere_and_links_are_refused() {
    let sink =
        read(&tar_of(&[("../evil", b"x\n"), ("/etc/evil", b"x\n"), ("a/../../b", b"x\n"), ("good", b"x\n")]), "t");
    assert_eq!(sink.members.len(), 1);
    assert_eq!(sink.refused.len(), 3);
    let mut builder = tar::Builder::new(Vec::new());
    let mut header = tar::Header::new_gnu();
    header.set_entry_type(tar::EntryType::Symlink);
    header.set_size(0);
    builder.append_link(&mut header, "link", "/etc/passwd").unwrap();
    let sink = read(&builder.into_inner().unwrap(), "t");
    assert_eq!(sink.refused, [("t/link".to_owned(), "is a link".to_owned())]);
    let sink = read(&zip_of(&[("../up", b"x\n")]), "z");
    assert_eq!(sink.refused.len(), 1);
}

#[test]
fn depth_count_and_ratio_have_caps() {
    let mut nested = b"x\n".to_vec();
    for _ in 0..7 {
        nested = gzip(&nested);
    }
    assert!(read(&nested, "deep").refused[0].1.contains("deeper than 5"));
    let caps = Caps { members: 2, ..Caps::default() };
    let sink = collect(&tar_of(&[("a", b"1\n"), ("b", b"2\n"), ("c", b"3\n")]), "t", caps, None);
    assert_eq!((sink.members.len(), sink.refused.len()), (2, 1));
    let bomb = zstd::encode_all(io::repeat(b'\n').take(200 << 20), 1).unwrap();
    let sink = read(&bomb, "bomb.zst");
    assert!(sink.members[0].2.as_ref().unwrap().contains("bomb"), "{:?}", sink.members[0].2);
    assert!(sink.members[0].1.len() < 80 << 20);
}

#[test]
fn what_was_read_before_damage_is_kept_and_the_rest_named() {
    let text: Vec<u8> = (0..200_000).flat_map(|number| format!("line {number}\n").into_bytes()).collect();
    let packed = gzip(&text);
    let sink = read(&packed[..packed.len() / 2], "cut.gz");
    let (_, bytes, skipped) = &sink.members[0];
    assert!(text.starts_with(bytes) && bytes.len() > text.len() / 4);
    assert!(skipped.is_some());
}

#[test]
fn known_bytes_are_passed_over_only_if_they_are_the_known_ones() {
    let text = b"one\ntwo\nthree\n";
    let hash = Sha256::digest(b"one\n").iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    let resume = Decision::Resume { bytes: 4, sha256: hash };
    let sink = collect(text, "x", Caps::default(), Some(resume.clone()));
    assert_eq!(sink.members[0].1, b"two\nthree\n");
    let sink = collect(b"ONE\ntwo\n", "x", Caps::default(), Some(resume));
    assert_eq!((sink.restarts, &sink.members[0].1[..]), (1, &b"ONE\ntwo\n"[..]));
}

#[test]
fn random_bytes_are_a_plain_file() {
    let mut state = 7u64;
    let bytes: Vec<u8> = std::iter::repeat_with(|| {
        state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        (state >> 33) as u8
    })
    .take(300_000)
    .collect();
    assert_eq!(read(&bytes, "r").members[0].1, bytes);
    assert_eq!(read(b"", "empty").members[0].1, b"");
}
