package fakeazure

import (
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/gantry-ai/gantry/internal/testkit/fakeopenai"
)

// realtime answers handshakes of sessions, in both forms. It reports false for other requests.
func (s *Server) realtime(w http.ResponseWriter, r *http.Request) bool {
	q := r.URL.Query()
	deployment := q.Get("model")
	switch r.URL.Path {
	case "/openai/v1/realtime":
	case "/openai/realtime":
		if deployment = q.Get("deployment"); !slices.Contains(Versions, q.Get("api-version")) {
			badVersion.write(w)
			return true
		}
	default:
		return false
	}
	if fault := s.authorize(r); fault != nil {
		fault.write(w)
		return true
	}
	name, fault, _ := strings.Cut(deployment, "--")
	if f := faults[fault]; f != nil {
		f.write(w)
		return true
	}
	model, ok := Deployments[name]
	if !ok {
		noDeployment.write(w)
		return true
	}
	r.URL.Path, r.URL.RawQuery = "/v1/realtime", url.Values{"model": {model}}.Encode()
	r.Header.Set("Authorization", "Bearer "+fakeopenai.DefaultKey)
	s.models.ServeHTTP(w, r)
	return true
}
