package console

import (
	"bytes"
	"errors"
	"io/fs"
	"net/http"
	"path"
	"strings"
	"time"

	"github.com/go-chi/chi/v5"

	"github.com/gantry-ai/gantry/internal/kernel/fault"
	"github.com/gantry-ai/gantry/internal/surface/httpx"
)

// home is where the console lives; its files know.
const home = "/console/"

// policy lets the page load and call nothing but its own origin and run no inline script. Styles may be inline because
// the widgets carry their sizes and theme variables in style attributes and elements.
const policy = "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data: blob:; " +
	"media-src 'self' data: blob:; font-src 'self'; connect-src 'self'; manifest-src 'self'; worker-src 'self'; " +
	"base-uri 'none'; form-action 'self'; frame-ancestors 'none'"

// mediaTypes are set here, because those of the machine may differ.
var mediaTypes = map[string]string{
	".html": "text/html; charset=utf-8", ".js": "text/javascript; charset=utf-8", ".css": "text/css; charset=utf-8",
	".svg": "image/svg+xml", ".json": "application/json", ".png": "image/png", ".ico": "image/x-icon", ".woff2": "font/woff2",
	".txt": "text/plain; charset=utf-8", ".webmanifest": "application/manifest+json",
}

func (s *Surface) mountFiles(r chi.Router) {
	toHome := func(w http.ResponseWriter, req *http.Request) { http.Redirect(w, req, home, http.StatusFound) }
	for _, method := range []string{http.MethodGet, http.MethodHead} {
		r.MethodFunc(method, "/", toHome)
		r.MethodFunc(method, strings.TrimSuffix(home, "/"), toHome)
		r.MethodFunc(method, home+"*", s.file)
	}
}

// file serves a file of the console, and index.html for every path that is none: those are the console's own views.
func (s *Surface) file(w http.ResponseWriter, req *http.Request) {
	h := w.Header()
	h.Set("Content-Security-Policy", policy)
	h.Set("X-Frame-Options", "DENY")
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
	name := strings.TrimPrefix(path.Clean(req.URL.Path), strings.TrimSuffix(home, "/"))
	name = strings.TrimPrefix(name, "/")
	switch {
	case s.Files == nil:
		http.Error(w, "This program was built without the web console.", http.StatusNotFound)
	case strings.HasPrefix(name, "assets/"):
		s.asset(w, req, name)
	case path.Ext(name) != "" && !strings.Contains(name, "/.") && !strings.HasPrefix(name, ".") && s.has(name):
		h.Set("Cache-Control", "no-cache")
		s.serve(w, req, name)
	default:
		h.Set("Cache-Control", "no-cache")
		s.serve(w, req, "index.html")
	}
}

func (s *Surface) has(name string) bool {
	info, err := fs.Stat(s.Files, name)
	return err == nil && info.Mode().IsRegular()
}

// asset serves a file whose name holds a hash of what is in it: it never changes, and when it is missing the page is of
// another version.
func (s *Surface) asset(w http.ResponseWriter, req *http.Request, name string) {
	if path.Ext(name) == ".gz" || !s.has(name) {
		w.Header().Set("Cache-Control", "no-store")
		s.server.Refuse(w, req, fault.ErrNotFound.Saying("There is no such file. Reload the page."))
		return
	}
	w.Header().Set("Cache-Control", "public, max-age=31536000, immutable")
	s.serve(w, req, name)
}

// serve sends a file, compressed if the client can read that and it was compressed beforehand.
func (s *Surface) serve(w http.ResponseWriter, req *http.Request, name string) {
	h := w.Header()
	h.Set("Vary", "Accept-Encoding")
	if kind, ok := mediaTypes[path.Ext(name)]; ok {
		h.Set("Content-Type", kind)
	}
	if httpx.AcceptsGzip(req) {
		if body, err := fs.ReadFile(s.Files, name+".gz"); err == nil {
			h.Set("Content-Encoding", "gzip")
			http.ServeContent(w, req, name, time.Time{}, bytes.NewReader(body))
			return
		}
	}
	body, err := fs.ReadFile(s.Files, name)
	if errors.Is(err, fs.ErrNotExist) {
		err = fault.ErrNotFound
	}
	if err != nil {
		s.server.Refuse(w, req, err)
		return
	}
	http.ServeContent(w, req, name, time.Time{}, bytes.NewReader(body))
}
