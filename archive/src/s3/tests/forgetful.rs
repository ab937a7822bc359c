//! What an S3 bucket promises on a server that overwrites taken keys, as Garage does.

use std::sync::Arc;

use s3s::{S3, S3Request, S3Response, S3Result, dto};
use s3s_fs::FileSystem;

use super::{super::S3Bucket, *};
use crate::{bucket::Bucket, conformance, error::BucketError, key::Key};

/// A server that forgets the conditions of puts.
pub(super) struct Forgetful(pub(super) FileSystem);

macro_rules! passed_on {
    ($($call:ident($input:ident) -> $output:ident $(without $condition:ident)?;)*) => {
        #[async_trait::async_trait]
        impl S3 for Forgetful {
            $(
                #[allow(unused_mut, reason = "most are passed on as they come")]
                async fn $call(
                    &self,
                    mut request: S3Request<dto::$input>,
                ) -> S3Result<S3Response<dto::$output>> {
                    $(request.input.$condition = None;)?
                    self.0.$call(request).await
                }
            )*
        }
    };
}

passed_on! {
    put_object(PutObjectInput) -> PutObjectOutput without if_none_match;
    create_multipart_upload(CreateMultipartUploadInput) -> CreateMultipartUploadOutput;
    upload_part(UploadPartInput) -> UploadPartOutput;
    complete_multipart_upload(CompleteMultipartUploadInput) -> CompleteMultipartUploadOutput without if_none_match;
    abort_multipart_upload(AbortMultipartUploadInput) -> AbortMultipartUploadOutput;
    head_object(HeadObjectInput) -> HeadObjectOutput;
    get_object(GetObjectInput) -> GetObjectOutput;
    list_objects_v2(ListObjectsV2Input) -> ListObjectsV2Output;
}

#[tokio::test]
async fn a_server_that_overwrites_taken_keys_is_found_out_and_kept_from_it() {
    let server = Server::forgetful().await;
    let bucket = Arc::new(S3Bucket::open(&server.config(server.addr)).await);

    let refuses_taken = bucket.refuses_taken().await.unwrap();

    assert!(!refuses_taken);
    conformance::check(bucket, &server.staging()).await;
}

#[tokio::test]
async fn a_large_object_is_not_overwritten_there_either() {
    let server = Server::forgetful().await;
    let bucket = S3Bucket::open(&server.config(server.addr)).await;
    let (key, staging) = (Key::parse("large").unwrap(), server.staging());
    let (first, second) = (bytes(10_000_000), bytes(9_000_000));

    bucket.put(&key, &staged(&staging, &first)).await.unwrap();
    let again = bucket.put(&key, &staged(&staging, &second)).await;

    assert!(
        matches!(again, Err(BucketError::AlreadyExists(_))),
        "{again:?}"
    );
    assert!(server.stored("large").unwrap() == first);
}
