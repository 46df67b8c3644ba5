//! `/metrics` in Prometheus's text format: what this process has answered, and what the controller measures.

use std::fmt;
use std::time::Duration;

use prometheus_client::collector::Collector;
use prometheus_client::encoding::{
    DescriptorEncoder, EncodeLabelSet, EncodeMetric, MetricEncoder, NoLabelSet, prometheus_text,
};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::counter::{ConstCounter, Counter};
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::ConstGauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::Registry;

use crate::controller::observation::{Observation, PlaneObservation};
use crate::controller::timing::{CLASSES, STAGES, Timing};
use crate::dataplane::row::Enforcement;

/// What begins every name.
const PREFIX: &str = "sgsim";

type LatencyFamily = Family<ActionLabels, Histogram, fn() -> Histogram>;

/// What this process has answered.
#[derive(Debug)]
pub(super) struct Requests {
    answered: Family<RequestLabels, Counter>,
    latency: LatencyFamily,
    registry: Registry,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct RequestLabels {
    action: &'static str,
    code: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ActionLabels {
    action: &'static str,
}

impl Requests {
    pub(super) fn new() -> Self {
        let answered = Family::default();
        let latency = LatencyFamily::new_with_constructor(|| Histogram::new(CLASSES));
        let mut registry = Registry::with_prefix(PREFIX);
        registry.register("api_requests", "Requests by action and code.", answered.clone());
        registry.register(
            "api_request_seconds",
            "From the head of a request to its answer, by action.",
            latency.clone(),
        );
        Self { answered, latency, registry }
    }

    /// Counts an answer. Whatever has no known action is one.
    pub(super) fn count(&self, action: Option<&'static str>, code: Option<&str>, latency: Duration) {
        let action = action.unwrap_or("none");
        let code = code.unwrap_or("ok").to_owned();
        self.answered.get_or_create(&RequestLabels { action, code }).inc();
        self.latency.get_or_create(&ActionLabels { action }).observe(latency.as_secs_f64());
    }

    /// The page, with what the controller measures if it answers.
    pub(super) fn page(
        &self,
        connections: usize,
        controller: Option<Observation>,
    ) -> Result<String, fmt::Error> {
        let mut page = String::new();
        prometheus_text::encode(&mut page, &self.registry)?;
        let mut registry = Registry::with_prefix(PREFIX);
        registry.register_collector(Box::new(Scrape { connections, controller }));
        prometheus_text::encode(&mut page, &registry)?;
        Ok(page)
    }
}

/// What is measured as somebody asks.
#[derive(Debug)]
struct Scrape {
    connections: usize,
    controller: Option<Observation>,
}

impl Collector for Scrape {
    fn encode(&self, encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let mut page = Page(encoder);
        page.gauge("api_connections", "Connections to this endpoint.", self.connections as f64)?;
        let answers = if self.controller.is_some() { 1.0 } else { 0.0 };
        page.gauge("controller_up", "Whether the controller answers.", answers)?;
        let Some(controller) = &self.controller else { return Ok(()) };
        page.gauge("controller_uptime_seconds", "How long the controller runs.", controller.uptime_seconds)?;
        let memory = controller.memory_kib as f64 * 1024.0;
        page.gauge("controller_memory_bytes", "Memory that the controller occupies.", memory)?;
        page.gauge("world_version", "Version of the world: it counts changes.", controller.version as f64)?;
        let objects =
            controller.objects.iter().map(|(kind, count)| ([("kind", kind.clone())], *count as f64));
        page.gauges("objects", "Objects of the world by kind.", objects)?;
        let help = "Parts of a change until it is acknowledged; `lead` is how long it was in force by then.";
        page.timings("change_seconds", help, controller)?;
        match &controller.plane {
            Some(plane) => page.plane(plane),
            None => Ok(()),
        }
    }
}

/// The page being written.
struct Page<'e>(DescriptorEncoder<'e>);

impl Page<'_> {
    fn metric(
        &mut self,
        name: &str,
        help: &str,
        kind: MetricType,
        write: impl FnOnce(MetricEncoder<'_>) -> fmt::Result,
    ) -> fmt::Result {
        write(self.0.encode_descriptor(name, help, None, kind)?)
    }

    fn gauge(&mut self, name: &str, help: &str, value: f64) -> fmt::Result {
        self.metric(name, help, MetricType::Gauge, |encoder| ConstGauge::new(value).encode(encoder))
    }

    fn gauges<const N: usize>(
        &mut self,
        name: &str,
        help: &str,
        rows: impl Iterator<Item = ([(&'static str, String); N], f64)>,
    ) -> fmt::Result {
        self.metric(name, help, MetricType::Gauge, |mut encoder| {
            for (labels, value) in rows {
                ConstGauge::new(value).encode(encoder.encode_family(&labels)?)?;
            }
            Ok(())
        })
    }

    fn counters<const N: usize>(
        &mut self,
        name: &str,
        help: &str,
        rows: impl Iterator<Item = ([(&'static str, String); N], u64)>,
    ) -> fmt::Result {
        self.metric(name, help, MetricType::Counter, |mut encoder| {
            for (labels, value) in rows {
                ConstCounter::new(value).encode(encoder.encode_family(&labels)?)?;
            }
            Ok(())
        })
    }

    fn timings(&mut self, name: &str, help: &str, controller: &Observation) -> fmt::Result {
        self.metric(name, help, MetricType::Histogram, |mut encoder| {
            for stage in STAGES {
                let Timing { counts, sum } = controller.changes.of(stage);
                let ends = CLASSES.into_iter().chain([f64::MAX]);
                let classes = ends.zip(counts.iter().copied()).collect::<Vec<_>>();
                let labels = [("stage", stage.name())];
                let mut encoder = encoder.encode_family(&labels)?;
                encoder.encode_histogram::<NoLabelSet>(*sum, counts.iter().sum(), &classes, None)?;
            }
            Ok(())
        })
    }

    fn plane(&mut self, plane: &PlaneObservation) -> fmt::Result {
        let is_enforced = if plane.enforcement == Enforcement::On { 1.0 } else { 0.0 };
        self.gauge("enforcement", "Whether packets are judged.", is_enforced)?;
        let frames = plane.counters.iter().map(|row| {
            let verdict = if row.reason.is_allow() { "allow" } else { "deny" };
            let labels = [
                ("direction", row.direction.to_string()),
                ("verdict", verdict.to_owned()),
                ("reason", row.reason.to_string()),
            ];
            (labels, row.frames)
        });
        self.counters("frames", "Frames by the judgement that ended them.", frames)?;
        let flows = plane.flows.iter().map(|(state, count)| ([("state", state.clone())], *count as f64));
        self.gauges("flows", "Live flow entries by state.", flows)?;
        let allowances = &plane.allowances;
        let of = |instance: &crate::aws::ids::InstanceId| [("instance", instance.to_string())];
        let tracked = allowances.iter().map(|row| (of(&row.instance), row.tracked as f64));
        self.gauges("allowance_tracked", "Connections that an instance tracks.", tracked)?;
        let available = allowances.iter().map(|row| (of(&row.instance), row.available as f64));
        self.gauges("allowance_available", "Connections that an instance may track yet.", available)?;
        let exceeded = allowances.iter().map(|row| (of(&row.instance), row.exceeded));
        self.counters("allowance_exceeded_frames", "Frames denied for want of an allowance.", exceeded)?;
        let map = |name: &str| [("map", name.to_owned())];
        let entries = plane.maps.iter().map(|row| (map(&row.name), row.entries as f64));
        self.gauges("map_entries", "What is in use of a map.", entries)?;
        let capacity = plane.maps.iter().map(|row| (map(&row.name), row.capacity as f64));
        self.gauges("map_capacity", "What a map has room for.", capacity)
    }
}
