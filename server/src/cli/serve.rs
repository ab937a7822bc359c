//! `filingwire serve`: the server against EDGAR.

use clap::Args;
use monitors::clock::Clock;

use super::{Failure, Global, stop_signal};
use crate::{app::App, telemetry::LogFormat};

/// The server: watch EDGAR, keep every filing, serve subscribers
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  filingwire serve --contact you@example.com
  filingwire serve --config /etc/filingwire.toml --listen 0.0.0.0:8080

The SEC asks every automated client for a contact; it goes into the User-Agent.
Make an API key beside the running server with `filingwire keys create --name me`.")]
pub(super) struct Serve {
    /// E-mail address for the User-Agent; key `edgar.contact`
    #[arg(long, value_name = "EMAIL")]
    contact: Option<String>,
    /// Address of HTTP and the websocket; key `listen`
    #[arg(long, value_name = "ADDR")]
    listen: Option<String>,
}

impl Serve {
    pub(super) async fn run(self, global: &Global, clock: Clock) -> Result<(), Failure> {
        let flags = [("edgar.contact", self.contact), ("listen", self.listen)];
        let set = flags
            .into_iter()
            .filter_map(|(key, value)| Some((key, value?)));
        let config = global.config(set.collect())?;
        let app = App::start(config, clock).await?;
        if global.log == LogFormat::Text {
            let also = match app.addr().ip().is_unspecified() {
                true => " and by every address of this machine",
                false => "",
            };
            super::tell(format_args!("page {}{also}", app.page()));
        }
        Ok(app.run_until(stop_signal()).await?)
    }
}
