package app

import (
	"net/http"
	"strings"
	"testing"

	"github.com/gantry-ai/gantry/internal/config"
)

// model returns the id of the platform model that serves a name.
func (h *house) model(alias string) string {
	h.t.Helper()
	var models struct {
		Items []struct{ ID, ModelAlias string }
	}
	h.call("GET", "/api/admin/models", h.admin, nil, &models, 200)
	for _, m := range models.Items {
		if m.ModelAlias == alias {
			return m.ID
		}
	}
	h.t.Fatalf("no model %s", alias)
	return ""
}

// deny makes rules that deny a subject a model; back takes them away again.
func (h *house) deny(path, token, kind, subject, model string, back bool) {
	h.t.Helper()
	list := "upsertResources"
	if back {
		list = "deleteResources"
	}
	h.call("POST", path, token, map[string]any{
		"subjectType": kind, "subjectId": subject, "effect": "deny",
		list: []any{map[string]any{"resourceType": "platform_model", "resourceId": model}},
	}, nil, 200)
}

// asked asks for the model sim-chat and holds the status of the answer against what is expected.
func (h *house) asked(what, key string, want int) {
	h.t.Helper()
	resp, text := h.send("POST", "/v1/chat/completions", key, chat("sim-chat", false))
	if resp.StatusCode != want || want == http.StatusNotFound && !strings.Contains(string(text), `"model_not_found"`) {
		h.t.Errorf("%s: %d %s, want %d", what, resp.StatusCode, text, want)
	}
}

// TestAccessRulesAreInForceAtOnce: from the answer that confirms a rule on.
func TestAccessRulesAreInForceAtOnce(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	ann, bob := h.invite("ann", ""), h.invite("bob", "")
	model := h.model("sim-chat")
	h.asked("before", ann.key, 200)
	h.deny("/api/admin/access-rules/batch", h.admin, "user", ann.id.String(), model, false)
	h.asked("denied", ann.key, 404)
	h.asked("somebody else", bob.key, 200)
	for path, key := range map[string]string{"/v1/models": ann.key, "/v1/models/sim-chat": ann.key, "/api/v1/models": ann.key} {
		if _, text := h.send("GET", path, key, nil); strings.Contains(string(text), `"sim-chat"`) {
			t.Errorf("%s names what is denied: %s", path, text)
		}
	}
	var explained struct {
		Verdict    string
		Candidates []struct{ Gate, AccessRuleID string }
	}
	h.call("POST", "/api/console/routes/explain", h.admin, map[string]any{
		"model": "sim-chat", "subject": map[string]any{"userId": ann.id.String()},
	}, &explained, 200)
	if explained.Verdict != "refused" || explained.Candidates[0].Gate != "access" || explained.Candidates[0].AccessRuleID == "" {
		t.Errorf("explained %+v", explained)
	}
	h.deny("/api/admin/access-rules/batch", h.admin, "user", ann.id.String(), model, true)
	h.asked("allowed again", ann.key, 200)
}

// TestAccessRulesReachOtherNodes: at their next look at the version, which is every second.
func TestAccessRulesReachOtherNodes(t *testing.T) {
	t.Parallel()
	nodes := twoNodes(t, func(*config.Config) {})
	ann := nodes[0].invite("ann", "")
	model := nodes[0].model("sim-chat")
	nodes[1].asked("before", ann.key, 200)

	var login struct{ AccessToken string }
	nodes[0].call("POST", "/api/v1/auth/login", "", map[string]any{"account": "ann", "password": "a long password"}, &login, 200)
	var keys struct{ Items []struct{ ID string } }
	nodes[0].call("GET", "/api/v1/api-keys", login.AccessToken, nil, &keys, 200)
	for _, back := range []bool{false, true} {
		nodes[0].deny("/api/v1/api-keys/access-rules/batch", login.AccessToken, "api_key", keys.Items[0].ID, model, back)
		want := map[bool]int{false: 404, true: 200}[back]
		nodes[0].asked("here", ann.key, want)
		nodes[1].poll(t.Context())
		nodes[1].asked("elsewhere", ann.key, want)
	}
}
