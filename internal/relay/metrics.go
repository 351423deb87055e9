package relay

import (
	"strconv"

	"github.com/prometheus/client_golang/prometheus"
)

// Metrics are what the relay tells Prometheus. A nil *Metrics tells nothing.
type Metrics struct {
	requests *prometheus.CounterVec
	duration *prometheus.HistogramVec
	ttft     *prometheus.HistogramVec
	attempts *prometheus.CounterVec
	overruns prometheus.Counter
	repeats  prometheus.Counter
}

// buckets reach from a local model's answer to a long generation, in seconds.
var buckets = []float64{.005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30, 60, 120, 300, 600}

// NewMetrics registers the relay's metrics.
func NewMetrics(reg prometheus.Registerer) *Metrics {
	m := &Metrics{
		requests: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "gantry_requests_total", Help: "Inference requests by operation, platform, model and answer.",
		}, []string{"kind", "platform", "model", "status"}),
		duration: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "gantry_request_duration_seconds", Help: "From the request's arrival to its end.", Buckets: buckets,
		}, []string{"kind", "platform", "model"}),
		ttft: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "gantry_time_to_first_token_seconds", Help: "From the request's arrival to the first byte sent.", Buckets: buckets,
		}, []string{"kind", "platform", "model"}),
		attempts: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "gantry_attempts_total", Help: "Attempts at upstreams by platform and outcome category.",
		}, []string{"platform", "category"}),
		overruns: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "gantry_overruns_total", Help: "Calls that cost more than was held for them.",
		}),
		repeats: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "gantry_replays_total", Help: "Requests that were answered with the answer of an earlier one, by their idempotency key.",
		}),
	}
	reg.MustRegister(m.requests, m.duration, m.ttft, m.attempts, m.overruns, m.repeats)
	return m
}

// replayed counts a request that got an earlier one's answer.
func (m *Metrics) replayed() {
	if m != nil {
		m.repeats.Inc()
	}
}

// observe counts a call that has ended. The model label is the route's, never the caller's text, so that callers cannot
// make up label values.
func (m *Metrics) observe(c *call) {
	if m == nil {
		return
	}
	kind, platform, model := string(c.op.Format.Kind()), "", ""
	if c.route != nil {
		model = c.route.Alias
	}
	if c.target != nil {
		platform = c.target.Platform.Key
	}
	m.requests.WithLabelValues(kind, platform, model, strconv.Itoa(c.status)).Inc()
	m.duration.WithLabelValues(kind, platform, model).Observe(c.now().Sub(c.start).Seconds())
	if c.ttft > 0 {
		m.ttft.WithLabelValues(kind, platform, model).Observe(c.ttft.Seconds())
	}
	for i := range c.attempts {
		m.attempts.WithLabelValues(c.attempts[i].PlatformName, string(c.attempts[i].Category)).Inc()
	}
	if c.overrun > 0 {
		m.overruns.Inc()
	}
}
