package app

import (
	"compress/gzip"
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/alicebob/miniredis/v2"
	collector "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	"google.golang.org/protobuf/proto"

	"github.com/gantry-ai/gantry/internal/config"
	"github.com/gantry-ai/gantry/internal/kernel/secret"
)

// spanNames is a collector that keeps the names of spans, by trace.
type spanNames struct {
	mu    sync.Mutex
	names map[string][]string
}

func (s *spanNames) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	var batch collector.ExportTraceServiceRequest
	unpacked, err := gzip.NewReader(req.Body)
	if err != nil {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	body, err := io.ReadAll(unpacked)
	if err != nil || proto.Unmarshal(body, &batch) != nil {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, r := range batch.GetResourceSpans() {
		for _, scope := range r.GetScopeSpans() {
			for _, span := range scope.GetSpans() {
				trace := string(span.GetTraceId())
				s.names[trace] = append(s.names[trace], span.GetName())
			}
		}
	}
}

// TestACallIsTraced from the caller's trace to the upstream and to the collector, and the log names the trace.
func TestACallIsTraced(t *testing.T) {
	t.Parallel()
	seen := &spanNames{names: map[string][]string{}}
	server := httptest.NewServer(seen)
	t.Cleanup(server.Close)
	var log safeLog
	h := newHouse(t, func(a *App) {
		a.cfg.Tracing = config.Tracing{Endpoint: server.URL, SampleRatio: "0", Propagate: true}
		a.log = newLogger(config.Log{Level: "info", Format: "json"}, &log)
	})
	fake := h.connect(map[string]string{"gpt-4o-mini": "chat"})
	who := h.invite("who", "10")
	const traceID = "0af7651916cd43dd8448eb211c80319c"
	for _, parent := range []string{"00-" + traceID + "-b7ad6b7169203331-01", ""} {
		resp, text := h.send("POST", "/v1/chat/completions", who.key, chat("gpt-4o-mini", true), "Traceparent", parent)
		if resp.StatusCode != http.StatusOK {
			t.Fatalf("%d %s", resp.StatusCode, text)
		}
	}
	sent := fake.Requests()
	if got := sent[0].Header.Get("Traceparent"); !strings.HasPrefix(got, "00-"+traceID+"-") || strings.Contains(got, "b7ad6b7169203331") {
		t.Errorf("the upstream was told %q", got)
	}
	if got := sent[1].Header.Get("Traceparent"); got != "" {
		t.Errorf("the upstream was told %q of a call that is not traced", got)
	}
	if lines := log.lines(t, "request"); len(lines) != 2 || lines[0]["trace_id"] != traceID || lines[1]["trace_id"] != nil {
		t.Errorf("lines %v", lines)
	}
	for name := range log.lines(t, "request")[0] {
		if !slices.Contains([]string{"time", "level", "msg"}, name) && !strings.Contains(watched(t), "`"+name+"`") {
			t.Errorf("docs/observability.md does not explain %s of the log", name)
		}
	}
	if err := h.tracer.Close(context.Background()); err != nil {
		t.Fatal(err)
	}
	if len(seen.names) != 1 {
		t.Fatalf("%d traces, want the caller's", len(seen.names))
	}
	for trace, names := range seen.names {
		slices.Sort(names)
		want := "admit attempt chat gpt-4o-mini deliver prepare record reserve resolve settle"
		if got := strings.Join(names, " "); got != want || len(trace) != 16 {
			t.Errorf("spans %s, want %s", got, want)
		}
	}
}

// watched is the page that lists what can be watched.
func watched(t *testing.T) string {
	t.Helper()
	page, err := os.ReadFile("../../docs/observability.md")
	if err != nil {
		t.Fatal(err)
	}
	return string(page)
}

// TestMetricsAreDocumented: docs/observability.md names every metric of ours and no other.
func TestMetricsAreDocumented(t *testing.T) {
	t.Parallel()
	redis := miniredis.RunT(t)
	h := newHouse(t, func(a *App) { a.cfg.Limits.Redis.URL = secret.New("redis://" + redis.Addr()) })
	who := h.invite("who", "")
	h.call("POST", "/v1/chat/completions", who.key, chat("sim-chat", true), nil, 200)
	h.call("POST", "/v1/chat/completions", who.key, chat("nothing", false), nil, 404)
	failing, text := h.send("POST", "/v1/chat/completions", who.key, chat("sim-chat", false), "X-Simulation", "fault=500")
	if failing.StatusCode < 500 {
		t.Fatalf("%d %s", failing.StatusCode, text)
	}
	if err := h.journal.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	families, err := h.reg.Gather()
	if err != nil {
		t.Fatal(err)
	}
	var told []string
	for _, f := range families {
		if strings.HasPrefix(f.GetName(), "gantry_") {
			told = append(told, f.GetName())
		}
		for _, m := range f.GetMetric() {
			if name := f.GetName(); name == "gantry_limits_redis_up" && m.GetGauge().GetValue() != 1 ||
				name == "gantry_journal_backlog" && m.GetGauge().GetValue() != 0 ||
				name == "gantry_journal_records_total" && m.GetCounter().GetValue() != 3 ||
				name == "gantry_journal_commit_duration_seconds" && m.GetHistogram().GetSampleCount() == 0 {
				t.Errorf("%s: %v", name, m)
			}
		}
	}
	documented := regexp.MustCompile("`gantry_[a-z_]+").FindAllString(watched(t), -1)
	for i := range documented {
		documented[i] = documented[i][1:]
	}
	for _, name := range told {
		if !slices.Contains(documented, name) {
			t.Errorf("%s is not in docs/observability.md", name)
		}
	}
	for _, name := range documented {
		if !slices.Contains(told, name) {
			t.Errorf("docs/observability.md names %s, which is not told", name)
		}
	}
}

// TestACollectorThatIsAwayDelaysNothing: calls are served, and the end is not held up by it.
func TestACollectorThatIsAwayDelaysNothing(t *testing.T) {
	t.Parallel()
	block := make(chan struct{})
	server := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { <-block }))
	t.Cleanup(server.Close)
	t.Cleanup(func() { close(block) })
	h := newHouse(t, func(a *App) { a.cfg.Tracing = config.Tracing{Endpoint: server.URL, SampleRatio: "1"} })
	who := h.invite("who", "")
	h.call("POST", "/v1/chat/completions", who.key, chat("sim-chat", true), nil, 200)
	began := h.now()
	h.endTracing(context.Background())
	if took := h.now().Sub(began); took > 5*lastTraces {
		t.Errorf("the end took %v", took)
	}
}
