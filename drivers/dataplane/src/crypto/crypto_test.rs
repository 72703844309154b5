use ::hpke::aead::ChaCha20Poly1305;
use ::hpke::kdf::HkdfSha256;
use ::hpke::kem::X25519HkdfSha256;
use ::hpke::{Deserializable, Kem, OpModeR, OpModeS, Serializable, single_shot_open, single_shot_seal};
use proptest::prelude::*;

use super::x25519::Secret;
use super::*;

/// RFC 7748, section 6.1.
#[test]
fn x25519_gives_the_published_keys() {
    let alice = hex("77076d0a7318a57d3c16c17251b26645df4c2f87ebc0992ab177fba51db92c2a");
    let bob = hex("5dab087e624a8a4b79e17f8b83800ee66f3bb1292618b6fd1c2f8b27ff88e0eb");
    assert_eq!(public_key(&alice), hex("8520f0098930a754748b7ddcb43ef75a0dbf3a0d26381af4eba4a98eaa9b4e6a"));
    assert_eq!(public_key(&bob), hex("de9edb7d7b7dc1b4d35b61c2ece435373f8343c85b78674dadfc7e146f882b4f"));
    let shared = Secret::new(&alice).agree(&public_key(&bob)).expect("a good key");
    assert_eq!(*shared, hex("4a5d9d5ba4ce2de1728e3bf480350f25e07e21c947d19e3376f09b3c1e161742"));
}

/// The points of small order, whose result is zero whatever the private key.
#[test]
fn x25519_refuses_keys_of_small_order() {
    let secret = Secret::new(&[7; 32]);
    let mut one = [0; 32];
    one[0] = 1;
    for point in [
        [0; 32],
        one,
        hex("e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800"),
        hex("5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157"),
        hex("ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f"),
    ] {
        assert!(secret.agree(&point).is_none());
    }
    assert_eq!(hpke_seal(&[0; 32], b"x"), Err(CryptoError::Key));
}

/// RFC 5869, appendix A.1 and A.3, cut to 32 bytes.
#[test]
fn hkdf_gives_the_published_bytes() {
    let okm = hkdf::derive(
        &[0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12],
        &[0x0b; 22],
        &[&[0xf0, 0xf1, 0xf2, 0xf3], &[0xf4, 0xf5, 0xf6, 0xf7, 0xf8, 0xf9]],
    );
    assert_eq!(*okm, hex("3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf"));
    let okm = hkdf::derive(&[], &[0x0b; 22], &[]);
    assert_eq!(*okm, hex("8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d"));
}

/// Against the value that the reference implementation gives for these parameters (see argon2's own vectors for the
/// algorithm); a change of parameters would lock every name + secret network out.
#[test]
fn argon2id_has_the_protocols_parameters() {
    let expected = argon2::Argon2::new(
        argon2::Algorithm::Argon2id,
        argon2::Version::V0x13,
        argon2::ParamsBuilder::new()
            .m_cost(65_536)
            .t_cost(3)
            .p_cost(1)
            .output_len(32)
            .build()
            .expect("parameters"),
    );
    let mut out = [0; 32];
    expected.hash_password_into(b"correct horse", b"0123456789abcdef", &mut out).expect("hash");
    assert_eq!(argon2id(b"correct horse", b"0123456789abcdef"), Ok(out));
    assert_eq!(argon2id(b"correct horse", b"short"), Err(CryptoError::Input));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn hpke_agrees_with_another_implementation(seed in any::<[u8; 32]>(), plain in prop::collection::vec(any::<u8>(), 0..200)) {
        let (theirs, public) = X25519HkdfSha256::derive_keypair(&seed);
        let private: [u8; 32] = theirs.to_bytes().into();
        let public_bytes: [u8; 32] = public.to_bytes().into();
        prop_assert_eq!(public_key(&private), public_bytes);

        let sealed = hpke_seal(&public_bytes, &plain).expect("a good key");
        let enc = <X25519HkdfSha256 as Kem>::EncappedKey::from_bytes(&sealed[..32]).expect("enc");
        let opened = single_shot_open::<ChaCha20Poly1305, HkdfSha256, X25519HkdfSha256>(
            &OpModeR::Base, &theirs, &enc, &[], &sealed[32..], &[],
        ).expect("opens there");
        prop_assert_eq!(&opened, &plain);

        let (enc, text) = single_shot_seal::<ChaCha20Poly1305, HkdfSha256, X25519HkdfSha256>(
            &OpModeS::Base, &public, &[], &plain, &[],
        ).expect("seals there");
        let mut sealed = enc.to_bytes().to_vec();
        sealed.extend_from_slice(&text);
        prop_assert_eq!(hpke_open(&private, &sealed), Some(plain));
    }

    #[test]
    fn hpke_refuses_anything_changed(flip in 0..(48usize + 20) * 8) {
        let private = [9; 32];
        let mut sealed = hpke_seal(&public_key(&private), &[1; 20]).expect("a good key");
        sealed[flip / 8] ^= 1 << (flip % 8);
        // The top bit of an X25519 key is ignored by the curve, but the key schedule hashes it.
        prop_assert_eq!(hpke_open(&private, &sealed), None);
    }

    #[test]
    fn hpke_open_never_panics(private in any::<[u8; 32]>(), sealed in prop::collection::vec(any::<u8>(), 0..100)) {
        prop_assert_eq!(hpke_open(&private, &sealed), None);
    }
}

fn hex(text: &str) -> [u8; 32] {
    let mut out = [0; 32];
    assert_eq!(text.len(), 64);
    for (index, byte) in out.iter_mut().enumerate() {
        *byte = u8::from_str_radix(&text[2 * index..2 * index + 2], 16).expect("hex");
    }
    out
}
