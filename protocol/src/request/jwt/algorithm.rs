//! The algorithms by which a token may be signed.

/// A signature algorithm with a key of two halves (RFC 7518, section 3.1; RFC 8037, section 3.1). There is none for `none`,
/// which anyone can make, nor for `HS256` and its like, whose key the gate would have to share.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Algorithm {
    Rs256,
    Rs384,
    Rs512,
    Ps256,
    Ps384,
    Ps512,
    Es256,
    Es384,
    Ed25519,
}

/// What kind of key an algorithm takes (RFC 7518, section 6.1; RFC 8037, section 2): `kty`, and `crv` where it has one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum KeyKind {
    Rsa,
    P256,
    P384,
    Ed25519,
}

impl Algorithm {
    /// From its name, which is case-sensitive. RFC 9864 gave `EdDSA` with Ed25519 a name of its own.
    pub(super) fn from_name(name: &str) -> Option<Self> {
        Some(match name {
            "RS256" => Self::Rs256,
            "RS384" => Self::Rs384,
            "RS512" => Self::Rs512,
            "PS256" => Self::Ps256,
            "PS384" => Self::Ps384,
            "PS512" => Self::Ps512,
            "ES256" => Self::Es256,
            "ES384" => Self::Es384,
            "EdDSA" | "Ed25519" => Self::Ed25519,
            _ => return None,
        })
    }

    /// Whether a signature by it may have so many bytes (RFC 7518, section 3.4; RFC 8037, section 3.1). Those by RSA have as many
    /// as the key.
    pub(super) fn signs_in(self, bytes: usize) -> bool {
        match self {
            Self::Es256 | Self::Ed25519 => bytes == 64,
            Self::Es384 => bytes == 96,
            Self::Rs256 | Self::Rs384 | Self::Rs512 | Self::Ps256 | Self::Ps384 | Self::Ps512 => true,
        }
    }

    /// The kind of its keys.
    pub(super) fn key_kind(self) -> KeyKind {
        match self {
            Self::Rs256 | Self::Rs384 | Self::Rs512 | Self::Ps256 | Self::Ps384 | Self::Ps512 => KeyKind::Rsa,
            Self::Es256 => KeyKind::P256,
            Self::Es384 => KeyKind::P384,
            Self::Ed25519 => KeyKind::Ed25519,
        }
    }

    /// The algorithm of a key that names none. An issuer that leaves it out with RSA signs by RS256, the default of OpenID
    /// Connect (Dynamic Client Registration, section 2); the other kinds have but one.
    pub(super) fn usual_for(kind: KeyKind) -> Self {
        match kind {
            KeyKind::Rsa => Self::Rs256,
            KeyKind::P256 => Self::Es256,
            KeyKind::P384 => Self::Es384,
            KeyKind::Ed25519 => Self::Ed25519,
        }
    }

    /// As the Web Cryptography API names it, to import a key and to verify; each of the two overlooks what the other needs.
    /// The salt is as long as the hash (RFC 7518, section 3.5).
    pub(super) fn web_crypto(self) -> &'static str {
        match self {
            Self::Rs256 => r#"{"name":"RSASSA-PKCS1-v1_5","hash":"SHA-256"}"#,
            Self::Rs384 => r#"{"name":"RSASSA-PKCS1-v1_5","hash":"SHA-384"}"#,
            Self::Rs512 => r#"{"name":"RSASSA-PKCS1-v1_5","hash":"SHA-512"}"#,
            Self::Ps256 => r#"{"name":"RSA-PSS","hash":"SHA-256","saltLength":32}"#,
            Self::Ps384 => r#"{"name":"RSA-PSS","hash":"SHA-384","saltLength":48}"#,
            Self::Ps512 => r#"{"name":"RSA-PSS","hash":"SHA-512","saltLength":64}"#,
            Self::Es256 => r#"{"name":"ECDSA","namedCurve":"P-256","hash":"SHA-256"}"#,
            Self::Es384 => r#"{"name":"ECDSA","namedCurve":"P-384","hash":"SHA-384"}"#,
            Self::Ed25519 => r#"{"name":"Ed25519"}"#,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_anyone_could_sign_is_no_algorithm() {
        for name in ["none", "None", "NONE", "", "HS256", "HS384", "HS512", "rs256", "RS1", "ES256K", "ES512", "Ed448"]
        {
            assert_eq!(Algorithm::from_name(name), None, "{name}");
        }
    }

    #[test]
    fn a_signature_on_a_curve_has_one_length() {
        for (name, expected) in [
            ("ES256", [true, false, false]),
            ("EdDSA", [true, false, false]),
            ("ES384", [false, true, false]),
            ("RS256", [true; 3]),
            ("PS512", [true; 3]),
        ] {
            let algorithm = Algorithm::from_name(name).unwrap();
            assert_eq!([64, 96, 256].map(|bytes| algorithm.signs_in(bytes)), expected, "{name}");
        }
    }

    #[test]
    fn the_platform_is_told_valid_json() {
        for (name, hash) in [
            ("RS256", "SHA-256"),
            ("RS384", "SHA-384"),
            ("RS512", "SHA-512"),
            ("PS256", "SHA-256"),
            ("PS384", "SHA-384"),
            ("PS512", "SHA-512"),
            ("ES256", "SHA-256"),
            ("ES384", "SHA-384"),
            ("EdDSA", ""),
        ] {
            let algorithm = Algorithm::from_name(name).unwrap();
            let told: serde_json::Value = serde_json::from_str(algorithm.web_crypto()).unwrap();
            assert_eq!(told["hash"].as_str().unwrap_or_default(), hash, "{name}");
        }
    }
}
