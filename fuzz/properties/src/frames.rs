//! What Worker and ledger say to each other: what is understood is said the same way again, and all else is refused.

use oncegate_protocol::DecodeError;
use oncegate_protocol::seal::{Segments, TAG_BYTES};
use oncegate_protocol::wire::{
    Command, Kind, OperatorCommand, PREFIX_BYTES, Reply, Report, SentBody, SentIntervention, SentOutcome, head_length,
};

/// The version of all frames.
const VERSION: u8 = 1;
/// How many bytes of a body are sealed at a time.
const SEGMENT: u64 = 65_536;

/// Any bytes, as the one side might get them from the other.
pub fn check(frame: &[u8]) {
    check_command(frame);
    check_reply(frame);
    check_report(frame);
    check_kind(frame);
    if frame.first().is_some_and(|version| *version > VERSION) {
        let newer = DecodeError::Newer { found: frame[0], known: VERSION };
        assert_eq!(Command::decode(frame, 0), Err(newer));
        assert_eq!(Reply::decode(frame), Err(newer));
        assert_eq!(Report::decode(frame), Err(newer));
        assert_eq!(head_length(frame), Err(newer));
    }
}

/// The frame is a head, and perhaps the body of which the head says that it follows.
fn check_command(frame: &[u8]) {
    // No frame is so long: by how much, says how long a body the head announces.
    let body = match Command::decode(frame, usize::MAX) {
        Err(DecodeError::Trailing(more)) if more > frame.len() => usize::MAX - more,
        Err(_) => return,
        Ok(command) => panic!("{command:?} has any body"),
    };
    let command = Command::decode(frame, body).expect("it is whole");
    assert_eq!(usize::try_from(announced(&command)), Ok(body));
    let head = command.encode();
    assert_eq!(head_length(&head[..PREFIX_BYTES]), Ok(head.len()));
    assert_eq!(Command::decode(&head, body), Ok(command));
    assert!(Command::decode(&head, body + 1).is_err());
    assert!(body == 0 || Command::decode(&head, body - 1).is_err());
    assert!(Command::decode(&head[..head.len() - 1], body).is_err());
    assert!(Command::decode(&[&head[..], &[0]].concat(), body).is_err());
}

/// How many bytes follow the head.
fn announced(command: &Command) -> u32 {
    match command {
        Command::Settle { outcome: SentOutcome::Completed { body: SentBody::Follows { length, .. }, .. }, .. } => {
            *length
        }
        Command::Operator(OperatorCommand::Intervene {
            intervention: SentIntervention::Complete { length, .. },
            ..
        }) => *length,
        _ => 0,
    }
}

fn check_reply(frame: &[u8]) {
    if let Ok(reply) = Reply::decode(frame) {
        // Each reply has one form.
        let says_status = matches!(reply, Reply::Probe { .. });
        assert!(says_status || reply.encode() == frame, "{reply:?}");
        assert_eq!(Reply::decode(&reply.encode()), Ok(reply));
        assert!(Reply::decode(&[frame, &[0]].concat()).is_err());
    }
}

fn check_report(frame: &[u8]) {
    if let Ok(report) = Report::decode(frame) {
        let said = report.encode();
        assert_eq!(Report::decode(&said), Ok(report));
        assert!(Report::decode(&[&said[..], &[0]].concat()).is_err());
    }
}

/// The value of the header by which a frame, or a sealed body, is told from an answer.
fn check_kind(value: &[u8]) {
    let Some(kind) = core::str::from_utf8(value).ok().and_then(|value| Kind::from_header(value).ok()) else { return };
    assert_eq!(kind.to_header().as_bytes(), value, "{kind:?}");
    if let Kind::Sealed(seal) = kind {
        check_segments(seal.length);
    }
}

/// A sealed body of this length has segments that are all of the plain one, or nothing is sealed to that length.
fn check_segments(sealed: u32) {
    let tag = u64::from(TAG_BYTES);
    let full = SEGMENT + tag;
    let (whole, rest) = (u64::from(sealed) / full, u64::from(sealed) % full);
    let is_possible = rest > tag || (rest == 0 && whole > 0) || (rest == tag && whole == 0);
    let segments = Segments::of_sealed(sealed);
    assert_eq!(segments.is_some(), is_possible, "{sealed}");
    let Some(segments) = segments else { return };
    let plain = whole * SEGMENT + rest.saturating_sub(tag);
    assert_eq!(u64::from(segments.plain_length()), plain);
    assert_eq!(segments.sealed_length(), sealed);
    let (first, others) = segments.split_first();
    // A body of gigabytes has many, of which some are enough.
    let mut at = 0;
    for segment in core::iter::once(first).chain(others).take(100) {
        assert_eq!(segment.plain_from, at);
        assert_eq!(segment.sealed_length, segment.plain_to - segment.plain_from + TAG_BYTES);
        assert_eq!(segment.nonce[11] == 1, segment.number + 1 == segments.count());
        assert_eq!(segment.nonce[7..11], segment.number.to_be_bytes());
        at = segment.plain_to;
    }
    assert!(segments.count() > 100 || u64::from(at) == plain);
}
