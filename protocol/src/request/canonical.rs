//! The canonical form of a JSON document (RFC 8785).

use serde_json::{Number, Value};

/// Writes a document. The order of names, white space and the spelling of strings and numbers do not count.
pub(super) fn canonical(value: &Value) -> String {
    let mut text = String::new();
    write(value, &mut text);
    text
}

fn write(value: &Value, text: &mut String) {
    match value {
        // serde_json writes these as RFC 8785, section 3.2.2, wants them: with the shortest escapes, and no others.
        Value::Null | Value::Bool(_) | Value::String(_) => text.push_str(&value.to_string()),
        Value::Number(number) => write_number(number, text),
        Value::Array(list) => {
            text.push('[');
            for (index, element) in list.iter().enumerate() {
                if index > 0 {
                    text.push(',');
                }
                write(element, text);
            }
            text.push(']');
        }
        Value::Object(map) => {
            let mut members: Vec<(&String, &Value)> = map.iter().collect();
            // Section 3.2.3. By bytes, as the map has them, the order is another where a name has characters beyond U+FFFF.
            members.sort_unstable_by(|(one, _), (other, _)| one.encode_utf16().cmp(other.encode_utf16()));
            text.push('{');
            for (index, (name, member)) in members.into_iter().enumerate() {
                if index > 0 {
                    text.push(',');
                }
                text.push_str(&Value::from(name.as_str()).to_string());
                text.push(':');
                write(member, text);
            }
            text.push('}');
        }
    }
}

/// Every number is a double, written as ECMAScript does (section 3.2.2.3; ECMA-262, Number::toString).
fn write_number(number: &Number, text: &mut String) {
    // Both are finite: JSON has no other numbers.
    let shortest = number.as_f64().and_then(Number::from_f64).map(|double| double.to_string()).unwrap_or_default();
    let magnitude = shortest.trim_start_matches('-');
    let (mantissa, exponent) = magnitude.split_once('e').unwrap_or((magnitude, "0"));
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let all = [whole, fraction].concat();
    let significant = all.trim_start_matches('0');
    let digits = significant.trim_end_matches('0');
    if digits.is_empty() {
        return text.push('0');
    }
    if magnitude.len() < shortest.len() {
        text.push('-');
    }
    let leading_zeros = all.len().saturating_sub(significant.len());
    // By so many digits the point stands behind the front of the digits. A double's exponent has three digits.
    let point = signed(whole.len())
        .saturating_sub(signed(leading_zeros))
        .saturating_add(exponent.parse::<i32>().unwrap_or_default());
    match point {
        1..=21 => {
            let (before, behind) = digits.split_at_checked(unsigned(point)).unwrap_or((digits, ""));
            text.push_str(before);
            push_zeros(point.saturating_sub(signed(before.len())), text);
            if !behind.is_empty() {
                text.push('.');
                text.push_str(behind);
            }
        }
        -5..=0 => {
            text.push_str("0.");
            push_zeros(point.saturating_neg(), text);
            text.push_str(digits);
        }
        _ => {
            let (first, others) = digits.split_at_checked(1).unwrap_or((digits, ""));
            text.push_str(first);
            if !others.is_empty() {
                text.push('.');
                text.push_str(others);
            }
            text.push_str(if point > 0 { "e+" } else { "e-" });
            text.push_str(&point.saturating_sub(1).unsigned_abs().to_string());
        }
    }
}

fn push_zeros(count: i32, text: &mut String) {
    text.extend(core::iter::repeat_n('0', unsigned(count)));
}

/// A number of digits, of which a double has few.
fn signed(digits: usize) -> i32 {
    i32::try_from(digits).unwrap_or(i32::MAX)
}

fn unsigned(digits: i32) -> usize {
    usize::try_from(digits).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Writes it, and sees to it that the reference does the same.
    fn written(value: &Value) -> String {
        let text = canonical(value);
        assert_eq!(text, serde_json_canonicalizer::to_string(value).unwrap(), "{value}");
        text
    }

    fn number(bits: u64) -> String {
        Number::from_f64(f64::from_bits(bits)).map(|number| written(&number.into())).unwrap_or_default()
    }

    #[test]
    fn numbers_are_those_of_the_rfc() {
        let samples = [
            (0x0000_0000_0000_0000, "0"),
            (0x8000_0000_0000_0000, "0"),
            (0x0000_0000_0000_0001, "5e-324"),
            (0x8000_0000_0000_0001, "-5e-324"),
            (0x7fef_ffff_ffff_ffff, "1.7976931348623157e+308"),
            (0xffef_ffff_ffff_ffff, "-1.7976931348623157e+308"),
            (0x4340_0000_0000_0000, "9007199254740992"),
            (0xc340_0000_0000_0000, "-9007199254740992"),
            (0x4430_0000_0000_0000, "295147905179352830000"),
            (0x44b5_2d02_c7e1_4af5, "9.999999999999997e+22"),
            (0x44b5_2d02_c7e1_4af6, "1e+23"),
            (0x44b5_2d02_c7e1_4af7, "1.0000000000000001e+23"),
            (0x444b_1ae4_d6e2_ef4e, "999999999999999700000"),
            (0x444b_1ae4_d6e2_ef4f, "999999999999999900000"),
            (0x444b_1ae4_d6e2_ef50, "1e+21"),
            (0x3eb0_c6f7_a0b5_ed8c, "9.999999999999997e-7"),
            (0x3eb0_c6f7_a0b5_ed8d, "0.000001"),
            (0x41b3_de43_5555_5553, "333333333.3333332"),
            (0x41b3_de43_5555_5557, "333333333.33333343"),
            (0xbecb_f647_612f_3696, "-0.0000033333333333333333"),
            (0x4314_3ff3_c1cb_0959, "1424953923781206.2"),
        ];
        for (bits, expected) in samples {
            assert_eq!(number(bits), expected, "RFC 8785, appendix B");
        }
    }

    #[test]
    fn any_number_is_written_as_the_reference_does() {
        let mut bits = 1_u64;
        for _ in 0..200_000 {
            // Steele and Vigna, "Computationally easy, spectrally good multipliers".
            bits = bits.wrapping_mul(0xd134_2543_de82_ef95).wrapping_add(1);
            number(bits);
        }
        for exponent in -330..300 {
            for digits in ["1", "12", "123456789", "9.5"] {
                let text = format!("{digits}e{exponent}");
                written(&serde_json::from_str::<Value>(&text).unwrap());
            }
        }
        for whole in [0, 1, 10, 100, 9_007_199_254_740_993, u64::MAX] {
            written(&Value::from(whole));
        }
        for whole in [-1, -10, i64::MIN] {
            written(&Value::from(whole));
        }
    }

    #[test]
    fn texts_and_names_are_those_of_the_rfc() {
        let document = r#"{"\u20ac":"Euro Sign","\r":"Carriage Return","\ufb33":"Hebrew Letter Dalet With Dagesh",
            "1":"One","\ud83d\ude00":"Emoji: Grinning Face","\u0080":"Control","\u00f6":"Latin Small Letter O"}"#;
        let text = written(&serde_json::from_str(document).unwrap());
        let names = ["Carriage", "One", "Control", "Latin", "Euro", "Emoji", "Hebrew"];
        let places: Vec<_> = names.iter().map(|name| text.find(name).unwrap()).collect();
        assert!(places.is_sorted(), "RFC 8785, section 3.2.3: {text}");
        let all: String = (0..0x300).filter_map(char::from_u32).collect();
        written(&Value::from(all));
        let mixed = serde_json::json!([[], {}, [1, null, true], { "b": 1, "a": [false] }]);
        assert_eq!(written(&mixed), r#"[[],{},[1,null,true],{"a":[false],"b":1}]"#);
    }
}
