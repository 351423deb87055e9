package httpx_test

import (
	"net/http"
	"net/http/httptest"
	"testing"
	"unicode/utf8"

	"github.com/gantry-ai/gantry/internal/kernel/fault"
	"github.com/gantry-ai/gantry/internal/surface/httpx"
)

// FuzzQuery asks with any query: parameters are in their bounds, and what is wrong is said with a code.
func FuzzQuery(f *testing.F) {
	f.Add("page=2&limit=10&createdFrom=2026-01-01&to=2026-01-02T00:00:00Z&x=1")
	f.Add("page=-1&pageSize=99999999999999999999&from=2026-02-30&id=zz&ok=maybe")
	f.Add("%zz&a;b=%00")
	f.Fuzz(func(t *testing.T, query string) {
		req := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/", http.NoBody)
		req.URL.RawQuery = query
		q := httpx.QueryOf(req)
		page := q.Page()
		from, to := q.Range()
		text, _, word := q.Text("x", "id"), q.Bool("ok"), q.OneOf([]string{"a"}, "x")
		_ = q.ID("id")
		if page.Page < 1 || page.Size < 1 || page.Size > 200 || len(text) > 512 || !utf8.ValidString(text) {
			t.Errorf("%q: %+v %q", query, page, text)
		}
		if err := q.Err(); err != nil {
			if v := fault.From(err); v.Status != 400 || v.Code == "" {
				t.Errorf("%q: %v", query, err)
			}
			return
		}
		if word != "" && word != "a" || !from.IsZero() && !to.IsZero() && from.After(to) {
			t.Errorf("%q: %q, %v to %v", query, word, from, to)
		}
	})
}
