//! [`ItemsService`]: the methods, behind a gate.

use std::sync::{Mutex, PoisonError};

use tollgate_tower::{Admission, Policy, Rejection, grpc_metadata};
use tonic::{Request, Response, Status};

use crate::proto::items_server::Items;
use crate::proto::{AddRequest, AddResponse, ListRequest, ListResponse};

/// Items in memory.
#[derive(Debug, Default)]
pub struct ItemsService {
    items: Mutex<Vec<String>>,
}

#[tonic::async_trait]
impl Items for ItemsService {
    async fn list(&self, request: Request<ListRequest>) -> Result<Response<ListResponse>, Status> {
        let token = admission(&request)?.require().map_err(|rejection| status(&rejection))?;
        let user = token.subject().unwrap_or_default().to_owned();
        let items = self.items.lock().unwrap_or_else(PoisonError::into_inner).clone();
        Ok(Response::new(ListResponse { user, items }))
    }

    async fn add(&self, request: Request<AddRequest>) -> Result<Response<AddResponse>, Status> {
        let policy = Policy::scope("write:items");
        admission(&request)?.authorize(&policy).map_err(|rejection| status(&rejection))?;
        let mut items = self.items.lock().unwrap_or_else(PoisonError::into_inner);
        items.push(request.into_inner().name);
        Ok(Response::new(AddResponse { count: u32::try_from(items.len()).unwrap_or(u32::MAX) }))
    }
}

/// Returns the admission that the gate has put into the request.
fn admission<T>(request: &Request<T>) -> Result<&Admission, Status> {
    request.extensions().get().ok_or_else(|| status(&Rejection::missing_gate()))
}

/// Converts a rejection to the status that the gate itself would respond with.
fn status(rejection: &Rejection) -> Status {
    Status::from_header_map(&grpc_metadata(rejection)).unwrap_or_else(|| Status::internal("no status"))
}
