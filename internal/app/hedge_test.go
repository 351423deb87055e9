package app

import (
	"net/http"
	"testing"

	"github.com/gantry-ai/gantry/internal/testkit/fakeopenai"
)

// connectSecond makes a fake upstream the platform that is tried after the one of connect.
func (h *house) connectSecond(model string) *fakeopenai.Server {
	h.t.Helper()
	fake, platform := h.fakePlatform("Second", 100_000)
	h.call("POST", "/api/admin/platforms/"+platform+"/models", h.admin, map[string]any{
		"modelAlias": model, "providerModelName": model, "modelType": []string{"chat"}, "enabled": true,
	}, nil, 201)
	return fake
}

// hedgedTask is what callers see of a task that may have been hedged.
type hedgedTask struct {
	PlatformName string `json:"platformName"`
	Attempts     []struct {
		PlatformName string `json:"platformName"`
		Verdict      string `json:"verdict"`
		Category     string `json:"category"`
	} `json:"attempts"`
	Route struct {
		Cause string `json:"cause"`
	} `json:"route"`
}

// TestHedgedOnceSaid: the runner policy has slow calls hedged as soon as it is changed, through the whole house; those of
// tasks are not, for nobody waits for them.
func TestHedgedOnceSaid(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, h *house) {
		t.Helper()
		const model = "gpt-4o-mini"
		u := h.invite("ada", "1")
		first, second := h.connect(map[string]string{model: "chat"}), h.connectSecond(model)
		h.call("PATCH", runner, h.admin, map[string]any{
			"failoverPolicy": map[string]any{"hedge": map[string]any{"enabled": true, "afterMs": 50}},
		}, nil, 200)
		for i, stream := range []bool{false, true} {
			first.Script(fakeopenai.Step{Fault: "hang"})
			resp, text := h.send("POST", "/v1/chat/completions", u.key, chat(model, stream))
			if resp.StatusCode != http.StatusOK || len(second.Requests()) != i+1 {
				t.Fatalf("%d %s, the second was asked %d times", resp.StatusCode, text, len(second.Requests()))
			}
			v := h.latest(u.key)
			if len(v.Attempts) != 2 || v.Attempts[0].Verdict != "hedged_lost" || v.Attempts[0].Category != "canceled" ||
				v.Attempts[1].Verdict != "served" || v.PlatformName != "Second" || v.Route.Cause != "hedge" {
				t.Errorf("the task says %+v", v)
			}
			for range 4 { // hedges are paid by the requests that are made
				if resp, text := h.send("POST", "/v1/chat/completions", u.key, chat(model, stream)); resp.StatusCode != http.StatusOK {
					t.Fatalf("%d %s", resp.StatusCode, text)
				}
			}
		}
		first.Script(fakeopenai.Step{Fault: "slow", Ms: 300})
		h.runTasks()
		task := h.accept("/api/v1/chat/completions", u.key, chat(model, false))
		h.follow(task.ID, u.key)
		if v := h.task(task.ID, u.key); v.Status != "succeeded" || len(v.Attempts) != 1 || len(second.Requests()) != 2 {
			t.Errorf("%+v, the second was asked %d times", v, len(second.Requests()))
		}
		h.clean()
	})
}

// latest is the newest task of a caller.
func (h *house) latest(token string) (v hedgedTask) {
	h.t.Helper()
	if err := h.journal.Flush(h.t.Context()); err != nil {
		h.t.Fatal(err)
	}
	var list struct {
		Items []struct {
			ID string `json:"id"`
		} `json:"items"`
	}
	h.call("GET", "/api/v1/tasks", token, nil, &list, 200)
	if len(list.Items) == 0 {
		h.t.Fatal("there is no task")
	}
	h.call("GET", "/api/v1/tasks/"+list.Items[0].ID, token, nil, &v, 200)
	return v
}
