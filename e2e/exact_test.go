package e2e

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
)

// once makes a call and returns its status, 0 when the connection broke, and the code of an error.
func (in *installation) once(client *http.Client, key, model, requestID string) (int, string) {
	body := fmt.Sprintf(`{"model":%q,"max_tokens":5,"messages":[{"role":"user","content":"hi"}]}`, model)
	req, err := http.NewRequest(http.MethodPost, in.url+"/v1/chat/completions", strings.NewReader(body))
	if err != nil {
		in.t.Error(err)
		return 0, ""
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Authorization", "Bearer "+key)
	req.Header.Set("X-Request-Id", requestID)
	resp, err := client.Do(req)
	if err != nil {
		return 0, ""
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		return 0, ""
	}
	_, code, _ := strings.Cut(string(text), `"code":"`)
	code, _, _ = strings.Cut(code, `"`)
	return resp.StatusCode, code
}

// perCallModel connects an upstream with a model that costs one dollar a call, whatever it does.
func (in *installation) perCallModel(up upstream) {
	in.t.Helper()
	var p struct {
		ID string `json:"id"`
	}
	in.call(http.MethodPost, "/api/admin/platforms", in.admin, map[string]any{
		"provider": "openai", "name": "Fake", "baseUrl": "http://" + up.Address + "/v1", "credentials": map[string]any{"apiKey": up.Key},
	}, &p, 201)
	in.call(http.MethodPost, "/api/admin/platforms/"+p.ID+"/models", in.admin, map[string]any{
		"modelAlias": "per-call", "providerModelName": "gpt-4o-mini", "modelType": []string{"chat"}, "enabled": true,
		"billingConfig": map[string]any{"currency": "USD", "rules": []any{
			map[string]any{"resourceType": "request", "unit": "request", "basePrice": 1},
		}},
	}, nil, 201)
}

// TestWalletThatAffordsKServesExactlyK lets 500 calls at once loose on a wallet that pays for k of them, 100 times.
func TestWalletThatAffordsKServesExactlyK(t *testing.T) {
	t.Parallel()
	const rounds, callers = 100, 500
	in := start(t, t.TempDir(), "GANTRY_LOG_LEVEL=error")
	in.perCallModel(fakeUpstream(t))
	u := in.newUser("exact", "0")
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: callers}}
	defer client.CloseIdleConnections()
	for round := range rounds {
		k := round % 23
		in.call(http.MethodPatch, "/api/admin/users/"+u.id+"/wallet", in.admin,
			map[string]any{"balance": k, "currency": "USD", "reason": "round"}, nil, 200)
		var served, refused atomic.Int64
		var all sync.WaitGroup
		for i := range callers {
			all.Go(func() {
				switch status, code := in.once(client, u.key, "per-call", fmt.Sprintf("exact-%d-%d", round, i)); {
				case status == http.StatusOK:
					served.Add(1)
				case status == http.StatusPaymentRequired && code == "insufficient_balance":
					refused.Add(1)
				default:
					t.Errorf("round %d: %d %s", round, status, code)
				}
			})
		}
		all.Wait()
		if served.Load() != int64(k) || refused.Load() != int64(callers-k) {
			t.Fatalf("round %d: %d served and %d refused, want %d and %d", round, served.Load(), refused.Load(), k, callers-k)
		}
	}
}

// TestDiskThatFailsStopsAdmission lets the journal's disk fail in the middle of the load: calls are refused with 503 from
// then on, and every answer that came before is charged when the program starts again.
func TestDiskThatFailsStopsAdmission(t *testing.T) {
	t.Parallel()
	data := t.TempDir()
	first := start(t, data)
	u := first.newUser("disk", "")
	if code := first.stop(syscall.SIGTERM); code != 0 {
		t.Fatal("gantry ended with", code)
	}
	in := launchBinary(t, "gantry-crash", data, "GANTRY_CRASH=eio:25", "GANTRY_SHUTDOWN_TIMEOUT=10s")
	delivered := map[string]bool{}
	failed := false
	for i := range 200 {
		requestID := fmt.Sprintf("disk-%d", i)
		status, code := in.once(http.DefaultClient, u.key, "sim-chat", requestID)
		switch {
		case status == http.StatusOK && !failed:
			delivered[requestID] = true
		case status == http.StatusServiceUnavailable && code == "billing_unavailable":
			failed = true
		default:
			t.Fatalf("call %d: %d %s, after a failure: %v", i, status, code, failed)
		}
		if failed && i > 60 {
			break
		}
	}
	if !failed || len(delivered) == 0 {
		t.Fatalf("%d delivered, failed: %v", len(delivered), failed)
	}
	if status, _ := in.send(http.MethodGet, "/readyz", "", nil); status != http.StatusServiceUnavailable {
		t.Errorf("readyz says %d", status)
	}
	<-in.ended
	if code := in.cmd.ProcessState.ExitCode(); code != 1 {
		t.Errorf("gantry ended with code %d", code)
	}
	again := launch(t, data)
	for requestID := range delivered {
		var found struct {
			Total int `json:"total"`
			Items []struct {
				Charged json.Number `json:"finalChargeAmount"`
			} `json:"items"`
		}
		again.call(http.MethodGet, "/api/workspace/tasks?q="+requestID, u.token, nil, &found, 200)
		charged := 0
		for _, item := range found.Items {
			if item.Charged != "" && item.Charged != "0" {
				charged++
			}
		}
		if charged == 0 {
			t.Errorf("%s was delivered and is not charged: %+v", requestID, found)
		}
	}
}
