package app

import (
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/gantry-ai/gantry/internal/config"
	"github.com/gantry-ai/gantry/internal/testkit/fakeopenai"
)

type named struct {
	ID      string `json:"id"`
	BaseURL string `json:"baseUrl"`
}

// TestKeysGoToTheirOwnProvider: several providers speak one dialect, and none of them may see another's key.
func TestKeysGoToTheirOwnProvider(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	var p named
	h.call("POST", "/api/admin/platforms", h.admin, map[string]any{
		"provider": "deepseek", "name": "DeepSeek", "credentials": map[string]any{"apiKey": "k"},
	}, &p, 201)
	if p.BaseURL != "https://api.deepseek.com/v1" {
		t.Errorf("the key of DeepSeek goes to %s", p.BaseURL)
	}

	fake := fakeopenai.New(fakeopenai.Options{})
	server := httptest.NewServer(fake)
	defer server.Close()
	h.call("POST", "/api/admin/catalog/providers", h.admin, map[string]any{
		"providerKey": "acme", "displayName": "Acme", "providerType": "openai", "defaultBaseUrl": server.URL + "/v1",
	}, nil, 201)
	h.call("POST", "/api/admin/platforms", h.admin, map[string]any{
		"provider": "acme", "name": "Acme", "credentials": map[string]any{"apiKey": fakeopenai.DefaultKey},
	}, &p, 201)
	h.call("PUT", "/api/admin/platforms/"+p.ID+"/models", h.admin, map[string]any{
		"models": []any{map[string]any{"modelAlias": "acme-1", "providerModelName": "gpt-4o-mini", "modelType": []string{"chat"}}},
	}, nil, 200)
	h.call("POST", "/v1/chat/completions", h.invite("ada", "10").key, chat("acme-1", false), nil, 200)
	if calls := fake.Requests(); len(calls) != 1 || calls[0].Model != "gpt-4o-mini" {
		t.Errorf("the provider was asked %+v", calls)
	}
}

// TestPriorityReachesOtherNodes: a dynamic priority is in force at once where it is set, and elsewhere with the next poll.
func TestPriorityReachesOtherNodes(t *testing.T) {
	t.Parallel()
	nodes := twoNodes(t, func(*config.Config) {})
	ids := map[string]string{}
	for _, name := range []string{"one", "two"} {
		var p named
		nodes[0].call("POST", "/api/admin/platforms", nodes[0].admin, map[string]any{
			"provider": "simulation", "name": name, "priority": len(ids),
		}, &p, 201)
		nodes[0].call("PUT", "/api/admin/platforms/"+p.ID+"/models", nodes[0].admin, map[string]any{
			"models": []any{map[string]any{"modelAlias": "m", "providerModelName": "sim-chat", "modelType": []string{"chat"}}},
		}, nil, 200)
		ids[name] = p.ID
	}
	foremost := func() (out []string) {
		nodes[1].poll(t.Context())
		for _, n := range nodes {
			out = append(out, n.relay.Snapshot().Route("m").Targets[0].Platform.Name)
		}
		return out
	}
	for _, step := range []struct {
		body map[string]any
		want string
	}{{map[string]any{"dynamicPriority": -1}, "two"}, {map[string]any{"reset": true}, "one"}} {
		nodes[0].call("PATCH", "/api/admin/platforms/"+ids["two"]+"/dynamic-priority", nodes[0].admin, step.body, nil, 200)
		if got := foremost(); !slices.Equal(got, []string{step.want, step.want}) {
			t.Errorf("after %v the nodes try %v first", step.body, got)
		}
	}
}

// TestCallsOutliveTheirPlatform reads a call and what it cost after its platform, and then its base model, are gone.
func TestCallsOutliveTheirPlatform(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.connect(map[string]string{"gpt-4o-mini": "chat"})
	ada := h.invite("ada", "10")
	h.call("POST", "/v1/chat/completions", ada.key, chat("gpt-4o-mini", false), nil, 200)
	if err := h.journal.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	var platforms struct{ Items []named }
	h.call("GET", "/api/admin/platforms", h.admin, nil, &platforms, 200)
	h.call("DELETE", "/api/admin/platforms/"+platforms.Items[len(platforms.Items)-1].ID, h.admin, nil, nil, 204)
	h.call("POST", "/v1/chat/completions", ada.key, chat("gpt-4o-mini", false), nil, 404)

	var calls struct{ Items []named }
	h.call("GET", "/api/workspace/tasks", ada.key, nil, &calls, 200)
	if len(calls.Items) != 1 {
		t.Fatalf("calls %+v", calls)
	}
	_, task := h.send("GET", "/api/workspace/tasks/"+calls.Items[0].ID, ada.key, nil)
	_, entries := h.send("GET", "/api/workspace/wallet/transactions", ada.key, nil)
	if !strings.Contains(string(task), `"platformName":"Fake"`) || !strings.Contains(string(entries), calls.Items[0].ID) {
		t.Errorf("task %s\nentries %s", task, entries)
	}
}

// TestStartingCatalogueIsItsOwnDefault resets what came with Gantry: nothing changes, until somebody changed something.
func TestStartingCatalogueIsItsOwnDefault(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	var before, after struct{ Items []map[string]any }
	h.call("GET", "/api/admin/catalog/base-models", "", nil, &before, 200)
	version := h.relay.Snapshot().Version
	h.call("POST", "/api/admin/catalog/base-models/reset-all", h.admin, nil, &after, 200)
	if len(before.Items) == 0 || len(after.Items) != len(before.Items) || h.relay.Snapshot().Version != version {
		t.Errorf("%d models, then %d, version %d, then %d", len(before.Items), len(after.Items), version, h.relay.Snapshot().Version)
	}
	model := "/api/admin/catalog/base-models/" + before.Items[0]["id"].(string) //nolint:forcetypeassert // of the contract
	h.call("PATCH", model, h.admin, map[string]any{"displayName": "Mine", "baseBillingConfig": nil}, nil, 200)
	h.call("POST", "/api/admin/catalog/base-models/reset-all", h.admin, nil, &after, 200)
	first := after.Items[0]
	if first["customizedAt"] != nil || first["baseBillingConfig"] == nil || first["pricingVersion"] != 3.0 {
		t.Errorf("reset to %v", first)
	}
}
