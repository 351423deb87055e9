package httpx

import (
	"net/http"
	"strings"

	"github.com/go-chi/chi/v5"
)

// shortcut is a router with a table before it.
type shortcut struct {
	chi.Router
	table map[string]http.Handler // of POSTs, by path
}

// Shortcut returns a router whose POSTs to paths without parameters are found in a table: inference is asked for by these, and a walk
// through the tree, which tells handlers what it met on the way, is a thirtieth of a short call. Everything else goes to r, and so
// does what is added later. Error: none but what chi.Walk gives.
func Shortcut(r chi.Router) (chi.Router, error) {
	s := shortcut{r, map[string]http.Handler{}}
	err := chi.Walk(r, func(method, path string, h http.Handler, around ...func(http.Handler) http.Handler) error {
		if method == http.MethodPost && !strings.ContainsAny(path, "{*") {
			s.table[path] = chi.Chain(around...).Handler(h)
		}
		return nil
	})
	return s, err
}

// ServeHTTP implements http.Handler.
func (s shortcut) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	if req.Method == http.MethodPost && req.URL.RawPath == "" {
		if h := s.table[req.URL.Path]; h != nil {
			h.ServeHTTP(w, req)
			return
		}
	}
	s.Router.ServeHTTP(w, req)
}
