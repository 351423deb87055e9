package app

import (
	"bufio"
	"context"
	"encoding/json"
	"log/slog"
	"net/http"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// runTasks lets the house's workers work until the test ends.
func (h *house) runTasks() {
	h.t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	if err := h.startTasks(ctx); err != nil {
		h.t.Fatal(err)
	}
	h.t.Cleanup(func() {
		cancel()
		h.stopTasks(context.Background())
	})
}

// taskView is what callers see of a task.
type taskView struct {
	ID, Status, ErrorCode string
	AsyncMode             bool
	Result                json.RawMessage
	BillingSummary        struct {
		AmountText string
		Currency   string
	}
	AttemptCount int
}

// accept sends a call that is to be answered by a task.
func (h *house) accept(path, token string, body any, header ...string) taskView {
	h.t.Helper()
	resp, text := h.send("POST", path, token, body, header...)
	var out struct {
		TaskID string
		Task   taskView
		Next   struct{ Detail, Events string }
	}
	if err := json.Unmarshal(text, &out); err != nil || resp.StatusCode != http.StatusAccepted || out.TaskID != out.Task.ID {
		h.t.Fatalf("%s: %d %s (%v)", path, resp.StatusCode, text, err)
	}
	return out.Task
}

// follow reads a task's events to their end and returns their names.
func (h *house) follow(task, token string, header ...string) (names []string) {
	h.t.Helper()
	req, err := http.NewRequestWithContext(h.t.Context(), "GET", h.url+"/api/v1/tasks/"+task+"/events", http.NoBody)
	if err != nil {
		h.t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+token)
	for i := 0; i+1 < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		h.t.Fatal(err)
	}
	defer resp.Body.Close()
	lines := bufio.NewScanner(resp.Body)
	for lines.Scan() {
		if name, ok := strings.CutPrefix(lines.Text(), "event: "); ok {
			names = append(names, name)
		}
	}
	return names
}

func (h *house) task(task, token string) (v taskView) {
	h.t.Helper()
	h.call("GET", "/api/v1/tasks/"+task, token, nil, &v, 200)
	return v
}

func TestACallIsAcceptedRunAndCharged(t *testing.T) {
	t.Parallel()
	h := newHouse(t, func(a *App) { a.log = slog.New(slog.NewTextHandler(os.Stderr, nil)) })
	u := h.invite("ada", "")
	accepted := h.accept("/api/v1/chat/completions", u.key, chat("sim-chat", true))
	if accepted.Status != "queued" || !accepted.AsyncMode {
		t.Errorf("accepted as %+v", accepted)
	}
	h.runTasks()
	want := []string{"task.accepted", "task.queued", "task.running", "task.succeeded"}
	if diff := cmp.Diff(want, h.follow(accepted.ID, u.key)); diff != "" {
		t.Errorf("events (-want +got)\n%s", diff)
	}
	if diff := cmp.Diff(want[2:], h.follow(accepted.ID, u.key, "Last-Event-ID", "2")); diff != "" {
		t.Errorf("resumed (-want +got)\n%s", diff)
	}
	v := h.task(accepted.ID, u.key)
	if v.Status != "succeeded" || v.BillingSummary.AmountText == "" || v.BillingSummary.AmountText == "0" || !strings.Contains(string(v.Result), `"chat.completion"`) {
		t.Errorf("ended as %+v, result %s", v, v.Result)
	}
	h.clean()
}

// clean holds the books against what must be true.
func (h *house) clean() {
	h.t.Helper()
	found, err := h.store.Wallet().Verify(h.t.Context())
	if err != nil || !found.Clean() {
		h.t.Errorf("the books are not right (%v): %+v", err, found.Checks)
	}
}
