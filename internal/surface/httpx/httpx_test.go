package httpx_test

import (
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/go-chi/chi/v5"

	"github.com/gantry-ai/gantry/internal/kernel/fault"
	"github.com/gantry-ai/gantry/internal/surface/httpx"
)

func TestClientAddress(t *testing.T) {
	t.Parallel()
	trusted := []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("::1/128")}
	for _, c := range []struct {
		peer, forwarded, proto, want string
		secure                       bool
	}{
		{"192.0.2.1:5", "", "", "192.0.2.1", false},
		{"192.0.2.1:5", "203.0.113.9", "https", "192.0.2.1", false}, // nobody said that it may speak for others
		{"10.0.0.1:5", "203.0.113.9", "https", "203.0.113.9", true},
		{"10.0.0.1:5", "198.51.100.7, 203.0.113.9, 10.2.3.4", "", "203.0.113.9", false},
		{"10.0.0.1:5", "nonsense", "", "10.0.0.1", false},
		{"10.0.0.1:5", "203.0.113.9, nonsense", "", "10.0.0.1", false},
		{"[::1]:5", "::ffff:203.0.113.9", "", "203.0.113.9", false},
		{"[2001:db8::1%eth0]:5", "", "", "2001:db8::1", false},
	} {
		req := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/", nil)
		req.RemoteAddr = c.peer
		req.Header.Set("X-Forwarded-For", c.forwarded)
		req.Header.Set("X-Forwarded-Proto", c.proto)
		h := httpx.Edge(trusted)(http.HandlerFunc(func(_ http.ResponseWriter, req *http.Request) {
			if got := httpx.Client(req).IP; got != c.want || httpx.Address(req).String() != c.want || httpx.Secure(req) != c.secure {
				t.Errorf("%s for %q: %s, secure %v", c.peer, c.forwarded, got, httpx.Secure(req))
			}
		}))
		h.ServeHTTP(httptest.NewRecorder(), req)
	}
}

func TestRequestID(t *testing.T) {
	t.Parallel()
	for given, kept := range map[string]bool{
		"abc-123": true, strings.Repeat("a", 128): true, strings.Repeat("a", 129): false, "": false, "a b": false, "a\x7fb": false, "ä": false,
	} {
		req := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/", nil)
		req.Header.Set("X-Request-Id", given)
		rec := httptest.NewRecorder()
		httpx.Edge(nil)(http.HandlerFunc(func(_ http.ResponseWriter, req *http.Request) {
			if (httpx.RequestID(req) == given) != kept || httpx.RequestID(req) == "" {
				t.Errorf("%q became %q", given, httpx.RequestID(req))
			}
		})).ServeHTTP(rec, req)
		if rec.Header().Get("X-Content-Type-Options") != "nosniff" {
			t.Errorf("headers %v", rec.Header())
		}
	}
}

func FuzzDecodeSeesWhatItChecked(f *testing.F) {
	for _, seed := range []string{`{"a":1}`, `{"a":1,"A":2}`, `{"\u0061":1,"a":2}`, `{"a":{"b":1,"b":2}}`, `[]`, `{"a":1}x`, "{\"a\":\"\xff\"}"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, body string) {
		req := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/", strings.NewReader(body))
		req.Header.Set("Content-Type", "application/json; charset=UTF-8")
		var v struct {
			A any `json:"a"`
		}
		err := httpx.Decode(req, &v)
		if f := fault.From(err); f != nil && f.Status >= 500 {
			t.Errorf("%q: %v", body, err)
		}
	})
}

func TestDuplicatesAreRefused(t *testing.T) {
	t.Parallel()
	for body, at := range map[string]string{
		`{"a":1,"A":2}`: "A", `{"\u0061":1,"a":2}`: "a", `{"a":{"b":1,"b":2}}`: "a.b", `{"a":[{"b":1,"b":2}]}`: "a[0].b",
	} {
		req := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/", strings.NewReader(body))
		req.Header.Set("Content-Type", "application/json")
		var v map[string]any
		if err := httpx.Decode(req, &v); !errors.Is(err, fault.ErrBadJSON) || fault.From(err).Path != at {
			t.Errorf("%s: %v", body, err)
		}
	}
}

func TestTimesInQueries(t *testing.T) {
	t.Parallel()
	q := httpx.QueryOf(httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/?from=2026-01-02&to=2026-01-02&x=2026-01-02T03:04:05%2B08:00", nil))
	from, to := q.Range()
	if x := q.Time(false, "x"); q.Err() != nil || to.Sub(from) != 24*time.Hour || x.Hour() != 19 || x.Day() != 1 {
		t.Errorf("%v to %v, %v, %v", from, to, x, q.Err())
	}
}

func TestPanicIsAnsweredAndLogged(t *testing.T) {
	t.Parallel()
	var log strings.Builder
	s := &httpx.Server{
		Log:  slog.New(slog.NewTextHandler(&log, nil)),
		Fail: func(w http.ResponseWriter, _ *http.Request, f *fault.Error) { w.WriteHeader(f.Status) },
	}
	r := chi.NewRouter()
	s.Mount(r, []httpx.Route{{Method: http.MethodGet, Pattern: "/", Access: httpx.Public(), Handler: func(http.ResponseWriter, *httpx.Call) error {
		panic("out of order")
	}}})
	rec := httptest.NewRecorder()
	r.ServeHTTP(rec, httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/", nil))
	if rec.Code != http.StatusInternalServerError || !strings.Contains(log.String(), "out of order") {
		t.Errorf("%d, logged %s", rec.Code, log.String())
	}
}
