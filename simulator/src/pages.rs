//! The pages and error documents around EDGAR: blocks, absences, outages.
//!
//! Clients tell them apart by status, content type and a few words; those are as the
//! SEC serves them, the rest is shorter.

use axum::http::{StatusCode, header};

use crate::answer::Answer;

/// 403, the rate-threshold page.
pub(crate) fn threshold() -> Answer {
    let page = "<!DOCTYPE html PUBLIC \"-//W3C//DTD XHTML 1.0 Transitional//EN\" \"http://www.w3.org/TR/xhtml1/DTD/xhtml1-transitional.dtd\">\n\
        <html xmlns=\"http://www.w3.org/1999/xhtml\">\n<head>\n<meta http-equiv=\"Content-Type\" content=\"text/html; charset=UTF-8\" />\n\
        <title>SEC.gov | Request Rate Threshold Exceeded</title>\n</head>\n\n<body>\n<div id=\"header\">U.S. Securities and Exchange Commission</div>\n\
        <div id=\"content\">\n<h1>You\u{2019}ve Exceeded the SEC\u{2019}s Traffic Limit</h1>\n\
        <p>Your request rate has exceeded the maximum of 10 requests per second. Your access will be limited for 10 minutes.</p>\n\
        <p>Continuing to exceed the rate during that time will extend it.</p>\n\
        <p>Reference ID: 0.8cc47b68.1669602503.37a42047</p>\n</div>\n</body>\n</html>\n";
    Answer::new(StatusCode::FORBIDDEN, "text/html", page)
}

/// 403, the page for a User-Agent without a contact.
pub(crate) fn undeclared() -> Answer {
    let page = "<!DOCTYPE html PUBLIC \"-//W3C//DTD XHTML 1.0 Transitional//EN\" \"http://www.w3.org/TR/xhtml1/DTD/xhtml1-transitional.dtd\">\n\
        <html xmlns=\"http://www.w3.org/1999/xhtml\">\n<head>\n<meta http-equiv=\"Content-Type\" content=\"text/html; charset=UTF-8\" />\n\
        <title>SEC.gov | Your Request Originates from an Undeclared Automated Tool</title>\n</head>\n\n<body>\n\
        <div id=\"header\">U.S. Securities and Exchange Commission</div>\n<div id=\"content\">\n\
        <h1>Your Request Originates from an Undeclared Automated Tool</h1>\n\
        <p>Please declare your traffic by updating your user agent to include company specific information.</p>\n\
        <p>Reference ID: 0.8cc47b68.1669602503.37a42048</p>\n</div>\n</body>\n</html>\n";
    Answer::new(StatusCode::FORBIDDEN, "text/html", page)
}

/// 503: the feed has no such page, or EDGAR is overloaded.
pub(crate) fn unavailable() -> Answer {
    let page = "<!DOCTYPE html>\n<html lang=\"en\">\n\n<head>\n    <meta http-equiv=\"content-type\" content=\"text/html; charset=utf-8\">\n\
        \x20   <title>SEC.gov | File Unavailable</title>\n</head>\n\n<body class=\"off-canvas hide-extras\">\n\
        \x20   <h1 class=\"goodbye text-center\">This page is temporarily unavailable.</h1><hr/>\n\
        \x20   <p>SEC.gov is undergoing maintenance. During this time, webforms will not be available.</p>\n</body>\n\n</html>\n";
    Answer::new(StatusCode::SERVICE_UNAVAILABLE, "text/html", page)
        .header(header::SERVER, "AkamaiNetStorage")
        .header(header::CACHE_CONTROL, "max-age=0, no-cache, no-store")
        .entity_tag("dab0413513438a31a1e8cece792b25aa:1765456139.013965".to_owned())
}

/// 500, in the 36 bytes of the search index's gateway.
pub(crate) fn broken() -> Answer {
    Answer::new(
        StatusCode::INTERNAL_SERVER_ERROR,
        "application/json",
        "{\"message\": \"Internal server error\"}",
    )
}

/// 404: the archive holds no such key (yet).
pub(crate) fn no_such_key(path: &str) -> Answer {
    let key = crate::text::ascii_xml(path.trim_start_matches("/Archives/"));
    let body = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Error><Code>NoSuchKey</Code><Message>The specified key does not exist.</Message><Key>{key}</Key><RequestId>VH3J4YNJPK36GTQK</RequestId><HostId>{HOST_ID}</HostId></Error>"
    );
    Answer::new(StatusCode::NOT_FOUND, "application/xml", body).header(header::SERVER, "Apache")
}

/// 403 in XML: an index that is not written (yet). Not a block.
pub(crate) fn access_denied() -> Answer {
    let body = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Error><Code>AccessDenied</Code><Message>Access Denied</Message><RequestId>Z7ZMFTM4BVTXHMP6</RequestId><HostId>{HOST_ID}</HostId></Error>"
    );
    Answer::new(StatusCode::FORBIDDEN, "application/xml", body).header(header::SERVER, "Apache")
}

const HOST_ID: &str =
    "2q7x65FZ+1Ko9+Pe+ZUjJOmFe6/jJNVYrnDyM1fsFn/F9+CaFe2HxR7O0W3bMOpXxfxvebr1z9E=";
