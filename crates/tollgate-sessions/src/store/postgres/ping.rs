//! [`ping`]: checks that the server can do the work of a store.

use super::Result;
use super::call::Call;
use super::row::column_of;
use super::schema::{VERSION, foreign, version};

/// Checks that the tables exist, and that the server takes writes.
pub(super) async fn ping(call: &Call<'_>) -> Result<()> {
    let rows = call.read("reading the version of the schema", VERSION, &[]).await?;
    let row = rows.first().ok_or_else(foreign)?;
    version(row)?;
    call.require_primary(column_of(row, 2)?)
}
