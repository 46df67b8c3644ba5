//! From a request to its response, one line of the log each.

use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use http_body_util::{BodyExt, Full, Limited};
use hyper::body::{Bytes, Incoming};
use hyper::header::{CONTENT_TYPE, HeaderValue, SERVER};
use hyper::{Method, Request, Response, StatusCode};
use tokio::time::timeout;

use crate::ec2::Answer;
use crate::ec2::call::Caller;
use crate::ec2::fault::Fault;

use super::guard::{Pass, Service};
use super::probe::Probe;
use super::room::{Peer, Place};
use super::{Shared, identity};

/// The longest body: the longest request that AWS's own quotas allow is a tenth of it.
const MAX_BODY: usize = 1 << 20;
/// How long a call may take. The controller has less for each thing that it is asked.
const CALL_LIMIT: Duration = Duration::from_secs(90);

/// Who asked, as far as that is known.
#[derive(Default)]
struct Asked {
    access_key_id: Option<String>,
    region: Option<String>,
}

/// Answers a request.
pub(super) async fn respond(
    request: Request<Incoming>,
    peer: Peer,
    place: &Place,
    shared: Arc<Shared>,
) -> Response<Full<Bytes>> {
    let begun = Instant::now();
    if let Some(probe) = Probe::at(request.uri().path())
        && request.method() == Method::GET
    {
        return look(probe, request, peer, place, shared).await;
    }
    let request_id = shared.request_ids.next();
    let mut asked = Asked::default();
    let answer = match read(request, peer, &shared, &mut asked).await {
        Ok((pass, body)) => {
            place.begin_work();
            carry_out(pass, body, &request_id, &shared).await
        }
        Err(fault) => Answer::of_fault(&fault, None, &request_id),
    };
    let latency = begun.elapsed();
    shared.requests.count(answer.action, answer.code.as_deref(), latency);
    // What a client made up is shown with what is no letter escaped, so that it cannot pass for another line.
    tracing::info!(
        request_id,
        action = answer.action.unwrap_or("-"),
        code = answer.code.as_deref().unwrap_or("ok"),
        status = answer.status,
        latency_ms = latency.as_secs_f64() * 1e3,
        access_key_id = ?asked.access_key_id.as_deref().unwrap_or("-"),
        region = asked.region.as_deref().unwrap_or("-"),
        client = ?peer,
        "answered"
    );
    response(answer, &request_id)
}

/// Works on what was let in. Talking to the controller blocks.
async fn carry_out(pass: Pass, body: Bytes, request_id: &str, shared: &Arc<Shared>) -> Answer {
    let shared = Arc::clone(shared);
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
    let caller = Caller { region: pass.region, account_id: shared.account_id.clone(), now };
    let id = request_id.to_owned();
    let work = move || match pass.service {
        Service::Ec2 => shared.api.answer(&body, &caller, &id),
        Service::Sts => identity::answer(&body, &caller, &id),
    };
    match timeout(CALL_LIMIT, tokio::task::spawn_blocking(work)).await {
        Ok(Ok(answer)) => answer,
        Ok(Err(_)) => Answer::of_fault(&Fault::internal("An internal error has occurred"), None, request_id),
        Err(_) => {
            let fault = Fault::internal("The request took too long; whether it was done is not known");
            Answer::of_fault(&fault, None, request_id)
        }
    }
}

/// Answers who watches over the lab.
async fn look(
    probe: Probe,
    request: Request<Incoming>,
    peer: Peer,
    place: &Place,
    shared: Arc<Shared>,
) -> Response<Full<Bytes>> {
    let (head, _) = request.into_parts();
    if let Err(fault) = shared.guard.refuse_pages(&head, peer) {
        return page(fault.status, "text/plain", format!("{}\n", fault.error.message));
    }
    place.begin_work();
    let begun = Instant::now();
    let found = timeout(CALL_LIMIT, tokio::task::spawn_blocking(move || probe.look(&shared))).await;
    let Ok(Ok(found)) = found else {
        return page(500, "text/plain", "It could not be found out.\n".to_owned());
    };
    let latency_ms = begun.elapsed().as_secs_f64() * 1e3;
    tracing::info!(action = probe.name(), status = found.status, latency_ms, client = ?peer, "answered");
    page(found.status, found.content_type, found.body)
}

fn page(status: u16, content_type: &'static str, body: String) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::from(body));
    *response.status_mut() = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    response
}

fn response(answer: Answer, request_id: &str) -> Response<Full<Bytes>> {
    let mut response = page(answer.status, "text/xml;charset=UTF-8", answer.body);
    let headers = response.headers_mut();
    headers.insert(SERVER, HeaderValue::from_static("AmazonEC2"));
    if let Ok(id) = HeaderValue::from_str(request_id) {
        headers.insert("x-amzn-requestid", id);
    }
    response
}

/// Reads a request that may pass, whole.
async fn read(
    request: Request<Incoming>,
    peer: Peer,
    shared: &Shared,
    asked: &mut Asked,
) -> Result<(Pass, Bytes), Fault> {
    let (head, body) = request.into_parts();
    let pass = shared.guard.check_head(&head, peer, SystemTime::now())?;
    asked.access_key_id = Some(pass.access_key_id.clone());
    asked.region = Some(pass.region.to_string());
    let body = timeout(shared.patience, Limited::new(body, MAX_BODY).collect());
    let body = match body.await {
        Ok(Ok(body)) => body.to_bytes(),
        Ok(Err(error)) if error.is::<http_body_util::LengthLimitError>() => {
            return Err(Fault::new(413, "RequestEntityTooLarge", "The request is too large"));
        }
        Ok(Err(_)) => return Err(Fault::new(400, "MalformedQueryString", "The request ended early")),
        Err(_) => return Err(Fault::new(408, "RequestTimeout", "The request did not come in time")),
    };
    pass.check_body(&head, &body)?;
    Ok((pass, body))
}
