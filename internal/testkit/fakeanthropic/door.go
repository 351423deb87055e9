package fakeanthropic

import (
	"bytes"
	"encoding/json"
	"io"
	"maps"
	"net/http"
	"strings"
)

// Answer answers a message that came to another house's door, which has checked the key: Claude's body without its model, the
// version that the house wants instead of the header, and betas as members or as the header. What the body says is judged here.
func (s *Server) Answer(w http.ResponseWriter, r *http.Request, members map[string]json.RawMessage, model string, stream bool) {
	members = maps.Clone(members)
	header := http.Header{"Content-Type": {"application/json"}, "X-Api-Key": {s.options.Keys[0]}, "Anthropic-Version": {Version2023}}
	betas := r.Header.Values("Anthropic-Beta")
	var own []string
	if json.Unmarshal(members["anthropic_beta"], &own) == nil {
		betas = append(betas, own...)
	}
	if len(betas) > 0 {
		header.Set("Anthropic-Beta", strings.Join(betas, ","))
	}
	delete(members, "anthropic_beta")
	delete(members, "anthropic_version")
	members["model"], members["stream"] = marshal(model), marshal(stream)
	body := marshal(members)
	inner := r.Clone(r.Context())
	inner.Header, inner.Body, inner.ContentLength = header, io.NopCloser(bytes.NewReader(body)), int64(len(body))
	inner.URL.Path, inner.URL.RawPath, inner.URL.RawQuery = "/v1/messages", "", ""
	s.ServeHTTP(w, inner)
}
