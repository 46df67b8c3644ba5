//! AWS Signature Version 4 in headers: what a request must have been signed over, and whether it was.
//!
//! The request is put into its canonical form from what came over the wire, and signed again. Parameters are sent in the
//! body, so the path is `/` and there is no query.

use std::time::{Duration, SystemTime};

use hmac::{Hmac, KeyInit, Mac};
use hyper::HeaderMap;
use hyper::http::request::Parts;
use sha2::{Digest, Sha256};

use crate::ec2::fault::Fault;

use super::authorization::{ALGORITHM, Authorization, TERMINATOR, incomplete};
use super::credentials::Secret;

/// How far a request's clock may be from ours, either way.
const SKEW: Duration = Duration::from_secs(5 * 60);
/// When a request was signed.
const DATE: &str = "x-amz-date";

/// Makes sure that the head claims a signature that is worth checking: over the headers that have to be signed, and of now.
/// Gives the time that it claims, as it is written.
///
/// # Errors
/// `IncompleteSignature`; `RequestExpired` for a request of another time.
pub(super) fn check_head<'h>(
    authorization: &Authorization,
    headers: &'h HeaderMap,
    now: SystemTime,
) -> Result<&'h str, Fault> {
    let is_signed = |name: &str| authorization.signed_headers.iter().any(|signed| signed == name);
    for name in ["host", DATE] {
        if !is_signed(name) {
            return Err(incomplete(&format!("{name} is not among the signed headers")));
        }
    }
    if let Some(name) =
        headers.keys().find(|name| name.as_str().starts_with("x-amz-") && !is_signed(name.as_str()))
    {
        return Err(incomplete(&format!("{name} is not among the signed headers")));
    }
    if let Some(name) = authorization.signed_headers.iter().find(|name| !headers.contains_key(name.as_str()))
    {
        return Err(incomplete(&format!("it signs {name}, which the request does not have")));
    }
    let mut dates = headers.get_all(DATE).iter();
    let (Some(date), None) = (dates.next().and_then(|date| date.to_str().ok()), dates.next()) else {
        return Err(incomplete("there is no one X-Amz-Date"));
    };
    let signed_at =
        time(date).ok_or_else(|| incomplete("the X-Amz-Date is not of the form 20150830T123600Z"))?;
    if !date.starts_with(&format!("{}T", authorization.date)) {
        return Err(incomplete("its Credential is for another day than the X-Amz-Date"));
    }
    let off = now.duration_since(signed_at).or_else(|_| signed_at.duration_since(now)).unwrap_or_default();
    if off > SKEW {
        return Err(Fault::new(400, "RequestExpired", "Request has expired."));
    }
    Ok(date)
}

/// Makes sure that a request was signed with a secret. Takes the same time wherever the signature differs.
///
/// # Errors
/// `SignatureDoesNotMatch`.
pub(super) fn verify(
    authorization: &Authorization,
    secret: &Secret,
    head: &Parts,
    date: &str,
    body: &[u8],
) -> Result<(), Fault> {
    let text = string_to_sign(authorization, head, date, body);
    let mut claimed = [0; 32];
    let is_hex = hex::decode_to_slice(&authorization.signature, &mut claimed).is_ok();
    let matches = hmac(&signing_key(authorization, secret), text.as_bytes()).verify_slice(&claimed).is_ok();
    if is_hex && matches {
        return Ok(());
    }
    let message = "The request signature we calculated does not match the signature you provided. Check your AWS Secret Access Key and signing method. Consult the service documentation for details.";
    Err(Fault::new(403, "SignatureDoesNotMatch", message))
}

fn string_to_sign(authorization: &Authorization, head: &Parts, date: &str, body: &[u8]) -> String {
    let request = canonical_request(authorization, head, body);
    let hash = hex::encode(Sha256::digest(request));
    format!("{ALGORITHM}\n{date}\n{}\n{hash}", authorization.scope())
}

fn canonical_request(authorization: &Authorization, head: &Parts, body: &[u8]) -> Vec<u8> {
    let mut request = format!("{}\n/\n\n", head.method).into_bytes();
    for name in &authorization.signed_headers {
        request.extend_from_slice(name.as_bytes());
        request.push(b':');
        for (place, value) in head.headers.get_all(name).iter().enumerate() {
            if place > 0 {
                request.push(b',');
            }
            request.extend_from_slice(&squeezed(value.as_bytes()));
        }
        request.push(b'\n');
    }
    request.push(b'\n');
    request.extend_from_slice(authorization.signed_headers.join(";").as_bytes());
    request.push(b'\n');
    request.extend_from_slice(hex::encode(Sha256::digest(body)).as_bytes());
    request
}

/// A header's value without blanks at its ends, and with one where there were several.
fn squeezed(value: &[u8]) -> Vec<u8> {
    let mut squeezed = Vec::with_capacity(value.len());
    for &byte in value.trim_ascii() {
        if byte != b' ' || squeezed.last() != Some(&b' ') {
            squeezed.push(byte);
        }
    }
    squeezed
}

/// The key for one day, region and service.
fn signing_key(authorization: &Authorization, secret: &Secret) -> Vec<u8> {
    let mut key = [b"AWS4", secret.as_bytes()].concat();
    for part in [&authorization.date, &authorization.region, &authorization.service, TERMINATOR] {
        key = hmac(&key, part.as_bytes()).finalize().into_bytes().to_vec();
    }
    key
}

fn hmac(key: &[u8], text: &[u8]) -> Hmac<Sha256> {
    let mut hmac =
        Hmac::<Sha256>::new_from_slice(key).unwrap_or_else(|_| unreachable!("any length is a key"));
    hmac.update(text);
    hmac
}

/// The time that `20150830T123600Z` means.
fn time(text: &str) -> Option<SystemTime> {
    let (date, clock) = text.strip_suffix('Z')?.split_once('T')?;
    let digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    if date.len() != 8 || clock.len() != 6 || !digits(date) || !digits(clock) {
        return None;
    }
    let (year, month, day) = (&date[..4], &date[4..6], &date[6..]);
    let (hour, minute, second) = (&clock[..2], &clock[2..4], &clock[4..]);
    humantime::parse_rfc3339(&format!("{year}-{month}-{day}T{hour}:{minute}:{second}Z")).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Key, time and scope of the requests that AWS has published with their signatures.
    const SECRET: &str = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY";
    const NOW: &str = "20150830T123600Z";

    fn authorization(signed_headers: &str, signature: &str) -> Authorization {
        Authorization::parse(&format!(
            "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request, SignedHeaders={signed_headers}, Signature={signature}"
        ))
        .unwrap()
    }

    fn head(method: &str, headers: &[(&str, &str)]) -> Parts {
        let mut request = hyper::Request::builder().method(method).uri("/");
        for (name, value) in [("host", "example.amazonaws.com"), (DATE, NOW)].iter().chain(headers) {
            request = request.header(*name, *value);
        }
        request.body(()).unwrap().into_parts().0
    }

    /// The code that a request meets, or nothing.
    fn code(authorization: &Authorization, head: &Parts, body: &[u8], now: SystemTime) -> Option<String> {
        let date = check_head(authorization, &head.headers, now);
        let checked = date.and_then(|date| verify(authorization, &Secret::new(SECRET), head, date, body));
        checked.err().map(|fault| format!("{} {}", fault.status, fault.error.code))
    }

    #[test]
    fn published_signatures_are_found_again() {
        let form = ("content-type", "application/x-www-form-urlencoded");
        for (method, headers, signed, body, signature) in [
            (
                "GET",
                &[][..],
                "host;x-amz-date",
                "",
                "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31",
            ),
            (
                "POST",
                &[][..],
                "host;x-amz-date",
                "",
                "5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b",
            ),
            (
                "POST",
                &[form][..],
                "content-type;host;x-amz-date",
                "Param1=value1",
                "ff11897932ad3f4e8b18135d722051e5ac45fc38421b1da7b9d196a0fe09473a",
            ),
            (
                "GET",
                &[("my-header1", "value2"), ("my-header1", "value2"), ("my-header1", "value1")][..],
                "host;my-header1;x-amz-date",
                "",
                "c9d5ea9f3f72853aea855b47ea873832890dbdd183b4468f858259531a5138ea",
            ),
            (
                "GET",
                &[("my-header1", " value1"), ("my-header2", " \"a   b   c\"")][..],
                "host;my-header1;my-header2;x-amz-date",
                "",
                "acc3ed3afb60bb290fc8d2dd0098b9911fcaa05412b367055dee359757a9c736",
            ),
        ] {
            let authorization = authorization(signed, signature);
            assert_eq!(
                code(&authorization, &head(method, headers), body.as_bytes(), time(NOW).unwrap()),
                None,
                "{method} {headers:?}"
            );
        }
    }

    #[test]
    fn what_differs_from_what_was_signed_is_refused() {
        let now = time(NOW).unwrap();
        let good = "5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b";
        let signed = authorization("host;x-amz-date", good);
        let mismatch = Some("403 SignatureDoesNotMatch".to_owned());
        assert_eq!(code(&signed, &head("POST", &[]), b"", now), None);
        assert_eq!(code(&signed, &head("POST", &[]), b"Action=TerminateInstances", now), mismatch);
        assert_eq!(code(&signed, &head("GET", &[]), b"", now), mismatch);
        for other in [
            Authorization { region: "eu-west-1".to_owned(), ..signed.clone() },
            Authorization { service: "sts".to_owned(), ..signed.clone() },
            Authorization { signature: good.replace("5da7", "5da8"), ..signed.clone() },
            Authorization { signature: good[..62].to_owned(), ..signed.clone() },
            Authorization { signature: String::new(), ..signed.clone() },
            Authorization { signature: "z".repeat(64), ..signed.clone() },
            Authorization { signature: "00".repeat(32), ..signed.clone() },
        ] {
            assert_eq!(code(&other, &head("POST", &[]), b"", now), mismatch, "{other:?}");
        }
        let date = check_head(&signed, &head("POST", &[]).headers, now).unwrap().to_owned();
        let fault = verify(&signed, &Secret::new("another"), &head("POST", &[]), &date, b"").unwrap_err();
        assert_eq!(fault.error.code, "SignatureDoesNotMatch");
    }

    #[test]
    fn signatures_are_good_for_five_minutes_either_way() {
        let signed = authorization(
            "host;x-amz-date",
            "5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b",
        );
        let expired = Some("400 RequestExpired".to_owned());
        let at = |seconds: i64| {
            let off = Duration::from_secs(seconds.unsigned_abs());
            let now = time(NOW).unwrap();
            code(&signed, &head("POST", &[]), b"", if seconds < 0 { now - off } else { now + off })
        };
        assert_eq!([at(-300), at(0), at(300)], [None, None, None]);
        assert_eq!([at(-301), at(301), at(86_400 * 365)], [expired.clone(), expired.clone(), expired]);
    }

    #[test]
    fn headers_that_matter_have_to_be_signed() {
        let incomplete = Some("400 IncompleteSignature".to_owned());
        let now = time(NOW).unwrap();
        let check = |signed: &str, headers: &[(&str, &str)]| {
            code(&authorization(signed, "00"), &head("POST", headers), b"", now)
        };
        assert_eq!(check("x-amz-date", &[]), incomplete);
        assert_eq!(check("host", &[]), incomplete);
        assert_eq!(check("host;x-amz-date", &[("x-amz-security-token", "t")]), incomplete);
        assert_eq!(check("host;range;x-amz-date", &[]), incomplete);
        assert_eq!(check("host;x-amz-date", &[(DATE, NOW)]), incomplete, "two dates");
        let yesterday =
            Authorization { date: "20150829".to_owned(), ..authorization("host;x-amz-date", "00") };
        assert_eq!(code(&yesterday, &head("POST", &[]), b"", now), incomplete);
    }

    #[test]
    fn times_are_read_strictly() {
        assert_eq!(time("19700101T000001Z"), Some(SystemTime::UNIX_EPOCH + Duration::from_secs(1)));
        for text in
            ["", "20150830", "20150830T123600", "2015-08-30T12:36:00Z", "20151330T123600Z", "2015083éT12360Z"]
        {
            assert_eq!(time(text), None, "{text}");
        }
    }
}
