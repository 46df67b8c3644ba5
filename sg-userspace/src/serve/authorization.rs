//! The `Authorization` header of AWS's Signature Version 4: whose key, for which day, region and service, over which headers.

use crate::ec2::fault::Fault;

/// The only algorithm: one secret that both sides have.
pub(super) const ALGORITHM: &str = "AWS4-HMAC-SHA256";
/// What a credential scope ends with.
pub(super) const TERMINATOR: &str = "aws4_request";

/// What an `Authorization` header claims.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Authorization {
    /// Whose key.
    pub(super) access_key_id: String,
    /// The day that the signing key is for, as `YYYYMMDD`.
    pub(super) date: String,
    /// The region that it is for.
    pub(super) region: String,
    /// The service that it is for.
    pub(super) service: String,
    /// Names of the headers that are signed, in order.
    pub(super) signed_headers: Vec<String>,
    /// The signature, as text.
    pub(super) signature: String,
}

impl Authorization {
    /// Reads `AWS4-HMAC-SHA256 Credential=KEY/DATE/REGION/SERVICE/aws4_request, SignedHeaders=A;B, Signature=HEX`.
    ///
    /// # Errors
    /// `IncompleteSignature` for whatever is not of this shape.
    pub(super) fn parse(text: &str) -> Result<Self, Fault> {
        let fields = text.strip_prefix(ALGORITHM).and_then(|rest| rest.strip_prefix(' '));
        let fields = fields.ok_or_else(|| incomplete("it is not one of AWS Signature Version 4"))?;
        let (mut credential, mut headers, mut signature) = (None, None, None);
        for field in fields.split(',') {
            let (name, value) =
                field.trim().split_once('=').ok_or_else(|| incomplete("a field of it has no value"))?;
            let place = match name {
                "Credential" => &mut credential,
                "SignedHeaders" => &mut headers,
                "Signature" => &mut signature,
                _ => return Err(incomplete("a field of it is unknown")),
            };
            if place.replace(value).is_some() {
                return Err(incomplete("a field of it is there twice"));
            }
        }
        let missing = |name| move || incomplete(&format!("it lacks {name}"));
        let credential = credential.ok_or_else(missing("Credential"))?.split('/').collect::<Vec<_>>();
        let [access_key_id, date, region, service, TERMINATOR] = credential[..] else {
            return Err(incomplete("its Credential is not KEY/DATE/REGION/SERVICE/aws4_request"));
        };
        Ok(Self {
            access_key_id: access_key_id.to_owned(),
            date: date.to_owned(),
            region: region.to_owned(),
            service: service.to_owned(),
            signed_headers: headers
                .ok_or_else(missing("SignedHeaders"))?
                .split(';')
                .map(str::to_owned)
                .collect(),
            signature: signature.ok_or_else(missing("Signature"))?.to_owned(),
        })
    }

    /// The day, region and service that the signing key is for.
    pub(super) fn scope(&self) -> String {
        format!("{}/{}/{}/{TERMINATOR}", self.date, self.region, self.service)
    }
}

/// The refusal of a request that is not signed as AWS says.
pub(super) fn incomplete(why: &str) -> Fault {
    Fault::new(400, "IncompleteSignature", format!("The Authorization header does not do: {why}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn header_is_read_into_its_parts() {
        let text = "AWS4-HMAC-SHA256 Credential=AKID/20261122/eu-west-1/ec2/aws4_request,SignedHeaders=host;x-amz-date,  Signature=0a";
        let found = Authorization::parse(text).unwrap();
        assert_eq!((found.access_key_id.as_str(), found.signature.as_str()), ("AKID", "0a"));
        assert_eq!(found.scope(), "20261122/eu-west-1/ec2/aws4_request");
        assert_eq!(found.signed_headers, ["host", "x-amz-date"]);
    }

    #[test]
    fn what_is_of_another_shape_is_refused() {
        let whole = "Credential=a/b/c/d/aws4_request, SignedHeaders=host, Signature=00";
        for text in [
            "".to_owned(),
            "Basic YTpi".to_owned(),
            "AWS4-HMAC-SHA256".to_owned(),
            "AWS4-HMAC-SHA256 ".to_owned(),
            format!("AWS4-ECDSA-P256-SHA256 {whole}"),
            format!("AWS4-HMAC-SHA256{whole}"),
            format!("AWS4-HMAC-SHA256 {whole}, Signature=01"),
            format!("AWS4-HMAC-SHA256 {whole}, More=1"),
            format!("AWS4-HMAC-SHA256 {}", whole.replace("/d", "")),
            format!("AWS4-HMAC-SHA256 {}", whole.replace("aws4_request", "aws5_request")),
            format!("AWS4-HMAC-SHA256 {}", whole.replace("SignedHeaders=host, ", "")),
            format!("AWS4-HMAC-SHA256 {}", whole.replace(", Signature=00", "")),
            format!("AWS4-HMAC-SHA256 {}", whole.replace("Credential=", "")),
        ] {
            let fault = Authorization::parse(&text).unwrap_err();
            assert_eq!((fault.status, fault.error.code.as_str()), (400, "IncompleteSignature"), "{text}");
        }
    }
}
