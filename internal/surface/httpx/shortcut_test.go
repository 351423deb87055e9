package httpx_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/go-chi/chi/v5"

	"github.com/gantry-ai/gantry/internal/surface/httpx"
)

// TestShortcutsLeadWhereTheRouterDoes compares the two: what answers, and what is around it. By the router it came if chi's context
// is there.
func TestShortcutsLeadWhereTheRouterDoes(t *testing.T) {
	t.Parallel()
	around := func(name string) func(http.Handler) http.Handler {
		return func(next http.Handler) http.Handler {
			return http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
				_, _ = fmt.Fprint(w, name, " ")
				next.ServeHTTP(w, req)
			})
		}
	}
	answers := func(name string) http.HandlerFunc {
		return func(w http.ResponseWriter, req *http.Request) {
			w.Header().Set("X-Router", fmt.Sprint(chi.RouteContext(req.Context()) != nil))
			_, _ = fmt.Fprint(w, name)
		}
	}
	r := chi.NewRouter()
	r.Use(around("all"))
	r.Post("/plain", answers("plain"))
	r.Get("/plain", answers("read"))
	r.Post("/of/{name}", answers("named"))
	r.Post("/of/one", answers("one"))
	r.With(around("with")).Post("/with", answers("with"))
	r.Post("/twice", answers("first"))
	r.Post("/twice", answers("second"))
	r.Handle("/any", answers("any"))
	r.Group(func(r chi.Router) {
		r.Use(around("group"))
		r.Post("/grouped", answers("grouped"))
	})
	r.Route("/below", func(r chi.Router) {
		r.Use(around("below"))
		r.Post("/", answers("root"))
		r.Post("/deep", answers("deep"))
	})
	short, err := httpx.Shortcut(r)
	if err != nil {
		t.Fatal(err)
	}
	r.Post("/late", answers("late"))
	for _, c := range []struct {
		method, target string
		short          bool
	}{
		{"POST", "/plain", true},
		{"GET", "/plain", false},
		{"PUT", "/plain", false},
		{"POST", "/plain/", false},
		{"POST", "/pl%61in", false},
		{"POST", "/of%2Fone", false},
		{"POST", "/of/x", false},
		{"POST", "/of/one", true},
		{"POST", "/with", true},
		{"POST", "/twice", true},
		{"POST", "/any", true},
		{"GET", "/any", false},
		{"POST", "/grouped", true},
		{"POST", "/below", false},
		{"POST", "/below/", true},
		{"POST", "/below/deep", true},
		{"POST", "/below//deep", false},
		{"POST", "/late", false},
		{"POST", "/none", false},
		{"POST", "/plain?x=1", true},
	} {
		want, got := httptest.NewRecorder(), httptest.NewRecorder()
		r.ServeHTTP(want, httptest.NewRequestWithContext(t.Context(), c.method, c.target, http.NoBody))
		short.ServeHTTP(got, httptest.NewRequestWithContext(t.Context(), c.method, c.target, http.NoBody))
		if got.Code != want.Code || got.Body.String() != want.Body.String() {
			t.Errorf("%s %s: %d %q, want %d %q", c.method, c.target, got.Code, got.Body, want.Code, want.Body)
		}
		if c.short != (got.Header().Get("X-Router") == "false") {
			t.Errorf("%s %s: by the router %q", c.method, c.target, got.Header().Get("X-Router"))
		}
	}
}
