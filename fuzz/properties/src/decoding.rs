//! Bodies in gzip and deflate: decoded as plain decoders do, however they come, and in bounded steps.

use std::io::{Read, Write};

use flate2::Compression;
use flate2::read::{DeflateDecoder, MultiGzDecoder, ZlibDecoder};
use flate2::write::{DeflateEncoder, GzEncoder, ZlibEncoder};
use oncegate_protocol::decoding::{Decoding, Undecodable};
use oncegate_protocol::encoding::Decoder;
use oncegate_protocol::limits;

/// The most that one step gives: what is gathered, and what 256 bytes of deflate may stand for on top (1,032 bytes each).
const MOST: usize = limits::DECODE_STEP_BYTES as usize + 256 * 1032;
/// The most that anything here decodes to.
const LARGEST: u64 = 1 << 22;

/// The first byte says into how long pieces a body is cut, and how it is encoded; the rest is the body, which is also taken for
/// an encoded one.
pub fn check(input: &[u8]) {
    let Some((choice, body)) = input.split_first() else { return };
    let piece = usize::from(*choice) + 1;
    for decoder in [Decoder::Gzip, Decoder::Deflate] {
        check_any(decoder, body, piece);
    }
    let level = Compression::new(u32::from(choice % 10));
    let (decoder, encoded) = match choice % 3 {
        0 => (Decoder::Gzip, encoded(GzEncoder::new(Vec::new(), level), body, GzEncoder::finish)),
        1 => (Decoder::Deflate, encoded(ZlibEncoder::new(Vec::new(), level), body, ZlibEncoder::finish)),
        _ => (Decoder::Deflate, encoded(DeflateEncoder::new(Vec::new(), level), body, DeflateEncoder::finish)),
    };
    assert_eq!(decode(decoder, &encoded, piece).as_deref(), Ok(body));
    assert!(decode(decoder, &encoded[..encoded.len() - 1], piece).is_err(), "{decoder:?}, cut off");
}

fn encoded<E: Write>(mut encoder: E, body: &[u8], finish: fn(E) -> std::io::Result<Vec<u8>>) -> Vec<u8> {
    encoder.write_all(body).expect("memory takes anything");
    finish(encoder).expect("memory takes anything")
}

/// Decodes a body that is not known to be one.
fn check_any(decoder: Decoder, body: &[u8], piece: usize) {
    let decoded = decode(decoder, body, piece);
    let whole = decode(decoder, body, usize::MAX);
    assert_eq!(decoded.as_ref().ok(), whole.as_ref().ok(), "{decoder:?}, in pieces of {piece} and whole");
    match (plain(decoder, body), decoded) {
        (Some(plain), decoded) => assert_eq!(decoded, Ok(plain), "{decoder:?}"),
        (None, Ok(decoded)) => panic!("{decoder:?} gave {} bytes of what is none", decoded.len()),
        (None, Err(_)) => {}
    }
}

/// What a plain decoder makes of all of the body; `None` where it is not whole, or goes on behind its end.
fn plain(decoder: Decoder, body: &[u8]) -> Option<Vec<u8>> {
    let mut decoded = Vec::new();
    let rest = match decoder {
        Decoder::Gzip => {
            let mut gzip = MultiGzDecoder::new(body);
            gzip.by_ref().take(LARGEST).read_to_end(&mut decoded).ok()?;
            0
        }
        // The method of the zlib format is 8.
        Decoder::Deflate if body.first().is_some_and(|first| first % 16 == 8) => {
            let mut zlib = ZlibDecoder::new(body);
            zlib.by_ref().take(LARGEST).read_to_end(&mut decoded).ok()?;
            body.len() - usize::try_from(zlib.total_in()).ok()?
        }
        Decoder::Deflate => {
            let mut raw = DeflateDecoder::new(body);
            raw.by_ref().take(LARGEST).read_to_end(&mut decoded).ok()?;
            body.len() - usize::try_from(raw.total_in()).ok()?
        }
    };
    (rest == 0).then_some(decoded)
}

/// Decodes a body that comes in pieces of this length.
fn decode(decoder: Decoder, body: &[u8], piece: usize) -> Result<Vec<u8>, Undecodable> {
    let mut decoding = Decoding::new(decoder);
    let mut decoded = Vec::new();
    for mut piece in body.chunks(piece) {
        while !piece.is_empty() {
            let before = piece.len();
            let step = decoding.step(&mut piece)?;
            assert!(step.len() <= MOST, "a step gave {} bytes", step.len());
            assert!(piece.len() < before, "a step took nothing in");
            decoded.extend(step);
        }
    }
    decoding.finish().map(|()| decoded)
}
