//! What really is in a service's Postgres.

use sea_orm::{
    ConnectOptions, ConnectionTrait as _, Database, DatabaseConnection, QueryResult, Statement,
};
use std::time::Duration;

/// A connection of the test's own to one database.
#[derive(Debug, Clone)]
pub(crate) struct Sql(DatabaseConnection);

impl Sql {
    pub(crate) async fn open(url: &str) -> Self {
        let mut options = ConnectOptions::new(url);
        options.max_connections(2).sqlx_logging(false).acquire_timeout(Duration::from_secs(10));
        Self(Database::connect(options).await.expect("the test's connection to Postgres"))
    }

    pub(crate) async fn rows(&self, sql: &str) -> Vec<QueryResult> {
        let statement = Statement::from_string(self.0.get_database_backend(), sql);
        self.0.query_all_raw(statement).await.unwrap_or_else(|error| panic!("{sql}: {error}"))
    }

    /// The one number that `sql` selects; null is 0.
    pub(crate) async fn number(&self, sql: &str) -> i64 {
        let rows = self.rows(sql).await;
        let found = rows.first().and_then(|row| row.try_get_by_index::<Option<i64>>(0).ok());
        found.unwrap_or_else(|| panic!("{sql}: no number")).unwrap_or(0)
    }

    pub(crate) async fn run(&self, sql: &str) {
        self.0.execute_unprepared(sql).await.unwrap_or_else(|error| panic!("{sql}: {error}"));
    }

    /// Every event of every booking is there, once, and none without its booking: versions 1..n are
    /// the sequences 1..n of the outbox.
    pub(crate) async fn assert_bookings_match_outbox(&self) {
        let broken = "SELECT count(*) FROM (
            SELECT b.id FROM booking b LEFT JOIN outbox o ON o.aggregate_id = b.id
            GROUP BY b.id, b.version
            HAVING count(o.id) <> b.version OR max(o.sequence) <> b.version
                OR min(o.sequence) <> 1 OR count(DISTINCT o.sequence) <> b.version) AS broken";
        assert_eq!(self.number(broken).await, 0, "bookings without exactly their events");
        let orphans = "SELECT count(*) FROM outbox o WHERE NOT EXISTS
            (SELECT 1 FROM booking b WHERE b.id = o.aggregate_id)";
        assert_eq!(self.number(orphans).await, 0, "events without a booking");
        let disordered = "SELECT count(*) FROM outbox a JOIN outbox b USING (aggregate_id)
            WHERE a.sequence < b.sequence AND a.pos > b.pos";
        assert_eq!(self.number(disordered).await, 0, "events numbered out of order");
        let overlaps =
            "SELECT count(*) FROM booking a JOIN booking b ON a.resource_id = b.resource_id
            AND a.id < b.id AND (a.exclusive OR b.exclusive) AND a.start_time < b.end_time AND b.start_time < a.end_time
            WHERE a.status IN ('pendente','confirmado') AND b.status IN ('pendente','confirmado')";
        assert_eq!(self.number(overlaps).await, 0, "double bookings");
    }
}
