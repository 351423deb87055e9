package gateway

import (
	"bytes"
	"net/http"
	"strings"
	"time"
	"unicode"

	"github.com/go-chi/chi/v5"

	"github.com/gantry-ai/gantry/internal/kernel/fault"
	"github.com/gantry-ai/gantry/internal/surface/httpx"
)

// assetPolicy lets a file be looked at, and nothing in it run.
const assetPolicy = "default-src 'none'; img-src 'self'; media-src 'self'; style-src 'unsafe-inline'; sandbox"

// simulationAsset serves a file of the simulation's. What is not found is said in plain text: pages show these files by
// their address alone (E13).
func (s *Surface) simulationAsset(w http.ResponseWriter, call *httpx.Call) error {
	name := chi.URLParam(call.Request, "asset")
	body, contentType, ok := s.Asset(name)
	if !ok && strings.ContainsFunc(name, unicode.IsControl) {
		return fault.ErrNotFound // no name at all
	}
	if !ok {
		http.Error(w, "There is no such asset.", http.StatusNotFound)
		return nil
	}
	h := w.Header()
	h.Set("Content-Type", contentType)
	h.Set("Content-Security-Policy", assetPolicy)
	h.Set("Cache-Control", "public, max-age=86400")
	req := call.Request
	if strings.Contains(req.Header.Get("Range"), ",") { // several ranges may be answered whole
		req = req.Clone(req.Context())
		req.Header.Del("Range")
	}
	http.ServeContent(w, req, "", time.Time{}, bytes.NewReader(body))
	return nil
}
