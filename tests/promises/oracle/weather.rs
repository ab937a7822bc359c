//! What goes wrong on our side: the lives of the program, and how each ends.

use std::{
    fs,
    path::{Path, PathBuf},
    time::Duration,
};

use rand::{Rng, SeedableRng, rngs::StdRng, seq::IndexedRandom};
use serde_json::Value;
use simulator::Fault;
use tokio::time::{Instant, sleep, timeout};

use super::{
    fired::Fired,
    scene::{Scene, ordinary},
    span::at,
};
use crate::harness::program::Server;

/// What goes wrong in any two days.
pub const SURE: &[&str] = &[
    "bucket away",
    "disk nearly full",
    "killed",
    "stopped while blocked",
];

/// How long a life may take until what is to go wrong has gone wrong.
const PATIENCE: Duration = Duration::from_secs(7);

/// The shortest and the longest time, in milliseconds, until the program is killed at random.
const MOMENTS: (u64, u64) = (300, 6_000);

/// One life after the other until the last day is over and each has been led; what has gone
/// wrong in them.
pub async fn pass(seed: u64, scene: &Scene) -> Fired {
    let mut weather = Weather {
        scene,
        chance: StdRng::seed_from_u64(seed),
        fired: Fired::default(),
    };
    let mut turn = 0;
    while turn < LIVES || scene.now() < at(scene.span.end, 7) {
        weather.live(turn % LIVES).await;
        turn += 1;
    }
    weather.fired
}

struct Weather<'a> {
    scene: &'a Scene,
    chance: StdRng,
    fired: Fired,
}

/// After so many lives it begins anew.
const LIVES: usize = 7;

impl Weather<'_> {
    async fn live(&mut self, turn: usize) {
        match turn {
            0 => self.miss_the_bucket().await,
            1 => self.run_short_of_disk().await,
            2 => self.be_blocked().await,
            3 | 5 => self.die_at_a_point().await,
            _ => self.die_at_random().await,
        }
    }

    /// Less than a day.
    fn moment(&mut self) -> Duration {
        let (least, most) = MOMENTS;
        let day = (self.scene.day * 700.0) as u64;
        Duration::from_millis(self.chance.random_range(least..most.min(day)))
    }

    async fn die_at_random(&mut self) {
        let moment = self.moment();
        let mut server = self.scene.launch(&[]);
        let life = async {
            self.scene.open(&mut server).await;
            server.ended().await
        };
        let ended = timeout(moment, life).await;
        assert!(ended.is_err(), "it ended by itself: {:#?}", server.lines());
        self.kill(server);
    }

    async fn die_at_a_point(&mut self) {
        let point = *crashpoint::NAMES.choose(&mut self.chance).unwrap();
        let plan = format!("{point}:{}", self.chance.random_range(1..4));
        let mut server = self.scene.launch(&[(crashpoint::VARIABLE, &plan)]);
        let life = async {
            self.scene.open(&mut server).await;
            server.ended().await
        };
        if timeout(PATIENCE, life).await.is_err() {
            return self.kill(server); // It did not come there.
        }
        let last_word = format!("crashpoint {point}");
        assert!(server.lines().contains(&last_word), "{:#?}", server.lines());
        self.scene.end(server);
        self.fired.note(&format!("killed at {point}"));
    }

    /// The folder of submissions is away for a while; then the program lives on.
    async fn miss_the_bucket(&mut self) {
        let away = Away::begin(&self.scene.archive());
        let mut server = self.scene.launch(&[]);
        self.scene.open(&mut server).await;
        let is_down = |status: &Value| status["archive"]["up"] == false;
        if comes(&server, is_down).await {
            self.fired.note("bucket away");
        }
        drop(away);
        sleep(self.moment()).await;
        self.kill(server);
    }

    /// There is less room than is to be kept free.
    async fn run_short_of_disk(&mut self) {
        let reserve = [("FILINGWIRE__DISK__RESERVE_BYTES", "1000000000000000")];
        let mut server = self.scene.launch(&reserve);
        self.scene.open(&mut server).await;
        let is_paused = |status: &Value| status["archive"]["paused"] == "disk_nearly_full";
        if comes(&server, is_paused).await {
            self.fired.note("disk nearly full");
        }
        sleep(Duration::from_secs(1)).await;
        self.kill(server);
    }

    /// EDGAR shuts it out; it is stopped as a service manager would.
    async fn be_blocked(&mut self) {
        let blocked = || self.scene.edgar.ledger().fired(Fault::BlockPage);
        let before = blocked();
        let mut server = self.scene.launch(&[]);
        self.scene.open(&mut server).await;
        let everything = ordinary().with(Fault::BlockPage, 1.0);
        self.scene.edgar.set_faults(everything);
        let is_blocked = comes(&server, |_| blocked() > before).await;
        self.scene.edgar.set_faults(ordinary());
        assert!(server.stop().await.success(), "{:#?}", server.lines());
        self.scene.end(server);
        if is_blocked {
            self.fired.note("stopped while blocked");
        }
    }

    fn kill(&mut self, server: Server) {
        self.scene.end(server);
        self.fired.note("killed");
    }
}

/// Waits until the status is as wished; whether it came to that.
async fn comes(server: &Server, is_so: impl Fn(&Value) -> bool) -> bool {
    let deadline = Instant::now() + PATIENCE;
    while Instant::now() < deadline {
        if is_so(&server.status().await) {
            return true;
        }
        sleep(Duration::from_millis(50)).await;
    }
    false
}

/// The folder of submissions under another name, a file in its place.
struct Away {
    folder: PathBuf,
    kept: PathBuf,
}

impl Away {
    fn begin(archive: &Path) -> Self {
        let away = Self {
            folder: archive.join("sgml-archive"),
            kept: archive.join(".away"),
        };
        fs::create_dir_all(&away.folder).unwrap();
        fs::rename(&away.folder, &away.kept).unwrap();
        fs::write(&away.folder, "").unwrap();
        away
    }
}

impl Drop for Away {
    fn drop(&mut self) {
        fs::remove_file(&self.folder).unwrap();
        fs::rename(&self.kept, &self.folder).unwrap();
    }
}
