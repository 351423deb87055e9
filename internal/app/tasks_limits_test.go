package app

import (
	"fmt"
	"net/http"
	"testing"

	"github.com/gantry-ai/gantry/internal/kernel/money"
	"github.com/gantry-ai/gantry/internal/kernel/secret"
	"github.com/gantry-ai/gantry/internal/testkit/pgtest"
)

// held is what is set aside of a person's wallet.
func (h *house) held(who guest) money.Amount {
	h.t.Helper()
	found, err := h.store.Wallet().WalletsOf(h.t.Context(), who.id)
	if err != nil {
		h.t.Fatal(err)
	}
	var sum money.Amount
	for _, w := range found {
		sum += w.Held
	}
	return sum
}

// TestARestartKeepsWhatQuotasPromised accepts a task under a quota of one call, and has another process begin with it: that
// must leave the quota to the task, run it, and give back what it did not need.
func TestARestartKeepsWhatQuotasPromised(t *testing.T) {
	t.Parallel()
	url := secret.New(pgtest.New(t))
	open := func() *house { return newHouse(t, func(a *App) { a.cfg.Database.URL = url }) }
	h := open()
	u := h.invite("ada", "")
	v := h.accept("/api/v1/chat/completions", u.key, chat("sim-chat", false))
	quota := 2*h.held(u) - 1
	h.limit(u, `{}`, fmt.Sprintf(`{"currency":"SIM","total":%q}`, quota.Text(money.SIM)))

	after := open()
	if err := after.worker.Remember(t.Context()); err != nil {
		t.Fatal(err)
	}
	if resp, text := after.send("POST", "/v1/chat/completions", u.key, chat("sim-chat", false)); resp.StatusCode != http.StatusPaymentRequired {
		t.Errorf("a call took what was promised to the task: %d %s", resp.StatusCode, text)
	}
	after.runTasks()
	after.follow(v.ID, u.key)
	if v = after.task(v.ID, u.key); v.Status != "succeeded" {
		t.Errorf("the task ended as %+v", v)
	}
	if resp, text := after.send("POST", "/v1/chat/completions", u.key, chat("sim-chat", false)); resp.StatusCode != http.StatusOK {
		t.Errorf("a call after the task: %d %s", resp.StatusCode, text)
	}
	after.clean()
}
