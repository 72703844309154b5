//! Cookies by which the sender of a ClientHello proves that it is where it says, without anything kept of it before.

use super::hello::Hello;
use crate::session::Millis;
use aws_lc_rs::hmac::{self, HMAC_SHA256, Key};
use subtle::ConstantTimeEq;

/// What the sender has to say again.
pub type Cookie = [u8; 32];

/// Makes and checks them. Each is good for one address, one ClientHello, and half a minute to a minute.
pub struct Cookies {
    key: Key,
}

impl Cookies {
    pub fn new(secret: &[u8; 32]) -> Cookies {
        Cookies { key: Key::new(HMAC_SHA256, secret) }
    }

    /// The cookie for a sender. `place`: where it is and what it asks, of fixed length.
    pub fn make(&self, place: &[u8], hello: &Hello<'_>, now: Millis) -> Cookie {
        self.of(place, hello, now / PERIOD)
    }

    /// The cookie that it brought, if that is good.
    pub fn check(&self, place: &[u8], hello: &Hello<'_>, now: Millis) -> Option<Cookie> {
        let period = now / PERIOD;
        let mut made =
            [period, period.saturating_sub(1)].map(|period| self.of(place, hello, period)).into_iter();
        made.find(|made| bool::from(made.ct_eq(hello.cookie())))
    }

    fn of(&self, place: &[u8], hello: &Hello<'_>, period: u64) -> Cookie {
        let mut context = hmac::Context::with_key(&self.key);
        context.update(&period.to_be_bytes());
        context.update(&hello.random());
        context.update(place);
        let mut cookie = Cookie::default();
        cookie.copy_from_slice(context.sign().as_ref());
        cookie
    }
}

const PERIOD: Millis = 30_000;
