package e2e

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
)

// beginMessages asks for a batch of Anthropic's.
func (b *killedBatch) beginMessages(t *testing.T, lines int) {
	t.Helper()
	items := make([]string, lines)
	for n := range items {
		items[n] = fmt.Sprintf(`{"custom_id":"l%d","params":{"model":"gpt-4o-mini","max_tokens":30,"messages":[{"role":"user","content":"l%d"}]}}`, n, n)
	}
	var made struct{ ID string }
	b.ask(t, http.MethodPost, "/v1/messages/batches", "application/json", []byte(`{"requests":[`+strings.Join(items, ",")+`]}`), &made)
	b.id = made.ID
}

// lookMessages tells how the batch is, in the words of the other protocol.
func (b *killedBatch) lookMessages(t *testing.T) {
	t.Helper()
	var now struct {
		Status string                                                          `json:"processing_status"`
		Counts struct{ Processing, Succeeded, Errored, Canceled, Expired int } `json:"request_counts"`
	}
	b.ask(t, http.MethodGet, "/v1/messages/batches/"+b.id, "application/json", nil, &now)
	c := now.Counts
	b.Counts.Completed, b.Counts.Failed = c.Succeeded, c.Errored+c.Canceled+c.Expired
	b.Counts.Total = c.Processing + b.Counts.Completed + b.Counts.Failed
	if now.Status == "ended" {
		b.Status = "completed"
	}
}

// results are how the requests have ended, by name: 200 for those with a message.
func (b *killedBatch) results(t *testing.T) map[string]int {
	t.Helper()
	ended := map[string]int{}
	for line := range strings.Lines(string(b.ask(t, http.MethodGet, "/v1/messages/batches/"+b.id+"/results", "application/json", nil, nil))) {
		var o struct {
			CustomID string `json:"custom_id"`
			Result   struct {
				Type    string          `json:"type"`
				Message json.RawMessage `json:"message"`
				Error   json.RawMessage `json:"error"`
			} `json:"result"`
		}
		if err := json.Unmarshal([]byte(line), &o); err != nil || ended[o.CustomID] != 0 {
			t.Errorf("%s: %v", line, err)
		}
		switch {
		case o.Result.Type == "succeeded" && o.Result.Message != nil:
			ended[o.CustomID] = http.StatusOK
		case o.Result.Type == "errored" && o.Result.Error != nil:
			ended[o.CustomID] = http.StatusBadGateway
		default:
			t.Errorf("%s", line)
		}
	}
	return ended
}
