//! What a server's answer means for us.

use std::{error::Error, io};

use aws_credential_types::provider::error::CredentialsError;
use aws_sdk_s3::error::{ProvideErrorMetadata, SdkError};

use crate::{error::BucketError, key::Key};

use super::S3Bucket;

/// What could not be done, and the server's answer when there was one.
pub(super) trait Failure: Error + ProvideErrorMetadata + Send + Sync + 'static {}

impl<E: Error + ProvideErrorMetadata + Send + Sync + 'static> Failure for E {}

impl S3Bucket {
    /// Sorts a failure into its role.
    pub(super) fn role<E: Failure>(&self, key: &Key, error: SdkError<E>) -> BucketError {
        role(&self.name, key, error)
    }
}

/// Sorts a failure of the bucket of this name into its role.
pub(super) fn role<E: Failure>(bucket: &str, key: &Key, error: SdkError<E>) -> BucketError {
    let (key, source) = (key.clone(), source(&error));
    if let Some(remedy) = remedy(bucket, &error) {
        return BucketError::Denied {
            key,
            remedy,
            source,
        };
    }
    match (error.code(), status(&error)) {
        // Without a code it is the answer to a request that has no body.
        (Some("NoSuchKey" | "NotFound") | None, Some(404)) => BucketError::NotFound(key),
        (_, Some(412)) => BucketError::AlreadyExists(key),
        _ => BucketError::Unavailable { key, source },
    }
}

/// What somebody has to do, when only that helps.
fn remedy<E: Failure>(bucket: &str, error: &SdkError<E>) -> Option<String> {
    if has_no_keys(error) {
        let remedy = "there are no keys to ask with; set archive.s3.access_key_id and \
            archive.s3.secret_access_key, or what the AWS chain looks for";
        return Some(remedy.to_owned());
    }
    let remedy = match (error.code().unwrap_or_default(), status(error)?) {
        ("SignatureDoesNotMatch", _) => {
            "the secret does not belong to the access key; correct archive.s3.secret_access_key"
        }
        ("InvalidAccessKeyId" | "NotSignedUp", _) => {
            "the access key is not known there; correct archive.s3.access_key_id"
        }
        ("ExpiredToken" | "InvalidToken", _) => "the session of the keys is over; renew them",
        ("RequestTimeTooSkewed", _) => "its clock is far from ours; set this machine's clock",
        ("NoSuchBucket" | "InvalidBucketName", _) => {
            return Some(format!(
                "there is no bucket `{bucket}`; make it, or correct archive.bucket"
            ));
        }
        ("AuthorizationHeaderMalformed" | "PermanentRedirect", _) | (_, 301) => {
            "the bucket is in another region; correct archive.s3.region"
        }
        (_, 401 | 403) => {
            "check archive.s3.access_key_id and archive.s3.secret_access_key, and that this key may \
             get, put and list objects there"
        }
        _ => return None,
    };
    Some(remedy.to_owned())
}

/// The answer's HTTP status.
pub(super) fn status<E>(error: &SdkError<E>) -> Option<u16> {
    error.raw_response().map(|answer| answer.status().as_u16())
}

fn has_no_keys<E: Failure>(error: &SdkError<E>) -> bool {
    chain(error).any(|cause| {
        let cause = cause.downcast_ref::<CredentialsError>();
        matches!(cause, Some(CredentialsError::CredentialsNotLoaded(_)))
    })
}

/// The failure in one line.
fn source<E: Failure>(error: &SdkError<E>) -> io::Error {
    let answered = status(error).map(|status| {
        let code = error.code().unwrap_or("no code");
        let message = error.message().unwrap_or("no message");
        format!("the server answered {status} {code}: {message}")
    });
    let told = answered.unwrap_or_else(|| {
        let causes: Vec<String> = chain(error).map(ToString::to_string).collect();
        causes.join(": ")
    });
    io::Error::other(told)
}

fn chain<'a>(error: &'a (dyn Error + 'static)) -> impl Iterator<Item = &'a (dyn Error + 'static)> {
    std::iter::successors(Some(error), |error| (*error).source())
}
