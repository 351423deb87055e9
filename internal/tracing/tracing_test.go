package tracing_test

import (
	"compress/gzip"
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	collector "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	spans "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/proto"

	"github.com/gantry-ai/gantry/internal/domain/tasks"
	"github.com/gantry-ai/gantry/internal/inference"
	"github.com/gantry-ai/gantry/internal/kernel/fault"
	"github.com/gantry-ai/gantry/internal/kernel/id"
	"github.com/gantry-ai/gantry/internal/relay"
	"github.com/gantry-ai/gantry/internal/tracing"
)

// backend is a collector that keeps spans.
type backend struct {
	mu      sync.Mutex
	spans   []*spans.Span
	service map[string]string
	header  http.Header
}

func (b *backend) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	var batch collector.ExportTraceServiceRequest
	unpacked, err := gzip.NewReader(req.Body)
	if err == nil {
		var body []byte
		body, err = io.ReadAll(unpacked)
		err = errors.Join(err, proto.Unmarshal(body, &batch))
	}
	if err != nil || req.URL.Path != "/otlp/v1/traces" {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.header = req.Header.Clone()
	for _, r := range batch.GetResourceSpans() {
		b.service = map[string]string{}
		for _, a := range r.GetResource().GetAttributes() {
			b.service[a.GetKey()] = a.GetValue().GetStringValue()
		}
		for _, s := range r.GetScopeSpans() {
			b.spans = append(b.spans, s.GetSpans()...)
		}
	}
}

// start returns a tracer that sends to a backend, and what ends both.
func start(t *testing.T, ratio float64) (*tracing.Tracer, func() *backend) {
	t.Helper()
	b := &backend{}
	server := httptest.NewServer(b)
	tracer, err := tracing.Start(t.Context(), tracing.Options{
		Endpoint: server.URL + "/otlp/", Headers: map[string]string{"X-Token": "t"}, SampleRatio: ratio, Version: "v1", Node: "n",
		Log: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		t.Fatal(err)
	}
	return tracer, func() *backend {
		if err := tracer.Close(context.Background()); err != nil {
			t.Error(err)
		}
		server.Close()
		return b
	}
}

var noon = time.Date(2026, 3, 14, 12, 0, 0, 0, time.UTC)

const (
	traceID = "0af7651916cd43dd8448eb211c80319c"
	parent  = "00-" + traceID + "-b7ad6b7169203331-01"
)

func arrival(traceparent string) *http.Request {
	req := httptest.NewRequestWithContext(context.Background(), http.MethodPost, "/v1/chat/completions", nil)
	if traceparent != "" {
		req.Header.Set("Traceparent", traceparent)
	}
	return req
}

var task = id.At(noon)

func story() *relay.Story {
	s := &relay.Story{
		RequestID: "req-1", TaskID: task, Kind: inference.Chat, Asked: "alias", Model: "m", Upstream: "gpt", Platform: "p2", Provider: "openai", Cause: "failover",
		Start: noon, End: noon.Add(10 * time.Second), TTFT: 3 * time.Second, Status: 200, Outcome: "usage", Held: 5, Charged: 2,
		Currency: "USD", MaxOutput: 64,
		Steps: []relay.Step{
			{Name: "admit", From: noon, To: noon.Add(time.Second)}, {Name: "prepare", From: noon.Add(2 * time.Second), To: noon.Add(3 * time.Second)},
		},
		Attempts: []tasks.Attempt{
			{No: 1, Provider: "azure", PlatformKey: "p1", ProviderModelName: "gpt", Category: inference.RateLimited, StatusCode: 429, Verdict: "next_platform", StartedAt: noon.Add(time.Second), Duration: time.Second},
			{No: 2, Provider: "openai", PlatformKey: "p2", ProviderModelName: "gpt", Category: inference.OK, StatusCode: 200, Verdict: "served", StartedAt: noon.Add(2 * time.Second), Duration: 5 * time.Second},
		},
	}
	s.Usage.Quantities[inference.TextInput], s.Usage.Quantities[inference.TextInputCached] = 7, 3
	s.Usage.Quantities[inference.TextOutput] = 20
	return s
}

// attributes of a span as texts and numbers.
func attributes(s *spans.Span) map[string]any {
	out := map[string]any{}
	for _, a := range s.GetAttributes() {
		switch v := a.GetValue(); {
		case v.GetStringValue() != "":
			out[a.GetKey()] = v.GetStringValue()
		case v.GetIntValue() != 0:
			out[a.GetKey()] = v.GetIntValue()
		default:
			out[a.GetKey()] = v.GetBoolValue()
		}
	}
	return out
}

func find(t *testing.T, b *backend, name string, nth int) *spans.Span {
	t.Helper()
	for _, s := range b.spans {
		if s.GetName() != name {
			continue
		}
		if nth--; nth < 0 {
			return s
		}
	}
	t.Fatalf("no span %s among %v", name, b.spans)
	return nil
}

func TestASpanForEachStep(t *testing.T) {
	t.Parallel()
	tracer, end := start(t, 0) // the caller decides
	r := tracer.Begin(arrival(parent), noon)
	if r == nil || r.ID() != traceID {
		t.Fatalf("trace %v", r)
	}
	r.Attempt(t.Context(), noon.Add(time.Second))
	r.Attempt(t.Context(), noon.Add(2*time.Second))
	r.End(story())
	b := end()
	if len(b.spans) != 5 || b.header.Get("X-Token") != "t" {
		t.Fatalf("%d spans, header %v", len(b.spans), b.header)
	}
	if diff := cmp.Diff(map[string]string{"service.name": "gantry", "service.version": "v1", "service.instance.id": "n"}, b.service); diff != "" {
		t.Error(diff)
	}
	root := find(t, b, "chat m", 0)
	if got := [2]uint64{root.GetStartTimeUnixNano(), root.GetEndTimeUnixNano()}; got != [2]uint64{uint64(noon.UnixNano()), uint64(noon.Add(10 * time.Second).UnixNano())} {
		t.Errorf("from and to %v", got)
	}
	if root.GetKind() != spans.Span_SPAN_KIND_SERVER || len(root.GetEvents()) != 1 || root.GetEvents()[0].GetName() != "first_byte" {
		t.Errorf("root %v", root)
	}
	want := map[string]any{
		"http.request.method": "POST", "url.path": "/v1/chat/completions", "http.response.status_code": int64(200),
		"gen_ai.operation.name": "chat", "gen_ai.provider.name": "openai", "gen_ai.system": "openai", "gen_ai.request.model": "alias",
		"gen_ai.response.model": "gpt", "gen_ai.request.max_tokens": int64(64), "gen_ai.usage.input_tokens": int64(10),
		"gen_ai.usage.output_tokens": int64(20), "gen_ai.usage.cache_read.input_tokens": int64(3), "gantry.request_id": "req-1",
		"gantry.task": task.String(), "gantry.kind": "chat.completions", "gantry.stream": false,
		"gantry.simulated": false, "gantry.platform": "p2", "gantry.route": "failover", "gantry.attempts": int64(2), "gantry.bill": "usage",
		"gantry.held": "0.000000005 USD", "gantry.charged": "0.000000002 USD",
	}
	if diff := cmp.Diff(want, attributes(root)); diff != "" {
		t.Error(diff)
	}
	first, second := find(t, b, "attempt", 0), find(t, b, "attempt", 1)
	if got := attributes(first); got["gantry.category"] != "rate_limited" || got["error.type"] != "rate_limited" ||
		first.GetStatus().GetCode() != spans.Status_STATUS_CODE_ERROR || first.GetKind() != spans.Span_SPAN_KIND_CLIENT {
		t.Errorf("first attempt %v", first)
	}
	if !slices.Equal(find(t, b, "prepare", 0).GetParentSpanId(), second.GetSpanId()) ||
		!slices.Equal(find(t, b, "admit", 0).GetParentSpanId(), root.GetSpanId()) || !slices.Equal(second.GetParentSpanId(), root.GetSpanId()) {
		t.Error("a span has another parent")
	}
}

func TestFailuresAreErrorsWhenTheyAreOurs(t *testing.T) {
	t.Parallel()
	tracer, end := start(t, 1)
	for _, f := range []*fault.Error{fault.New(404, "model_not_found", "no"), fault.New(502, "upstream_error", "no")} {
		tracer.Begin(arrival(""), noon).End(&relay.Story{Kind: inference.Speech, Start: noon, End: noon, Failure: f, Status: f.Status})
	}
	b := end()
	first, second := find(t, b, "audio.speech", 0), find(t, b, "audio.speech", 1)
	if first.GetStatus().GetCode() == spans.Status_STATUS_CODE_ERROR || attributes(first)["error.type"] != "model_not_found" {
		t.Errorf("the caller's fault: %v", first)
	}
	if second.GetStatus().GetCode() != spans.Status_STATUS_CODE_ERROR {
		t.Errorf("the upstream's fault: %v", second)
	}
}

func TestWhatIsNotSampledIsNotFollowed(t *testing.T) {
	t.Parallel()
	tracer, end := start(t, 0)
	if tracer.Begin(arrival(""), noon) != nil {
		t.Error("followed at a ratio of 0")
	}
	if tracer.Begin(arrival(parent[:len(parent)-1]+"0"), noon) != nil {
		t.Error("followed although the caller does not")
	}
	if b := end(); len(b.spans) != 0 {
		t.Errorf("spans %v", b.spans)
	}
}

// roundTrip remembers a request's header.
type roundTrip struct{ got http.Header }

func (r *roundTrip) RoundTrip(req *http.Request) (*http.Response, error) {
	r.got = req.Header
	return &http.Response{StatusCode: http.StatusOK, Body: http.NoBody}, nil
}

func TestUpstreamsAreToldTheTrace(t *testing.T) {
	t.Parallel()
	tracer, end := start(t, 1)
	var seen roundTrip
	transport := tracing.Propagate(&seen)
	trace := tracer.Begin(arrival(parent), noon)
	shared := http.Header{"Accept": {"text/plain"}}
	call := func(ctx context.Context) {
		req, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://upstream", nil)
		if err != nil {
			t.Fatal(err)
		}
		req.Header = shared
		if _, err := transport.RoundTrip(req); err != nil {
			t.Fatal(err)
		}
	}
	call(trace.Attempt(t.Context(), noon))
	if got := seen.got.Get("Traceparent"); len(got) != len(parent) || got[3:35] != traceID || got == parent {
		t.Errorf("traceparent %q", got)
	}
	if len(shared) != 1 {
		t.Errorf("shared headers were changed: %v", shared)
	}
	call(t.Context())
	if seen.got.Get("Traceparent") != "" {
		t.Error("a call without a trace has one")
	}
	trace.End(story())
	if b := end(); len(b.spans) == 0 {
		t.Error("no spans")
	}
}

// TestAttributesAreDocumented: docs/observability.md names every attribute.
func TestAttributesAreDocumented(t *testing.T) {
	t.Parallel()
	names, err := os.ReadFile("names.go")
	if err != nil {
		t.Fatal(err)
	}
	page, err := os.ReadFile("../../docs/observability.md")
	if err != nil {
		t.Fatal(err)
	}
	found := regexp.MustCompile(`= "([a-z_]+[.a-z_]+)"`).FindAllStringSubmatch(string(names), -1)
	for _, name := range found {
		if !strings.Contains(string(page), "`"+name[1]+"`") {
			t.Errorf("docs/observability.md does not name %s", name[1])
		}
	}
	if len(found) < 30 {
		t.Errorf("only %d names found", len(found))
	}
}
