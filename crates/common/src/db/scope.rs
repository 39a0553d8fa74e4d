//! Whose rows a piece of work may see, and how the database is told.
//!
//! Every statement that touches a tenant's table carries its scope: [`Reader`] folds the setting into
//! the statement, [`Database::transact`](super::Database::transact) sets it first. The setting never
//! outlives the transaction, so a connection that goes back to the pool knows nobody's tenant.

use async_trait::async_trait;
use sea_orm::{
    ConnectionTrait, DatabaseConnection, DbBackend, DbErr, ExecResult, QueryResult, Statement,
    Value, Values,
};
use uuid::Uuid;

use super::fault::connection_lost;

/// The setting that the policies of tenants' tables read: a tenant's id, or `*`.
pub const SETTING: &str = "marca.tenant";

/// Rows of a page that somebody looks at.
const LONGEST_PAGE: u64 = 1_000;

/// Whose rows may be seen at all.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope {
    /// Every tenant's: the developer's, and work that is truly across tenants.
    All,
    /// One tenant's.
    Tenant(Uuid),
}

impl Scope {
    /// Whether rows of `tenant` are in it.
    pub fn covers(self, tenant: Uuid) -> bool {
        match self {
            Self::All => true,
            Self::Tenant(own) => own == tenant,
        }
    }

    /// What [`SETTING`] is for this scope.
    pub fn setting(self) -> String {
        match self {
            Self::All => "*".to_owned(),
            Self::Tenant(tenant) => tenant.hyphenated().to_string(),
        }
    }
}

/// Reads within a scope, one statement at a time, each a transaction of its own.
///
/// On Postgres every `SELECT` is wrapped so that it sets the tenant first: see [`wrapped`]. Anything
/// else is refused. On `SQLite`, which has no policies, the statement runs as it is on a connection
/// that refuses to write.
///
/// On Postgres it reads by connections on which nothing is ever begun, so they are not looked at before
/// each use (ADR 0012). One that the server has closed since is noticed by the statement, which is then
/// repeated by another: a read may be.
#[derive(Debug, Clone)]
pub struct Reader {
    connection: DatabaseConnection,
    scope: Scope,
    /// How many connections may be closed at once.
    connections: u32,
}

impl Reader {
    pub(super) fn new(connection: DatabaseConnection, scope: Scope, connections: u32) -> Self {
        Self { connection, scope, connections }
    }

    /// The scope it reads in.
    pub fn scope(&self) -> Scope {
        self.scope
    }

    fn scoped(&self, statement: Statement) -> Result<Statement, DbErr> {
        match self.connection.get_database_backend() {
            DbBackend::Postgres => wrapped(self.scope, statement),
            DbBackend::MySql | DbBackend::Sqlite => Ok(statement),
            _ => Err(DbErr::Custom("a database without scopes".to_owned())),
        }
    }

    /// Asks until there is an answer, or no connection left that can be an old one.
    async fn asked<T, F, W>(&self, ask: F) -> Result<T, DbErr>
    where
        F: Fn() -> W,
        W: Future<Output = Result<T, DbErr>>,
    {
        for _ in 0..self.connections {
            match ask().await {
                Err(error) if connection_lost(&error) => {}
                answer => return answer,
            }
        }
        ask().await
    }
}

/// The statement, after the tenant has been set by the same statement.
///
/// `held` is volatile, so it stays a relation of its own, of one row; `asked` refers to it laterally,
/// so a nested loop must fetch that row before anything of `asked` is begun; `OFFSET 0` keeps the
/// planner from pulling the two together. The policies read the setting in sub-selects, which are
/// computed when they are first needed, so never before. The outer row is one, so the rows come in
/// the order of the statement itself.
fn wrapped(scope: Scope, statement: Statement) -> Result<Statement, DbErr> {
    let Statement { sql, values, db_backend } = statement;
    let text = sql.trim().trim_end_matches(';');
    let reads = ["SELECT", "WITH"].iter().any(|verb| {
        let start = text.get(..verb.len());
        start.is_some_and(|start| start.eq_ignore_ascii_case(verb))
    });
    if !reads {
        return Err(DbErr::Custom("a reader carries out SELECT only".to_owned()));
    }
    let Values(mut values) = values.unwrap_or(Values(Vec::new()));
    let text = &with_limit(text, &mut values);
    values.push(Value::from(scope.setting()));
    let place = values.len();
    let sql = format!(
        "SELECT asked.* FROM (SELECT set_config('{SETTING}', ${place}, true) AS tenant) held \
         CROSS JOIN LATERAL (SELECT given.* FROM ({text}) given \
         WHERE held.tenant IS NOT NULL OFFSET 0) asked"
    );
    Ok(Statement { sql, values: Some(Values(values)), db_backend })
}

/// The statement with the length of a page in its text, if `LIMIT` is its last part. Of a number it does
/// not know the planner assumes a tenth of what there is, finds the plan for any parameters dear, and
/// plans anew each time, which takes longer than reading the page. A limit that is never reached stays a
/// parameter: there the guess does no harm.
fn with_limit(text: &str, values: &mut Vec<Value>) -> String {
    let bare = text.strip_suffix(&format!(" LIMIT ${}", values.len()));
    match (bare, values.last()) {
        (Some(bare), Some(Value::BigUnsigned(Some(most)))) if *most <= LONGEST_PAGE => {
            let text = format!("{bare} LIMIT {most}");
            values.pop();
            text
        }
        _ => text.to_owned(),
    }
}

#[async_trait]
impl ConnectionTrait for Reader {
    fn get_database_backend(&self) -> DbBackend {
        self.connection.get_database_backend()
    }

    async fn execute_raw(&self, statement: Statement) -> Result<ExecResult, DbErr> {
        let statement = self.scoped(statement)?;
        self.asked(|| self.connection.execute_raw(statement.clone())).await
    }

    /// Refused: it could be several statements, and could not be wrapped.
    async fn execute_unprepared(&self, _: &str) -> Result<ExecResult, DbErr> {
        Err(DbErr::Custom("a reader carries out single prepared SELECTs only".to_owned()))
    }

    async fn query_one_raw(&self, statement: Statement) -> Result<Option<QueryResult>, DbErr> {
        let statement = self.scoped(statement)?;
        self.asked(|| self.connection.query_one_raw(statement.clone())).await
    }

    async fn query_all_raw(&self, statement: Statement) -> Result<Vec<QueryResult>, DbErr> {
        let statement = self.scoped(statement)?;
        self.asked(|| self.connection.query_all_raw(statement.clone())).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn statement(sql: &str) -> Statement {
        Statement::from_sql_and_values(DbBackend::Postgres, sql, [7.into()])
    }

    #[test]
    fn a_select_sets_the_tenant_with_a_parameter_of_its_own() {
        let tenant = Scope::Tenant(Uuid::from_u128(5));
        let made = wrapped(tenant, statement("SELECT a FROM t WHERE b = $1;")).unwrap();
        assert!(made.sql.contains("set_config('marca.tenant', $2, true)"), "{}", made.sql);
        assert!(made.sql.contains("(SELECT a FROM t WHERE b = $1) given"), "{}", made.sql);
        let Values(values) = made.values.unwrap();
        assert_eq!(values, [7.into(), "00000000-0000-0000-0000-000000000005".into()]);
    }

    #[test]
    fn a_limit_is_a_part_of_the_text() {
        let page = |sql: &str, values: Vec<Value>| {
            let given = Statement::from_sql_and_values(DbBackend::Postgres, sql, values);
            let Statement { sql, values, .. } = wrapped(Scope::All, given).unwrap();
            (sql, values.unwrap().0.len())
        };
        let (sql, count) =
            page("SELECT a FROM t WHERE b = $1 LIMIT $2", vec![7.into(), 51_u64.into()]);
        assert!(sql.contains("b = $1 LIMIT 51) given"), "{sql}");
        assert!(sql.contains("set_config('marca.tenant', $2, true)") && count == 2, "{sql}");
        let (sql, count) = page("SELECT a FROM t LIMIT $1 OFFSET $2", vec![5_u64.into(); 2]);
        assert!(sql.contains("LIMIT $1 OFFSET $2) given") && count == 3, "{sql}");
    }

    #[test]
    fn what_is_no_select_is_refused() {
        for sql in ["DELETE FROM t", "INSERT INTO t VALUES ($1)", "SET x = 1", "", "É"] {
            assert!(wrapped(Scope::All, statement(sql)).is_err(), "{sql}");
        }
        assert!(wrapped(Scope::All, statement(" with a AS (SELECT 1) SELECT * FROM a")).is_ok());
    }

    #[test]
    fn a_scope_covers_its_own() {
        let (one, other) = (Uuid::from_u128(1), Uuid::from_u128(2));
        assert!(Scope::All.covers(one) && Scope::Tenant(one).covers(one));
        assert!(!Scope::Tenant(one).covers(other));
    }
}
