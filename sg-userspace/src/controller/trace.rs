//! One trace at a time: packets are marked while its client listens.

use tokio::sync::mpsc;
use tokio::sync::mpsc::error::TrySendError;

use crate::dataplane::step::Filter;

use super::protocol::{ErrorReply, Reply, code};
use super::{Controller, system};

impl Controller {
    /// Marks packets for whoever asks, until they hang up.
    pub(super) async fn begin_trace(
        &mut self,
        filter: &Filter,
        replies: &mpsc::Sender<Reply>,
    ) -> Result<(), ErrorReply> {
        if self.tracer.as_ref().is_some_and(|tracer| !tracer.is_closed()) {
            return Err(ErrorReply::new(
                code::BAD_REQUEST,
                "somebody is tracing already, and the data plane marks packets for one at a time",
            ));
        }
        self.enforcer()?.set_trace(Some(filter)).map_err(system)?;
        self.tracer = Some(replies.clone());
        let _ = replies.send(Reply::Watching).await;
        Ok(())
    }

    /// Hands on what marked packets told. Without a tracer nothing is marked.
    pub(super) fn poll_steps(&mut self) {
        let (Some(tracer), Some(enforcer)) = (&self.tracer, &mut self.enforcer) else { return };
        let told = enforcer.steps().map(|steps| {
            let is_news = !steps.steps.is_empty() || steps.lost > 0;
            // One who reads too slowly loses steps, and sees the walk break off.
            !is_news || !matches!(tracer.try_send(Reply::Steps { steps }), Err(TrySendError::Closed(_)))
        });
        let goes_on = match told {
            Ok(goes_on) => goes_on && !tracer.is_closed(),
            Err(error) => {
                tracing::warn!("cannot read traced steps: {error:#}");
                !tracer.is_closed()
            }
        };
        if !goes_on {
            self.tracer = None;
            if let Err(error) = enforcer.set_trace(None) {
                tracing::warn!("cannot end the trace: {error:#}");
            }
        }
    }
}
