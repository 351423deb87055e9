package relay

import (
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/gantry-ai/gantry/internal/domain/routing"
	"github.com/gantry-ai/gantry/internal/inference"
	"github.com/gantry-ai/gantry/internal/kernel/money"
)

// Metrics are what the relay tells Prometheus; docs/observability.md lists them. A nil *Metrics tells nothing.
//
// Labels come from the configuration and from closed lists, never from callers, so that nobody can make up values.
type Metrics struct {
	requests, refusals, tokens, charged *prometheus.CounterVec
	attempts, retries, policies         *prometheus.CounterVec
	duration, ttft, perToken, upstream  *prometheus.HistogramVec
	overruns, repeats                   prometheus.Counter

	routes    children[routeKey, *routeMetrics]
	delivered children[routeKey, *deliveredMetrics]
	targets   children[targetKey, *targetMetrics]
	refused   children[refusalKey, prometheus.Counter]
	currency  children[money.Currency, prometheus.Counter]
}

var (
	// buckets reach from a local model's answer to a long generation, in seconds.
	buckets = []float64{.005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30, 60, 120, 300, 600}
	// tokenBuckets are seconds for one output token: from 1000 tokens a second to one in five seconds.
	tokenBuckets = []float64{.001, .0025, .005, .01, .015, .02, .03, .04, .05, .075, .1, .15, .25, .5, 1, 5}
)

// NewMetrics registers the relay's metrics.
func NewMetrics(reg prometheus.Registerer) *Metrics {
	counter := func(name, help string, labels ...string) *prometheus.CounterVec {
		v := prometheus.NewCounterVec(prometheus.CounterOpts{Name: name, Help: help}, labels)
		reg.MustRegister(v)
		return v
	}
	histogram := func(name, help string, buckets []float64, labels ...string) *prometheus.HistogramVec {
		v := prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: name, Help: help, Buckets: buckets}, labels)
		reg.MustRegister(v)
		return v
	}
	m := &Metrics{
		requests: counter("gantry_requests_total", "Inference requests by operation, platform, model and answer.",
			"kind", "platform", "model", "status"),
		refusals: counter("gantry_refusals_total", "Requests that reached no upstream, by operation and error code.", "kind", "code"),
		tokens:   counter("gantry_tokens_total", "Tokens that were settled, by class.", "platform", "model", "class"),
		charged:  counter("gantry_charged_units_total", "Charges in the ledger's units of each currency.", "currency"),
		attempts: counter("gantry_attempts_total", "Attempts at upstreams by outcome category.", "platform", "model", "category"),
		retries:  counter("gantry_retries_total", "Attempts that were followed by another, by their outcome category.", "platform", "model", "category"),
		duration: histogram("gantry_request_duration_seconds", "From the request's arrival to its end.", buckets, "kind", "platform", "model"),
		ttft:     histogram("gantry_time_to_first_token_seconds", "From the request's arrival to the first byte sent.", buckets, "kind", "platform", "model"),
		perToken: histogram("gantry_time_per_output_token_seconds", "Time from a stream's first byte to its end, by output token.", tokenBuckets, "kind", "platform", "model"),
		upstream: histogram("gantry_attempt_duration_seconds", "From an attempt's beginning to its end.", buckets, "platform", "model"),
		overruns: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "gantry_overruns_total", Help: "Calls that cost more than was held for them.",
		}),
		policies: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "gantry_policy_events_total", Help: "What routing policies did, by kind and by the category that triggered it.",
		}, []string{"kind", "category"}),
		repeats: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "gantry_replays_total", Help: "Requests that were answered with the answer of an earlier one, by their idempotency key.",
		}),
	}
	reg.MustRegister(m.overruns, m.policies, m.repeats)
	for _, kind := range routing.EventKinds {
		if !kind.Triggered() {
			m.policies.WithLabelValues(string(kind), "") // so that its 0 is told
		}
	}
	return m
}

// routeKey, targetKey and refusalKey are sets of labels.
type (
	routeKey   struct{ kind, platform, model string }
	targetKey  struct{ platform, model string }
	refusalKey struct{ kind, code string }
)

// routeMetrics are those of requests that were served by a platform, or by none, under a model's name.
type routeMetrics struct {
	duration prometheus.Observer
	statuses children[int, prometheus.Counter]
}

// deliveredMetrics are those of requests of which something was delivered.
type deliveredMetrics struct {
	ttft, perToken prometheus.Observer
	tokens         children[inference.Resource, prometheus.Counter]
}

// targetMetrics are those of attempts.
type targetMetrics struct {
	duration          prometheus.Observer
	attempts, retries children[inference.Category, prometheus.Counter]
}

func (m *Metrics) route(k routeKey) *routeMetrics {
	return &routeMetrics{duration: m.duration.WithLabelValues(k.kind, k.platform, k.model)}
}

func (m *Metrics) delivery(k routeKey) *deliveredMetrics {
	return &deliveredMetrics{
		ttft:     m.ttft.WithLabelValues(k.kind, k.platform, k.model),
		perToken: m.perToken.WithLabelValues(k.kind, k.platform, k.model),
	}
}

func (m *Metrics) target(k targetKey) *targetMetrics {
	return &targetMetrics{duration: m.upstream.WithLabelValues(k.platform, k.model)}
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
	key := routeKey{kind: string(c.op.Format.Kind())}
	if c.route != nil {
		key.model = c.route.Alias
	}
	if c.target != nil {
		key.platform = c.target.Platform.Key
	}
	took := c.now().Sub(c.start)
	r := m.routes.of(key, m.route)
	r.statuses.of(c.status, func(status int) prometheus.Counter {
		return m.requests.WithLabelValues(key.kind, key.platform, key.model, strconv.Itoa(status))
	}).Inc()
	r.duration.Observe(took.Seconds())
	if c.ttft > 0 {
		m.observeDelivery(c, key, took)
	}
	m.observeAttempts(c, key)
	if c.failure != nil && len(c.attempts) == 0 {
		m.refused.of(refusalKey{key.kind, c.failure.Code}, func(k refusalKey) prometheus.Counter {
			return m.refusals.WithLabelValues(k.kind, k.code)
		}).Inc()
	}
}

// observeDelivery counts what a call that was delivered used and cost.
func (m *Metrics) observeDelivery(c *call, key routeKey, took time.Duration) {
	r := m.delivered.of(key, m.delivery)
	r.ttft.Observe(c.ttft.Seconds())
	for class, n := range c.metered.Usage.Quantities {
		if n == 0 || inference.Resource(class) > inference.AudioOutput {
			continue
		}
		r.tokens.of(inference.Resource(class), func(class inference.Resource) prometheus.Counter {
			return m.tokens.WithLabelValues(key.platform, key.model, class.String())
		}).Add(float64(n))
	}
	if n := c.metered.Usage.OutputTokens(); c.ask.Stream && n > 0 {
		r.perToken.Observe((took - c.ttft).Seconds() / float64(n))
	}
	if c.charged > 0 {
		m.currency.of(c.purse.Currency, func(c money.Currency) prometheus.Counter {
			return m.charged.WithLabelValues(string(c))
		}).Add(float64(c.charged))
	}
	if c.overrun > 0 {
		m.overruns.Inc()
	}
}

func (m *Metrics) observeAttempts(c *call, key routeKey) {
	for i := range c.attempts {
		a := &c.attempts[i]
		k := targetKey{a.PlatformKey, key.model}
		t := m.targets.of(k, m.target)
		t.duration.Observe(a.Duration.Seconds())
		t.attempts.of(a.Category, func(category inference.Category) prometheus.Counter {
			return m.attempts.WithLabelValues(k.platform, k.model, string(category))
		}).Inc()
		if i == c.deciding || a.Verdict == verdictHedgedLost && a.Category == inference.Canceled {
			continue
		}
		t.retries.of(a.Category, func(category inference.Category) prometheus.Counter {
			return m.retries.WithLabelValues(k.platform, k.model, string(category))
		}).Inc()
	}
}

// policyEvent counts what a policy did.
func (m *Metrics) policyEvent(e *routing.PolicyEvent) {
	if m != nil {
		m.policies.WithLabelValues(string(e.Kind), string(e.Category)).Inc()
	}
}
