package e2e

import (
	"net/http"
	"slices"
	"syscall"
	"testing"
)

// TestRevokedKeyStaysOutOverARestart: callers never notice a key that the upstream refuses, and neither a restart nor an
// administrator is needed to know of it.
func TestRevokedKeyStaysOutOverARestart(t *testing.T) {
	t.Parallel()
	up, data := fakeUpstream(t), t.TempDir()
	in := start(t, data)
	var p struct {
		ID string `json:"id"`
	}
	in.call(http.MethodPost, "/api/admin/platforms", in.admin, map[string]any{
		"provider": "openai", "name": "Fake", "baseUrl": "http://" + up.Address + "/v1",
		"config": map[string]any{"credentialStrategy": "polling"},
		"credentials": map[string]any{"keys": []any{
			map[string]any{"key": "sk-revoked-0123456789"}, map[string]any{"key": up.Key},
		}},
	}, &p, 201)
	in.call(http.MethodPost, "/api/admin/platforms/"+p.ID+"/models", in.admin, map[string]any{
		"modelAlias": "gpt-4o-mini", "providerModelName": "gpt-4o-mini", "modelType": []string{"chat"}, "enabled": true,
	}, nil, 201)
	u := in.newUser("rota", "100")
	for range 20 {
		in.call(http.MethodPost, "/v1/chat/completions", u.key, map[string]any{
			"model": "gpt-4o-mini", "max_tokens": 5, "messages": []any{map[string]any{"role": "user", "content": "hi"}},
		}, nil, 200)
	}
	if got := in.gates("gpt-4o-mini"); !slices.Equal(got, []string{"disabled", "passed"}) {
		t.Errorf("gates %v", got)
	}
	in.stop(syscall.SIGTERM)
	in = start(t, data)
	if got := in.gates("gpt-4o-mini"); !slices.Equal(got, []string{"disabled", "passed"}) {
		t.Errorf("gates after a restart %v", got)
	}
}

// gates are those of a model's candidates.
func (in *installation) gates(model string) []string {
	in.t.Helper()
	var e struct {
		Candidates []struct {
			Gate string `json:"gate"`
		} `json:"candidates"`
	}
	in.call(http.MethodPost, "/api/console/routes/explain", in.admin, map[string]any{"model": model}, &e, 200)
	var out []string
	for _, c := range e.Candidates {
		out = append(out, c.Gate)
	}
	return out
}
